// NAD and MNAD of one channel c of one initial condition, Vlachas et al. (2022), "Methods":
//
//   NAD(t) = 1/X Σ_x |y(t, x) − ŷ(t, x)| / (max y − min y),     MNAD = 1/T Σ_t NAD(t)
//
// The range of the truth is a parameter: by default that over all initial conditions, times and
// cells of the channel, so that fields of different size (activator and inhibitor) are not mixed.
public import KymoNumerics

/// max − min of the truth that differences are divided by, one number for each channel.
public enum ReferenceRange: Hashable, Sendable {
  /// That of the truth at hand, over all initial conditions, times and cells.
  case ofTruth
  /// Given ranges, such as those of the training data.
  case given([Double])

  func values(for truth: HostArray<Double>) -> [Double] {
    switch self {
    case .ofTruth: channelRanges(of: truth)
    case .given(let ranges): ranges
    }
  }
}

/// max − min of each channel of `[B, T, C, X…]` over everything else.
public func channelRanges(of states: HostArray<Double>) -> [Double] {
  let shape = ForecastShape(states)
  var low = [Double](repeating: .infinity, count: shape.channels)
  var high = [Double](repeating: -.infinity, count: shape.channels)
  for index in states.elements.indices {
    let channel = index / shape.cells % shape.channels
    low[channel] = min(low[channel], states.elements[index])
    high[channel] = max(high[channel], states.elements[index])
  }
  return zip(low, high).map { $1 - $0 }
}

/// The normalised absolute difference in time, NAD(t).
///
/// - Parameters:
///   - prediction: Forecast fields, `[B, T, C, X…]`, in the truth's units.
///   - truth: The true fields, same shape.
///   - range: What the difference is divided by.
/// - Returns: `[B, T, C]`; not a number where the forecast is none.
public func normalizedAbsoluteDifference(
  prediction: HostArray<Double>, truth: HostArray<Double>, range: ReferenceRange = .ofTruth
) -> HostArray<Double> {
  let shape = ForecastShape(prediction, truth, "normalizedAbsoluteDifference")
  let ranges = range.values(for: truth)
  precondition(
    ranges.count == shape.channels,
    "normalizedAbsoluteDifference: \(ranges.count) ranges for \(shape.channels) channels")
  let count = shape.batch * shape.frames * shape.channels
  let values = (0..<count).map { row in
    var sum = 0.0
    for cell in row * shape.cells..<(row + 1) * shape.cells {
      sum += (prediction.elements[cell] - truth.elements[cell]).magnitude
    }
    return sum / Double(shape.cells) / ranges[row % shape.channels]
  }
  return HostArray(values, shape: [shape.batch, shape.frames, shape.channels])
}

/// The mean normalised absolute difference, MNAD.
///
/// - Parameters:
///   - prediction: Forecast fields, `[B, T, C, X…]`, in the truth's units.
///   - truth: The true fields, same shape.
///   - range: What the difference is divided by.
/// - Returns: `[B, C]`.
public func meanNormalizedAbsoluteDifference(
  prediction: HostArray<Double>, truth: HostArray<Double>, range: ReferenceRange = .ofTruth
) -> HostArray<Double> {
  let inTime = normalizedAbsoluteDifference(prediction: prediction, truth: truth, range: range)
  let (batch, frames, channels) = (inTime.shape[0], inTime.shape[1], inTime.shape[2])
  var result = HostArray(repeating: 0.0, shape: [batch, channels])
  for index in inTime.elements.indices {
    let item = index / (frames * channels) * channels + index % channels
    result.elements[item] += inTime.elements[index] / Double(frames)
  }
  return result
}
