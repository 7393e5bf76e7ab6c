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
    Train again with a smaller training.learningRate (half is a good try), or set \
    training.gradientClip=1 or training.rolloutSchedule=growing.
    """
  }
}

/// The order of a training.
///
///     joint → fit → decoder, first half → fit → decoder, second half → fit → encoder
///
/// All fits but the last end with latents straightened; the better the decoder, the straighter, so this is done again when
/// it has learned: with n straightenings, after 1/2, 3/4, 7/8 … of its steps. The last fit does not straighten: its latents are
/// to be those of the finished decoder.
///
/// A refinement is a training of the decoder alone, and its fits, to the decoder of the model that the encoder is from, are
/// done once.
struct ExtractionCourse {
  private let context: ExtractionContext
  private let isRefining: Bool
  private var training: TrainingConfiguration { context.training }

  init(_ context: ExtractionContext, isRefining: Bool) {
    (self.context, self.isRefining) = (context, isRefining)
  }

  var phases: [Phase] {
    guard let fitted = context.fittedLatents else {
      return (isRefining ? [] : [joint]) + [decoder(steps: training.decoderSteps)]
    }
    func fit(readsEncoder: Bool = false, straightens: Bool = false) -> Phase {
      Phase(
        "fit",
        .fitting(
          LatentFitting(
            context, fitted, readsEncoder: readsEncoder, straightens: straightens)))
    }
    if isRefining { return [fit(readsEncoder: true), decoder(steps: training.decoderSteps)] }
    var phases = [joint]
    var before = 0
    for round in 0..<training.straightenings {
      let left = training.decoderSteps - before
      let steps = round == training.straightenings - 1 ? left : left / 2
      // The decoder's training only pauses for a fit in its midst.
      var pair = [
        fit(readsEncoder: round == 0, straightens: true), decoder(before, steps: steps),
      ]
      for index in pair.indices { pair[index].continues = round > 0 }
      phases += pair
      before += steps
    }
    guard training.encoderSteps > 0 else { return phases }
    return phases + [
      fit(),
      Phase(
        "encoder",
        .descent(
          EncoderObjective(context, fitted),
          descent(
            training.encoderSteps, training.optimizer, peak: training.learningRate),
          stepsPerEpoch: 1)),
    ]
  }

  /// Encoder and decoder together.
  private var joint: Phase {
    Phase(
      "joint",
      .descent(
        JointObjective(context),
        descent(training.steps, training.optimizer, peak: training.learningRate),
        stepsPerEpoch: 1))
  }

  /// A part of the training of the decoder alone, all of which has one cycle of learning rates.
  private func decoder(_ before: Int = 0, steps: Int) -> Phase {
    var phase = Phase(
      "decoder",
      .descent(
        DecoderObjective(
          context, rolloutSchedule: isRefining ? training.rolloutSchedule : .full),
        descent(
          steps, training.decoderOptimizer, peak: training.decoderLearningRate),
        stepsPerEpoch: 1))
    phase.cycle = (before, training.decoderSteps)
    return phase
  }

  private func descent(_ steps: Int, _ optimizer: OptimizerChoice, peak: Double) -> Descent {
    var descent = Descent()
    (descent.steps, descent.optimizer) = (steps, optimizer)
    descent.learningRate = training.learningRates(peak: peak)
    descent.gradientClip = training.gradientClip
    descent.weightAverage = training.weightAverage
    return descent
  }
}
