// A training of the parameter VAE as a session of the training loop.
package import Foundation
package import KymoData
import KymoExtraction
package import KymoRuns
package import KymoTensor

/// A training of the parameter VAE.
package struct ExtractionSession: TrainingSession {
  private let trainer: ExtractionTrainer

  /// Prepares a training on recordings.
  ///
  /// - Parameters:
  ///   - recipe: The resolved recipe.
  ///   - recordings: The training recordings.
  ///   - device: Where to compute.
  ///   - base: Where relative paths are looked up when they are not found from the current folder.
  /// - Throws: What the trainer refuses; a run to start from that is not there or has not finished.
  package init(
    _ recipe: Recipe, recordings: Recordings, device: Device, base: URL? = nil
  ) throws {
    func model(_ path: String) throws -> ParameterVAE {
      try ExtractionRun.loadModel(
        RunDirectory.finished(at: located(path, base: base)), device: device)
    }
    let start: TrainingStart? =
      if let path = recipe.encoderFrom {
        .frozenEncoder(try model(path))
      } else if let path = recipe.startFrom {
        .model(try model(path))
      } else {
        nil
      }
    // A model that goes on sees fields as it did before.
    let seen =
      switch start {
      case .frozenEncoder(let model), .model(let model):
        recordings.scaled(by: model.field.scaling)
      case nil: recordings
      }
    trainer = try ExtractionTrainer(
      configuration: recipe.extraction, recordings: seen, seed: recipe.seed, device: device,
      start: start)
  }

  package var stepIndex: Int { trainer.stepIndex }
  package var totalSteps: Int { trainer.totalSteps }

  package func step() throws -> TrainingStep {
    do {
      let report = try trainer.step()
      var record = TrainingStep(
        step: report.step, loss: report.loss, reconstruction: report.reconstruction,
        divergence: report.divergence, learningRate: report.learningRate,
        gradientNorm: report.gradientNorm, latentVariance: report.latentVariance,
        latentSigma2: report.latentSigma2)
      record.beta = report.beta
      return record
    } catch let error as NonFiniteLoss {
      throw NonFiniteStep(step: error.step, remedy: error.remedy)
    }
  }

  package func saveCheckpoint(to folder: URL) throws { try trainer.saveCheckpoint(to: folder) }
  package func restore(from folder: URL) throws { try trainer.restore(from: folder) }
  package func saveModel(to folder: URL) throws { try trainer.finishedModel().save(to: folder) }
}
