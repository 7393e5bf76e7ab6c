// The error of a training's rollouts as it is now, the unit of the KL weight β.
//
// With a decoder whose variance is always the best one, E itself, the likelihood of N entries makes
// the loss N/2 · log E + KL (Rybkin, Daniilidis and Levine, ICML 2021), whose gradient is that of E
// + β KL with β = 2E/N. Whatever the field's size and speed, and however weak the effect of a
//   parameter, a latent is then used if it reduces the error by a given part of what
// is left. Entries of a field are not independent, so 2/N is a setting.
import KymoTensor

/// A running average of the loss's first term.
final class RunningError {
  private let running: Tensor
  private let ceiling: Double
  /// Steps that the average spans, about.
  private static let span = 100.0

  /// Begins at the error of predicting no change, which it never exceeds: single rollouts may
  /// diverge.
  init(persistence: Double) {
    ceiling = persistence
    running = Tensor(doubles: [persistence], shape: [1])
  }

  /// The average now.
  var value: Double { running.item }

  /// What a continued training needs.
  var state: [NamedTensor] { [("beta.error", running)] }

  /// Takes in the error of a step.
  func update(_ error: Double) {
    let bounded = error.isFinite ? min(error, ceiling) : ceiling
    running.fillInPlace(value + (bounded - value) / Self.span)
  }
}
