// Metrics of forecasts: numbers worked out by hand, NumPy's and SciPy's numbers, and bounds that
// each metric must keep.
import Foundation
import KymoMetrics
import KymoNumerics
import KymoTestSupport
import Testing

/// Values from NumPy and SciPy; `Golden/forecast_metrics.py` made them.
private struct ForecastGolden: Decodable {
  var formatVersion: Int
  var shape: [Int]
  var truth, prediction, nad, mnad, rmse, nrmse: [Double]
  var correlation, correlationPerStep, amplitudes, autocorrelation: [Double]
  var spectrumError, derivativeDistance, wasserstein, histogramDistance: Double
  var wavePoints: Int
  var firstWave, firstSlope, firstCurvature, secondWave, sample, other: [Double]

  static func load() throws -> ForecastGolden {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/forecast_metrics.json")
    let golden = try JSONDecoder().decode(ForecastGolden.self, from: Data(contentsOf: file))
    try #require(golden.formatVersion == 1)
    return golden
  }

  var pair: (prediction: HostArray<Double>, truth: HostArray<Double>) {
    (HostArray(prediction, shape: shape), HostArray(truth, shape: shape))
  }
  func wave(_ values: [Double]) -> HostArray<Double> {
    HostArray(values, shape: [values.count / wavePoints, wavePoints])
  }
}

private let rounding = Tolerance(
  absolute: 1e-12, relative: 1e-12, because: "sums of up to 330 terms in Double")

/// One channel, two cells: `[1, T, 1, 2]`.
private func field(_ values: [Double]) -> HostArray<Double> {
  HostArray(values, shape: [1, values.count / 2, 1, 2])
}

@Suite("Metrics of forecasts agree with NumPy and SciPy") struct ForecastGoldenTests {
  @Test("differences and errors in time") func errors() throws {
    let golden = try ForecastGolden.load()
    let (prediction, truth) = golden.pair
    let nad = normalizedAbsoluteDifference(prediction: prediction, truth: truth)
    #expect(nad.shape == [3, 11, 2])
    expectClose(nad.elements, golden.nad, rounding)
    let mean = meanNormalizedAbsoluteDifference(prediction: prediction, truth: truth)
    #expect(mean.shape == [3, 2])
    expectClose(mean.elements, golden.mnad, rounding)
    expectClose(
      rootMeanSquareError(prediction: prediction, truth: truth).elements, golden.rmse, rounding)
    expectClose(
      normalizedRootMeanSquareError(prediction: prediction, truth: truth).elements, golden.nrmse,
      rounding)
    // Swapping truth and forecast changes the range.
    expectFar(
      normalizedAbsoluteDifference(prediction: truth, truth: prediction).elements, golden.nad,
      rounding)
  }

  @Test("correlations, spectra, autocorrelation") func correlations() throws {
    let golden = try ForecastGolden.load()
    let (prediction, truth) = golden.pair
    expectClose(correlation(prediction: prediction, truth: truth), golden.correlation, rounding)
    // The same in parts, which differ in mean and length.
    let first = prediction.count / golden.shape[0]
    var pairs = PairMoments()
    for part in [0..<7, 7..<7, 7..<first] {
      pairs.add(prediction.elements[part], truth.elements[part])
    }
    expectClose([pairs.correlation], [golden.correlation[0]], rounding)
    let steps = [33, 1, 2, 5]
    expectClose(
      correlation(prediction: prediction.reshaped(steps), truth: truth.reshaped(steps)),
      golden.correlationPerStep, rounding)
    expectClose(amplitudeSpectrum(of: truth), golden.amplitudes, rounding)
    expectClose(
      [spectrumError(prediction: prediction, truth: truth)], [golden.spectrumError], rounding)
    expectClose(autocorrelation(of: truth, lags: [0, 1, 4]), golden.autocorrelation, rounding)
  }

  @Test("distances between distributions") func distributions() throws {
    let golden = try ForecastGolden.load()
    expectClose(
      [wassersteinDistance(golden.sample, golden.other)], [golden.wasserstein], rounding)
    let sample = HostArray(golden.sample, shape: [200, 1])
    let other = HostArray(golden.other, shape: [130, 1])
    // Rice's rule on the truth: 200 samples, 12 cells.
    expectClose([histogramDistance(other, sample)], [golden.histogramDistance], rounding)
  }

  @Test("derivatives of a periodic field and their joint density") func derivatives() throws {
    let golden = try ForecastGolden.load()
    let first = golden.wave(golden.firstWave)
    let pairs = PeriodicDerivatives(pointCount: golden.wavePoints, length: 22).pairs(of: first)
    let close = Tolerance(absolute: 1e-12, because: "exact for these modes, but for rounding")
    expectClose((0..<640).map { pairs[$0, 0] }, golden.firstSlope, close)
    expectClose((0..<640).map { pairs[$0, 1] }, golden.firstCurvature, close)
    expectClose(
      [
        histogramDistance(
          PeriodicDerivatives(pointCount: golden.wavePoints, length: 22)
            .pairs(of: golden.wave(golden.secondWave)), pairs,
          grid: HistogramGrid(low: [-4, -8], high: [4, 8], bins: [100, 100]))
      ], [golden.derivativeDistance],
      Tolerance(absolute: 2.1 / 640, because: "one sample may change its cell by rounding"))
  }
}

@Suite("Metrics of forecasts by hand") struct ForecastMetricsTests {
  @Test("normalised absolute differences") func differences() {
    let truth = field([0, 1, 2, 4])
    let prediction = field([1, 1, 2, 2])
    // Range 4; differences 1, 0 then 0, 2.
    let nad = normalizedAbsoluteDifference(prediction: prediction, truth: truth)
    #expect(nad.elements == [0.125, 0.25])
    #expect(
      meanNormalizedAbsoluteDifference(prediction: prediction, truth: truth).elements == [0.1875])
    #expect(
      meanNormalizedAbsoluteDifference(
        prediction: prediction, truth: truth, range: .given([1])
      ).elements == [0.75])
    // Channels have ranges of their own.
    #expect(
      channelRanges(of: HostArray([0, 10, 1, 30, 3, 20], shape: [1, 3, 2, 1])) == [3, 20])
  }

  @Test("root-mean-square errors and the valid time") func validTime() {
    let truth = field([0, 1, 0, 3, 0, 5])
    let prediction = field([0, 1, 3, 3, 6, 13])
    let error = rootMeanSquareError(prediction: prediction, truth: truth)
    expectClose(error.elements, [0, sqrt(4.5), sqrt(50)], rounding)
    let normalized = normalizedRootMeanSquareError(
      prediction: prediction, truth: truth, variances: [4])
    expectClose(normalized.elements, [0, sqrt(4.5) / 2, sqrt(50) / 2], rounding)
    // The second cell varies by 8/3, the first not at all: a constant component has no scale.
    expectClose([componentVariances(of: truth)[1]], [8.0 / 3], rounding)
    let times = validPredictionTimes(
      errors: HostArray([0, 0.4, 0.6, 0.1, 0.1, 0.2, 0.3, 0.5, 0.3, .nan, 0, 0], shape: [3, 4]),
      frameInterval: 0.25, lyapunovTime: 5)
    #expect(times.map(\.steps) == [2, 4, 1])
    #expect(times.map(\.time) == [0.5, 1, 0.25])
    #expect(times.map(\.lyapunovTimes) == [0.1, 0.2, 0.05])
    #expect(times.map(\.reachesEnd) == [false, true, false])
  }

  @Test("correlation of lines") func correlationOfLines() {
    let truth = field([1, 2, 3, 4])
    let twice = field([5, 7, 9, 11])
    let opposite = field([-1, -2, -3, -4])
    expectClose(correlation(prediction: twice, truth: truth), [1], rounding)
    expectClose(correlation(prediction: opposite, truth: truth), [-1], rounding)
    #expect(correlation(prediction: field([1, 1, 1, 1]), truth: truth)[0].isNaN)
    let rows = [2, 1, 1, 2]
    expectClose(
      correlation(prediction: opposite.reshaped(rows), truth: truth.reshaped(rows)), [-1, -1],
      rounding)
  }

  @Test("Wasserstein's distance of shifts, sizes and single points") func wasserstein() {
    let sample = [3.0, 1, 2, 10]
    expectClose([wassersteinDistance(sample, sample.map { $0 + 2.5 })], [2.5], rounding)
    #expect(wassersteinDistance([0, 1], [0.5]) == 0.5)
    // F of {0, 0, 1} against G of {0, 1}: they differ by 1/6 on [0, 1].
    expectClose([wassersteinDistance([0, 0, 1], [1, 0])], [1.0 / 6], rounding)
    expectClose(
      [wassersteinDistance([0, 4, 7], [1, 2, 2, 9])],
      [wassersteinDistance([1, 2, 2, 9], [0, 4, 7])],
      rounding)
    expectClose(
      [
        wassersteinDistance(
          HostArray([0, 0, 1, 10], shape: [2, 2]), HostArray([1, 0, 2, 10], shape: [2, 2]))
      ], [0.5], rounding)
    #expect(wassersteinDistance([], [1]).isNaN && wassersteinDistance([.nan], [1]).isNaN)
  }

  @Test("histogram distances from 0 to 2, mass beyond the grid included") func histograms() {
    let a = HostArray([0.1, 0.2, 0.3, 0.9], shape: [4, 1])
    let b = HostArray([2.1, 2.2, 2.3, 2.9], shape: [4, 1])
    #expect(histogramDistance(a, a) == 0)
    #expect(histogramDistance(a, b) == 2)
    let grid = HistogramGrid(low: [0], high: [1], bins: [2])
    #expect(grid.fractions(of: a) == [0.75, 0.25, 0])
    #expect(grid.fractions(of: b) == [0, 0, 1])
    #expect(histogramDistance(b, a, grid: grid) == 2)
    #expect(grid.fractions(of: HostArray([1, .nan], shape: [2, 1])) == [0, 0.5, 0.5])
    let covering = HistogramGrid(covering: [a], bins: 100)
    #expect(histogramDistance(a, a, grid: covering) == 0)
    #expect(histogramDistance(b, a, grid: covering) == 2)
  }

  @Test("Rice's rule, and the floor of two uniform samples") func rice() {
    #expect(riceBinCount(sampleCount: 1000, dimensions: 3) == 5)
    #expect(riceBinCount(sampleCount: 1000, dimensions: 1) == 20)
    #expect(riceBinCount(sampleCount: 1001, dimensions: 1) == 21)
    #expect(riceBinCount(sampleCount: 1, dimensions: 3) == 2)
    var random = RandomStream(seed: 3, purpose: .testing)
    func sample() -> HostArray<Double> {
      HostArray((0..<3000).map { _ in random.uniform() }, shape: [1000, 3])
    }
    // E|p − q| of 125 cells with 8 expected each: 125 · √(2 · 8 · 2/π) / 1000 = 0.40.
    let distances = (0..<5).map { _ in histogramDistance(sample(), sample()) }
    #expect(distances.allSatisfy { (0.33...0.47).contains($0) }, "\(distances)")
  }

  @Test("spectra find the amplitude of a wave, at any length", arguments: [16, 21, 30, 31, 1])
  func spectra(_ frames: Int) {
    let cycles = 3
    let values = (0..<frames).flatMap { frame -> [Double] in
      let angle = 2 * Double.pi * Double(cycles * frame) / Double(frames)
      return [2 * cos(angle), 4 * sin(angle), 6 * cos(angle + 1)]
    }
    let wave = HostArray(values, shape: [1, frames, 1, 3])
    let amplitudes = amplitudeSpectrum(of: wave)
    #expect(amplitudes.count == frames / 2 + 1)
    if frames > 1 {
      expectClose([amplitudes[cycles]], [4], rounding)
      expectClose([amplitudes.reduce(0, +)], [4], Tolerance(absolute: 1e-11, because: "rounding"))
      let half = HostArray(values.map { $0 / 2 }, shape: wave.shape)
      expectClose([spectrumError(prediction: half, truth: wave)], [0.5], rounding)
    }
  }

  @Test("autocorrelation of an alternating field") func alternating() {
    let wave = HostArray([1.0, -1, 1, -1, 1, -1], shape: [1, 6, 1, 1])
    expectClose(autocorrelation(of: wave, lags: [0, 1, 2]), [1, -1, 1], rounding)
  }

  @Test("spread over initial conditions counts what diverged") func spread() {
    let spread = MetricSpread([1, 2, .nan, 6, .infinity])
    #expect(spread.mean == 3)
    #expect(spread.count == 3 && spread.divergedCount == 2)
    expectClose([spread.standardDeviation], [Double(7).squareRoot()], rounding)
    let columns = MetricSpread.overInitialConditions(
      HostArray([1, 10, 3, 30], shape: [2, 2]))
    #expect(columns.map(\.mean) == [2, 20])
    let (none, one) = (MetricSpread([.nan]), MetricSpread([4]))
    #expect(none.mean.isNaN && none.count == 0 && none.divergedCount == 1)
    #expect(one.mean == 4 && one.standardDeviation.isNaN)
  }

  @Test("speed-up counted in every way") func speedUp() {
    let cost = ForecastCost(solver: 100, latentStep: 1, encoding: 4, decoding: 3)
    #expect(cost.latentSpeedUp == 100)
    #expect(cost.decodedSpeedUp == 25)
    // 10 warm-up steps of 5 and 100 forecast steps of 4.
    #expect(cost.fullSpeedUp(warmUpSteps: 10, horizonSteps: 100) == 10_000.0 / 450)
  }
}
