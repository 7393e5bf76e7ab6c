// Flow past a cylinder: against the plain scheme, an exact solution, and what physics demands.
import CKernels
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

private func settings(
  _ change: (inout CylinderConfiguration) -> Void = { _ in }
) -> CylinderConfiguration {
  var configuration = CylinderConfiguration()
  change(&configuration)
  return configuration
}

/// 32 × 19 cells, the body 8 cells wide: rows are no whole number of vectors.
private func small(_ sides: CylinderConfiguration.Sides) -> CylinderConfiguration {
  settings {
    ($0.columns, $0.rows, $0.sides) = (32, 19, sides)
    ($0.length, $0.diameter, $0.position, $0.offset) = (4, 1, 1.3, 0.1)
    ($0.speed, $0.re) = (1, 60)
  }
}

extension CylinderFlow {
  /// The largest divergence, in units of U/D.
  fileprivate var divergence: Double {
    let (state, columns) = (state, configuration.columns)
    let size = configuration.diameter / configuration.speed / configuration.spacing
    return (0..<configuration.rows * columns).map { cell in
      let face = cell + cell / columns
      return
        (size * (state.u[face + 1] - state.u[face] + state.v[cell + columns] - state.v[cell]))
        .magnitude
    }.max() ?? .nan
  }

  /// The largest difference of the flow and its mirror image, in units of U.
  fileprivate var asymmetry: Double {
    let (state, columns, rows) = (state, configuration.columns, configuration.rows)
    var worst = 0.0
    for j in 0..<rows {
      for i in 0...columns {
        let mirror = state.u[(rows - 1 - j) * (columns + 1) + i]
        worst = max(worst, (state.u[j * (columns + 1) + i] - mirror).magnitude)
      }
      for i in 0..<columns {
        worst = max(worst, (state.v[j * columns + i] + state.v[(rows - j) * columns + i]).magnitude)
      }
    }
    return worst / configuration.speed
  }
}

@Suite("Flow past a cylinder, the method") struct CylinderFlowMethodTests {
  @Test(
    "is the plain scheme on every instruction set and any number of threads",
    arguments: [CylinderConfiguration.Sides.slip, .stream])
  func plain(sides: CylinderConfiguration.Sides) throws {
    let configuration = small(sides)
    let flow = try CylinderFlow(configuration: configuration)
    flow.addVortex(speed: 0.2, at: [2.2, 1.3], width: 0.3)
    let start = flow.state
    var plain = PlainFlow(configuration: configuration, state: start)
    for _ in 0..<6 { plain.take(step: 0.02) }
    let unit = 0.5 * configuration.speed * configuration.speed * configuration.diameter
    var first: CylinderFlow.State?
    for level in [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512] {
      for threads in [1, 2, 3] {
        let flow = try CylinderFlow(configuration: configuration, threads: threads, level: level)
        flow.resume(from: start, time: 0)
        for _ in 0..<6 { flow.take(step: 0.02) }
        let tolerance = Tolerance(absolute: 1e-12, because: "rounding; measured 1e-13")
        expectClose(flow.state.u, plain.state.u, tolerance)
        expectClose(flow.state.v, plain.state.v, tolerance)
        expectClose(
          [flow.coefficients.drag, flow.coefficients.lift], plain.force.map { $0 / unit },
          Tolerance(absolute: 1e-10, because: "rounding; measured 1e-12"))
        // The constant of the pressure is free.
        let shift = flow.state.p[0] - plain.state.p[0]
        expectClose(
          flow.state.p, plain.state.p.map { $0 + shift },
          Tolerance(absolute: 1e-10, because: "rounding over a step of 0.02"))
        if threads == 1 { first = flow.state }
        #expect(flow.state == first, "\(threads) threads")
      }
    }
  }

  @Test("takes the divergence of any field away to rounding") func projection() throws {
    let flow = try CylinderFlow(configuration: settings { $0.rows = 100 })
    var stream = RandomStream(seed: 3, purpose: .data, index: 0)
    var state = flow.state
    for place in state.u.indices { state.u[place] += 0.1 * (stream.uniform() - 0.5) }
    for place in state.v.indices { state.v[place] += 0.1 * (stream.uniform() - 0.5) }
    flow.resume(from: state, time: 0)
    #expect(flow.divergence > 1)
    flow.start(from: state, time: 0)
    #expect(flow.divergence < 1e-12)
    flow.advance(by: 1)
    #expect(flow.divergence < 1e-12)
  }

  /// The error of a vortex whose stream function is Gaussian, which moves with the stream while
  /// diffusion widens it: an exact solution.
  private func vortexError(_ columns: Int) throws -> Double {
    let configuration = settings {
      ($0.columns, $0.rows, $0.length) = (columns, columns, 1)
      ($0.diameter, $0.re, $0.speed, $0.position) = (0.3, 300, 1, 0.5)
    }
    let flow = try CylinderFlow(
      configuration: configuration, level: kk_processor_level(), hasBody: false)
    let (width, time) = (0.06, 0.2)
    flow.start()
    flow.addVortex(speed: 0.5, at: [0.4, 0.5], width: width)
    flow.advance(by: time)
    let wider = (width * width + 2 * configuration.viscosity * time).squareRoot()
    let exact = try CylinderFlow(
      configuration: configuration, level: kk_processor_level(), hasBody: false)
    let share = width * width * width / (wider * wider * wider)
    exact.addVortex(speed: 0.5 * share, at: [0.4 + time, 0.5], width: wider)
    return distance(flow.state.u + flow.state.v, exact.state.u + exact.state.v)
  }

  @Test("carries an exact vortex with second order or better in space") func space() throws {
    let errors = try [32, 64, 128].map(vortexError)
    #expect(errors[0] / errors[1] > 3.5 && errors[1] / errors[2] > 3.5, "\(errors)")
    #expect(errors[2] < 1e-3, "\(errors)")
  }

  @Test("is of second order in time, body and outflow included") func time() throws {
    let configuration = settings {
      ($0.columns, $0.rows) = (64, 32)
      ($0.diameter, $0.re) = (0.15, 40)
    }
    let flow = try CylinderFlow(configuration: configuration)
    flow.addVortex(speed: 0.03, at: [0.4, 0.3], width: 0.06)
    flow.advance(by: 1)
    let start = flow.state
    let results = [16, 32, 64, 128].map { count -> [Double] in
      flow.resume(from: start, time: 0)
      for _ in 0..<count { flow.take(step: 0.4 / Double(count)) }
      return flow.state.u + flow.state.v
    }
    let steps = (0..<3).map { distance(results[$0], results[$0 + 1]) }
    #expect(steps[0] / steps[1] > 3 && steps[1] / steps[2] > 3.3, "\(steps)")
  }
}

@Suite("Flow past a cylinder, physics") struct CylinderFlowPhysicsTests {
  @Test("gives the body the momentum that the box loses") func momentum() throws {
    // One short step: the flux through the cells at both ends, the pressure on them and the force
    // are all that changes the momentum between them.
    let configuration = settings { ($0.columns, $0.rows) = (128, 64) }
    let flow = try CylinderFlow(configuration: configuration)
    flow.addVortex(speed: 0.02, at: [0.4, 0.26], width: 0.05)
    flow.advance(by: 2)
    let (columns, h, step) = (128, configuration.spacing, 1e-7)
    let old = flow.state
    flow.take(step: step)
    let new = flow.state
    func row(_ state: CylinderFlow.State, _ j: Int) -> [Double] {
      Array(state.u[j * (columns + 1)..<(j + 1) * (columns + 1)])
    }
    func flux(_ q: [Double], _ pressure: Double) -> Double {
      let speed = (q[1] + q[2]) / 2
      #expect(speed > 0)
      return speed * (2 * q[2] + 5 * q[1] - q[0]) / 6
        - configuration.viscosity * (q[2] - q[1]) / h + pressure
    }
    var (gain, inward) = (0.0, 0.0)
    for j in 0..<64 {
      let (before, after) = (row(old, j), row(new, j))
      for i in 1..<columns { gain += h * h * (after[i] - before[i]) / step }
      let p = new.p[j * columns..<(j + 1) * columns]
      let entering = flux([before[0]] + before[0...2], p[j * columns])
      inward += h * (entering - flux(Array(before[126...128]), p[j * columns + 127]))
    }
    let unit = 0.5 * configuration.speed * configuration.speed * configuration.diameter
    expectClose(
      [(inward - gain) / unit], [flow.coefficients.drag],
      Tolerance(relative: 1e-5, because: "the second stage differs by the step"))
  }

  @Test("stays symmetric until it is perturbed") func symmetry() throws {
    let configuration = settings { ($0.columns, $0.rows) = (128, 64) }
    let flow = try CylinderFlow(configuration: configuration)
    flow.advance(by: 4)
    #expect(flow.asymmetry < 1e-11)
    #expect(flow.coefficients.lift.magnitude < 1e-9)
    let height = configuration.centre[1]
    flow.addVortex(speed: 0.01, at: [0.3, height], width: 0.04)
    flow.advance(by: 4)
    #expect(flow.asymmetry > 1e-2)
    #expect(flow.coefficients.lift.magnitude > 1e-2)
  }

  @Test("starts impulsively as potential flow does") func impulse() throws {
    // 2U at the shoulders of a circle in a wide box; the body keeps still.
    let flow = try CylinderFlow(
      configuration: settings {
        ($0.columns, $0.rows, $0.length) = (384, 320, 12)
        ($0.diameter, $0.speed, $0.position) = (2, 1, 6)
      })
    let (state, h) = (flow.state, flow.configuration.spacing)
    let column = 6 * 32
    let shoulder = (160 + 32..<160 + 36).map { state.u[$0 * 385 + column] }.max() ?? 0
    #expect((1.9...2.2).contains(shoulder), "\(shoulder), h = \(h)")
    let inside = (150..<170).map { state.u[$0 * 385 + column].magnitude }.max() ?? 1
    #expect(inside < 1e-6)
    #expect(flow.divergence < 1e-12)
  }
}

@Suite("Flow past a cylinder, the solver of forecasts") struct CylinderSolverTests {
  private let configuration = settings {
    ($0.columns, $0.rows, $0.frameCount, $0.spinUpFrames) = (128, 64, 4, 20)
  }

  @Test("goes on in every bit from copied fields, and nearly from a frame") func restart() throws {
    let flow = try CylinderFlow(configuration: configuration)
    flow.addVortex(speed: 0.02, at: [0.3, 0.27], width: 0.04)
    flow.advance(by: 8)
    let copy = try CylinderFlow(configuration: configuration, threads: 2)
    copy.resume(from: flow.state, time: flow.time)
    let size = 4 * 128 * 64
    func frame(_ flow: CylinderFlow) -> [Double] {
      var numbers = [Double](repeating: 0, count: size)
      unsafe numbers.withUnsafeMutableBufferPointer { unsafe flow.writeFrame(to: $0) }
      return numbers
    }
    let solver = try CylinderSolver(configuration: configuration)
    try solver.restart(from: HostArray(frame(flow), shape: [1, 4, 64, 128]), time: 8)
    for _ in 0..<2 {
      flow.advance(by: 0.2)
      copy.advance(by: 0.2)
    }
    #expect(copy.state == flow.state && copy.time == flow.time)
    let restarted = try solver.advance(frames: 2).slice(0).slice(1).elements
    #expect(solver.time == 8.4)
    // Velocities pass through the middles of cells; what that smooths at the body is put back.
    let (ours, truth) = (Array(restarted[8192..<3 * 8192]), Array(frame(flow)[8192..<3 * 8192]))
    let error = distance(ours, truth) / configuration.speed
    #expect(error < 5e-4, "\(error)")
    // Without the pressure of the frame it is found again within the first steps.
    var blind = frame(flow)
    for place in 0..<8192 { blind[place] = 0 }
    try solver.restart(from: HostArray(blind, shape: [1, 4, 64, 128]), time: 0)
    let after = try solver.advance(frames: 1).elements.prefix(8192)
    flow.advance(by: 0.2)
    let scale = Statistics.rootMeanSquare(Array(frame(flow)[..<8192]))
    #expect(distance(Array(after), Array(frame(flow)[..<8192])) < 0.05 * scale)
  }

  @Test("takes several flows, keeps its clock and refuses other shapes") func solver() throws {
    let solver = try CylinderSolver(configuration: configuration, threads: 2)
    #expect(throws: SimulationError.notStarted) { try solver.advance(frames: 1) }
    #expect(throws: SimulationError.self) {
      try solver.restart(from: HostArray(repeating: 0, shape: [1, 3, 64, 128]), time: 0)
    }
    let simulator = try Cylinder(configuration: configuration)
    let block = try simulator.simulate(0..<2, threads: 2)
    // [N, C, T, Y, X] to [N, C, Y, X] of the first frames.
    var starts: [Double] = []
    for part in 0..<8 {
      let first = part * 4 * 8192
      starts += block.x[first..<first + 8192].map { Double($0) }
    }
    try solver.restart(from: HostArray(starts, shape: [2, 4, 64, 128]), time: 3)
    let both = try solver.advance(frames: 2)
    #expect(solver.time == 3.4 && both.shape == [2, 2, 4, 64, 128])
    try solver.restart(from: HostArray(Array(starts[32768...]), shape: [1, 4, 64, 128]), time: 0)
    #expect(try solver.advance(frames: 2).elements == both.slice(1).elements)
    let again = try simulator.simulate(1..<2, threads: 1)
    #expect(again.x == Array(block.x[block.x.count / 2..<block.x.count]))
    #expect(!again.x.elementsEqual(block.x[0..<block.x.count / 2]))
  }

  @Test("names settings that cannot work") func refusals() {
    let wrong: [(String, (inout CylinderConfiguration) -> Void)] = [
      ("columns", { $0.columns = 100 }), ("columns", { $0.columns = 56 }),
      ("rows", { $0.rows = 4 }),
      ("re", { $0.re = 0 }), ("diameter", { $0.columns = 32 }),
      ("position", { $0.position = 0.03 }),
      ("offset", { $0.offset = -0.25 }), ("courant", { $0.courant = 2 }),
      ("penalty", { $0.penalty = -1 }), ("perturbation", { $0.perturbation = .nan }),
    ]
    for (name, change) in wrong {
      #expect(
        performing: { try settings(change).validate() },
        throws: { ($0 as? ConfigurationError)?.path == "simulation.\(name)" })
    }
  }
}
