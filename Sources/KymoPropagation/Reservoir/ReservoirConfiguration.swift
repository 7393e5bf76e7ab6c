// The settings of a reservoir computer. Vlachas et al., Nature Machine Intelligence 4, 359 (2022).
public import KymoData
public import KymoNumerics

/// The settings of a reservoir computer.
///
/// **Good values.** 1,000 units, σ = 1, β = 1e-5 for FitzHugh–Nagumo latents; σ = 2, β = 0 for
/// Kuramoto–Sivashinsky latents; 8,000 units, σ = 1, β = 1e-5 for its full state of 64 points.
public struct ReservoirConfiguration: Settings {
  /// Number of reservoir units; rounded up to a multiple of the number of latents.
  public var unitCount = 1000
  /// Mean number of units that are connected to a unit.
  public var degree = 10.0
  /// Spectral radius of the recurrent matrix after scaling.
  public var spectralRadius = 0.99
  /// Input weights are uniform on [−σ, σ], σ.
  public var inputScale = 1.0
  /// β of |W H − Y|² + β |W|²; 0 takes the pseudo-inverse.
  public var ridgePenalty = 1e-5
  /// Reservoir states at the start of each series that are not fitted to.
  public var washOutSteps = 100
  /// Normal noise on the inputs while fitting, in thousandths of each latent's standard deviation.
  public var inputNoisePerMille = 0.0
  /// How latents are scaled, with numbers of the training series.
  public var scaling = ChannelScaler.Kind.minMaxZeroOne
  /// Part of the range by which minimum and maximum are moved outwards at either end.
  public var scalingSlack = 0.05
  /// Seed of the recurrent matrix, the input weights and the noise.
  public var seed: UInt64 = 7

  /// Creates the default settings.
  public init() {}

  /// Frames that every training series has at least: those that are dropped, an input, a target.
  public var fewestFrames: Int { min(washOutSteps, .max - 2) + 2 }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "reservoir") throws(ConfigurationError) {
    try require(
      unitCount, .within(1...100_000), "\(path).unitCount",
      remedy: "1000 is usual for a few latents, 8000 for a full state of 64 numbers.")
    try require(degree, .atLeast(1), "\(path).degree", remedy: "10 is usual.")
    try require(
      spectralRadius, .between(0, 10), "\(path).spectralRadius",
      remedy: "Start at 0.99; below 1 a reservoir usually forgets its initial state.")
    try require(
      inputScale, .above(0), "\(path).inputScale", remedy: "0.5, 1 and 2 are usual tries.")
    try require(
      ridgePenalty, .atLeast(0), "\(path).ridgePenalty",
      remedy: "0, 1e-5, 1e-4 and 1e-3 are usual tries.")
    try require(washOutSteps, .atLeast(0), "\(path).washOutSteps", remedy: "100 is usual.")
    try require(
      inputNoisePerMille, .atLeast(0), "\(path).inputNoisePerMille",
      remedy: "0 is no noise, 10 is one hundredth of a standard deviation.")
    try require(scalingSlack, .atLeast(0), "\(path).scalingSlack", remedy: "0.05 is usual.")
  }
}
