// The loss of the encoder alone on crops: its distance from the fitted latents
// (FittedLatents.loss).
import KymoNN
import KymoTensor

/// The distance of what the encoder reads from the fitted latents.
final class EncoderObjective: ExtractionObjective {
  let context: ExtractionContext
  private let fittedLatents: FittedLatents

  init(_ context: ExtractionContext, _ fittedLatents: FittedLatents) {
    (self.context, self.fittedLatents) = (context, fittedLatents)
  }

  var trained: [NamedTensor] { context.model.encoder.namedParameters }

  /// The encoder learns the latents themselves, so its means are no longer normalised.
  func begin() { context.model.foldNormalization() }

  func loss(at place: StepPlace) -> StepLoss {
    let places = context.places(place.step)
    let latents = context.encode(places, context.random(place.step))
    let (loss, difference) = fittedLatents.loss(of: latents, recordings: places.recordings)
    let variance = latents.variance
    return StepLoss(
      loss, reconstruction: difference, divergences: latents.divergences(variance: variance),
      mean: latents.mean, variance: variance)
  }
}
