// Forecasts by a recurrent network that gives a density of the next latents: each step draws from it
// and feeds the draw back, so that a rollout is one of many possible trajectories.
//
// Letters: B trajectories, T coarse steps, L latents.
public import Foundation
public import KymoData
import KymoNN
public import KymoNumerics
public import KymoTensor

/// What a drawing propagator remembers between steps: hidden states, and where each trajectory draws
/// from.
public struct MixtureMemory: Sendable {
  /// `[B, layers, 1 or 2, units]`.
  var states: [Float]
  /// One stream for each trajectory, so that it does not depend on the others.
  var streams: [RandomStream]

  /// Number of trajectories, B.
  public var batchCount: Int { streams.count }
}

/// Draws latents step by step from the density that a recurrent network gives.
public final class MixtureRecurrentPropagator: Propagator {
  /// The architecture.
  public let configuration: MixtureRecurrentConfiguration
  /// From latents to the network's numbers.
  public let scaler: ChannelScaler
  private let network: MixtureRecurrentNetwork
  private let device: Device

  /// Creates a propagator from a trained network, whose weights must stay as they are.
  package init(
    configuration: MixtureRecurrentConfiguration, scaler: ChannelScaler,
    network: MixtureRecurrentNetwork
  ) {
    (self.configuration, self.scaler, self.network) = (configuration, scaler, network)
    device = network.parameters[0].device
  }

  /// Number of latents, L.
  public var latentCount: Int { network.latentCount }

  /// Zeros; draws follow from the seed 0.
  public func initialMemory(batchCount: Int) -> MixtureMemory {
    initialMemory(batchCount: batchCount, seed: 0)
  }

  /// Zeros; draws follow from a seed and the number of the trajectory.
  public func initialMemory(batchCount: Int, seed: UInt64) -> MixtureMemory {
    MixtureMemory(
      states: withoutGradients { network.initialState(batchCount: batchCount).floats },
      streams: (0..<batchCount).map {
        RandomStream(seed: seed, purpose: .sampling, index: UInt64($0))
      })
  }

  /// Latents one coarse step later, drawn, `[B, L]`.
  ///
  /// - Throws: `ModelDataError` for latents that do not fit the network or the memory.
  public func step(
    _ latents: HostArray<Double>, memory: inout MixtureMemory
  ) throws -> HostArray<Double> {
    try rollout(from: latents, stepCount: 1, memory: &memory).reshaped(latents.shape)
  }

  /// The mean of the density after each of known latents, `[B, T, L]`; nothing is drawn.
  ///
  /// - Throws: `ModelDataError` for latents that do not fit the network or the memory.
  public func oneStepPredictions(
    _ latents: HostArray<Double>, memory: inout MixtureMemory
  ) throws -> HostArray<Double> {
    try requireShape(latents, [memory.batchCount, nil, latentCount], "teacher forcing")
    guard latents.count > 0 else { return latents }
    return withoutGradients {
      var state = present(memory)
      let found = network.predictions(
        Tensor(scaler.scaled(latents.elements), shape: latents.shape, device: device),
        state: &state, own: nil, zoneout: nil)
      memory.states = state.floats
      return HostArray(scaler.unscaled(found.floats), shape: latents.shape)
    }
  }

  /// Feeds draws back.
  ///
  /// - Throws: `ModelDataError` for latents that do not fit the network or the memory.
  public func rollout(
    from start: HostArray<Double>, stepCount: Int, memory: inout MixtureMemory
  ) throws -> HostArray<Double> {
    let (batch, latents) = (memory.batchCount, latentCount)
    try requireShape(start, [batch, latents], "a rollout")
    var result = HostArray(repeating: 0.0, shape: [batch, stepCount, latents])
    guard batch > 0 else { return result }
    withoutGradients {
      var state = present(memory)
      var input = scaler.scaled(start.elements)
      for step in 0..<stepCount {
        let densities = network.mixture(
          Tensor(input, shape: [batch, latents], device: device), state: &state
        ).densities
        input = densities.indices.flatMap { item in
          densities[item].samples(1, using: &memory.streams[item]).map { Float($0) }
        }
        result.setFrame(step, to: HostArray(scaler.unscaled(input), shape: start.shape))
      }
      memory.states = state.floats
    }
    return result
  }

  private func present(_ memory: MixtureMemory) -> Tensor {
    let state = network.initialState(batchCount: memory.batchCount)
    state.copy(from: memory.states)
    return state
  }
}

// MARK: - On disk

extension MixtureRecurrentPropagator {
  private static let folder = NetworkFolder<MixtureRecurrentConfiguration>(
    "kymo mixture propagator")

  /// Writes the propagator into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    try Self.folder.write(configuration, scaler, network, to: folder)
  }

  /// Reads a propagator from a folder that ``save(to:)`` wrote, onto any device.
  ///
  /// - Throws: `TensorError` that names the file and what is wrong with it, or a device that is not
  ///   here.
  public convenience init(from folder: URL, device: Device = .cpu) throws {
    let parts = try Self.folder.read(folder, device: device) { configuration, latents in
      try configuration.validate()
      return MixtureRecurrentNetwork(
        configuration, latentCount: latents, seed: 0, device: device)
    }
    self.init(configuration: parts.configuration, scaler: parts.scaler, network: parts.network)
  }
}
