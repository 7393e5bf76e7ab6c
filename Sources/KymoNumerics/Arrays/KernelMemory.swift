// Memory of kernels outside the tensor library: scratch of workers, maps kept for the way back.

/// Pieces of memory for 32-bit floats, each on a cache line of its own; entries are not set.
///
/// Addresses are good while this object lives: closures that capture it may use them.
@safe package final class KernelMemory {
  private let pieces: [UnsafeMutablePointer<Float>]

  /// Allocates `count` pieces of `length` floats.
  package init(_ count: Int, length: Int) {
    unsafe pieces = (0..<count).map { _ in
      let bytes = UnsafeMutableRawPointer.allocate(
        byteCount: max(1, length) * MemoryLayout<Float>.stride, alignment: 64)
      return unsafe bytes.bindMemory(to: Float.self, capacity: length)
    }
  }

  deinit {
    for index in unsafe pieces.indices { unsafe pieces[index].deallocate() }
  }

  /// Where a piece starts.
  package subscript(_ index: Int) -> UnsafeMutablePointer<Float> { unsafe pieces[index] }
}

/// Zeros on a 64-byte boundary, as the kernels want them.
package func allocateAligned(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
  let raw = UnsafeMutableRawBufferPointer.allocate(
    byteCount: max(count, 1) * MemoryLayout<Double>.stride, alignment: 64)
  let buffer = unsafe raw.bindMemory(to: Double.self)
  unsafe buffer.initialize(repeating: 0)
  return unsafe buffer
}
