// The training of an autoencoder as a stage of a run, and its settings in a recipe.
import Foundation
import KymoNN
import KymoNumerics
package import KymoReduction
import KymoRuns

/// What the latents of a field are.
package enum AutoencoderRestriction: String, SettingChoice {
  /// What the encoder gives.
  case encoder
  /// The latents whose decoded field is nearest, by one step of Gauss–Newton from the encoding. An encoder's
  /// errors shift the phase in every round with a solver; here only those of the decoder are left.
  case nearest
}

/// An autoencoder and how it is trained.
package struct AutoencoderSettings: Settings {
  /// The network.
  package var network = AutoencoderConfiguration.feedForward(.init())
  /// How it is trained.
  package var training = ReductionTraining()
  /// What the latents of a field are.
  package var restriction = AutoencoderRestriction.encoder

  /// Creates the default settings.
  package init() {}

  /// What reports call it.
  var name: String {
    let kind = network.isVariational ? "variational autoencoder" : "autoencoder"
    return switch network {
    case .feedForward: kind
    case .convolutional: "convolutional \(kind)"
    }
  }

  /// Sets the number of latents.
  mutating func setLatentCount(_ count: Int) {
    switch network {
    case .feedForward(var settings):
      settings.latentCount = count
      network = .feedForward(settings)
    case .convolutional(var settings):
      settings.latentCount = count
      network = .convolutional(settings)
    }
  }

  func validate(at path: String) throws {
    try network.validate(at: "\(path).network")
    try training.validate(at: "\(path).training")
  }
}

extension ReductionTraining {
  /// Most epochs on so many states.
  func maximumEpochs(states: Int) -> Int {
    switch course {
    case .rounds(let schedule): return schedule.maxEpochs
    case .steps(let settings):
      let steps = max(1, states / min(batchSize, max(1, states)))
      return (settings.count + steps - 1) / steps
    }
  }
}

/// An autoencoder in training, epoch by epoch.
struct AutoencoderStage: StageTrainer {
  private let trainer: ReductionTrainer
  private let complete: (AutoencoderReduction) throws -> Void

  /// Trains, and completes what is saved.
  init(_ trainer: ReductionTrainer, complete: @escaping (AutoencoderReduction) throws -> Void) {
    (self.trainer, self.complete) = (trainer, complete)
  }

  // The last epoch of a training of a given number of steps may be a part of one.
  var epochsDone: Int {
    (trainer.stepIndex + trainer.stepsPerEpoch - 1) / trainer.stepsPerEpoch
  }
  var maximumEpochs: Int {
    (trainer.totalSteps + trainer.stepsPerEpoch - 1) / trainer.stepsPerEpoch
  }
  var isFinished: Bool { trainer.isFinished }

  mutating func epoch() throws -> StageEpoch {
    let last = (trainer.stepIndex / trainer.stepsPerEpoch + 1) * trainer.stepsPerEpoch
    var (sum, count) = (0.0, 0)
    var epoch = StageEpoch(loss: 0)
    do {
      while trainer.stepIndex < last, !trainer.isFinished {
        let report = try trainer.step()
        sum += report.loss
        count += 1
        epoch.learningRate = report.learningRate
        epoch.validation = report.validationLoss ?? epoch.validation
      }
    } catch let error as NonFiniteReductionLoss {
      throw NonFiniteStep(step: epochsDone + 1, remedy: error.remedy)
    }
    epoch.loss = sum / Double(count)
    return epoch
  }

  func saveCheckpoint(to folder: URL) throws { try trainer.saveCheckpoint(to: folder) }
  mutating func restore(from folder: URL) throws { try trainer.restore(from: folder) }
  func saveModel(to folder: URL) throws {
    let reduction = trainer.finishedReduction()
    try complete(reduction)
    try reduction.save(to: folder)
  }
}
