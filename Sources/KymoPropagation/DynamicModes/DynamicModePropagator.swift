// Exact dynamic mode decomposition: the linear map that takes each frame to the next,
//
//   z_{t+1} = A s_t,   s_t = (z_t, z_{t−1}, …, z_{t−d+1}),   A = argmin Σ |z_{t+1} − A s_t|²,
//
// by a singular value decomposition of the states that is cut at a rank (Tu et al., J. Comput.
// Dyn. 1, 391 (2014)). With principal components as the reduction it is the decomposition of the
// fields. Its eigenvalues λ are frequencies |arg λ| / (2π Δt) and growth rates ln |λ| / Δt.
//
// Letters: B trajectories side by side, T coarse steps, L latents, d delays.
public import Foundation
public import KymoData
public import KymoNumerics
public import KymoTensor

/// A linear map of latents to those one coarse step later, computed on the processor.
public struct DynamicModePropagator: Propagator {
  /// The settings of the fit.
  public let configuration: DynamicModeConfiguration
  /// Latents to scaled ones and back.
  public let scaler: ChannelScaler
  /// A, `[L, d L]`, for scaled latents; the present frame first.
  public let map: HostArray<Double>
  /// Number of singular vectors that the map was made of.
  public let rank: Int

  /// Number of latents, L.
  public var latentCount: Int { map.shape[0] }

  /// Fits the map to latent series.
  ///
  /// - Parameters:
  ///   - series: `[T, L]` each, at equal coarse steps.
  ///   - configuration: Settings.
  /// - Throws: ``ConfigurationError``, ``ModelDataError`` or `LinearAlgebraError`.
  /// - Complexity: One singular value decomposition of ΣT × d L numbers.
  public init(
    fitting series: [HostArray<Double>], configuration: DynamicModeConfiguration
  ) throws {
    try configuration.validate()
    try requireSeries(
      series, frames: configuration.fewestFrames, because: "a state and the frame after it",
      "fitting dynamic modes")
    let (latents, delays) = (series[0].shape[1], configuration.delays)
    let scaler = ChannelScaler(configuration.scaling, fitting: stacked(series))
    var (states, targets): ([Double], [Double]) = ([], [])
    for one in series {
      let scaled = scaler.scale(one).elements
      for time in delays..<one.shape[0] {
        for delay in 1...delays {
          states += scaled[(time - delay) * latents..<(time - delay + 1) * latents]
        }
        targets += scaled[time * latents..<(time + 1) * latents]
      }
    }
    let width = latents * delays
    let rows = states.count / width
    let (left, values, right) = try Tensor(doubles: states, shape: [rows, width]).singularValues()
    let singular = values.doubles
    let largest = singular.first ?? 0
    let useful = singular.count { $0 > configuration.tolerance * largest }
    rank = min(useful, configuration.rank ?? useful)
    let inverse = Tensor(doubles: singular.prefix(rank).map { 1 / $0 }, shape: [rank, 1])
    let projected = left.sliced(axis: 1, to: rank).transposed(0, 1)
      .matmul(Tensor(doubles: targets, shape: [rows, latents]))
    let transposed = right.sliced(axis: 0, to: rank).transposed(0, 1).matmul(inverse * projected)
    map = HostArray(
      transposed.transposed(0, 1).contiguous().doubles, shape: [latents, width])
    (self.configuration, self.scaler) = (configuration, scaler)
  }

  /// The last frames of every trajectory; those before the first are as the first.
  public func initialMemory(batchCount: Int) -> DynamicModeMemory {
    DynamicModeMemory(frames: Array(repeating: [], count: batchCount))
  }

  /// The latents one coarse step later, `[B, L]` to `[B, L]`.
  public func step(
    _ latents: HostArray<Double>, memory: inout DynamicModeMemory
  ) throws -> HostArray<Double> {
    let count = latentCount
    try requireShape(latents, [memory.frames.count, count], "a step of dynamic modes")
    let scaled = scaler.scale(latents).elements
    var next = [Double](repeating: 0, count: scaled.count)
    for item in memory.frames.indices {
      let now = Array(scaled[item * count..<(item + 1) * count])
      // Newest first.
      var state = now + memory.frames[item]
      while state.count < map.shape[1] { state += state.suffix(count) }
      state.removeLast(state.count - map.shape[1])
      memory.frames[item] = Array(state.dropLast(count))
      for latent in 0..<count {
        var sum = 0.0
        for (column, value) in state.enumerated() {
          sum += map.elements[latent * state.count + column] * value
        }
        next[item * count + latent] = sum
      }
    }
    return scaler.unscale(HostArray(next, shape: latents.shape))
  }
}

/// What dynamic modes remember: the frames before the present one, newest first, in scaled units.
public struct DynamicModeMemory: Sendable {
  var frames: [[Double]]
}

// MARK: - Modes

extension DynamicModePropagator {
  /// A pair of eigenvalues of the map.
  public struct Mode: Codable, Hashable, Sendable {
    /// Turns in a coarse step; 0 where the mode does not oscillate, at most one half.
    public var frequency: Double
    /// ln |λ| of a coarse step: below 0 the mode decays.
    public var growth: Double
  }

  /// The modes, the least decaying first; one of each conjugate pair.
  ///
  /// - Throws: `LinearAlgebraError`.
  public func modes() throws -> [Mode] {
    // The companion form: A above, the older frames move on below.
    let width = map.shape[1]
    var companion = map.elements
    for row in 0..<width - latentCount {
      companion += (0..<width).map { $0 == row ? 1.0 : 0 }
    }
    let values = try Tensor(doubles: companion, shape: [width, width]).eigenvalues().doubles
    return (0..<width).compactMap { index -> Mode? in
      let (real, imaginary) = (values[2 * index], values[2 * index + 1])
      let size = hypot(real, imaginary)
      guard imaginary >= 0, size > 1e-12 else { return nil }
      return Mode(frequency: atan2(imaginary, real) / (2 * .pi), growth: log(size))
    }.sorted { $0.growth > $1.growth }
  }
}

// MARK: - On disk

extension DynamicModePropagator {
  private static let folder = ModelFolder<Description>(
    "kymo dynamic modes", axes: "trajectory, time, latent", needsProcessor: true)

  private struct Description: Codable {
    var configuration: DynamicModeConfiguration
    var scaler: ChannelScaler
    var rank: Int
    /// For readers; the numbers that count are in model.safetensors.
    var modes: [Mode]
  }

  /// Writes the model into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    try Self.folder.write(
      Description(configuration: configuration, scaler: scaler, rank: rank, modes: modes()),
      [("map", Tensor(doubles: map.elements, shape: map.shape))], to: folder)
  }

  /// Reads a model from a folder that ``save(to:)`` wrote.
  ///
  /// - Throws: `TensorError` that names the file and what is wrong with it.
  public init(from folder: URL, device: Device = .cpu) throws {
    let (description, tensors) = try Self.folder.read(folder, device: device)
    let latents = description.scaler.offset.count
    try description.scaler.check(channels: latents, in: folder)
    let shape = [latents, latents * max(1, description.configuration.delays)]
    map = HostArray(try tensors.require("map", shape: shape).doubles, shape: shape)
    (configuration, scaler) = (description.configuration, description.scaler)
    rank = description.rank
  }
}
