// The settings of alanine dipeptide in water. Force field, temperature and the time between frames
// follow Vlachas, Zavadlav, Praprotnik and Koumoutsakos, J. Chem. Theory Comput. 18, 538 (2022),
// who had explicit water and a step of 1 fs.
public import KymoNumerics

/// The settings of Langevin dynamics of alanine dipeptide, by OpenMM.
///
/// A state is a vector of 24 internal coordinates of the ten atoms but hydrogen: bonds in nm,
/// angles and dihedrals in radians (``AlanineDipeptide``). Bonds of hydrogen are rigid. Units: ps,
/// K.
public struct AlanineConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = Alanine
  /// The system's name in commands and recipes.
  public static let identifier = "alanine"
  /// The system's name.
  public static let systemName = AlanineDipeptide.systemName
  /// No parameter differs between recordings.
  public static let parameterNames: [String] = []
  /// The internal coordinates.
  public static let channelNames = AlanineDipeptide.componentNames
  /// Vectors.
  public static let stateKind = StateKind.vector

  /// What surrounds the molecule.
  public enum Water: String, SettingChoice {
    /// A continuum: ff96 with OBC1.
    case implicit
    /// Molecules in a periodic box: ff96 with TIP3P; some thirty times slower.
    case explicit
  }

  /// Number of recordings; at least 1.
  public var recordings = 96
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// What surrounds the molecule.
  public var water = Water.implicit
  /// Temperature in K.
  public var temperature = 300.0
  /// Friction γ in 1/ps.
  public var friction = 1.0
  /// Stored frames; at least 2.
  public var frameCount = 4000
  /// Time between stored frames, Δt, in ps.
  public var frameInterval = 0.1
  /// Time steps δt between stored frames; at least 1.
  public var substeps = 50
  /// Time before the first stored frame, in frame intervals; all recordings start from one
  /// structure.
  public var spinUpFrames = 2000
  /// Time steps that a solver takes after a start before its clock runs, so that decoded structures
  /// relax.
  public var relaxationSteps = 50
  /// Standard deviation of the noise added once to every stored sample.
  public var noiseDeviation = 0.0

  /// Creates the default settings: 96 recordings of 4,000 frames, 38.4 ns.
  public init() {}

  /// One point without a place.
  public var grid: Grid { Grid([.init(1, spacing: 1, .unknown)]) }
  /// Time alone.
  public var axisNames: [String] { ["t"] }
  /// Picoseconds.
  public var axisUnits: [String] { ["ps"] }
  /// The time step δt in ps.
  public var timeStep: Double { frameInterval / Double(substeps) }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 4000)
    try require(
      temperature, .above(0), "\(path).temperature", remedy: "300 K is the default.")
    try require(
      friction, .atLeast(0), "\(path).friction",
      remedy: "1 is the default; 0 conserves the energy.")
    try require(
      substeps, .within(1...1_000_000), "\(path).substeps", remedy: "50 steps of 2 fs are usual.")
    try require(
      timeStep, .atMost(0.004), "\(path).substeps",
      remedy: "A step of frameInterval / substeps is in ps; beyond 4 fs the dynamics diverges.")
    for (name, count, usual) in [
      ("spinUpFrames", spinUpFrames, 2000), ("relaxationSteps", relaxationSteps, 50),
    ] {
      try require(count, .atLeast(0), "\(path).\(name)", remedy: "\(usual) is the default.")
    }
  }
}
