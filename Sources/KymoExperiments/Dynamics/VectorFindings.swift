// What an evaluation of forecast vectors of random dynamics has found, and its sections: density,
// populations of metastable states, passage times and autocorrelation, after Vlachas et al., J. Chem.
// Theory Comput. 18, 538 (2022). The floor is between the two halves of the true trajectories.
import Foundation
import KymoData
import KymoMetrics
import KymoNumerics
import KymoResults
import KymoSolvers

/// Forecast trajectories of vectors beside true ones.
struct VectorFindings {
  /// True and forecast frames, `[B, H, C, 1]`.
  var truth: HostArray<Float>
  var forecast: HostArray<Float>
  /// Latents of the forecast, `[B, H, L]`.
  var latents: HostArray<Double>
  /// Seconds of one trajectory and frame.
  var secondsPerFrame: Double
  var solverSecondsPerFrame: Double?
  var data: ForecastData

  /// What other programs read back.
  struct Values: Codable {
    var populations: [String: [Double]] = [:]
    var passageTimes: [String: [[Double]]] = [:]
    var histogramDistance = 0.0
    var histogramFloor = 0.0
    var speedUp: Double?
  }

  /// Frames of a transition in the estimate of passage times.
  private static let lag = 10

  private var names: [String] { data.channelNames }

  /// Known states of the system.
  private var regions: [StateRegion] {
    data.metadata.systemName == MuellerBrownConfiguration.systemName ? StateRegion.muellerBrown : []
  }

  /// Coordinates of every trajectory.
  private func paths(_ frames: HostArray<Float>, _ axis: Int) -> [[Double]] {
    let (batch, steps, width) = (frames.shape[0], frames.shape[1], frames.shape[2])
    return (0..<batch).map { item in
      (0..<steps).map { Double(frames.elements[(item * steps + $0) * width + axis]) }
    }
  }

  func results(_ provenance: DataProvenance) throws -> RunResults {
    var values = Values()
    var sections: [ResultSection] = []
    values.speedUp = solverSecondsPerFrame.map { $0 / secondsPerFrame }
    let density = densities()
    (values.histogramDistance, values.histogramFloor) = (density.distance, density.floor)
    var rows = [
      ScoreTable.Row(
        "density, L1", [Score(density.distance), Score(density.floor)], isMain: true),
      ScoreTable.Row(
        "density, Jensen–Shannon distance",
        [Score(density.jensenShannon), Score(density.jensenShannonFloor)]),
    ]
    for axis in names.indices {
      let (own, other) = (paths(forecast, axis), paths(truth, axis))
      let half = other.count / 2
      func distance(_ a: [[Double]], _ b: [[Double]]) -> Double {
        wassersteinDistance(a.flatMap(\.self), b.flatMap(\.self))
      }
      rows.append(
        ScoreTable.Row(
          "W₁ of \(names[axis])",
          [
            Score(distance(own, other)),
            half > 0 ? Score(distance(Array(other[..<half]), Array(other[half...]))) : nil,
          ]))
    }
    sections.append(
      ResultSection(
        "vectors", heading: "Result",
        caption: """
          Distances between the distributions of all forecast and all true frames. The floor is \
          between the two halves of the true trajectories.
          """, places: [.report, .terminal, .overview],
        .scores(ScoreTable("", columns: ["this run", "floor"], rows: rows))))
    sections += stateSections(&values)
    sections.append(dynamicsSection)
    if let section = density.section { sections.append(section) }
    return try RunResults(
      method: ForecastFindings.method, data: provenance, headline: headline(values),
      sections: sections, about: .effectiveDynamics, values: values)
  }

  private func headline(_ values: Values) -> [String] {
    let speed =
      values.speedUp.map { " It is \(NumberText.significant($0)) times as fast as the solver." }
      ?? ""
    return [
      """
      The density of forecast trajectories is \(NumberText.significant(values.histogramDistance)) \
      (L1) from the true one; two halves of the truth are \
      \(NumberText.significant(values.histogramFloor)) apart.\(speed)
      """
    ]
  }

  // MARK: Density

  private struct Densities {
    var distance, floor, jensenShannon, jensenShannonFloor: Double
    var section: ResultSection?
  }

  private func densities() -> Densities {
    func samples(_ frames: HostArray<Float>, _ range: Range<Int>) -> HostArray<Double> {
      let pairs = names.indices.prefix(2).map { Array(paths(frames, $0)[range].joined()) }
      let count = pairs[0].count
      return HostArray(
        (0..<count).flatMap { index in pairs.map { $0[index] } }, shape: [count, pairs.count])
    }
    let half = max(1, truth.shape[0] / 2)
    let (all, made) = (
      samples(truth, 0..<truth.shape[0]), samples(forecast, 0..<forecast.shape[0])
    )
    let rest = truth.shape[0] > 1 ? half..<truth.shape[0] : 0..<1
    let parts = (samples(truth, 0..<half), samples(truth, rest))
    let grid = HistogramGrid(covering: [all], bins: 50)
    let (p, q) = (grid.fractions(of: made), grid.fractions(of: all))
    let (first, second) = (grid.fractions(of: parts.0), grid.fractions(of: parts.1))
    func distance(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1).magnitude }
    }
    var found = Densities(
      distance: distance(p, q), floor: distance(first, second),
      jensenShannon: jensenShannonDistance(p, q),
      jensenShannonFloor: jensenShannonDistance(first, second))
    guard grid.bins.count == 2 else { return found }
    func rows(_ fractions: [Double]) -> [[Double]] {
      (0..<50).map { row in (0..<50).map { fractions[$0 * 50 + row] } }
    }
    found.section = ResultSection(
      "vectors-density", heading: "Density", caption: "All frames of truth and forecast.",
      .densities(
        DensityComparison(
          axes: Array(names.prefix(2)), low: grid.low, high: grid.high,
          [.init("truth", rows(q)), .init("forecast", rows(p))])))
    return found
  }

  // MARK: Metastable states

  private func stateSections(_ values: inout Values) -> [ResultSection] {
    guard names.count >= 2, !regions.isEmpty else { return [] }
    func labels(_ frames: HostArray<Float>) -> [[Int]] {
      stateLabels(
        zip(paths(frames, 0), paths(frames, 1)).map { (x: $0, y: $1) }, regions: regions)
    }
    let (own, other) = (labels(forecast), labels(truth))
    let count = regions.count
    let (found, actual) = (
      statePopulations(own, stateCount: count), statePopulations(other, stateCount: count)
    )
    (values.populations["forecast"], values.populations["truth"]) = (found, actual)
    var rows = (regions.map(\.name) + ["outside"]).enumerated().map { index, name in
      ScoreTable.Row(
        "population, \(name)", [Score(found[index]), Score(actual[index])], isMain: index < count)
    }
    func times(_ labels: [[Int]]) -> PassageTimes {
      PassageTimes(
        labels, stateCount: count, lag: Self.lag, frameInterval: data.frameInterval)
    }
    let (made, actualTimes) = (times(own), times(other))
    (values.passageTimes["forecast"], values.passageTimes["truth"]) = (
      made.means, actualTimes.means
    )
    for from in 0..<count {
      for to in 0..<count where to != from {
        func score(_ times: PassageTimes) -> Score {
          let (mean, error) = (times.means[from][to], times.deviations[from][to])
          return Score(
            mean,
            spread: error.isFinite
              ? Spread(.standardDeviation, low: mean - error, high: mean + error) : nil)
        }
        rows.append(
          ScoreTable.Row(
            "passage time, \(regions[from].name) to \(regions[to].name)",
            [score(made), score(actualTimes)]))
      }
    }
    return [
      ResultSection(
        "states", heading: "Metastable states",
        caption: """
          Passage times by a Markov model with a lag of \(Self.lag) frames; errors by drawing \
          trajectories anew.
          """, places: [.report, .terminal, .overview],
        .scores(ScoreTable("", columns: ["this run", "truth"], rows: rows)))
    ]
  }

  // MARK: Dynamics

  private var dynamicsSection: ResultSection {
    ResultSection(
      "vectors-autocorrelation", caption: "Integrated autocorrelation times.",
      .scores(
        ScoreTable(
          "", columns: ["this run", "truth"],
          rows: names.indices.map { axis in
            ScoreTable.Row(
              "autocorrelation time of \(names[axis])",
              [forecast, truth].map {
                Score(autocorrelationTime(paths($0, axis)) * data.frameInterval)
              })
          })))
  }
}
