// Diffusion maps: coordinates in which distance is connectedness by short steps along the data
// (Coifman and Lafon 2006; Vlachas et al. 2022). With scaled training states x_i, n of them,
//
//   ε = w · median of all n² distances,   K_ij = exp(−|x_i − x_j|² / ε²),   P = D⁻¹ K,  D = row sums,
//   P ψ_j = λ_j ψ_j,   latent j of x_i:  ψ_j(x_i),   j = 1 … L  (ψ_0 = 1 is left out).
//
// P is similar to the symmetric D^(−½) K D^(−½), whose eigenvectors v give ψ = √(ΣD) D^(−½) v: then
// ψ_0 is 1 and Σ D_i ψ_j(x_i)² / ΣD = 1, whatever n is. The first entry of each ψ_j is positive. A
// new state is restricted by Nyström's formula,
//
//   ψ_j(x) = 1/λ_j Σ_i w_i ψ_j(x_i),   w_i = K(x, x_i) / Σ_i K(x, x_i),
//
// which gives a training state its own latents. The lifting is in the file beside this one.
//
// Letters: B states, C channels, X (Y) space, D = C·X… components of a state, L latents, n training
// states.
import CKernels
public import Foundation
public import KymoData
public import KymoNumerics
public import KymoTensor

/// The settings of diffusion maps.
public struct DiffusionMapConfiguration: Settings {
  /// Number of latents, L; at least 1.
  public var latentCount = 2
  /// Width of the kernel in medians of the distances, w; above 0.
  public var kernelScale = 1.0
  /// Training states that a lifted one is combined of; at least 1.
  public var neighbourCount = 10
  /// Most training states that are kept, spread evenly over all; the cost of the fit grows with
  /// their cube.
  public var maximumStates = 1500
  /// How channels are scaled before the fit, with numbers of the training states.
  public var scaling = ChannelScaler.Kind.minMaxZeroOne

  /// Creates the default settings.
  public init() {}

  /// Creates settings with so many latents.
  public init(latentCount: Int, kernelScale: Double = 1) {
    (self.latentCount, self.kernelScale) = (latentCount, kernelScale)
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "diffusionMaps") throws(ConfigurationError) {
    try require(latentCount, .atLeast(1), "\(path).latentCount", remedy: "A closed curve needs 2.")
    try require(
      kernelScale, .above(0), "\(path).kernelScale",
      remedy: "1 makes the kernel as wide as the median distance.")
    try require(neighbourCount, .atLeast(1), "\(path).neighbourCount", remedy: "10 is usual.")
    try require(
      maximumStates, .atLeast(2), "\(path).maximumStates",
      remedy: "1500 take seconds, 5000 minutes.")
  }
}

/// Diffusion coordinates of states, and convex combinations of training states on the way back,
/// computed on the processor.
///
/// Latents and fields are host arrays, so a propagator on another device goes well with it.
public struct DiffusionMapReduction: Restriction, DeterministicLifting {
  /// The settings of the fit.
  public let configuration: DiffusionMapConfiguration
  /// Shape of one state, `[C, X…]`.
  public let stateShape: [Int]
  /// Physical states to scaled ones and back.
  public let scaler: ChannelScaler
  /// λ_1 … λ_L, in falling order; λ_0 = 1 is left out.
  public let eigenvalues: [Double]
  /// ε, in units of scaled states.
  public let kernelWidth: Double
  /// The scaled training states, `[n, D]`.
  let states: HostArray<Double>
  /// The latents of the training states, `[n, L]`.
  public let trainingLatents: HostArray<Double>

  /// Number of latents, L.
  public var latentCount: Int { configuration.latentCount }

  /// Fits diffusion maps.
  ///
  /// - Parameters:
  ///   - frames: Training states; at most `maximumStates` are read.
  ///   - configuration: At most n − 1 latents.
  /// - Throws: ``ConfigurationError``, ``ModelDataError`` or `LinearAlgebraError`.
  /// - Complexity: n² D + n³ operations, 3 n² numbers of memory; meant for up to some thousand
  ///   states.
  public init(
    fitting frames: FrameSet, configuration: DiffusionMapConfiguration
  ) throws {
    try configuration.validate()
    try requireStates(frames, "fitting diffusion maps")
    let states = Self.spread(frames, atMost: configuration.maximumStates)
    let (count, dimension) = (states.shape[0], states.shape.dropFirst().reduce(1, *))
    try require(
      configuration.latentCount < count, "diffusionMaps.latentCount",
      found: configuration.latentCount, allowed: "below the number of states, \(count)",
      remedy: "Take fewer latents or more states.")
    scaler = ChannelScaler(configuration.scaling, fitting: states)
    self.configuration = configuration
    stateShape = Array(states.shape.dropFirst())
    self.states = scaler.scale(states).reshaped([count, dimension])
    var kernel = squaredDistances(self.states.elements, self.states.elements, length: dimension)
    kernelWidth = configuration.kernelScale * medianDistance(kernel, count: count)
    guard kernelWidth > 0 else {
      throw ModelDataError(
        "fitting diffusion maps", found: "states of which most are the same",
        allowed: "different states", remedy: "Leave out repeated frames.")
    }
    for index in kernel.indices {
      kernel[index] = exp(-kernel[index] / (kernelWidth * kernelWidth))
    }
    let degrees = (0..<count).map { kernel[$0 * count..<($0 + 1) * count].reduce(0, +) }
    for index in kernel.indices {
      kernel[index] /= (degrees[index / count] * degrees[index % count]).squareRoot()
    }
    let (values, vectors) = try Tensor(doubles: kernel, shape: [count, count]).symmetricEigen()
    let latents = configuration.latentCount
    // Eigenvalues rise, so that the trivial one is the last.
    let chosen = Array(values.doubles[(count - 1 - latents)..<(count - 1)].reversed())
    guard chosen[latents - 1] > 1e-10 else {
      throw ModelDataError(
        "fitting diffusion maps",
        found: "on \(chosen.count { $0 > 1e-10 }) coordinates with an eigenvalue above 1e-10",
        allowed: "on at least \(latents)",
        remedy: "Lower diffusionMaps.latentCount or diffusionMaps.kernelScale.")
    }
    eigenvalues = chosen
    let total = degrees.reduce(0, +)
    let columns = vectors.sliced(axis: 1, from: count - 1 - latents, to: count - 1).doubles
    var coordinates = HostArray(repeating: 0.0, shape: [count, latents])
    for latent in 0..<latents {
      let column = latents - 1 - latent
      let sign = columns[column] < 0 ? -1.0 : 1.0
      for index in 0..<count {
        coordinates[index, latent] =
          sign * (total / degrees[index]).squareRoot() * columns[index * latents + column]
      }
    }
    trainingLatents = coordinates
  }

  /// At most so many states, the first and the last among them, at even distances.
  private static func spread(_ frames: FrameSet, atMost most: Int) -> HostArray<Double> {
    let count = frames.count
    let chosen = count > most ? (0..<most).map { $0 * (count - 1) / (most - 1) } : Array(0..<count)
    return HostArray<Double>(frames.states(chosen))
  }

  /// The latents of states, `[B, C, X…]` to `[B, L]`, by Nyström's formula.
  ///
  /// A state far from all training states gets the latents of the nearest one, over λ.
  public func encode(_ states: HostArray<Float>) throws -> HostArray<Double> {
    try requireShape(states, [nil] + stateShape, "encoding by diffusion maps")
    let count = self.states.shape[0]
    let distances = squaredDistances(
      scaler.scale(HostArray<Double>(states)).elements, self.states.elements,
      length: self.states.shape[1])
    var result: [Double] = []
    for row in 0..<states.shape[0] {
      result +=
        restrict(squaredDistances: Array(distances[row * count..<(row + 1) * count])).latents
    }
    return HostArray(result, shape: [states.shape[0], latentCount])
  }

  /// Nyström's formula from the squared distances to all training states; also the weights w_i.
  func restrict(squaredDistances: [Double]) -> (latents: [Double], weights: [Double]) {
    // Relative to the nearest state, so that the weights of a far state are not 0 / 0.
    let least = squaredDistances.min() ?? 0
    var weights = squaredDistances.map { exp((least - $0) / (kernelWidth * kernelWidth)) }
    let sum = weights.reduce(0, +)
    var latents = [Double](repeating: 0, count: latentCount)
    for index in weights.indices {
      weights[index] /= sum
      for latent in 0..<latentCount {
        latents[latent] +=
          weights[index] * trainingLatents.elements[index * latentCount + latent]
      }
    }
    for latent in 0..<latentCount { latents[latent] /= eigenvalues[latent] }
    return (latents, weights)
  }
}

/// |x_i − y_j|² for rows of `length` numbers, one row of the result for each x.
func squaredDistances(_ x: [Double], _ y: [Double], length: Int) -> [Double] {
  let (rows, columns) = (x.count / length, y.count / length)
  return unsafe [Double](unsafeUninitializedCapacity: rows * columns) { result, initialized in
    unsafe x.withUnsafeBufferPointer { x in
      unsafe y.withUnsafeBufferPointer { y in
        guard let x = x.baseAddress, let y = y.baseAddress,
          let out = result.baseAddress
        else { return }
        // In bounds: row i of x and of the result belong to index i alone.
        torchParallelFor(rows) { row in
          unsafe kk_squared_distances(
            x + row * length, 1, y, Int64(columns), Int64(length), out + row * columns)
        }
      }
    }
    initialized = rows * columns
  }
}

/// The median of all n² distances between n states, the n zeros of a state to itself included.
private func medianDistance(_ squares: [Double], count: Int) -> Double {
  var pairs: [Double] = []
  pairs.reserveCapacity(count * (count - 1) / 2)
  for i in 0..<count { pairs += squares[i * count..<i * count + i] }
  pairs.sort()
  // In order: n zeros, then every pair's distance twice.
  func entry(_ rank: Int) -> Double { rank < count ? 0 : pairs[(rank - count) / 2].squareRoot() }
  let all = count * count
  return (entry((all - 1) / 2) + entry(all / 2)) / 2
}

// MARK: - On disk

extension DiffusionMapReduction {
  private static let folder = ModelFolder<Description>(
    "kymo diffusion maps", axes: "state, channel, space", needsProcessor: true)

  private struct Description: Codable {
    var configuration: DiffusionMapConfiguration
    var stateShape: [Int]
    var stateCount: Int
    var scaler: ChannelScaler
    var kernelWidth: Double
  }

  /// Writes the reduction, training states included, into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    try Self.folder.write(
      Description(
        configuration: configuration, stateShape: stateShape, stateCount: states.shape[0],
        scaler: scaler, kernelWidth: kernelWidth),
      [
        ("states", Tensor(doubles: states.elements, shape: states.shape)),
        ("latents", Tensor(doubles: trainingLatents.elements, shape: trainingLatents.shape)),
        ("eigenvalues", Tensor(doubles: eigenvalues, shape: [latentCount])),
      ], to: folder)
  }

  /// Reads a reduction from a folder that ``save(to:)`` wrote.
  ///
  /// - Throws: `TensorError` that names the file and what is wrong with it.
  public init(from folder: URL, device: Device = .cpu) throws {
    let (description, tensors) = try Self.folder.read(folder, device: device)
    try description.scaler.check(channels: description.stateShape.first ?? 0, in: folder)
    let (count, dimension) = (description.stateCount, description.stateShape.reduce(1, *))
    let latents = description.configuration.latentCount
    configuration = description.configuration
    stateShape = description.stateShape
    scaler = description.scaler
    kernelWidth = description.kernelWidth
    states = HostArray(
      try tensors.require("states", shape: [count, dimension]).doubles, shape: [count, dimension])
    trainingLatents = HostArray(
      try tensors.require("latents", shape: [count, latents]).doubles, shape: [count, latents])
    eigenvalues = try tensors.require("eigenvalues", shape: [latents]).doubles
  }
}
