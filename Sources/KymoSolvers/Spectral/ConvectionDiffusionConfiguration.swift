// The settings of convection-diffusion recordings; the defaults are the data set of Lu, Kim and
// Soljačić, Phys. Rev. X 10, 031056 (2020).
public import KymoNumerics

/// What a file of convection–diffusion recordings holds.
public enum PlaneStorage: String, SettingChoice {
  /// The Fourier modes of first frames, 264 kB a recording: frames are made when they are needed.
  case spectra
  /// All frames, 16.8 MB a recording.
  case frames
}

/// The settings of recordings of `uₜ = D ∇²u − v·∇u` in a periodic square, D and both components of
/// v differing from one recording to the next.
///
/// All quantities are nondimensional.
public struct ConvectionDiffusionConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = ConvectionDiffusion
  /// The system's name in commands and recipes.
  public static let identifier = "cd"
  /// The system's name.
  public static let systemName = "convection–diffusion"
  /// Diffusion coefficient and velocity.
  public static let parameterNames = ["D", "v_x", "v_y"]
  /// The field.
  public static let channelNames = ["u"]

  /// Number of recordings; at least 1.
  public var recordings = 1000
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Length of both sides of the square; 16π.
  public var length = 16 * Double.pi
  /// Points along both sides; even, with no prime factor above 5.
  public var pointCount = 256
  /// Frames, the initial state being the first; at least 2.
  public var frameCount = 64
  /// Time between frames; π/16.
  public var frameInterval = Double.pi / 16
  /// Mean of the normal distribution of D before truncation.
  public var diffusivityMean = 0.1
  /// Standard deviation of D before truncation; 0 gives all recordings the mean.
  public var diffusivityDeviation = 0.025
  /// Smallest D, at least 0; draws below are redrawn.
  public var diffusivityMinimum = 0.0
  /// Largest D; draws above are redrawn.
  public var diffusivityMaximum = 0.2
  /// Standard deviation of each component of v, whose mean is 0.
  public var velocityDeviation = 0.2
  /// Smallest width κ₀ of the initial spectrum exp(−|k|²/(2κ₀²)), in units of wavenumber; 8π/L.
  public var spectrumWidthMinimum = 0.5
  /// Largest width κ₀ of the initial spectrum.
  public var spectrumWidthMaximum = 4.0
  /// Standard deviation of the noise added once to every stored sample; needs `storage: frames`.
  public var noiseDeviation = 0.0
  /// What the file holds.
  public var storage = PlaneStorage.spectra

  /// Creates the default settings: 1,000 recordings of the paper's clean data set, as spectra.
  public init() {}

  /// A torus.
  public var grid: Grid {
    Grid([Grid.Axis](repeating: .init(pointCount, extent: length, .periodic), count: 2))
  }

  var diffusivity: ParameterDistribution {
    ParameterDistribution(
      name: "diffusivity", mean: diffusivityMean, deviation: diffusivityDeviation,
      minimum: diffusivityMinimum, maximum: diffusivityMaximum)
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 64)
    try requireMesh(pointCount, "\(path).pointCount")
    try require(pointCount, .atMost(8192), "\(path).pointCount", remedy: "The paper's is 256.")
    try require(length, .above(0), "\(path).length", remedy: "The paper's is 16π = 50.27.")
    try require(
      diffusivityMinimum, .atLeast(0), "\(path).diffusivityMinimum",
      remedy: "Negative diffusion is ill-posed; the paper's smallest is 0.")
    try diffusivity.validate(at: path, remedy: "The paper draws N(0.1, 0.025²) in [0, 0.2].")
    try require(
      velocityDeviation, .atLeast(0), "\(path).velocityDeviation", remedy: "The paper's is 0.2.")
    try requireSpectrumWidths(
      spectrumWidthMinimum, spectrumWidthMaximum, at: path, paper: (0.5, 4))
    try require(
      noiseDeviation == 0 || storage == .frames, "\(path).noiseDeviation", found: noiseDeviation,
      allowed: "0 with storage: spectra",
      remedy: "Say storage=frames, or add the noise in training: data.noise=\(noiseDeviation).")
  }
}
