// Entries on their way to and from the host, and direct access for kernels.
import CTorch
public import KymoNumerics

extension Tensor {
  /// The entries in C order as 32-bit floats, copied to the host.
  public var floats: [Float] { hostCopy(of: Float.self, "floats") }
  /// The entries in C order as 64-bit floats, copied to the host.
  public var doubles: [Double] { hostCopy(of: Double.self, "doubles") }
  /// The entries in C order as integers, copied to the host.
  public var integers: [Int] { hostCopy(of: Int.self, "integers") }
  /// The entries in C order as truth values (whether they are not zero), copied to the host.
  public var booleans: [Bool] { hostCopy(of: Bool.self, "booleans") }

  /// The entries and shape as a host array of 32-bit floats.
  public var hostArray: HostArray<Float> { HostArray(floats, shape: hasValue ? shape : [0]) }

  /// The only entry of a tensor with one entry; NaN for a failed result in an error scope.
  public var item: Double {
    var value = Double.nan
    unsafe perform("item", self) { unsafe kt_item(&value, $0) }
    return value
  }

  /// Whether no entry is infinite or NaN.
  public var isFinite: Bool {
    var answer = false
    unsafe perform("isFinite", self) { unsafe kt_all_finite(&answer, $0) }
    return answer
  }

  private func hostCopy<Element: TensorElement>(
    of type: Element.Type, _ operation: StaticString
  ) -> [Element] {
    let count = count
    guard hasValue else {
      unsafe perform(operation, self) { unsafe kt_to_host($0, type.scalarType.code, nil, 0) }
      return []
    }
    return unsafe [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe perform(operation, self) {
        unsafe kt_to_host($0, type.scalarType.code, buffer.baseAddress, Int64(count))
      }
      initialized = count
    }
  }

  /// Overwrites all entries from C order, converting when the types differ; nothing is allocated.
  public func copy<Element: TensorElement>(from source: UnsafeBufferPointer<Element>) {
    unsafe perform("copy(from:)", self) {
      unsafe kt_overwrite(
        $0, Element.scalarType.code, source.baseAddress, Int64(source.count))
    }
  }

  /// Overwrites all entries from an array in C order.
  public func copy(from source: [Float]) {
    unsafe source.withUnsafeBufferPointer { unsafe copy(from: $0) }
  }

  /// Calls `body` with the address of the entries of a contiguous CPU tensor.
  ///
  /// The tensor's type must be that of `Element`. In an error scope `body` is not called when the
  /// tensor has no value.
  public func withUnsafeMutablePointer<Element: TensorElement>(
    of type: Element.Type, _ body: (UnsafeMutablePointer<Element>) throws -> Void
  ) rethrows {
    try withExtendedLifetime(storage) { _ in
      guard let address = unsafe address(of: type) else { return }
      unsafe try body(address)
    }
  }

  /// Calls `body` with the address of the entries of a contiguous CPU tensor of 32-bit floats.
  public func withUnsafeMutablePointer(
    _ body: (UnsafeMutablePointer<Float>) throws -> Void
  ) rethrows {
    unsafe try withUnsafeMutablePointer(of: Float.self, body)
  }

  /// Calls `body` with the address of the entries of a contiguous CPU tensor of 32-bit floats.
  public func withUnsafeFloatPointer(
    _ body: (UnsafePointer<Float>) throws -> Void
  ) rethrows {
    unsafe try withUnsafeMutablePointer(of: Float.self) { unsafe try body(UnsafePointer($0)) }
  }

  /// Calls `body` with the addresses of several contiguous CPU tensors of one type.
  ///
  /// In an error scope `body` is not called when one of them has no value.
  public static func withUnsafeMutablePointers<Element: TensorElement>(
    to tensors: [Tensor], of type: Element.Type,
    _ body: ([UnsafeMutablePointer<Element>]) throws -> Void
  ) rethrows {
    try withExtendedLifetime(tensors) {
      let addresses = unsafe tensors.compactMap { unsafe $0.address(of: type) }
      guard unsafe addresses.count == tensors.count else { return }
      unsafe try body(addresses)
    }
  }

  private func address<Element: TensorElement>(
    of type: Element.Type
  ) -> UnsafeMutablePointer<Element>? {
    unsafe rawAddress(of: type.scalarType)?.assumingMemoryBound(to: type)
  }

  /// Where the entries of a contiguous CPU tensor are; nil when it fails in an error scope.
  func rawAddress(of type: ScalarType) -> UnsafeMutableRawPointer? {
    var raw: UnsafeMutableRawPointer?
    let found = unsafe perform("direct access", self) { unsafe kt_data(&raw, $0, type.code) }
    guard found else { return nil }
    // A tensor without entries may have no address; nobody reads there.
    return unsafe raw ?? UnsafeMutableRawPointer(bitPattern: 16)
  }
}
