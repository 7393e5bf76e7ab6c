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
  /// - Throws: What the trainer refuses; a run whose encoder is to be taken and that has none.
  package init(
    _ recipe: Recipe, recordings: Recordings, device: Device, base: URL? = nil
  ) throws {
    let encoder = try recipe.encoderFrom.map { path in
      try ExtractionRun.loadModel(RunDirectory(located(path, base: base)))
    }
    trainer = try ExtractionTrainer(
      configuration: recipe.extraction, recordings: recordings, seed: recipe.seed, device: device,
      frozenEncoder: encoder)
  }

  package var stepIndex: Int { trainer.stepIndex }
  package var totalSteps: Int { trainer.totalSteps }

  package func step() throws -> TrainingStep {
    do {
      let report = try trainer.step()
      return TrainingStep(
        step: report.step, loss: report.loss, reconstruction: report.reconstruction,
        divergence: report.divergence, learningRate: report.learningRate,
        gradientNorm: report.gradientNorm, latentVariance: report.latentVariance,
        latentSigma2: report.latentSigma2)
    } catch let error as NonFiniteLoss {
      throw NonFiniteStep(step: error.step, remedy: error.remedy)
    }
  }

  package func saveCheckpoint(to folder: URL) throws { try trainer.saveCheckpoint(to: folder) }
  package func restore(from folder: URL) throws { try trainer.restore(from: folder) }
  package func saveModel(to folder: URL) throws { try trainer.finishedModel().save(to: folder) }
}
