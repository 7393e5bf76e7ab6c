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
package struct NetworkPropagatorSettings: Settings {
  /// The network.
  package var network = PropagatorArchitecture.recurrent(RecurrentConfiguration())
  /// How it is trained.
  package var training = PropagatorTraining()

  /// Creates the default settings.
  package init() {}

  /// What reports call it.
  var name: String {
    switch network {
    case .recurrent(let settings): settings.cell == .lstm ? "LSTM" : "GRU"
    case .mlp: "MLP"
    }
  }

  func validate(at path: String) throws {
    try network.validate(at: "\(path).network")
    try training.validate(at: "\(path).training")
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
    }
  }
}

extension PropagatorTraining {
  /// Inputs that one line of the record sums up: what the trainer calls an epoch may be a few
  /// milliseconds, so it is a hundredth of a training of a given number of steps.
  var inputsPerRecord: Int { max(1, (steps + 99) / 100) * windowLength }

  /// Most epochs, or lines of the record.
  var maximumEpochs: Int {
    rounds.map(\.maxEpochs) ?? (totalInputs + inputsPerRecord - 1) / inputsPerRecord
  }
}

/// What trains a propagator step by step, alone or together with a reduction.
private protocol SteppingTrainer {
  var inputIndex: Int { get }
  var totalInputs: Int { get }
  var isFinished: Bool { get }
  func step() throws -> PropagatorStepReport
  func saveCheckpoint(to folder: URL) throws
  func restore(from folder: URL) throws
}

extension PropagatorTrainer: SteppingTrainer {}
extension JointTrainer: SteppingTrainer {}

/// The steps of a trainer, some at a time.
private struct SteppedStage {
  let trainer: any SteppingTrainer
  let inputsPerEpoch: Int

  // The last one of a training of a given number of steps may be a part.
  var epochsDone: Int {
    trainer.isFinished ? maximumEpochs : trainer.inputIndex / inputsPerEpoch
  }
  var maximumEpochs: Int { (trainer.totalInputs + inputsPerEpoch - 1) / inputsPerEpoch }

  func epoch() throws -> StageEpoch {
    let last = (trainer.inputIndex / inputsPerEpoch + 1) * inputsPerEpoch
    var (sum, count) = (0.0, 0)
    var epoch = StageEpoch(loss: 0)
    do {
      while trainer.inputIndex < last, !trainer.isFinished {
        let report = try trainer.step()
        sum += report.loss
        count += 1
        epoch.learningRate = report.learningRate
        epoch.validation = report.validationLoss ?? epoch.validation
      }
    } catch let error as NonFinitePropagatorLoss {
      throw NonFiniteStep(step: epochsDone + 1, remedy: error.remedy)
    }
    epoch.loss = sum / Double(count)
    return epoch
  }
}

/// A propagating network in training.
struct NetworkPropagatorStage: StageTrainer {
  private let trainer: PropagatorTrainer
  private let steps: SteppedStage

  init(_ trainer: PropagatorTrainer) {
    self.trainer = trainer
    steps = SteppedStage(
      trainer: trainer,
      inputsPerEpoch: trainer.training.rounds == nil
        ? trainer.training.inputsPerRecord
        : trainer.stepsPerEpoch * trainer.training.windowLength)
  }

  var epochsDone: Int { steps.epochsDone }
  var maximumEpochs: Int { steps.maximumEpochs }
  var isFinished: Bool { trainer.isFinished }

  mutating func epoch() throws -> StageEpoch { try steps.epoch() }
  func saveCheckpoint(to folder: URL) throws { try trainer.saveCheckpoint(to: folder) }
  mutating func restore(from folder: URL) throws { try trainer.restore(from: folder) }

  func saveModel(to folder: URL) throws {
    switch trainer.finishedPropagator() {
    case let propagator as RecurrentPropagator: try propagator.save(to: folder)
    case let propagator as MLPPropagator: try propagator.save(to: folder)
    case let other: preconditionFailure("NetworkPropagatorStage: cannot save \(type(of: other))")
    }
  }
}

/// A reduction and a propagator in training as one network.
struct JointStage: StageTrainer {
  private let trainer: JointTrainer
  private let steps: SteppedStage

  init(_ trainer: JointTrainer) {
    self.trainer = trainer
    steps = SteppedStage(
      trainer: trainer, inputsPerEpoch: trainer.training.windows.inputsPerRecord)
  }

  var epochsDone: Int { steps.epochsDone }
  var maximumEpochs: Int { steps.maximumEpochs }
  var isFinished: Bool { trainer.isFinished }

  mutating func epoch() throws -> StageEpoch { try steps.epoch() }
  func saveCheckpoint(to folder: URL) throws { try trainer.saveCheckpoint(to: folder) }
  mutating func restore(from folder: URL) throws { try trainer.restore(from: folder) }

  func saveModel(to folder: URL) throws {
    let (reduction, propagator) = trainer.finished()
    try reduction.save(to: folder.appending(path: "reduction"))
    try propagator.save(to: folder.appending(path: "propagator"))
  }
}
