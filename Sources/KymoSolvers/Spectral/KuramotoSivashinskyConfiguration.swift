// The settings of Kuramoto-Sivashinsky recordings; the defaults are the data set of Lu, Kim and
// Soljačić, "Extracting interpretable physical parameters from spatiotemporal systems using
// unsupervised learning", Phys. Rev. X 10, 031056 (2020), on an internal mesh and step of our own.
public import KymoNumerics

/// The settings of recordings of the Kuramoto–Sivashinsky equation
/// `uₜ = −γ uₓₓₓₓ − uₓₓ − u uₓ` on a periodic domain, γ differing from one recording to the next.
///
/// All quantities are nondimensional.
public struct KuramotoSivashinskyConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = KuramotoSivashinsky
  /// The system's name in commands and recipes.
  public static let identifier = "ks"
  /// The system's name.
  public static let systemName = "Kuramoto–Sivashinsky"
  /// The damping.
  public static let parameterNames = ["γ"]
  /// The field.
  public static let channelNames = ["u"]

  /// Number of recordings; at least 1.
  public var recordings = 1000
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Length of the domain; 64π.
  public var length = 64 * Double.pi
  /// Whether the domain ends in walls with u = uₓₓ = 0 instead of being periodic.
  ///
  /// The walls lie half a cell outside the first and the last point.
  public var walls = false
  /// Points of a stored frame; even, with no prime factor above 5.
  public var pointCount = 256
  /// Stored frames, the initial state being the first; at least 2.
  public var frameCount = 256
  /// Time between stored frames; π/8.
  public var frameInterval = Double.pi / 8
  /// Mean of the normal distribution of γ before truncation.
  public var dampingMean = 1.0
  /// Standard deviation of γ before truncation; 0 gives all recordings the mean.
  public var dampingDeviation = 0.125
  /// Smallest γ; draws below are redrawn.
  public var dampingMinimum = 0.5
  /// Largest γ; draws above are redrawn.
  public var dampingMaximum = 1.5
  /// Smallest width κ₀ of the initial spectrum exp(−k²/(2κ₀²)), in units of wavenumber; 4π/L.
  public var spectrumWidthMinimum = 0.0625
  /// Largest width κ₀ of the initial spectrum.
  public var spectrumWidthMaximum = 0.5
  /// Standard deviation of the noise added once to every stored sample; the paper's noisy set: 0.1.
  public var noiseDeviation = 0.0
  /// Points of the mesh on which the equation is solved, as a multiple of `pointCount`; at least 1.
  public var meshFactor = 1.5
  /// Time steps between stored frames; at least 1.
  public var substeps = 20

  /// Creates the default settings: 1,000 recordings of the paper's clean data set.
  public init() {}

  /// Periodic, or between walls.
  public var grid: Grid { Grid([.init(pointCount, extent: length, walls ? .wall : .periodic)]) }

  /// Length and points of the periodic domain on which the equation is solved.
  ///
  /// Odd functions stay odd, so a domain with walls is half of a periodic one of twice its length.
  var ring: (length: Double, pointCount: Int) {
    walls ? (2 * length, 2 * pointCount) : (length, pointCount)
  }

  /// Points of the mesh on which the equation is solved: the first length from
  /// `pointCount × meshFactor` upwards (twice that with walls) that has a fast transform.
  public var internalPointCount: Int { internalMesh(ring.pointCount, factor: meshFactor) }

  var damping: ParameterDistribution {
    ParameterDistribution(
      name: "damping", mean: dampingMean, deviation: dampingDeviation, minimum: dampingMinimum,
      maximum: dampingMaximum)
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 256)
    try requireMesh(pointCount, "\(path).pointCount")
    try require(length, .above(0), "\(path).length", remedy: "The paper's length is 64π = 201.06.")
    try require(
      dampingMinimum, .above(0), "\(path).dampingMinimum",
      remedy: "Without damping of short waves the equation is ill-posed; the paper's is 0.5.")
    try damping.validate(at: path, remedy: "The paper draws N(1, 0.125²) in [0.5, 1.5].")
    try requireSpectrumWidths(
      spectrumWidthMinimum, spectrumWidthMaximum, at: path, paper: (0.0625, 0.5))
    try requireResolution(
      meshFactor: meshFactor, substeps: substeps, at: path,
      remedies: (
        "1.5 resolves every γ of the paper to rounding of Float.", "20 suit the paper's settings."
      ))
  }
}
