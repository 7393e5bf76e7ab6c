// Counter-based random numbers: the same (seed, purpose, index) gives the same numbers on every
// machine and any number of threads. Philox4x32-10 of Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011, doi:10.1145/2063384.2063405.
import Foundation

/// What a stream of random numbers is for; drawing more for one purpose does not move the others.
public enum RandomPurpose: UInt32, Sendable, Codable, Hashable {
  case data = 1
  case weights = 2
  case batches = 3
  case crops = 4
  case sampling = 5
  case dropout = 6
  case noise = 7
  case evaluation = 8
  case testing = 9
  case dynamics = 10
}

/// A reproducible stream of random numbers, addressed by seed, purpose and index.
///
/// The index is a recording, a training step, a layer: streams of different indices are
/// independent, so any of them can be generated alone and in any order.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private let key: (UInt32, UInt32)
  private var counter: (UInt32, UInt32, UInt32, UInt32)
  private var block: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  private var used = 4
  private var spareNormal: Double?

  /// Starts the stream of `index` for one purpose.
  public init(seed: UInt64, purpose: RandomPurpose, index: UInt64 = 0) {
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    counter = (
      0, purpose.rawValue, UInt32(truncatingIfNeeded: index),
      UInt32(truncatingIfNeeded: index >> 32)
    )
  }

  /// The next 32 bits.
  public mutating func next32() -> UInt32 {
    if used == 4 {
      block = RandomStream.philox(counter, key)
      counter.0 &+= 1
      // 2^34 numbers on, the purpose's upper bits count: the stream does not repeat in practice.
      if counter.0 == 0 { counter.1 &+= 1 << 8 }
      used = 0
    }
    used += 1
    switch used {
    case 1: return block.0
    case 2: return block.1
    case 3: return block.2
    default: return block.3
    }
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 { UInt64(next32()) << 32 | UInt64(next32()) }

  /// Uniform on [0, 1), a multiple of 2⁻⁵³.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform on the integers 0 ..< `bound`.
  public mutating func index(below bound: Int) -> Int {
    precondition(bound > 0, "RandomStream: no integer lies below \(bound)")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Standard normal, by Box and Muller's transform.
  public mutating func normal() -> Double {
    if let spare = spareNormal {
      spareNormal = nil
      return spare
    }
    let radius = (-2 * log(1 - uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    spareNormal = radius * sin(angle)
    return radius * cos(angle)
  }

  /// Normal with the given mean and standard deviation, redrawn until it lies in `range`.
  public mutating func truncatedNormal(
    mean: Double, standardDeviation: Double, in range: ClosedRange<Double>
  ) -> Double {
    while true {
      let value = mean + standardDeviation * normal()
      if range.contains(value) { return value }
    }
  }

  /// Ten rounds of Philox4x32.
  static func philox(
    _ counter: (UInt32, UInt32, UInt32, UInt32), _ key: (UInt32, UInt32)
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    var (c0, c1, c2, c3) = counter
    var (k0, k1) = key
    for _ in 0..<10 {
      let first = c0.multipliedFullWidth(by: 0xD251_1F53)
      let second = c2.multipliedFullWidth(by: 0xCD9E_8D57)
      (c0, c1, c2, c3) = (second.high ^ c1 ^ k0, second.low, first.high ^ c3 ^ k1, first.low)
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return (c0, c1, c2, c3)
  }
}
