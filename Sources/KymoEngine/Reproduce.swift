// kymo reproduce: the work. Every experiment goes the same way: train, evaluate, report, keep.
import Foundation
import KymoCommandLine
import KymoExperiments
import KymoNN
import KymoNumerics
import KymoReport
import KymoResults
import KymoRuns

extension Reproduce: TensorVerb {
  func perform() throws {
    let experiments = try Experiment.named(experiment, quick: quick)
    let isGroup = experiments.count > 1 || experiments[0].name != experiment
    let talk = Conversation(
      compute, outputOptions,
      threads: try MethodList.current.recipe(contentsOf: experiments[0].recipe).threads)
    for member in experiments { try checkRecord(of: member, isGroup) }
    StopSignal.install()
    var lines: [SeedSummary] = []
    for (number, member) in experiments.enumerated() {
      if isGroup {
        talk.terminal.say("\(member.name), experiment \(number + 1) of \(experiments.count)")
      }
      let place = isGroup ? nil : output.map { URL(filePath: $0) }
      lines += try reproduce(member, at: place ?? defaultFolder(member), isGroup, talk)
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
    _ experiment: Experiment, at base: URL, _ isGroup: Bool, _ talk: Conversation
  ) throws -> [SeedSummary] {
    let original = try MethodList.current.recipe(contentsOf: experiment.recipe)
    if let path = original.source, let source = Experiment(ofRun: path),
      !RunDirectory.finished(at: URL(filePath: path)).isFinished
    {
      talk.terminal.say("\(source.name) comes first: its model is needed.")
      _ = try reproduce(
        MethodList.current.recipe(contentsOf: source.recipe), at: URL(filePath: path),
        force: false, talk)
    }
    var record: ReproductionRecord?
    var lines: [SeedSummary] = []
    for seed in try parsedSeeds() {
      var recipe = original
      (recipe.seed, recipe.threads) = (seed, talk.threads)
      if let device = compute.device { recipe.device = device }
      let place = try folder(seed, below: base)
      let results = try reproduce(recipe, at: place, force: force, talk)
      if !outputOptions.json { Terminal.print(results.terminalText) }
      let directory = RunDirectory(place)
      let training = try MetricsLog.read(directory.metrics)
      lines.append(
        SeedSummary(
          experiment: experiment.name, seed: seed, steps: training.last?.step ?? 0,
          trainingSeconds: training.last?.seconds ?? 0, results: results.withoutFigures))
      let environment = try directory.readEnvironment()
      record = record ?? ReproductionRecord(experiment, environment: environment)
      record?.add(results, training: training, environment: environment)
    }
    if let record { try keep(record, of: experiment, isGroup, talk) }
    return lines
  }

  /// One seed: train, evaluate, report; what is done already is not done again.
  private func reproduce(
    _ recipe: some MethodRecipe, at url: URL, force: Bool, _ talk: Conversation
  ) throws -> RunResults {
    let outcome = try TrainingRun.trainUnlessDone(
      recipe, at: url, force: force, hooks: talk.training)
    talk.terminal.endProgress()
    if case .interrupted(let signal, let step) = outcome {
      throw Interrupted(
        signal: signal,
        advice: "Step \(step) is saved. The same command goes on from there.")
    }
    let directory = RunDirectory(url)
    let results = try TrainingRun.evaluateUnlessDone(
      directory, device: compute.device, on: testRecordings.map { .simulated($0) } ?? .recipe,
      hooks: talk.work)
    talk.terminal.endProgress()
    let last = try MetricsLog.read(directory.metrics).last
    let page = try Report.write(run: url)
    talk.terminal.say(
      """
      Trained \(last?.step ?? 0) steps in \(Words.time(last?.seconds ?? 0)). \
      Report: \(page.relativePath)
      """)
    return results
  }

  /// Writes the numbers where the person wants them kept.
  private func keep(
    _ record: some Encodable, of experiment: Experiment, _ isGroup: Bool, _ talk: Conversation
  ) throws {
    guard let url = recordFile(of: experiment, isGroup) else { return }
    try RunDirectory(url.deletingLastPathComponent()).write(json: record, to: url)
    talk.terminal.say("The numbers are kept in \(url.relativePath).")
  }

  /// Throws unless the record may be written; one of an earlier time is replaced.
  private func checkRecord(of experiment: Experiment, _ isGroup: Bool) throws {
    guard let url = recordFile(of: experiment, isGroup) else { return }
    try AtomicFolder.make(url.deletingLastPathComponent())
    let old = (try? Data(contentsOf: url)).flatMap {
      try? JSONDecoder().decode(Kept.self, from: $0)
    }
    try AtomicFile.check(url, inputs: [experiment.recipe], force: old != nil)
  }

  private func recordFile(of experiment: Experiment, _ isGroup: Bool) -> URL? {
    let name = experiment.name.replacing("/", with: "-") + (quick ? "-quick" : "")
    return record.map { URL(filePath: isGroup ? "\($0)/\(name).json" : $0) }
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

/// By what a record is told from other files.
private struct Kept: Decodable { var experiment: String }

/// One seed in the JSON output.
private struct SeedSummary: Encodable {
  let experiment: String
  let seed: UInt64
  let steps: Int
  let trainingSeconds: Double
  let results: RunResults
}
