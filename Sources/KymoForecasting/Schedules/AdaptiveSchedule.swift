// When to leave the latent space and when to return to it, decided by the forecast itself instead
// of by a fixed ratio: the idea of AdaLED, Kičić, Vlachas, Arampatzis, Chatzimanolakis, Guibas and
// Koumoutsakos, CMAME 415, 116204 (2023), doi:10.1016/j.cma.2023.116204.
public import KymoNumerics

/// Bounds of adaptive switching; distances are in units of the latents' spread over training data.
///
/// An ensemble of propagators advances latents while its members agree. When they disagree by more
/// than a bound, or after a maximum number of steps, the solver computes a burst of frames. At its
/// end the propagators, warmed up on the first part of the burst, forecast the rest of it; while
/// that forecast differs from the solver's frames by more than a bound, another burst follows.
public struct AdaptiveSchedule: Settings {
  /// Most latent steps in a row; at least 1.
  public var maximumMacroSteps = 1000
  /// Coarse steps of a burst of the solver; at least 1.
  public var microSteps = 10
  /// Frames at the end of a burst that the propagators forecast; from 1 to `microSteps`.
  public var comparisonSteps = 5
  /// Root mean square over latents of the members' standard deviation at which latent steps end.
  public var maximumDisagreement = 0.05
  /// Root mean square distance of forecast and solver over latents and compared frames above which
  /// the solver goes on.
  public var maximumMismatch = 0.05

  /// Creates the default bounds.
  public init() {}

  /// Throws the first bound that cannot work.
  public func validate(at path: String = "adaptive") throws(ConfigurationError) {
    try require(
      maximumMacroSteps, .atLeast(1), "\(path).maximumMacroSteps",
      remedy: "It is the most latent steps between two bursts.")
    try require(
      microSteps, .atLeast(1), "\(path).microSteps",
      remedy: "It is the length of a burst of the solver; 10 is a good start.")
    try require(
      comparisonSteps, .within(1...microSteps), "\(path).comparisonSteps",
      remedy: "Half of microSteps is a good start.")
    for (key, bound) in [
      ("maximumDisagreement", maximumDisagreement), ("maximumMismatch", maximumMismatch),
    ] {
      try require(
        bound, .above(0), "\(path).\(key)",
        remedy: "It is a part of the latents' standard deviation; 0.05 is a good start.")
    }
  }
}
