// The settings of recordings of Burgers' equation, a system of our own beside those of the papers.
public import KymoNumerics

/// The settings of recordings of Burgers' equation `uₜ + u uₓ = ν uₓₓ` on a periodic domain, ν
/// differing from one recording to the next.
///
/// All quantities are nondimensional. Fronts of height 3 are 4ν/3 wide, which is three points of
/// the default mesh for the mean ν.
public struct BurgersConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = Burgers
  /// The system's name in commands and recipes.
  public static let identifier = "burgers"
  /// The system's name.
  public static let systemName = "Burgers"
  /// The viscosity.
  public static let parameterNames = ["ν"]
  /// The field.
  public static let channelNames = ["u"]

  /// Number of recordings; at least 1.
  public var recordings = 1000
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Length of the periodic domain; 16π.
  public var length = 16 * Double.pi
  /// Points of a stored frame; even, with no prime factor above 5.
  public var pointCount = 256
  /// Stored frames, the initial state being the first; at least 2.
  public var frameCount = 128
  /// Time between stored frames.
  public var frameInterval = 0.1
  /// Mean of the normal distribution of ν before truncation.
  public var viscosityMean = 0.5
  /// Standard deviation of ν before truncation; 0 gives all recordings the mean.
  public var viscosityDeviation = 0.1
  /// Smallest ν, above 0; draws below are redrawn.
  public var viscosityMinimum = 0.1
  /// Largest ν; draws above are redrawn.
  public var viscosityMaximum = 0.9
  /// Smallest width κ₀ of the initial spectrum exp(−k²/(2κ₀²)), in units of wavenumber; 4π/L.
  public var spectrumWidthMinimum = 0.25
  /// Largest width κ₀ of the initial spectrum.
  public var spectrumWidthMaximum = 1.0
  /// Standard deviation of the noise added once to every stored sample.
  public var noiseDeviation = 0.0
  /// Points of the mesh on which the equation is solved, as a multiple of `pointCount`; at least 1.
  public var meshFactor = 3.0
  /// Time steps between stored frames; at least 1.
  public var substeps = 4

  /// Creates the default settings: 1,000 recordings.
  public init() {}

  /// Periodic.
  public var grid: Grid { Grid([.init(pointCount, extent: length, .periodic)]) }

  /// Points of the mesh on which the equation is solved.
  public var internalPointCount: Int { internalMesh(pointCount, factor: meshFactor) }

  var viscosity: ParameterDistribution {
    ParameterDistribution(
      name: "viscosity", mean: viscosityMean, deviation: viscosityDeviation,
      minimum: viscosityMinimum, maximum: viscosityMaximum)
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 128)
    try requireMesh(pointCount, "\(path).pointCount")
    try require(length, .above(0), "\(path).length", remedy: "The default is 16π = 50.27.")
    try require(
      viscosityMinimum, .above(0), "\(path).viscosityMinimum",
      remedy: "Without viscosity fronts become jumps; the default is 0.1.")
    try viscosity.validate(at: path, remedy: "The default draws N(0.5, 0.1²) in [0.1, 0.9].")
    try requireSpectrumWidths(
      spectrumWidthMinimum, spectrumWidthMaximum, at: path, paper: (0.25, 1))
    try requireResolution(
      meshFactor: meshFactor, substeps: substeps, at: path,
      remedies: ("3 resolves the fronts of every ν of the default.", "4 suit the defaults."))
  }
}
