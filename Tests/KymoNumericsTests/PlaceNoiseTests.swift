// Noise that is a function of its place: the distribution, and that the order of asking does not
// matter.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Noise by place") struct PlaceNoiseTests {
  private func noise(
    _ cells: Range<Int>, seed: UInt64 = 3, recording: Int = 1, channel: Int = 0, frame: Int = 2
  ) -> [Float] {
    var values = [Float](repeating: 0, count: cells.count)
    unsafe addNoise(
      to: &values, count: cells.count, seed: seed,
      place: (recording, channel, frame, cells.lowerBound), deviation: 1)
    return values
  }

  @Test("is standard normal") func distribution() {
    let values = noise(0..<400_000).map(Double.init)
    // Five standard deviations of each estimate, 1/√n times that of the power.
    let spread = 5 / 400_000.0.squareRoot()
    #expect(Statistics.mean(values).magnitude < spread)
    #expect((Statistics.mean(values.map { $0 * $0 }) - 1).magnitude < 2.0.squareRoot() * spread)
    #expect(Statistics.mean(values.map { $0 * $0 * $0 }).magnitude < 15.0.squareRoot() * spread)
    #expect((Statistics.mean(values.map { pow($0, 4) }) - 3).magnitude < 96.0.squareRoot() * spread)
    // Quantiles of the normal distribution.
    for (bound, share) in [(-3.0, 0.0013499), (-1.0, 0.1586553), (0.5, 0.6914625), (2, 0.9772499)] {
      let found = Double(values.count { $0 < bound }) / 400_000
      #expect((found - share).magnitude < spread * (share * (1 - share)).squareRoot())
    }
    // Neighbours are not correlated.
    let product = Statistics.mean(zip(values, values.dropFirst()).map { $0 * $1 })
    #expect(product.magnitude < spread)
  }

  @Test("does not depend on which part is asked for") func parts() {
    let whole = noise(0..<1000)
    for part in [0..<1, 3..<7, 61..<190, 5..<1000, 998..<1000] {
      #expect(noise(part) == Array(whole[part]))
    }
  }

  @Test("differs with seed, recording, channel and frame") func streams() {
    let here = noise(0..<64)
    for other in [
      noise(0..<64, seed: 4), noise(0..<64, seed: 3 + (1 << 40)), noise(0..<64, recording: 2),
      noise(0..<64, channel: 1), noise(0..<64, frame: 3), noise(64..<128),
    ] {
      #expect(zip(here, other).allSatisfy { $0 != $1 })
    }
  }
}
