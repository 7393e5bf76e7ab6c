// Effective dynamics through the built program at the smallest size that works: train, kill,
// resume, evaluate, forecast with and without a solver, report.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("From recordings to forecasts", .serialized) struct ForecastWorkflowTests {
  let temporary: TemporaryFolder
  let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
  }

  private func writeRecipe(epochs: Int = 3) throws {
    let text = """
      method: led
      name: tiny
      data:
        train: train.npz
        validation: validation.npz
        test: test.npz
        simulate:
          system: fhn
          train: {recordings: 2, frameCount: 90, pointCount: 21, substeps: 20, seed: 1}
          validation: {recordings: 1, frameCount: 90, pointCount: 21, substeps: 20, seed: 2}
          test: {recordings: 1, frameCount: 120, pointCount: 21, substeps: 20, seed: 3}
      reduction:
        autoencoder:
          feedForward: {latentCount: 2, hiddenWidth: 16, hiddenLayers: 1}
          training: {batchSize: 20, phase: {steps: \(9 * epochs)}}
      propagator:
        network:
          recurrent: {unitCount: 8}
          training: {windowLength: 8, windowsPerSequence: 2, batchSize: 4, phase: {steps: 20}}
      ensembleSize: 2
      solver: {fhn: {pointCount: 21, substeps: 20}}
      forecast:
        warmUpSteps: 10
        horizonSteps: 40
        initialConditions: 4
        microSteps: 4
        macroSteps: [4, 8]
        adaptive: [{maximumDisagreement: 0.1, maximumMismatch: 10, microSteps: 4, comparisonSteps: 2}]
      comparisons:
        latentCounts: [2]
        reductions: [{principalComponents: {}}]
        propagators: [{sindy: {polynomialDegree: 1}}, {dmd: {delays: 2}}]
      evaluation: {timedSteps: 5, equationFreeSteps: 30}
      """
    try Data(text.utf8).write(to: tool.file("tiny.yaml"))
  }

  @Test("everything works together") func workflow() throws {
    try writeRecipe()
    let dry = try tool.run("train", "tiny.yaml", "--dry-run", "--threads", "1")
    #expect(dry.status == 0, "\(dry.words)")
    #expect(dry.output.contains("method: dynamics\n") && dry.output.contains("windowLength: 8\n"))
    #expect(dry.words.contains("6 models"))

    let trained = try tool.run("train", "tiny.yaml", "-o", "run", "--threads", "1")
    #expect(trained.status == 0, "\(trained.words)")
    for name in [
      "recipe.yaml", "environment.json", "log.txt", "metrics.jsonl", "model/model.json",
      "model/reduction/model.json", "model/propagator-2/model.safetensors",
    ] { #expect(tool.has("run/\(name)"), "\(name)") }

    let evaluated = try tool.run("evaluate", "run", "--json", "--threads", "1")
    #expect(evaluated.status == 0, "\(evaluated.words)")
    let numbers = try #require(
      try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
    #expect(numbers["method"] as? String == "dynamics")
    let sections = try #require(numbers["sections"] as? [[String: Any]])
    #expect(sections.allSatisfy { ["scores", "table", "text"].contains($0["kind"] as? String) })
    let schedules = try #require(sections.first { $0["id"] as? String == "schedules" })
    let rows = (schedules["content"] as? [String: Any])?["rows"] as? [[String: Any]]
    let names = (rows ?? []).compactMap { $0["name"] as? String }
    // Two schedules and latents alone: of one propagator, then of the ensemble, then switching.
    #expect(names.count { !$0.contains("members") && !$0.hasPrefix("adaptive") } == 3, "\(names)")
    #expect(names.count { $0.contains("2 members") } == 3, "\(names)")
    #expect(names.count { $0.hasPrefix("adaptive") } == 1)
    let values = try #require(numbers["values"] as? [String: Any])
    let cost = try #require(values["cost"] as? [String: Double])
    #expect(cost.values.allSatisfy { $0 > 0 } && cost.count == 4)

    let report = try tool.run("report", "run")
    #expect(report.status == 0, "\(report.words)")
    #expect(try tool.text("run/report.html").contains("id=\"figure-trade-off\""))
  }

  @Test("a person's own recordings are forecast with and without a solver") func forecast() throws {
    try writeRecipe()
    let trained = try tool.run("train", "tiny.yaml", "-o", "run", "--threads", "1")
    #expect(trained.status == 0, "\(trained.words)")
    let latent = try tool.run(
      "forecast", "run", "test.npz", "--horizon", "30", "-o", "latent.npz", "--json", "--threads",
      "1")
    #expect(latent.status == 0, "\(latent.words)")
    #expect(latent.output.contains("\"latentFraction\" : 1,"))
    let arrays = try NPZFile(tool.file("latent.npz"))
    #expect(try arrays.doubles("latents").shape == [1, 30, 2])

    // The solver alone must repeat the recording: it made it. Frames lie in single precision, which
    // the dynamics neither amplify nor forget over so short a time.
    let alone = try tool.run(
      "forecast", "run", "test.npz", "--macro", "0", "--micro", "5", "--horizon", "20", "-o",
      "alone.npz", "--json", "--threads", "1")
    #expect(alone.status == 0, "\(alone.words)")
    let summary = try #require(
      try JSONSerialization.jsonObject(with: Data(alone.output.utf8)) as? [String: Any])
    #expect(try #require(summary["rootMeanSquareError"] as? Double) < 0.02)
    #expect(summary["latentFraction"] as? Double == 0)

    let mixed = try tool.run(
      "forecast", "run", "test.npz", "--macro", "4", "--micro", "4", "--horizon", "16", "-o",
      "mixed.npz", "--threads", "1")
    #expect(
      mixed.status == 0 && mixed.output.contains("50.0 % of them in latent space"), "\(mixed)")
    let adaptive = try tool.run(
      "forecast", "run", "test.npz", "--adaptive", "--horizon", "20", "-o", "adaptive.npz",
      "--threads", "1")
    #expect(adaptive.status == 0, "\(adaptive.words)")

    let wrong = try tool.run(
      "forecast", "run", "test.npz", "--macro", "4", "-o", "x.npz")
    #expect(wrong.status == 2 && wrong.words.contains("--micro"))
    let other = try tool.run(
      "forecast", "run", "test.npz", "--macro", "4", "--micro", "4", "--solver", "ks22", "-o",
      "x.npz")
    #expect(other.status == 2 && other.words.contains("'solver' is of states"), "\(other.words)")
    #expect(!tool.has("x.npz"))
  }

  @Test("a kill in the middle of a stage loses nothing but time") func kill() throws {
    try writeRecipe(epochs: 400)
    let overrides = ["checkpointMinutes=0.0001", "comparisons={}", "ensembleSize=2"]
    let whole = try tool.run(
      ["train", "tiny.yaml"] + overrides + ["-o", "whole", "--threads", "1"])
    #expect(whole.status == 0, "\(whole.words)")

    let running = try tool.start(
      "train", "tiny.yaml", overrides[0], overrides[1], overrides[2], "-o", "broken", "--threads",
      "1")
    let deadline = ContinuousClock.now + .seconds(60)
    func epochs() -> Int {
      (try? tool.text("broken/metrics.jsonl").split(separator: "\n").count) ?? 0
    }
    while epochs() < 40, running.process.isRunning, ContinuousClock.now < deadline {
      Thread.sleep(forTimeInterval: 0.002)
    }
    running.send(SIGKILL)
    let outcome = try running.wait()
    #expect(outcome.wasKilled)
    #expect(!tool.has("broken/model/model.json"))
    let resumed = try tool.run("train", "--resume", "broken")
    #expect(resumed.status == 0, "\(resumed.words)")
    for file in ["reduction/model.safetensors", "propagator-2/model.safetensors"] {
      let (one, two) = (
        try Data(contentsOf: tool.file("whole/model/\(file)")),
        try Data(contentsOf: tool.file("broken/model/\(file)"))
      )
      #expect(one == two, "\(file)")
    }
  }
}
