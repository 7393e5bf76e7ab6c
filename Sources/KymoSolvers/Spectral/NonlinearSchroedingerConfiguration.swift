// The settings of nonlinear Schroedinger recordings; the defaults are the data set of Lu, Kim and
// Soljačić, Phys. Rev. X 10, 031056 (2020), on an internal mesh and step of our own.
public import KymoNumerics

/// The settings of recordings of the nonlinear Schrödinger equation `iψₜ = −½ψₓₓ + κ|ψ|²ψ` on a
/// periodic domain, κ differing from one recording to the next; negative κ is focusing.
///
/// A recording has two channels, the real and the imaginary part of ψ. All quantities are
/// nondimensional.
public struct NonlinearSchroedingerConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = NonlinearSchroedinger
  /// The system's name in commands and recipes.
  public static let identifier = "nls"
  /// The system's name.
  public static let systemName = "nonlinear Schrödinger"
  /// The strength of the cubic term.
  public static let parameterNames = ["κ"]
  /// The two parts of the field.
  public static let channelNames = ["Re ψ", "Im ψ"]

  /// Number of recordings; at least 1.
  public var recordings = 1000
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Length of the periodic domain; 8π.
  public var length = 8 * Double.pi
  /// Points of a stored frame; even, with no prime factor above 5.
  public var pointCount = 256
  /// Stored frames, the initial state being the first; at least 2.
  public var frameCount = 256
  /// Time between stored frames; π/256.
  public var frameInterval = Double.pi / 256
  /// Mean of the normal distribution of κ before truncation.
  public var couplingMean = -1.0
  /// Standard deviation of κ before truncation; 0 gives all recordings the mean.
  public var couplingDeviation = 0.25
  /// Smallest κ; draws below are redrawn.
  public var couplingMinimum = -2.0
  /// Largest κ; draws above are redrawn.
  public var couplingMaximum = 0.0
  /// Smallest width κ₀ of the initial spectrum exp(−k²/(2κ₀²)), in units of wavenumber; 4π/L.
  public var spectrumWidthMinimum = 0.5
  /// Largest width κ₀ of the initial spectrum.
  public var spectrumWidthMaximum = 4.0
  /// Standard deviation of the noise added once to every stored sample; the paper's noisy set: 0.1.
  public var noiseDeviation = 0.0
  /// Points of the mesh on which the equation is solved, as a multiple of `pointCount`; at least 1.
  public var meshFactor = 3.0
  /// Time steps between stored frames; at least 1.
  public var substeps = 4

  /// Creates the default settings: 1,000 recordings of the paper's clean data set.
  public init() {}

  /// Periodic.
  public var grid: Grid { Grid([.init(pointCount, extent: length, .periodic)]) }

  /// Points of the mesh on which the equation is solved: the first length from
  /// `pointCount × meshFactor` upwards that has a fast transform.
  public var internalPointCount: Int { internalMesh(pointCount, factor: meshFactor) }

  var coupling: ParameterDistribution {
    ParameterDistribution(
      name: "coupling", mean: couplingMean, deviation: couplingDeviation,
      minimum: couplingMinimum, maximum: couplingMaximum)
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 256)
    try requireMesh(pointCount, "\(path).pointCount")
    try require(length, .above(0), "\(path).length", remedy: "The paper's length is 8π = 25.13.")
    try coupling.validate(at: path, remedy: "The paper draws N(−1, 0.25²) in [−2, 0].")
    try requireSpectrumWidths(
      spectrumWidthMinimum, spectrumWidthMaximum, at: path, paper: (0.5, 4))
    try requireResolution(
      meshFactor: meshFactor, substeps: substeps, at: path,
      remedies: (
        "3 resolves the peaks of the paper's data.", "4 suit the paper's settings."
      ))
  }
}
