// The parts of a training of the parameter VAE, one after the other, and how many steps each has.

/// A part of a training.
enum TrainingPhase: Int, CaseIterable, Sendable {
  /// Encoder and decoder together.
  case joint
  /// The latents of every recording are fitted to the decoder and straightened.
  case fit
  /// The decoder alone, on latents of whole recordings.
  case decoder
  /// The latents are fitted to the finished decoder.
  case secondFit
  /// The encoder alone, on the fitted latents.
  case encoder
}

/// All parts in their order.
struct TrainingPhases {
  private let counts: [(phase: TrainingPhase, steps: Int)]

  /// The parts of a training on some recordings; a refinement, whose encoder stays, has no fits.
  init(_ training: TrainingConfiguration, recordings: Int, isRefining: Bool) {
    // A step of a fit takes as many recordings as a batch has.
    let rounds = (recordings + training.batchSize - 1) / training.batchSize
    let fits = training.fitCrops > 0 && !isRefining
    counts = [
      (.joint, training.steps),
      (.fit, fits ? rounds : 0),
      (.decoder, training.decoderSteps),
      (.secondFit, fits && training.encoderSteps > 0 ? rounds : 0),
      (.encoder, fits ? training.encoderSteps : 0),
    ]
  }

  /// Steps in all.
  var total: Int { counts.reduce(0) { $0 + $1.steps } }

  /// The part that a step belongs to, the step's number in it, and the part's number of steps.
  subscript(step: Int) -> (phase: TrainingPhase, step: Int, of: Int) {
    var first = 0
    for (phase, steps) in counts {
      if step < first + steps { return (phase, step - first, steps) }
      first += steps
    }
    let last = counts.last { $0.steps > 0 } ?? counts[0]
    return (last.phase, step - first + last.steps, last.steps)
  }
}
