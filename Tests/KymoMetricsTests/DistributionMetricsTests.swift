// Metrics of distributions: SciPy's and NumPy's numbers, numbers worked out by hand, and bounds.
import Foundation
import KymoMetrics
import KymoNumerics
import KymoTestSupport
import Testing

/// Values from NumPy and SciPy; `Golden/distribution_metrics.py` made them.
private struct DistributionGolden: Decodable {
  var formatVersion: Int
  var first, second, forecast, truth, wasserstein, mean, variance: [Double]
  var jensenShannon, autocorrelationTime: Double
  var labels: [[Int]]
  var passageTimes, series: [[Double]]

  static func load() throws -> DistributionGolden {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/distribution_metrics.json")
    let golden = try JSONDecoder().decode(DistributionGolden.self, from: Data(contentsOf: file))
    try #require(golden.formatVersion == 1)
    return golden
  }
}

private let rounding = Tolerance(
  absolute: 1e-12, relative: 1e-10, because: "sums of up to 1,200 terms, a system of 2 equations")

/// A chain of two states that are left with the given probabilities.
private func chain(_ leave: [Double], frames: Int, seed: UInt64) -> [Int] {
  var random = RandomStream(seed: seed, purpose: .testing)
  var state = 0
  return (0..<frames).map { _ in
    defer { if random.uniform() < leave[state] { state = 1 - state } }
    return state
  }
}

@Suite("Metrics of distributions") struct DistributionMetricsTests {
  @Test("agree with SciPy and NumPy") func golden() throws {
    let golden = try DistributionGolden.load()
    let (first, second) = (
      HostArray(golden.first, shape: [200, 2]), HostArray(golden.second, shape: [150, 2])
    )
    let grid = HistogramGrid.ramachandran(bins: 6)
    expectClose(
      [jensenShannonDistance(first, second, grid: grid)], [golden.jensenShannon], rounding)
    let errors = ParticleErrors(
      HostArray(golden.forecast, shape: [3, 2, 40]), HostArray(golden.truth, shape: [3, 2, 60]))
    expectClose(errors.wasserstein, golden.wasserstein, rounding)
    expectClose(errors.mean, golden.mean, rounding)
    expectClose(errors.variance, golden.variance, rounding)
    let times = PassageTimes(golden.labels, stateCount: 2, lag: 3, frameInterval: 0.5)
    expectClose(times.means.flatMap(\.self), golden.passageTimes.flatMap(\.self), rounding)
    expectClose([autocorrelationTime(golden.series)], [golden.autocorrelationTime], rounding)
  }

  @Test("Jensen-Shannon lies between 0 and the root of ln 2, and is symmetric") func jensenShannon()
  {
    #expect(jensenShannonDistance([1, 2, 3], [2, 4, 6]) == 0)
    let apart = jensenShannonDistance([1, 0], [0, 5])
    #expect((apart - log(2).squareRoot()).magnitude < 1e-15)
    let (a, b) = ([0.2, 0.5, 0.3], [0.6, 0.1, 0.3])
    #expect(jensenShannonDistance(a, b) == jensenShannonDistance(b, a))
    #expect(jensenShannonDistance([0, 0], [1, 1]).isNaN)
  }

  @Test("passage times of a chain with known rates, with their errors") func passage() {
    // From state 0 to 1 takes 1/p steps, whatever the lag is that it is estimated with.
    let labels = (0..<20).map { chain([0.02, 0.05], frames: 5000, seed: UInt64($0)) }
    for lag in [1, 4] {
      let times = PassageTimes(labels, stateCount: 2, lag: lag, frameInterval: 0.5, draws: 40)
      // A passage at a lag may be found late, by less than a lag.
      let late = 0.5 * Double(lag - 1)
      for (from, expected) in [(0, 25.0), (1, 10.0)] {
        let (mean, error) = (times.means[from][1 - from], times.deviations[from][1 - from])
        #expect(
          mean > expected - 3 * error && mean < expected + late + 3 * error, "\(mean) ± \(error)")
        #expect(error > 0.005 * expected && error < 0.1 * expected)
      }
      #expect(times.means[0][0] == 0)
    }
    let never = PassageTimes([[0, 0, 0, 2, 0]], stateCount: 2, lag: 1, frameInterval: 1)
    #expect(never.means[0][1].isNaN && never.means[1][0].isNaN)
  }

  @Test("regions: turned ellipses, angles that repeat, populations") func regions() {
    let turned = StateRegion("a", centre: [1, 1], semiAxes: [0.1, 1], angle: -.pi / 4)
    #expect(turned.contains(1.6, 1.6) && !turned.contains(1.6, 0.4))
    let across = StateRegion("b", centre: [3.1, 0], semiAxes: [0.2, 0.2], period: 2 * .pi)
    #expect(across.contains(-3.1, 0.05) && !across.contains(-2.9, 0))
    let labels = stateLabels([(x: [1, 3.1, 0], y: [1, 0, 9])], regions: [turned, across])
    #expect(labels == [[0, 1, 2]])
    #expect(statePopulations([[0, 0, 1, 2]], stateCount: 2) == [0.5, 0.25, 0.25])
    // The deepest point of each well of Müller and Brown is in its region.
    let wells = StateRegion.muellerBrown
    #expect(wells[0].contains(-0.558, 1.442) && wells[1].contains(0.623, 0.028))
  }

  @Test("autocorrelation time of white noise is one, of slow noise its own") func autocorrelation()
  {
    var random = RandomStream(seed: 3, purpose: .testing)
    let white = (0..<10).map { _ in (0..<2000).map { _ in random.normal() } }
    #expect((autocorrelationTime(white) - 1).magnitude < 0.1)
    // Of x' = ρ x + noise it is (1 + ρ)/(1 − ρ) = 9.
    let slow = (0..<10).map { _ in
      var x = 0.0
      return (0..<4000).map { _ in
        x = 0.8 * x + random.normal()
        return x
      }
    }
    #expect((autocorrelationTime(slow) - 9).magnitude < 1)
    #expect(autocorrelationTime([[1, 1, 1]]).isNaN)
  }

  @Test("two samples of one distribution are at the floor, another one above it") func particles() {
    var random = RandomStream(seed: 5, purpose: .testing)
    func cloud(_ count: Int, shift: Double) -> HostArray<Double> {
      HostArray((0..<2 * count).map { _ in shift + random.normal() }, shape: [1, 2, count])
    }
    let (one, two, moved) = (cloud(2000, shift: 0), cloud(2000, shift: 0), cloud(500, shift: 0.5))
    let floor = ParticleErrors(two, one)
    let errors = ParticleErrors(moved, one)
    #expect(floor.wasserstein[0] < 0.08 && (errors.wasserstein[0] - 0.5).magnitude < 0.1)
    #expect((errors.mean[0] - 0.5).magnitude < 0.1 && errors.variance[0] < 0.2)
    #expect(errors.histogram[0] > floor.histogram[0])
    #expect(ParticleErrors(one, one).histogram == [0])
  }
}
