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
    var pairs = PairMoments()
    pairs.add(
      prediction.elements[item * length..<(item + 1) * length],
      truth.elements[item * length..<(item + 1) * length])
    return pairs.correlation
  }
}

/// Means, variances and covariance of pairs of numbers that come in parts, as fields do that do not
/// fit into memory together.
///
/// **Source.** Chan, Golub and LeVeque, The American Statistician 37, 242 (1983).
public struct PairMoments: Sendable {
  private var count = 0.0
  private var means = SIMD2<Double>.zero
  /// Sums of squares about the means, and of products.
  private var squares = SIMD2<Double>.zero
  private var products = 0.0

  /// Starts without pairs.
  public init() {}

  /// Adds pairs of numbers, as many of the one as of the other.
  public mutating func add(_ first: ArraySlice<Double>, _ second: ArraySlice<Double>) {
    precondition(first.count == second.count, "PairMoments: \(first.count) and \(second.count)")
    guard !first.isEmpty else { return }
    let added = Double(first.count)
    let own = SIMD2(first.reduce(0, +), second.reduce(0, +)) / added
    for (a, b) in zip(first, second) {
      let apart = SIMD2(a, b) - own
      squares += apart * apart
      products += apart.x * apart.y
    }
    let (shift, weight) = (own - means, count * added / (count + added))
    squares += weight * shift * shift
    products += weight * shift.x * shift.y
    means += shift * added / (count + added)
    count += added
  }

  /// Pearson's correlation; NaN where one of them does not vary.
  public var correlation: Double { products / (squares.x * squares.y).squareRoot() }
}
