// kymo train: the work.
import Foundation
import KymoCommandLine
import KymoExperiments
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
    var notes: [String] = []
    let read = try MethodList.current.recipe(
      contentsOf: URL(filePath: recipe), overrides: overrides + layout.overrides
    ) { notes.append($0) }
    let terminal = Terminal(quiet: outputOptions.quiet)
    for note in notes { terminal.say(note) }
    try train(read)
  }

  private func train(_ recipe: some MethodRecipe) throws {
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
    let talk = Conversation(compute, outputOptions, threads: threads > 0 ? threads : nil)
    StopSignal.install()
    guard
      let outcome = try TrainingRun.resume(
        directory.url, force: force, hooks: talk.training)
    else {
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

  /// Prints the resolved recipe and what its training is expected to take.
  private func estimate(_ recipe: some MethodRecipe, _ talk: Conversation) throws {
    let estimate = try recipe.estimate(hooks: talk.work)
    talk.terminal.endProgress()
    if outputOptions.json {
      try talk.print(json: DryRun(recipe: recipe, estimate: estimate.numbers))
    } else {
      Swift.print(try recipe.yaml(), terminator: "")
    }
    talk.terminal.say(estimate.words.joined(separator: "\n"))
  }
}

extension LayoutOptions {
  /// The options as overrides of a recipe.
  fileprivate var overrides: [String] {
    [("key", key), ("axes", axes)].compactMap { name, value in
      value.map { "data.\(name)='\($0.replacing("'", with: "''"))'" }
    } + (cut.map { ["data.cut=\($0)"] } ?? [])
      + (followLinks ? ["data.followLinks=true"] : [])
  }
}

private struct DryRun<Settings: Encodable>: Encodable {
  let recipe: Settings
  let estimate: [String: Double]
}
