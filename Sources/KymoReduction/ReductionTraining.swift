// How an autoencoder is trained: loss, batches, optimiser, and the course of the step size.
import Foundation
public import KymoNN
public import KymoNumerics

/// The training of an autoencoder.
public struct ReductionTraining: Settings {
  /// States in a batch.
  public var batchSize = 32
  /// What makes steps of gradients.
  public var optimizer = OptimizerChoice.adaBelief
  /// Decoupled decay of weights; 0 for none.
  public var weightDecay = 0.0
  /// Standard deviation of the noise on scaled inputs; the target stays clean.
  public var inputNoise = 0.0
  /// Standard deviation of the noise on latents at the start, as a part of their own over a batch; it falls
  /// to zero by the end, as the square of the part of the training that is left.
  ///
  /// Without noise nothing keeps an autoencoder from telling states apart by tiny differences of latents,
  /// and a propagator from being wrong by as much; with it states are spread over the latents evenly.
  /// Variational latents have their own.
  public var latentNoise = 0.0
  /// How the errors of states become one loss; not for variational latents.
  public var average = ErrorAverage.arithmetic
  /// Largest weight β of the divergence of variational latents; 1 is the plain variational autoencoder.
  public var beta = 1.0
  /// Bound on the gradient's Euclidean norm; 0 for none (the paper).
  public var gradientClip = 0.0
  /// The step size over the training, and its end.
  public var course = TrainingCourse.rounds(RoundSchedule())

  /// Creates the training of the paper.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "training") throws(ConfigurationError) {
    try require(
      batchSize >= 1, "\(path).batchSize", found: batchSize, allowed: "at least 1",
      remedy: "The paper uses 32.")
    for (name, value) in [
      ("weightDecay", weightDecay), ("inputNoise", inputNoise), ("latentNoise", latentNoise),
      ("beta", beta), ("gradientClip", gradientClip),
    ] {
      try require(
        value >= 0 && value.isFinite, "\(path).\(name)", found: value, allowed: "0 or more",
        remedy: "0 switches it off.")
    }
    try course.validate(at: "\(path).course")
  }
}

/// The step size over a training, and its end.
public enum TrainingCourse: Hashable, Codable, Sendable {
  /// Rounds of a falling step size with patience on validation, as in the paper.
  case rounds(RoundSchedule)
  /// A given number of steps under a schedule, which reaches the same accuracy sooner.
  case steps(FixedSteps)

  private enum CodingKeys: CodingKey, CaseIterable { case rounds, steps }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "course") throws(ConfigurationError) {
    switch self {
    case .rounds(let settings): try settings.validate(at: "\(path).rounds")
    case .steps(let settings): try settings.validate(at: "\(path).steps")
    }
  }
}

/// A training of a given number of steps.
public struct FixedSteps: Settings {
  /// Which weights are the result.
  public typealias Selection = Descent.Selection

  /// Number of steps.
  public var count = 40_000
  /// The step size.
  public var learningRate = LearningRateSchedule.oneCycle(.init(peak: 2e-3, warmupFraction: 0.1))
  /// Steps between validations; 0 for one at the end of every epoch.
  public var validationInterval = 0
  /// Which weights are the result.
  public var selection = Selection.best

  /// Creates the default settings.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "steps") throws(ConfigurationError) {
    try require(
      count >= 1, "\(path).count", found: count, allowed: "at least 1",
      remedy: "Some ten thousand train an autoencoder.")
    try require(
      validationInterval >= 0, "\(path).validationInterval", found: validationInterval,
      allowed: "0 or more", remedy: "0 validates after every epoch.")
    try learningRate.validate(at: "\(path).learningRate")
  }
}

/// The growing weight of the divergence: β(e) = β_max (1 − k / (k + exp(e / k))), k = (E/4) / W(E/4), with
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
