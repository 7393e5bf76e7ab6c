// How long a chaotic field can be forecast: two runs of Kuramoto–Sivashinsky, a hair apart at the start.
import Foundation
import KymoMetrics
import KymoNumerics
import KymoSolvers

let solver = try KuramotoSivashinskySolver()
let points = solver.stateShape[1]
let wave = (0..<points).map { point in
  let angle = 2 * Double.pi * Double(point) / Double(points)
  return cos(angle) * (1 + sin(angle))
}

// Onto the attractor first.
try solver.restart(from: HostArray(wave, shape: [1, 1, points]), time: 0)
let developed = try solver.advance(frames: 800).slice(0).slice(799).elements

var moved = developed
moved[10] += 1e-3
try solver.restart(from: HostArray(developed + moved, shape: [2, 1, points]), time: 0)
let frames = try solver.advance(frames: 2000)

let (truth, forecast) = (
  HostArray(frames.slice(0).elements, shape: [1, 2000, 1, points]),
  HostArray(frames.slice(1).elements, shape: [1, 2000, 1, points])
)
let errors = normalizedRootMeanSquareError(prediction: forecast, truth: truth)
for frame in stride(from: 200, through: 1800, by: 400) {
  print("after \(Double(frame) * solver.frameInterval): error \(errors[0, frame])")
}
