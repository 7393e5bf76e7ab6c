// From teacher forcing to free running in the course of a training (Bengio et al. 2015,
// arXiv:1506.03099), with the three schedules of Vlachas et al. (2022).
import Foundation
public import KymoNumerics

/// How the probability that an input is the network's own prediction grows over a training.
public enum ScheduledSampling: String, SettingChoice {
  /// Always the true input: teacher forcing.
  case none
  /// p = e / E.
  case linear
  /// p = 1 − kᵉ with k = exp(ln(0.001) / E): 0.999 in the end.
  case exponential
  /// p = 1 − k / (k + exp(e / k)) with k = (E / 2) / W(E / 2), W Lambert's function: one half at E
  /// / 2.
  case inverseSigmoid

  /// The probability at `epoch`, e, of `total` epochs, E.
  public func probability(epoch: Double, of total: Double) -> Double {
    guard total > 0 else { return 0 }
    switch self {
    case .none: return 0
    case .linear: return min(1, epoch / total)
    case .exponential: return 1 - exp(log(0.001) * epoch / total)
    case .inverseSigmoid:
      let k = total / 2 / lambertW(total / 2)
      return 1 - k / (k + exp(epoch / k))
    }
  }
}

/// The solution w of w eʷ = x for x > 0, by Newton's method.
func lambertW(_ x: Double) -> Double {
  // Starts above the solution, from where the convex function leads down to it.
  var w = log(1 + x)
  for _ in 0..<50 {
    let change = (w * exp(w) - x) / (exp(w) * (1 + w))
    w -= change
    if abs(change) <= 1e-15 * abs(w) { break }
  }
  return w
}
