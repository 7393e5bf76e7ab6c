// The FitzHugh-Nagumo lattice: its kernel against the rule written out, an independent NumPy run,
// the authors' initial states where they are, the limit cycle and the steady state, symmetry,
// settings.
import CKernels
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

/// Settings with the paper's restarts, which are those of recordings too.
private func settings(
  _ change: (inout FitzHughNagumoConfiguration) -> Void = { _ in }
) -> FitzHughNagumoConfiguration {
  var configuration = FitzHughNagumoConfiguration()
  configuration.restart = .equilibrium
  change(&configuration)
  return configuration
}

/// One step as the method is written down: collision, streaming, ends, population by population.
private func plainStep(_ f: [[[Double]]], _ configuration: FitzHughNagumoConfiguration)
  -> [[[Double]]]
{
  let last = configuration.pointCount - 1
  let (spacing, step) = (configuration.length / Double(last), configuration.timeStep)
  let density = f.map { f in (0...last).map { f[0][$0] + f[1][$0] + f[2][$0] } }
  let diffusivities = [configuration.activatorDiffusivity, configuration.inhibitorDiffusivity]
  return (0..<2).map { species in
    let omega = 2 / (1 + 3 * diffusivities[species] * step / (spacing * spacing))
    let post = (0..<3).map { direction in
      (0...last).map { node in
        let (u, v) = (density[0][node], density[1][node])
        let reaction =
          species == 0
          ? u - u * u * u - v
          : configuration.epsilon * (u - configuration.alpha1 * v - configuration.alpha0)
        let here = f[species][direction][node]
        return here - omega * (here - density[species][node] / 3) + step / 3 * reaction
      }
    }
    var moved = post
    for node in 1...last { moved[2][node] = post[2][node - 1] }
    for node in 0..<last { moved[0][node] = post[0][node + 1] }
    if configuration.symmetricEnds { moved[2][0] = moved[0][0] }
    moved[0][last] = moved[2][last]
    return moved
  }
}

/// Densities of random smooth fields on any number of nodes.
private func randomDensities(_ count: Int, seed: UInt64) -> [Double] {
  var stream = RandomStream(seed: seed, purpose: .testing)
  return (0..<2).flatMap { species in
    let (a, b, c) = (stream.normal(), stream.normal(), stream.normal())
    let scale = species == 0 ? 0.7 : 0.1
    return (0..<count).map { node in
      let x = Double(node) / Double(count)
      return scale * (0.3 * a + 0.5 * b * cos(3 * x) + 0.5 * c * sin(7 * x))
    }
  }
}

/// The initial states that the authors published, where this machine has them.
private enum Tables {
  static let folder = URL(filePath: #filePath).appending(path: "../../../../shared/data/fhn")
    .standardizedFileURL
  static let exist = FileManager.default.fileExists(
    atPath: folder.appending(path: "y00u.txt").path)

  static func state(_ name: String) throws -> [Double] {
    try ["u", "v"].flatMap { species in
      try String(contentsOf: folder.appending(path: name + species + ".txt"), encoding: .utf8)
        .split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    }
  }
}

@Suite("FitzHugh-Nagumo, the method") struct FitzHughNagumoMethodTests {
  @Test(
    "is the rule written out, on lines of every length and with every instruction set",
    arguments: [3, 4, 7, 8, 9, 16, 17, 31, 64, 65, 101], [false, true])
  func kernel(nodes: Int, symmetric: Bool) {
    let configuration = settings {
      $0.pointCount = nodes
      $0.length = 0.2 * Double(nodes - 1)
      $0.symmetricEnds = symmetric
    }
    let start = randomDensities(nodes, seed: UInt64(nodes))
    // 520 steps fill the windows three times.
    var plain = (0..<2).map { species in
      [[Double]](
        repeating: start[species * nodes..<(species + 1) * nodes].map { $0 / 3 }, count: 3)
    }
    for step in 1...520 {
      plain = plainStep(plain, configuration)
      guard [1, 2, 257, 520].contains(step) else { continue }
      for level in [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512] {
        var lattice = FitzHughNagumoLattice(
          configuration: configuration, densities: start[...], start: .equilibrium)
        lattice.advance(step, level: level)
        // Rounding of a few terms a step; a stable flow does not let it grow. Measured 2e-15.
        expectClose(
          lattice.populations, plain.flatMap { $0.flatMap(\.self) },
          Tolerance(absolute: 2e-13, because: "rounding of 520 steps"))
      }
    }
    // Negative control: the other rule for the first node is another answer.
    var other = configuration
    other.symmetricEnds.toggle()
    var lattice = FitzHughNagumoLattice(
      configuration: other, densities: start[...], start: .equilibrium)
    lattice.advance(520)
    #expect(distance(lattice.populations, plain.flatMap { $0.flatMap(\.self) }) > 1e-8)
  }

  @Test("agrees with NumPy on fronts") func golden() throws {
    struct Golden: Decodable {
      struct Run: Decodable {
        var place: Double
        var isReversed, symmetricEnds: Bool
        var fields: [[Double]]
      }
      var frames: [Int]
      var runs: [Run]
    }
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let golden = try JSONDecoder().decode(
      Golden.self, from: Data(contentsOf: folder.appending(path: "Golden/fitzhugh_nagumo.json")))
    for run in golden.runs {
      let configuration = settings { $0.symmetricEnds = run.symmetricEnds }
      let front = try FitzHughNagumo(configuration: configuration).fields(
        of: FitzHughNagumo.Draw(place: run.place, isReversed: run.isReversed))
      let solver = try FitzHughNagumoSolver(configuration: configuration)
      try solver.restart(from: HostArray(front, shape: [1, 2, 101]), time: 0)
      let first = try solver.settle(steps: 1)
      let later = try solver.advance(frames: 50)
      for (frame, field) in zip(golden.frames, run.fields) {
        expectClose(
          frame == 0 ? first.elements : later.slice(0).slice(frame - 1).elements, field,
          Tolerance(absolute: 1e-11, because: "rounding of 10,001 steps, measured 1e-13"))
      }
    }
  }

  @Test(
    "reproduces the recordings from the authors' initial state",
    .enabled(
      if: Tables.exist, "the tables are not in ../shared/data/fhn, and not part of the project"))
  func tables() throws {
    let solver = try FitzHughNagumoSolver(configuration: settings())
    try solver.restart(
      from: HostArray(try Tables.state("y00"), shape: [1, 2, 101]), time: 0)
    // An independent implementation in double precision.
    let first = try solver.settle(steps: 1)
    let last = try solver.advance(frames: 450).slice(0).slice(449)
    let printed = Tolerance(absolute: 1e-8, because: "ten digits are given")
    func samples(_ state: [Double]) -> [Double] { [0, 50, 100, 101, 151, 201].map { state[$0] } }
    expectClose(
      samples(first.elements),
      [
        -0.9897861101, 0.9606838185, 0.9452083032, -0.0156325233, 0.0720027349, 0.1044063271,
      ], printed)
    expectClose(
      samples(last.elements),
      [
        -0.9726359499, -0.9886454300, 0.9620663708, -0.0542831435, -0.0234409273, 0.0393327913,
      ], printed)
    // Negative control: a frame later is another state.
    let later = try solver.advance(frames: 1).slice(0).slice(0)
    expectFar(samples(later.elements), samples(last.elements), printed)
  }

  @Test(
    "spans the authors' range of both fields",
    .enabled(
      if: Tables.exist, "the tables are not in ../shared/data/fhn, and not part of the project"))
  func ranges() throws {
    let solver = try FitzHughNagumoSolver(configuration: settings(), threads: 2)
    let states = try (0..<5).flatMap { try Tables.state("y0\($0)") }
    try solver.restart(from: HostArray(states, shape: [5, 2, 101]), time: 0)
    let first = try solver.settle(steps: 1)
    let later = try solver.advance(frames: 2000)
    func range(_ channel: Int) -> [Double] {
      // Rows of 101 nodes that alternate between the channels.
      let values = [first, later].flatMap { frames in
        stride(from: 101 * channel, to: frames.count, by: 202).flatMap {
          frames.elements[$0..<$0 + 101]
        }
      }
      return [values.min() ?? 0, values.max() ?? 0]
    }
    // The stored scaler of the authors, over these five and a sixth state that does not widen it.
    let printed = Tolerance(absolute: 1e-8, because: "stored digits; measured below 1e-13")
    expectClose(range(0), [-1.022019956159692, 1.023366826822245], printed)
    expectClose(range(1), [-0.1749421447666667, 0.1866165320999998], printed)
  }

  @Test("commutes with reflection when both ends are alike") func reflection() throws {
    func asymmetry(_ symmetricEnds: Bool) throws -> Double {
      let solver = try FitzHughNagumoSolver(
        configuration: settings { $0.symmetricEnds = symmetricEnds })
      let state = randomDensities(101, seed: 3)
      let mirrored = state[..<101].reversed() + state[101...].reversed()
      try solver.restart(from: HostArray(state + mirrored, shape: [2, 2, 101]), time: 0)
      let frames = try solver.advance(frames: 20)
      let one = frames.slice(0).slice(19).elements
      let two = frames.slice(1).slice(19).elements
      return distance(one, two[..<101].reversed() + two[101...].reversed())
    }
    // Rounding of 4,000 steps; measured 1e-14. With the published ends there is a true difference.
    #expect(try asymmetry(true) < 1e-12)
    #expect(try asymmetry(false) > 1e-5)
  }
}

@Suite("FitzHugh-Nagumo, the dynamics") struct FitzHughNagumoDynamicsTests {
  @Test("has a limit cycle of period 186.186") func period() throws {
    let simulator = try FitzHughNagumo()
    let front = simulator.fields(of: FitzHughNagumo.Draw(place: 4, isReversed: false))
    let solver = try FitzHughNagumoSolver()
    try solver.restart(from: HostArray(front, shape: [1, 2, 101]), time: 0)
    _ = try solver.advance(frames: 12_000)
    let frames = try solver.advance(frames: 4000)
    let inhibitor = (0..<4000).map { frames[0, $0, 1, 50] }
    // Upward crossings of zero, between frames by the cubic through four of them.
    let crossings = (1..<3998).filter { inhibitor[$0] < 0 && inhibitor[$0 + 1] >= 0 }.map {
      place -> Double in
      let y = (-1...2).map { inhibitor[place + $0] }
      func cubic(_ x: Double) -> Double {
        let weights = [
          -x * (x - 1) * (x - 2) / 6, (x + 1) * (x - 1) * (x - 2) / 2, -(x + 1) * x * (x - 2) / 2,
          (x + 1) * x * (x - 1) / 6,
        ]
        return zip(weights, y).reduce(0) { $0 + $1.0 * $1.1 }
      }
      var (low, high) = (0.0, 1.0)
      for _ in 0..<50 {
        let middle = (low + high) / 2
        if cubic(middle) < 0 { low = middle } else { high = middle }
      }
      return Double(place) + low
    }
    try #require(crossings.count > 15)
    let period = ((crossings.last ?? 0) - crossings[0]) / Double(crossings.count - 1)
    // An independent implementation: 186.1856 at x = 10.
    #expect((period - 186.1856).magnitude < 0.001, "\(period)")
  }

  @Test("decays to the steady state from uniform fields") func steadyState() throws {
    let solver = try FitzHughNagumoSolver()
    try solver.restart(
      from: HostArray(
        [Double](repeating: -0.5, count: 101) + [Double](repeating: -0.1, count: 101),
        shape: [1, 2, 101]), time: 0)
    let state = try solver.advance(frames: 6000).slice(0).slice(5999).elements
    // The root of u − u³ − v = 0 with v = (u + 0.03)/2, to seven digits.
    let digits = Tolerance(absolute: 1e-7, because: "seven digits are given")
    expectClose(Array(state[..<101]), [Double](repeating: -0.7216547, count: 101), digits)
    expectClose(Array(state[101...]), [Double](repeating: -0.3458274, count: 101), digits)
  }

  @Test("draws fronts that all reach the cycle") func fronts() throws {
    let simulator = try FitzHughNagumo(
      configuration: settings {
        $0.recordings = 12
        $0.seed = 3
        $0.spinUpFrames = 600
        $0.frameCount = 200
      })
    let block = try simulator.simulate(0..<12, threads: 2)
    #expect(block.redrawn == 0)
    let part = 200 * 101
    for recording in 0..<12 {
      let inhibitor = block.x[(2 * recording + 1) * part..<(2 * recording + 2) * part]
      let (low, high) = (inhibitor.min() ?? 0, inhibitor.max() ?? 0)
      // The cycle reaches ±0.148; the steady states, where lost fronts end, are uniform.
      #expect(low < -0.14 && low > -0.16 && high > 0.14 && high < 0.16, "\(recording)")
    }
    let draws = (0..<12).map { simulator.draw(recording: $0, attempt: 0) }
    #expect(Set(draws.map(\.isReversed)).count == 2)
    #expect(draws.contains { $0.place < 10 } && draws.contains { $0.place > 10 })
  }
}

@Suite("FitzHugh-Nagumo, solver and recordings") struct FitzHughNagumoSolverTests {
  @Test("gives the recordings' frames, on any number of threads") func recordings() throws {
    let configuration = settings {
      $0.recordings = 3
      $0.frameCount = 5
      $0.spinUpFrames = 2
      $0.seed = 9
    }
    let simulator = try FitzHughNagumo(configuration: configuration)
    let block = try simulator.simulate(0..<3, threads: 2)
    #expect(try simulator.simulate(0..<3, threads: 1).x == block.x)
    let solver = try FitzHughNagumoSolver(configuration: configuration, threads: 3)
    let fronts = (0..<3).flatMap { simulator.fields(of: simulator.draw(recording: $0, attempt: 0)) }
    try solver.restart(from: HostArray(fronts, shape: [3, 2, 101]), time: 5)
    // As in the paper's test series: the first frame comes after 401 steps.
    _ = try solver.settle(steps: 401)
    #expect(solver.time == 5)
    let frames = try solver.advance(frames: 4)
    #expect(solver.time == 9 && frames.shape == [3, 4, 2, 101])
    for recording in 0..<3 {
      for channel in 0..<2 {
        for frame in 1..<5 {
          let row = ((2 * recording + channel) * 5 + frame) * 101
          let stored = Array(block.x[row..<row + 101])
          let ours = frames.slice(recording).slice(frame - 1).slice(channel).elements.map(
            Float.init)
          // Two calls of the kernel split the steps elsewhere, which changes no bit.
          #expect(ours == stored)
        }
      }
    }
  }

  @Test("goes on from fields as if it had never stopped, with fluxes from gradients")
  func restarts() throws {
    let front = try FitzHughNagumo().fields(of: FitzHughNagumo.Draw(place: 4, isReversed: false))
    /// Largest distance from the unbroken run after ten restarts, ten coarse steps apart.
    func distanceAfterRestarts(_ restart: FitzHughNagumoConfiguration.Restart) throws -> Double {
      let unbroken = try FitzHughNagumoSolver()
      try unbroken.restart(from: HostArray(front, shape: [1, 2, 101]), time: 0)
      let settled = try unbroken.advance(frames: 500).slice(0).slice(499)
      let solver = try FitzHughNagumoSolver(configuration: settings { $0.restart = restart })
      var state = settled.elements
      for _ in 0..<10 {
        try solver.restart(from: HostArray(state, shape: [1, 2, 101]), time: 0)
        state = try solver.advance(frames: 10).slice(0).slice(9).elements
      }
      return distance(state, try unbroken.advance(frames: 100).slice(0).slice(99).elements)
    }
    let (equilibrium, gradient) = (
      try distanceAfterRestarts(.equilibrium), try distanceAfterRestarts(.gradient)
    )
    #expect(equilibrium > 3e-4 && gradient < equilibrium / 20, "\(equilibrium), \(gradient)")
  }

  @Test("loses a trajectory without losing the others") func blowUp() throws {
    let good = randomDensities(101, seed: 1)
    var bad = good
    bad[50] = 1e200
    let solver = try FitzHughNagumoSolver()
    try solver.restart(from: HostArray(good + bad + good, shape: [3, 2, 101]), time: 0)
    let frames = try solver.advance(frames: 2)
    #expect(frames.slice(1).elements.allSatisfy { $0.isNaN })
    #expect(frames.slice(0).elements.allSatisfy { $0.isFinite })
    #expect(frames.slice(2) == frames.slice(0))
  }

  @Test("refuses states of another shape, and to advance before a start") func mistakes() throws {
    let solver = try FitzHughNagumoSolver()
    #expect(throws: SimulationError.notStarted) { try solver.advance(frames: 1) }
    for shape in [[2, 101], [1, 2, 100], [0, 2, 101], [1, 1, 101]] {
      #expect(throws: SimulationError.stateShape(expected: [2, 101], found: shape)) {
        try solver.restart(from: HostArray(repeating: 0, shape: shape), time: 0)
      }
    }
    let words = SimulationError.stateShape(expected: [2, 101], found: [2, 101]).description
    #expect(words.contains("[trajectories, 2, 101]"))
  }

  @Test("settings decode onto the defaults and refuse what cannot work") func configuration() throws
  {
    let text = Data(
      #"{"pointCount": 51, "symmetricEnds": true, "restart": "equilibrium"}"#.utf8)
    #expect(
      try SettingsTree(json: text).decode(FitzHughNagumoConfiguration.self)
        == settings {
          $0.pointCount = 51
          $0.symmetricEnds = true
        })
    let mistakes: [(String, (inout FitzHughNagumoConfiguration) -> Void)] = [
      ("recordings", { $0.recordings = 0 }), ("length", { $0.length = -1 }),
      ("pointCount", { $0.pointCount = 2 }), ("substeps", { $0.substeps = 0 }),
      ("spinUpFrames", { $0.spinUpFrames = -1 }), ("settlingSteps", { $0.settlingSteps = -1 }),
      ("activatorDiffusivity", { $0.activatorDiffusivity = 0 }),
      ("inhibitorDiffusivity", { $0.inhibitorDiffusivity = .nan }),
      ("epsilon", { $0.epsilon = .infinity }), ("frontMaximum", { $0.frontMaximum = 21 }),
      ("frontMaximum", { $0.frontMaximum = 1 }),
    ]
    for (name, change) in mistakes {
      let error = #expect(throws: ConfigurationError.self) {
        try FitzHughNagumoSolver(configuration: settings(change))
      }
      #expect(error?.path == "simulation.\(name)")
    }
  }
}
