// A solver of one's own in a forecast: the field relaxes by diffusion and is driven by a source that
// turns around. A reduction and a propagator learn it; the solver takes over now and then.
import Foundation
import KymoData
import KymoForecasting
import KymoNumerics
import KymoPropagation
import KymoReduction
import KymoSolvers

/// uₜ = D uₓₓ + sin(x − t) on a ring, with explicit Euler steps.
final class DrivenDiffusion: MicroSolver {
  let stateShape = [1, 32]
  let frameInterval = 0.1
  private(set) var time = 0.0
  private var states: [[Double]] = []

  func restart(from states: HostArray<Double>, time: Double) {
    self.states = (0..<states.shape[0]).map { states.slice($0).elements }
    self.time = time
  }

  func advance(frames: Int) -> HostArray<Double> {
    let (start, substeps, points) = (time, 20, 32)
    let (dx, dt) = (2 * Double.pi / Double(points), frameInterval / Double(substeps))
    let paths = states.indices.flatMap { trajectory -> [Double] in
      var (u, path) = (states[trajectory], [Double]())
      for step in 0..<frames * substeps {
        let t = start + Double(step) * dt
        u = (0..<points).map { i in
          let bend = u[(i + 1) % points] - 2 * u[i] + u[(i + points - 1) % points]
          return u[i] + dt * (0.1 * bend / (dx * dx) + sin(dx * Double(i) - t))
        }
        if step % substeps == substeps - 1 { path += u }
      }
      states[trajectory] = u
      return path
    }
    time = start + Double(frames) * frameInterval
    return HostArray(paths, shape: [states.count, frames] + stateShape)
  }
}

// One trajectory to learn from, another to forecast.
let (solver, training, known, horizon) = (DrivenDiffusion(), 800, 40, 200)
let starts = (0..<64).map { i in cos(2 * Double.pi * Double(i) / 32 * (i < 32 ? 1 : 2)) }
solver.restart(from: HostArray(starts, shape: [2, 1, 32]), time: 0)
let frames = solver.advance(frames: training)
let learned = HostArray<Float>(frames.slice(0))
let reduction = try PrincipalComponentReduction(
  fitting: FrameSet(states: learned), configuration: .init(latentCount: 4))
var settings = ReservoirConfiguration()
settings.unitCount = 200
let propagator = try ReservoirPropagator(
  fitting: [try reduction.encode(learned)], configuration: settings)

let forecaster = Forecaster(reduction: reduction, propagators: [propagator], solver: solver)
let truth = frames.slice(1).elements
let seen = HostArray(truth[..<(32 * known)].map { Float($0) }, shape: [1, known, 1, 32])
for (name, schedule) in [
  ("latents alone", MultiscaleSchedule.latent),
  ("10 latent steps, 5 of the solver", .init(macroSteps: 10, microSteps: 5)),
] {
  // Frame 0 holds a frame interval after the start.
  let forecast = try forecaster.multiscale(
    from: seen, stepCount: horizon, schedule: schedule, startTime: solver.frameInterval)
  let errors = zip(forecast.frames.elements, truth[(32 * known)...]).map {
    (Double($0) - $1) * (Double($0) - $1)
  }
  let error = (errors.reduce(0, +) / Double(errors.count)).squareRoot()
  print("\(name): root mean square error \(error), \(Int(100 * forecast.latentFraction)) % latent")
}
