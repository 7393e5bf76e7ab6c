// Pearson's correlation of a forecast with the truth,
//
//   ρ = cov(y, ŷ) / (σ_y σ_ŷ),
//
// over space and time at once.
public import KymoNumerics

/// The correlation over space and time.
///
/// - Parameters:
///   - prediction: Forecast fields, `[B, T, C, X…]`.
///   - truth: The true fields, same shape.
/// - Returns: One number for each initial condition; NaN where one of the fields does not vary.
public func correlation(prediction: HostArray<Double>, truth: HostArray<Double>) -> [Double] {
  let shape = ForecastShape(prediction, truth, "correlation")
  let length = shape.frames * shape.stateCount
  return (0..<shape.batch).map { item in
    correlation(
      prediction.elements[item * length..<(item + 1) * length],
      truth.elements[item * length..<(item + 1) * length])
  }
}

private func correlation(_ first: ArraySlice<Double>, _ second: ArraySlice<Double>) -> Double {
  let count = Double(first.count)
  let (firstMean, secondMean) = (first.reduce(0, +) / count, second.reduce(0, +) / count)
  var (covariance, firstVariance, secondVariance) = (0.0, 0.0, 0.0)
  for (a, b) in zip(first, second) {
    covariance += (a - firstMean) * (b - secondMean)
    firstVariance += (a - firstMean) * (a - firstMean)
    secondVariance += (b - secondMean) * (b - secondMean)
  }
  return covariance / (firstVariance * secondVariance).squareRoot()
}
