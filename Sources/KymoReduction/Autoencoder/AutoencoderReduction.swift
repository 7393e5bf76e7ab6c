// Reductions by neural networks: feed-forward, convolutional and variational autoencoders behind
// one type, between fields in physical units and latents.
//
// Letters: B states, C channels, X space, L latents.
public import Foundation
public import KymoData
public import KymoNN
public import KymoNumerics
public import KymoTensor

/// An autoencoder with the scaler of its fields.
///
/// The latents of a variational autoencoder are the means of its distribution. Latents of the
/// paper's networks have passed the activation function and are above −1. With a restriction that
/// is fitted to the lifting, latents are those whose fields are nearest.
public final class AutoencoderReduction: Restriction, DeterministicLifting, Observing {
  /// The architecture.
  public let configuration: AutoencoderConfiguration
  /// The map of every channel onto the network's range, fitted on training data.
  public let scaler: ChannelScaler
  /// The trainable part; whoever trains it changes it in place.
  package let network: any LatentNetwork
  /// How latents are improved after the encoder; nil for its own.
  package private(set) var projection: LatentProjection?

  /// From latents to what is observed; nil for nothing.
  private(set) var head: ObservableHead?

  /// Shape of one state, `[C, X…]`.
  public var stateShape: [Int] { network.stateShape }
  /// Number of latents, L.
  public var latentCount: Int { network.latentCount }

  /// States that are worked on together: enough for all lanes and threads, few enough that the maps
  /// between them stay in the cache.
  private let block: Int

  /// Creates a reduction with an untrained network; the same seed gives the same weights.
  ///
  /// - Parameters:
  ///   - configuration: The architecture.
  ///   - stateShape: Shape of one state, `[C, X…]`.
  ///   - scaler: The map of every channel onto the network's range.
  ///   - seed: Seed of the weights.
  ///   - device: Where to compute.
  ///   - path: How to compute; what device and precision allow when not given.
  /// - Throws: ``ConfigurationError`` for settings that cannot work or do not fit the fields.
  public init(
    _ configuration: AutoencoderConfiguration, stateShape: [Int], scaler: ChannelScaler,
    seed: UInt64, device: Device = .cpu, path: ComputePath? = nil
  ) throws(ConfigurationError) {
    try configuration.validate()
    try require(
      stateShape.count >= 2 && !stateShape.contains(0), "data", found: "states of \(stateShape)",
      allowed: "states [channel, space…] with entries", remedy: "Give at least one channel.")
    var random = RandomStream(seed: seed, purpose: .weights)
    let path =
      path ?? ComputePath(device: device, dtype: configuration.precision.scalarType)
    let plain: any LatentNetwork =
      switch configuration {
      case .feedForward(let settings):
        FeedForwardNetwork(
          settings, stateShape: stateShape, using: &random, device: device, path: path)
      case .convolutional(let settings):
        try ConvolutionalNetwork(
          settings, stateShape: stateShape, using: &random, device: device, path: path)
      }
    network =
      configuration.isVariational ? VariationalNetwork(plain, using: &random) : plain
    (self.configuration, self.scaler) = (configuration, scaler)
    block = max(1, min(256, 262_144 / stateShape.reduce(1, *)))
  }

  /// How many numbers are trained.
  public var parameterCount: Int { network.parameterCount }

  /// The latents of fields in physical units, `[B, C, X…]` to `[B, L]`.
  ///
  /// Results of few and of many states may differ by rounding, because sums are ordered
  /// differently.
  ///
  /// - Throws: ``ModelDataError`` when the states have another shape.
  public func encode(_ states: HostArray<Float>) throws -> HostArray<Double> {
    try requireShape(states, [nil] + stateShape, "encoding by an autoencoder")
    let latents = encoded(states)
    return projection?.improve(latents, for: HostArray<Double>(states)) {
      HostArray(fields(of: $0), shape: [$0.shape[0]] + stateShape)
    } ?? latents
  }

  /// From now on, latents are those whose fields are nearest to the states.
  ///
  /// - Parameter frames: What says how wide each latent spreads.
  /// - Throws: ``ModelDataError`` when the states have another shape.
  public func projectLatents(fittedTo frames: FrameSet) throws {
    projection = nil
    projection = LatentProjection(
      channelScale: scaler.scale,
      latentSpread: ChannelScaler(.standard, fitting: try encode(frames)).scale)
  }

  /// The encoder's latents of states whose shape fits.
  private func encoded(_ states: HostArray<Float>) -> HostArray<Double> {
    let count = states.shape[0]
    let latents =
      network.dtype == .float64
      ? inDouble(scaler.scale(HostArray<Double>(states)), network.encode)
      : inBlocks(count, network.encode(host:count:)) { scaled(states, $0) }.map { Double($0) }
    return HostArray(latents, shape: [count, latentCount])
  }

  /// The fields of latents in physical units, `[B, L]` to `[B, C, X…]`.
  ///
  /// - Throws: ``ModelDataError`` when the latents have another shape.
  public func decode(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    try requireShape(latents, [nil, latentCount], "decoding by an autoencoder")
    return HostArray(fields(of: latents), shape: [latents.shape[0]] + stateShape)
  }

  private func fields<Number: BinaryFloatingPoint & Sendable>(
    of latents: HostArray<Double>
  ) -> [Number] {
    let count = latents.shape[0]
    guard network.dtype == .float64 else {
      return inUnits(count) { range in
        network.decode(
          host: latents.elements[range.lowerBound * latentCount..<range.upperBound * latentCount]
            .map { Float($0) }, count: range.count)
      }
    }
    let scaled = HostArray(inDouble(latents, network.decode), shape: [count] + stateShape)
    return scaler.unscale(scaled).elements.map { Number($0) }
  }

  // MARK: - Observables

  /// What is observed.
  public var observableNames: [String] { head?.description.names ?? [] }

  /// The observables of latents, `[B, L]` to `[B, K]`.
  ///
  /// - Throws: ``ModelDataError`` when the latents have another shape.
  public func observe(_ latents: HostArray<Double>) throws -> HostArray<Double> {
    try requireShape(latents, [nil, latentCount], "observables of latents")
    return head?.values(of: latents) ?? HostArray([], shape: [latents.shape[0], 0])
  }

  /// Adds an untrained network of observables.
  func addHead(_ description: ObservableHead.Description, seed: UInt64) {
    var random = RandomStream(seed: seed, purpose: .weights, index: 1)
    head = ObservableHead(
      description, latentCount: latentCount, using: &random, dtype: network.dtype,
      device: network.device)
  }

  /// Weights and buffers of all networks.
  private var state: [NamedTensor] { network.state + (head?.namedParameters() ?? []) }

  // MARK: - Between the host and the network

  private func inBlocks(
    _ count: Int, _ map: ([Float], Int) -> [Float], _ part: (Range<Int>) -> [Float]
  ) -> [Float] {
    network.isTraining = false
    if count == 0 { return [] }
    if count <= block { return map(part(0..<count), count) }
    return stride(from: 0, to: count, by: block).flatMap { first in
      let range = first..<min(first + block, count)
      return map(part(range), range.count)
    }
  }

  private func inDouble(
    _ array: HostArray<Double>, _ map: (Tensor) -> Tensor
  ) -> [Double] {
    network.isTraining = false
    let count = array.shape[0]
    let width = array.shape.dropFirst().reduce(1, *)
    return withoutGradients {
      stride(from: 0, to: count, by: block).flatMap { first in
        let range = first..<min(first + block, count)
        let part = Array(array.elements[range.lowerBound * width..<range.upperBound * width])
        let input = Tensor(doubles: part, shape: [range.count] + array.shape.dropFirst())
        return map(input.to(network.device)).doubles
      }
    }
  }

  /// Scaled entries of some states; channel by channel, because this runs in every step of a
  /// forecast.
  private func scaled(_ states: HostArray<Float>, _ range: Range<Int>) -> [Float] {
    let (channels, cells) = (stateShape[0], stateShape.dropFirst().reduce(1, *))
    let first = range.lowerBound * channels * cells
    return unsafe [Float](unsafeUninitializedCapacity: range.count * channels * cells) {
      target, initialized in
      unsafe states.elements.withUnsafeBufferPointer { source in
        for row in 0..<range.count * channels {
          let (offset, scale) = (scaler.offset[row % channels], 1 / scaler.scale[row % channels])
          // In bounds: `states` has the shape of `count` states, checked by the caller.
          for i in row * cells..<(row + 1) * cells {
            unsafe target[i] = Float((Double(source[first + i]) - offset) * scale)
          }
        }
      }
      initialized = range.count * channels * cells
    }
  }

  /// Fields in physical units from scaled ones that come in blocks, each of which is still in the
  /// cache.
  private func inUnits<Number: BinaryFloatingPoint & Sendable>(
    _ count: Int, _ part: (Range<Int>) -> [Float]
  ) -> [Number] {
    network.isTraining = false
    let (channels, cells) = (stateShape[0], stateShape.dropFirst().reduce(1, *))
    return unsafe [Number](unsafeUninitializedCapacity: count * channels * cells) {
      target, initialized in
      for first in stride(from: 0, to: count, by: block) {
        let fields = part(first..<min(first + block, count))
        unsafe fields.withUnsafeBufferPointer { source in
          for row in 0..<fields.count / cells {
            let (offset, scale) = (scaler.offset[row % channels], scaler.scale[row % channels])
            // In bounds: whole rows of cells.
            for i in row * cells..<(row + 1) * cells {
              unsafe target[initialized + i] = Number(Double(source[i]) * scale + offset)
            }
          }
        }
        initialized += fields.count
      }
    }
  }
}

// MARK: - On disk

extension AutoencoderReduction {
  private static let folder = ModelFolder<Description>(
    "kymo autoencoder", axes: "state, channel, space")

  private struct Description: Codable {
    var configuration: AutoencoderConfiguration
    var stateShape: [Int]
    var scaler: ChannelScaler
    var parameterCount: Int
    var projection: LatentProjection?
    var head: ObservableHead.Description?
  }

  /// Writes the reduction into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    try Self.folder.write(
      Description(
        configuration: configuration, stateShape: stateShape, scaler: scaler,
        parameterCount: parameterCount, projection: projection, head: head?.description),
      state, to: folder)
  }

  /// Reads a reduction from a folder that ``save(to:)`` wrote, onto any device.
  ///
  /// - Throws: `TensorError` that names the file and what is wrong with it, or a device that is not
  ///   here.
  public convenience init(from folder: URL, device: Device = .cpu) throws {
    let (description, contents) = try Self.folder.read(folder, device: device)
    try description.scaler.check(channels: description.stateShape.first ?? 0, in: folder)
    try self.init(
      description.configuration, stateShape: description.stateShape, scaler: description.scaler,
      seed: 0, device: device)
    projection = description.projection
    if let head = description.head { addHead(head, seed: 0) }
    try state.load(contents.tensors, from: contents.path)
  }
}
