// What the parameter VAE is made of. Lu, Kim and Soljacic, "Extracting interpretable physical
// parameters from spatiotemporal systems using unsupervised learning", PRX 10, 031056 (2020).
public import KymoNumerics

/// How kernels of the propagating decoder depend on the latents.
public enum KernelNetwork: String, SettingChoice {
  /// A two-layer perceptron for each kernel and each bias, as in the paper.
  case perceptron
  /// Affine in the latents: `K(z) = K₀ + Σ zᵢ Kᵢ`.
  case affine
  /// Of second order in the latents: `K(z) = K₀ + Σ zᵢ Kᵢ + Σ zᵢ zⱼ Kᵢⱼ`.
  ///
  /// For equations that are linear in the state and in their parameters: the step over a frame is
  /// `1 + tL + t²L²/2 + …`.
  case quadratic
}

/// The architecture of the parameter VAE.
public struct ParameterModelConfiguration: Settings {
  /// Number of latents offered; those that are not needed collapse.
  ///
  /// The paper uses 5.
  public var latents = 5
  /// Spacing of the positions at which training evaluates the encoder: 1 (all), 2 or 4.
  ///
  /// The network and its weights are the same for every spacing; 4 needs 16 times fewer operations
  /// in one space dimension.
  public var encoderStride = 4
  /// Hidden channels of the propagating decoder; multiples of 16 run in the fused kernel.
  public var hiddenChannels = 16
  /// Middle layers of the propagating decoder; the fused kernel takes 1.
  public var middleLayers = 1
  /// How kernels depend on the latents.
  public var kernelNetwork = KernelNetwork.perceptron
  /// Hidden units of every kernel's perceptron; 0 takes the paper's rule (4 units a kernel row).
  public var kernelUnits = 0
  /// Factor on the decoder's output inside tanh; 10⁻⁶ in the paper's code.
  public var incrementScale = 1e-6
  /// Taps of a linear path beside the three layers: odd, up to 13; 0 for none (the paper).
  ///
  /// It learns linear equations faster. It is not trained on waves that no recording contains, so
  /// that long rollouts of chaotic fields may diverge with it
  /// (docs/decisions/0004-training-recipe.md).
  public var linearWidth = 0
  /// Probability that averaging dropout drops a position in training; 0 in the paper's runs.
  public var averagingDropout = 0.0
  /// Whether μ is normalised over the training crops; folded into the head in the saved model.
  public var normalizedMeans = true
  /// Whether the μ head starts from principal components of the data.
  public var dataStart = true

  /// Creates the default architecture.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "model") throws(ConfigurationError) {
    try require(
      latents, .within(1...64), "\(path).latents",
      remedy: "5 is a good start: unused latents collapse.")
    try require(
      [1, 2, 4].contains(encoderStride), "\(path).encoderStride", found: encoderStride,
      allowed: "1, 2 or 4", remedy: "4 is the fastest; use 2 or 1 for very noisy data.")
    try require(
      hiddenChannels, .atLeast(1), "\(path).hiddenChannels",
      remedy: "The paper uses 16, and 64 for refinement; multiples of 16 are fast.")
    try require(middleLayers, .atLeast(1), "\(path).middleLayers", remedy: "The paper uses 1.")
    try require(
      kernelUnits, .atLeast(0), "\(path).kernelUnits", remedy: "0 takes the paper's rule.")
    try require(
      incrementScale, .above(0), "\(path).incrementScale", remedy: "The paper's code has 1e-6.")
    try require(
      linearWidth == 0 || (linearWidth <= 13 && linearWidth > 0 && linearWidth % 2 == 1),
      "\(path).linearWidth", found: linearWidth, allowed: "0 or an odd number up to 13",
      remedy: "13 covers the whole neighbourhood of a step.")
    try require(
      averagingDropout, .within(0..<1), "\(path).averagingDropout",
      remedy: "The paper's runs have 0.")
  }
}
