// What the metrics of forecasts share: the lengths of a forecast's axes.
//
// Letters of this module: B initial conditions, T coarse steps, C channels, X (Y) space.
import KymoNumerics

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
