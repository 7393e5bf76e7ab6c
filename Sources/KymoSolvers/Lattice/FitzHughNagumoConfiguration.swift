// The settings of the 1D FitzHugh-Nagumo equations; the defaults are those of Vlachas,
// Arampatzis, Uhler and Koumoutsakos, "Multiscale simulations of complex systems by learning their
// effective dynamics", Nat. Mach. Intell. 4 (2022), arXiv 2006.13431, whose recordings start from
// tables; ours start from fronts that relax to the same cycle.
public import KymoNumerics

/// The settings of the FitzHugh–Nagumo equations
/// `uₜ = D_u uₓₓ + u − u³ − v`, `vₜ = D_v vₓₓ + ε (u − α₁v − α₀)` on `[0, L]` without flux through
/// the ends, for recordings and for a solver that is started from fields.
///
/// All quantities are nondimensional. A recording starts from a front near one of the ends,
/// `u = 0.95 tanh((x − x₀)/2)`, `v = ±0.1 tanh((x − x₀)/5)`; end, distance and sign are drawn. All
/// of them relax to one limit cycle of period 186.19 and meet it at different phases.
public struct FitzHughNagumoConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = FitzHughNagumo
  /// The system's name in commands and recipes.
  public static let identifier = "fhn"
  /// The system's name.
  public static let systemName = "FitzHugh–Nagumo"
  /// No parameter differs between recordings.
  public static let parameterNames: [String] = []
  /// Activator and inhibitor.
  public static let channelNames = ["u", "v"]

  /// Number of recordings; at least 1.
  public var recordings = 6
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Length L of the line.
  public var length = 20.0
  /// Nodes of the lattice, both ends included; at least 3.
  public var pointCount = 101
  /// Stored frames; at least 2.
  public var frameCount = 451
  /// Time between stored frames, Δt.
  public var frameInterval = 1.0
  /// Time steps δt between stored frames; at least 1.
  public var substeps = 200
  /// Time before the first stored frame, in frame intervals.
  public var spinUpFrames = 0
  /// Time steps before the first stored frame on top of that; the paper stores a frame after the
  /// steps 1, 201, 401 and so on.
  public var settlingSteps = 1
  /// Diffusivity D_u of the activator.
  public var activatorDiffusivity = 1.0
  /// Diffusivity D_v of the inhibitor.
  public var inhibitorDiffusivity = 4.0
  /// Rate ε of the inhibitor.
  public var epsilon = 0.006
  /// Threshold α₀.
  public var alpha0 = -0.03
  /// Coupling α₁ of the inhibitor to itself.
  public var alpha1 = 2.0
  /// Whether the first node reflects as the last one does; in the paper it keeps its own
  /// population.
  public var symmetricEnds = false
  /// What populations a solver starts with that knows the densities alone; recordings start in
  /// equilibrium.
  public var restart = Restart.gradient
  /// Smallest distance of the initial front from an end; fronts nearer than 3 may leave the line.
  public var frontMinimum = 3.5
  /// Largest distance of the initial front from an end; fronts near the middle relax slowly.
  public var frontMaximum = 5.5
  /// Standard deviation of the noise added once to every stored sample.
  public var noiseDeviation = 0.0

  /// What populations follow from densities ρ.
  public enum Restart: String, SettingChoice {
    /// `f = ρ/3`, as in the paper: the fluxes grow back within a few time steps, which takes the
    /// front 0.002 coarse steps back, on average over a cycle.
    case equilibrium
    /// With fluxes to first order in the gradient of ρ, sixty times nearer to a lattice that ran
    /// on.
    case gradient
  }

  /// Creates the default settings: 6 recordings of 451 frames.
  public init() {}

  /// A line; no flux leaves it, and the values at its ends are free.
  public var grid: Grid { Grid([.init(pointCount, extent: length, .open)]) }
  /// The time step δt.
  public var timeStep: Double { frameInterval / Double(substeps) }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 451)
    try require(length, .above(0), "\(path).length", remedy: "The paper's line has length 20.")
    try require(
      pointCount >= 3 && pointCount <= 1 << 20, "\(path).pointCount", found: pointCount,
      allowed: "from 3 to 1048576", remedy: "The paper's lattice has 101 nodes.")
    try require(
      substeps, .within(1...1_000_000), "\(path).substeps",
      remedy: "The paper takes 200 steps of 0.005 between frames.")
    for (name, count, usual) in [
      ("spinUpFrames", spinUpFrames, 0), ("settlingSteps", settlingSteps, 1),
    ] {
      try require(count, .atLeast(0), "\(path).\(name)", remedy: "\(usual) is the default.")
    }
    for (name, diffusivity, usual) in [
      ("activatorDiffusivity", activatorDiffusivity, 1),
      ("inhibitorDiffusivity", inhibitorDiffusivity, 4),
    ] {
      try require(diffusivity, .above(0), "\(path).\(name)", remedy: "The paper's is \(usual).")
    }
    for (name, value, usual) in [
      ("epsilon", epsilon, 0.006), ("alpha0", alpha0, -0.03), ("alpha1", alpha1, 2),
    ] {
      try require(
        value.isFinite, "\(path).\(name)", found: value, allowed: "a number",
        remedy: "The paper's is \(usual).")
    }
    try require(frontMinimum, .atLeast(0), "\(path).frontMinimum", remedy: "3.5 is the default.")
    try require(
      frontMaximum >= frontMinimum && frontMaximum <= length, "\(path).frontMaximum",
      found: frontMaximum, allowed: "from frontMinimum, \(frontMinimum), to the length, \(length)",
      remedy: "5.5 suits a length of 20.")
  }
}
