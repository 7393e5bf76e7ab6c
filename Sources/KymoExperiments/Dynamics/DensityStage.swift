// The training of a reduction to a density as a stage of a run, and its settings in a recipe.
import KymoNN
import KymoNumerics
package import KymoReduction
import KymoTensor

/// A reduction to a density and how it is trained.
package struct DensitySettings: Settings {
  /// The network.
  package var network = DensityConfiguration()
  /// How it is trained.
  package var training = DensityTraining()

  /// Creates the default settings.
  package init() {}

  func validate(at path: String) throws {
    try network.validate(at: "\(path).network")
    try training.validate(at: "\(path).training")
  }

  /// Most epochs on so many states.
  func maximumEpochs(states: Int) -> Int {
    if let rounds = training.phase.rounds { return rounds.maxEpochs }
    let stepsPerEpoch = max(1, states / min(training.batchSize, max(1, states)))
    let kernelSteps = network.kernels == .shared ? training.kernelSteps : 0
    let each = stepsPerRecord(stepsPerEpoch)
    return (training.phase.steps + kernelSteps + each - 1) / each
  }

  /// Steps that a record sums up: an epoch, or a hundredth of a training with long ones.
  private func stepsPerRecord(_ stepsPerEpoch: Int) -> Int {
    training.phase.rounds == nil
      ? min(stepsPerEpoch, (training.phase.steps + 99) / 100) : stepsPerEpoch
  }

  /// Its training, with a record of some steps each.
  func session(_ data: ForecastData, seed: UInt64, device: String) throws -> ModelSession {
    let trainer = try DensityTrainer(
      network, training: training, states: data.training, validation: data.validation, seed: seed,
      device: Device(parsing: device))
    return ModelSession(trainer.trainer, costPerRecord: stepsPerRecord(trainer.stepsPerEpoch)) {
      try trainer.finishedReduction().save(to: $0)
    }
  }
}
