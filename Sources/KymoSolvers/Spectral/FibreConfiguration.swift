// The settings of recordings of light in a fibre: an envelope model of our own in place of the
// finite-difference time-domain simulations of Lu, Kim and Soljačić, Phys. Rev. X 10, 031056
// (2020), with parameters in the published ranges.
import Foundation
public import KymoNumerics

/// The settings of recordings of an envelope that travels along a fibre,
/// `A_z = −k₁ A_t − ½ i k₂ A_tt + iγ|A|²A`; inverse group velocity k₁, group-velocity dispersion k₂
/// and nonlinearity γ differ from one fibre to the next.
///
/// What a recording calls time, the axis of propagation, is the position z along the fibre in µm;
/// its space axis is the time t in fs at which light passes. A has two channels, its real and its
/// imaginary part, relative to the carrier.
public struct FibreConfiguration: SimulationConfiguration {
  /// What simulates it.
  public typealias Simulator = Fibre
  /// The system's name in commands and recipes.
  public static let identifier = "fibre"
  /// The system's name.
  public static let systemName = "light in a fibre"
  /// Inverse group velocity, group-velocity dispersion and nonlinearity.
  public static let parameterNames = ["k₁", "k₂", "γ"]
  /// fs/µm, fs²/µm and 1/µm.
  public static let parameterUnits = ["fs/µm", "fs²/µm", "1/µm"]
  /// The two parts of the envelope.
  public static let channelNames = ["Re A", "Im A"]

  /// Number of recordings; at least 1.
  public var recordings = 200
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Time that a recording sees, the step behind its last sample included, in fs.
  public var duration = 4000.0
  /// Times of a stored frame; even, with no prime factor above 5.
  public var pointCount = 800
  /// Stored positions along the fibre, its entrance being the first; at least 2.
  public var frameCount = 500
  /// Distance of stored positions, in µm.
  public var frameInterval = 0.15
  /// Mean of the normal distribution of k₁ before truncation, in fs/µm.
  public var slownessMean = 25.0
  /// Standard deviation of k₁ before truncation; 0 gives all recordings the mean.
  public var slownessDeviation = 9.0
  /// Smallest k₁; draws below are redrawn.
  public var slownessMinimum = 5.0
  /// Largest k₁; draws above are redrawn.
  public var slownessMaximum = 45.0
  /// Mean of the normal distribution of k₂ before truncation, in fs²/µm; positive dispersion is
  /// normal.
  public var dispersionMean = 120.0
  /// Standard deviation of k₂ before truncation; 0 gives all recordings the mean.
  public var dispersionDeviation = 110.0
  /// Smallest k₂; draws below are redrawn.
  public var dispersionMinimum = -120.0
  /// Largest k₂; draws above are redrawn.
  public var dispersionMaximum = 400.0
  /// Median of the log-normal distribution of γ, in 1/µm; 0 makes the fibre linear.
  public var nonlinearityMedian = 0.02
  /// Standard deviation of ln γ; 0 gives all recordings the median.
  public var nonlinearitySpread = 0.3
  /// Width w of the spectrum exp(−ω²/(2w²)) of the light that enters, in 1/fs; π/100.
  public var spectrumWidth = Double.pi / 100
  /// When the light is half switched on at the entrance, in fs from the start of the recording.
  public var switchOn = -500.0
  /// Time constant of the logistic function by which it is switched on, in fs.
  public var switchTime = 100.0
  /// Standard deviation of the noise added once to every stored sample.
  public var noiseDeviation = 0.0
  /// Length of the periodic time axis on which the equation is solved, in durations; at least 1,
  /// and so long that nothing that leaves the recording comes back.
  public var ringFactor = 4
  /// Points of the mesh on which the equation is solved, as a multiple of the stored ones; at least
  /// 1.
  public var meshFactor = 1.0
  /// Steps between stored positions; at least 1.
  public var substeps = 2

  /// Creates the default settings: 200 recordings.
  public init() {}

  /// Times from the first to the last one of a frame; light comes and goes.
  public var grid: Grid { Grid([.init(pointCount, spacing: duration / Double(pointCount), .open)]) }
  /// Position along the fibre, then time.
  public var axisNames: [String] { ["z", "t"] }
  /// µm and fs.
  public var axisUnits: [String] { ["µm", "fs"] }

  /// Points of the periodic time axis, with the stored frames' spacing.
  var ringPointCount: Int { ringFactor * pointCount }
  /// Where the recording begins on the periodic time axis: less of the rest lies before it than
  /// after it, because light is delayed.
  var firstPoint: Int { (ringFactor - 1) * pointCount * 3 / 8 }
  /// Points of the mesh on which the equation is solved.
  var internalPointCount: Int { internalMesh(ringPointCount, factor: meshFactor) }

  var slowness: ParameterDistribution {
    ParameterDistribution(
      name: "slowness", mean: slownessMean, deviation: slownessDeviation,
      minimum: slownessMinimum, maximum: slownessMaximum)
  }

  var dispersion: ParameterDistribution {
    ParameterDistribution(
      name: "dispersion", mean: dispersionMean, deviation: dispersionDeviation,
      minimum: dispersionMinimum, maximum: dispersionMaximum)
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try validateCommon(at: path, frames: 500)
    try requireMesh(pointCount, "\(path).pointCount")
    try require(duration, .above(0), "\(path).duration", remedy: "The default is 4000 fs.")
    try slowness.validate(at: path, remedy: "The default draws N(25, 9²) in [5, 45] fs/µm.")
    try dispersion.validate(
      at: path, remedy: "The default draws N(120, 110²) in [−120, 400] fs²/µm.")
    try require(
      nonlinearityMedian, .atLeast(0), "\(path).nonlinearityMedian",
      remedy: "The default is 0.02 per µm.")
    try require(
      nonlinearitySpread, .atLeast(0), "\(path).nonlinearitySpread", remedy: "The default is 0.3.")
    try require(
      spectrumWidth, .above(0), "\(path).spectrumWidth",
      remedy: "The default is π/100 = 0.0314 per fs.")
    try require(
      switchOn.isFinite, "\(path).switchOn", found: switchOn, allowed: "a number",
      remedy: "The default is −500 fs.")
    try require(switchTime, .above(0), "\(path).switchTime", remedy: "The default is 100 fs.")
    try require(
      (1...32).contains(ringFactor) && FourierTransform.exists(realPoints: 2 * ringPointCount),
      "\(path).ringFactor", found: ringFactor,
      allowed: "from 1 to 32, so that ringFactor × pointCount is a product of 2, 3 and 5",
      remedy: "4 suits the defaults.")
    try requireResolution(
      meshFactor: meshFactor, substeps: substeps, at: path,
      remedies: ("1 resolves the default spectrum.", "2 suit the defaults."))
  }
}
