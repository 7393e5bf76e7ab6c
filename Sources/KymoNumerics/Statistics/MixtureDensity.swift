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
}
