// A fingerprint of data, so that a run can say which bytes it was trained on. SHA-256 (FIPS 180-4)
// rather than a shorter sum: anyone can check it with `sha256sum`, and no two data sets share it.

/// The SHA-256 of a stream of bytes.
public struct ContentHash: Sendable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]
  private var schedule = [UInt32](repeating: 0, count: 64)
  private var rest: [UInt8] = []
  private var byteCount: UInt64 = 0

  /// Starts with no bytes.
  public init() { rest.reserveCapacity(64) }

  /// The hash of `bytes` as 64 hexadecimal digits.
  public static func hexadecimal(of bytes: some Sequence<UInt8>) -> String {
    var hash = ContentHash()
    hash.update(Array(bytes))
    return hash.hexadecimal()
  }

  /// Takes in more bytes.
  public mutating func update(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { unsafe update($0) }
  }

  /// Takes in the bytes of a buffer, such as a mapped file.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    byteCount &+= UInt64(bytes.count)
    var start = 0
    if !rest.isEmpty {
      start = min(64 - rest.count, bytes.count)
      unsafe rest.append(contentsOf: bytes[0..<start])
      guard rest.count == 64 else { return }
      let whole = rest
      unsafe whole.withUnsafeBytes { unsafe compress($0, at: 0) }
      rest.removeAll(keepingCapacity: true)
    }
    while start + 64 <= bytes.count {
      unsafe compress(bytes, at: start)
      start += 64
    }
    unsafe rest.append(contentsOf: bytes[start...])
  }

  /// The hash of what was taken in so far, as 64 hexadecimal digits.
  public func hexadecimal() -> String {
    var copy = self
    let bitCount = byteCount &* 8
    let padding = (rest.count < 56 ? 56 : 120) - rest.count
    copy.update([0x80] + [UInt8](repeating: 0, count: padding - 1))
    copy.update((0..<8).map { UInt8(truncatingIfNeeded: bitCount >> UInt64(56 - 8 * $0)) })
    return copy.state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  /// One block of 64 bytes from `start` on.
  private mutating func compress(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    // In bounds: the caller has 64 bytes from `start` on; the schedule has 64 words.
    unsafe schedule.withUnsafeMutableBufferPointer { w in
      for t in 0..<16 {
        unsafe w[t] = UInt32(
          bigEndian: bytes.loadUnaligned(fromByteOffset: start + 4 * t, as: UInt32.self))
      }
      for t in 16..<64 {
        let (a, b) = unsafe (w[t - 15], w[t - 2])
        let low = rotate(a, 7) ^ rotate(a, 18) ^ (a >> 3)
        let high = rotate(b, 17) ^ rotate(b, 19) ^ (b >> 10)
        unsafe w[t] = w[t - 16] &+ low &+ w[t - 7] &+ high
      }
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    unsafe schedule.withUnsafeBufferPointer { w in
      unsafe roundConstants.withUnsafeBufferPointer { constants in
        for t in 0..<64 {
          let turned = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
          let chosen = (e & f) ^ (~e & g)
          let first = unsafe h &+ turned &+ chosen &+ constants[t] &+ w[t]
          let mixed = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
          let second = mixed &+ ((a & b) ^ (a & c) ^ (b & c))
          (h, g, f, e) = (g, f, e, d &+ first)
          (d, c, b, a) = (c, b, a, first &+ second)
        }
      }
    }
    for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= value }
  }
}

private func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 {
  word >> bits | word << (32 - bits)
}

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes, computed in
/// integers: 2³²·∛p is the cube root of p·2⁹⁶.
private let roundConstants: [UInt32] = {
  var primes: [UInt64] = []
  var candidate: UInt64 = 2
  while primes.count < 64 {
    if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
    candidate += 1
  }
  return primes.map { prime in
    var root: UInt128 = 0
    for bit in (0..<36).reversed() {
      let trial = root | 1 << UInt128(bit)
      if trial * trial * trial <= UInt128(prime) << 96 { root = trial }
    }
    return UInt32(truncatingIfNeeded: root)
  }
}()
