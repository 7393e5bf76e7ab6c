// A 64-bit hash that tells one data set from another; not for security.
import Foundation
import KymoNumerics

/// Mixes bytes, eight at a time, by multiplication and rotation with the constants of Philox.
struct ContentHash {
  private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func add(_ word: UInt64) {
    let mixed = (value ^ (word &* 0xD251_1F53_CD9E_8D57))
    value = (mixed << 29 | mixed >> 35) &* 0xBB67_AE85_84CA_A73B
  }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    let words = bytes.count / 8
    for index in 0..<words {
      unsafe add(start.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
    }
    for index in 8 * words..<bytes.count { unsafe add(UInt64(bytes[index])) }
    add(UInt64(bytes.count))
  }
}

extension Recordings {
  /// Most bytes of the field that `contentHash` looks at.
  static let hashedBytes = 256 << 20

  /// A hash of metadata, parameters, shape and fields, the same for equal data in any file.
  ///
  /// Fields of up to 256 MB count completely, of larger ones that many bytes, in recordings at even
  /// distances with the first and the last among them. Of frames made on demand, what they are made
  /// from counts.
  ///
  /// - Parameter threads: How many recordings are read at the same time.
  /// - Returns: 64 bits.
  public func contentHash(threads: Int = 2) -> UInt64 {
    var hash = ContentHash()
    for length in shape { hash.add(UInt64(length)) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // Metadata hold nothing that JSON cannot: the reader refuses numbers that are not finite.
    let text = (try? encoder.encode(metadata)) ?? Data()
    unsafe [UInt8](text).withBytes { unsafe hash.add($0) }
    if let params { unsafe params.elements.withBytes { unsafe hash.add($0) } }
    let sample = sampledIndices(bytes: Recordings.hashedBytes)
    for part in parallelMap(sample.count, threads: threads, { hashOfRecording(sample[$0]) }) {
      hash.add(part)
    }
    return hash.value
  }

  /// The hash as 16 hexadecimal digits; see ``contentHash(threads:)``.
  public func contentHashDigits(threads: Int = 2) -> String {
    let digits = String(contentHash(threads: threads), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  func hashOfRecording(_ index: Int) -> UInt64 {
    var hash = ContentHash()
    if let source {
      unsafe source.withOrigin(of: storedIndex(index)) {
        unsafe hash.add(UnsafeRawBufferPointer($0))
      }
      return hash.value
    }
    defer { letGo(of: index) }
    unsafe withRecording(index) { unsafe hash.add(UnsafeRawBufferPointer($0)) }
    return hash.value
  }

  /// Recordings at even distances, the first and the last among them, of at most `bytes` together.
  func sampledIndices(bytes: Int) -> [Int] {
    let most = max(2, bytes / (4 * recordingLength))
    guard most < count else { return Array(0..<count) }
    return (0..<most).map { $0 * (count - 1) / (most - 1) }
  }
}
