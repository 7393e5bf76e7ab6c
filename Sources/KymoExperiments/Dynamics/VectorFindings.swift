// What an evaluation of forecast vectors of random dynamics has found, and its sections: density,
// populations of metastable states, passage times and autocorrelation, after Vlachas et al., J.
// Chem. Theory Comput. 18, 538 (2022). The floor is between the two halves of the true
// trajectories.
import Foundation
import KymoMetrics
import KymoNumerics
import KymoResults
import KymoSolvers

/// Forecast trajectories of vectors beside true ones.
struct VectorFindings {
  /// True and forecast frames, `[B, H, C, 1]`.
  var truth: HostArray<Float>
  var forecast: HostArray<Float>
  /// Latents of the true and of the forecast frames, `[B, H, L]`.
  var trueLatents: HostArray<Double>
  var latents: HostArray<Double>
  /// Seconds of one trajectory and frame: the whole forecast, the part without drawn states, and
  /// the solver.
  var secondsPerFrame: Double
  var latentSecondsPerFrame: Double
  var solverSecondsPerFrame: Double?
  /// Names of the components.
  var names: [String]
  var frameInterval: Double
  /// The unit of time; nil for none.
  var timeUnit: String?
  /// The system, as the files name it.
  var systemName: String

  /// What other programs read back.
  struct Values: Codable {
    var populations: [String: [Double]] = [:]
    var passageTimes: [String: [[Double]]] = [:]
    var histogramDistance = 0.0
    var histogramFloor = 0.0
    /// Solver against forecast, for one trajectory and frame; with every frame drawn, and latents
    /// alone.
    var speedUp: Double?
    var latentSpeedUp: Double?
    var jensenShannonDistance = 0.0
    var jensenShannonFloor = 0.0
    /// Mean over the pairs of states with passages in both of the relative error of the passage
    /// time; nil where there is none.
    var passageTimeError: Double?
    /// How many pairs these are.
    var passageTimesSeen: Int?
    /// Parts of the structures of a molecule that are sound.
    var soundStructures: [String: Double]?
  }

  /// What is known of a system: its metastable states.
  private enum System {
    case muellerBrown, alanine, other
  }
  private var system: System {
    switch systemName {
    case MuellerBrownConfiguration.systemName: .muellerBrown
    case AlanineDipeptide.systemName: .alanine
    default: .other
    }
  }
  var isMolecule: Bool { system == .alanine }

  /// Known states of the system; passage times are between the first ones.
  private var regions: (all: [StateRegion], passages: Int) {
    switch system {
    case .muellerBrown: (StateRegion.muellerBrown, 2)
    case .alanine: (StateRegion.alanine, 3)
    case .other: ([], 0)
    }
  }
  /// Frames of a transition in the estimate of passage times, which depends on that time: 10 ps for
  /// the molecule, whatever the interval of frames.
  private var lag: Int { isMolecule ? max(1, Int((10 / frameInterval).rounded())) : 10 }

  /// The components whose joint density is compared: φ and ψ of the molecule.
  private var pair: [Int] {
    isMolecule ? [AlanineDipeptide.phi, AlanineDipeptide.psi] : Array(names.indices.prefix(2))
  }

  /// Coordinates of every trajectory.
  func paths(_ frames: HostArray<Float>, _ axis: Int) -> [[Double]] {
    let (batch, steps, width) = (frames.shape[0], frames.shape[1], frames.shape[2])
    return (0..<batch).map { item in
      (0..<steps).map { Double(frames.elements[(item * steps + $0) * width + axis]) }
    }
  }

  func results(_ provenance: DataProvenance) throws -> RunResults {
    var values = Values()
    var sections: [ResultSection] = []
    values.speedUp = solverSecondsPerFrame.map { $0 / secondsPerFrame }
    values.latentSpeedUp = solverSecondsPerFrame.map { $0 / latentSecondsPerFrame }
    let density = densities()
    (values.histogramDistance, values.histogramFloor) = (density.distance, density.floor)
    (values.jensenShannonDistance, values.jensenShannonFloor) = (
      density.jensenShannon, density.jensenShannonFloor
    )
    var rows = [
      ScoreTable.Row(
        "density, L1", [Score(density.distance), Score(density.floor)], isMain: true),
      ScoreTable.Row(
        "density, Jensen–Shannon distance",
        [Score(density.jensenShannon), Score(density.jensenShannonFloor)]),
    ]
    if isMolecule { rows += torsionRows }
    for axis in names.indices where !isMolecule || AlanineDipeptide.bonds.contains(axis) {
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
    if isMolecule { sections += moleculeSections(&values) }
    return try RunResults(
      method: ForecastFindings.method, data: provenance, headline: headline(values),
      sections: sections, about: .effectiveDynamics, values: values)
  }

  private func headline(_ values: Values) -> [String] {
    let speed =
      if let whole = values.speedUp, let latent = values.latentSpeedUp {
        """
         \(NumberText.count(truth.shape[0])) trajectories together are \
        \(NumberText.significant(whole)) times as fast as the solver, \
        \(NumberText.significant(latent)) times as long as no state is drawn.
        """
      } else {
        ""
      }
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
      let pairs = pair.map { Array(paths(frames, $0)[range].joined()) }
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
    let grid = isMolecule ? .ramachandran() : HistogramGrid(covering: [all], bins: 50)
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
          axes: pair.map { names[$0] + (isMolecule ? " / °" : "") },
          low: grid.low.map { isMolecule ? $0.degrees : $0 },
          high: grid.high.map { isMolecule ? $0.degrees : $0 },
          [.init("truth", rows(q)), .init("forecast", rows(p))])))
    return found
  }

  // MARK: Metastable states

  private func stateSections(_ values: inout Values) -> [ResultSection] {
    let (regions, passages) = regions
    guard pair.count == 2, !regions.isEmpty else { return [] }
    func labels(_ frames: HostArray<Float>) -> [[Int]] {
      stateLabels(
        zip(paths(frames, pair[0]), paths(frames, pair[1])).map { (x: $0, y: $1) },
        regions: regions)
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
        labels.map { $0.map { min($0, passages) } }, stateCount: passages, lag: lag,
        frameInterval: frameInterval)
    }
    let (made, actualTimes) = (times(own), times(other))
    (values.passageTimes["forecast"], values.passageTimes["truth"]) = (
      made.means, actualTimes.means
    )
    var misses: [Double] = []
    for from in 0..<passages {
      for to in 0..<passages where to != from {
        let miss = (made.means[from][to] / actualTimes.means[from][to] - 1).magnitude
        if miss.isFinite { misses.append(miss) }
        func score(_ times: PassageTimes) -> Score? {
          let (mean, error) = (times.means[from][to], times.deviations[from][to])
          guard mean.isFinite else { return nil }
          return Score(
            mean, unit: timeUnit,
            spread: error.isFinite
              ? Spread(.standardDeviation, low: mean - error, high: mean + error) : nil)
        }
        rows.append(
          ScoreTable.Row(
            "passage time, \(regions[from].name) to \(regions[to].name)",
            [score(made), score(actualTimes)],
            note: unseen(made.means[from][to], actualTimes.means[from][to])))
      }
    }
    let lagTime = ["\((Double(lag) * frameInterval).formatted())", timeUnit]
      .compactMap(\.self).joined(separator: " ")
    let pairs = passages * (passages - 1)
    values.passageTimeError = misses.isEmpty ? nil : Statistics.mean(misses)
    values.passageTimesSeen = misses.count
    rows.append(
      ScoreTable.Row(
        "mean relative error of the passage times",
        [values.passageTimeError.map { Score($0, count: misses.count) }, nil],
        note: misses.count < pairs ? "\(misses.count) of \(pairs)" : nil))
    return [
      ResultSection(
        "states", heading: "Metastable states",
        caption: """
          Passage times by a Markov model with a lag of \(lag) frames, \(lagTime); errors by \
          drawing trajectories anew.
          """, places: [.report, .terminal, .overview],
        .scores(ScoreTable("", columns: ["this run", "truth"], rows: rows)))
    ]
  }

  /// Where a passage was never seen.
  private func unseen(_ made: Double, _ actual: Double) -> String? {
    let places = [("this run", made), ("the truth", actual)].filter { !$0.1.isFinite }.map(\.0)
    return places.isEmpty ? nil : "not seen in " + places.joined(separator: " and ")
  }

  // MARK: Dynamics

  private var dynamicsSection: ResultSection {
    ResultSection(
      "vectors-autocorrelation", caption: "Integrated autocorrelation times.",
      .scores(
        ScoreTable(
          "", columns: ["this run", "truth"],
          rows: (isMolecule ? pair : Array(names.indices)).map { axis in
            ScoreTable.Row(
              "autocorrelation time of \(isMolecule ? "cos " : "")\(names[axis])",
              [forecast, truth].map { frames in
                let paths = paths(frames, axis).map { isMolecule ? $0.map { cos($0) } : $0 }
                return Score(autocorrelationTime(paths) * frameInterval, unit: timeUnit)
              })
          })))
  }
}

extension Double {
  /// An angle in radians, in degrees.
  var degrees: Double { self * 180 / .pi }
}
