// Forecasts by a trained LSTM or GRU: latents are scaled, advanced and scaled back. On the
// processor the fused kernel does it, and no tensor operation takes part.
//
// Letters: B trajectories, T coarse steps, L latents.
public import Foundation
public import KymoData
public import KymoNN
public import KymoNumerics
public import KymoTensor

/// What a recurrent propagator remembers between steps: the hidden states of its units.
public struct RecurrentMemory: Hashable, Sendable {
  /// `[B, layers, 1 or 2, units]`: h, and for LSTM m, of every layer.
  public var states: [Float]
  /// Number of trajectories, B.
  public let batchCount: Int
}

/// Advances latents by a recurrent network (LSTM or GRU) with a linear output layer.
///
/// Computes in single precision, on any device; latents and memory are host arrays. On the
/// processor trajectories are shared by libtorch's threads.
public final class RecurrentPropagator: Propagator {
  /// The architecture.
  public let configuration: RecurrentConfiguration
  /// From latents to the network's numbers.
  public let scaler: ChannelScaler
  /// The weights.
  public let network: RecurrentNetwork
  /// The weights, packed for the fused kernel; nil where tensor operations compute.
  private let kernel: RecurrentKernel?

  /// Creates a propagator from a trained network, whose weights must stay as they are.
  public init(
    configuration: RecurrentConfiguration, scaler: ChannelScaler, network: RecurrentNetwork
  ) {
    precondition(
      scaler.offset.count == network.latentCount,
      "RecurrentPropagator: a scaler of \(scaler.offset.count) for \(network.latentCount) latents")
    (self.configuration, self.scaler, self.network) = (configuration, scaler, network)
    kernel = network.path == .fused ? RecurrentKernel(network) : nil
  }

  /// Number of latents, L.
  public var latentCount: Int { network.latentCount }

  /// Zeros.
  public func initialMemory(batchCount: Int) -> RecurrentMemory {
    let count = network.stack.stateShape.reduce(batchCount, *)
    return RecurrentMemory(states: [Float](repeating: 0, count: count), batchCount: batchCount)
  }

  /// The latents one coarse step later, `[B, L]`.
  ///
  /// - Throws: `ModelDataError` for latents that do not fit the network or the memory.
  public func step(
    _ latents: HostArray<Double>, memory: inout RecurrentMemory
  ) throws -> HostArray<Double> {
    try requireShape(latents, [memory.batchCount, latentCount], "a step of the propagator")
    return run(latents, known: 1, stepCount: 1, &memory).reshaped(latents.shape)
  }

  /// The prediction after each of known latents, `[B, T, L]`: teacher forcing.
  ///
  /// - Throws: `ModelDataError` for latents that do not fit the network or the memory.
  public func oneStepPredictions(
    _ latents: HostArray<Double>, memory: inout RecurrentMemory
  ) throws -> HostArray<Double> {
    try requireShape(latents, [memory.batchCount, nil, latentCount], "teacher forcing")
    return run(latents, known: latents.shape[1], stepCount: latents.shape[1], &memory)
  }

  /// Feeds each prediction back, all steps in one call.
  ///
  /// - Throws: `ModelDataError` for latents that do not fit the network or the memory.
  public func rollout(
    from start: HostArray<Double>, stepCount: Int, memory: inout RecurrentMemory
  ) throws -> HostArray<Double> {
    try requireShape(start, [memory.batchCount, latentCount], "a rollout")
    return run(start, known: stepCount > 0 ? 1 : 0, stepCount: stepCount, &memory)
  }

  private func run(
    _ latents: HostArray<Double>, known: Int, stepCount: Int, _ memory: inout RecurrentMemory
  ) -> HostArray<Double> {
    let inputs = HostArray(
      known == 0 ? [] : scaler.scaled(latents.elements),
      shape: [memory.batchCount, known, latentCount])
    let results =
      kernel?.run(inputs, stepCount: stepCount, states: &memory.states)
      ?? predictions(inputs, stepCount: stepCount, &memory)
    return HostArray(scaler.unscaled(results.elements), shape: results.shape)
  }

  /// What the kernel's `run` gives, by tensor operations on the network's device.
  private func predictions(
    _ inputs: HostArray<Float>, stepCount: Int, _ memory: inout RecurrentMemory
  ) -> HostArray<Float> {
    guard stepCount > 0 else {
      return HostArray([], shape: [memory.batchCount, 0, latentCount])
    }
    return withoutGradients {
      var state = network.initialState(batchCount: memory.batchCount)
      state.copy(from: memory.states)
      let found = network.predictions(
        Tensor(inputs, device: state.device).cast(to: state.dtype), state: &state,
        stepCount: stepCount)
      memory.states = state.floats
      return found.hostArray
    }
  }
}

extension ChannelScaler {
  /// Latents, last axis L, as the network's numbers.
  func scaled(_ latents: [Double]) -> [Float] {
    let count = offset.count
    return unsafe [Float](unsafeUninitializedCapacity: latents.count) { result, initialized in
      var channel = 0
      for index in latents.indices {
        unsafe result[index] = Float((latents[index] - offset[channel]) / scale[channel])
        channel = channel + 1 == count ? 0 : channel + 1
      }
      initialized = latents.count
    }
  }

  /// The inverse of ``scaled(_:)``.
  func unscaled(_ numbers: [Float]) -> [Double] {
    let count = offset.count
    return unsafe [Double](unsafeUninitializedCapacity: numbers.count) { result, initialized in
      var channel = 0
      for index in numbers.indices {
        unsafe result[index] = Double(numbers[index]) * scale[channel] + offset[channel]
        channel = channel + 1 == count ? 0 : channel + 1
      }
      initialized = numbers.count
    }
  }
}

// MARK: - On disk

extension RecurrentPropagator {
  private static let folder = NetworkFolder<RecurrentConfiguration>("kymo recurrent propagator")

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
      return RecurrentNetwork(configuration, latentCount: latents, seed: 0, device: device)
    }
    self.init(configuration: parts.configuration, scaler: parts.scaler, network: parts.network)
  }
}

extension RecurrentNetwork {
  /// A network of this architecture with random weights.
  package init(
    _ configuration: RecurrentConfiguration, latentCount: Int, seed: UInt64,
    device: Device = .cpu, path: ComputePath? = nil
  ) {
    var stream = RandomStream(seed: seed, purpose: .weights)
    self.init(
      configuration.cell, latentCount: latentCount, unitCount: configuration.unitCount,
      layerCount: configuration.layerCount,
      outputKind: configuration.outputKind, using: &stream, device: device, path: path)
  }
}
