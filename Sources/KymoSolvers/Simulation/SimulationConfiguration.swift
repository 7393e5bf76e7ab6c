// What the settings of all simulated systems have in common, and the checks that they share.
public import KymoNumerics

/// The settings of a simulated data set.
public protocol SimulationConfiguration: Settings {
  /// What simulates it.
  associatedtype Simulator: RecordingSimulator where Simulator.Configuration == Self

  /// The system's name in commands and recipes, such as `ks`.
  static var identifier: String { get }
  /// The system's name, as data files and reports say it.
  static var systemName: String { get }
  /// Names of the hidden parameters, in the order in which they are stored.
  static var parameterNames: [String] { get }
  /// Units of the hidden parameters; empty where they have none.
  static var parameterUnits: [String] { get }
  /// Names of the channels.
  static var channelNames: [String] { get }
  /// Names of the channels with these settings, where they depend on them.
  var channels: [String] { get }
  /// What one state is.
  static var stateKind: StateKind { get }

  /// Number of recordings; at least 1.
  var recordings: Int { get set }
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  var seed: UInt64 { get set }
  /// Stored frames, the initial state being the first; at least 2.
  var frameCount: Int { get }
  /// Time between stored frames.
  var frameInterval: Double { get }
  /// Points of a stored frame, lengths and ends of space; values at walls are zero.
  var grid: Grid { get }
  /// Names of the axis that is propagated along and of the space axes.
  var axisNames: [String] { get }
  /// Units of these axes; empty where they have none.
  var axisUnits: [String] { get }
  /// Standard deviation of the noise added once to every stored sample.
  var noiseDeviation: Double { get set }

  /// Creates the default settings.
  init()
  /// Throws the first setting that cannot work.
  func validate(at path: String) throws(ConfigurationError)
}

extension SimulationConfiguration {
  /// No units.
  public static var parameterUnits: [String] { [] }
  /// The same for all settings.
  public var channels: [String] { Self.channelNames }
  /// A field over space.
  public static var stateKind: StateKind { .field }
  /// Time, then space.
  public var axisNames: [String] { ["t"] + ["x", "y"].prefix(spaceShape.count) }
  /// No units.
  public var axisUnits: [String] { [] }
  /// Points of a stored frame along every space axis.
  public var spaceShape: [Int] { grid.shape }
  /// Shape of one recording: channels, frames, points.
  public var recordingShape: [Int] { [channels.count, frameCount] + spaceShape }

  /// The simulator of these settings; throws the first setting that cannot work.
  public func makeSimulator() throws(ConfigurationError) -> Simulator {
    try Simulator(configuration: self)
  }

  /// Checks the settings that every system has.
  func validateCommon(at path: String, frames: Int) throws(ConfigurationError) {
    try require(recordings, .atLeast(1), "\(path).recordings", remedy: "The paper trains on 5000.")
    try require(frameCount, .atLeast(2), "\(path).frameCount", remedy: "\(frames) is the default.")
    try require(
      frameInterval, .above(0), "\(path).frameInterval", remedy: "Leave it out if unsure.")
    try require(
      noiseDeviation, .atLeast(0), "\(path).noiseDeviation",
      remedy: "The paper's noisy set has 0.1.")
  }
}

/// Throws unless a mesh has a fast transform and at least 16 points.
func requireMesh(_ points: Int, _ path: String) throws(ConfigurationError) {
  try require(
    points >= 16 && FourierTransform.exists(realPoints: points), path, found: points,
    allowed: "even, from 16 to 1048576, a product of 2, 3 and 5", remedy: "Try 256.")
}

/// Throws unless a time step and an internal mesh can work.
func requireResolution(
  meshFactor: Double, substeps: Int, at path: String, remedies: (mesh: String, step: String)
) throws(ConfigurationError) {
  try require(meshFactor, .within(1...32), "\(path).meshFactor", remedy: remedies.mesh)
  try require(substeps, .within(1...100_000), "\(path).substeps", remedy: remedies.step)
}

/// Throws unless the widths of random initial spectra are a range.
func requireSpectrumWidths(
  _ minimum: Double, _ maximum: Double, at path: String, paper: (Double, Double)
) throws(ConfigurationError) {
  try require(
    minimum, .above(0), "\(path).spectrumWidthMinimum", remedy: "The default is \(paper.0).")
  try require(
    maximum.isFinite && maximum >= minimum, "\(path).spectrumWidthMaximum", found: maximum,
    allowed: "a number from spectrumWidthMinimum, \(minimum), upwards",
    remedy: "The default is \(paper.1).")
}

/// A truncated normal distribution of a hidden parameter, from settings `nameMean` and so on.
struct ParameterDistribution {
  var name: String
  var mean: Double
  var deviation: Double
  var minimum: Double
  var maximum: Double

  /// Throws the first setting that cannot work; `remedy` says the usual distribution.
  func validate(at path: String, remedy: String) throws(ConfigurationError) {
    try require(
      mean.isFinite && maximum.isFinite && minimum.isFinite && minimum <= mean && mean <= maximum,
      "\(path).\(name)Mean", found: mean,
      allowed: "from \(name)Minimum, \(minimum), to \(name)Maximum, \(maximum)",
      remedy: "Move the bounds or the mean; \(remedy)")
    try require(deviation, .atLeast(0), "\(path).\(name)Deviation", remedy: remedy)
    // Draws outside the range are repeated, which must not take for ever.
    let range = maximum - minimum
    try require(
      deviation <= 100 * range || deviation == 0, "\(path).\(name)Deviation", found: deviation,
      allowed: "at most 100 times the distance of \(name)Minimum and \(name)Maximum, \(range)",
      remedy: "Set it to 0 to give all recordings the same value.")
  }

  func draw(using stream: inout RandomStream) -> Double {
    stream.truncatedNormal(mean: mean, standardDeviation: deviation, in: minimum...maximum)
  }
}

/// The first mesh length from `pointCount × factor` upwards that has a fast transform.
func internalMesh(_ pointCount: Int, factor: Double) -> Int {
  var count = Int((Double(pointCount) * factor).rounded(.up))
  while !FourierTransform.exists(realPoints: count) { count += 1 }
  return count
}
