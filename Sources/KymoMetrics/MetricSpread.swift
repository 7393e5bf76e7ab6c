// One number of forecasts over initial conditions.
public import KymoNumerics

/// A metric over initial conditions: its mean and spread, with the forecasts that diverged
/// counted, not averaged.
public struct MetricSpread: Hashable, Sendable {
  /// Arithmetic mean; NaN without a finite value.
  public var mean: Double
  /// Root of the unbiased variance; NaN below two finite values.
  public var standardDeviation: Double
  /// Number of finite values.
  public var count: Int
  /// Number of values that were infinite or NaN.
  public var divergedCount: Int

  /// Summarises one value for each initial condition.
  public init(_ values: [Double]) {
    let finite = values.filter(\.isFinite)
    mean = Statistics.mean(finite)
    standardDeviation = Statistics.sampleStandardDeviation(finite)
    count = finite.count
    divergedCount = values.count - finite.count
  }
}

extension MetricSpread {
  /// Summarises every column of `[B, …]` over its rows; one spread for each of the other entries.
  public static func overInitialConditions(_ values: HostArray<Double>) -> [MetricSpread] {
    let length = values.shape.dropFirst().reduce(1, *)
    return (0..<length).map { column in
      MetricSpread((0..<values.shape[0]).map { values.elements[$0 * length + column] })
    }
  }
}
