// kymo reproduce: the work.
import Foundation
import KymoCommandLine
import KymoExperiments
import KymoNN
import KymoReport
import KymoResults
import KymoRuns

extension Reproduce: TensorVerb {
  func perform() throws {
    let experiments = try Experiment.named(experiment, quick: quick)
    let talk = Conversation(
      compute, outputOptions, threads: try AnyRecipe(contentsOf: experiments[0].recipe).threads)
    StopSignal.install()
    let isGroup = experiments.count > 1 || experiments[0].name != experiment
    var lines: [SeedSummary] = []
    for (number, member) in experiments.enumerated() {
      if isGroup {
        talk.terminal.say("\(member.name), experiment \(number + 1) of \(experiments.count)")
      }
      let place = isGroup ? defaultFolder(member) : output.map { URL(filePath: $0) }
      switch try AnyRecipe(contentsOf: member.recipe) {
      case .extraction: lines += try reproduce(member, at: place, isGroup, talk)
      case .forecast(let recipe):
        lines += try reproduce(member, recipe, at: place, isGroup, talk)
      }
    }
    if outputOptions.json { try talk.print(json: lines) }
    guard isGroup else { return }
    let page = try Report.writeOverview(
      title: experiment,
      experiments: experiments.map { member in
        (member.name, try parsedSeeds().map { try folder($0, below: defaultFolder(member)) })
      }, to: URL(filePath: output ?? "runs/\(experiment)"))
    talk.terminal.say("All tables: \(page.relativePath)")
  }

  /// One experiment for all seeds.
  private func reproduce(
    _ experiment: Experiment, at base: URL?, _ isGroup: Bool, _ talk: Conversation
  ) throws -> [SeedSummary] {
    let original = try Recipe(contentsOf: experiment.recipe)
    let base = base ?? defaultFolder(experiment)
    if let path = original.source, let source = Experiment(ofRun: path),
      !RunDirectory.finished(at: URL(filePath: path)).isFinished
    {
      talk.terminal.say("\(source.name) comes first: its model is needed.")
      let recipe = try Recipe(contentsOf: source.recipe)
      _ = try reproduce(recipe, at: URL(filePath: path), force: false, talk)
    }
    var record: ReproductionRecord?
    var lines: [SeedSummary] = []
    for seed in try parsedSeeds() {
      var recipe = original
      recipe.seed = seed
      recipe.threads = talk.threads
      if let device = compute.device { recipe.device = device }
      let place = try folder(seed, below: base)
      let (results, steps) = try reproduce(recipe, at: place, force: force, talk)
      if !outputOptions.json { print(results.terminalText) }
      lines.append(
        SeedSummary(experiment: experiment.name, seed: seed, steps: steps, results: results))
      let environment = try RunDirectory(place).readEnvironment()
      record = record ?? ReproductionRecord(experiment, environment: environment)
      record?.add(results, training: steps, environment: environment)
    }
    if let record { try keep(record, of: experiment, isGroup, talk) }
    return lines
  }

  /// One seed: train, evaluate, report.
  private func reproduce(
    _ recipe: Recipe, at url: URL, force: Bool, _ talk: Conversation
  ) throws -> (RunResults, [StepRecord]) {
    let outcome = try TrainingRun.trainUnlessDone(
      recipe, at: url, force: force, hooks: talk.training)
    talk.terminal.endProgress()
    if case .interrupted(let signal, let step) = outcome {
      throw Interrupted(
        signal: signal,
        advice: "Step \(step) is saved. The same command goes on from there.")
    }
    let directory = RunDirectory(url)
    let test = try testRecordings.map {
      try RecipeData(recipe).makeTest(recordings: $0, talk.work)
    }
    let results = try ExtractionRun.evaluateUnlessDone(
      directory, on: test, hooks: talk.work, rolloutRecordings: testRecordings)
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

  /// A forecasting experiment for all seeds: train, evaluate, report.
  private func reproduce(
    _ experiment: Experiment, _ original: ForecastRecipe, at base: URL?, _ isGroup: Bool,
    _ talk: Conversation
  ) throws -> [SeedSummary] {
    var record: ReproductionRecord?
    var lines: [SeedSummary] = []
    for seed in try parsedSeeds() {
      var recipe = original
      (recipe.seed, recipe.threads) = (seed, talk.threads)
      if let device = compute.device { recipe.device = device }
      let place = try folder(seed, below: base ?? defaultFolder(experiment))
      let outcome = try TrainingRun.trainUnlessDone(
        recipe, at: place, force: force, hooks: talk.training)
      talk.terminal.endProgress()
      if case .interrupted(let signal, let step) = outcome {
        throw Interrupted(
          signal: signal,
          advice: "Epoch \(step) is saved. The same command goes on from there.")
      }
      let directory = RunDirectory(place)
      let results = try ForecastingRun.evaluateUnlessDone(directory, hooks: talk.work)
      talk.terminal.endProgress()
      let steps = try MetricsLog.read(directory.metrics)
      let page = try Report.write(run: place)
      talk.terminal.say(
        """
        Trained all models in \(Words.time(steps.last?.seconds ?? 0)). \
        Report: \(page.relativePath)
        """)
      if !outputOptions.json { print(results.terminalText) }
      lines.append(
        SeedSummary(experiment: experiment.name, seed: seed, steps: steps, results: results))
      let environment = try directory.readEnvironment()
      record = record ?? ReproductionRecord(experiment, environment: environment)
      record?.add(results, training: steps, environment: environment)
    }
    if let record { try keep(record, of: experiment, isGroup, talk) }
    return lines
  }

  /// Writes the numbers where the person wants them kept.
  private func keep(
    _ record: some Encodable, of experiment: Experiment, _ isGroup: Bool, _ talk: Conversation
  ) throws {
    guard let file = self.record else { return }
    let name = experiment.name.replacing("/", with: "-") + (quick ? "-quick" : "")
    let url = URL(filePath: isGroup ? "\(file)/\(name).json" : file)
    let parent = url.deletingLastPathComponent()
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    try RunDirectory(parent).write(json: record, to: url)
    talk.terminal.say("The numbers are kept in \(url.relativePath).")
  }

  /// Where an experiment's runs go when nothing is said.
  private func defaultFolder(_ experiment: Experiment) -> URL {
    URL(filePath: "runs/\(experiment.name)\(quick ? "-quick" : "")")
  }

  /// The folder of one seed.
  private func folder(_ seed: UInt64, below base: URL) throws -> URL {
    try RunDirectory.place(ofSeed: seed, isOnlyOne: parsedSeeds().count == 1, below: base)
  }
}

/// One seed in the JSON output.
private struct SeedSummary: Encodable {
  let experiment: String
  let seed: UInt64
  let steps: Int
  let trainingSeconds: Double
  let results: RunResults

  init(experiment: String, seed: UInt64, steps: [StepRecord], results: RunResults) {
    (self.experiment, self.seed, self.results) = (experiment, seed, results.withoutFigures)
    (self.steps, trainingSeconds) = (steps.last?.step ?? 0, steps.last?.seconds ?? 0)
  }
}
