// What is said and shown of forecasts, from findings made without a model.
import Foundation
import KymoMetrics
import KymoPropagation
import KymoReduction
import KymoResults
import KymoSolvers
import Testing

@testable import KymoExperiments

/// Findings with every comparison filled.
private func findings() -> ForecastFindings {
  func spread(_ mean: Double) -> MetricSpread {
    MetricSpread([0.9 * mean, mean, 1.1 * mean])
  }
  func way(_ name: String, _ mean: Double, speed: Double? = nil) -> ForecastFindings.Way {
    ForecastFindings.Way(
      name: name, normalizedDifference: [spread(mean), spread(2 * mean)],
      rootMeanSquareError: spread(3 * mean), correlation: spread(0.9), validTime: spread(40),
      errorCurve: (1...50).map { mean * Double($0) }, speedUp: speed,
      paperSpeedUp: speed.map { 2 * $0 }, latentFraction: 0.8, divergedCount: 0,
      trainingSeconds: 61)
  }
  var findings = ForecastFindings(
    data: DataProvenance(
      system: "FitzHugh–Nagumo", file: "fhn-test.npz", recordingCount: 1, isTrainingData: false),
    channelNames: ["u", "v"], frameInterval: 1, validTimeUnit: "time", warmUpSteps: 20,
    horizonSteps: 800, initialConditionCount: 3)
  findings.curveStride = 16
  for (name, factor) in [("autoencoder", 1e-6), ("PCA", 1e-3)] {
    for latents in [1, 2, 4] {
      findings.reconstructions.append(
        .init(
          name: name, latentCount: latents, meanSquaredError: 4 * factor / Double(latents),
          scaledMeanSquaredError: factor / Double(latents), trainingSeconds: 30,
          isMain: name != "PCA" && latents == 2, isShortened: latents != 2,
          published: name == "PCA" ? PublishedScore(2e-3, source: "a source") : nil))
    }
  }
  findings.propagators = [way("LSTM", 0.009, speed: 30), way("SINDy", 0.05)]
  findings.propagators[0].published = PublishedScore(0.0196, source: "released weights")
  for (macro, mean, speed) in [(10, 0.002, 1.9), (50, 0.006, 5.5)] {
    var one = way("ρ = \(macro / 10)", mean, speed: speed)
    (one.macroSteps, one.microSteps) = (macro, 10)
    findings.schedules.append(one)
  }
  findings.schedules.append(way("latent only", 0.01, speed: 30))
  findings.ensembleSchedules = [way("latent only, 5 members", 0.008, speed: 6)]
  findings.adaptive = [way("adaptive, 0.02 and 0.02", 0.006, speed: 11)]
  findings.fullState = [way("reservoir of the full state", 0.02)]
  (findings.equationFree, findings.equationFreeSteps) = ([0.004, 0.003], 431)
  findings.publishedEquationFree = PublishedForecasts.fitzHughNagumo.equationFree
  let grid = (0..<20).map { y in (0..<20).map { x in x == y ? 0.05 : 0 } }
  findings.densities = [
    .init(
      name: "u_x and u_xx",
      comparison: DensityComparison(
        axes: ["u_x", "u_xx"], low: [-4, -8], high: [4, 8],
        [.init("truth", grid), .init("forecast", grid)]), distance: 0.06, floor: 0.05)
  ]
  findings.paths = [
    .init(
      latents: [0, 1], truth: (0..<90).map { [cos(Double($0)), sin(Double($0))] },
      forecast: (0..<90).map { [1.01 * cos(Double($0)), sin(Double($0))] })
  ]
  let field = (0..<40 * 30).map { Float(sin(Double($0))) }
  findings.fields = [
    FieldComparison(
      times: (0..<40).map(Double.init), positions: [(0..<30).map(Double.init)],
      channels: ["u", "v"].map { .init($0, truth: field, prediction: field) })
  ]
  findings.costs = .init(
    cost: ForecastCost(solver: 20e-6, latentStep: 0.3e-6, encoding: 1e-6, decoding: 1e-6),
    batchCount: 32, solverStep: "δt = 0.005", paperSolverSeconds: 0.0154, paperSolver: "NumPy",
    published: PublishedScore(60, source: "paper"))
  return findings
}

@Suite("Results of a reduction and its propagators") struct ForecastSectionsTests {
  @Test("show every comparison, each under the name of its figure")
  func sections() throws {
    let read = try RunResults(json: findings().results().json())
    let ids = read.sections.map(\.id)
    #expect(Set(ids).count == ids.count)
    #expect(
      Set([
        "result", "field-1", "field-2", "reconstruction", "propagators", "propagator-differences",
        "ratio", "trade-off", "latents-1", "density-1", "full-state",
      ]).isSubset(of: ids))
    let scores = read.scores
    #expect(scores["reductions"]?.rows.count == 6)
    let ways = try #require(scores["propagator-scores"])
    // The published number is that of the last channel.
    #expect(ways.rows[0].scores[1]?.published?.value == 0.0196)
    #expect(ways.rows[0].scores[0]?.published == nil)
    #expect(
      scores["schedules"]?.rows.map(\.name) == [
        "ρ = 1, with the solver", "ρ = 5, with the solver", "latent only",
        "latent only, 5 members", "adaptive, 0.02 and 0.02",
      ])
    let free = try #require(scores["equation-free"])
    #expect(free.rows.count == 10 && free.rows[0].isMain && free.rows[1].note == "published")
    #expect(scores["density-distances"]?.rows[0].scores[2]?.value == 0.06 / 0.05)
    #expect(scores["speed-ups"]?.rows[0].scores[1]?.published?.value == 60)
    let cost = try #require(try read.values(ForecastValues.self).cost)
    #expect(cost == findings().costs?.cost)
  }

  @Test("of a person's own data and solver name neither a paper nor a solver of ours")
  func ownData() throws {
    var own = findings()
    for index in own.reconstructions.indices { own.reconstructions[index].published = nil }
    (own.propagators[0].published, own.publishedEquationFree) = (nil, [])
    own.costs?.published = nil
    own.costs?.paperSolverSeconds = nil
    own.costs?.solverName = SolverSettings.process(.init(command: ["mine"])).ownerWords
    let results = try own.results()
    let text = String(decoding: try results.json(), as: UTF8.self)
      .replacing("\"published\":", with: "")
    for word in ["our solver", "paper", "ublished", "our own"] {
      #expect(!text.replacing("your solver", with: "").contains(word), "\(word)")
    }
    #expect(results.headline.last?.hasSuffix("times as fast as your solver.") == true)
    #expect(results.scores["speed-ups"]?.columns == ["over your solver"])
    #expect(findings().costs?.solverName == "our solver")
  }

  @Test("say what the run is worth, with published numbers")
  func words() throws {
    let results = try findings().results()
    let words = results.headline.joined(separator: " ")
    #expect(words.contains("The autoencoder with 2 latents reconstructs the test frames"))
    #expect(words.contains("(published: 0.0196, released weights)"))
    #expect(words.contains("They are 30.0 times as fast as our solver."))
    // At a mean error of 0.009 the fastest fixed schedule is ρ = 5 with 5.5.
    #expect(
      findings().adaptiveWords?.hasPrefix(
        "adaptive, 0.02 and 0.02 is 2.00 times as fast as ρ = 5") == true)
    #expect(results.about.citation.contains("10.1038/s42256-022-00464-w"))
    let text = results.terminalText
    for word in ["latent forecast", "with the solver", "full state", "equation-free", "µs"] {
      #expect(text.contains(word), "\(word)")
    }
    var diverged = findings()
    diverged.propagators[0].divergedCount = 2
    #expect(diverged.headline.contains("2 of them diverged."))
    #expect(try diverged.results().terminalText.contains("Diverged and left out: 2 of LSTM."))
  }

  @Test("compare adaptive switching that nothing fixed reaches with the most accurate schedule")
  func unmatched() throws {
    var findings = findings()
    let errors = (findings.schedules + findings.ensembleSchedules).map(\.meanDifference)
    let least = try #require(errors.min())
    for channel in findings.adaptive[0].normalizedDifference.indices {
      findings.adaptive[0].normalizedDifference[channel].mean = least / 2
    }
    let comparison = try #require(findings.adaptiveComparison)
    #expect(comparison.adaptive.meanDifference < comparison.fixed.meanDifference)
    #expect(comparison.fixed.meanDifference == least)
    let speeds = [findings.adaptive[0], comparison.fixed].map { $0.speedUp ?? .nan }
    #expect(comparison.ratio == speeds[0] / speeds[1])
    // Nothing that diverged is a rival.
    for channel in findings.adaptive[0].normalizedDifference.indices {
      findings.adaptive[0].normalizedDifference[channel].mean = .nan
    }
    #expect(findings.adaptiveComparison == nil)
  }

  @Test("hold nothing but a forecast where nothing else was asked for")
  func almostEmpty() throws {
    var few = findings()
    (few.reconstructions, few.schedules, few.adaptive, few.fullState) = ([], [], [], [])
    (few.ensembleSchedules, few.equationFree, few.densities) = ([], nil, [])
    (few.paths, few.fields, few.costs) = ([], [], nil)
    few.propagators = [few.propagators[1]]
    let ids = try RunResults(json: few.results().json()).sections.map(\.id)
    #expect(ids == ["result", "propagator-scores", "propagators"])
    few.propagators = []
    #expect(
      few.headline == ["The results hold neither a reduction nor a forecast."])
  }

  @Test("have published numbers by what was trained")
  func published() throws {
    let paper = try #require(PublishedForecasts.of(systemName: "FitzHugh–Nagumo"))
    #expect(paper.scheduleDifferences[.infinity]?.value == 0.0196)
    #expect(paper.scheduleDifferences[5]?.value == 0.0138)
    #expect(paper.scheduleDifferences[2.5] == nil)
    #expect(PublishedReduction(.principalComponents(.init())) == .principalComponents)
    #expect(PublishedPropagator(.sindy(.init())) == .sindy)
    #expect(PublishedPropagator(.reservoir(.init())) == nil)
    #expect(paper.propagatorDifferences[.jointLSTM]?.source == "released weights")
    #expect(PublishedForecasts.of(systemName: "Burgers") == nil)
  }
}
