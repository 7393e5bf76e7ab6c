// The integrated autocorrelation time of a series, τ = 1 + 2 Σ_{ℓ ≥ 1} ρ(ℓ), summed up to the first
// lag of at least 5 τ (A. Sokal, "Monte Carlo methods in statistical mechanics", 1997): how many
// frames of a trajectory count as one independent frame.
import Foundation

/// The integrated autocorrelation time of several series of one variable, in frames.
///
/// - Parameters:
///   - series: Series with a common mean.
///   - window: At how many times τ the sum ends.
/// - Returns: The time, 1 for white noise; NaN for a constant. A time that is not far below the
///   length of a series is a lower bound.
public func autocorrelationTime(_ series: [[Double]], window: Double = 5) -> Double {
  let total = Double(series.reduce(0) { $0 + $1.count })
  let mean = series.reduce(0) { $0 + $1.reduce(0, +) } / total
  let centred = series.map { $0.map { $0 - mean } }
  func product(_ lag: Int) -> Double? {
    var (sum, pairs) = (0.0, 0)
    for one in centred where one.count > lag {
      for frame in 0..<one.count - lag { sum += one[frame] * one[frame + lag] }
      pairs += one.count - lag
    }
    return pairs > 0 ? sum / Double(pairs) : nil
  }
  guard let variance = product(0), variance > 0 else { return .nan }
  var (time, lag) = (1.0, 1)
  while Double(lag) < window * time, let next = product(lag) {
    time += 2 * next / variance
    lag += 1
  }
  return time
}
