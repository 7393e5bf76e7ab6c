// The parts of a training of the parameter VAE, one after the other, and how many steps each has.

/// What a part of a training does.
enum TrainingPhase: Sendable {
  /// Encoder and decoder together.
  case joint
  /// The latents of every recording are fitted to the decoder.
  case fit
  /// The decoder alone, on latents of whole recordings.
  case decoder
  /// The encoder alone, on the fitted latents.
  case encoder
}

/// The order of a training.
///
///     joint → fit → decoder, first half → fit → decoder, second half → fit → encoder
///
/// All fits but the last end with latents straightened; the better the decoder, the straighter, so this is done again when
/// it has learned: with n straightenings, after 1/2, 3/4, 7/8 … of its steps. The last fit does not straighten: its latents are
/// to be those of the finished decoder.
struct TrainingPhases {
  /// A stretch of steps.
  struct Part {
    var phase: TrainingPhase
    var steps: Int
    /// Steps of the same phase in earlier parts, and in all: they have one cycle of step sizes.
    var before = 0
    var all: Int
    /// Whether a fit begins with the encoder's latents, and whether it straightens.
    var readsEncoder = false
    var straightens = false
    /// Whether the decoder's training only pauses for this fit, or goes on after one.
    var isMiddle = false
  }

  /// A step's place.
  struct Place {
    var part: Part
    /// Number of the step in its part.
    var step: Int
  }

  private let parts: [Part]

  /// The parts of a training on some recordings.
  ///
  /// A refinement is a training of the decoder alone, and its fits, to the decoder of the model that the encoder is from, are
  /// done once.
  init(_ training: TrainingConfiguration, recordings: Int, isRefining: Bool) {
    let (joint, decoder, encoder) = (
      training.steps, training.decoderSteps, training.encoderSteps
    )
    // A step of a fit takes as many recordings as a batch has.
    let rounds = (recordings + training.batchSize - 1) / training.batchSize
    var parts = [Part(phase: .joint, steps: joint, all: joint)]
    if isRefining {
      parts = [
        Part(
          phase: .fit, steps: training.fitCrops > 0 ? rounds : 0, all: rounds, readsEncoder: true),
        Part(phase: .decoder, steps: decoder, all: decoder),
      ]
    } else if training.fitCrops > 0 {
      var before = 0
      for round in 0..<training.straightenings {
        let isLast = round == training.straightenings - 1
        let steps = isLast ? decoder - before : (decoder - before) / 2
        parts += [
          Part(
            phase: .fit, steps: rounds, all: rounds, readsEncoder: round == 0, straightens: true,
            isMiddle: round > 0),
          Part(
            phase: .decoder, steps: steps, before: before, all: decoder, isMiddle: round > 0),
        ]
        before += steps
      }
      if encoder > 0 {
        parts += [
          Part(phase: .fit, steps: rounds, all: rounds),
          Part(phase: .encoder, steps: encoder, all: encoder),
        ]
      }
    } else {
      parts.append(Part(phase: .decoder, steps: decoder, all: decoder))
    }
    self.parts = parts.filter { $0.steps > 0 }
  }

  /// Steps in all.
  var total: Int { parts.reduce(0) { $0 + $1.steps } }

  /// Where a step belongs.
  subscript(step: Int) -> Place {
    var first = 0
    for part in parts {
      if step < first + part.steps { return Place(part: part, step: step - first) }
      first += part.steps
    }
    preconditionFailure("TrainingPhases: step \(step) of \(total)")
  }

  /// The parts that had begun before a step.
  func parts(before step: Int) -> [Part] {
    var first = 0
    return parts.prefix { part in
      defer { first += part.steps }
      return first < step
    }
  }
}
