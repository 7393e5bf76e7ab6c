// The training of an autoencoder as a stage of a run, and its settings in a recipe.
import KymoNN
import KymoNumerics
package import KymoReduction
import KymoTensor

/// What the latents of a field are.
package enum AutoencoderRestriction: String, SettingChoice {
  /// What the encoder gives.
  case encoder
  /// The latents whose decoded field is nearest, by one step of Gauss–Newton from the encoding. An
  /// encoder's errors shift the phase in every round with a solver; here only those of the decoder
  /// are left.
  case nearest
}

/// An autoencoder and how it is trained.
package struct AutoencoderSettings: Settings, FormerSettings {
  /// The network.
  @Inlined package var network = AutoencoderConfiguration.feedForward(.init())
  /// How it is trained.
  package var training = ReductionTraining()
  /// What the latents of a field are.
  package var restriction = AutoencoderRestriction.encoder

  /// Creates the default settings.
  package init() {}

  package static let formerKeys = [
    "network": "Leave this line out: write feedForward or convolutional beside training."
  ]

  /// What reports call it.
  var name: String {
    let kind = network.isVariational ? "variational autoencoder" : "autoencoder"
    return switch network {
    case .feedForward: kind
    case .convolutional: "convolutional \(kind)"
    }
  }

  /// Sets the number of latents.
  mutating func setLatentCount(_ count: Int) {
    switch network {
    case .feedForward(var settings):
      settings.latentCount = count
      network = .feedForward(settings)
    case .convolutional(var settings):
      settings.latentCount = count
      network = .convolutional(settings)
    }
  }

  func validate(at path: String) throws {
    try network.validate(at: path)
    try training.validate(at: "\(path).training")
  }
}

extension ReductionTraining {
  /// Most epochs on so many states.
  func maximumEpochs(states: Int) -> Int {
    if let rounds = phase.rounds { return rounds.maxEpochs }
    let stepsPerEpoch = max(1, states / min(batchSize, max(1, states)))
    return (phase.steps + stepsPerEpoch - 1) / stepsPerEpoch
  }
}

extension AutoencoderSettings {
  /// Its training, with a record of every epoch.
  func session(_ data: ForecastData, seed: UInt64, device: String) throws -> ModelSession {
    let trainer = try ReductionTrainer(
      network, training: training, states: data.training,
      validation: data.validation, seed: seed, device: Device(parsing: device))
    return ModelSession(trainer.trainer, costPerRecord: trainer.stepsPerEpoch) { folder in
      let reduction = trainer.finishedReduction()
      if restriction == .nearest {
        try reduction.projectLatents(fittedTo: data.training)
      }
      try reduction.save(to: folder)
    }
  }
}
