// The loss of the decoder alone, on latents of whole recordings: those fitted to it, or those that
// the finished encoder reads.
import KymoData
import KymoNN
import KymoTensor

/// Reconstruction of crops under known latents.
final class DecoderObjective: ExtractionObjective {
  let context: ExtractionContext
  private let rolloutSchedule: RolloutSchedule

  /// A decoder that has had joint steps starts at the full length; a new one follows the schedule.
  init(_ context: ExtractionContext, rolloutSchedule: RolloutSchedule) {
    (self.context, self.rolloutSchedule) = (context, rolloutSchedule)
  }

  var trained: [NamedTensor] { context.model.decoderParameters }

  func loss(at place: StepPlace) -> StepLoss {
    let crop = context.training.targetCrop
    let random = context.random(place.step)
    let places = context.places(
      place.step, targetSize: context.assimilation?.size(for: crop))
    let frames = rolloutSchedule.frames(
      step: place.phaseStep, of: place.phaseSteps, full: crop[0] - 1)
    let latents =
      context.fittedLatents?.batch(places.recordings)
      ?? context.readLatents().batch(places.recordings)
    let crops =
      context.assimilation?.starts(
        context.recordings.batch(places.targets),
        atFirstFrame: places.targets.map { $0.timeOffset == 0 }, latents: latents.mean,
        model: context.model) ?? context.targets(places)
    let reconstruction = context.rolloutLoss(
      context.sample(latents, random), crops: crops, frames: frames, random: random)
    let variance = latents.variance
    return StepLoss(
      reconstruction, reconstruction: reconstruction,
      divergences: latents.divergences(variance: variance), mean: latents.mean,
      variance: variance)
  }
}
