// The page of a forecasting run, from values alone.
import Foundation
import KymoMetrics
import KymoReport
import Testing

/// Results with every comparison filled.
private func results() -> ForecastResults {
  func spread(_ mean: Double) -> MetricSpread {
    MetricSpread([0.9 * mean, mean, 1.1 * mean])
  }
  func score(_ name: String, _ mean: Double, speed: Double? = nil) -> ForecastResults.Score {
    var score = ForecastResults.Score(
      name: name, normalizedDifference: [spread(mean), spread(2 * mean)],
      rootMeanSquareError: spread(3 * mean), correlation: spread(0.9), validTime: spread(40),
      errorCurve: (1...50).map { mean * Double($0) }, latentFraction: 0.8, divergedCount: 0)
    (score.speedUp, score.paperSpeedUp) = (speed, speed.map { 2 * $0 })
    score.trainingSeconds = 61
    return score
  }
  var results = ForecastResults(
    dataDescription: "1 test recording of FitzHugh–Nagumo (fhn-test.npz)",
    channelNames: ["u", "v"], frameInterval: 1, validTimeUnit: "time", warmUpSteps: 20,
    horizonSteps: 800, initialConditionCount: 3)
  results.curveStride = 16
  for (name, factor) in [("autoencoder", 1e-6), ("PCA", 1e-3)] {
    for latents in [1, 2, 4] {
      results.reconstructions.append(
        .init(
          name: name, latentCount: latents, meanSquaredError: 4 * factor / Double(latents),
          scaledMeanSquaredError: factor / Double(latents), trainingSeconds: 30,
          isMain: name != "PCA" && latents == 2, isShortened: latents != 2,
          reference: name == "PCA" ? .init(2e-3, "a source") : nil))
    }
  }
  results.propagators = [score("LSTM", 0.009, speed: 30), score("SINDy", 0.05)]
  results.propagators[0].reference = .init(0.0196, "released weights")
  for (macro, mean, speed) in [(10, 0.002, 1.9), (50, 0.006, 5.5)] {
    var one = score("ρ = \(macro / 10)", mean, speed: speed)
    (one.macroSteps, one.microSteps) = (macro, 10)
    results.schedules.append(one)
  }
  results.schedules.append(score("latent only", 0.01, speed: 30))
  results.ensembleSchedules = [score("latent only, 5 members", 0.008, speed: 6)]
  results.adaptive = [score("adaptive, 0.02 and 0.02", 0.006, speed: 11)]
  results.fullState = [score("reservoir of the full state", 0.02)]
  results.equationFree = [
    .init(
      name: "Latent forecast of this run", normalizedDifference: [0.004, 0.003], isPublished: false),
    .init(name: "network, all", normalizedDifference: [0.0153, 0.0156], isPublished: true),
  ]
  results.equationFreeSteps = 431
  let grid = (0..<20).map { y in (0..<20).map { x in x == y ? 0.05 : 0 } }
  results.densities = [
    .init(
      name: "u_x and u_xx", axes: ["u_x", "u_xx"], low: [-4, -8], high: [4, 8], truth: grid,
      forecast: grid, distance: 0.06, floor: 0.05)
  ]
  results.paths = [
    .init(
      latents: [0, 1], truth: (0..<90).map { [cos(Double($0)), sin(Double($0))] },
      forecast: (0..<90).map { [1.01 * cos(Double($0)), sin(Double($0))] })
  ]
  let field = (0..<40).map { t in (0..<30).map { x in Float(sin(Double(t + x))) } }
  results.fields = [
    .init(
      recording: 0, caption: "u", times: (0..<40).map(Double.init),
      positions: (0..<30).map(Double.init), truth: field, prediction: field, trainedTime: 0)
  ]
  results.costs = .init(
    cost: ForecastCost(solver: 20e-6, latentStep: 0.3e-6, encoding: 1e-6, decoding: 1e-6),
    batchCount: 32, warmUpSteps: 20, horizonSteps: 800, solverStep: "δt = 0.005",
    paperSolverSeconds: 0.0154, paperSolver: "NumPy", reference: .init(60, "paper"))
  return results
}

private func write(_ results: ForecastResults, _ run: SyntheticRun) throws {
  let encoder = JSONEncoder()
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  try run.write(encoder.encode(results), to: "results.json")
  let lines = (1...60).map { line in
    let stage = line <= 40 ? "reduction" : "propagator-1"
    return """
      {"step":\(line),"stage":"\(stage)","loss":\(1 / Double(line)),"validation":\(2 / Double(line)),\
      "seconds":\(line),"reconstruction":0,"divergence":0,"learningRate":0.001,"gradientNorm":0,\
      "latentVariance":[],"latentSigma2":[]}
      """
  }
  try run.write(Data(lines.joined(separator: "\n").utf8), to: "metrics.jsonl")
  try run.write(Data("method: led".utf8), to: "recipe.yaml")
}

private let figures: Set<String> = [
  "field-1", "reconstruction", "propagators", "propagator-differences", "ratio", "trade-off",
  "latents-1", "density-1", "full-state", "training",
]

@Suite("The page of a forecasting run") struct ForecastPageTests {
  @Test(
    "draws every figure without a problem",
    .enabled(if: Browser.executable != nil, "\(Browser.missing)"))
  func draws() throws {
    let run = try SyntheticRun("fhn")
    defer { run.remove() }
    try write(results(), run)
    let page = try Report.write(run: run.folder, plotly: SyntheticRun.plotly())
    let document = try Browser.open(page)
    let (problems, drawn) = (document.problems, document.drawn)
    #expect(problems == nil)
    #expect(drawn == figures)
  }

  @Test("holds figures that are valid for Plotly's own checker") func schema() throws {
    let run = try SyntheticRun("fhn")
    defer { run.remove() }
    try write(results(), run)
    try run.write(Data("var Plotly = {};".utf8), to: "stub.js")
    _ = try Report.write(run: run.folder, plotly: run.folder.appending(path: "stub.js"))
    try expectValidFigures(of: run, atLeast: figures.count)
  }

  @Test("compares adaptive switching that nothing fixed reaches with the most accurate schedule")
  func unmatched() throws {
    var results = KymoReportTests.results()
    let errors = (results.schedules + results.ensembleSchedules).map(\.meanDifference)
    let least = try #require(errors.min())
    for channel in results.adaptive[0].normalizedDifference.indices {
      results.adaptive[0].normalizedDifference[channel].mean = least / 2
    }
    results.adaptive = [results.adaptive[0]]
    let comparison = try #require(results.adaptiveComparison)
    #expect(comparison.isMoreAccurate)
    #expect(comparison.fixed.meanDifference == least)
    let speeds = [results.adaptive[0], comparison.fixed].map { $0.speedUp ?? .nan }
    #expect(comparison.ratio == speeds[0] / speeds[1])
    // Nothing that left the finite numbers is a rival.
    for channel in results.adaptive[0].normalizedDifference.indices {
      results.adaptive[0].normalizedDifference[channel].mean = .nan
    }
    #expect(results.adaptiveComparison == nil)
  }

  @Test("puts published numbers beside ours and compares schedules at the same error") func words()
    throws
  {
    let run = try SyntheticRun("fhn")
    defer { run.remove() }
    try write(results(), run)
    try run.write(Data("var Plotly = {};".utf8), to: "stub.js")
    let page = try String(
      contentsOf: Report.write(run: run.folder, plotly: run.folder.appending(path: "stub.js")),
      encoding: .utf8)
    #expect(page.contains("0.0196 (released weights)"))
    // At a mean error of 0.009 the fastest fixed schedule is ρ = 5 with 5.5.
    #expect(page.contains("adaptive, 0.02 and 0.02 is 2.00 times as fast as ρ = 5"))
    #expect(page.contains("10.1038/s42256-022-00464-w"))
    #expect(page.contains("431 frames"))
    #expect(page.contains("60 epochs in 1 min 0 s"))
  }

  @Test("has a place on the page over several experiments") func overview() throws {
    let runs = try (1...2).map { try SyntheticRun("seed-\($0)") }
    defer { runs.forEach { $0.remove() } }
    var second = results()
    second.propagators[0].normalizedDifference[1] = MetricSpread([0.03])
    second.adaptive = []
    for (run, results) in zip(runs, [results(), second]) { try write(results, run) }
    try runs[0].write(Data("var Plotly = {};".utf8), to: "stub.js")
    let page = try Report.writeOverview(
      title: "led", experiments: [("led/fhn", runs.map(\.folder))],
      to: runs[0].folder.deletingLastPathComponent(),
      plotly: runs[0].folder.appending(path: "stub.js"))
    let text = try String(contentsOf: page, encoding: .utf8)
    // Means of the last channel: 0.018 and 0.03 over two seeds, 0.012 of one.
    #expect(text.contains("<b>0.0240 [0.0180, 0.0300]</b>") && text.contains("0.0196"))
    #expect(text.contains("adaptive, 0.02 and 0.02") && text.contains("<b>0.0120</b>"))
    #expect(text.contains("ρ = 5, with the solver") && text.contains("2 × 3"))
    #expect(text.contains("1 × 3") && text.contains("seed-2/report.html\">"))
  }

  @Test("holds results with nothing but a forecast") func almostEmpty() throws {
    let run = try SyntheticRun("fhn")
    defer { run.remove() }
    var few = results()
    (few.reconstructions, few.schedules, few.adaptive, few.fullState) = ([], [], [], [])
    (few.equationFree, few.densities, few.paths, few.fields, few.costs) = ([], [], [], [], nil)
    few.propagators = [few.propagators[1]]
    try write(few, run)
    try run.write(Data("var Plotly = {};".utf8), to: "stub.js")
    _ = try Report.write(run: run.folder, plotly: run.folder.appending(path: "stub.js"))
  }

  @Test("refuses results that contradict themselves") func contradiction() throws {
    let run = try SyntheticRun("fhn")
    defer { run.remove() }
    var wrong = results()
    wrong.schedules[1].normalizedDifference.removeLast()
    try write(wrong, run)
    try run.write(Data("var Plotly = {};".utf8), to: "stub.js")
    #expect(
      throws: ReportError.inconsistent(
        file: "results.json", entry: "schedules.1.normalizedDifference", found: "1 values",
        expected: "2")
    ) { try Report.write(run: run.folder, plotly: run.folder.appending(path: "stub.js")) }
  }
}
