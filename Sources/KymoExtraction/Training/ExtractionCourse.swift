// The phases of a training of the parameter VAE, one after the other, and how many steps each has.
import KymoNN
import KymoNumerics
import KymoTensor

/// An objective of the parameter VAE.
protocol ExtractionObjective: Objective {
  var context: ExtractionContext { get }
}

extension ExtractionObjective {
  var state: [NamedTensor] { context.state }
  var remedy: String {
    """
    Train again with a smaller learningRate of this phase (half is a good try), or set its \
    gradientClip=1 or training.rolloutSchedule=growing.
    """
  }
}

/// The order of a training.
///
///     joint → fit → decoder, first half → fit → decoder, second half → fit → encoder
///
/// All fits but the last end with latents linearised, that is in coordinates in which the decoder's
/// law is affine. A better decoder gives better coordinates, so this is repeated after 1/2, 3/4,
/// 7/8 … of its steps (`training.straightenings` times in all). The last fit does not linearise:
/// its latents are to be those of the finished decoder.
///
/// A refinement is a training of the decoder alone, and its fits, to the decoder of the model that
/// the encoder is from, are done once.
struct ExtractionCourse {
  private let context: ExtractionContext
  private let isRefining: Bool
  private var training: ParameterTrainingConfiguration { context.training }

  init(_ context: ExtractionContext, isRefining: Bool) {
    (self.context, self.isRefining) = (context, isRefining)
  }

  var phases: [Phase] {
    let (joint, all, encoder) = (
      training.phases.joint, training.phases.decoder, training.phases.encoder
    )
    let decoder = DecoderObjective(
      context, rolloutSchedule: isRefining ? training.rolloutSchedule : .full)
    let together = Phase("joint", .descent(JointObjective(context), joint, stepsPerEpoch: 1))
    let alone = Phase("decoder", .descent(decoder, all, stepsPerEpoch: 1))
    guard let fitted = context.fittedLatents else {
      return isRefining ? [alone] : [together, alone]
    }
    func fit(readsEncoder: Bool = false, linearises: Bool = false) -> Phase {
      let fitting = LatentFitting(
        context, fitted, readsEncoder: readsEncoder, linearises: linearises)
      return Phase("fit", .fitting(fitting))
    }
    if isRefining { return [fit(readsEncoder: true), alone] }
    var phases = [together]
    var before = 0
    for round in 0..<training.straightenings {
      // A part of the decoder's steps; all parts have one cycle of learning rates.
      var part = all
      part.steps -= before
      if round < training.straightenings - 1 { part.steps /= 2 }
      var pair = [
        fit(readsEncoder: round == 0, linearises: true),
        Phase("decoder", .descent(decoder, part, stepsPerEpoch: 1)),
      ]
      pair[1].cycle = (before, all.steps)
      // The decoder's training only pauses for a fit in its midst.
      for index in pair.indices { pair[index].continues = round > 0 }
      phases += pair
      before += part.steps
    }
    guard encoder.steps > 0 else { return phases }
    let objective = EncoderObjective(context, fitted)
    return phases + [fit(), Phase("encoder", .descent(objective, encoder, stepsPerEpoch: 1))]
  }
}
