// What an evaluation of forecast particle sets has found, and its sections: after SI Figures 4 to 8 of
// Vlachas et al., Nature Machine Intelligence 4, 359 (2022).
import Foundation
import KymoData
import KymoMetrics
import KymoNumerics
import KymoReduction
import KymoResults

/// Distances of forecast particle sets from the truth.
struct ParticleFindings {
  /// One way to forecast, over initial conditions.
  struct Way {
    /// What forecasts.
    var name: String
    /// Latent and solver steps of a round.
    var macroSteps: Int
    var microSteps: Int
    /// Seconds of all forecasts.
    var seconds = 0.0
    /// Distances at every frame, for each initial condition.
    var errors: [ParticleErrors] = []
    /// Forecast and truth of the first one, `[H, C, P]`.
    var first: (forecast: HostArray<Float>, truth: HostArray<Float>)?

    /// Whether it is the solver alone.
    var isFloor: Bool { macroSteps == 0 }
    /// The mean over frames, for each initial condition.
    func spread(_ distance: (ParticleErrors) -> [Double]) -> MetricSpread {
      MetricSpread(errors.map { Statistics.mean(distance($0)) })
    }
    /// The mean over initial conditions, for each frame.
    func curve(_ distance: (ParticleErrors) -> [Double]) -> [Double] {
      let curves = errors.map(distance)
      return (curves.first ?? []).indices.map { frame in
        Statistics.mean(curves.map { $0[frame] }.filter(\.isFinite))
      }
    }
  }

  /// What other programs read back.
  struct Values: Codable {
    /// Mean W₁ of each way by its name.
    var wasserstein: [String: Double]
    /// Mean W₁ between two true runs; absent without a solver.
    var floor: Double?
    var particleCount: Int
  }

  var ways: [Way]
  var reduction: any Reduction
  var data: ForecastData
  var warmUpSteps: Int
  var horizonSteps: Int

  private var floor: Way? { ways.first(where: \.isFloor) }
  private var particleCount: Int { data.test.stateShape[1] }

  func results(_ provenance: DataProvenance) throws -> RunResults {
    let means = ways.map { ($0.name, $0.spread(\.wasserstein).mean) }
    let floorMean = floor?.spread(\.wasserstein).mean
    return try RunResults(
      method: ForecastFindings.method, data: provenance, headline: headline(floorMean),
      sections: [scoreSection(floorMean), curveSection]
        + [ratioSection, densitySection].compactMap(\.self) + clusterSections(),
      about: .effectiveDynamics,
      values: Values(
        wasserstein: Dictionary(means, uniquingKeysWith: { first, _ in first }), floor: floorMean,
        particleCount: particleCount))
  }

  private func headline(_ floor: Double?) -> [String] {
    guard let latent = ways.first else { return [] }
    let mean = latent.spread(\.wasserstein).mean
    let beside =
      floor.map {
        ", \(NumberText.significant(mean / $0)) times the floor between two true runs, "
          + NumberText.significant($0)
      } ?? ""
    return [
      """
      Latent forecasts of \(NumberText.count(particleCount, "particle")) over \
      \(NumberText.count(horizonSteps, "frame")) have a mean W₁ of \
      \(NumberText.significant(mean))\(beside).
      """
    ]
  }

  private func scoreSection(_ floorMean: Double?) -> ResultSection {
    let rows = ways.map { way in
      let distance = way.spread(\.wasserstein)
      return ScoreTable.Row(
        way.name,
        [
          Score(distance), way.isFloor ? nil : floorMean.map { Score(distance.mean / $0) },
          Score(way.spread(\.histogram)), Score(way.spread(\.mean)), Score(way.spread(\.variance)),
          Score(way.seconds, .duration),
        ], isMain: way.name == ways.first?.name)
    }
    return ResultSection(
      "particles", heading: "Result",
      caption: """
        Means over frames of the distance between forecast and true particles. W₁ is the mean over \
        coordinates of the Wasserstein distance of the marginals, L1 that of joint histograms by \
        Rice's rule (at most 2). Another true run has other noise and starts from the last known \
        frame: no forecast can be nearer but by chance.
        """,
      places: [.report, .terminal, .overview],
      .scores(
        ScoreTable(
          "forecast", columns: ["W₁", "of floor", "L1", "mean", "variance", "time"], rows: rows,
          counted: "initial condition")))
  }

  private var curveSection: ResultSection {
    let times = (1...horizonSteps).map { Double($0) * data.frameInterval }
    func panel(_ title: String, _ distance: (ParticleErrors) -> [Double]) -> Plot.Panel {
      Plot.Panel(
        x: PlotAxis("time"), y: PlotAxis(title),
        ways.map { way in
          Plot.Series(way.name, way.isFloor ? .dots : .line, x: times, y: way.curve(distance))
        })
    }
    return ResultSection(
      "particles-time", heading: "Errors in time",
      caption: "Means over initial conditions; dotted: another true run.",
      .plot(
        Plot(
          [panel("W₁", \.wasserstein), panel("L1", \.histogram)], .above)))
  }

  /// W₁ against ρ.
  private var ratioSection: ResultSection? {
    let fixed = ways.filter { $0.macroSteps > 0 && $0.microSteps > 0 }
    guard !fixed.isEmpty, let floor else { return nil }
    let spreads = fixed.map { $0.spread(\.wasserstein) }
    let ratios = fixed.map { Double($0.macroSteps) / Double($0.microSteps) }
    let level = floor.spread(\.wasserstein).mean
    let latent = ways[0].spread(\.wasserstein).mean
    let ends = [ratios.min() ?? 0, ratios.max() ?? 1]
    return ResultSection(
      "particles-ratio", caption: "W₁ against ρ, latent steps over solver steps.", isNarrow: true,
      .plot(
        Plot([
          Plot.Panel(
            x: PlotAxis("ρ"), y: PlotAxis("W₁"),
            [
              Plot.Series(
                "rounds with the solver", .marks, x: ratios, y: spreads.map(\.mean),
                errors: spreads.map { $0.standardDeviation.isFinite ? $0.standardDeviation : 0 }),
              Plot.Series("latent only", x: ends, y: [latent, latent]),
              Plot.Series("another true run", .dots, x: ends, y: [level, level]),
            ])
        ])))
  }

  // MARK: Densities

  /// Cells over the range of the training data, of the first two coordinates or of one and time.
  private var axes: (low: [Double], high: [Double]) {
    let scaler = (reduction as? DensityReduction)?.scaler
    let low = scaler?.offset ?? [0]
    let high = zip(low, scaler?.scale ?? [1]).map { $0 + $1 }
    return (low, high)
  }

  private static let bins = 40

  /// Truth and latent forecast of the first initial condition: the first two coordinates at the last
  /// frame, or one coordinate over time.
  private var densitySection: ResultSection? {
    guard let (forecast, truth) = ways.first?.first else { return nil }
    let (low, high) = axes
    let names = data.channelNames
    if truth.shape[1] >= 2 {
      let grid = HistogramGrid(
        low: Array(low.prefix(2)), high: Array(high.prefix(2)), bins: [Self.bins, Self.bins])
      func rows(_ states: HostArray<Float>) -> [[Double]] {
        let last = HostArray<Double>(states.slice(states.shape[0] - 1))
        return Self.rows(of: last.slice(0).elements, last.slice(1).elements, grid)
      }
      return ResultSection(
        "particles-density", heading: "Where the particles are",
        caption: "The last frame of the first initial condition, \(names[0]) and \(names[1]).",
        .densities(
          DensityComparison(
            axes: Array(names.prefix(2)), low: grid.low, high: grid.high,
            [.init("truth", rows(truth)), .init("forecast", rows(forecast))])))
    }
    let grid = HistogramGrid(low: [low[0]], high: [high[0]], bins: [Self.bins])
    func columns(_ states: HostArray<Float>) -> [[Double]] {
      let frames = (0..<states.shape[0]).map { frame in
        grid.fractions(
          of: HostArray<Double>(states.slice(frame)).reshaped([states.shape[2], 1]))
      }
      return (0..<Self.bins).map { bin in frames.map { $0[bin] } }
    }
    let end = Double(horizonSteps) * data.frameInterval
    return ResultSection(
      "particles-density", heading: "Where the particles are",
      caption: "The density of the first initial condition over time.",
      .densities(
        DensityComparison(
          axes: ["t", names[0]], low: [0, grid.low[0]], high: [end, grid.high[0]],
          [.init("truth", columns(truth)), .init("forecast", columns(forecast))])))
  }

  private static func rows(
    of x: [Double], _ y: [Double], _ grid: HistogramGrid
  ) -> [[Double]] {
    let pairs = zip(x, y).flatMap { [$0, $1] }
    let fractions = grid.fractions(of: HostArray(pairs, shape: [x.count, 2]))
    // The second axis upwards, the first to the right.
    return (0..<bins).map { row in (0..<bins).map { fractions[$0 * bins + row] } }
  }

  // MARK: Metastable configurations

  private static let clusterCount = 4

  /// Clusters of the latents of the test frames and the density of the centre of each.
  private func clusterSections() throws -> [ResultSection] {
    guard let density = reduction as? DensityReduction, density.latentCount >= 2 else { return [] }
    let frames = data.test.thinned(atMost: 2000)
    let latents = try density.encode(frames)
    var random = RandomStream(seed: 1, purpose: .evaluation)
    let clusters = ClusterCentres(
      of: latents.elements, dimensions: density.latentCount, count: Self.clusterCount,
      using: &random)
    let width = density.latentCount
    let points = Plot.Panel(
      x: PlotAxis("z₁"), y: PlotAxis("z₂"),
      (0..<Self.clusterCount).map { cluster in
        let own = clusters.members.indices.filter { clusters.members[$0] == cluster }
        return Plot.Series(
          "\(cluster + 1)", .marks, x: own.map { latents.elements[$0 * width] },
          y: own.map { latents.elements[$0 * width + 1] })
      })
    var sections = [
      ResultSection(
        "latent-clusters", heading: "Metastable configurations",
        caption: "Latents of test frames in \(Self.clusterCount) clusters.", isNarrow: true,
        .plot(Plot([points])))
    ]
    guard density.stateShape[0] >= 2 else { return sections }
    let (low, high) = axes
    let grid = HistogramGrid(
      low: Array(low.prefix(2)), high: Array(high.prefix(2)), bins: [Self.bins, Self.bins])
    let drawn = try density.withParticles(20_000).decode(
      HostArray(clusters.centres, shape: [Self.clusterCount, width]), using: &random)
    sections.append(
      ResultSection(
        "cluster-densities", caption: "The decoded density of the centre of each cluster.",
        .densities(
          DensityComparison(
            axes: Array(data.channelNames.prefix(2)), low: grid.low, high: grid.high,
            (0..<Self.clusterCount).map { cluster in
              let state = HostArray<Double>(drawn.slice(cluster))
              return .init(
                "\(cluster + 1)",
                Self.rows(of: state.slice(0).elements, state.slice(1).elements, grid))
            }))))
    return sections
  }
}
