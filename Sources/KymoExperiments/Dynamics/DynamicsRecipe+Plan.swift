// How a forecasting recipe is trained, one model after the other, and what that is expected to
// take.
package import Foundation
import KymoData
import KymoNumerics
import KymoReduction
import KymoRuns
import KymoTensor

extension DynamicsRecipe {
  package func plan(base: URL?, hooks: WorkHooks) throws -> TrainingPlan<StagedSession> {
    _ = try Device(parsing: device)
    let data = try ForecastData(self.data, base: base, hooks: hooks)
    try check(data)
    return TrainingPlan(
      dataHashes: data.hashes, makeSession: { try session(on: data, base: base) },
      describe: { _ in
        let taken = startFrom.map { ", models of \($0)" } ?? ""
        return """
          \(counted(data.training.series.count, "recording")) of \
          \(counted(data.training.series[0].frames.count, "frame")), \
          \(counted(ForecastStages.all(self, data).count, "model"))\(taken)
          """
      })
  }

  /// All models of the recipe, one after the other.
  fileprivate func session(on data: ForecastData, base: URL? = nil) throws -> StagedSession {
    let stages = ForecastStages.all(self, data)
    let source = try startFrom.map { try modelFolder(of: $0, base: base, data) }
    let taken = ForecastStages.taken(self).compactMap { source?.appending(path: $0) }
    return try StagedSession(stages, taking: taken) { folder, seconds in
      let reduction = try self.reduction.load(
        from: folder.appending(path: ForecastStages.reductionFolder(self)),
        device: Device(parsing: device))
      let latents = try reduction.latentSeries(of: data.training)
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
      try TrainedData(data.recordings, threads: threads ?? 1).write(to: folder)
    }
  }
}

// MARK: - Models of another run

extension DynamicsRecipe {
  /// The folder of another run's models, which have to be of these settings and for such frames.
  private func modelFolder(
    of path: String, base: URL?, _ data: ForecastData
  ) throws -> URL {
    let directory = RunDirectory.finished(at: located(path, base: base))
    let models = try ForecastModelDescription.read(directory)
    let other = try DynamicsRecipe(RecipeText(contentsOf: directory.recipe))
    for (entry, isSame) in [
      ("reduction", reduction == other.reduction), ("propagator", propagator == other.propagator),
      ("joint", joint == other.joint), ("ensembleSize", ensembleSize == other.ensembleSize),
    ] {
      try require(
        isSame, entry, found: "other settings than those of \(path)",
        allowed: "the same with startFrom", remedy: "Copy the part from its recipe.")
    }
    try require(
      models.stateShape == data.stateShape, "startFrom",
      found: "models of states of shape \(models.stateShape)",
      allowed: "those of data.train, \(data.stateShape)",
      remedy: "Name its training recordings; kymo evaluate takes others.")
    let interval = models.frameInterval
    try require(
      (data.frameInterval - interval).magnitude <= 1e-5 * interval.magnitude, "startFrom",
      found: "models of frames every \(Words.number(interval))",
      allowed: "those of data.train, \(Words.number(data.frameInterval))",
      remedy: "A step of a propagator is one frame.")
    return directory.model
  }
}

// MARK: - Estimate

extension DynamicsRecipe {
  package var simulationBytes: Int64 {
    data.absentFiles(base: nil).reduce(0) { $0 + $1.bytes }
  }

  /// Measures an epoch of the first model; writes nothing but data that are absent and simulated.
  package func estimate(hooks: WorkHooks) throws -> TrainingEstimate {
    let absent = self.data.absentFiles(base: nil)
    if let first = absent.first {
      let free = freeBytes(in: first.file.absoluteURL.deletingLastPathComponent().path)
      hooks.note(
        "Disk: \(Words.bytes(simulationBytes)) for \(counted(absent.count, "file")) to be simulated"
          + (free == .max ? "." : ", \(Words.bytes(Int64(free))) free."))
    }
    let data = try ForecastData(self.data, hooks: hooks)
    try check(data)
    let least = leastMemory(data)
    let available = Machine.availableMemory.map { " of \(Words.bytes($0)) available" } ?? ""
    let memory = "Memory: at least \(Words.bytes(Int64(least)))\(available)."
    hooks.note(memory)
    let session = try session(on: data)
    let (epochs, models) = (session.totalSteps, ForecastStages.all(self, data).count)
    guard models > 0 else {
      return TrainingEstimate(
        words: ["Nothing is trained: the models are those of \(startFrom ?? "another run")."],
        numbers: ["memoryBytes": least, "models": 0, "epochs": 0])
    }
    let start = ContinuousClock.now
    _ = try session.step()
    let seconds = start.duration(to: .now).seconds
    return TrainingEstimate(
      words: [
        """
        \(counted(models, "model")), at most \(counted(epochs, "epoch")). \
        The first one takes \(Words.number(seconds)) s \
        for an epoch (measured now on \(counted(hooks.threads, "thread"))).
        """
      ],
      numbers: [
        "memoryBytes": least, "models": Double(models), "epochs": Double(epochs),
        "secondsPerEpoch": seconds,
      ])
  }
}
