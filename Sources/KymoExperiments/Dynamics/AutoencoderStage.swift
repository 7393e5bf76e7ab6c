// The training of an autoencoder as a stage of a run, and its settings in a recipe.
import Foundation
import KymoData
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
  /// Number of principal components that the network works on instead of the fields; absent means
  /// that it works on the fields.
  ///
  /// For fields of many cells: a step of the training costs as if there were so few. Channels are
  /// scaled as the network says, components all alike.
  package var components: Int?
  /// How it is trained.
  package var training = ReductionTraining()
  /// What the latents of a field are.
  package var restriction = AutoencoderRestriction.encoder
  /// How the recordings' `observables`, such as forces, are learned as a function of the latents;
  /// absent means not at all.
  package var observables: ObservableTraining?

  /// Creates the default settings.
  package init() {}

  package static let formerKeys = [
    "network": "Leave this line out: write feedForward or convolutional beside training."
  ]

  /// What reports call it.
  var name: String {
    let kind = network.isVariational ? "variational autoencoder" : "autoencoder"
    return switch network {
    case .feedForward: components.map { "\(kind) of \($0) components" } ?? kind
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
    try observables?.validate(at: "\(path).observables")
    try require(
      observables == nil || !network.isVariational, "\(path).observables", found: "given",
      allowed: "left out for a variational autoencoder",
      remedy: "Take plain latents: leave isVariational out.")
    guard let components else { return }
    guard case .feedForward(let dense) = network else {
      throw ConfigurationError(
        "\(path).components", found: components, allowed: "left out with convolutions",
        remedy: "Components have no places: use feedForward.")
    }
    try require(
      components, .atLeast(dense.latentCount), "\(path).components",
      remedy: "Several times as many as latents; 32 suit a periodic flow.")
    try require(
      dense.outputActivation == .identity, "\(path).feedForward.outputActivation",
      found: dense.outputActivation.rawValue, allowed: "identity with components",
      remedy: "Components have no bounds.")
  }

  /// The network on components, which are scaled all alike so that errors keep their weight.
  fileprivate var networkOfComponents: AutoencoderConfiguration {
    guard case .feedForward(var dense) = network else { return network }
    dense.scaling = .standard
    return .feedForward(dense)
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
    if let components {
      return try session(ofComponents: components, data, seed: seed, device: device)
    }
    let trainer = try ReductionTrainer(
      network, training: training, states: data.training,
      validation: data.validation, observed: observed(data), seed: seed,
      device: Device(parsing: device))
    return ModelSession(trainer.trainer, costPerRecord: trainer.stepsPerEpoch) { folder in
      let reduction = trainer.finishedReduction()
      if restriction == .nearest {
        try reduction.projectLatents(fittedTo: data.training)
      }
      try reduction.save(to: folder)
    }
  }

  private func session(
    ofComponents count: Int, _ data: ForecastData, seed: UInt64, device: String
  ) throws -> ModelSession {
    var first = PrincipalComponentConfiguration(latentCount: count, scaling: network.scaling)
    first.emphasis = training.emphasis
    let components = try data.components.fit(data.training, first)
    // Components have no places: the emphasis is in them.
    var training = training
    training.emphasis = nil
    let states = try components.reduced(data.training)
    let trainer = try ReductionTrainer(
      networkOfComponents, training: training, states: states,
      validation: components.reduced(data.validation), observed: observed(data), seed: seed,
      device: Device(parsing: device))
    return ModelSession(trainer.trainer, costPerRecord: trainer.stepsPerEpoch) { folder in
      let reduction = trainer.finishedReduction()
      if restriction == .nearest { try reduction.projectLatents(fittedTo: states) }
      try ComponentAutoencoder(components: components, network: reduction).save(to: folder)
    }
  }

  private func observed(_ data: ForecastData) throws -> ObservedFrames? {
    try observables.map { try ObservedFrames(data.training, training: $0) }
  }

  /// Reads a trained one.
  func load(from folder: URL, device: Device) throws -> any Reduction {
    components == nil
      ? try AutoencoderReduction(from: folder, device: device)
      : try ComponentAutoencoder(from: folder, device: device)
  }
}
