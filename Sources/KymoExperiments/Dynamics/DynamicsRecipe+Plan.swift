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
      dataHashes: data.hashes, makeSession: { try session(on: data) },
      describe: { _ in
        """
        \(counted(data.training.series.count, "recording")) of \
        \(counted(data.training.series[0].frames.count, "frame")), \
        \(counted(ForecastStages.all(self, data).count, "model"))
        """
      })
  }

  /// All models of the recipe, one after the other.
  fileprivate func session(on data: ForecastData) throws -> StagedSession {
    let stages = ForecastStages.all(self, data)
    return try StagedSession(stages) { folder, seconds in
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
