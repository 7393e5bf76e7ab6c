// The von Mises distribution of an angle, p(θ) = exp(κ cos(θ − μ)) / (2π I₀(κ)): a normal distribution
// on the circle. log I₀ by its power series and, beyond 20, its asymptotic expansion (Abramowitz and
// Stegun, 9.6.12 and 9.7.1); draws by D. J. Best and N. I. Fisher, "Efficient simulation of the von
// Mises distribution", Appl. Stat. 28 (1979), doi:10.2307/2346732.
import Foundation

/// A von Mises distribution.
public struct VonMises: Hashable, Sendable {
  /// The mean direction μ in radians.
  public var mean: Double
  /// The concentration κ, 0 for the uniform distribution.
  public var concentration: Double

  /// Creates a distribution; the concentration is not negative.
  public init(mean: Double, concentration: Double) {
    precondition(concentration >= 0, "VonMises: κ = \(concentration)")
    (self.mean, self.concentration) = (mean, concentration)
  }

  /// The logarithm of the density at an angle.
  public func logDensity(_ angle: Double) -> Double {
    concentration * cos(angle - mean) - log(2 * Double.pi) - Self.logBesselI0(concentration)
  }

  /// An angle in [−π, π].
  public func sample(using random: inout RandomStream) -> Double {
    guard concentration > 1e-8 else { return Double.pi * (2 * random.uniform() - 1) }
    let tau = 1 + (1 + 4 * concentration * concentration).squareRoot()
    let rho = (tau - (2 * tau).squareRoot()) / (2 * concentration)
    // For small κ the difference above has no digits: r ≈ 1/κ.
    let r = concentration < 1e-5 ? 1 / concentration : (1 + rho * rho) / (2 * rho)
    while true {
      let z = cos(Double.pi * random.uniform())
      let f = (1 + r * z) / (r + z)
      let c = concentration * (r - f)
      let second = 1 - random.uniform()
      guard c * (2 - c) > second || log(c / second) + 1 >= c else { continue }
      let turn = acos(max(-1, min(1, f)))
      let angle = mean + (random.uniform() < 0.5 ? -turn : turn)
      return angle - 2 * Double.pi * (angle / (2 * Double.pi)).rounded()
    }
  }

  /// log I₀(x), to about 1e-14.
  public static func logBesselI0(_ x: Double) -> Double {
    let x = x.magnitude
    guard x > 20 else {
      let quarter = 0.25 * x * x
      var (term, sum, k) = (1.0, 1.0, 1.0)
      while term > 1e-17 * sum {
        term *= quarter / (k * k)
        sum += term
        k += 1
      }
      return log(sum)
    }
    // Σ (1² 3² … (2k − 1)²) / (k! (8x)^k), up to its smallest term.
    var (term, sum, k) = (1.0, 1.0, 1.0)
    while term > 1e-17, k < 2 * x {
      term *= (2 * k - 1) * (2 * k - 1) / (8 * k * x)
      sum += term
      k += 1
    }
    return x - 0.5 * log(2 * Double.pi * x) + log(sum)
  }
}
