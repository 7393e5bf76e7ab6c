// Frequencies of series whose frequency is known.
import Foundation
import KymoMetrics
import KymoTestSupport
import Testing

@Suite("The dominant frequency") struct DominantFrequencyTests {
  /// A mean, an oscillation and its second harmonic.
  private func series(
    _ frequency: Double, count: Int = 300, harmonic: Double = 0.3
  ) -> [Double] {
    (0..<count).map { frame in
      let angle = 2 * Double.pi * frequency * 0.2 * Double(frame) + 0.7
      return 5 + sin(angle) + harmonic * cos(2 * angle)
    }
  }

  @Test("is that of the larger of two oscillations, between the bins too")
  func oscillation() throws {
    // A bin of 300 frames, 0.2 apart, is 0.0167.
    for frequency in [0.35, 0.3517, 0.3571, 0.36] {
      let close = Tolerance(relative: 3e-4, because: "measured 1e-4; a bin is 5 %")
      let found = try #require(dominantFrequency(of: series(frequency), interval: 0.2))
      expectClose([found], [frequency], close)
      let twice = try #require(
        dominantFrequency(of: series(frequency, harmonic: 3), interval: 0.2))
      expectClose([twice], [2 * frequency], close)
    }
  }

  @Test("does not depend on mean, unit and a slow drift") func invariance() throws {
    let plain = series(0.35)
    let first = try #require(dominantFrequency(of: plain, interval: 0.2))
    let moved = plain.enumerated().map { 1e-3 * $1 - 40 + 1e-5 * Double($0) }
    let second = try #require(dominantFrequency(of: moved, interval: 0.2))
    expectClose([second], [first], Tolerance(relative: 1e-3, because: "the drift leaks a little"))
  }

  @Test("is none of what does not oscillate, is not finite or is too short") func none() {
    #expect(dominantFrequency(of: Array(repeating: 3, count: 100), interval: 1) == nil)
    #expect(dominantFrequency(of: series(0.35) + [.nan], interval: 0.2) == nil)
    #expect(dominantFrequency(of: Array(series(0.35).prefix(15)), interval: 0.2) == nil)
  }
}
