// The whole way of a person's data through the built program, at the smallest size that works, and
// the promises about interruption: Ctrl-C, SIGTERM, and kill -9 at any moment.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("From simulation to report", .serialized) struct WorkflowTests {
  let temporary: TemporaryFolder
  let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
  }

  /// A recipe of the smallest size that trains.
  private func writeRecipe(steps: Int, extra: String = "") throws {
    let text = """
      name: tiny
      data: {train: train.npz, test: test.npz}
      model: {latents: 2, dataStart: true}
      training:
        phases: {joint: {steps: \(steps)}}
        batchSize: 4
        inputCrop: [40, 48]
        targetCrop: [4, 28]
      evaluation: {rolloutRecordings: 3, fieldRecordings: 2, fitRecordings: 6}
      \(extra)
      """
    try Data(text.utf8).write(to: tool.file("tiny.yaml"))
  }

  private func simulate() throws {
    for (name, seed, count) in [("train", 1, 8), ("test", 2, 4)] {
      let outcome = try tool.run(
        "simulate", "ks", "recordings=\(count)", "frameCount=64", "pointCount=64",
        "length=50.26548",
        "seed=\(seed)", "-o", "\(name).npz")
      #expect(outcome.status == 0, "\(outcome.words)")
    }
  }

  /// A folder below, from where recipes' paths lead nowhere.
  private func away() throws -> Tool {
    let folder = tool.file("elsewhere")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return Tool(folder: folder)
  }

  private func losses(_ run: String) throws -> [Double] {
    try tool.text("\(run)/metrics.jsonl").split(separator: "\n").map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return try #require(object?["loss"] as? Double)
    }
  }

  @Test("everything works together")
  func workflow() throws {
    try simulate()
    let seen = try tool.run("inspect", "train.npz", "--json")
    #expect(seen.status == 0, "\(seen.words)")
    #expect(seen.output.contains("\"recordingCount\" : 8"), "\(seen.output)")

    try writeRecipe(steps: 5)
    let dry = try tool.run(
      "train", "tiny.yaml", "training.beta=0.007", "--dry-run", "--threads", "1")
    #expect(dry.status == 0, "\(dry.words)")
    #expect(dry.output.contains("beta: 0.007\n"))
    #expect(dry.output.contains("gradientClip:"), "every default is visible")
    #expect(dry.words.contains("Memory: about") && dry.words.contains("Time: about"))

    let trained = try tool.run("train", "tiny.yaml", "-o", "run", "--threads", "1")
    #expect(trained.status == 0, "\(trained.words)")
    #expect(trained.output.isEmpty)
    #expect(try losses("run").count == 5)
    for name in [
      "recipe.yaml", "environment.json", "log.txt", "model/model.json", "model/model.safetensors",
    ] { #expect(tool.has("run/\(name)"), "\(name)") }
    #expect(try !tool.text("run/environment.json").contains(ProcessInfo.processInfo.hostName))

    // Trainings with all their parts, and of a new decoder.
    let fits = ["training.fitCrops=2", "training.phases.decoder.steps=9"]
    for more in [
      ["training.straightenings=3", "training.phases.encoder.steps=2"],
      ["training.phases.joint.steps=0", "encoderFrom=run"],
      ["training.phases.joint.steps=0", "encoderFrom=run", "training.widensDecoder=true"],
    ] {
      let long = try tool.run(["train", "tiny.yaml", "--dry-run", "--threads", "1"] + fits + more)
      #expect(long.status == 0 && long.words.contains("Time: about"), "\(long.words)")
    }

    let again = try tool.run("train", "tiny.yaml", "-o", "run", "--threads", "1")
    #expect(again.status == 2)
    #expect(again.words.contains("--force"))
    let resumed = try tool.run("train", "--resume", "run")
    #expect(resumed.status == 0)
    #expect(resumed.words.contains("finished already"))

    for verb in [
      ["train", "tiny.yaml", "-o", "other"], ["evaluate", "run"], ["extract", "run", "test.npz"],
      ["forecast", "run", "test.npz", "-o", "other.npz"],
      ["reproduce", "pde-vae/ks", "--quick", "-o", "other"],
    ] {
      let elsewhere = try tool.run(verb + ["--device", "cuda:97"])
      #expect(elsewhere.status == 1 && elsewhere.output.isEmpty, "\(verb)")
      #expect(elsewhere.words.contains("'cuda:97' is not here"), "\(verb): \(elsewhere.words)")
    }
    #expect(!tool.has("other") && !tool.has("other.npz"))

    let extracted = try tool.run(
      "extract", "run", "test.npz", "-o", "latents.npz", "--threads", "1")
    #expect(extracted.status == 0, "\(extracted.words)")
    let csv = try tool.text("latents.csv").split(separator: "\n")
    #expect(csv.count == 5)
    #expect(csv[0] == "recording,mu_1,mu_2,sigma_1,sigma_2,relevant_1,relevant_2,γ,fit,doubt")
    let arrays = try NPZFile(tool.file("latents.npz"))
    let means = try arrays.doubles("mu")
    #expect(means.shape == [4, 2])
    #expect(Double(csv[1].split(separator: ",")[1]) == means[0, 0])
    #expect(try arrays.doubles("params").shape == [4, 1])

    let evaluated = try tool.run("evaluate", "run", "--json", "--threads", "1")
    #expect(evaluated.status == 0, "\(evaluated.words)")
    let summary = try #require(
      JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
    #expect(summary["schema"] as? Int == 1 && summary["method"] as? String == "parameters")
    let sections = try #require(summary["sections"] as? [[String: Any]])
    #expect(sections.allSatisfy { ["scores", "table", "text"].contains($0["kind"] as? String) })
    let errors = try #require(sections.first { $0["id"] as? String == "error-table" })
    let rows = (errors["content"] as? [String: Any])?["rows"] as? [Any]
    // The decoder, both finite differences, and persistence.
    #expect(rows?.count == 4)
    #expect(tool.has("run/results.json"))
    let table = try tool.run("evaluate", "run", "test.npz", "--threads", "1")
    #expect(table.output.contains("\nrelevant latents "))
    #expect(table.output.contains("0.993"), "the paper's number beside ours")
    let fromAfar = try away().run("evaluate", "../run", "--threads", "1")
    #expect(fromAfar.status == 0, "\(fromAfar.words)")

    let report = try tool.run("report", "run")
    #expect(report.status == 0, "\(report.words)")
    #expect(report.output == "run/report.html\n")
    #expect(tool.has("run/report.html"))
  }

  @Test("a killed training continues with the losses of an unbroken one", arguments: [3, 11])
  func kill(_ step: Int) throws {
    try simulate()
    // A checkpoint after every step.
    try writeRecipe(steps: 30, extra: "checkpointMinutes: 0.000001")
    let unbroken = try tool.run("train", "tiny.yaml", "-o", "unbroken", "--threads", "1")
    #expect(unbroken.status == 0, "\(unbroken.words)")

    let running = try tool.start("train", "tiny.yaml", "-o", "broken", "--threads", "1")
    try wait(running, for: "broken", toReach: step)
    running.send(SIGKILL)
    #expect(try running.wait().wasKilled)
    let before = try losses("broken", tolerant: true)
    #expect(before < 30, "the training was killed before its end")

    // The data are found beside the recipe that was trained, wherever one stands. Without a record of
    // its start a run goes on, and says so.
    let isLost = step > 3
    if isLost { try FileManager.default.removeItem(at: tool.file("broken/environment.json")) }
    let resumed =
      try isLost
      ? tool.run("train", "--resume", "broken", "--threads", "1")
      : away().run("train", "--resume", "../broken")
    #expect(resumed.status == 0, "\(resumed.words)")
    #expect(
      resumed.words.contains("its environment.json is lost") == isLost, "\(resumed.words)")
    #expect(!resumed.words.contains("was ''"), "\(resumed.words)")
    #expect(resumed.words.contains("Continuing after step"))
    #expect(try losses("broken") == losses("unbroken"))
    #expect(
      try Data(contentsOf: tool.file("broken/model/model.safetensors"))
        == Data(contentsOf: tool.file("unbroken/model/model.safetensors")))
  }

  @Test(
    "a signal finishes the step, saves and says how to go on",
    arguments: [
      (SIGINT, Int32(130)), (SIGTERM, Int32(143)), (SIGHUP, Int32(129)), (SIGPIPE, Int32(141)),
    ])
  func stop(_ signal: Int32, _ status: Int32) throws {
    try simulate()
    try writeRecipe(steps: 100_000)
    let running = try tool.start("train", "tiny.yaml", "-o", "run", "--threads", "1")
    try wait(running, for: "run", toReach: 2)
    running.send(signal)
    let outcome = try running.wait()
    #expect(outcome.status == status)
    #expect(!outcome.wasKilled)
    #expect(outcome.words.contains("kymo train --resume run"))
    let steps = try losses("run").count
    let names = try FileManager.default.contentsOfDirectory(
      atPath: tool.file("run/checkpoints").path)
    #expect(names == ["step-" + String(format: "%09d", steps)])
    let evaluated = try tool.run("evaluate", "run")
    #expect(evaluated.status == 1)
    #expect(evaluated.words.contains("--resume run"))
  }

  @Test("a run goes on with other data or settings only when told, and says so for ever after")
  func mixtures() throws {
    try simulate()
    try writeRecipe(steps: 100_000)
    let running = try tool.start("train", "tiny.yaml", "-o", "run", "--threads", "1")
    try wait(running, for: "run", toReach: 2)
    running.send(SIGTERM)
    _ = try running.wait()
    // Shorter than it was, and so edited.
    let steps = try losses("run").count
    let recipe = try tool.text("run/recipe.yaml")
      .replacing("steps: 100000", with: "steps: \(steps + 2)")
    try Data(recipe.utf8).write(to: tool.file("run/recipe.yaml"))
    let other = try tool.run(
      "simulate", "ks", "recordings=8", "frameCount=64", "pointCount=64", "length=50.26548",
      "seed=9", "-o", "train.npz", "--force")
    #expect(other.status == 0, "\(other.words)")
    let refused = try tool.run("train", "--resume", "run")
    #expect(refused.status == 2)
    for part in ["other data (train.npz)", "steps: \(steps + 2) instead of", "--force"] {
      #expect(refused.words.contains(part), "\(refused.words)")
    }
    #expect(try losses("run").count == steps)
    let insisted = try tool.run("train", "--resume", "run", "--force")
    #expect(insisted.status == 0, "\(insisted.words)")
    let evaluated = try tool.run("evaluate", "run", "--threads", "1")
    #expect(evaluated.status == 0, "\(evaluated.words)")
    #expect(evaluated.words.contains("The training was continued once."))
    _ = try tool.run("report", "run")
    for file in ["environment.json", "results.json", "report.html"] {
      let text = try tool.text("run/\(file)")
      #expect(text.contains("with other data (train.npz) after step \(steps)"), "\(file)")
    }
    #expect(try tool.text("run/results.json").contains("The training was continued once."))
  }

  @Test("an output is never an input, nor replaces what nobody named")
  func outputs() throws {
    try simulate()
    try writeRecipe(steps: 2)
    _ = try tool.run("train", "tiny.yaml", "-o", "run", "--threads", "1")
    let before = try Data(contentsOf: tool.file("test.npz"))
    try FileManager.default.createSymbolicLink(
      at: tool.file("link"), withDestinationURL: tool.folder)
    for verb in [
      ["extract", "run", "test.npz", "-o", "test", "--force"],
      ["extract", "run", "test.npz", "-o", "link/test.npz", "--force"],
      ["forecast", "run", "test.npz", "-o", "link/test.npz", "--force"],
      ["forecast", "run", "train.npz", "-o", "test.npz"], ["simulate", "ks", "-o", "test.npz"],
      ["forecast", "run", "test.npz", "-o", "run/model/model.json", "--force"],
      ["simulate", "ks", "-o", "/dev/null", "--force"],
      ["inspect", "test.npz", "--recipe", "tiny.yaml"],
    ] {
      let outcome = try tool.run(verb)
      #expect(outcome.status == 2 && outcome.words.contains("cannot be written"), "\(verb)")
    }
    #expect(try Data(contentsOf: tool.file("test.npz")) == before)
    // What the run folder owns is written anew.
    for _ in 0..<2 { #expect(try tool.run("extract", "run", "test.npz").status == 0) }
    let failed = try tool.run(
      "train", "tiny.yaml", "training.phases.joint.learningRate=1e30", "-o", "nan")
    if failed.status == 1 { #expect(try tool.text("nan/log.txt").contains("error: ")) }
  }

  @Test("lack of memory is a sentence before anything is measured, and hostile sizes are refused")
  func memory() throws {
    try simulate()
    try writeRecipe(steps: 2)
    for setting in ["training.batchSize=1000000000", "model.hiddenChannels=1000000"] {
      for end in [["--dry-run"], ["-o", "big"]] {
        let outcome = try tool.run(["train", "tiny.yaml", setting] + end)
        #expect(
          outcome.status == 2 && outcome.words.contains("memory suffices"), "\(outcome.words)")
      }
    }
    for setting in [
      "training.batchSize=9223372036854775807", "model.latents=9223372036854775807",
      "checkpointMinutes=1e300",
    ] {
      let outcome = try tool.run("train", "tiny.yaml", setting, "-o", "big")
      #expect(outcome.status == 2, "\(setting): \(outcome.words)")
    }
    let estimate = try tool.run("train", "tiny.yaml", "--dry-run")
    #expect(estimate.status == 0 && estimate.words.contains("Memory: at least"))
  }

  @Test("two trainings do not write the same run")
  func lock() throws {
    try simulate()
    try writeRecipe(steps: 100_000)
    let running = try tool.start("train", "tiny.yaml", "-o", "run", "--threads", "1")
    try wait(running, for: "run", toReach: 1)
    let second = try tool.run("train", "--resume", "run")
    let forced = try tool.run("train", "tiny.yaml", "-o", "run", "--force", "--threads", "1")
    running.send(SIGKILL)
    _ = try running.wait()
    for outcome in [second, forced] {
      #expect(outcome.status == 1)
      #expect(outcome.words.contains("another kymo"), "\(outcome.words)")
    }
    #expect(try losses("run", tolerant: true) >= 1)
  }

  @Test("stopping a simulation leaves no file")
  func stopSimulation() throws {
    let running = try tool.start("simulate", "ks", "recordings=20000", "-o", "out/x.npz")
    while running.process.isRunning, !tool.has("out") { Thread.sleep(forTimeInterval: 0.01) }
    Thread.sleep(forTimeInterval: 0.3)
    running.send(SIGINT)
    let outcome = try running.wait()
    #expect(outcome.status == 130)
    #expect(outcome.words.contains("was not written"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: tool.file("out").path).isEmpty)
  }

  @Test("what cannot be trained leaves no run behind")
  func noRun() throws {
    try simulate()
    try writeRecipe(steps: 5)
    let long = try tool.run("train", "tiny.yaml", "training.inputCrop=[65, 48]", "-o", "run")
    #expect(long.status == 1 || long.status == 2, "\(long.words)")
    let missing = try tool.run("train", "tiny.yaml", "data.train=gone.npz", "-o", "run")
    #expect(missing.status == 2)
    #expect(missing.words.contains("gone.npz"))
    #expect(!tool.has("run"))
  }

  private func losses(_ run: String, tolerant: Bool) throws -> Int {
    try tool.text("\(run)/metrics.jsonl").split(separator: "\n").count
  }

  /// Waits until a run has recorded so many steps.
  private func wait(_ running: Running, for run: String, toReach step: Int) throws {
    let deadline = ContinuousClock.now + .seconds(120)
    func steps() -> Int {
      (try? tool.text("\(run)/metrics.jsonl").split(separator: "\n").count) ?? 0
    }
    while running.process.isRunning, steps() < step, ContinuousClock.now < deadline {
      Thread.sleep(forTimeInterval: 0.002)
    }
    if steps() < step { running.send(SIGKILL) }
    try #require(steps() >= step, "not at step \(step): \(running.wordsSoFar)")
  }
}
