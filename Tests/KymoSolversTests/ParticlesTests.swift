// Brownian particles: the kernel against plain steps, moments against theory within three standard
// errors, order, threads, and what a solver keeps between starts.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

private func settings(
  _ change: (inout ParticlesConfiguration) -> Void = { _ in }
) -> ParticlesConfiguration {
  var configuration = ParticlesConfiguration()
  change(&configuration)
  return configuration
}

/// Frames of particles that all start at the origin, `[T, C, P]`.
private func frames(
  _ configuration: ParticlesConfiguration, _ count: Int, trajectories: Int = 1, threads: Int = 1
) throws -> HostArray<Double> {
  let solver = try ParticlesSolver(configuration: configuration, threads: threads)
  try solver.restart(
    from: HostArray(repeating: 0, shape: [trajectories] + solver.stateShape), time: 0)
  return try solver.advance(frames: count)
}

/// Mean and variance of numbers, each with its standard error for a normal distribution.
private func moments(_ numbers: [Double]) -> (mean: Double, variance: Double, count: Double) {
  let deviation = Statistics.sampleStandardDeviation(numbers)
  return (Statistics.mean(numbers), deviation * deviation, Double(numbers.count))
}

@Suite("Advection-diffusion particles") struct ParticlesTests {
  @Test(
    "the kernel takes the steps of plain arithmetic, whatever the count",
    arguments: [1, 63, 64, 65, 300])
  func plain(_ count: Int) throws {
    let configuration = settings {
      $0.particleCount = count
      $0.diffusivity = 0.7
      $0.substeps = 5
      $0.frameInterval = 0.5
      $0.seed = 11
    }
    let solver = try ParticlesSolver(configuration: configuration)
    var random = RandomStream(seed: 5, purpose: .testing)
    var states = HostArray(
      (0..<2 * 3 * count).map { _ in random.uniform() - 0.5 }, shape: [2, 3, count])
    try solver.restart(from: states, time: 3)
    let made = try solver.advance(frames: 2).slice(1).slice(1).elements

    let deviation = (0.7 * 0.1).squareRoot()
    for step in 0..<10 {
      for axis in 0..<3 {
        var noise = [Float](repeating: 0, count: (count + 63) / 64 * 64)
        unsafe noise.withUnsafeMutableBufferPointer { noise in
          guard let start = noise.baseAddress else { return }
          // The same numbers by the door for noise on fields: a purpose, a channel, a place.
          unsafe addNoise(
            to: start, count: noise.count, seed: 11,
            place: (recording: 1, channel: axis, frame: 30 + step, cell: 0), deviation: 1,
            purpose: .dynamics)
        }
        let time = 3 + Double(step) * 0.1
        let drift =
          configuration.amplitudes[axis] * cos(configuration.frequencies[axis] * time) * 0.1
        for particle in 0..<count {
          // The order of kymo_particles.h.
          let (strip, rest) = (particle / 64 * 64, particle % 64)
          let place = strip + 4 * (rest % 16) + rest / 16
          var x = states[1, axis, particle] + deviation * Double(noise[place]) + drift
          while x.magnitude > 0.5 { x = (x > 0 ? 1 : -1) - x }
          states[1, axis, particle] = x
        }
      }
    }
    expectClose(
      made, states.slice(1).elements,
      Tolerance(absolute: 1e-13, because: "rounding of ten steps, mirrored in another order"))
  }

  @Test("free diffusion has mean ∫a dt and variance Dt, within three standard errors")
  func freeDiffusion() throws {
    let configuration = settings {
      $0.particleCount = 20_000
      $0.boxLength = 1e6
      $0.seed = 3
    }
    let states = try frames(configuration, 4).slice(0).slice(3)
    for axis in 0..<3 {
      let found = moments(states.slice(axis).elements)
      let mean = (0..<400).reduce(0.0) {
        $0 + configuration.amplitudes[axis]
          * cos(configuration.frequencies[axis] * 0.01 * Double($1))
          * 0.01
      }
      let variance = 0.1 * 4
      #expect((found.mean - mean).magnitude < 3 * (variance / found.count).squareRoot())
      #expect((found.variance - variance).magnitude < 3 * variance * (2 / found.count).squareRoot())
    }
  }

  @Test("reflection keeps particles in the box, where they spread evenly") func uniformState()
    throws
  {
    let configuration = settings {
      $0.particleCount = 20_000
      $0.diffusivity = 1
      $0.amplitudes = [0, 1.74, 0]
      $0.seed = 4
    }
    let all = try frames(configuration, 8)
    #expect(all.elements.allSatisfy { $0.magnitude <= 0.5 })
    for axis in [0, 2] {
      let numbers = all.slice(0).slice(7).slice(axis).elements
      let found = moments(numbers)
      let (variance, fourth) = (1 / 12.0, 1 / 80.0)
      #expect(found.mean.magnitude < 3 * (variance / found.count).squareRoot())
      let error = ((fourth - variance * variance) / found.count).squareRoot()
      #expect((found.variance - variance).magnitude < 3 * error)
      // Ten equal parts of the box hold a tenth each.
      for part in 0..<10 {
        let low = -0.5 + 0.1 * Double(part)
        let share = Double(numbers.count { $0 >= low && $0 < low + 0.1 }) / found.count
        #expect((share - 0.1).magnitude < 3.5 * (0.09 / found.count).squareRoot())
      }
    }
    // A step that passes several boxes comes back too.
    let wild = try frames(
      settings {
        $0.particleCount = 64
        $0.diffusivity = 1e5
      }, 2)
    #expect(wild.elements.allSatisfy { $0.magnitude <= 0.5 })
  }

  @Test("the mean is of first order in the step") func weakOrder() throws {
    // Little noise in a wide box: the error is that of the drift, and the noise of the mean, 1e-5, far
    // below it.
    let errors = try [10, 20, 40].map { substeps in
      let states = try frames(
        settings {
          $0.particleCount = 2048
          $0.diffusivity = 1e-7
          $0.boxLength = 100
          $0.frameInterval = 2
          $0.substeps = substeps
        }, 1)
      let mean = Statistics.mean(states.slice(0).slice(0).slice(1).elements)
      return (mean - 1.74 * sin(2.0)).magnitude
    }
    let orders = [log2(errors[0] / errors[1]), log2(errors[1] / errors[2])]
    #expect(orders.allSatisfy { ($0 - 1).magnitude < 0.1 }, "orders \(orders), errors \(errors)")
  }

  @Test("any number of threads gives the same bits, beside whomever") func threads() throws {
    let configuration = settings { $0.particleCount = 700 }
    let one = try frames(configuration, 3, trajectories: 4)
    for threads in [2, 5] {
      #expect(try frames(configuration, 3, trajectories: 4, threads: threads) == one)
    }
    // The first trajectory does not see the others, and no two are alike.
    #expect(try frames(configuration, 3).elements == one.slice(0).elements)
    #expect(one.slice(0) != one.slice(1))
    let other = try frames(
      settings {
        $0.particleCount = 700
        $0.seed = 1
      }, 3)
    #expect(other.elements != one.slice(0).elements)
  }

  @Test("a run that is started again from its own state goes on with the same bits") func restart()
    throws
  {
    let solver = try ParticlesSolver(configuration: settings { $0.particleCount = 100 })
    try solver.restart(from: HostArray(repeating: 0, shape: [1, 3, 100]), time: 0)
    let whole = try solver.advance(frames: 5).slice(0)
    #expect(solver.time == 5)
    try solver.restart(
      from: HostArray(whole.slice(2).elements, shape: [1, 3, 100]), time: 3)
    #expect(try solver.advance(frames: 2).slice(0).slice(1) == whole.slice(4))
    // At another time drift and noise are others.
    try solver.restart(from: HostArray(whole.slice(2).elements, shape: [1, 3, 100]), time: 9)
    #expect(try solver.advance(frames: 2).slice(0).slice(1) != whole.slice(4))
    try solver.restart(from: HostArray(repeating: .nan, shape: [1, 3, 100]), time: 0)
    #expect(try solver.advance(frames: 1).elements.allSatisfy(\.isNaN))
    #expect(throws: SimulationError.stateShape(expected: [3, 100], found: [1, 2, 100])) {
      try solver.restart(from: HostArray(repeating: 0, shape: [1, 2, 100]), time: 0)
    }
  }

  @Test("recordings are a function of seed and number") func recordings() throws {
    let configuration = settings {
      ($0.particleCount, $0.frameCount, $0.recordings) = (200, 4, 3)
      ($0.amplitudes, $0.frequencies) = ([1], [0.1])
    }
    let simulator = try configuration.makeSimulator()
    let all = try simulator.simulate(0..<3, threads: 2)
    #expect(all.x.count == 3 * 4 * 200 && all.redrawn == 0)
    let last = try simulator.simulate(2..<3, threads: 1)
    #expect(Array(all.x[1600...]) == last.x)
    #expect(all.x.allSatisfy { $0.magnitude <= 0.5 })
    // The solver repeats a recording from its first frame, up to its rounding to Float.
    let solver = try ParticlesSolver(configuration: configuration)
    let first = all.x[..<200].map { Double($0) }
    try solver.restart(from: HostArray(first, shape: [1, 1, 200]), time: 0)
    expectClose(
      try solver.advance(frames: 3).elements, all.x[200..<800].map { Double($0) },
      Tolerance(absolute: 1e-6, because: "positions are stored in single precision"))
  }

  @Test("settings that cannot work are refused by name") func settingsErrors() throws {
    for (change, path): ((inout ParticlesConfiguration) -> Void, String) in [
      ({ $0.frequencies = [1] }, "frequencies"), ({ $0.amplitudes = [] }, "amplitudes"),
      ({ $0.diffusivity = -1 }, "diffusivity"), ({ $0.boxLength = 0 }, "boxLength"),
      ({ $0.particleCount = 0 }, "particleCount"), ({ $0.substeps = 0 }, "substeps"),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try settings(change).validate() }
      #expect(error?.path == "simulation.\(path)")
    }
  }
}
