// The settings of flow past a cylinder; the defaults are the box of Vlachas, Arampatzis, Uhler and
// Koumoutsakos, "Multiscale simulations of complex systems by learning their effective dynamics",
// Nat. Mach. Intell. 4 (2022), arXiv 2006.13431, on a quarter of its grid.
public import KymoNumerics

/// The settings of two-dimensional flow past a circular cylinder,
/// `uₜ + (u·∇)u = −∇p + ν∇²u − λχu`, `∇·u = 0`, in the frame of the body.
///
/// A stream of speed U enters at the left end; χ is 1 inside the body, Re = UD/ν. A recording has the
/// channels pressure, both velocities and vorticity, in rows across the stream. It starts
/// impulsively with a small vortex behind the body, drawn from the seed, so that vortices are shed.
public struct CylinderConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = Cylinder
  /// The system's name in commands and recipes.
  public static let identifier = "cylinder"
  /// The system's name.
  public static let systemName = "Flow past a cylinder"
  /// No parameter differs between recordings.
  public static let parameterNames: [String] = []
  /// Pressure, velocities along and across the stream, vorticity.
  public static let channelNames = ["p", "u", "v", "omega"]

  /// What the fluid does at the sides of the box.
  public enum Sides: String, SettingChoice {
    /// It slips along them.
    case slip
    /// It moves with the undisturbed stream.
    case stream
  }

  /// Number of recordings; at least 1.
  public var recordings = 1
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Reynolds number UD/ν.
  public var re = 100.0
  /// Cells along the stream; a multiple of 8 with no prime factor above 5.
  public var columns = 256
  /// Cells across the stream; the box is as wide as so many cells.
  public var rows = 128
  /// Length of the box.
  public var length = 1.0
  /// Diameter D of the cylinder.
  public var diameter = 0.075
  /// Speed U of the stream.
  public var speed = 0.15
  /// Distance of the cylinder's centre from the left end.
  public var position = 0.2
  /// Height of the cylinder's centre above the middle of the box.
  public var offset = 0.0
  /// What the fluid does at the sides.
  public var sides = Sides.slip
  /// The penalty λ, a rate.
  public var penalty = 1e6
  /// Bound of the Courant number (|u| + |v|) δt/h.
  public var courant = 0.5
  /// Stored frames; at least 2.
  public var frameCount = 250
  /// Time between stored frames, Δt.
  public var frameInterval = 0.2
  /// Time before the first stored frame, in frame intervals: shedding takes time to settle.
  public var spinUpFrames = 500
  /// Speed of the vortex that starts the shedding, in units of U; with 0 the flow stays symmetric.
  public var perturbation = 0.1
  /// Standard deviation of the noise added once to every stored sample.
  public var noiseDeviation = 0.0

  /// Creates the default settings: one recording at Re 100 on 256 × 128 cells.
  public init() {}

  /// Size h of a cell.
  public var spacing: Double { length / Double(columns) }
  /// Viscosity ν.
  public var viscosity: Double { speed * diameter / re }
  /// The cylinder's centre, along and across the stream.
  public var centre: [Double] { [position, 0.5 * Double(rows) * spacing + offset] }

  /// Middles of cells, across the stream first; obstacles are the cells inside the cylinder.
  public var grid: Grid {
    Grid([
      .init(rows, spacing: spacing, .open),
      .init(columns, spacing: spacing, .init(.inflow, .outflow)),
    ])
  }
  /// Time, then across and along the stream.
  public var axisNames: [String] { ["t", "y", "x"] }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 250)
    try require(re, .above(0), "\(path).re", remedy: "The paper has 100 and 1000.")
    try require(
      columns % 8 == 0 && columns >= 16 && columns <= 16_384
        && FourierTransform.exists(realPoints: columns), "\(path).columns", found: columns,
      allowed: "a multiple of 8 from 16 to 16384, a product of 2, 3 and 5",
      remedy: "256, 512 and 1024 suit the box of the paper.")
    try require(
      rows, .within(8...16_384), "\(path).rows", remedy: "Half of columns suits the paper's box.")
    for (name, value) in [
      ("length", length), ("diameter", diameter), ("speed", speed), ("penalty", penalty),
    ] {
      try require(value, .above(0), "\(path).\(name)", remedy: "Leave it out if unsure.")
    }
    try require(
      diameter >= 4 * spacing, "\(path).diameter", found: diameter,
      allowed: "at least 4 cells, \(4 * spacing)",
      remedy: "Take more columns: the paper's cylinder has 19 cells with 256.")
    let room = 0.5 * diameter + 2 * spacing
    try require(
      position >= room && position <= length - room, "\(path).position", found: position,
      allowed: "from \(room) to \(length - room)", remedy: "0.2 is the default.")
    try require(
      offset.magnitude <= centre[1] - offset - room, "\(path).offset", found: offset,
      allowed: "at most \(centre[1] - offset - room) to either side",
      remedy: "0 puts it into the middle.")
    try require(courant, .within(0.01...0.8), "\(path).courant", remedy: "0.5 is the default.")
    try require(spinUpFrames, .atLeast(0), "\(path).spinUpFrames", remedy: "500 is the default.")
    try require(
      perturbation, .within(0...1), "\(path).perturbation", remedy: "0.1 is the default.")
  }
}
