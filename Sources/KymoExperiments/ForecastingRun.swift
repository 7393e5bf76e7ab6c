// How a forecasting recipe is trained, one model after the other, and what that is expected to take.
package import Foundation
import KymoData
import KymoNumerics
import KymoReduction
import KymoRuns
import KymoTensor

extension ForecastRecipe: TrainableRecipe {
  package func plan(base: URL?, hooks: WorkHooks) throws -> TrainingPlan<StagedSession> {
    _ = try Device(parsing: device)
    let data = try ForecastData(self.data, base: base, includesTest: false, hooks: hooks)
    try check(data)
    return TrainingPlan(
      dataHashes: data.hashes, makeSession: { try session(on: data) },
      describe: { _ in
        """
        \(data.training.series.count) recordings of \(data.training.series[0].frames.count) frames, \
        \(ForecastStages.all(self, data).count) models
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
}

// MARK: - Estimate

/// What is done with recipes of forecasts.
package enum ForecastingRun {}

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
    let session = try recipe.session(on: data)
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
    let shortest = data.training.series.map(\.frames.count).min() ?? 0
    try require(
      shortest > forecast.warmUpSteps, "data.train",
      found: "recordings of \(shortest) frames",
      allowed: "longer than forecast.warmUpSteps, \(forecast.warmUpSteps)",
      remedy: "Give longer recordings, or warm up on fewer frames.")
  }
}
