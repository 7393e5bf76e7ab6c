// A training in its run folder: begun, continued after an interruption, or found done. What is
// trained, its recipe says.
package import Foundation
import KymoNumerics
package import KymoResults
package import KymoRuns
import KymoTensor
package import Logging

/// What the one who trains wants to be told and asked.
package struct TrainingHooks {
  /// For work before the first step.
  package var work = WorkHooks()
  /// Is told about every step.
  package var progress: (TrainingProgress) -> Void = { _ in }
  /// Makes the log of a run.
  package var log: (RunDirectory) -> Logger

  /// Creates hooks around a log.
  package init(log: @escaping (RunDirectory) -> Logger) { self.log = log }
}

/// A recipe whose data have been read.
package struct TrainingPlan<Session: TrainingSession> {
  /// Hashes of the data by the names that the recipe gives them.
  package var dataHashes: [String: String]
  /// What a person should know of the data.
  package var notes: [String] = []
  /// What is worth a second look.
  package var warnings: [String] = []
  /// Prepares the training from its first step.
  package var makeSession: () throws -> Session
  /// What a session trains on and how much, in words.
  package var describe: (Session) -> String

  /// Plans a training.
  package init(
    dataHashes: [String: String], notes: [String] = [], warnings: [String] = [],
    makeSession: @escaping () throws -> Session, describe: @escaping (Session) -> String
  ) {
    (self.dataHashes, self.notes, self.warnings) = (dataHashes, notes, warnings)
    (self.makeSession, self.describe) = (makeSession, describe)
  }
}

/// Trains recipes.
package enum TrainingRun {
  /// Trains a recipe in a new run folder; `force` replaces a run that is there.
  package static func train(
    _ recipe: some MethodRecipe, at url: URL, force: Bool, hooks: TrainingHooks
  ) throws -> TrainingOutcome {
    try RunDirectory.checkVacant(url, force: force)
    if let source = recipe.source,
      URL(filePath: source).resolvingSymlinksInPath() == url.resolvingSymlinksInPath()
    {
      throw ConfigurationError(
        url.relativePath, found: "the run to start from", allowed: "another folder",
        remedy: "Choose one with -o.")
    }
    let plan = try recipe.plan(base: nil, hooks: hooks.work)
    // A session first: what cannot be trained leaves no folder behind.
    let session = try plan.makeSession()

    let directory = try RunDirectory.create(at: url, force: force)
    let lock = try RunLock(directory)
    defer { withExtendedLifetime(lock) {} }
    try directory.write(Data(recipe.yaml().utf8), to: directory.recipe)
    var environment = try environment(of: recipe, plan.dataHashes, hooks)
    environment.workingFolder = FileManager.default.currentDirectoryPath
    try directory.write(json: environment, to: directory.environment)
    let log = hooks.log(directory)
    for note in plan.notes { log.info("\(note)") }
    for warning in plan.warnings { log.warning("\(warning)") }
    log.info(
      """
      Training \(recipe.name): \(plan.describe(session)), seed \(recipe.seed), \
      \(counted(environment.threads, "thread")), \(environment.device).
      """)
    return try keepingFailure(in: log) {
      try loop(recipe, directory, log, hooks).run(session)
    }
  }

  /// Continues a run from its newest checkpoint; returns nil when it has finished already.
  ///
  /// With other data or settings than before only with `force`, which its records then say.
  package static func resume(
    _ url: URL, force: Bool = false, hooks: TrainingHooks
  ) throws -> TrainingOutcome? {
    let directory = try RunDirectory.open(at: url)
    return try resume(MethodList.current.recipe(of: directory), directory, force: force, hooks)
  }

  /// Trains a recipe unless the folder holds it trained already, continuing what was interrupted.
  package static func trainUnlessDone(
    _ recipe: some MethodRecipe, at url: URL, force: Bool, hooks: TrainingHooks
  ) throws -> TrainingOutcome {
    let directory = RunDirectory(url)
    guard !force, FileManager.default.fileExists(atPath: directory.environment.path) else {
      return try train(recipe, at: url, force: force, hooks: hooks)
    }
    var stored = try MethodList.current.recipe(of: directory)
    // A run may go on with another number of threads.
    stored.threads = recipe.threads
    try check(directory, of: stored, holds: recipe)
    return try resume(stored, directory, force: false, hooks) ?? .finished
  }

  /// The results of a finished run, evaluated and written now unless they are there.
  package static func evaluateUnlessDone(
    _ directory: RunDirectory, device: String?, on test: TestChoice, hooks: WorkHooks
  ) throws -> RunResults {
    let run = try MethodList.current.load(directory, device: device)
    let file = try run.testFile(test, hooks: hooks)
    if let known = hooks.reused(
      directory.knownResults(of: file), of: directory)
    {
      return known
    }
    return try evaluate(run, on: test, hooks: hooks)
  }

  /// Evaluates a finished run and writes its results, which say how its training went.
  package static func evaluate(
    _ run: any TrainedRun, on test: TestChoice, hooks: WorkHooks
  ) throws -> RunResults {
    var results = try run.evaluate(on: test, hooks: hooks)
    let history = (try? run.directory.readEnvironment().history) ?? []
    results.headline += history
    for words in history { hooks.note(words) }
    try run.directory.write(results.json(), to: run.directory.results)
    return results
  }

  private static func resume(
    _ recipe: some MethodRecipe, _ directory: RunDirectory, force: Bool, _ hooks: TrainingHooks
  ) throws -> TrainingOutcome? {
    let lock = try RunLock(directory)
    defer { withExtendedLifetime(lock) {} }
    guard !directory.isFinished else { return nil }
    var environment = try directory.readEnvironment()
    let plan = try recipe.plan(base: environment.base, hooks: hooks.work)
    let log = hooks.log(directory)
    let present = try self.environment(of: recipe, plan.dataHashes, hooks)
    if environment.isKnown {
      for difference in present.differences(from: environment) {
        log.warning("\(difference): the run may not go on with the same numbers.")
      }
    } else {
      for words in environment.changed ?? [] { log.warning("\(words)") }
    }
    if let checkpoint = directory.completeCheckpoints().first {
      let changes = try changes(recipe, since: checkpoint.url, present, environment)
      guard changes.isEmpty || force else {
        throw RunDirectoryError.changed(path: directory.name, changes: changes)
      }
      environment.changed =
        (environment.changed ?? [])
        + changes.map { "The training was continued \($0) after step \(checkpoint.step)." }
    }
    let changed = environment.changed
    if !environment.isKnown { environment = present }
    (environment.dataHashes, environment.changed) = (present.dataHashes, changed)
    environment.resumed.append(Date.now.formatted(.iso8601))
    let loop = loop(recipe, directory, log, hooks)
    return try keepingFailure(in: log) {
      let (session, done) = try loop.resume(plan.makeSession)
      try directory.write(json: environment, to: directory.environment)
      return try loop.run(session, after: done)
    }
  }

  /// What a training that goes on from a checkpoint would do otherwise than it did before.
  private static func changes(
    _ recipe: some MethodRecipe, since checkpoint: URL, _ present: EnvironmentRecord,
    _ earlier: EnvironmentRecord
  ) throws -> [String] {
    var changes = present.dataHashes.keys.sorted()
      .filter { name in earlier.dataHashes[name].map { $0 != present.dataHashes[name] } ?? false }
      .map { "with other data (\($0))" }
    // These do not change what is trained.
    let free: Set = ["name", "threads", "device", "checkpointMinutes", "evaluation"]
    let file = checkpoint.appending(path: "recipe.yaml")
    if FileManager.default.fileExists(atPath: file.path) {
      let before = try type(of: recipe).init(RecipeText(contentsOf: file))
      let difference = try RecipeText(settings: recipe, source: "recipe").without(free)
        .firstDifference(from: RecipeText(settings: before, source: "recipe").without(free))
      if let difference { changes.append("with \(difference.own) instead of \(difference.others)") }
    }
    return changes
  }

  /// Does the work; a failure stands in the run's log too.
  private static func keepingFailure<Value>(
    in log: Logger, _ body: () throws -> Value
  ) throws -> Value {
    do { return try body() } catch {
      log.error("\(error)")
      throw error
    }
  }

  private static func environment(
    of recipe: some MethodRecipe, _ dataHashes: [String: String], _ hooks: TrainingHooks
  ) throws -> EnvironmentRecord {
    var environment = EnvironmentRecord(
      libtorch: libtorchVersion, threads: hooks.work.threads,
      device: "\(try Device(parsing: recipe.device))", seed: recipe.seed)
    environment.dataHashes = dataHashes
    return environment
  }

  private static func loop(
    _ recipe: some MethodRecipe, _ directory: RunDirectory, _ log: Logger,
    _ hooks: TrainingHooks
  ) -> TrainingLoop {
    var loop = TrainingLoop(
      directory: directory, checkpointInterval: .seconds(60 * recipe.checkpointMinutes), log: log)
    loop.progress = hooks.progress
    loop.stopSignal = hooks.work.stopSignal
    return loop
  }

  /// Throws unless a run's recipe is the wanted one; the error names what differs.
  private static func check<Stored: MethodRecipe>(
    _ directory: RunDirectory, of stored: Stored, holds wanted: some MethodRecipe
  ) throws {
    guard stored != wanted as? Stored else { return }
    let difference = try RecipeText(settings: stored, source: directory.name)
      .firstDifference(from: RecipeText(settings: wanted, source: "recipe"))
    throw ConfigurationError(
      directory.name, found: "a run with \(difference?.own ?? "another recipe")",
      allowed: "one with \(difference?.others ?? "this one")",
      remedy: "Add --force to train anew, or choose another folder with -o.")
  }
}
