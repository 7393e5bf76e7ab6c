// The settings of a sparse polynomial model. Brunton, Proctor, Kutz, PNAS 113, 3932 (2016); Vlachas
// et al., Nature Machine Intelligence 4, 359 (2022).
public import KymoData
public import KymoNumerics

/// The settings of SINDy.
///
/// **Good values.** Degree 3 and a threshold of 1e-5 for FitzHugh–Nagumo latents, 3 and 1e-4 for
/// Kuramoto–Sivashinsky latents, both in units of scaled latents.
public struct SINDyConfiguration: Settings {
  /// What the terms are fitted to.
  public enum TimeModel: String, SettingChoice {
    /// Derivatives: ż = Ξᵀ θ(z), integrated over a coarse step.
    case continuous
    /// The next frame: z_{t+1} = Ξᵀ θ(z_t).
    case discrete
  }

  /// What the terms are fitted to.
  public var timeModel = TimeModel.continuous
  /// Degree of the polynomial terms; 0 leaves only the constant.
  public var polynomialDegree = 3
  /// Terms sin(m z_j), cos(m z_j) for m = 1 … this number.
  public var harmonicCount = 0
  /// Coefficients of smaller magnitude are set to zero.
  public var threshold = 1e-4
  /// α of |Θ ξ − y|² + α |ξ|² in each round of thresholding.
  public var ridgePenalty = 0.05
  /// Whether the terms that are left are fitted once more without α.
  public var isUnbiased = true
  /// Rounds of thresholding at most.
  public var maximumRounds = 20
  /// Whether series are smoothed first: Savitzky and Golay, window 7, order 3.
  public var isSmoothed = false
  /// How many times as dense cubic splines make the frames before the fit of a continuous model.
  public var interpolationFactor = 1
  /// How latents are scaled, with numbers of the training series; coefficients are those of scaled
  /// latents.
  public var scaling = ChannelScaler.Kind.minMaxZeroOne
  /// Part of the range by which minimum and maximum are moved outwards at either end.
  public var scalingSlack = 0.05
  /// Relative tolerance of the integration.
  public var relativeTolerance = 1e-8
  /// A latent further from zero than this many times the training data's largest magnitude or
  /// range, in scaled units, has diverged.
  public var divergenceFactor = 1000.0

  /// Creates the default settings.
  public init() {}

  /// Frames that every training series has at least: derivatives need neighbours.
  public static let fewestFrames = SeriesDerivatives.fewestFrames

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "sindy") throws(ConfigurationError) {
    try require(
      polynomialDegree, .within(0...9), "\(path).polynomialDegree",
      remedy: "1, 2 and 3 are usual tries.")
    try require(
      harmonicCount, .within(0...100), "\(path).harmonicCount", remedy: "0 leaves them out.")
    try require(
      threshold, .atLeast(0), "\(path).threshold", remedy: "1e-3, 1e-4 and 1e-5 are usual tries.")
    try require(ridgePenalty, .atLeast(0), "\(path).ridgePenalty", remedy: "0.05 is usual.")
    try require(maximumRounds, .atLeast(1), "\(path).maximumRounds", remedy: "20 is usual.")
    try require(
      interpolationFactor, .atLeast(1), "\(path).interpolationFactor", remedy: "1 and 5 are usual.")
    try require(
      interpolationFactor == 1 || timeModel == .continuous, "\(path).interpolationFactor",
      found: interpolationFactor, allowed: "1 for a discrete model",
      remedy: "Leave it out, or set \(path).timeModel to continuous.")
    try require(scalingSlack, .atLeast(0), "\(path).scalingSlack", remedy: "0.05 is usual.")
    try require(
      (1e-13...1e-2).contains(relativeTolerance), "\(path).relativeTolerance",
      found: relativeTolerance, allowed: "in 1e-13 ... 1e-2", remedy: "1e-8 is usual.")
    try require(divergenceFactor, .atLeast(1), "\(path).divergenceFactor", remedy: "1000 is usual.")
  }
}
