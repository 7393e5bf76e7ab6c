// kymo train: the work.
import Foundation
import KymoCommandLine
import KymoExperiments
import KymoExtraction
import KymoNN
import KymoNumerics
import KymoRuns

extension Train: TensorVerb {
  func perform() throws {
    if let resume {
      try continueRun(resume)
      return
    }
    guard let recipe else { return }
    switch try AnyRecipe(contentsOf: URL(filePath: recipe), overrides: overrides) {
    case .extraction(let recipe): try train(recipe, estimate)
    case .forecast(let recipe): try train(recipe, estimate)
    }
  }

  private func train<Settings: TrainableRecipe>(
    _ recipe: Settings, _ estimate: (Settings, Conversation) throws -> Void
  ) throws {
    var recipe = recipe
    if let seed { recipe.seed = seed }
    if let device = compute.device { recipe.device = device }
    recipe.threads = compute.threads ?? recipe.threads
    let talk = Conversation(compute, outputOptions, threads: recipe.threads)
    guard !dryRun else { return try estimate(recipe, talk) }
    guard let output else { return }
    StopSignal.install()
    let outcome = try TrainingRun.train(
      recipe, at: URL(filePath: output), force: force, hooks: talk.training)
    try close(outcome, run: output, talk)
  }

  private func continueRun(_ run: String) throws {
    let directory = try RunDirectory.open(at: URL(filePath: run))
    // The thread count of the run, so that the numbers go on to the last bit.
    let threads = try directory.readEnvironment().threads
    let talk = Conversation(compute, outputOptions, threads: threads)
    StopSignal.install()
    guard let outcome = try TrainingRun.resume(directory.url, hooks: talk.training) else {
      talk.terminal.say("\(run) has finished already. Next: kymo evaluate \(run)")
      return
    }
    try close(outcome, run: run, talk)
  }

  private func close(_ outcome: TrainingOutcome, run: String, _ talk: Conversation) throws {
    talk.terminal.endProgress()
    switch outcome {
    case .finished:
      talk.terminal.say("The model is in \(run)/model. Next: kymo evaluate \(run)")
      if outputOptions.json {
        let steps = try MetricsLog.read(RunDirectory(URL(filePath: run)).metrics)
        if let last = steps.last { try talk.print(json: last) }
      }
    case .interrupted(let signal, let step):
      throw Interrupted(
        signal: signal,
        advice: "Step \(step) is saved. Continue with: kymo train --resume \(run)")
    }
  }

  private func estimate(_ recipe: Recipe, _ talk: Conversation) throws {
    let estimate = try ExtractionRun.estimate(recipe, hooks: talk.work)
    try show(recipe, estimate, talk)
    talk.terminal.say(
      """
      Data: \(estimate.recordings) recordings, \(Words.bytes(estimate.dataBytes)) on disk.
      Memory: about \(Words.bytes(estimate.memoryBytes))\
      \(Machine.availableMemory.map { " of \(Words.bytes($0)) available" } ?? "").
      Time: about \(Words.time(estimate.seconds)) for \
      \(recipe.training.phases.totalSteps) steps of \
      \(Words.number(1000 * estimate.secondsPerStep)) ms (measured now on \(talk.threads) threads).
      """)
  }

  private func estimate(_ recipe: ForecastRecipe, _ talk: Conversation) throws {
    let estimate = try ForecastingRun.estimate(recipe, hooks: talk.work)
    try show(recipe, estimate, talk)
    talk.terminal.say(
      """
      \(estimate.models) models, at most \(estimate.epochs) epochs. The first one takes \
      \(Words.number(estimate.secondsPerEpoch)) s for an epoch (measured now on \(talk.threads) \
      threads).
      """)
  }

  /// Prints the resolved recipe; as JSON with what was measured.
  private func show(
    _ recipe: some TrainableRecipe, _ estimate: some Encodable, _ talk: Conversation
  ) throws {
    talk.terminal.endProgress()
    if outputOptions.json {
      try talk.print(json: DryRun(recipe: recipe, estimate: estimate))
    } else {
      Swift.print(try recipe.yaml(), terminator: "")
    }
  }
}

private struct DryRun<Settings: Encodable, Estimate: Encodable>: Encodable {
  let recipe: Settings
  let estimate: Estimate
}
