// Smoothing, refinement and time derivatives of latent series `[T, L]`, column by column.
//
// - Derivatives: (z_{t+1} − z_{t−1}) / 2Δt, second order; at either end the third-order one-sided
//   (−11 z_0 + 18 z_1 − 9 z_2 + 2 z_3) / 6Δt.
// - Smoothing: Savitzky and Golay (1964): each value becomes that of the polynomial fitted to the
//   window around it; near the ends, that of the first or last whole window.
// - Refinement: the cubic spline through all values whose third derivative does not jump at the
//   second and the last but one ("not-a-knot").
import KymoNumerics
import KymoTensor

enum SeriesDerivatives {
  /// The fewest frames that all functions here can take.
  static let fewestFrames = 7

  /// ż of each frame.
  static func derivatives(
    of series: HostArray<Double>, timeStep: Double
  ) -> HostArray<Double> {
    mapColumns(series) { z in
      let last = z.count - 1
      var result = [Double](repeating: 0, count: z.count)
      for t in 1..<last { result[t] = (z[t + 1] - z[t - 1]) / (2 * timeStep) }
      result[0] = (-11 * z[0] + 18 * z[1] - 9 * z[2] + 2 * z[3]) / (6 * timeStep)
      result[last] =
        (11 * z[last] - 18 * z[last - 1] + 9 * z[last - 2] - 2 * z[last - 3]) / (6 * timeStep)
      return result
    }
  }

  /// The smoothed series; `window` is odd and at most T, `order` below it.
  static func smoothed(
    _ series: HostArray<Double>, window: Int = 7, order: Int = 3
  ) throws -> HostArray<Double> {
    let half = window / 2
    // Row p of the projection onto polynomials gives the fitted value at place p of the window.
    let powers = (0..<window).flatMap { place in
      (0...order).map { power in
        (0..<power).reduce(1.0) { product, _ in product * Double(place - half) / Double(half) }
      }
    }
    let basis = try Tensor(doubles: powers, shape: [window, order + 1]).singularValues().u
    let projection = basis.matmul(basis.transposed(0, 1)).doubles
    return mapColumns(series) { z in
      z.indices.map { t in
        let start = min(max(0, t - half), z.count - window)
        return (0..<window).reduce(0) { $0 + projection[(t - start) * window + $1] * z[start + $1] }
      }
    }
  }

  /// (T − 1) · `factor` + 1 frames on the spline through the T given ones.
  static func refined(_ series: HostArray<Double>, factor: Int) -> HostArray<Double> {
    guard factor > 1 else { return series }
    return mapColumns(series) { z in
      let curvature = splineCurvatures(z)
      return (0...(z.count - 1) * factor).map { place in
        let t = min(place / factor, z.count - 2)
        let b = Double(place - t * factor) / Double(factor)
        let a = 1 - b
        return a * z[t] + b * z[t + 1]
          + ((a * a * a - a) * curvature[t] + (b * b * b - b) * curvature[t + 1]) / 6
      }
    }
  }

  /// The second derivatives m of the not-a-knot spline at its knots, which are 1 apart:
  /// m_{t−1} + 4 m_t + m_{t+1} = 6 (z_{t−1} − 2 z_t + z_{t+1}), m_0 = 2 m_1 − m_2, and so at the
  /// end.
  private static func splineCurvatures(_ z: [Double]) -> [Double] {
    let last = z.count - 1
    var diagonal = [Double](repeating: 4, count: z.count)
    var m = [Double](repeating: 0, count: z.count)
    for t in 1..<last { m[t] = 6 * (z[t - 1] - 2 * z[t] + z[t + 1]) }
    // With the end conditions put in, the first and last inner equations hold one unknown: 6 m_1 =
    // …
    (m[1], m[last - 1]) = (m[1] / 6, m[last - 1] / 6)
    m[2] -= m[1]
    for t in 3..<last - 1 {
      diagonal[t] -= 1 / diagonal[t - 1]
      m[t] -= m[t - 1] / diagonal[t - 1]
    }
    for t in stride(from: last - 2, through: 2, by: -1) { m[t] = (m[t] - m[t + 1]) / diagonal[t] }
    (m[0], m[last]) = (2 * m[1] - m[2], 2 * m[last - 1] - m[last - 2])
    return m
  }

  private static func mapColumns(
    _ series: HostArray<Double>, _ body: ([Double]) -> [Double]
  ) -> HostArray<Double> {
    let columns = series.shape[1]
    let results = (0..<columns).map { column in
      body(stride(from: column, to: series.count, by: columns).map { series.elements[$0] })
    }
    let rows = results.first?.count ?? 0
    return HostArray(
      (0..<rows * columns).map { results[$0 % columns][$0 / columns] }, shape: [rows, columns])
  }
}
