// The Kuramoto-Sivashinsky solver on the short periodic domain: values of an independent
// implementation, order, symmetries of the equation, long runs, lanes and settings.
import CKernels
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

private typealias Settings = KuramotoSivashinskyAttractorConfiguration

private func settings(_ change: (inout Settings) -> Void = { _ in }) -> Settings {
  var configuration = Settings()
  change(&configuration)
  return configuration
}

/// cos(2πx/22)(1 + sin(2πx/22)), the field of the reference values below.
private let wave = (0..<64).map { point in
  let angle = 2 * Double.pi * Double(point) / 64
  return cos(angle) * (1 + sin(angle))
}

/// A state on the attractor.
private let developed: [Double] = {
  let simulator = try? KuramotoSivashinskyAttractor(
    configuration: settings { $0.frameCount = 2 })
  return (try? simulator?.simulate(0..<1, threads: 1).x.prefix(64).map(Double.init)) ?? []
}()

private func frames(
  _ states: [Double], _ count: Int, level: kk_level = kk_processor_level(),
  _ change: (inout Settings) -> Void = { _ in }
) throws -> HostArray<Double> {
  let solver = try KuramotoSivashinskySolver(configuration: settings(change), level: level)
  try solver.restart(from: HostArray(states, shape: [states.count / 64, 1, 64]), time: 0)
  return try solver.advance(frames: count)
}

@Suite("Kuramoto-Sivashinsky solver, the method") struct KuramotoSivashinskySolverMethodTests {
  @Test("gives an independent implementation's values at t = 1, 5, 10") func golden() throws {
    // An independent implementation with δt = 0.0025: u at the points 0, 8, 16, 32, 48, then the
    // largest and the root mean square.
    let expected: [(Int, [Double])] = [
      (1, [0.76642028153, 1.5355679367, 0, -0.76642028153, 0, 1.57227628167, 0.88552611057]),
      (5, [-0.2503151668, 1.1838106321, 0, 0.2503151668, 0, 2.16026827019, 0.87678515302]),
      (10, [-1.2614520032, 1.0796427033, 0, 1.2614520032, 0, 1.88519392893, 1.05081930100]),
    ]
    let values = expected.flatMap(\.1)
    func observed(_ substeps: Int) throws -> [Double] {
      let run = try frames(wave, 10) {
        $0.frameInterval = 1
        $0.substeps = substeps
      }
      return expected.flatMap { time, _ in
        let field = run.slice(0).slice(time - 1).elements
        return [0, 8, 16, 32, 48].map { field[$0] }
          + [field.max() ?? 0, Statistics.rootMeanSquare(field)]
      }
    }
    let printed = Tolerance(absolute: 1e-8, because: "ten digits are given")
    expectClose(try observed(400), values, printed)
    // Negative control: δt = 0.25 is not that accurate.
    expectFar(try observed(4), values, printed)
  }

  @Test("is of fourth order in time") func order() throws {
    func last(_ substeps: Int) throws -> [Double] {
      try frames(developed, 20) { $0.substeps = substeps }.slice(0).slice(19).elements
    }
    let reference = try last(1280)
    let errors = try [20, 40, 80].map { distance(try last($0), reference) }
    let orders = [log2(errors[0] / errors[1]), log2(errors[1] / errors[2])]
    #expect(orders.allSatisfy { $0 > 3.75 && $0 < 4.3 }, "orders \(orders), errors \(errors)")
  }

  @Test("commutes with shifts and with the reflection of x and u") func symmetries() throws {
    let shifted = (0..<64).map { developed[($0 + 64 - 5) % 64] }
    let mirrored = (0..<64).map { -developed[(64 - $0) % 64] }
    let run = try frames(developed + shifted + mirrored, 20)
    let (plain, moved, turned) = (
      run.slice(0).slice(19).elements, run.slice(1).slice(19).elements,
      run.slice(2).slice(19).elements
    )
    // Five units of time let rounding grow by e^0.24; measured 2e-15.
    #expect(distance(moved, (0..<64).map { plain[($0 + 64 - 5) % 64] }) < 1e-13)
    #expect(distance(turned, (0..<64).map { -plain[(64 - $0) % 64] }) < 1e-13)
    // Negative control: without the sign the reflection is no symmetry.
    #expect(distance(turned, (0..<64).map { plain[(64 - $0) % 64] }) > 0.1)
  }

  @Test("conserves the mean and never lets the highest mode in") func invariants() throws {
    let start = developed.enumerated().map { $1 + 0.25 + ($0 % 2 == 0 ? 0.1 : -0.1) }
    let run = try frames(start, 400)
    for frame in [0, 399] {
      let field = run.slice(0).slice(frame).elements
      #expect((Statistics.mean(field) - Statistics.mean(start)).magnitude < 1e-14)
      let highest = field.enumerated().reduce(0) { $0 + ($1.0 % 2 == 0 ? $1.1 : -$1.1) }
      #expect(highest.magnitude < 1e-12)
    }
  }

  @Test("does not depend on the trajectories beside it, in any bit") func independence() throws {
    var stream = RandomStream(seed: 4, purpose: .testing)
    let many = (0..<11).flatMap { _ in
      let size = 0.5 + stream.uniform()
      return developed.map { size * $0 }
    }
    let together = try frames(many, 40)
    let solver = try KuramotoSivashinskySolver(configuration: settings(), threads: 3)
    for count in [1, 2, 4, 5, 9] {
      try solver.restart(
        from: HostArray(Array(many[..<(count * 64)]), shape: [count, 1, 64]), time: 0)
      let some = try solver.advance(frames: 40)
      #expect(some.elements == Array(together.elements[..<(count * 40 * 64)]), "\(count)")
    }
  }

  @Test("is the same to rounding with every instruction set") func levels() throws {
    let runs = try [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512].map {
      try frames(developed + wave, 20, level: $0).elements
    }
    #expect(distance(runs[0], runs[1]) < 1e-13 && distance(runs[0], runs[2]) < 1e-13)
  }

  @Test("goes on where it stopped, and starts at any time") func clock() throws {
    let solver = try KuramotoSivashinskySolver()
    #expect(throws: SimulationError.notStarted) { try solver.advance(frames: 1) }
    try solver.restart(from: HostArray(developed, shape: [1, 1, 64]), time: 100)
    let parts = try solver.advance(frames: 3).elements + solver.advance(frames: 4).elements
    #expect(solver.time == 101.75)
    #expect(parts == (try frames(developed, 7).elements))
    #expect(throws: SimulationError.self) {
      try solver.restart(from: HostArray(developed, shape: [1, 64]), time: 0)
    }
  }

  @Test("loses a trajectory without losing the others") func blowUp() throws {
    let run = try frames(developed + developed.map { 1e160 * $0 } + developed, 2)
    #expect(run.slice(1).elements.allSatisfy { $0.isNaN })
    #expect(run.slice(0).elements.allSatisfy { $0.isFinite } && run.slice(2) == run.slice(0))
  }
}

@Suite("Kuramoto-Sivashinsky attractor") struct KuramotoSivashinskyAttractorTests {
  /// Two recordings of 10,000 units of time.
  static let runs: [[Double]] = {
    let simulator = try? KuramotoSivashinskyAttractor(
      configuration: settings {
        $0.recordings = 2
        $0.frameCount = 40_000
      })
    let x = (try? simulator?.simulate(0..<2, threads: 1).x) ?? []
    return [x.prefix(40_000 * 64).map(Double.init), x.suffix(40_000 * 64).map(Double.init)]
  }()

  @Test("has the long-time statistics of an independent implementation") func statistics() throws {
    // An independent implementation, two runs of 10,000 units of time.
    for run in Self.runs {
      let size = Statistics.rootMeanSquare(run)
      #expect((size - 1.184).magnitude < 0.01, "\(size)")
      let (low, high) = (run.min() ?? 0, run.max() ?? 0)
      #expect(low > -3.3 && low < -2.9 && high > 2.9 && high < 3.3, "\(low) \(high)")
      let sizes = (0..<40_000).map {
        Statistics.rootMeanSquare(Array(run[$0 * 64..<($0 + 1) * 64]))
      }
      #expect((sizes.min() ?? 0) > 0.85 && (sizes.max() ?? 0) < 1.80)
      // The spread of the correlation between runs of this length is below the tolerance by half.
      let lags: [(Int, Double, Double)] = [
        (1, 0.9986, 3e-4), (4, 0.978, 2e-3), (8, 0.917, 8e-3), (20, 0.634, 0.03),
        (40, 0.288, 0.06), (80, 0.391, 0.06),
      ]
      for (lag, expected, tolerance) in lags {
        var sum = 0.0
        for index in 0..<run.count - lag * 64 { sum += run[index] * run[index + lag * 64] }
        let correlation = sum / Double(run.count - lag * 64) / (size * size)
        #expect((correlation - expected).magnitude < tolerance, "lag \(lag): \(correlation)")
      }
    }
    // Different seeds' draws: unrelated attractor states are 1.65 apart.
    let apart = distance(Self.runs[0], Self.runs[1])
    #expect((apart - 1.65).magnitude < 0.1, "\(apart)")
  }

  @Test("stays real: no drift for 12,000 units of time with long steps") func drift() throws {
    // A complex spectrum without symmetry diverges near t = 400.
    let run = try frames(developed, 48_000) { $0.substeps = 1 }
    let size = Statistics.rootMeanSquare(Array(run.elements.suffix(4000 * 64)))
    #expect((size - 1.18).magnitude < 0.05, "\(size)")
    #expect(run.elements.allSatisfy { $0.magnitude < 3.5 })
    #expect(Statistics.mean(Array(run.elements.suffix(64))).magnitude < 1e-7)
  }

  @Test("does not depend on threads or neighbours, and follows the seed") func seeds() throws {
    let short = settings {
      $0.frameCount = 3
      $0.spinUpFrames = 10
      $0.recordings = 10
    }
    let simulator = try KuramotoSivashinskyAttractor(configuration: short)
    let all = try simulator.simulate(0..<10, threads: 1)
    #expect(try simulator.simulate(0..<10, threads: 2).x == all.x)
    #expect(try simulator.simulate(7..<8, threads: 1).x == Array(all.x[7 * 192..<8 * 192]))
    var other = short
    other.seed = 1
    #expect(
      try KuramotoSivashinskyAttractor(configuration: other).simulate(0..<1, threads: 1).x
        != Array(all.x[..<192]))
    let mean = Statistics.mean(all.x[..<64].map(Double.init))
    #expect(mean.magnitude < 1e-9)
  }

  @Test("settings decode onto the defaults and refuse what cannot work") func configuration() throws
  {
    let text = Data(#"{"substeps": 2, "length": 24}"#.utf8)
    #expect(
      try SettingsTree(json: text).decode(Settings.self)
        == settings {
          $0.substeps = 2
          $0.length = 24
        })
    let mistakes: [(String, (inout Settings) -> Void)] = [
      ("pointCount", { $0.pointCount = 62 }), ("length", { $0.length = 0 }),
      ("substeps", { $0.substeps = 0 }), ("spinUpFrames", { $0.spinUpFrames = -1 }),
      ("initialWidth", { $0.initialWidth = 0 }), ("frameCount", { $0.frameCount = 1 }),
    ]
    for (name, change) in mistakes {
      let error = #expect(throws: ConfigurationError.self) {
        try KuramotoSivashinskySolver(configuration: settings(change))
      }
      #expect(error?.path == "simulation.\(name)")
    }
  }
}
