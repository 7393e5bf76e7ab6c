// A reservoir computer learns a chaotic series, the Lorenz system, and forecasts it.
import Foundation
import KymoNumerics
import KymoPropagation

/// The Lorenz system by the classical fourth-order Runge–Kutta method, a row [x, y, z] every `step`.
func lorenz(from start: [Double], count: Int, step: Double) -> [Double] {
  func slope(_ s: [Double]) -> [Double] {
    [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]
  }
  func moved(_ s: [Double], _ k: [Double], _ h: Double) -> [Double] {
    zip(s, k).map { $0 + h * $1 }
  }
  var (state, rows) = (start, [Double]())
  for _ in 0..<count {
    rows += state
    let k1 = slope(state)
    let k2 = slope(moved(state, k1, step / 2))
    let k3 = slope(moved(state, k2, step / 2))
    let k4 = slope(moved(state, k3, step))
    for i in 0..<3 { state[i] += step / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) }
  }
  return rows
}

let (step, training, warmUp, horizon) = (0.02, 10_000, 100, 200)
let rows = lorenz(from: [1, 1, 1], count: 500 + training + warmUp + horizon, step: step)
func series(_ range: Range<Int>) -> HostArray<Double> {
  HostArray(Array(rows[3 * range.lowerBound..<3 * range.upperBound]), shape: [range.count, 3])
}

var settings = ReservoirConfiguration()
settings.unitCount = 600
settings.ridgePenalty = 1e-8
// The first 500 frames are on the way to the attractor.
let reservoir = try ReservoirPropagator(
  fitting: [series(500..<500 + training)], configuration: settings)

// Known frames set the memory; then each prediction is the next input.
let start = 500 + training
let known = series(start..<start + warmUp)
var memory = reservoir.initialMemory(batchCount: 1)
let predictions = try reservoir.oneStepPredictions(
  known.reshaped([1, warmUp, 3]), memory: &memory)
let first = predictions.slice(0).slice(warmUp - 1).reshaped([1, 3])
let forecast = try reservoir.rollout(from: first, stepCount: horizon - 1, memory: &memory)

let truth = series(start + warmUp + 1..<start + warmUp + horizon)
let valid = (0..<horizon - 1).first { frame in
  (0..<3).contains { (forecast[0, frame, $0] - truth[frame, $0]).magnitude > 5 }
}
print("good for \(Double(valid ?? horizon) * step) units of time; the Lyapunov time is 1.1")
