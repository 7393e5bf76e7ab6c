// The loss of encoder and decoder together (Lu, Kim and Soljacic 2020, eqs. 1 and 2, normalised as
// in the authors' code):
//   L = mean (ŷ − y)² over batch, channels, frames, cells
//     + β · ½ · mean over batch of Σ_z w_z (μ² + σ² − log σ² − 1),  all weights w_z 1 in the paper
//     + the agreement of the latents' distribution over recordings with the prior (PriorMatching)
import Foundation
import KymoNN
import KymoTensor

/// Reconstruction error of crops and the weighted KL divergence of the latents.
final class JointObjective: ExtractionObjective {
  let context: ExtractionContext
  /// KL weight of every latent, in units of β: powers of the grading.
  private let klWeights: Tensor

  init(_ context: ExtractionContext) {
    self.context = context
    let latents = context.configuration.model.latents
    klWeights = Tensor(
      (0..<latents).map { Float(pow(context.training.betaGrading, Double($0))) },
      shape: [latents], device: context.device)
  }

  var trained: [NamedTensor] { context.model.namedParameters }

  func loss(at place: StepPlace) -> StepLoss {
    let (model, training) = (context.model, context.training)
    let random = context.random(place.step)
    let places = context.places(place.step)
    let frames = training.rolloutSchedule.frames(
      step: place.phaseStep, of: place.phaseSteps, full: training.targetCrop[0] - 1)
    let targets = context.targets(places)
    var latents = context.encode(places, random)
    if model.normalizes { latents.mean = normalize(latents.mean, at: place) }
    let reconstruction = context.rolloutLoss(
      context.sample(latents, random), crops: targets, frames: frames, random: random)
    let variance = latents.variance
    let divergences = latents.divergences(variance: variance)
    let weighted = (divergences * klWeights).sum()
    let beta = beta(progress: place.progress, frames: frames)
    var total = reconstruction + beta * weighted
    if let priorMatching = context.priorMatching {
      total =
        total
        + training.priorMatching * finalBeta
        * priorMatching.loss(
          mean: latents.mean, variance: variance, mixed: training.mixedMoments * place.progress)
    }
    var loss = StepLoss(
      total, reconstruction: reconstruction, divergences: divergences, mean: latents.mean,
      variance: variance)
    loss.scalars = ["beta": beta]
    return loss
  }

  func finish(_ record: StepRecord) { context.runningError?.update(record.reconstruction) }

  /// Means normalised over the batch in the first part of the training, over running statistics
  /// later, so that noise of small batches does not limit the end.
  private func normalize(_ raw: Tensor, at place: StepPlace) -> Tensor {
    let model = context.model
    let mean = raw.mean(axes: [0])
    let variance = raw.variance(axes: [0])
    withoutGradients {
      let momentum = max(0.02, 1 / Double(place.step + 2))
      model.meanShift.mulInPlace(1 - momentum)
      model.meanShift.addInPlace(mean.detached(), scale: momentum)
      model.meanVariance.mulInPlace(1 - momentum)
      model.meanVariance.addInPlace(variance.detached(), scale: momentum)
    }
    if place.progress < context.training.batchNormalizedPart {
      return model.normalized(raw, shift: mean, variance: variance)
    }
    let shift = model.meanShift.clone()
    let running = Self.followed(model.meanVariance, by: raw.detached(), shift: shift)
    return model.normalized(raw, shift: shift, variance: running)
  }

  /// Running variances, raised where a batch is further from the running means than twice the
  /// deviations.
  ///
  /// Where no latent carries anything, the encoder drifts faster than statistics run, and what is
  /// divided by them would explode.
  static func followed(_ running: Tensor, by batch: Tensor, shift: Tensor) -> Tensor {
    Tensor.maximum(running, (batch - shift).square().mean(axes: [0]) * 0.25)
  }

  /// β in the end, in the units of the loss.
  private var finalBeta: Double { context.training.beta * (context.runningError?.value ?? 1) }

  private func beta(progress: Double, frames: Int) -> Double {
    let training = context.training
    let remaining =
      training.betaRamp > 0 ? max(0, 1 - progress / training.betaRamp) : 0
    // The error of a wrong parameter grows like T² at first: a shorter rollout needs a smaller β.
    let part = Double(frames) / Double(training.targetCrop[0] - 1)
    return finalBeta * pow(training.betaStart, remaining) * part * part
  }
}
