// How a reduction and a propagator are trained together (end to end). Vlachas et al., Nature
// Machine Intelligence 4, 359 (2022), methods, and the settings of its scripts.
import KymoNN
public import KymoNumerics
public import KymoPropagation

/// The training of a reduction and a recurrent propagator as one network.
///
/// **Good values.** The paper's text says reconstruction and forecast; its released FitzHugh–Nagumo
/// network was trained with the two forecasts alone, which is the default.
public struct JointTraining: Settings {
  /// Whether the error of decoded encodings counts: (D(z) − s)².
  public var hasReconstructionLoss = false
  /// Whether the error of decoded predictions counts: (D(ẑ) − s)².
  public var hasOutputLoss = true
  /// Whether the error of predicted latents counts: (ẑ − z)².
  public var hasLatentLoss = true
  /// Whether the latents that are to be predicted pass no gradient on.
  public var detachesLatentTargets = false
  /// Whether the last frame of a window is encoded too, so that its prediction counts in the latent
  /// loss.
  public var latentLossUsesLastFrame = false
  /// Windows, optimiser and learning rate; `inputNoise` is noise on scaled fields, not on targets.
  public var windows = PropagatorTraining()

  /// Creates the default training.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "joint") throws(ConfigurationError) {
    try windows.validate(at: "\(path).windows")
    try require(
      windows.average == .arithmetic, "\(path).windows.average", found: windows.average.rawValue,
      allowed: "arithmetic", remedy: "Train the propagator alone for other means.")
    try require(
      windows.finish == nil, "\(path).windows.finish", found: "given", allowed: "left out",
      remedy: "Train the propagator alone for a last part on longer windows.")
    try require(
      hasReconstructionLoss || hasOutputLoss || hasLatentLoss, "\(path).hasOutputLoss",
      found: "false, as the other losses are", allowed: "true for one of them",
      remedy: "The paper uses hasOutputLoss and hasLatentLoss.")
    // Without its last frame a window must have a latent target that counts.
    try require(
      !hasLatentLoss || latentLossUsesLastFrame || windows.firstCounted < windows.windowLength - 1,
      "\(path).hasLatentLoss", found: "true where only a window's last step counts",
      allowed: "true with latentLossUsesLastFrame", remedy: "Set latentLossUsesLastFrame.")
  }
}
