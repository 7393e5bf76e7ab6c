// Principal components: the plane of L dimensions that is nearest to the training states,
//
//   z = Vᵀ (x − x̄),   x̃ = x̄ + V z,
//
// with x the scaled state as one vector, channels first, and V the first right singular vectors of the
// centred training states. Each vector's entry of largest magnitude is positive.
//
// Letters: B states, C channels, X (Y) space, D = C·X… components of a state, L latents.
public import Foundation
public import KymoData
public import KymoNumerics
public import KymoTensor

/// The settings of principal components.
public struct PrincipalComponentConfiguration: Settings {
  /// Number of latents, L; at least 1.
  public var latentCount = 8
  /// How channels are scaled before the fit, with numbers of the training states.
  public var scaling = ChannelScaler.Kind.minMaxZeroOne

  /// Creates the default settings.
  public init() {}

  /// Creates settings with so many latents.
  public init(latentCount: Int, scaling: ChannelScaler.Kind = .minMaxZeroOne) {
    (self.latentCount, self.scaling) = (latentCount, scaling)
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "principalComponents") throws(ConfigurationError) {
    try require(
      latentCount >= 1, "\(path).latentCount", found: latentCount, allowed: "at least 1",
      remedy: "Choose where the reconstruction error levels off.")
  }
}

/// Principal components of states and the map back, computed on the processor.
///
/// Latents and fields are host arrays, so a propagator on another device goes well with it.
public struct PrincipalComponentReduction: Restriction, DeterministicLifting {
  /// The settings of the fit.
  public let configuration: PrincipalComponentConfiguration
  /// Shape of one state, `[C, X…]`.
  public let stateShape: [Int]
  /// Physical states to scaled ones and back.
  public let scaler: ChannelScaler
  /// All singular values of the centred, scaled training states, in falling order.
  ///
  /// The squares of those from L on add up to the squared error of the training states, in scaled
  /// units.
  public let singularValues: [Double]
  private let mean: Tensor
  private let components: Tensor

  /// Number of latents, L.
  public var latentCount: Int { configuration.latentCount }

  /// Fits principal components.
  ///
  /// - Parameters:
  ///   - states: Training states in physical units, `[B, C, X…]`.
  ///   - configuration: At most min(B, D) latents.
  /// - Throws: ``ConfigurationError``, ``ModelDataError`` or `LinearAlgebraError`.
  /// - Complexity: One singular value decomposition, B · D · min(B, D) operations.
  public init(
    fitting states: HostArray<Double>, configuration: PrincipalComponentConfiguration
  ) throws {
    try configuration.validate()
    try requireStates(states, "fitting principal components")
    let dimension = states.shape.dropFirst().reduce(1, *)
    let most = min(states.shape[0], dimension)
    try require(
      configuration.latentCount <= most, "principalComponents.latentCount",
      found: configuration.latentCount,
      allowed: "at most \(most) for \(states.shape[0]) states of \(dimension) numbers",
      remedy: "Take fewer latents or more states.")
    scaler = ChannelScaler(configuration.scaling, fitting: states)
    let rows = Tensor(
      doubles: scaler.scale(states).elements, shape: [states.shape[0], dimension])
    mean = rows.mean(axes: [0])
    let (_, s, vt) = try (rows - mean).singularValues()
    singularValues = s.doubles
    let vectors = vt.sliced(axis: 0, to: configuration.latentCount)
    let signs = (0..<configuration.latentCount).map { index in
      let row = vectors.selected(axis: 0, index: index).doubles
      return row.max { $0.magnitude < $1.magnitude } ?? 1 < 0 ? -1.0 : 1.0
    }
    // In the order in which a file has it, so that a loaded model adds in the same order.
    components = (vectors * Tensor(doubles: signs, shape: [signs.count, 1])).contiguous()
    self.configuration = configuration
    stateShape = Array(states.shape.dropFirst())
  }

  /// The latents of states, `[B, C, X…]` to `[B, L]`.
  public func encode(_ states: HostArray<Double>) throws -> HostArray<Double> {
    try requireShape(states, [nil] + stateShape, "encoding by principal components")
    let rows = Tensor(doubles: scaler.scale(states).elements, shape: [states.shape[0], mean.count])
    let latents = (rows - mean).matmul(components.transposed(0, 1))
    return HostArray(latents.doubles, shape: [states.shape[0], latentCount])
  }

  /// The field of latents, `[B, L]` to `[B, C, X…]`.
  public func decode(_ latents: HostArray<Double>) throws -> HostArray<Double> {
    try requireShape(latents, [nil, latentCount], "decoding by principal components")
    let rows = Tensor(doubles: latents.elements, shape: latents.shape).matmul(components) + mean
    return scaler.unscale(HostArray(rows.doubles, shape: [latents.shape[0]] + stateShape))
  }
}

/// Throws unless these are states `[B, C, X…]`, at least two, all finite.
func requireStates(_ states: HostArray<Double>, _ operation: String) throws(ModelDataError) {
  guard states.rank >= 2, states.shape[0] >= 2, !states.shape.contains(0) else {
    throw ModelDataError(
      operation, found: "of shape \(states.shape)",
      allowed: "states [state, channel, space…], at least two",
      remedy: "Put the frames of all training series on the first axis.")
  }
  try requireFinite(states, operation)
}

// MARK: - On disk

extension PrincipalComponentReduction {
  private static let folder = ModelFolder<Description>(
    "kymo principal components", axes: "state, channel, space", needsProcessor: true)

  private struct Description: Codable {
    var configuration: PrincipalComponentConfiguration
    var stateShape: [Int]
    var scaler: ChannelScaler
    var singularValues: [Double]
  }

  /// Writes the reduction into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    try Self.folder.write(
      Description(
        configuration: configuration, stateShape: stateShape, scaler: scaler,
        singularValues: singularValues),
      [("mean", mean), ("components", components)], to: folder)
  }

  /// Reads a reduction from a folder that ``save(to:)`` wrote.
  ///
  /// - Throws: `TensorError` that names the file and what is wrong with it.
  public init(from folder: URL, device: Device = .cpu) throws {
    let (description, tensors) = try Self.folder.read(folder, device: device)
    let dimension = description.stateShape.reduce(1, *)
    configuration = description.configuration
    stateShape = description.stateShape
    scaler = description.scaler
    singularValues = description.singularValues
    mean = try tensors.require("mean", shape: [dimension])
    components = try tensors.require(
      "components", shape: [description.configuration.latentCount, dimension])
  }
}
