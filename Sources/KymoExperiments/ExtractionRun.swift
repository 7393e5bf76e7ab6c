// Training a recipe in a run folder: new, continued, or only estimated.
package import Foundation
import KymoData
import KymoExtraction
import KymoNumerics
package import KymoRuns
import KymoSolvers
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

/// Trains recipes.
package enum ExtractionRun {
  /// Trains a recipe in a new run folder.
  ///
  /// - Parameters:
  ///   - recipe: The resolved recipe.
  ///   - url: The folder to make.
  ///   - force: Whether a run that is there is replaced.
  ///   - hooks: Whom to tell and ask.
  /// - Throws: A sentence for the person: the recipe, the data, the folder or the training failed.
  /// - Returns: Whether it finished or was interrupted.
  package static func train(
    _ recipe: Recipe, at url: URL, force: Bool, hooks: TrainingHooks
  ) throws -> TrainingOutcome {
    try RunDirectory.checkVacant(url, force: force)
    let device = try Device(parsing: recipe.device)
    let data = RecipeData(recipe)
    let made = try data.makeMissing(hooks.work)
    let (recordings, warnings) = try data.loadTraining(
      recipe, seed: recipe.seed, threads: hooks.work.threads)
    // A session first: what cannot be trained leaves no folder behind.
    let session = try ExtractionSession(recipe, recordings: recordings, device: device)

    let directory = try RunDirectory.create(at: url, force: force)
    let lock = try RunLock(directory)
    defer { withExtendedLifetime(lock) {} }
    try directory.write(Data(recipe.yaml().utf8), to: directory.recipe)
    var environment = EnvironmentRecord(
      libtorch: libtorchVersion, threads: hooks.work.threads, device: "\(device)",
      seed: recipe.seed)
    environment.dataHashes = [
      recipe.data.train: hash(of: recordings, threads: hooks.work.threads)
    ]
    environment.workingFolder = FileManager.default.currentDirectoryPath
    try directory.write(json: environment, to: directory.environment)
    let log = hooks.log(directory)
    for file in made {
      log.info("Simulated \(file.recordings) recordings, \(file.redrawn) redrawn: \(file.file)")
    }
    for warning in warnings { log.warning("\(warning)") }
    log.info(
      """
      Training \(recipe.name): \(recordings.count) recordings, \(session.totalSteps) steps, seed \
      \(recipe.seed), \(hooks.work.threads) threads, \(device).
      """)
    return try loop(recipe, directory, log, hooks).run(session)
  }

  /// Continues a run from its newest checkpoint; returns nil when it has finished already.
  package static func resume(_ url: URL, hooks: TrainingHooks) throws -> TrainingOutcome? {
    let directory = try RunDirectory.open(at: url)
    let lock = try RunLock(directory)
    defer { withExtendedLifetime(lock) {} }
    guard !directory.isFinished else { return nil }
    let recipe = try directory.readRecipe()
    var environment = try directory.readEnvironment()
    let device = try Device(parsing: environment.device)
    let data = RecipeData(recipe, base: environment.workingFolder.map { URL(filePath: $0) })
    let (recordings, _) = try data.loadTraining(
      recipe, seed: recipe.seed, threads: hooks.work.threads)
    let log = hooks.log(directory)

    var present = EnvironmentRecord(
      libtorch: libtorchVersion, threads: hooks.work.threads, device: "\(device)",
      seed: recipe.seed)
    present.dataHashes = [
      recipe.data.train: hash(of: recordings, threads: hooks.work.threads)
    ]
    for difference in present.differences(from: environment) {
      log.warning("\(difference): the run may not go on with the same numbers.")
    }
    environment.resumed.append(Date.now.formatted(.iso8601))
    try directory.write(json: environment, to: directory.environment)
    let loop = loop(recipe, directory, log, hooks)
    let (session, done) = try loop.resume {
      try ExtractionSession(recipe, recordings: recordings, device: device, base: data.base)
    }
    return try loop.run(session, after: done)
  }

  private static func loop(
    _ recipe: Recipe, _ directory: RunDirectory, _ log: Logger, _ hooks: TrainingHooks
  ) -> TrainingLoop {
    var loop = TrainingLoop(
      directory: directory, checkpointInterval: .seconds(60 * recipe.checkpointMinutes), log: log)
    loop.progress = hooks.progress
    loop.stopSignal = hooks.work.stopSignal
    return loop
  }

  private static func hash(of recordings: Recordings, threads: Int) -> String {
    let digits = String(recordings.contentHash(threads: threads), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

// MARK: - Estimate

/// What a training is expected to take.
package struct TrainingEstimate: Codable, Hashable, Sendable {
  /// Recordings in the training file, or those that would be simulated.
  package var recordings: Int
  /// Bytes of the training data on disk.
  package var dataBytes: Int64
  /// Expected most memory of the process in bytes.
  package var memoryBytes: Int64
  /// Mean seconds of a step over the whole training, measured now.
  package var secondsPerStep: Double
  /// Seconds of the whole training.
  package var seconds: Double
}

extension ExtractionRun {
  /// Measures a few steps of a recipe and estimates the whole; writes nothing.
  ///
  /// Where the data are absent and would be simulated, the steps run on a few simulated recordings.
  package static func estimate(_ recipe: Recipe, hooks: WorkHooks) throws -> TrainingEstimate {
    let device = try Device(parsing: recipe.device)
    let data = RecipeData(recipe)
    var (count, sample): (Int, Recordings)
    let isThere = FileManager.default.fileExists(atPath: data.trainFile.path)
    if var few = recipe.data.simulate?.train, !isThere {
      (count, few.recordings) = (few.recordings, min(few.recordings, 8))
      let file = FileManager.default.temporaryDirectory
        .appending(path: "kymo-\(UUID().uuidString).npz")
      defer { try? FileManager.default.removeItem(at: file) }
      _ = try few.write(to: file, threads: hooks.threads, stopSignal: hooks.stopSignal)
      sample = try Recordings.load(file)
    } else {
      sample = try data.loadTraining(recipe, seed: recipe.seed, threads: hooks.threads).recordings
      count = sample.count
    }
    let training = recipe.training
    // A refinement has no joint steps; elsewhere one goes before what is measured.
    let first = recipe.encoderFrom == nil ? 1 : 0
    var joint = 0.0
    if training.steps + training.encoderSteps > 0 {
      var all = recipe
      all.training.steps = max(training.steps, measuredSteps)
      joint = try stepTime(all, sample, device, hooks)
    }
    var seconds = joint * Double(training.steps)
    let few = sample.subset(0..<min(sample.count, 8))
    if training.decoderSteps > 0 {
      var later = recipe
      (later.training.steps, later.training.fitCrops, later.training.encoderSteps) = (first, 0, 0)
      seconds += try stepTime(later, few, device, hooks) * Double(training.decoderSteps)
    }
    if training.fitCrops > 0 {
      // Four steps of fits to two recordings each, and one of the decoder.
      var fits = recipe
      (fits.training.steps, fits.training.decoderSteps, fits.training.encoderSteps) = (first, 1, 0)
      (fits.training.batchSize, fits.training.straightenings) = (2, 1)
      let rounds =
        recipe.encoderFrom != nil
        ? 1 : training.straightenings + (training.encoderSteps > 0 ? 1 : 0)
      seconds += try stepTime(fits, few, device, hooks) * Double(rounds * count) / 2
    }
    // At most: the encoder's part of a joint step.
    seconds += joint * Double(training.encoderSteps)
    let dataBytes = 4 * Int64(count) * Int64(sample.recordingLength)
    // A mapped file takes memory too while it is read, but gives it back when others need it.
    let copies = recipe.data.noise > 0 && sample.count < count ? dataBytes : 0
    return TrainingEstimate(
      recordings: count, dataBytes: dataBytes, memoryBytes: Machine.peakMemory + copies,
      secondsPerStep: seconds / Double(max(1, training.totalSteps)), seconds: seconds)
  }

  private static let measuredSteps = 7

  /// Median seconds of a few steps, the first left out: it allocates, or reads all recordings.
  private static func stepTime(
    _ recipe: Recipe, _ recordings: Recordings, _ device: Device, _ hooks: WorkHooks
  ) throws -> Double {
    let session = try ExtractionSession(recipe, recordings: recordings, device: device)
    var times: [Double] = []
    let count = min(measuredSteps, session.totalSteps)
    for step in 0..<count {
      try hooks.stopIfAsked("Nothing was written.")
      hooks.progress(Double(step) / Double(measuredSteps), "measuring steps")
      let start = ContinuousClock.now
      _ = try session.step()
      times.append(start.duration(to: .now).seconds)
    }
    guard count > 0 else { return 0 }
    let later = times.dropFirst(count > 2 ? 2 : count - 1).sorted()
    return later[later.count / 2]
  }
}
