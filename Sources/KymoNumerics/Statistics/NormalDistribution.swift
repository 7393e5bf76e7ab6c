// The standard normal distribution: density, probability and its inverse.
import Foundation

/// The normal distribution of mean 0 and variance 1.
public enum NormalDistribution {
  /// exp(−x²/2) / √(2π).
  public static func density(_ x: Double) -> Double {
    exp(-0.5 * x * x) / (2 * Double.pi).squareRoot()
  }

  /// Φ(x), the probability of a number below x.
  public static func probability(below x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

  /// Φ⁻¹(p), for 0 < p < 1, to about 1e-10.
  ///
  /// The approximation 26.2.23 of Abramowitz and Stegun, "Handbook of mathematical functions", good
  /// to 4.5e-4, and one step of Halley's method.
  public static func quantile(_ p: Double) -> Double {
    precondition(p > 0 && p < 1, "quantile: probability \(p)")
    let t = (-2 * log(min(p, 1 - p))).squareRoot()
    let tail =
      t - (2.515517 + t * (0.802853 + t * 0.010328))
      / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    let x = p < 0.5 ? -tail : tail
    // Beyond the middle the distance from 1 has the digits.
    let miss = p < 0.5 ? probability(below: x) - p : (1 - p) - probability(below: -x)
    let ratio = miss / density(x)
    return x - ratio / (1 + 0.5 * x * ratio)
  }
}
