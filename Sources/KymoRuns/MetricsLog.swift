// metrics.jsonl: one line of JSON for each training step, appended as the step is done. What a kill
// leaves half written is cut off on resuming, together with steps after the checkpoint.
package import Foundation
import KymoNumerics

/// One training step, or one epoch of a stage, as metrics.jsonl records it.
package struct TrainingStep: Codable, Hashable, Sendable {
  /// Number of steps done, this one included.
  package var step: Int
  /// Seconds of training so far, interruptions left out.
  package var seconds = 0.0
  /// Reconstruction and divergence together.
  package var loss: Double
  /// Mean squared error of the rollout; where the encoder alone is trained, of its means.
  package var reconstruction: Double
  /// The Kullback–Leibler divergence, in nats.
  package var divergence: Double
  /// Step size.
  package var learningRate: Double
  /// Norm of the gradient before clipping.
  package var gradientNorm: Double
  /// Variance of μ_z over the batch, one entry for each latent.
  package var latentVariance: [Double]
  /// Mean of σ_z² over the batch, one entry for each latent.
  package var latentSigma2: [Double]
  /// Price of a nat in the first latent, where there is one.
  package var beta: Double?
  /// What is trained, where several models are trained one after the other.
  package var stage: String?
  /// Loss on validation data, where it was computed.
  package var validation: Double?

  /// Records one step.
  package init(
    step: Int, loss: Double, reconstruction: Double, divergence: Double, learningRate: Double,
    gradientNorm: Double, latentVariance: [Double], latentSigma2: [Double]
  ) {
    self.step = step
    self.loss = loss
    self.reconstruction = reconstruction
    self.divergence = divergence
    self.learningRate = learningRate
    self.gradientNorm = gradientNorm
    self.latentVariance = latentVariance
    self.latentSigma2 = latentSigma2
  }

  /// Records one epoch of a stage.
  package init(
    step: Int, stage: String, loss: Double, validation: Double?, learningRate: Double
  ) {
    self.init(
      step: step, loss: loss, reconstruction: loss, divergence: 0, learningRate: learningRate,
      gradientNorm: 0, latentVariance: [], latentSigma2: [])
    (self.stage, self.validation) = (stage, validation)
  }

  /// Latents that carry something on the training crops, where a collapsed one has σ_z² = 1.
  package var relevantLatents: Int {
    zip(latentVariance, latentSigma2).count { $0 > 0.1 && $1 < 0.25 }
  }
}

/// Appends training steps to a file.
package final class MetricsLog {
  private let descriptor: Int32
  private let file: URL

  /// Opens the file for appending.
  package init(appendingTo file: URL) throws {
    self.file = file
    descriptor = unsafe Foundation.open(file.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError(writing: file) }
  }

  deinit { close(descriptor) }

  /// Appends one step.
  package func append(_ step: TrainingStep) throws {
    try appendAll(RunDirectory.json(step, pretty: false), to: descriptor, of: file)
  }

  /// Keeps the steps up to `step` and returns them; an absent file has none.
  ///
  /// - Throws: ``RunDirectoryError`` when steps before `step` are missing or damaged.
  package static func truncate(_ file: URL, toStep step: Int) throws -> [TrainingStep] {
    guard FileManager.default.fileExists(atPath: file.path) else {
      guard step == 0 else {
        throw RunDirectoryError.unreadable(path: file.relativePath, reason: "it is missing")
      }
      return []
    }
    let data = try Data(contentsOf: file)
    var (kept, end, steps) = (Data(), data.startIndex, [TrainingStep]())
    let decoder = RunDirectory.decoder()
    while end < data.endIndex, steps.count < step {
      guard let newline = data[end...].firstIndex(of: UInt8(ascii: "\n")),
        let line = try? decoder.decode(TrainingStep.self, from: data[end..<newline]),
        line.step == steps.count + 1
      else {
        throw RunDirectoryError.unreadable(
          path: file.relativePath, reason: "line \(steps.count + 1) is damaged")
      }
      steps.append(line)
      end = newline + 1
    }
    guard steps.count == step else {
      throw RunDirectoryError.unreadable(
        path: file.relativePath,
        reason: "it ends after step \(steps.count), but the checkpoint is of step \(step)")
    }
    kept = data[..<end]
    if kept.count < data.count { try AtomicFile.write(kept, to: file) }
    return steps
  }

  /// All steps of a file, without what a kill left half written.
  package static func read(_ file: URL) throws -> [TrainingStep] {
    let decoder = RunDirectory.decoder()
    return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n"))
      .compactMap { try? decoder.decode(TrainingStep.self, from: $0) }
  }
}
