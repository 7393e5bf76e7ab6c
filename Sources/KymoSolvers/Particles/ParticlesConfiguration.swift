// The settings of Brownian particles in a box; the defaults are those of Vlachas, Arampatzis, Uhler
// and Koumoutsakos, "Multiscale simulations of complex systems by learning their effective dynamics",
// Nat. Mach. Intell. 4 (2022), arXiv 2006.13431, eq. 16, and of the code of their data sets.
import Foundation
public import KymoNumerics

/// The settings of particles under advection and diffusion, `dX = a(t) dt + √D dW` with
/// `a_k(t) = A_k cos(ω_k t)`, in a box `[−L/2, L/2]` along every coordinate, which reflects.
///
/// A state is the set of all particles. The drift is the same everywhere and depends on the absolute
/// time, so that the cloud is pushed from wall to wall; the density diffuses with D/2. All quantities
/// are nondimensional.
public struct ParticlesConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = Particles
  /// The system's name in commands and recipes.
  public static let identifier = "particles"
  /// The system's name.
  public static let systemName = "Advection–diffusion particles"
  /// No parameter differs between recordings.
  public static let parameterNames: [String] = []
  /// Coordinates in three dimensions.
  public static let channelNames = ["x", "y", "z"]
  /// Particle sets.
  public static let stateKind = StateKind.particles

  /// Where the particles of a recording start.
  public enum Start: String, SettingChoice {
    /// All in the middle of the box.
    case origin
    /// All at one point of the box, which is drawn.
    case point
    /// In a normal cloud; centre and width, up to L/4, are drawn.
    case cloud
    /// Everywhere in the box.
    case uniform
  }

  /// Number of recordings; at least 1.
  public var recordings = 100
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Number of particles.
  public var particleCount = 1000
  /// Largest drift A along every coordinate; as many as there are dimensions, 1 to 3.
  public var amplitudes = [1, 1.74, 0]
  /// Angular frequency ω of the drift along every coordinate.
  public var frequencies = [0.2, 1, 0.5]
  /// The D of √D dW; the paper has 0.005 to 0.2.
  public var diffusivity = 0.1
  /// Length L of the box.
  public var boxLength = 1.0
  /// Where the particles start.
  public var start = Start.cloud
  /// Stored frames; at least 2.
  public var frameCount = 101
  /// Time between stored frames, Δt.
  public var frameInterval = 1.0
  /// Time steps δt between stored frames; at least 1.
  public var substeps = 100
  /// Standard deviation of the noise added once to every stored sample.
  public var noiseDeviation = 0.0

  /// Creates the default settings: 1,000 particles in three dimensions.
  public init() {}

  /// x, y, z, as many as there are dimensions.
  public var channels: [String] { Array(Self.channelNames.prefix(amplitudes.count)) }
  /// The particles as points without a place.
  public var grid: Grid { Grid([.init(particleCount, spacing: 1, .unknown)]) }
  /// Time and the number of a particle.
  public var axisNames: [String] { ["t", "particle"] }
  /// The time step δt.
  public var timeStep: Double { frameInterval / Double(substeps) }
  /// The Péclet number LU/D, with the largest drift for U.
  public var pecletNumber: Double {
    boxLength * (amplitudes.map(\.magnitude).max() ?? 0) / diffusivity
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 101)
    try require(
      particleCount, .within(1...10_000_000), "\(path).particleCount",
      remedy: "The paper has 1,000 particles.")
    try require(
      (1...3).contains(amplitudes.count) && amplitudes.allSatisfy(\.isFinite),
      "\(path).amplitudes", found: amplitudes, allowed: "one to three numbers",
      remedy: "The paper has [1, 1.74, 0] in three dimensions and [1] in one.")
    try require(
      frequencies.count == amplitudes.count && frequencies.allSatisfy(\.isFinite),
      "\(path).frequencies", found: frequencies,
      allowed: "as many numbers as amplitudes, \(amplitudes.count)",
      remedy: "The paper has [0.2, 1, 0.5] in three dimensions and [0.1] in one.")
    try require(
      diffusivity, .atLeast(0), "\(path).diffusivity", remedy: "The paper has 0.005 to 0.2.")
    try require(boxLength, .above(0), "\(path).boxLength", remedy: "The paper's box has length 1.")
    try require(
      substeps, .within(1...1_000_000), "\(path).substeps",
      remedy: "The paper takes 100 steps of 0.01 between frames.")
  }
}
