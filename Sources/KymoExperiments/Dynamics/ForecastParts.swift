// Reductions, propagators and solvers as a recipe names them: one key with the settings below it,
// as in `propagator: {reservoir: {unitCount: 500}}`, so that an impossible mixture cannot be
// written.
import Foundation
import KymoData
import KymoForecasting
import KymoNN
import KymoNumerics
package import KymoPropagation
package import KymoReduction
import KymoRuns
import KymoTensor

/// A reduction and its settings.
package enum ReductionSettings: Codable, Hashable, Sendable {
  /// Principal components.
  case principalComponents(PrincipalComponentConfiguration)
  /// Diffusion maps.
  case diffusionMaps(DiffusionMapConfiguration)
  /// A feed-forward, convolutional or variational autoencoder.
  case autoencoder(AutoencoderSettings)
  /// A density of particles, or of vectors, from which states are drawn.
  case density(DensitySettings)

  private enum CodingKeys: CodingKey, CaseIterable {
    case principalComponents, diffusionMaps, autoencoder, density
  }

  /// What reports call it.
  package var name: String {
    switch self {
    case .principalComponents: "PCA"
    case .diffusionMaps: "diffusion maps"
    case .autoencoder(let settings): settings.name
    case .density: "mixture density"
    }
  }

  /// Number of latents.
  package var latentCount: Int {
    get {
      switch self {
      case .principalComponents(let settings): settings.latentCount
      case .diffusionMaps(let settings): settings.latentCount
      case .autoencoder(let settings): settings.network.latentCount
      case .density(let settings): settings.network.latentCount
      }
    }
    set {
      switch self {
      case .principalComponents(var settings):
        settings.latentCount = newValue
        self = .principalComponents(settings)
      case .diffusionMaps(var settings):
        settings.latentCount = newValue
        self = .diffusionMaps(settings)
      case .autoencoder(var settings):
        settings.setLatentCount(newValue)
        self = .autoencoder(settings)
      case .density(var settings):
        settings.network.latentCount = newValue
        self = .density(settings)
      }
    }
  }

  func validate(at path: String) throws {
    switch self {
    case .principalComponents(let settings):
      try settings.validate(at: "\(path).principalComponents")
    case .diffusionMaps(let settings): try settings.validate(at: "\(path).diffusionMaps")
    case .autoencoder(let settings): try settings.validate(at: "\(path).autoencoder")
    case .density(let settings): try settings.validate(at: "\(path).density")
    }
  }

  /// The settings of an autoencoder; nil for other reductions.
  var autoencoder: AutoencoderSettings? {
    if case .autoencoder(let settings) = self { return settings }
    return nil
  }

  /// Whether encoding takes so long that few test states must do.
  var isSlow: Bool {
    if case .diffusionMaps = self { return true }
    return false
  }

  /// Whether it is a network that is trained for less time than another one.
  func isShorter(than other: ReductionSettings) -> Bool {
    guard case .autoencoder(let own) = self, case .autoencoder(let others) = other else {
      return false
    }
    return own.training.maximumEpochs(states: 1) < others.training.maximumEpochs(states: 1)
  }

  /// Most epochs of its training on so many states.
  func maximumEpochs(states: Int) -> Int {
    switch self {
    case .principalComponents, .diffusionMaps: 1
    case .autoencoder(let settings): settings.training.maximumEpochs(states: states)
    case .density(let settings): settings.maximumEpochs(states: states)
    }
  }

  /// Starts its training.
  func session(_ data: ForecastData, seed: UInt64, device: String) throws -> ModelSession {
    switch self {
    case .principalComponents(let settings):
      .fit("reduction") {
        let fitted = try data.components.fit(data.training, settings)
        return (try reconstructionError(fitted, data.validation), fitted.save(to:))
      }
    case .diffusionMaps(let settings):
      .fit("reduction") {
        let fitted = try DiffusionMapReduction(
          fitting: data.training.thinned(atMost: 1500), configuration: settings)
        return (
          try reconstructionError(fitted, data.validation.thinned(atMost: 200)), fitted.save(to:)
        )
      }
    case .autoencoder(let settings):
      try settings.session(data, seed: seed, device: device)
    case .density(let settings):
      try settings.session(data, seed: seed, device: device)
    }
  }

  /// Reads a trained one; all but autoencoders compute on the processor.
  func load(from folder: URL, device: Device) throws -> any Reduction {
    switch self {
    case .principalComponents: try PrincipalComponentReduction(from: folder)
    case .diffusionMaps: try DiffusionMapReduction(from: folder)
    case .autoencoder(let settings): try settings.load(from: folder, device: device)
    case .density: try DensityReduction(from: folder, device: device)
    }
  }
}

/// A propagator and its settings.
package enum PropagatorSettings: Codable, Hashable, Sendable {
  /// A reservoir computer.
  case reservoir(ReservoirConfiguration)
  /// Sparse identification of nonlinear dynamics.
  case sindy(SINDyConfiguration)
  /// Dynamic mode decomposition: a linear map.
  case dmd(DynamicModeConfiguration)
  /// LSTM, GRU or a feed-forward network.
  case network(NetworkPropagatorSettings)

  private enum CodingKeys: CodingKey, CaseIterable { case reservoir, sindy, dmd, network }

  /// The architecture of a recurrent network; nil for other propagators.
  var recurrent: RecurrentConfiguration? {
    if case .network(let settings) = self, case .recurrent(let architecture) = settings.network {
      return architecture
    }
    return nil
  }

  /// What reports call it.
  package var name: String {
    switch self {
    case .reservoir: "reservoir"
    case .sindy: "SINDy"
    case .dmd: "DMD"
    case .network(let settings): settings.name
    }
  }

  func validate(at path: String) throws {
    switch self {
    case .reservoir(let settings): try settings.validate(at: "\(path).reservoir")
    case .sindy(let settings): try settings.validate(at: "\(path).sindy")
    case .dmd(let settings): try settings.validate(at: "\(path).dmd")
    case .network(let settings): try settings.validate(at: "\(path).network")
    }
  }

  /// Whether it is a network that is trained for less time than another one.
  func isShorter(than other: PropagatorSettings) -> Bool {
    guard case .network(let own) = self, case .network(let others) = other else { return false }
    return own.training.phase.rounds == nil && others.training.phase.rounds == nil
      ? own.training.phase.steps < others.training.phase.steps
      : own.maximumEpochs < others.maximumEpochs
  }

  /// Most epochs of its training.
  var maximumEpochs: Int {
    switch self {
    case .reservoir, .sindy, .dmd: 1
    case .network(let settings): settings.maximumEpochs
    }
  }

  /// Starts its training on latents of a trained reduction; members of an ensemble, counted from 0,
  /// differ in their seed.
  func session(
    _ reduction: any Reduction, _ data: ForecastData, member: Int, seed: UInt64, device: String
  ) throws -> ModelSession {
    switch self {
    case .reservoir(var settings):
      settings.seed &+= seed &* 1000 &+ UInt64(member)
      let configuration = settings
      return .fit("propagator") {
        let fitted = try ReservoirPropagator(
          fitting: reduction.latentSeries(of: data.training), configuration: configuration)
        return (try forecastError(fitted, reduction, data), fitted.save(to:))
      }
    case .sindy(let settings):
      return .fit("propagator") {
        let fitted = try SINDyPropagator(
          fitting: reduction.latentSeries(of: data.training), frameInterval: data.frameInterval,
          configuration: settings)
        return (try forecastError(fitted, reduction, data), fitted.save(to:))
      }
    case .dmd(let settings):
      return .fit("propagator") {
        let fitted = try DynamicModePropagator(
          fitting: reduction.latentSeries(of: data.training), configuration: settings)
        return (try forecastError(fitted, reduction, data), fitted.save(to:))
      }
    case .network(let settings):
      return try settings.session(
        reduction, data, seed: seed &* 1000 &+ UInt64(member), device: device)
    }
  }

  /// Reads a trained one; all but networks compute on the processor.
  func load(from folder: URL, device: Device) throws -> any Propagator {
    switch self {
    case .reservoir: try ReservoirPropagator(from: folder)
    case .sindy: try SINDyPropagator(from: folder)
    case .dmd: try DynamicModePropagator(from: folder)
    case .network(let settings): try settings.load(from: folder, device: device)
    }
  }
}

/// Mean squared reconstruction error of states, each channel scaled by its range in the states.
func reconstructionError(_ reduction: any Reduction, _ states: FrameSet) throws -> Double {
  let scaler = ChannelScaler(.minMaxZeroOne, fitting: states)
  return try ForecastScale(ranges: scaler.scale).reconstructionErrors(reduction, states).scaled
}

/// Mean squared one-step error on validation latents, in units of each latent's variance.
private func forecastError(
  _ propagator: some Propagator, _ reduction: any Reduction, _ data: ForecastData
) throws -> Double {
  var (sum, count) = (0.0, 0)
  for series in try reduction.latentSeries(of: data.validation) where series.shape[0] > 1 {
    let (frames, width) = (series.shape[0], series.shape[1])
    let scaler = ChannelScaler(.standard, fitting: series)
    var memory = propagator.initialMemory(batchCount: 1)
    let predicted = try propagator.oneStepPredictions(
      series.reshaped([1, frames, width]), memory: &memory)
    // The memory fills up over the first tenth.
    for frame in frames / 10..<frames - 1 {
      for latent in 0..<width {
        let miss =
          (predicted.elements[frame * width + latent]
            - series.elements[(frame + 1) * width + latent]) / scaler.scale[latent]
        sum += miss * miss
        count += 1
      }
    }
  }
  return count == 0 ? 0 : sum / Double(count)
}
