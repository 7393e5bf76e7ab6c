// A reduction of particle sets and vectors whose lifting draws from a density. Vlachas et al.,
// Nature Machine Intelligence 4, 359 (2022): a permutation-invariant encoder, a mixture-density
// decoder, and for bounded states an auxiliary variable, v = log(s/(1 − s)) or s = Φ(v), in which
// the mixture lives. Particles are independent draws from one density, p(S | z) = Π_n p(x_n | z).
// Angles are not scaled; the network sees their cosines and sines.
//
// Letters: B states, C coordinates, P particles, W numbers that the network sees of a particle, L
// latents.
public import Foundation
public import KymoData
import KymoNN
public import KymoNumerics
public import KymoTensor

/// A permutation-invariant encoder and a mixture-density decoder, with the scaler of their states.
///
/// Decoding gives states drawn from the density: the same latents give other states with another
/// stream. Nothing depends on the number of particles; ``withParticles(_:)`` has another number.
public final class DensityReduction: Restriction, Lifting {
  /// The architecture.
  public let configuration: DensityConfiguration
  /// The map of every coordinate onto the network's range, fitted on training data.
  public let scaler: ChannelScaler
  /// Shape of one state, `[C, P]`.
  public let stateShape: [Int]
  /// The trainable part; whoever trains it changes it in place.
  package let network: DensityNetwork
  /// The deviation of the noise on what the network's mixture is fitted to; densities and draws are
  /// without it.
  package internal(set) var targetNoise = 0.0

  /// Number of latents, L.
  public var latentCount: Int { configuration.latentCount }
  /// How many numbers are trained.
  public var parameterCount: Int { network.parameterCount }

  /// The components that are no angles.
  private let numbers: [Int]
  private var particleCount: Int { stateShape[1] }
  private var dimensions: Int { stateShape[0] }

  /// Numbers nearer to 0 or 1 than this count as so near: walls have a finite place.
  private static let edge = 1e-6

  /// Creates a reduction with an untrained network; the same seed gives the same weights.
  ///
  /// - Parameters:
  ///   - configuration: The architecture.
  ///   - stateShape: Shape of one state, `[C, P]`.
  ///   - scaler: The map of every coordinate onto [0, 1] where states are bounded, else to mean 0
  ///     and variance 1.
  ///   - seed: Seed of the weights.
  ///   - device: Where to compute.
  /// - Throws: ``ConfigurationError`` for settings that cannot work or do not fit the states.
  public convenience init(
    _ configuration: DensityConfiguration, stateShape: [Int], scaler: ChannelScaler, seed: UInt64,
    device: Device = .cpu
  ) throws(ConfigurationError) {
    try configuration.validate()
    try require(
      stateShape.count == 2 && !stateShape.contains(0), "data", found: "states of \(stateShape)",
      allowed: "particle sets [coordinates, particles] or vectors [components, 1]",
      remedy: "A density of a field on a mesh is no density of points; use an autoencoder.")
    for angle in configuration.angles {
      try require(
        angle, .within(0..<stateShape[0]), "density.angles",
        remedy: "It is the number of a component, counted from 0.")
    }
    try require(
      Set(configuration.angles).count == configuration.angles.count, "density.angles",
      found: configuration.angles, allowed: "different components", remedy: "Name each once.")
    var random = RandomStream(seed: seed, purpose: .weights)
    self.init(
      configuration, stateShape, scaler,
      DensityNetwork(
        configuration,
        components: DensityNetwork.Components(
          numbers: stateShape[0] - configuration.angles.count,
          angles: configuration.angles.count),
        using: &random, device: device))
  }

  private init(
    _ configuration: DensityConfiguration, _ stateShape: [Int], _ scaler: ChannelScaler,
    _ network: DensityNetwork
  ) {
    (self.configuration, self.stateShape) = (configuration, stateShape)
    (self.scaler, self.network) = (scaler, network)
    numbers = (0..<stateShape[0]).filter { !configuration.angles.contains($0) }
  }

  /// The same reduction of sets of so many particles; weights are shared.
  public func withParticles(_ count: Int) -> DensityReduction {
    precondition(count >= 1, "DensityReduction: \(count) particles")
    let other = DensityReduction(configuration, [dimensions, count], scaler, network)
    other.targetNoise = targetNoise
    return other
  }

  /// What the scaler of the architecture makes of training data.
  package static func scaler(
    _ configuration: DensityConfiguration, fitting frames: FrameSet
  ) -> ChannelScaler {
    ChannelScaler(
      configuration.isBounded ? .minMaxZeroOne : .standard, fitting: frames,
      slack: configuration.scalingSlack)
  }

  /// The latents of states, `[B, C, P]` to `[B, L]`.
  ///
  /// - Throws: ``ModelDataError`` when the states have another shape.
  public func encode(_ states: HostArray<Float>) throws -> HostArray<Double> {
    try requireShape(states, [nil] + stateShape, "encoding to a density")
    let count = states.shape[0]
    guard count > 0 else { return HostArray([], shape: [0, latentCount]) }
    let block = max(1, 65_536 / particleCount)
    let latents = stride(from: 0, to: count, by: block).flatMap { first in
      let range = first..<min(first + block, count)
      return network.encode(
        host: inputs(states, range, particles: Array(0..<particleCount)), count: range.count)
    }
    return HostArray(latents.map { Double($0) }, shape: [count, latentCount])
  }

  /// States drawn from the densities of latents, `[B, L]` to `[B, C, P]`.
  ///
  /// - Throws: ``ModelDataError`` when the latents have another shape.
  public func decode(
    _ latents: HostArray<Double>, using random: inout RandomStream
  ) throws -> HostArray<Float> {
    let densities = try densities(latents)
    var values: [Float] = []
    values.reserveCapacity(latents.shape[0] * dimensions * particleCount)
    for density in densities {
      let draws = density.samples(particleCount, using: &random)
      let first = values.count
      values += repeatElement(0, count: draws.count)
      for (row, axis) in (numbers + configuration.angles).enumerated() {
        for particle in 0..<particleCount {
          let draw = draws[row * particleCount + particle]
          values[first + axis * particleCount + particle] = Float(
            row < numbers.count ? unscaled(draw, axis) : draw)
        }
      }
    }
    return HostArray(values, shape: [latents.shape[0]] + stateShape)
  }

  private func unscaled(_ draw: Double, _ axis: Int) -> Double {
    let scaled = configuration.isBounded ? configuration.boundedVariable.number(draw) : draw
    return scaled * scaler.scale[axis] + scaler.offset[axis]
  }

  /// The mixtures of latents, in the scaled variable, without the noise of the training; angles are
  /// the last components.
  public func densities(_ latents: HostArray<Double>) throws -> [any Density] {
    try requireShape(latents, [nil, latentCount], "decoding to a density")
    guard latents.shape[0] > 0 else { return [] }
    let densities = withoutGradients {
      network.mixture(
        Tensor(latents.elements.map { Float($0) }, shape: latents.shape).to(network.device)
      ).hostDensities
    }
    return targetNoise > 0 ? densities.map { $0.withoutNoise(targetNoise) } : densities
  }

  /// The density of latents `[L]` at a point in physical units, `[C]`; with the factor of the map
  /// of bounded states, so that it integrates to 1 over the range.
  public func density(_ latents: [Double], at point: [Double]) throws -> Double {
    let mixture = try densities(HostArray(latents, shape: [1, latents.count]))[0]
    var (auxiliary, factor) = ([Double](), 1.0)
    for axis in numbers {
      let scaled = (point[axis] - scaler.offset[axis]) / scaler.scale[axis]
      factor /= scaler.scale[axis].magnitude
      guard configuration.isBounded else {
        auxiliary.append(scaled)
        continue
      }
      guard scaled > 0, scaled < 1 else { return 0 }
      let variable = configuration.boundedVariable
      auxiliary.append(variable.value(scaled))
      factor /= variable.slope(scaled)
    }
    return factor * mixture.density(at: auxiliary + configuration.angles.map { point[$0] })
  }

  // MARK: - What the network sees

  /// Scaled particles, particle by particle, `[B, P, W]`: on [−1, 1] where states are bounded.
  func inputs(
    _ states: HostArray<Float>, _ range: Range<Int>, particles: [Int]
  ) -> [Float] {
    mapped(states, range, particles) { configuration.isBounded ? 2 * $0 - 1 : $0 }
  }

  /// The variable in which the mixture lives, with something added to each component, particle by
  /// particle, `[B, P, W]`.
  func targets(
    _ states: HostArray<Float>, _ range: Range<Int>, particles: [Int],
    noise: () -> Double = { 0 }
  ) -> [Float] {
    mapped(states, range, particles, noise) { scaled in
      guard configuration.isBounded else { return scaled }
      return configuration.boundedVariable.value(min(max(scaled, Self.edge), 1 - Self.edge))
    }
  }

  private func mapped(
    _ states: HostArray<Float>, _ range: Range<Int>, _ particles: [Int],
    _ noise: () -> Double = { 0 }, _ body: (Double) -> Double
  ) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(
      range.count * particles.count * (dimensions + configuration.angles.count))
    for state in range {
      for particle in particles {
        func value(_ axis: Int) -> Double {
          Double(states.elements[(state * dimensions + axis) * particleCount + particle])
        }
        for axis in numbers {
          let scaled = (value(axis) - scaler.offset[axis]) / scaler.scale[axis]
          values.append(Float(body(scaled) + noise()))
        }
        for axis in configuration.angles {
          let angle = value(axis) + noise()
          values.append(Float(cos(angle)))
          values.append(Float(sin(angle)))
        }
      }
    }
    return values
  }
}

extension DensityConfiguration.BoundedVariable {
  /// v of s.
  fileprivate func value(_ s: Double) -> Double {
    switch self {
    case .logit: log(s / (1 - s))
    case .probit: NormalDistribution.quantile(s)
    }
  }

  /// s of v.
  fileprivate func number(_ v: Double) -> Double {
    switch self {
    case .logit: 1 / (1 + exp(-v))
    case .probit: NormalDistribution.probability(below: v)
    }
  }

  /// ds/dv at s.
  fileprivate func slope(_ s: Double) -> Double {
    switch self {
    case .logit: s * (1 - s)
    case .probit: NormalDistribution.density(NormalDistribution.quantile(s))
    }
  }
}

// MARK: - On disk

extension DensityReduction {
  private static let folder = ModelFolder<Description>(
    "kymo density reduction", axes: "state, coordinate, particle")

  private struct Description: Codable {
    var configuration: DensityConfiguration
    var stateShape: [Int]
    var scaler: ChannelScaler
    /// Absent in earlier models, which draw with the noise.
    var targetNoise: Double?
  }

  /// Writes the reduction into a folder, which is made when absent.
  public func save(to folder: URL) throws {
    try Self.folder.write(
      Description(
        configuration: configuration, stateShape: stateShape, scaler: scaler,
        targetNoise: targetNoise),
      network.namedParameters(), to: folder)
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
    targetNoise = max(0, description.targetNoise ?? 0)
    try network.namedParameters().load(contents.tensors, from: contents.path)
  }
}
