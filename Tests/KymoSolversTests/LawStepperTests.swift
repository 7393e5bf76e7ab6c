// The solver of any law against exact solutions, and against the solvers that are written for one.
import Foundation
import KymoNumerics
import Testing

@testable import KymoSolvers

@Suite("The solver of any law") struct LawStepperTests {
  private func ring(_ points: Int, _ length: Double) -> Grid {
    Grid([Grid.Axis(points, extent: length, .periodic)])
  }

  private func difference(_ x: some Sequence<Double>, _ y: some Sequence<Double>) -> Double {
    zip(x, y).map { ($0 - $1).magnitude }.max() ?? .nan
  }

  @Test("gives Kuramoto–Sivashinsky, a damping for each trajectory, as its own solver does")
  func kuramotoSivashinsky() throws {
    var settings = KuramotoSivashinskyConfiguration()
    (settings.pointCount, settings.length, settings.recordings) = (64, 25, 11)
    settings.meshFactor = 2
    let own = try KuramotoSivashinsky(configuration: settings)
    let dampings = (0..<11).map { 0.6 + 0.1 * Double($0) }
    let fields = (0..<11).flatMap { row in
      (0..<64).map { point -> Double in
        let angle = 2 * Double.pi * Double(point) / 64
        return cos(angle + Double(row)) + 0.4 * sin(3 * angle)
      }
    }
    let known = own.advance(fields: fields, dampings: dampings, frameCount: 21, threads: 1)
    let solver = try LawStepper(
      settings.law(dampings.map { [$0] }), on: ring(64, 25), frameInterval: settings.frameInterval,
      stepsPerFrame: 40, threads: 2)
    try solver.restart(from: HostArray(fields, shape: [11, 1, 64]), time: 0)
    let made = try solver.advance(frames: 20)
    for row in 0..<11 {
      let truth = known[(row * 21 + 1) * 64..<(row * 21 + 21) * 64]
      #expect(difference(made.elements[row * 20 * 64..<(row + 1) * 20 * 64], truth) < 5e-6)
    }
    #expect(abs(solver.time - 20 * settings.frameInterval) < 1e-12)
  }

  @Test("is of fourth order, with channels coupled by linear terms")
  func order() throws {
    // ψ = A exp i(kx − ωt) solves iψ_t + ψ_xx/2 + κ|ψ|²ψ = 0 with ω = k²/2 − κA².
    let (amplitude, wave, coupling) = (0.9, 2 * 2 * Double.pi / 10, 1.3)
    let frequency = wave * wave / 2 - coupling * amplitude * amplitude
    func truth(_ time: Double) -> [Double] {
      let angles = (0..<32).map { wave * Double($0) * 10 / 32 - frequency * time }
      return angles.map { amplitude * cos($0) } + angles.map { amplitude * sin($0) }
    }
    let law = try SpectralLaw(
      [
        ["d2x(v)": -0.5, "u^2*v": -coupling, "v^3": -coupling],
        ["d2x(u)": 0.5, "u*v^2": coupling, "u^3": coupling],
      ], channels: ["u", "v"], spaceRank: 1)
    func error(_ steps: Int) throws -> Double {
      let solver = try LawStepper(
        law, on: ring(32, 10), frameInterval: 1, stepsPerFrame: steps)
      try solver.restart(from: HostArray(truth(0), shape: [1, 2, 32]), time: 0)
      return difference(try solver.advance(frames: 1).elements, truth(1))
    }
    let (coarse, fine) = (try error(8), try error(16))
    #expect(fine < 1e-5 && (12...20).contains(coarse / fine), "\(coarse), \(fine)")
  }

  @Test("solves linear laws of two axes exactly, whatever the step")
  func plane() throws {
    let grid = Grid([Grid.Axis(16, extent: 3, .periodic), Grid.Axis(20, extent: 5, .periodic)])
    func field(_ time: Double) -> [Double] {
      let (a, b) = (2 * Double.pi / 3, 2 * 2 * Double.pi / 5)
      let decay = exp(-0.05 * (a * a + b * b) * time)
      return (0..<320).map { cell in
        let (x, y) = (Double(cell / 20) * 3 / 16, Double(cell % 20) * 5 / 20)
        return 0.2 * time + decay * sin(a * (x - 0.7 * time)) * cos(b * y)
      }
    }
    let law = try SpectralLaw(
      [["lap(u)": 0.05, "dx(u)": -0.7, "1": 0.2]], channels: ["u"], spaceRank: 2)
    let solver = try LawStepper(law, on: grid, frameInterval: 0.8, stepsPerFrame: 1)
    try solver.restart(from: HostArray(field(0), shape: [1, 1, 16, 20]), time: 0)
    let made = try solver.advance(frames: 3)
    #expect(difference(made.elements[640...], field(2.4)) < 1e-12)
  }

  @Test("gives Gray–Scott as its own solver does, and finds its steps")
  func grayScott() throws {
    var settings = GrayScottConfiguration()
    settings.recordings = 2
    // Fronts twice as wide as usual: both meshes resolve them.
    (settings.diffusivityU, settings.diffusivityV) = (0.64, 0.32)
    let own = try GrayScott(configuration: settings)
    let block = try own.simulate(0..<2, threads: 1)
    let (rows, columns) = (settings.spaceShape[0], settings.spaceShape[1])
    let (cells, frames) = (rows * columns, settings.frameCount)
    func state(_ recording: Int, _ frame: Int) -> [Double] {
      (0..<2).flatMap { channel -> [Double] in
        let first = ((recording * 2 + channel) * frames + frame) * cells
        return block.x[first..<first + cells].map(Double.init)
      }
    }
    let parameters = (0..<2).map { row in (0..<2).map { Double(block.parameters[2 * row + $0]) } }
    let solver = try LawStepper(
      settings.law(parameters), on: settings.grid, frameInterval: settings.frameInterval)
    let starts = state(0, 2) + state(1, 2)
    try solver.restart(from: HostArray(starts, shape: [2, 2, rows, columns]), time: 0)
    let made = try solver.advance(frames: 3)
    for recording in 0..<2 {
      let first = (recording * 3 + 2) * 2 * cells
      #expect(difference(made.elements[first..<first + 2 * cells], state(recording, 5)) < 1e-5)
    }
    #expect((2...64).contains(try #require(solver.stepsPerFrame)))
  }

  @Test("solves a sine–Gordon breather, whose products are no polynomial")
  func breather() throws {
    let (points, length, frequency) = (256, 60.0, 0.8)
    let width = (1 - frequency * frequency).squareRoot()
    func breather(_ time: Double) -> [Double] {
      let profile = (0..<points).map { 1 / cosh(width * (Double($0) * length / 256 - length / 2)) }
      let (s, c) = (sin(frequency * time), cos(frequency * time))
      let u = profile.map { 4 * atan(width / frequency * s * $0) }
      let rate = profile.map { p -> Double in
        let inner = width / frequency * p
        return 4 * inner * frequency * c / (1 + inner * inner * s * s)
      }
      return u + rate
    }
    let law = try SpectralLaw(
      [["w": 1], ["d2x(u)": 1, "sin(u)": -1]], channels: ["u", "w"], spaceRank: 1)
    let solver = try LawStepper(law, on: ring(points, length), frameInterval: 0.5)
    try solver.restart(from: HostArray(breather(0), shape: [1, 2, points]), time: 0)
    let made = try solver.advance(frames: 10)
    #expect(difference(made.elements.suffix(2 * points), breather(5)) < 1e-5)
  }

  @Test("marks what diverges, and refuses what it cannot solve")
  func refusals() throws {
    let law = try SpectralLaw([["u^2": 1]], channels: ["u"], spaceRank: 1)
    let solver = try LawStepper(law, on: ring(16, 1), frameInterval: 1, stepsPerFrame: 40)
    let starts = [Double](repeating: 2, count: 16) + [Double](repeating: -1, count: 16)
    try solver.restart(from: HostArray(starts, shape: [2, 1, 16]), time: 0)
    let made = try solver.advance(frames: 3)
    #expect(made.elements[32..<48].allSatisfy { $0.isNaN })
    // u' = u² from −1: −1/(1 + t).
    #expect(difference(made.elements[80..<96], (0..<16).map { _ in -0.25 }) < 1e-6)
    for grid in [
      Grid([Grid.Axis(16, extent: 1, .open)]), ring(14, 1), ring(15, 1),
    ] {
      #expect(throws: ConfigurationError.self) {
        try LawStepper(law, on: grid, frameInterval: 1)
      }
    }
    #expect(throws: SimulationError.self) {
      try LawStepper(law, on: ring(16, 1), frameInterval: 1).advance(frames: 1)
    }
  }

  @Test("functions of the exponential integrator, of numbers and of matrices")
  func exponentials() {
    for value in [0.0, 1e-9, -0.3, 2, -40] {
      let matrix = SmallMatrix(identity: 1, times: value)
      let found = matrix.exponentialFunctions.map { $0[0, 0].re }
      // φ₁ by expm1; φ₂, φ₃ by their definitions where those do not cancel.
      let first = value == 0 ? 1 : expm1(value) / value
      #expect(abs(found[0] / exp(value) - 1) < 1e-12 && abs(found[1] / first - 1) < 1e-12)
      if abs(value) > 1 {
        let second = (first - 1) / value
        #expect(abs(found[2] / second - 1) < 1e-12)
        #expect(abs(found[3] / ((second - 0.5) / value) - 1) < 1e-12)
      } else if value == 0 {
        #expect(abs(found[2] - 0.5) < 1e-15 && abs(found[3] - 1.0 / 6) < 1e-15)
      }
    }
    // A rotation by 3 radians.
    var turn = SmallMatrix(identity: 2, times: 0)
    (turn[0, 1], turn[1, 0]) = ((-3, 0), (3, 0))
    let rotation = turn.exponentialFunctions[0]
    #expect(abs(rotation[0, 0].re - cos(3)) < 1e-13 && abs(rotation[1, 0].re - sin(3)) < 1e-13)
  }
}
