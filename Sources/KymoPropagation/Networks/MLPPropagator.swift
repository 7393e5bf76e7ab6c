// Forecasts by a feed-forward network without memory, the paper's simplest propagator: latents are
// scaled, pass through dense layers, and are scaled back.
//
// Letters: B trajectories, T coarse steps, L latents.
public import Foundation
public import KymoData
public import KymoNN
public import KymoNumerics
public import KymoTensor

/// Advances latents by a feed-forward network; every step sees the present latents only.
///
/// Computes in single precision, on any device; latents are host arrays.
public final class MLPPropagator: Propagator {
  /// Nothing is remembered.
  public struct Memory: Hashable, Sendable {}

  /// The architecture.
  public let configuration: MLPConfiguration
  /// From latents to the network's numbers.
  public let scaler: ChannelScaler
  /// The weights.
  public let network: DenseStack

  /// Creates a propagator from a trained network.
  public init(configuration: MLPConfiguration, scaler: ChannelScaler, network: DenseStack) {
    precondition(
      network.inputCount == scaler.offset.count && network.outputCount == network.inputCount,
      "MLPPropagator: a network from \(network.inputCount) to \(network.outputCount)")
    (self.configuration, self.scaler, self.network) = (configuration, scaler, network)
  }

  /// Number of latents, L.
  public var latentCount: Int { network.inputCount }

  /// Nothing.
  public func initialMemory(batchCount: Int) -> Memory { Memory() }

  /// The latents one coarse step later, `[B, L]`.
  ///
  /// - Throws: `ModelDataError` for latents that do not fit the network.
  public func step(
    _ latents: HostArray<Double>, memory: inout Memory
  ) throws -> HostArray<Double> {
    try requireShape(latents, [nil, latentCount], "a step of the propagator")
    return map(latents)
  }

  /// The prediction after each of known latents, `[B, T, L]`, all at once.
  ///
  /// - Throws: `ModelDataError` for latents that do not fit the network.
  public func oneStepPredictions(
    _ latents: HostArray<Double>, memory: inout Memory
  ) throws -> HostArray<Double> {
    try requireShape(latents, [nil, nil, latentCount], "teacher forcing")
    return map(latents)
  }

  /// Feeds each prediction back.
  ///
  /// - Throws: `ModelDataError` for latents that do not fit the network.
  public func rollout(
    from start: HostArray<Double>, stepCount: Int, memory: inout Memory
  ) throws -> HostArray<Double> {
    try requireShape(start, [nil, latentCount], "a rollout")
    let batch = start.shape[0]
    var result = HostArray(repeating: 0.0, shape: [batch, stepCount, latentCount])
    var current = scaler.scaled(start.elements)
    for step in 0..<stepCount {
      current = network.apply(current, count: batch)
      result.setFrame(step, to: HostArray(scaler.unscaled(current), shape: start.shape))
    }
    return result
  }

  private func map(_ latents: HostArray<Double>) -> HostArray<Double> {
    let count = latents.count / latentCount
    let next = network.apply(scaler.scaled(latents.elements), count: count)
    return HostArray(scaler.unscaled(next), shape: latents.shape)
  }
}

// MARK: - On disk

extension MLPPropagator {
  private static let folder = NetworkFolder<MLPConfiguration>("kymo MLP propagator")

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
      return DenseStack(configuration, latentCount: latents, seed: 0, device: device)
    }
    self.init(configuration: parts.configuration, scaler: parts.scaler, network: parts.network)
  }
}

extension DenseStack {
  /// A network of this architecture with random weights.
  package convenience init(
    _ configuration: MLPConfiguration, latentCount: Int, seed: UInt64, device: Device = .cpu,
    path: ComputePath? = nil
  ) {
    var stream = RandomStream(seed: seed, purpose: .weights)
    let hidden = [Int](repeating: configuration.unitCount, count: configuration.layerCount)
    self.init(
      widths: [latentCount] + hidden + [latentCount], activation: configuration.activation,
      lastActivation: configuration.scaling.outputActivation, skips: false, using: &stream,
      device: device, path: path)
  }
}
