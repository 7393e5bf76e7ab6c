// What the metrics of forecasts share: a forecast beside the truth, and one number's spread over
// initial conditions.
//
// Letters of this module: B initial conditions, T coarse steps, C channels, X (Y) space.
public import KymoNumerics

/// The lengths of a forecast's axes, `[B, T, C, X…]`.
struct ForecastShape {
  var (batch, frames, channels, cells) = (0, 0, 0, 0)

  /// Takes the lengths of two arrays that must agree.
  init(_ prediction: HostArray<Double>, _ truth: HostArray<Double>, _ metric: StaticString) {
    precondition(
      prediction.shape == truth.shape && truth.rank >= 3,
      "\(metric): prediction \(prediction.shape), truth \(truth.shape)")
    self.init(truth)
  }

  init(_ states: HostArray<Double>) {
    precondition(states.rank >= 3, "metrics take [B, T, C, X…], got \(states.shape)")
    (batch, frames, channels) = (states.shape[0], states.shape[1], states.shape[2])
    cells = states.shape.dropFirst(3).reduce(1, *)
  }

  /// Entries of one state.
  var stateCount: Int { channels * cells }
}

/// A metric over initial conditions: its mean and spread, with the forecasts that left the finite
/// numbers counted, not averaged.
public struct MetricSpread: Hashable, Codable, Sendable {
  /// Arithmetic mean; NaN without a finite value.
  public var mean: Double
  /// Root of the unbiased variance; NaN below two finite values.
  public var standardDeviation: Double
  /// The smallest value.
  public var minimum: Double
  /// The largest value.
  public var maximum: Double
  /// Number of finite values.
  public var count: Int
  /// Number of values that were infinite or NaN.
  public var divergedCount: Int

  /// Summarises one value for each initial condition.
  public init(_ values: [Double]) {
    let finite = values.filter(\.isFinite)
    mean = Statistics.mean(finite)
    standardDeviation = Statistics.sampleStandardDeviation(finite)
    minimum = finite.min() ?? .nan
    maximum = finite.max() ?? .nan
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

  private enum CodingKeys: CodingKey {
    case mean, standardDeviation, minimum, maximum, count, divergedCount
  }

  /// Decodes a spread; numbers that JSON does not have are absent and become NaN.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func number(_ key: CodingKeys) throws -> Double {
      try values.decodeIfPresent(Double.self, forKey: key) ?? .nan
    }
    mean = try number(.mean)
    standardDeviation = try number(.standardDeviation)
    minimum = try number(.minimum)
    maximum = try number(.maximum)
    count = try values.decode(Int.self, forKey: .count)
    divergedCount = try values.decode(Int.self, forKey: .divergedCount)
  }

  /// Encodes a spread without the numbers that JSON does not have.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    let numbers: [(CodingKeys, Double)] = [
      (.mean, mean), (.standardDeviation, standardDeviation), (.minimum, minimum),
      (.maximum, maximum),
    ]
    for (key, number) in numbers where number.isFinite { try values.encode(number, forKey: key) }
    try values.encode(count, forKey: .count)
    try values.encode(divergedCount, forKey: .divergedCount)
  }
}
