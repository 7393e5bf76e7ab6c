// Root-mean-square errors in time, over all components i of a state (channels and cells):
//
//   RMSE(t) = √(1/N Σ_i (y_i(t) − ŷ_i(t))²),    NRMSE(t) = √(1/N Σ_i (y_i(t) − ŷ_i(t))² / σ_i²)
//
// σ_i² is the variance in time of component i of the truth, or the mean of these variances.
public import KymoNumerics

/// The root-mean-square error in time, RMSE(t).
///
/// - Parameters:
///   - prediction: Forecast fields, `[B, T, C, X…]`.
///   - truth: The true fields, same shape; the error has their unit.
/// - Returns: `[B, T]`.
public func rootMeanSquareError(
  prediction: HostArray<Double>, truth: HostArray<Double>
) -> HostArray<Double> {
  let shape = ForecastShape(prediction, truth, "rootMeanSquareError")
  return weightedError(
    prediction, truth, shape, [Double](repeating: 1, count: shape.stateCount))
}

/// The root-mean-square error in time in units of the truth's spread, NRMSE(t).
///
/// - Parameters:
///   - prediction: Forecast fields, `[B, T, C, X…]`.
///   - truth: The true fields, same shape.
///   - variances: σ² of every component, `[C, X…]` in one list, or one number for all of them;
///     by default those of ``componentVariances(of:)`` of the truth.
/// - Returns: `[B, T]`.
public func normalizedRootMeanSquareError(
  prediction: HostArray<Double>, truth: HostArray<Double>, variances: [Double]? = nil
) -> HostArray<Double> {
  let shape = ForecastShape(prediction, truth, "normalizedRootMeanSquareError")
  var variances = variances ?? componentVariances(of: truth)
  if variances.count == 1 {
    variances = [Double](repeating: variances[0], count: shape.stateCount)
  }
  precondition(
    variances.count == shape.stateCount,
    "normalizedRootMeanSquareError: \(variances.count) variances for \(shape.stateCount)")
  return weightedError(prediction, truth, shape, variances.map { 1 / $0 })
}

/// The variance of each component of `[B, T, C, X…]` over times and initial conditions.
public func componentVariances(of states: HostArray<Double>) -> [Double] {
  let shape = ForecastShape(states)
  let frames = shape.batch * shape.frames
  var mean = [Double](repeating: 0, count: shape.stateCount)
  for index in states.elements.indices {
    mean[index % shape.stateCount] += states.elements[index] / Double(frames)
  }
  var variance = [Double](repeating: 0, count: shape.stateCount)
  for index in states.elements.indices {
    let deviation = states.elements[index] - mean[index % shape.stateCount]
    variance[index % shape.stateCount] += deviation * deviation / Double(frames)
  }
  return variance
}

private func weightedError(
  _ prediction: HostArray<Double>, _ truth: HostArray<Double>, _ shape: ForecastShape,
  _ weights: [Double]
) -> HostArray<Double> {
  let values = (0..<shape.batch * shape.frames).map { frame in
    var sum = 0.0
    for component in 0..<shape.stateCount {
      let index = frame * shape.stateCount + component
      let miss = prediction.elements[index] - truth.elements[index]
      sum += miss * miss * weights[component]
    }
    return (sum / Double(shape.stateCount)).squareRoot()
  }
  return HostArray(values, shape: [shape.batch, shape.frames])
}
