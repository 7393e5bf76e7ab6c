// The architecture of a reduction whose lifting is a probability density. Vlachas et al., Nature
// Machine Intelligence 4, 359 (2022), SI: permutation-invariant encoder and mixture-density
// decoder.
public import KymoNN
public import KymoNumerics

/// The settings of a reduction to a density.
///
/// A state is a set of particles, of any number, or a vector, which is a set of one. Its latents
/// are `z = g(mean of φ over the particles)`; a state of given latents is drawn from a mixture of
/// Gaussians, particle by particle. Where some components are angles, a kernel is a product over
/// the components: Gaussians of numbers, von Mises distributions of angles.
///
/// **Good values.** Eight latents and five kernels for the paper's particles in three dimensions;
/// one latent and three kernels for the Müller–Brown potential, five for a molecule.
public struct DensityConfiguration: Settings {
  /// Number of latents; at least 1.
  public var latentCount = 8
  /// Hidden layers of φ, g and the decoder.
  public var hiddenLayers = 2
  /// Units of a hidden layer.
  public var hiddenWidth = 50
  /// Numbers of φ that are averaged over the particles.
  public var pooledWidth = 50
  /// The function behind hidden layers.
  public var activation = Activation.celu
  /// Kernels of the mixture, K.
  public var kernelCount = 5
  /// Which components of a state, counted from 0, are angles in radians.
  public var angles: [Int] = []
  /// How the mixture depends on the latents.
  public var kernels = Kernels.dependent
  /// Whether every component of a state but angles stays in the range of the training data: the
  /// mixture is one of an unbounded variable then.
  public var isBounded = true
  /// The variable of the mixture where states are bounded.
  public var boundedVariable = BoundedVariable.logit
  /// Part of the range by which it is widened at either end.
  public var scalingSlack = 0.0

  /// What of a mixture depends on the latents.
  public enum Kernels: String, SettingChoice {
    /// All of it.
    case dependent
    /// The weights alone; the Gaussians are found first, and kept. With one latent this keeps the
    /// mixture from falling onto one kernel.
    case shared
  }

  /// A variable v without bounds for a number s between 0 and 1.
  public enum BoundedVariable: String, SettingChoice {
    /// v = log(s/(1 − s)), the paper's.
    case logit
    /// s = Φ(v), the normal distribution: a constant density of s is one Gaussian of v, as it is
    /// beside walls that reflect.
    case probit
  }

  /// Creates the default settings.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "density") throws(ConfigurationError) {
    for (name, value, usual) in [
      ("latentCount", latentCount, 8), ("hiddenWidth", hiddenWidth, 50),
      ("pooledWidth", pooledWidth, 50), ("kernelCount", kernelCount, 5),
    ] {
      try require(value, .atLeast(1), "\(path).\(name)", remedy: "\(usual) is the default.")
    }
    try require(hiddenLayers, .atLeast(0), "\(path).hiddenLayers", remedy: "2 is the default.")
    try require(
      scalingSlack, .within(0..<1), "\(path).scalingSlack",
      remedy: "0 suits boxes with walls, 0.1 states without bounds.")
  }
}
