// A phase without gradients: the latents of every recording are fitted to the decoder, as many
// recordings in a step as a batch has.
import KymoData
import KymoNN
import KymoTensor

/// A round of fits of all recordings.
final class LatentFitting: Fitting {
  private let context: ExtractionContext
  private let fittedLatents: FittedLatents
  /// Whether it begins with the encoder's latents, else with those of the fit before.
  private let readsEncoder: Bool
  /// Whether it ends with latents in coordinates in which the decoder's law is affine.
  private let linearises: Bool

  init(
    _ context: ExtractionContext, _ fittedLatents: FittedLatents, readsEncoder: Bool,
    linearises: Bool
  ) {
    (self.context, self.fittedLatents) = (context, fittedLatents)
    (self.readsEncoder, self.linearises) = (readsEncoder, linearises)
  }

  var state: [NamedTensor] { context.state }
  var stepCount: Int {
    (context.recordings.count + context.training.batchSize - 1) / context.training.batchSize
  }

  func fit(at place: StepPlace) throws -> StepRecord {
    let start = place.phaseStep * context.training.batchSize
    let range = start..<min(start + context.training.batchSize, context.recordings.count)
    let known = readsEncoder ? context.readLatents() : nil
    if place.phaseStep == 0, let known { fittedLatents.choose(from: known) }
    // Single rollouts may diverge; their recordings keep the latents that they had.
    let errors = fittedLatents.fit(range, from: known).filter(\.isFinite)
    let error = errors.reduce(0, +) / Double(errors.count)
    if linearises, error.isFinite, place.phaseStep == stepCount - 1 {
      try fittedLatents.linearise(seed: context.seed)
    }
    let latents = fittedLatents.batch(Array(range))
    var record = StepRecord(step: place.step + 1, loss: error)
    record.scalars = [
      "reconstruction": error,
      "divergence": latents.divergences(variance: latents.variance).sum().item,
    ]
    record.vectors = [
      "latentVariance": latents.mean.variance(axes: [0], correction: 0).doubles,
      "latentSigma2": latents.variance.mean(axes: [0]).doubles,
    ]
    return record
  }
}
