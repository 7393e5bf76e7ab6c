// How a program wrote its numbers when it did not write them as the protocol says.

/// A form of numbers that is not the protocol's, little-endian float64.
public enum NumberFormat: String, Hashable, Sendable {
  /// Four bytes each.
  case float32
  /// The most significant byte first.
  case bigEndian = "big-endian float64"
}

extension NumberFormat {
  /// What the bits of a frame show; nil when they may be numbers as they should be.
  ///
  /// Numbers of four bytes show when the next answer begins in the middle. Swapped ones show when at
  /// least half of those that are not zero are beyond 2³³² or below 2⁻³³² (10^±100), and all lie
  /// within 2^±40 (10^±12) the other way round.
  init?(shownBy bits: [UInt64]) {
    let next = Array("frame \(bits.count)\n".utf8).prefix(4 * bits.count)
    let middle = unsafe bits.withUnsafeBytes { bytes in
      unsafe Array(bytes[(bytes.count / 2)...].prefix(next.count))
    }
    guard middle != Array(next) || bits.isEmpty else {
      self = .float32
      return
    }
    let sizes = bits.compactMap { Self.exponent($0.littleEndian) }
    let absurd = sizes.count { !(-332...332).contains($0) }
    guard absurd > 0, 2 * absurd >= sizes.count,
      bits.allSatisfy({ word in
        Self.exponent(word.bigEndian).map { (-40...40).contains($0) } ?? true
      })
    else { return nil }
    self = .bigEndian
  }

  /// The exponent of a number by its bits, nil for zero: swapped numbers are often subnormal, which
  /// compare as zero where a processor flushes them.
  private static func exponent(_ bits: UInt64) -> Int? {
    bits << 1 == 0 ? nil : Int(bits >> 52 & 0x7FF) - 1023
  }
}
