// How an autoencoder is trained: loss, batches, and how the loss is lowered.
import Foundation
public import KymoNN
public import KymoNumerics

/// The training of an autoencoder.
public struct ReductionTraining: Settings {
  /// States in a batch.
  public var batchSize = 32
  /// How the loss is lowered; the paper has rounds of falling learning rates instead.
  public var phase = Descent(
    .adaBelief, steps: 40_000, .oneCycle(.init(peak: 2e-3, warmupFraction: 0.1)))
  /// Standard deviation of the noise on scaled inputs; the target stays clean.
  public var inputNoise = 0.0
  /// Standard deviation of the noise on latents at the start, as a part of their own over a batch;
  /// it falls to zero by the end, as the square of the part of the training that is left.
  ///
  /// Without noise an autoencoder may encode different states by tiny differences of latents, and
  /// an equal error of a propagator is then large; with noise states are spread over the range of
  /// the latents. Variational latents have their own.
  public var latentNoise = 0.0
  /// How the errors of states become one loss; not for variational latents.
  public var average = ErrorAverage.arithmetic
  /// Where in space errors count more; absent means that all count alike.
  ///
  /// Validation is without.
  public var emphasis: SpaceEmphasis?
  /// Largest KL weight β of variational latents; 1 is the plain variational autoencoder.
  public var beta = 1.0

  /// Creates the default training.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "training") throws(ConfigurationError) {
    try require(batchSize, .atLeast(1), "\(path).batchSize", remedy: "The paper uses 32.")
    for (name, value) in [
      ("inputNoise", inputNoise), ("latentNoise", latentNoise), ("beta", beta),
    ] {
      try require(value, .atLeast(0), "\(path).\(name)", remedy: "0 switches it off.")
    }
    try emphasis?.validate(at: "\(path).emphasis")
    try phase.validate(at: "\(path).phase")
  }
}

extension ReductionTraining: FormerSettings {
  /// Settings of the phase were beside the others once.
  package static var formerKeys: [String: String] {
    var moved = ["optimizer", "weightDecay", "gradientClip"].reduce(into: [:]) {
      $0[$1] = "Write it as phase.\($1)."
    }
    moved["course"] =
      "Write phase with steps and learningRate, or with rounds, as in phase: {steps: 40000}."
    return moved
  }
}

/// The growing KL weight: β(e) = β_max (1 − k / (k + exp(e / k))), k = (E/4) / W(E/4), with
/// W Lambert's function.
///
/// - Parameters:
///   - epoch: Finished epochs, e.
///   - epochs: Most epochs, E.
/// - Returns: β(e) / β_max.
package func divergenceWeight(epoch: Double, of epochs: Double) -> Double {
  let quarter = max(epochs, 1) / 4
  // Newton's method for w exp w = quarter; w log-like at large arguments.
  var w = log1p(quarter)
  for _ in 0..<50 { w -= (w * exp(w) - quarter) / (exp(w) * (w + 1)) }
  let k = quarter / w
  return 1 - k / (k + exp(epoch / k))
}
