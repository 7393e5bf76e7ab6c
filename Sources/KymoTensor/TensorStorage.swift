// The only owner of a handle of the tensor library, and the helpers through which every operation
// calls it. A helper keeps its operands alive for the length of the call.
import CTorch

/// Owns one tensor of the library and releases it.
@safe final class TensorStorage {
  let handle: kt_tensor
  init(adopting handle: kt_tensor) { unsafe self.handle = handle }
  deinit { unsafe kt_release(handle) }
}

/// The tensor that `call` writes; one without a value when it fails inside an error scope.
func makeTensor(_ operation: StaticString, _ call: (kt_out) -> kt_status) -> Tensor {
  var out: kt_tensor?
  guard unsafe succeeded(call(&out), operation), let out = unsafe out else { return .withoutValue }
  return unsafe Tensor(adopting: out)
}

func makeTensor(
  _ operation: StaticString, _ a: Tensor, _ call: (kt_out, kt_tensor) -> kt_status
) -> Tensor {
  withExtendedLifetime(a.storage) { a in
    unsafe makeTensor(operation) { unsafe call($0, a.handle) }
  }
}

func makeTensor(
  _ operation: StaticString, _ a: Tensor, _ b: Tensor,
  _ call: (kt_out, kt_tensor, kt_tensor) -> kt_status
) -> Tensor {
  withExtendedLifetime((a.storage, b.storage)) { operands in
    unsafe makeTensor(operation) { unsafe call($0, operands.0.handle, operands.1.handle) }
  }
}

func makeTensor(
  _ operation: StaticString, _ a: Tensor, _ b: Tensor, _ c: Tensor?,
  _ call: (kt_out, kt_tensor, kt_tensor, kt_tensor?) -> kt_status
) -> Tensor {
  withExtendedLifetime((a.storage, b.storage, c?.storage)) { operands in
    unsafe makeTensor(operation) {
      unsafe call($0, operands.0.handle, operands.1.handle, operands.2?.handle)
    }
  }
}

func makeTensor(
  _ operation: StaticString, _ parts: [Tensor], _ call: (kt_out, kt_inputs, Int64) -> kt_status
) -> Tensor {
  unsafe withHandles(parts) { parts, count in
    unsafe makeTensor(operation) { unsafe call($0, parts, count) }
  }
}

/// Calls `body` with the handles of `tensors`, which stay alive meanwhile.
func withHandles<Result>(
  _ tensors: [Tensor], _ body: (kt_inputs, Int64) throws -> Result
) rethrows -> Result {
  try withExtendedLifetime(tensors) {
    let handles = unsafe tensors.map { unsafe $0.storage.handle }
    return unsafe try handles.withUnsafeBufferPointer { handles in
      // Only empty lists have no address; the library does not read from an empty list.
      let first = unsafe handles.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped
      return unsafe try body(first, Int64(handles.count))
    }
  }
}

/// Runs a call that changes its operand or reads from it.
@discardableResult
func perform(
  _ operation: StaticString, _ tensor: Tensor, _ call: (kt_tensor) -> kt_status
) -> Bool {
  withExtendedLifetime(tensor.storage) { unsafe succeeded(call($0.handle), operation) }
}

func perform(
  _ operation: StaticString, _ tensor: Tensor, _ other: Tensor,
  _ call: (kt_tensor, kt_tensor) -> kt_status
) {
  withExtendedLifetime((tensor.storage, other.storage)) {
    _ = unsafe succeeded(call($0.0.handle, $0.1.handle), operation)
  }
}

/// The list as the library wants it.
func int64s(_ list: [Int]) -> [Int64] { list.map(Int64.init) }
