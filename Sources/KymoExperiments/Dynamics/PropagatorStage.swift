// The training of a propagating network as a stage of a run, and its settings in a recipe.
import Foundation
import KymoForecasting
import KymoNN
import KymoNumerics
package import KymoPropagation
import KymoReduction
import KymoRuns
import KymoTensor

/// A propagating network and how it is trained.
package struct NetworkPropagatorSettings: Settings, FormerSettings {
  /// The network.
  @Inlined package var network = PropagatorArchitecture.recurrent(RecurrentConfiguration())
  /// How it is trained.
  package var training = PropagatorTraining()

  /// Creates the default settings.
  package init() {}

  package static let formerKeys = [
    "network": "Leave this line out: write recurrent, mlp or mixture beside training."
  ]

  /// What reports call it.
  var name: String {
    switch network {
    case .recurrent(let settings): settings.cell == .lstm ? "LSTM" : "GRU"
    case .mlp: "MLP"
    case .mixture(let settings): settings.cell == .lstm ? "MD-LSTM" : "MD-GRU"
    }
  }

  func validate(at path: String) throws {
    try network.validate(at: path)
    try training.validate(at: "\(path).training")
    try network.validate(training, at: "\(path).training")
  }

  /// Most epochs of its training.
  var maximumEpochs: Int {
    training.maximumEpochs
  }

  /// Reads a trained one.
  func load(from folder: URL, device: Device) throws -> any Propagator {
    switch network {
    case .recurrent: try RecurrentPropagator(from: folder, device: device)
    case .mlp: try MLPPropagator(from: folder, device: device)
    case .mixture: try MixtureRecurrentPropagator(from: folder, device: device)
    }
  }
}

extension PropagatorTraining {
  /// Inputs that one line of the record sums up: what the trainer calls an epoch may be a few
  /// milliseconds, so it is a hundredth of a training of a given number of steps.
  var inputsPerRecord: Int { max(1, (phase.steps + 99) / 100) * windowLength }

  /// Most epochs, or lines of the record.
  var maximumEpochs: Int {
    phase.rounds.map(\.maxEpochs) ?? (totalInputs + inputsPerRecord - 1) / inputsPerRecord
  }
}

extension NetworkPropagatorSettings {
  /// Its training on the latents of a reduction.
  func session(
    _ reduction: any Reduction, _ data: ForecastData, seed: UInt64, device: String
  ) throws -> ModelSession {
    let trainer = try PropagatorTrainer(
      network, training: training, series: reduction.latentSeries(of: data.training),
      validation: reduction.latentSeries(of: data.validation), seed: seed,
      device: Device(parsing: device))
    let cost =
      training.phase.rounds == nil
      ? training.inputsPerRecord : trainer.stepsPerEpoch * training.windowLength
    return ModelSession(trainer.trainer, costPerRecord: cost) { folder in
      switch trainer.finishedPropagator() {
      case let propagator as RecurrentPropagator: try propagator.save(to: folder)
      case let propagator as MLPPropagator: try propagator.save(to: folder)
      case let propagator as MixtureRecurrentPropagator: try propagator.save(to: folder)
      case let other: preconditionFailure("cannot save \(type(of: other))")
      }
    }
  }
}

extension ModelSession {
  /// The training of a reduction and a propagator as one network.
  static func joint(_ trainer: JointTrainer) -> ModelSession {
    ModelSession(trainer.trainer, costPerRecord: trainer.training.windows.inputsPerRecord) {
      let (reduction, propagator) = trainer.finished()
      try reduction.save(to: $0.appending(path: "reduction"))
      try propagator.save(to: $0.appending(path: "propagator"))
    }
  }
}
