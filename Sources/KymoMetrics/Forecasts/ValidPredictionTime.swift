// How long a forecast is good: the number of steps before NRMSE(t) first exceeds a threshold θ,
// times Δt; for chaotic systems also in Lyapunov times 1/Λ₁.
public import KymoNumerics

/// How long one forecast is valid.
public struct ValidPrediction: Hashable, Codable, Sendable {
  /// Number of steps before the error first exceeds the threshold.
  public var steps: Int
  /// The same in the system's unit of time, steps · Δt.
  public var time: Double
  /// The same in Lyapunov times; nil where none is known.
  public var lyapunovTimes: Double?
  /// Whether the error stayed below the threshold to the end: the true time is longer.
  public var reachesEnd: Bool
}

/// The valid prediction time of every forecast.
///
/// - Parameters:
///   - errors: NRMSE in time, `[B, T]`; entry 0 is the first forecast step. NaN exceeds any
///     threshold.
///   - threshold: θ.
///   - frameInterval: Δt.
///   - lyapunovTime: 1/Λ₁ in the same unit of time; 20.83 for Kuramoto–Sivashinsky at L = 22.
/// - Returns: One entry for each initial condition.
public func validPredictionTimes(
  errors: HostArray<Double>, threshold: Double = 0.5, frameInterval: Double,
  lyapunovTime: Double? = nil
) -> [ValidPrediction] {
  precondition(errors.rank == 2, "validPredictionTimes: errors \(errors.shape), expected [B, T]")
  return (0..<errors.shape[0]).map { item in
    let row = errors.slice(item).elements
    let first = row.firstIndex { !($0 <= threshold) }
    let steps = first ?? row.count
    let time = Double(steps) * frameInterval
    return ValidPrediction(
      steps: steps, time: time, lyapunovTimes: lyapunovTime.map { time / $0 },
      reachesEnd: first == nil)
  }
}
