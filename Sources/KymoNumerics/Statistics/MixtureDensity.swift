// A mixture of Gaussians on the host: drawing from it, and its density.
import Foundation

/// A distribution of points in D dimensions from which one can draw.
public protocol Density: Sendable {
  /// D.
  var dimensions: Int { get }
  /// Independent draws, coordinate by coordinate, `[D, count]`.
  func samples(_ count: Int, using random: inout RandomStream) -> [Double]
  /// The density at a point, `[D]`.
  func density(at point: [Double]) -> Double
  /// The density to which independent Gaussian noise of so large a deviation was added to give this
  /// one.
  ///
  /// Each kernel loses the variance of the noise. A variance that is no larger was rounding or
  /// chance; the kernel keeps ``leastDeviation`` there.
  func withoutNoise(_ deviation: Double) -> Self
}

extension Density {
  /// The least deviation that a kernel without noise keeps.
  static var leastDeviation: Double { 1e-3 }
}

/// A mixture of K Gaussians in D dimensions, `Σ_k π_k N(μ_k, L_k L_kᵀ)`.
public struct MixtureDensity: Density, Hashable {
  /// π; positive, their sum is 1 to rounding.
  public let weights: [Double]
  /// μ, `[K, D]`.
  public let means: [Double]
  /// L, `[K, D, D]`, lower triangular.
  public let factors: [Double]

  /// Creates a mixture.
  public init(weights: [Double], means: [Double], factors: [Double]) {
    let dimensions = means.count / max(1, weights.count)
    precondition(
      !weights.isEmpty && means.count == weights.count * dimensions
        && factors.count == means.count * dimensions,
      "MixtureDensity: \(weights.count) weights, \(means.count) means, \(factors.count) factors")
    (self.weights, self.means, self.factors) = (weights, means, factors)
  }

  /// D.
  public var dimensions: Int { means.count / weights.count }

  /// Independent draws, coordinate by coordinate, `[D, count]`.
  public func samples(_ count: Int, using random: inout RandomStream) -> [Double] {
    let dimensions = dimensions
    let total = weights.reduce(0, +)
    var result = [Double](repeating: 0, count: dimensions * count)
    var normals = [Double](repeating: 0, count: dimensions)
    for sample in 0..<count {
      var (left, kernel) = (total * random.uniform(), 0)
      while kernel < weights.count - 1, left >= weights[kernel] {
        left -= weights[kernel]
        kernel += 1
      }
      for row in 0..<dimensions {
        normals[row] = random.normal()
        var value = means[kernel * dimensions + row]
        for column in 0...row {
          value += factors[(kernel * dimensions + row) * dimensions + column] * normals[column]
        }
        result[row * count + sample] = value
      }
    }
    return result
  }

  /// The density at a point.
  public func density(at point: [Double]) -> Double {
    let dimensions = dimensions
    return weights.indices.reduce(0.0) { sum, kernel in
      var (solved, squares, determinant) = ([Double](), 0.0, 1.0)
      for row in 0..<dimensions {
        let first = (kernel * dimensions + row) * dimensions
        var rest = point[row] - means[kernel * dimensions + row]
        for column in 0..<row { rest -= factors[first + column] * solved[column] }
        solved.append(rest / factors[first + row])
        squares += solved[row] * solved[row]
        determinant *= factors[first + row]
      }
      let scale = determinant * pow(2 * Double.pi, 0.5 * Double(dimensions))
      return sum + weights[kernel] * exp(-0.5 * squares) / scale
    }
  }

  /// Covariances less the variance of noise, `L_k L_kᵀ − σ²`.
  public func withoutNoise(_ deviation: Double) -> MixtureDensity {
    let size = dimensions
    let least = Self.leastDeviation * Self.leastDeviation
    let sharper = weights.indices.flatMap { kernel -> [Double] in
      let factor = Array(factors[kernel * size * size..<(kernel + 1) * size * size])
      let (variances, axes) = symmetricEigen(
        matrix(size) { row, column in
          (0..<size).reduce(0) { $0 + factor[row * size + $1] * factor[column * size + $1] }
        }, size: size)
      let kept = variances.map { max($0 - deviation * deviation, min($0, least)) }
      return choleskyFactor(
        matrix(size) { row, column in
          (0..<size).reduce(0) { $0 + kept[$1] * axes[$1][row] * axes[$1][column] }
        }, size: size)
    }
    return MixtureDensity(weights: weights, means: means, factors: sharper)
  }
}

/// Entries of a square matrix, row by row.
private func matrix(_ size: Int, _ entry: (Int, Int) -> Double) -> [Double] {
  (0..<size * size).map { entry($0 / size, $0 % size) }
}

/// The lower triangular L of a positive definite matrix L Lᵀ.
private func choleskyFactor(_ matrix: [Double], size: Int) -> [Double] {
  var factor = [Double](repeating: 0, count: size * size)
  for row in 0..<size {
    for column in 0...row {
      var rest = matrix[row * size + column]
      for k in 0..<column { rest -= factor[row * size + k] * factor[column * size + k] }
      factor[row * size + column] =
        row == column ? rest.squareRoot() : rest / factor[column * size + column]
    }
  }
  return factor
}
