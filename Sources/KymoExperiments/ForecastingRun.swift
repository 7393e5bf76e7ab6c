// Training a forecasting recipe in a run folder, stage by stage: new or continued.
package import Foundation
import KymoData
import KymoNumerics
import KymoReduction
package import KymoRuns
import KymoTensor
import Logging

/// Trains forecasting recipes.
package enum ForecastingRun {
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
    _ recipe: ForecastRecipe, at url: URL, force: Bool, hooks: TrainingHooks
  ) throws -> TrainingOutcome {
    try RunDirectory.checkVacant(url, force: force)
    let device = try Device(parsing: recipe.device)
    let data = try ForecastData(recipe.data, includesTest: false, hooks: hooks.work)
    try recipe.check(data)
    let session = try makeSession(recipe, data)

    let directory = try RunDirectory.create(at: url, force: force)
    let lock = try RunLock(directory)
    defer { withExtendedLifetime(lock) {} }
    try directory.write(Data(recipe.yaml().utf8), to: directory.recipe)
    var environment = EnvironmentRecord(
      libtorch: libtorchVersion, threads: hooks.work.threads, device: "\(device)",
      seed: recipe.seed)
    environment.dataHashes = data.hashes
    environment.workingFolder = FileManager.default.currentDirectoryPath
    try directory.write(json: environment, to: directory.environment)
    let log = hooks.log(directory)
    log.info(
      """
      Training \(recipe.name): \(data.training.count) recordings of \(data.training[0].shape[0]) \
      frames, \(ForecastStages.all(recipe, data).count) models, seed \(recipe.seed), \
      \(hooks.work.threads) threads, \(device).
      """)
    return try loop(recipe, directory, log, hooks).run(session)
  }

  /// Continues a run from its newest checkpoint; returns nil when it has finished already.
  package static func resume(_ url: URL, hooks: TrainingHooks) throws -> TrainingOutcome? {
    let directory = try RunDirectory.open(at: url)
    let lock = try RunLock(directory)
    defer { withExtendedLifetime(lock) {} }
    guard !directory.isFinished else { return nil }
    let recipe = try ForecastRecipe(contentsOf: directory.recipe)
    var environment = try directory.readEnvironment()
    let data = try ForecastData(
      recipe.data, base: environment.workingFolder.map { URL(filePath: $0) },
      includesTest: false, hooks: hooks.work)
    let log = hooks.log(directory)
    var present = EnvironmentRecord(
      libtorch: libtorchVersion, threads: hooks.work.threads, device: environment.device,
      seed: recipe.seed)
    present.dataHashes = data.hashes
    for difference in present.differences(from: environment) {
      log.warning("\(difference): the run may not go on with the same numbers.")
    }
    environment.resumed.append(Date.now.formatted(.iso8601))
    try directory.write(json: environment, to: directory.environment)
    let loop = loop(recipe, directory, log, hooks)
    let (session, done) = try loop.resume { try makeSession(recipe, data) }
    return try loop.run(session, after: done)
  }

  /// Trains a recipe unless the folder holds it trained already, continuing what was interrupted.
  package static func trainUnlessDone(
    _ recipe: ForecastRecipe, at url: URL, force: Bool, hooks: TrainingHooks
  ) throws -> TrainingOutcome {
    let directory = RunDirectory(url)
    guard !force, FileManager.default.fileExists(atPath: directory.environment.path) else {
      return try train(recipe, at: url, force: force, hooks: hooks)
    }
    var stored = try ForecastRecipe(contentsOf: directory.recipe)
    stored.threads = recipe.threads
    try directory.checkRecipe(stored, is: recipe)
    return try resume(url, hooks: hooks) ?? .finished
  }

  private static func makeSession(
    _ recipe: ForecastRecipe, _ data: ForecastData
  ) throws -> StagedSession {
    let stages = ForecastStages.all(recipe, data)
    return try StagedSession(stages) { folder, seconds in
      let reduction = try recipe.reduction.load(
        from: folder.appending(path: ForecastStages.reductionFolder(recipe)))
      let latents = try data.latentSeries(of: reduction, .training)
      let all = HostArray(
        latents.flatMap(\.elements),
        shape: [latents.reduce(0) { $0 + $1.shape[0] }, reduction.latentCount])
      let description = ForecastModelDescription(
        latentSpread: ChannelScaler(.standard, fitting: all).scale,
        frameInterval: data.frameInterval, stateShape: data.stateShape,
        channelNames: data.channelNames,
        trainingSeconds: Dictionary(
          zip(stages.map(\.name), seconds), uniquingKeysWith: { first, _ in first }))
      try RunDirectory(folder).write(
        json: description, to: folder.appending(path: "model.json"))
    }
  }

  private static func loop(
    _ recipe: ForecastRecipe, _ directory: RunDirectory, _ log: Logger, _ hooks: TrainingHooks
  ) -> TrainingLoop {
    var loop = TrainingLoop(
      directory: directory, checkpointInterval: .seconds(60 * recipe.checkpointMinutes), log: log)
    loop.progress = hooks.progress
    loop.stopSignal = hooks.work.stopSignal
    return loop
  }
}

// MARK: - Estimate

/// What a forecasting run is expected to take.
package struct ForecastingEstimate: Codable, Hashable, Sendable {
  /// Models that are trained.
  package var models: Int
  /// Epochs of all of them at most.
  package var epochs: Int
  /// Seconds of the first epoch of the first model, measured now.
  package var secondsPerEpoch: Double
}

extension ForecastingRun {
  /// Measures an epoch of the first model; writes nothing but data that are absent and simulated.
  package static func estimate(
    _ recipe: ForecastRecipe, hooks: WorkHooks
  ) throws -> ForecastingEstimate {
    let data = try ForecastData(recipe.data, includesTest: false, hooks: hooks)
    try recipe.check(data)
    let session = try makeSession(recipe, data)
    let epochs = session.totalSteps
    let start = ContinuousClock.now
    _ = try session.step()
    return ForecastingEstimate(
      models: ForecastStages.all(recipe, data).count, epochs: epochs,
      secondsPerEpoch: start.duration(to: .now).seconds)
  }
}

extension ForecastRecipe {
  /// Throws when recordings are too short for what the recipe asks of them.
  func check(_ data: ForecastData) throws {
    let shortest = data.training.map { $0.shape[0] }.min() ?? 0
    try require(
      shortest > forecast.warmUpSteps, "data.train",
      found: "recordings of \(shortest) frames",
      allowed: "longer than forecast.warmUpSteps, \(forecast.warmUpSteps)",
      remedy: "Give longer recordings, or warm up on fewer frames.")
  }
}
