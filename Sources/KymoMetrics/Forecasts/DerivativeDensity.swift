// The joint density of (u_x, u_xx) of a periodic field over space and time (Vlachas et al. 2022,
// Figure 3), with derivatives that are exact for trigonometric polynomials:
//
//   (D u)_i = Σ_j d(i − j) u_j,   d(n) = 2π/L · 1/N Σ_k (i k)^p exp(2π i k n / N),   |k| ≤ N/2,
//
// where the mode N/2 of an even N takes no part in the first derivative.
import Foundation
public import KymoNumerics

/// The derivatives of periodic rows; ``histogramDistance(_:_:grid:)`` compares their pairs.
///
/// **Good values.** Two true runs of Kuramoto–Sivashinsky (L = 22) of 10,000 time units: 0.049 on
/// 100 × 100 cells over u_x ∈ [−4, 4], u_xx ∈ [−8, 8].
public struct PeriodicDerivatives: Sendable {
  private let pointCount: Int
  private let first: [Double]
  private let second: [Double]

  /// Prepares derivatives of rows of `pointCount` equidistant points of a period `length`; the
  /// point at the end of the period is not among them.
  public init(pointCount: Int, length: Double) {
    precondition(
      pointCount >= 1 && length > 0, "PeriodicDerivatives: \(pointCount) points on \(length)")
    self.pointCount = pointCount
    let factor = 2 * Double.pi / length
    func row(_ body: (Double, Double, Bool) -> Double) -> [Double] {
      (0..<pointCount).map { offset in
        var sum = 0.0
        for mode in 1..<max(1, pointCount / 2 + 1) {
          let isLast = 2 * mode == pointCount
          let angle = 2 * Double.pi * Double(mode * offset % pointCount) / Double(pointCount)
          sum += body(Double(mode), angle, isLast)
        }
        return sum / Double(pointCount)
      }
    }
    first = row { mode, angle, isLast in isLast ? 0 : -2 * mode * factor * sin(angle) }
    second = row { mode, angle, isLast in
      -(isLast ? 1 : 2) * mode * mode * factor * factor * cos(angle)
    }
  }

  /// u_x and u_xx of rows `[…, X]`, as pairs: `[rows · X, 2]`.
  public func pairs(of field: HostArray<Double>) -> HostArray<Double> {
    precondition(
      field.shape.last == pointCount,
      "PeriodicDerivatives: \(field.shape) for rows of \(pointCount) points")
    var pairs = [Double](repeating: 0, count: 2 * field.count)
    // Both kernels twice in a row, so that the circular sums need no remainder.
    let (once, twice) = (first + first, second + second)
    for row in 0..<field.count / pointCount {
      let start = row * pointCount
      for point in 0..<pointCount {
        var (slope, curvature) = (0.0, 0.0)
        for other in 0..<pointCount {
          let value = field.elements[start + other]
          slope += once[point - other + pointCount] * value
          curvature += twice[point - other + pointCount] * value
        }
        pairs[2 * (start + point)] = slope
        pairs[2 * (start + point) + 1] = curvature
      }
    }
    return HostArray(pairs, shape: [field.count, 2])
  }
}
