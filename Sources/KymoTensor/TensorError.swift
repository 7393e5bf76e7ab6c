// Failures of tensor operations. Operators and methods of `Tensor` do not throw: outside an error
// scope a failure stops the process with the library's words, because it is a mistake in our own
// code. Inside `catchingTensorErrors` the first failure is remembered and thrown at the end.
import CTorch

/// An operation that the tensor library refused.
public struct TensorError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The operation, as our interface names it.
  public var operation: String
  /// What went wrong.
  public var message: String
  /// What to do about it.
  public var remedy: String

  /// Creates an error.
  public init(operation: String, message: String, remedy: String) {
    (self.operation, self.message, self.remedy) = (operation, message, remedy)
  }

  /// What, why and how to mend it, in one line.
  public var description: String { "\(operation): \(message). \(remedy)" }
}

/// Runs `body` and throws the first failure of a tensor operation in it.
///
/// After a failure the operations of the scope yield tensors without a value: their shape is empty,
/// `floats` is empty and `item` is NaN, so the scope runs to its end harmlessly and quickly. The
/// scope holds for the calling thread; scopes may be nested.
///
/// - Throws: ``TensorError``, or what `body` throws.
public func catchingTensorErrors<Result>(_ body: () throws -> Result) throws -> Result {
  let scope = ErrorScope()
  let outer = unsafe kt_thread_slot()
  unsafe kt_set_thread_slot(Unmanaged.passUnretained(scope).toOpaque())
  defer { unsafe kt_set_thread_slot(outer) }
  let result = Swift.Result { try withExtendedLifetime(scope) { try body() } }
  if let first = scope.first { throw first }
  return try result.get()
}

/// The failures of one `catchingTensorErrors`, found through a slot of the thread.
final class ErrorScope {
  private(set) var first: TensorError?

  static var current: ErrorScope? {
    // The slot holds a scope only while `catchingTensorErrors` keeps it alive.
    unsafe kt_thread_slot().map {
      unsafe Unmanaged<ErrorScope>.fromOpaque($0).takeUnretainedValue()
    }
  }

  func remember(_ error: TensorError) { first = first ?? error }
}

extension TensorError {
  /// The failure that the library reported last on this thread.
  init(_ status: kt_status, operation: String) {
    let text = unsafe String(cString: kt_last_error())
    let isMemory = status == KT_OUT_OF_MEMORY
    self.init(
      operation: operation, message: text.hasSuffix(".") ? String(text.dropLast()) : text,
      remedy: isMemory
        ? "Use a smaller batch, fewer channels or shorter crops, or a machine with more memory."
        : "This is a mistake in the calling code: check the shapes and types of its operands.")
  }

  /// Remembers the error in the scope of this thread; stops the process when there is none.
  func report() {
    guard let scope = ErrorScope.current else { fatalError(description) }
    scope.remember(self)
  }
}

/// Whether a call succeeded; a failure is reported.
func succeeded(_ status: kt_status, _ operation: StaticString) -> Bool {
  if status == KT_OK { return true }
  TensorError(status, operation: "\(operation)").report()
  return false
}
