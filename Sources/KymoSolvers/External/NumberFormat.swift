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
  /// least half of those that are not zero are beyond 10¹⁰⁰ or below 10⁻¹⁰⁰, and all lie between
  /// 10⁻¹² and 10¹² the other way round.
  init?(shownBy bits: [UInt64]) {
    let next = Array("frame \(bits.count)\n".utf8).prefix(4 * bits.count)
    let middle = unsafe bits.withUnsafeBytes { bytes in
      unsafe Array(bytes[(4 * bits.count)...].prefix(next.count))
    }
    guard middle != Array(next) || bits.isEmpty else {
      self = .float32
      return
    }
    var (absurd, nonzero) = (0, 0)
    for word in bits {
      let size = Double(bitPattern: UInt64(littleEndian: word)).magnitude
      guard size != 0 else { continue }
      nonzero += 1
      if !(1e-100...1e100).contains(size) { absurd += 1 }
    }
    guard absurd > 0, 2 * absurd >= nonzero,
      bits.allSatisfy({ word in
        let size = Double(bitPattern: UInt64(bigEndian: word)).magnitude
        return size == 0 || (1e-12...1e12).contains(size)
      })
    else { return nil }
    self = .bigEndian
  }
}
