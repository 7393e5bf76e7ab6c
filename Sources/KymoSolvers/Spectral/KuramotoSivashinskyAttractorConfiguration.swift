// The settings of the Kuramoto-Sivashinsky equation on a short periodic domain; the defaults are
// those of Vlachas, Arampatzis, Uhler and Koumoutsakos, Nat. Mach. Intell. 4 (2022), arXiv
// 2006.13431, but for a time step of the same accuracy, which takes 5 steps between frames instead
// of 1,000.
public import KymoNumerics

/// The settings of the Kuramoto–Sivashinsky equation `uₜ = −u uₓ − uₓₓ − uₓₓₓₓ` on the periodic
/// domain `[0, L)`, for long recordings on its attractor and for a solver that is started from
/// fields.
///
/// All quantities are nondimensional. A recording starts from small noise of mean zero (the mean is
/// conserved, so all recordings are on one attractor), and its first frame comes after a transient
/// that is discarded. For L = 22 the Lyapunov time is 20.8.
public struct KuramotoSivashinskyAttractorConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = KuramotoSivashinskyAttractor
  /// The system's name in commands and recipes.
  public static let identifier = "ks22"
  /// The system's name.
  public static let systemName = "Kuramoto–Sivashinsky attractor"
  /// No parameter differs between recordings.
  public static let parameterNames: [String] = []
  /// The field.
  public static let channelNames = ["u"]

  /// Number of recordings; at least 1.
  public var recordings = 1
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Length L of the periodic domain.
  public var length = 22.0
  /// Points of the mesh; even, with no prime factor above 5.
  public var pointCount = 64
  /// Stored frames; at least 2.
  public var frameCount = 15_000
  /// Time between stored frames, Δt.
  public var frameInterval = 0.25
  /// Time steps δt between stored frames; at least 1.
  ///
  /// With L = 22, 5 reproduce t = 10 to 6·10⁻⁷, 1 to 10⁻⁴, the paper's 1,000 to rounding.
  public var substeps = 5
  /// Time before the first stored frame, in frame intervals; by default 1,000 units of time.
  public var spinUpFrames = 4000
  /// Width of the uniform noise that a recording starts from.
  public var initialWidth = 0.01
  /// Standard deviation of the noise added once to every stored sample.
  public var noiseDeviation = 0.0

  /// Creates the default settings: one recording of 15,000 frames.
  public init() {}

  /// Periodic.
  public var grid: Grid { Grid([.init(pointCount, extent: length, .periodic)]) }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 15_000)
    try requireMesh(pointCount, "\(path).pointCount")
    try require(length, .above(0), "\(path).length", remedy: "The paper's length is 22.")
    try require(
      substeps, .within(1...100_000), "\(path).substeps",
      remedy: "5, a time step of 0.05, suit the defaults.")
    try require(
      spinUpFrames, .atLeast(0), "\(path).spinUpFrames",
      remedy: "4000 frames, 1,000 units of time, are the paper's transient.")
    try require(
      initialWidth, .above(0), "\(path).initialWidth",
      remedy: "Without noise the field stays zero; the paper's width is 0.01.")
  }

  /// The mesh, the derivative and the time step, without transient.
  var flow: SpectralFlow {
    SpectralFlow(
      internalPointCount: pointCount, length: length, pointCount: pointCount,
      frameInterval: frameInterval, stepsPerFrame: substeps)
  }

  /// k² − k⁴ at every mode of the mesh.
  var linearSymbol: [Double] {
    (0...pointCount / 2).map { mode in
      let wavenumber = 2 * Double.pi * Double(mode) / length
      let squared = wavenumber * wavenumber
      return squared - squared * squared
    }
  }
}
