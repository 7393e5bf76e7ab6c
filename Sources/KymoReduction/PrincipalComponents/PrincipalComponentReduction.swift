// Principal components: the plane of L dimensions that is nearest to the training states,
//
//   z = Vᵀ (x − x̄),   x̃ = x̄ + V z,
//
// with x the scaled state as one vector, channels first, and V the first right singular vectors of
// the centred training states. Each vector's entry of largest magnitude is positive. With an
// emphasis in space x is multiplied by the roots of the weights, so that weighted errors are the
// least.
//
// Letters: B states, C channels, X (Y) space, D = C·X… components of a state, L latents.
import CKernels
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
  /// Where in space errors count more; absent means that all count alike.
  public var emphasis: SpaceEmphasis?

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
    try emphasis?.validate(at: "\(path).emphasis")
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
  /// Roots of the weights of all components of a state; nil where all are 1.
  private let roots: Tensor?
  /// The mean in physical units.
  private let middle: Tensor
  /// Components times the roots, and divided by them: from scaled states and back.
  private let (lowering, raising): (Tensor, Tensor)

  /// Number of latents, L.
  public var latentCount: Int { configuration.latentCount }

  /// Fits principal components.
  ///
  /// Few states are decomposed as they are. Of more numbers than ``most`` the smaller of two
  /// products is added up, block by block: the covariance of components, D × D, or the products of
  /// states with each other, B × B (the method of snapshots, Sirovich, Quart. Appl. Math. 45, 561
  /// (1987)). Singular values below 10⁻⁷ of the largest are then rounding. After the latter states
  /// are encoded and decoded in single precision, which takes half the time and memory.
  ///
  /// - Parameters:
  ///   - frames: Training states.
  ///   - configuration: At most min(B, D) latents.
  /// - Throws: ``ConfigurationError``, ``ModelDataError`` or `LinearAlgebraError`.
  /// - Complexity: B · D · min(B, D) operations, and the square of min(B, D) numbers of memory
  ///   beside the blocks. The method of snapshots reads the states twice, some numbers of all at a
  ///   time.
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
    let roots = try Self.roots(configuration, frames)
    func rows(_ range: Range<Int>) -> Tensor {
      let states = Tensor(
        doubles: frames.scaledDoubles(range, by: scaler), shape: [range.count, dimension])
      return roots.map { states * $0 } ?? states
    }
    let (singularValues, middle, vt): ([Double], Tensor, Tensor)
    if count * dimension <= most {
      let all = rows(0..<count)
      middle = all.mean(axes: [0])
      let (_, s, vectors) = try (all - middle).singularValues()
      (singularValues, vt) = (s.doubles, vectors)
    } else {
      try require(
        rank <= Self.mostRows, "reduction", found: "principalComponents",
        allowed: "another one for \(count) states of \(dimension) numbers",
        remedy: "Use an autoencoder, or at most \(Self.mostRows) states to fit on.")
      if dimension <= count {
        let length = max(1, most / 4 / dimension)
        let blocks = stride(from: 0, to: count, by: length).map { $0..<min($0 + length, count) }
        let sum =
          blocks.reduce(Tensor.zeros([dimension], dtype: .float64)) {
            $0 + rows($1).sum(axes: [0])
          }
        let centre = sum / Double(count)
        middle = centre
        (singularValues, vt) = try Self.fromCovariance(blocks, dimension: dimension) {
          rows($0) - centre
        }
      } else {
        let length = max(1, most / 4 / count)
        (singularValues, middle, vt) = try Self.fromSnapshots(
          stride(from: 0, to: dimension, by: length).map { $0..<min($0 + length, dimension) },
          keeping: configuration.latentCount
        ) {
          let part = Tensor(
            doubles: frames.scaledDoubles(0..<count, numbers: $0, by: scaler),
            shape: [count, $0.count])
          guard let roots else { return part }
          return part * roots.sliced(axis: 0, from: $0.lowerBound, to: $0.upperBound)
        }
      }
    }
    let vectors = vt.sliced(axis: 0, to: configuration.latentCount)
    let signs = (0..<configuration.latentCount).map { index in
      let row = vectors.selected(axis: 0, index: index).doubles
      return row.max { $0.magnitude < $1.magnitude } ?? 1 < 0 ? -1.0 : 1.0
    }
    // In the order in which a file has it, so that a loaded model adds in the same order.
    let signed = (vectors * Tensor(doubles: signs, shape: [signs.count, 1])).contiguous()
    let dtype: ScalarType = count * dimension > most && dimension > count ? .float32 : .float64
    self.init(
      configuration, stateShape: frames.stateShape, scaler: scaler, singularValues: singularValues,
      mean: middle.cast(to: dtype), components: signed.cast(to: dtype),
      roots: roots?.cast(to: dtype))
  }

  /// Takes over what was fitted.
  private init(
    _ configuration: PrincipalComponentConfiguration, stateShape: [Int], scaler: ChannelScaler,
    singularValues: [Double], mean: Tensor, components: Tensor, roots: Tensor?
  ) {
    (self.configuration, self.stateShape, self.scaler) = (configuration, stateShape, scaler)
    (self.singularValues, self.mean) = (singularValues, mean)
    (self.components, self.roots) = (components, roots)
    func column(_ numbers: [Double]) -> Tensor {
      Tensor(doubles: numbers, shape: [numbers.count, 1]).cast(to: mean.dtype)
    }
    let scaled = (roots.map { mean / $0 } ?? mean).reshaped([stateShape[0], -1])
    middle = (scaled * column(scaler.scale) + column(scaler.offset)).reshaped([mean.count])
    (lowering, raising) =
      roots.map { (components * $0, components / $0) } ?? (components, components)
  }

  /// The first of these components alone, as a fit with so many latents has them.
  public func first(_ count: Int) -> PrincipalComponentReduction {
    precondition(
      (1...latentCount).contains(count), "first: \(count) of \(latentCount) components")
    if count == latentCount { return self }
    var fewer = configuration
    fewer.latentCount = count
    return PrincipalComponentReduction(
      fewer, stateShape: stateShape, scaler: scaler, singularValues: singularValues, mean: mean,
      components: components.sliced(axis: 0, to: count).contiguous(), roots: roots)
  }

  /// Roots of the weights of all components of a state.
  private static func roots(
    _ configuration: PrincipalComponentConfiguration, _ frames: FrameSet
  ) throws(ConfigurationError) -> Tensor? {
    guard let emphasis = configuration.emphasis else { return nil }
    let weights = try emphasis.weights(
      on: frames.recordings.grid, at: "principalComponents.emphasis")
    let all = (0..<frames.recordings.channelCount).flatMap { _ in weights.map { $0.squareRoot() } }
    return Tensor(doubles: all, shape: [all.count])
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

  /// Singular values, the mean and the first vectors from X Xᵀ = U S² Uᵀ: V = Xᵀ U / S, where
  /// `columns` gives some numbers of all states, `[B, part of D]`.
  private static func fromSnapshots(
    _ parts: [Range<Int>], keeping kept: Int, _ columns: (Range<Int>) -> Tensor
  ) throws -> (values: [Double], mean: Tensor, vectors: Tensor) {
    var products: Tensor?
    var means: [Tensor] = []
    func centred(_ part: Int, _ all: Tensor) -> Tensor { all - means[part] }
    for (part, range) in parts.enumerated() {
      let all = columns(range)
      means.append(all.mean(axes: [0]))
      let states = centred(part, all)
      let own = states.matmul(states.transposed(0, 1))
      products = products.map { $0 + own } ?? own
    }
    guard let products else { preconditionFailure("fromSnapshots: no numbers") }
    let (eigenvalues, left) = try products.symmetricEigen()
    let count = eigenvalues.count
    let values = eigenvalues.doubles.reversed().map { max(0, $0).squareRoot() }
    let order = Tensor(integers: (0..<kept).map { count - 1 - $0 }, shape: [kept])
    // A vector of a singular value that is rounding has no direction of its own: it stays zero.
    let scales = values.prefix(kept).map { $0 > 1e-7 * values[0] ? 1 / $0 : 0 }
    let first =
      left.indexSelected(1, order).transposed(0, 1)
      * Tensor(doubles: scales, shape: [kept, 1])
    // In single precision, as they are used, to save half of the memory.
    let vectors = parts.enumerated().map {
      first.matmul(centred($0, columns($1))).cast(to: .float32)
    }
    return (
      values, .concatenated(means, axis: 0), .concatenated(vectors, axis: 1)
    )
  }

  /// The latents of states, `[B, C, X…]` to `[B, L]`.
  public func encode(_ states: HostArray<Float>) throws -> HostArray<Double> {
    try requireShape(states, [nil] + stateShape, "encoding by principal components")
    let (count, size) = (states.shape[0], mean.count)
    var latents = Tensor.zeros([count, latentCount], dtype: .float64)
    for (channel, range) in parts(of: count) {
      let numbers = (0..<count).flatMap {
        states.elements[$0 * size + range.lowerBound..<$0 * size + range.upperBound]
      }
      let part = Tensor(numbers, shape: [count, range.count]).cast(to: mean.dtype)
      let vectors = lowering.sliced(axis: 1, from: range.lowerBound, to: range.upperBound)
      let centred = part - middle.sliced(axis: 0, from: range.lowerBound, to: range.upperBound)
      latents =
        latents
        + centred.matmul(vectors.transposed(0, 1)).cast(to: .float64) / scaler.scale[channel]
    }
    return HostArray(latents.doubles, shape: [count, latentCount])
  }

  /// The field of latents, `[B, L]` to `[B, C, X…]`.
  public func decode(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    try requireShape(latents, [nil, latentCount], "decoding by principal components")
    let fields = mean.dtype == .float32 ? fields(of: latents) : plainFields(of: latents)
    return HostArray(fields, shape: [latents.shape[0]] + stateShape)
  }

  /// Fields of large meshes: the sums of a part of all states stay in the cache.
  ///
  /// - Complexity: 2 B · D · L operations; fields are written once, vectors are read once for all
  ///   states.
  private func fields(of latents: HostArray<Double>) -> [Float] {
    let (count, size) = (latents.shape[0], mean.count)
    let weights = scaler.scale.map { scale in latents.elements.map { Float($0 * scale) } }
    return unsafe [Float](unsafeUninitializedCapacity: count * size) { target, initialized in
      guard count > 0, let fields = target.baseAddress else { return }
      unsafe kk_wish_large_pages(fields, count * size * MemoryLayout<Float>.stride)
      unsafe Tensor.withUnsafeMutablePointers(to: [middle, raising], of: Float.self) { at in
        let parts = parts(of: count)
        torchParallelFor(parts.count) { part in
          let (channel, range) = parts[part]
          // In bounds: columns of `count` states and of `latentCount` vectors of `size` numbers.
          unsafe kk_components_expand(
            Int32(count), Int32(latentCount), weights[channel], at[0], at[1], size,
            range.lowerBound, range.upperBound, fields, size)
        }
      }
      initialized = count * size
    }
  }

  /// Fields by tensor operations, in the precision of the vectors.
  func plainFields(of latents: HostArray<Double>) -> [Float] {
    let given = Tensor(doubles: latents.elements, shape: latents.shape).cast(to: mean.dtype)
    let cells = mean.count / stateShape[0]
    let channels = scaler.scale.enumerated().map { channel, scale in
      (given * scale).matmul(
        raising.sliced(axis: 1, from: channel * cells, to: (channel + 1) * cells))
    }
    return (.concatenated(channels, axis: 1) + middle).floats
  }

  /// Numbers of a state that are worked on together, each time of one channel: 1 MB of so many
  /// states and few vectors stay in the cache.
  private func parts(of count: Int) -> [(channel: Int, range: Range<Int>)] {
    let cells = mean.count / stateShape[0]
    let width = max(1024, 262_144 / max(1, count))
    return (0..<stateShape[0]).flatMap { channel in
      stride(from: channel * cells, to: (channel + 1) * cells, by: width).map {
        (channel, $0..<min($0 + width, (channel + 1) * cells))
      }
    }
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
      [("mean", mean), ("components", components)] + (roots.map { [("roots", $0)] } ?? []),
      to: folder)
  }

  /// Reads a reduction from a folder that ``save(to:)`` wrote.
  ///
  /// - Throws: `TensorError` that names the file and what is wrong with it.
  public init(from folder: URL, device: Device = .cpu) throws {
    let (description, tensors) = try Self.folder.read(folder, device: device)
    try description.scaler.check(channels: description.stateShape.first ?? 0, in: folder)
    let dimension = description.stateShape.reduce(1, *)
    let configuration = description.configuration
    self.init(
      configuration, stateShape: description.stateShape, scaler: description.scaler,
      singularValues: description.singularValues,
      mean: try tensors.require("mean", shape: [dimension]),
      components: try tensors.require("components", shape: [configuration.latentCount, dimension]),
      roots: configuration.emphasis == nil
        ? nil : try tensors.require("roots", shape: [dimension]))
  }
}
