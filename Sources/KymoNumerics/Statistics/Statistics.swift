// Moments, quantiles and least squares on plain arrays, in Double.

/// Moments and quantiles of a list of numbers.
public enum Statistics {
  /// The arithmetic mean; NaN for no values.
  public static func mean(_ values: [Double]) -> Double {
    // A second pass takes away the rounding of the first.
    let first = values.reduce(0, +) / Double(values.count)
    return first + values.reduce(0) { $0 + ($1 - first) } / Double(values.count)
  }

  /// The mean square distance from the mean (division by the count); NaN for no values.
  public static func populationVariance(_ values: [Double]) -> Double {
    sumOfSquaredDeviations(values) / Double(values.count)
  }

  /// The unbiased estimate of the variance (division by the count less one); NaN below two values.
  public static func sampleVariance(_ values: [Double]) -> Double {
    values.count < 2 ? .nan : sumOfSquaredDeviations(values) / Double(values.count - 1)
  }

  /// The square root of the unbiased variance; NaN below two values.
  public static func sampleStandardDeviation(_ values: [Double]) -> Double {
    sampleVariance(values).squareRoot()
  }

  /// The root of the mean square; NaN for no values.
  public static func rootMeanSquare(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
  }

  /// The value below which the fraction lies, 0 for the smallest value and 1 for the largest.
  ///
  /// Linear between order statistics, as NumPy's default; NaN for no values or when one is NaN.
  public static func quantile(_ values: [Double], _ fraction: Double) -> Double {
    quantiles(values, [fraction])[0]
  }

  /// Several quantiles of one list, which is sorted once.
  public static func quantiles(_ values: [Double], _ fractions: [Double]) -> [Double] {
    precondition(
      fractions.allSatisfy { $0 >= 0 && $0 <= 1 }, "quantiles: \(fractions) reach beyond 0 ... 1")
    guard !values.isEmpty, !values.contains(where: \.isNaN) else {
      return fractions.map { _ in .nan }
    }
    let sorted = values.sorted()
    return fractions.map { fraction in
      let place = fraction * Double(sorted.count - 1)
      let below = min(Int(place), sorted.count - 1)
      let above = min(below + 1, sorted.count - 1)
      let rest = place - Double(below)
      // No difference of infinities where the place is exactly an entry.
      return rest == 0 ? sorted[below] : sorted[below] * (1 - rest) + sorted[above] * rest
    }
  }

  /// The sum of squared distances from the mean, corrected for the rounding of the mean.
  static func sumOfSquaredDeviations(_ values: [Double]) -> Double {
    let mean = mean(values)
    let (squares, drift) = values.reduce((0.0, 0.0)) { sums, value in
      (sums.0 + (value - mean) * (value - mean), sums.1 + (value - mean))
    }
    return squares - drift * drift / Double(values.count)
  }
}
