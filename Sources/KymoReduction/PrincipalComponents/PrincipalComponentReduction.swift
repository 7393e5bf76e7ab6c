// Principal components: the plane of L dimensions that is nearest to the training states,
//
//   z = Vᵀ (x − x̄),   x̃ = x̄ + V z,
//
// with x the scaled state as one vector, channels first, and V the first right singular vectors of
// the centred training states. Each vector's entry of largest magnitude is positive.
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
      latentCount, .atLeast(1), "\(path).latentCount",
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
  /// Few states are decomposed as they are. Of more numbers than ``most`` the smaller of two products
  /// is added up, block by block: the covariance of components, D × D, or the products of states with
  /// each other, B × B (the method of snapshots, Sirovich, Quart. Appl. Math. 45, 561 (1987)). Singular
  /// values below 10⁻⁷ of the largest are then rounding.
  ///
  /// - Parameters:
  ///   - frames: Training states.
  ///   - configuration: At most min(B, D) latents.
  /// - Throws: ``ConfigurationError``, ``ModelDataError`` or `LinearAlgebraError`.
  /// - Complexity: B · D · min(B, D) operations, and the square of min(B, D) numbers of memory beside
  ///   the blocks. The method of snapshots reads the states B / blockRows times.
  public init(
    fitting frames: FrameSet, configuration: PrincipalComponentConfiguration
  ) throws {
    try self.init(fitting: frames, configuration: configuration, most: Self.most)
  }

  /// Numbers of states that are decomposed as they are: 128 MB in double precision.
  static let most = 16_000_000
  /// Rows of a product of components or of states for which there is room: half a gigabyte.
  private static let mostRows = 8192

  init(
    fitting frames: FrameSet, configuration: PrincipalComponentConfiguration, most: Int
  ) throws {
    try configuration.validate()
    try requireStates(frames, "fitting principal components")
    let (count, dimension) = (frames.count, frames.stateSize)
    let rank = min(count, dimension)
    try require(
      configuration.latentCount <= rank, "principalComponents.latentCount",
      found: configuration.latentCount,
      allowed: "at most \(rank) for \(count) states of \(dimension) numbers",
      remedy: "Take fewer latents or more states.")
    let scaler = ChannelScaler(configuration.scaling, fitting: frames)
    func rows(_ range: Range<Int>) -> Tensor {
      Tensor(
        doubles: frames.scaledDoubles(range, by: scaler), shape: [range.count, dimension])
    }
    let vt: Tensor
    if count * dimension <= most {
      let all = rows(0..<count)
      mean = all.mean(axes: [0])
      let (_, s, vectors) = try (all - mean).singularValues()
      (singularValues, vt) = (s.doubles, vectors)
    } else {
      try require(
        rank <= Self.mostRows, "reduction", found: "principalComponents",
        allowed: "another one for \(count) states of \(dimension) numbers",
        remedy: "Use an autoencoder, or at most \(Self.mostRows) states to fit on.")
      let length = max(1, most / 4 / dimension)
      let blocks = stride(from: 0, to: count, by: length).map { $0..<min($0 + length, count) }
      let middle =
        blocks.reduce(Tensor.zeros([dimension], dtype: .float64)) {
          $0 + rows($1).sum(axes: [0])
        } / Double(count)
      func centred(_ range: Range<Int>) -> Tensor { rows(range) - middle }
      mean = middle
      (singularValues, vt) =
        dimension <= count
        ? try Self.fromCovariance(blocks, dimension: dimension, centred)
        : try Self.fromSnapshots(blocks, keeping: configuration.latentCount, centred)
    }
    let vectors = vt.sliced(axis: 0, to: configuration.latentCount)
    let signs = (0..<configuration.latentCount).map { index in
      let row = vectors.selected(axis: 0, index: index).doubles
      return row.max { $0.magnitude < $1.magnitude } ?? 1 < 0 ? -1.0 : 1.0
    }
    // In the order in which a file has it, so that a loaded model adds in the same order.
    components = (vectors * Tensor(doubles: signs, shape: [signs.count, 1])).contiguous()
    self.configuration = configuration
    self.scaler = scaler
    stateShape = frames.stateShape
  }

  /// Singular values and vectors from XᵀX.
  private static func fromCovariance(
    _ blocks: [Range<Int>], dimension: Int, _ centred: (Range<Int>) -> Tensor
  ) throws -> (values: [Double], vectors: Tensor) {
    let covariance = blocks.reduce(Tensor.zeros([dimension, dimension], dtype: .float64)) {
      let states = centred($1)
      return $0 + states.transposed(0, 1).matmul(states)
    }
    // Eigenvalues rise; the largest come first here.
    let (values, vectors) = try covariance.symmetricEigen()
    let order = Tensor(integers: (0..<dimension).map { dimension - 1 - $0 }, shape: [dimension])
    return (
      values.doubles.reversed().map { max(0, $0).squareRoot() },
      vectors.transposed(0, 1).indexSelected(0, order)
    )
  }

  /// Singular values and the first vectors from X Xᵀ = U S² Uᵀ: V = Xᵀ U / S.
  private static func fromSnapshots(
    _ blocks: [Range<Int>], keeping kept: Int, _ centred: (Range<Int>) -> Tensor
  ) throws -> (values: [Double], vectors: Tensor) {
    let products = Tensor.concatenated(
      blocks.map { block in
        let states = centred(block)
        return Tensor.concatenated(
          blocks.map { states.matmul(centred($0).transposed(0, 1)) }, axis: 1)
      }, axis: 0)
    let (eigenvalues, left) = try products.symmetricEigen()
    let count = eigenvalues.count
    let values = eigenvalues.doubles.reversed().map { max(0, $0).squareRoot() }
    let order = Tensor(integers: (0..<kept).map { count - 1 - $0 }, shape: [kept])
    let first = left.indexSelected(1, order).transposed(0, 1)
    var vectors = first.sliced(axis: 1, from: blocks[0].lowerBound, to: blocks[0].upperBound)
      .matmul(centred(blocks[0]))
    for block in blocks.dropFirst() {
      vectors =
        vectors
        + first.sliced(axis: 1, from: block.lowerBound, to: block.upperBound).matmul(centred(block))
    }
    // A vector of a singular value that is rounding has no direction of its own: it stays zero.
    let scales = values.prefix(kept).map { $0 > 1e-7 * values[0] ? 1 / $0 : 0 }
    return (values, vectors * Tensor(doubles: scales, shape: [kept, 1]))
  }

  /// The latents of states, `[B, C, X…]` to `[B, L]`.
  public func encode(_ states: HostArray<Float>) throws -> HostArray<Double> {
    try requireShape(states, [nil] + stateShape, "encoding by principal components")
    let scaled = scaler.scale(HostArray<Double>(states))
    let rows = Tensor(doubles: scaled.elements, shape: [states.shape[0], mean.count])
    let latents = (rows - mean).matmul(components.transposed(0, 1))
    return HostArray(latents.doubles, shape: [states.shape[0], latentCount])
  }

  /// The field of latents, `[B, L]` to `[B, C, X…]`.
  public func decode(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    try requireShape(latents, [nil, latentCount], "decoding by principal components")
    let rows = Tensor(doubles: latents.elements, shape: latents.shape).matmul(components) + mean
    let scaled = HostArray(rows.doubles, shape: [latents.shape[0]] + stateShape)
    return HostArray<Float>(scaler.unscale(scaled))
  }
}

/// Throws unless there are at least two states, all finite.
func requireStates(_ frames: FrameSet, _ operation: String) throws(ModelDataError) {
  guard frames.count >= 2 else {
    throw ModelDataError(
      operation, found: "\(frames.count) states", allowed: "at least two",
      remedy: "Give the frames of all training series.")
  }
  try frames.requireFinite(operation)
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
    try description.scaler.check(channels: description.stateShape.first ?? 0, in: folder)
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
