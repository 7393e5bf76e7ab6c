// Chunks of HDF5 data sets that gzip and shuffle have packed, unpacked by every thread that reads:
// libhdf5 would unpack one at a time under its lock, into a buffer that it has to enlarge again and
// again.
import CHDF5
private import CZlib
import KymoNumerics
import Synchronization

/// The packed chunks of one data set.
final class HDF5Chunks: Sendable {
  /// How a data set is cut into chunks and packed.
  struct Packing: Hashable, Sendable {
    /// Entries along every axis.
    var chunk: [Int]
    var type: NumberType
    var isShuffled: Bool
    var isGzipped: Bool
  }

  /// Bytes that are kept.
  private static let memory = 64 << 20

  private let packing: Packing
  /// Bytes of an unpacked chunk.
  private let byteCount: Int
  private let handle: HDF5File.Handle
  private let path: String
  private let kept = Mutex(Kept())

  /// Unpacked chunks, the last ones that were read.
  private struct Kept {
    var chunks: [[Int]: [UInt8]] = [:]
    var order: [[Int]] = []
    var next = 0
  }

  /// nil where chunks are so small that this way is longer, or so large that few would be kept.
  init?(_ packing: Packing, _ handle: HDF5File.Handle, path: String) {
    var byteCount = packing.type.width
    for length in packing.chunk {
      let (product, isTooLarge) = byteCount.multipliedReportingOverflow(by: length)
      guard !isTooLarge else { return nil }
      byteCount = product
    }
    guard (1 << 10...16 << 20).contains(byteCount) else { return nil }
    (self.packing, self.byteCount, self.handle, self.path) = (packing, byteCount, handle, path)
  }

  /// Copies the numbers of a part in C order; those of chunks that libhdf5 has to read come from
  /// `whole`.
  func read<Number: ArrayNumber>(
    _ part: [Range<Int>], into output: UnsafeMutablePointer<Number>, _ place: FormatPlace,
    whole: ([Range<Int>], UnsafeMutablePointer<Number>) throws(FormatError) -> Void
  ) throws(FormatError) {
    let outputStrides = cOrder(part.map(\.count))
    let chunkStrides = cOrder(packing.chunk)
    let touched = zip(part, packing.chunk).map { $0.lowerBound / $1...($0.upperBound - 1) / $1 }
    var index = touched.map(\.lowerBound)
    while true {
      let origin = zip(index, packing.chunk).map { $0 * $1 }
      let common = part.indices.map { axis in
        part[axis].clamped(to: origin[axis]..<origin[axis] + packing.chunk[axis])
      }
      let target = part.indices.reduce(0) {
        $0 + (common[$1].lowerBound - part[$1].lowerBound) * outputStrides[$1]
      }
      if let bytes = try unpacked(index, origin, place) {
        let source = part.indices.map {
          common[$0].lowerBound - origin[$0]..<common[$0].upperBound - origin[$0]
        }
        unsafe bytes.withUnsafeBytes { bytes in
          guard let base = bytes.baseAddress else { return }
          // In bounds: `common` lies in the chunk and in the part.
          rows(of: source, chunkStrides, outputStrides) { from, to, count in
            unsafe NumberConversion.convert(
              packing.type, at: base + from * packing.type.width, stride: 1, count: count,
              to: output + target + to)
          }
        }
      } else {
        let counts = common.map(\.count)
        let numbers = try unsafe filled(count: counts.reduce(1, *)) {
          (numbers: UnsafeMutablePointer<Number>) throws(FormatError) in
          try unsafe whole(common, numbers)
        }
        unsafe numbers.withUnsafeBufferPointer { numbers in
          guard let base = numbers.baseAddress else { return }
          rows(of: counts.map { 0..<$0 }, cOrder(counts), outputStrides) { from, to, count in
            unsafe (output + target + to).update(from: base + from, count: count)
          }
        }
      }
      guard let axis = index.indices.last(where: { index[$0] < touched[$0].upperBound }) else {
        return
      }
      index[axis] += 1
      for later in index.indices where later > axis { index[later] = touched[later].lowerBound }
    }
  }

  /// The bytes of a chunk as numbers lie in memory; nil where libhdf5 has to read it.
  private func unpacked(
    _ index: [Int], _ origin: [Int], _ place: FormatPlace
  ) throws(FormatError) -> [UInt8]? {
    if let chunk = kept.withLock({ $0.chunks[index] }) { return chunk }
    // zlib's bound of what it makes of bytes that cannot be packed.
    let capacity = byteCount + byteCount >> 10 + 64
    let stored = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { bytes, count in
      count = unsafe Int(
        kh_chunk(
          handle.pointer, path, Int32(origin.count), origin.map(Int64.init), capacity,
          bytes.baseAddress))
    }
    guard !stored.isEmpty else { return nil }
    var chunk = stored
    if packing.isGzipped {
      chunk = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, count in
        var made = UInt(byteCount)
        let status = unsafe uncompress(bytes.baseAddress, &made, stored, UInt(stored.count))
        count = status == Z_OK ? Int(made) : 0
      }
    }
    guard chunk.count == byteCount else {
      throw place.damaged("it cannot be read (a chunk is damaged)", allowed: "whole chunks")
    }
    if packing.isShuffled { chunk = unshuffled(chunk) }
    kept.withLock { keep(chunk, at: index, &$0) }
    return chunk
  }

  /// Keeps a chunk in place of the one that was kept longest, where there is no more room.
  private func keep(_ chunk: [UInt8], at index: [Int], _ kept: inout Kept) {
    guard kept.chunks.updateValue(chunk, forKey: index) == nil else { return }
    if kept.order.count < Self.memory / byteCount {
      kept.order.append(index)
    } else {
      kept.chunks[kept.order[kept.next]] = nil
      kept.order[kept.next] = index
      kept.next = (kept.next + 1) % kept.order.count
    }
  }

  /// Bytes in the order of numbers, from first bytes of all numbers, then second bytes and so on.
  private func unshuffled(_ bytes: [UInt8]) -> [UInt8] {
    let (width, count) = (packing.type.width, bytes.count / packing.type.width)
    guard width > 1 else { return bytes }
    return unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { output, written in
      unsafe bytes.withUnsafeBufferPointer { input in
        // In bounds: `count` numbers of `width` bytes on both sides.
        guard let from = input.baseAddress, let to = output.baseAddress else { return }
        if width == 4 {
          for index in 0..<count {
            unsafe to[4 * index] = from[index]
            unsafe to[4 * index + 1] = from[count + index]
            unsafe to[4 * index + 2] = from[2 * count + index]
            unsafe to[4 * index + 3] = from[3 * count + index]
          }
        } else {
          for byte in 0..<width {
            for index in 0..<count {
              unsafe to[width * index + byte] = from[byte * count + index]
            }
          }
        }
      }
      written = bytes.count
    }
  }
}

/// Distances between neighbours along every axis of numbers in C order.
private func cOrder(_ shape: [Int]) -> [Int] {
  NPYHeader(element: .number(.float32), shape: shape).strides
}

/// Calls `body` for every row of a part: where it begins in numbers with these distances, where in the
/// numbers that are read, and its length.
private func rows(
  of part: [Range<Int>], _ strides: [Int], _ outputStrides: [Int],
  _ body: (_ from: Int, _ to: Int, _ count: Int) -> Void
) {
  guard let row = part.last else { return body(0, 0, 1) }
  let axes = part.indices.dropLast()
  var index = part.map(\.lowerBound)
  while true {
    let from = zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }
    let to = axes.reduce(0) { $0 + (index[$1] - part[$1].lowerBound) * outputStrides[$1] }
    body(from, to, row.count)
    guard let axis = axes.last(where: { index[$0] < part[$0].upperBound - 1 }) else { return }
    index[axis] += 1
    for later in axes where later > axis { index[later] = part[later].lowerBound }
  }
}
