// The settings of a particle on the Müller–Brown potential; the defaults are those of Vlachas,
// Zavadlav, Praprotnik and Koumoutsakos, "Accelerated simulations of molecular systems through
// learning of effective dynamics", J. Chem. Theory Comput. 18 (2022), arXiv 2102.08810.
public import KymoNumerics

/// The settings of underdamped Langevin dynamics on the Müller–Brown potential.
///
/// A state is the position (x, y); velocities are not stored. Two deep wells, around (−0.56, 1.44) and
/// (0.62, 0.03), are left rarely. All quantities are nondimensional, k_B = 1.
public struct MuellerBrownConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = MuellerBrown
  /// The system's name in commands and recipes.
  public static let identifier = "mueller-brown"
  /// The system's name.
  public static let systemName = "Müller–Brown potential"
  /// No parameter differs between recordings.
  public static let parameterNames: [String] = []
  /// The coordinates.
  public static let channelNames = ["x", "y"]
  /// Vectors.
  public static let stateKind = StateKind.vector

  /// Number of recordings; at least 1.
  public var recordings = 32
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Temperature T.
  public var temperature = 15.0
  /// Friction γ, a rate.
  public var friction = 1.0
  /// Mass m.
  public var mass = 1.0
  /// Stored frames; at least 2.
  public var frameCount = 12_001
  /// Time between stored frames, Δt.
  public var frameInterval = 0.5
  /// Time steps δt between stored frames; at least 1.
  public var substeps = 50
  /// Time before the first stored frame, in frame intervals.
  public var spinUpFrames = 2000
  /// Time steps that a solver takes after a start before its clock runs, so that decoded states
  /// relax.
  public var relaxationSteps = 10
  /// Standard deviation of the noise added once to every stored sample.
  public var noiseDeviation = 0.0

  /// Creates the default settings: 32 recordings of 12,001 frames.
  public init() {}

  /// One point without a place.
  public var grid: Grid { Grid([.init(1, spacing: 1, .unknown)]) }
  /// Time alone.
  public var axisNames: [String] { ["t"] }
  /// The time step δt.
  public var timeStep: Double { frameInterval / Double(substeps) }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 12_001)
    for (name, value, usual) in [
      ("temperature", temperature, 15), ("friction", friction, 1), ("mass", mass, 1),
    ] {
      try require(value, .above(0), "\(path).\(name)", remedy: "The paper's is \(usual).")
    }
    try require(
      substeps, .within(1...1_000_000), "\(path).substeps",
      remedy: "The paper takes 50 steps of 0.01 between frames.")
    for (name, count, usual) in [
      ("spinUpFrames", spinUpFrames, 2000), ("relaxationSteps", relaxationSteps, 10),
    ] {
      try require(count, .atLeast(0), "\(path).\(name)", remedy: "\(usual) is the default.")
    }
  }
}
