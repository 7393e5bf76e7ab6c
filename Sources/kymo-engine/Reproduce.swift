// kymo reproduce: the work.
import Foundation
import KymoCommandLine
import KymoExperiments
import KymoMetrics
import KymoReport
import KymoRuns

extension Reproduce: TensorVerb {
  func perform() throws {
    let experiment = try Experiment(named: self.experiment, quick: quick)
    let original = try Recipe(contentsOf: experiment.recipe)
    let talk = Conversation(compute, outputOptions, threads: original.threads)
    let numbers = try parsedSeeds()
    StopSignal.install()
    var record: ReproductionRecord?
    var lines: [SeedSummary] = []
    for seed in numbers {
      var recipe = original
      recipe.seed = seed
      recipe.threads = talk.threads
      if let device = compute.device { recipe.device = device }
      let (results, steps) = try reproduce(recipe, at: folder(seed, of: numbers), talk)
      if !outputOptions.json { print(results.tables) }
      lines.append(SeedSummary(seed: seed, steps: steps, results: results.summary))
      let directory = RunDirectory(folder(seed, of: numbers))
      record =
        try record ?? ReproductionRecord(experiment, environment: directory.readEnvironment())
      record?.add(results, seed: seed, steps: steps)
    }
    if outputOptions.json { try talk.print(json: lines) }
    if let file = self.record, let record {
      let url = URL(filePath: file)
      let parent = url.deletingLastPathComponent()
      try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
      try RunDirectory(parent).write(json: record, to: url)
      talk.terminal.say("The numbers are kept in \(file).")
    }
  }

  /// One seed: train, evaluate, report.
  private func reproduce(
    _ recipe: Recipe, at url: URL, _ talk: Conversation
  ) throws -> (ExtractionResults, [TrainingStep]) {
    let outcome = try ExtractionRun.trainUnlessDone(
      recipe, at: url, force: force, hooks: talk.training)
    talk.terminal.endProgress()
    if case .interrupted(let signal, let step) = outcome {
      throw Interrupted(
        signal: signal,
        advice: "Step \(step) is saved. The same command goes on from there.")
    }
    let directory = RunDirectory(url)
    let results = try ExtractionRun.evaluate(directory, on: nil, hooks: talk.work)
    talk.terminal.endProgress()
    let steps = try MetricsLog.read(directory.metrics)
    let page = try Report.write(run: url)
    talk.terminal.say(
      """
      Trained \(steps.last?.step ?? 0) steps in \(Words.time(steps.last?.seconds ?? 0)). \
      Report: \(page.relativePath)
      """)
    return (results, steps)
  }

  /// The folder of one seed: the folder itself when there is only one.
  private func folder(_ seed: UInt64, of seeds: [UInt64]) -> URL {
    let base = URL(filePath: output ?? "runs/\(experiment)\(quick ? "-quick" : "")")
    return seeds.count == 1 ? base : base.appending(path: "seed-\(seed)")
  }
}

/// One seed in the JSON output.
private struct SeedSummary: Encodable {
  let seed: UInt64
  let steps: Int
  let trainingSeconds: Double
  let results: ResultSummary

  init(seed: UInt64, steps: [TrainingStep], results: ResultSummary) {
    (self.seed, self.results) = (seed, results)
    (self.steps, trainingSeconds) = (steps.last?.step ?? 0, steps.last?.seconds ?? 0)
  }
}
