// The settings of Kuramoto-Sivashinsky recordings; the defaults are the data set of Lu, Kim and
// Soljačić, "Extracting interpretable physical parameters from spatiotemporal systems using
// unsupervised learning", Phys. Rev. X 10, 031056 (2020), on an internal mesh and step of our own.
public import KymoNumerics

/// The settings of recordings of the Kuramoto–Sivashinsky equation
/// `uₜ = −γ uₓₓₓₓ − uₓₓ − u uₓ` on a ring, γ differing from one recording to the next.
///
/// All quantities are nondimensional.
public struct KuramotoSivashinskyConfiguration: Hashable, Codable, Sendable {
  /// Number of recordings; at least 1.
  public var recordings = 1000
  /// Seed of every random draw; recording i depends on the seed and on i alone.
  public var seed: UInt64 = 0
  /// Circumference of the ring; 64π.
  public var length = 64 * Double.pi
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

  /// Decodes onto the defaults; an unknown key is an error.
  public init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(CodingKeys.self)
    self.init()
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ key: CodingKeys, _ value: inout Value) throws {
      value = try settings.decodeIfPresent(Value.self, forKey: key) ?? value
    }
    try read(.recordings, &recordings)
    try read(.seed, &seed)
    try read(.length, &length)
    try read(.pointCount, &pointCount)
    try read(.frameCount, &frameCount)
    try read(.frameInterval, &frameInterval)
    try read(.dampingMean, &dampingMean)
    try read(.dampingDeviation, &dampingDeviation)
    try read(.dampingMinimum, &dampingMinimum)
    try read(.dampingMaximum, &dampingMaximum)
    try read(.spectrumWidthMinimum, &spectrumWidthMinimum)
    try read(.spectrumWidthMaximum, &spectrumWidthMaximum)
    try read(.noiseDeviation, &noiseDeviation)
    try read(.meshFactor, &meshFactor)
    try read(.substeps, &substeps)
  }

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case recordings, seed, length, pointCount, frameCount, frameInterval
    case dampingMean, dampingDeviation, dampingMinimum, dampingMaximum
    case spectrumWidthMinimum, spectrumWidthMaximum, noiseDeviation, meshFactor, substeps
  }

  /// Points of the mesh on which the equation is solved: the first length from
  /// `pointCount × meshFactor` upwards that has a fast transform.
  public var internalPointCount: Int {
    var count = Int((Double(pointCount) * meshFactor).rounded(.up))
    while !RealTransform.exists(pointCount: count) { count += 1 }
    return count
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "simulation") throws(ConfigurationError) {
    try require(
      recordings >= 1, "\(path).recordings", found: recordings, allowed: "at least 1",
      remedy: "The paper trains on 5000.")
    try require(
      pointCount >= 16 && RealTransform.exists(pointCount: pointCount), "\(path).pointCount",
      found: pointCount, allowed: "even, from 16 to 1048576, a product of 2, 3 and 5",
      remedy: "Try 256.")
    try require(
      frameCount >= 2, "\(path).frameCount", found: frameCount, allowed: "at least 2",
      remedy: "The paper stores 256.")
    try positive(length, "length", at: path, remedy: "The paper's ring is 64π = 201.06.")
    try positive(frameInterval, "frameInterval", at: path, remedy: "The paper's is π/8 = 0.3927.")
    try positive(
      dampingMinimum, "dampingMinimum", at: path,
      remedy: "Without damping of short waves the equation is ill-posed; the paper's is 0.5.")
    try require(
      dampingMean.isFinite && dampingMaximum.isFinite && dampingMinimum <= dampingMean
        && dampingMean <= dampingMaximum,
      "\(path).dampingMean", found: dampingMean,
      allowed: "from dampingMinimum, \(dampingMinimum), to dampingMaximum, \(dampingMaximum)",
      remedy: "Move the bounds or the mean; the paper draws N(1, 0.125²) in [0.5, 1.5].")
    try nonnegative(
      dampingDeviation, "dampingDeviation", at: path, remedy: "The paper's is 0.125.")
    // Draws outside the range are repeated, which must not take for ever.
    let range = dampingMaximum - dampingMinimum
    try require(
      dampingDeviation <= 100 * range || dampingDeviation == 0, "\(path).dampingDeviation",
      found: dampingDeviation,
      allowed: "at most 100 times the distance of dampingMinimum and dampingMaximum, \(range)",
      remedy: "Set it to 0 to give all recordings the same damping.")
    try positive(
      spectrumWidthMinimum, "spectrumWidthMinimum", at: path, remedy: "The paper's is 0.0625.")
    try require(
      spectrumWidthMaximum.isFinite && spectrumWidthMaximum >= spectrumWidthMinimum,
      "\(path).spectrumWidthMaximum", found: spectrumWidthMaximum,
      allowed: "a number from spectrumWidthMinimum, \(spectrumWidthMinimum), upwards",
      remedy: "The paper's is 0.5.")
    try nonnegative(
      noiseDeviation, "noiseDeviation", at: path, remedy: "The paper's noisy set has 0.1.")
    try require(
      meshFactor >= 1 && meshFactor <= 32, "\(path).meshFactor", found: meshFactor,
      allowed: "from 1 to 32", remedy: "1.5 resolves every γ of the paper to rounding of Float.")
    try require(
      substeps >= 1 && substeps <= 100_000, "\(path).substeps", found: substeps,
      allowed: "from 1 to 100000", remedy: "20 suit the paper's settings.")
  }

  private func positive(
    _ value: Double, _ name: String, at path: String, remedy: String
  ) throws(ConfigurationError) {
    try require(
      value.isFinite && value > 0, "\(path).\(name)", found: value, allowed: "a positive number",
      remedy: remedy)
  }

  private func nonnegative(
    _ value: Double, _ name: String, at path: String, remedy: String
  ) throws(ConfigurationError) {
    try require(
      value.isFinite && value >= 0, "\(path).\(name)", found: value, allowed: "0 or above",
      remedy: remedy)
  }
}
