// The settings of Gray-Scott recordings, a system of our own beside those of the papers; the range
// of F and k is one in which spots and stripes grow (Pearson, Science 261, 189 (1993)).
public import KymoNumerics

/// The settings of recordings of the Gray–Scott equations
/// `uₜ = D_u ∇²u − uv² + F(1 − u)`, `vₜ = D_v ∇²v + uv² − (F + k)v` in a periodic rectangle, F and
/// k differing from one recording to the next.
///
/// A recording has two channels, u and v. Lengths are in mesh spacings, time in units of the
/// reaction. A recording of the default size takes 2.6 MB.
public struct GrayScottConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = GrayScott
  /// The system's name in commands and recipes.
  public static let identifier = "gray-scott"
  /// The system's name.
  public static let systemName = "Gray–Scott"
  /// Feed and removal rate.
  public static let parameterNames = ["F", "k"]
  /// The two concentrations.
  public static let channelNames = ["u", "v"]

  /// Number of recordings; at least 1.
  public var recordings = 200
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Points at distance 1 along the first side; even, with no prime factor above 5.
  public var rows = 64
  /// Points at distance 1 along the second side; even, with no prime factor above 5.
  public var columns = 80
  /// Stored frames; at least 2.
  public var frameCount = 64
  /// Time between stored frames.
  public var frameInterval = 10.0
  /// Time before the first stored frame, in frame intervals: at first, random blobs grow into
  /// fields.
  public var spinUpFrames = 4
  /// Diffusivity of u.
  public var diffusivityU = 0.16
  /// Diffusivity of v.
  public var diffusivityV = 0.08
  /// Mean of the normal distribution of F before truncation.
  public var feedMean = 0.04
  /// Standard deviation of F before truncation; 0 gives all recordings the mean.
  public var feedDeviation = 0.0025
  /// Smallest F; draws below are redrawn.
  public var feedMinimum = 0.03
  /// Largest F; draws above are redrawn.
  public var feedMaximum = 0.05
  /// Mean of the normal distribution of k before truncation.
  public var killMean = 0.0605
  /// Standard deviation of k before truncation; 0 gives all recordings the mean.
  public var killDeviation = 0.0005
  /// Smallest k; draws below are redrawn.
  public var killMinimum = 0.0585
  /// Largest k; draws above are redrawn.
  public var killMaximum = 0.0625
  /// Blobs of v in the beginning, at random places.
  public var blobCount = 12
  /// Standard deviation of each Gaussian blob, in mesh spacings.
  public var blobRadius = 3.0
  /// Standard deviation of the noise added once to every stored sample.
  public var noiseDeviation = 0.0
  /// Time steps between stored frames; at least 1.
  public var substeps = 5

  /// Creates the default settings: 200 recordings.
  public init() {}

  /// A torus whose points have the distance 1.
  public var grid: Grid { Grid([rows, columns].map { .init($0, spacing: 1, .periodic) }) }

  var feed: ParameterDistribution {
    ParameterDistribution(
      name: "feed", mean: feedMean, deviation: feedDeviation, minimum: feedMinimum,
      maximum: feedMaximum)
  }
  var kill: ParameterDistribution {
    ParameterDistribution(
      name: "kill", mean: killMean, deviation: killDeviation, minimum: killMinimum,
      maximum: killMaximum)
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 64)
    for (name, points) in [("rows", rows), ("columns", columns)] {
      try requireMesh(points, "\(path).\(name)")
      try require(points, .atMost(4096), "\(path).\(name)", remedy: "64 and 80 are the defaults.")
    }
    try require(spinUpFrames, .atLeast(0), "\(path).spinUpFrames", remedy: "4 is the default.")
    try require(diffusivityU, .above(0), "\(path).diffusivityU", remedy: "0.16 is the default.")
    try require(diffusivityV, .above(0), "\(path).diffusivityV", remedy: "0.08 is the default.")
    try feed.validate(at: path, remedy: "The default draws N(0.04, 0.0025²) in [0.03, 0.05].")
    try kill.validate(at: path, remedy: "The default draws N(0.0605, 0.0005²) near 0.06.")
    try require(
      blobCount, .within(1...10_000), "\(path).blobCount",
      remedy: "Without v nothing happens; 12 is the default.")
    try require(blobRadius, .above(0), "\(path).blobRadius", remedy: "3 is the default.")
    try require(
      substeps, .within(1...100_000), "\(path).substeps",
      remedy: "5, a time step of 2, suit the defaults.")
  }
}
