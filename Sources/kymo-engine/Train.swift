// kymo train: the work.
import Foundation
import KymoCommandLine
import KymoExperiments
import KymoExtraction
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
    case .extraction(let settings): try train(settings)
    case .forecast(let settings): try train(settings)
    }
  }

  private func train(_ recipe: ForecastRecipe) throws {
    var settings = recipe
    if let seed { settings.seed = seed }
    if let device = compute.device { settings.device = device }
    settings.threads = compute.threads ?? settings.threads
    let talk = Conversation(compute, outputOptions, threads: settings.threads)
    if dryRun {
      let estimate = try ForecastingRun.estimate(settings, hooks: talk.work)
      talk.terminal.endProgress()
      if outputOptions.json {
        try talk.print(json: ForecastDryRun(recipe: settings, estimate: estimate))
      } else {
        Swift.print(try settings.yaml(), terminator: "")
      }
      talk.terminal.say(
        """
        \(estimate.models) models, at most \(estimate.epochs) epochs. The first one takes \
        \(Words.number(estimate.secondsPerEpoch)) s for an epoch (measured now on \(talk.threads) \
        threads).
        """)
      return
    }
    guard let output else { return }
    StopSignal.install()
    let outcome = try ForecastingRun.train(
      settings, at: URL(filePath: output), force: force, hooks: talk.training)
    try close(outcome, run: output, talk)
  }

  private func train(_ recipe: Recipe) throws {
    var settings = recipe
    if let seed { settings.seed = seed }
    if let device = compute.device { settings.device = device }
    settings.threads = compute.threads ?? settings.threads
    let talk = Conversation(compute, outputOptions, threads: settings.threads)
    if dryRun {
      try estimate(settings, talk)
      return
    }
    guard let output else { return }
    StopSignal.install()
    let outcome = try ExtractionRun.train(
      settings, at: URL(filePath: output), force: force, hooks: talk.training)
    try close(outcome, run: output, talk)
  }

  private func continueRun(_ run: String) throws {
    let directory = try RunDirectory.open(at: URL(filePath: run))
    // The thread count of the run, so that the numbers go on to the last bit.
    let threads = try directory.readEnvironment().threads
    let talk = Conversation(compute, outputOptions, threads: threads)
    StopSignal.install()
    let outcome: TrainingOutcome? =
      switch try AnyRecipe(contentsOf: directory.recipe) {
      case .extraction: try ExtractionRun.resume(directory.url, hooks: talk.training)
      case .forecast: try ForecastingRun.resume(directory.url, hooks: talk.training)
      }
    guard let outcome else {
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
    talk.terminal.endProgress()
    if outputOptions.json {
      try talk.print(json: DryRun(recipe: recipe, estimate: estimate))
    } else {
      Swift.print(try recipe.yaml(), terminator: "")
    }
    talk.terminal.say(
      """
      Data: \(estimate.recordings) recordings, \(Words.bytes(estimate.dataBytes)) on disk.
      Memory: about \(Words.bytes(estimate.memoryBytes))\
      \(Machine.availableMemory.map { " of \(Words.bytes($0)) available" } ?? "").
      Time: about \(Words.time(estimate.seconds)) for \(recipe.training.totalSteps) steps of \
      \(Words.number(1000 * estimate.secondsPerStep)) ms (measured now on \(talk.threads) threads).
      """)
  }
}

private struct ForecastDryRun: Encodable {
  let recipe: ForecastRecipe
  let estimate: ForecastingEstimate
}

private struct DryRun: Encodable {
  let recipe: Recipe
  let estimate: TrainingEstimate
}
