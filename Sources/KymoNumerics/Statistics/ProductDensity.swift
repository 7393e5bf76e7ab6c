// A mixture whose kernels are products over the components: Gaussians of numbers and von Mises
// distributions of angles. It is the density of internal coordinates of molecules (Vlachas et al.,
// J. Chem. Theory Comput. 18, 538 (2022)).
import Foundation

/// A mixture of K products over G numbers and A angles,
/// `Σ_k π_k Π_g N(x_g; μ_kg, σ_kg²) Π_a M(θ_a; μ_ka, κ_ka)`.
public struct ProductDensity: Density, Hashable {
  /// π; positive, their sum is 1 to rounding.
  public let weights: [Double]
  /// μ of the numbers, `[K, G]`.
  public let means: [Double]
  /// σ of the numbers, `[K, G]`.
  public let deviations: [Double]
  /// The distributions of the angles, `[K, A]`.
  public let angles: [VonMises]

  /// Creates a mixture.
  public init(weights: [Double], means: [Double], deviations: [Double], angles: [VonMises]) {
    precondition(
      !weights.isEmpty && means.count == deviations.count
        && means.count % weights.count == 0 && angles.count % weights.count == 0,
      """
      ProductDensity: \(weights.count) weights, \(means.count) means, \(deviations.count) deviations, \
      \(angles.count) angles
      """)
    (self.weights, self.means) = (weights, means)
    (self.deviations, self.angles) = (deviations, angles)
  }

  private var numberCount: Int { means.count / weights.count }
  private var angleCount: Int { angles.count / weights.count }
  /// G + A.
  public var dimensions: Int { numberCount + angleCount }

  /// Independent draws, component by component, `[G + A, count]`; angles lie in [−π, π].
  public func samples(_ count: Int, using random: inout RandomStream) -> [Double] {
    let (numbers, turns, total) = (numberCount, angleCount, weights.reduce(0, +))
    var result = [Double](repeating: 0, count: dimensions * count)
    for sample in 0..<count {
      var (left, kernel) = (total * random.uniform(), 0)
      while kernel < weights.count - 1, left >= weights[kernel] {
        left -= weights[kernel]
        kernel += 1
      }
      for index in 0..<numbers {
        let place = kernel * numbers + index
        result[index * count + sample] = means[place] + deviations[place] * random.normal()
      }
      for index in 0..<turns {
        result[(numbers + index) * count + sample] =
          angles[kernel * turns + index].sample(using: &random)
      }
    }
    return result
  }

  /// The density at a point, numbers first.
  public func density(at point: [Double]) -> Double {
    let (numbers, turns) = (numberCount, angleCount)
    return weights.indices.reduce(0.0) { sum, kernel in
      var exponent = 0.0
      for index in 0..<numbers {
        let place = kernel * numbers + index
        let scaled = (point[index] - means[place]) / deviations[place]
        exponent -= 0.5 * scaled * scaled + log(deviations[place]) + 0.5 * log(2 * Double.pi)
      }
      for index in 0..<turns {
        exponent += angles[kernel * turns + index].logDensity(point[numbers + index])
      }
      return sum + weights[kernel] * exp(exponent)
    }
  }

  /// Variances of the numbers less that of noise; of angles 1/κ, which is the variance where they
  /// are narrow.
  public func withoutNoise(_ deviation: Double) -> ProductDensity {
    let least = Self.leastDeviation * Self.leastDeviation
    func kept(_ variance: Double) -> Double {
      max(variance - deviation * deviation, min(variance, least))
    }
    return ProductDensity(
      weights: weights, means: means, deviations: deviations.map { kept($0 * $0).squareRoot() },
      angles: angles.map { angle in
        guard angle.concentration > 0 else { return angle }
        return VonMises(mean: angle.mean, concentration: 1 / kept(1 / angle.concentration))
      })
  }
}
