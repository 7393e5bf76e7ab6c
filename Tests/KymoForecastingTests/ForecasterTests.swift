// Forecasts of systems with known answers: a rotation, trajectories that diverge, ensembles, and
// adaptive switching between them and a solver.
import Foundation
import KymoForecasting
import KymoNumerics
import KymoPropagation
import KymoTestSupport
import Testing

@Suite("Forecasts") struct ForecasterTests {
  @Test("of a rotation are exact over thousands of steps") func rotation() throws {
    let forecaster = Forecaster(
      reduction: PlaneReduction(), propagators: [Rotation(angle: 0.1)])
    let starts = [0.0, 1, 2.5]
    let known = try rotating(starts: starts, angle: 0.1, frames: 0..<4)
    let forecast = try forecaster.latent(from: known, stepCount: 3000)
    // Stretches of 1024 steps are joined in between; a rotation adds one rounding for each step. It
    // begins with the last known field, which is in single precision.
    let first = try PlaneReduction().encode(
      HostArray((0..<3).flatMap { known.slice($0).slice(3).elements }, shape: [3, 1, 3]))
    expectClose(
      forecast.latents.elements,
      starts.indices.flatMap { row in
        let (x, y) = (first.elements[2 * row], first.elements[2 * row + 1])
        return (1...3000).flatMap { step in
          let (c, s) = (cos(0.1 * Double(step)), sin(0.1 * Double(step)))
          return [c * x - s * y, s * x + c * y]
        }
      }, Tolerance(absolute: 1e-11, because: "3,000 rotations of a few ulps, in fixed direction"))
    let single = Tolerance(absolute: 1.2e-7, because: "fields near 1 in single precision")
    expectClose(
      forecast.frames.elements,
      try rotating(starts: starts, angle: 0.1, frames: 4..<3004).elements, single)
    // A wrong angle must not pass.
    let wrong = try rotating(starts: starts, angle: 0.1001, frames: 4..<3004).elements
    expectFar(forecast.frames.elements, wrong, single)
  }

  @Test("of a batch are those of its trajectories") func batch() throws {
    let log = CallLog()
    let forecaster = Forecaster(
      reduction: WrittenReduction(log: log), propagators: [WrittenPropagator { 0.9 * $0 + 1 }],
      solver: WrittenSolver(log))
    let schedule = MultiscaleSchedule(macroSteps: 3, microSteps: 2)
    let starts: [Float] = [0, 7, -3.25]
    let together = try forecaster.multiscale(
      from: counting(from: starts, frames: 2), stepCount: 17, schedule: schedule)
    for (row, start) in starts.enumerated() {
      let alone = try forecaster.multiscale(
        from: counting(from: [start], frames: 2), stepCount: 17, schedule: schedule)
      #expect(alone.frames.elements == together.frames.slice(row).elements)
      #expect(alone.origins[0] == together.origins[row])
    }
  }

  @Test("say where the latents of a model that grew without bound were held") func held() throws {
    // ż = z² from 1/4 ends at t = 4; the other start decays.
    var series: [Double] = []
    for start in [0.1, 0.2, -0.3] {
      for t in 0..<30 { series.append(start / (1 - start * 0.1 * Double(t))) }
    }
    var configuration = SINDyConfiguration()
    configuration.polynomialDegree = 2
    let propagator = try SINDyPropagator(
      fitting: (0..<3).map { HostArray(Array(series[$0 * 30..<$0 * 30 + 30]), shape: [30, 1]) },
      frameInterval: 0.1, configuration: configuration)
    let known = HostArray<Float>([0.25, -0.25], shape: [2, 1, 1, 1])
    let forecast = try Forecaster(
      reduction: WrittenReduction(log: CallLog()), propagators: [propagator]
    ).latent(from: known, stepCount: 60)
    guard case .held(let step) = forecast.outcomes[0] else {
      Issue.record("\(forecast.outcomes)")
      return
    }
    #expect((30..<41).contains(step) && forecast.outcomes[1] == .completed)
    #expect(forecast.frames.elements[..<60].allSatisfy(\.isFinite) && forecast.divergedCount == 1)
    let latents = forecast.latents.elements
    #expect(latents[step] == latents[59] && latents[step - 1] != latents[59])
  }

  @Test("keep the finite frames of a trajectory that diverges") func divergence() throws {
    let log = CallLog()
    var forecaster = Forecaster(
      reduction: WrittenReduction(log: log), propagators: [WrittenPropagator { $0 * 1e15 }])
    let known = HostArray<Float>([1, 0], shape: [2, 1, 1, 1])
    let latent = try forecaster.latent(from: known, stepCount: 4)
    #expect(latent.outcomes == [.diverged(step: 2), .completed])
    #expect(latent.divergedCount == 1)
    #expect(Array(latent.frames.elements[0..<2]) == [1e15, 1e30])
    #expect(latent.frames.elements[2..<4].count { $0.isNaN } == 2)
    #expect(Array(latent.frames.elements[4...]) == [0, 0, 0, 0])

    forecaster.solver = WrittenSolver(log)
    let multiscale = try forecaster.multiscale(
      from: known, stepCount: 6, schedule: MultiscaleSchedule(macroSteps: 3, microSteps: 2))
    #expect(multiscale.outcomes == [.diverged(step: 2), .completed])
    // Neither the solver nor the reduction is shown what is not finite.
    #expect(log.calls.contains("restart 0 at 1.5"))
    #expect(!log.calls.contains { $0.contains("inf") || $0.contains("nan") })
    #expect(multiscale.timing.solver.count == 2)
  }

  @Test("of an ensemble are the mean of members that go their own way") func ensemble() throws {
    let forecaster = Forecaster(
      reduction: WrittenReduction(log: CallLog()),
      propagators: [WrittenPropagator { 2 * $0 }, WrittenPropagator { $0 }])
    let forecast = try forecaster.latent(from: counting(from: [1], frames: 1), stepCount: 3)
    // (2ⁿ + 1) / 2, not 1.5ⁿ.
    #expect(forecast.frames.elements == [1.5, 2.5, 4.5])
    #expect(forecast.timing.latent.count == 6)
  }
}

@Suite("Adaptive switching") struct AdaptiveTests {
  private let log = CallLog()

  private func forecaster(_ members: [@Sendable (Double) -> Double]) -> Forecaster {
    Forecaster(
      reduction: WrittenReduction(log: log),
      propagators: members.map { WrittenPropagator(log: nil, next: $0) },
      solver: WrittenSolver(log))
  }

  private func schedule(_ change: (inout AdaptiveSchedule) -> Void = { _ in }) -> AdaptiveSchedule {
    var schedule = AdaptiveSchedule()
    (schedule.maximumMacroSteps, schedule.microSteps, schedule.comparisonSteps) = (20, 3, 2)
    (schedule.maximumDisagreement, schedule.maximumMismatch) = (2.2, 0.5)
    change(&schedule)
    return schedule
  }

  @Test("leaves the latents where members part and returns when they follow the solver")
  func disagreement() throws {
    // After n steps the members are n apart, n / 2 from their mean: 5 steps exceed 2.2.
    let forecast = try forecaster([{ $0 + 1.5 }, { $0 + 0.5 }]).adaptive(
      from: counting(from: [0], frames: 2), stepCount: 14, schedule: schedule())
    #expect(forecast.frames.elements == counting(from: [2], frames: 14).elements)
    #expect(
      forecast.origins[0].map(\.rawValue) == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1])
    #expect(
      log.calls.filter { $0.hasPrefix("restart") } == ["restart 5 at 2.5", "restart 12 at 6"])
  }

  @Test("stays with the solver while forecasts miss it, without starting it anew")
  func mismatch() throws {
    // The mean is half a unit wrong in a step: 0.5 and 1 over two compared frames.
    let forecast = try forecaster([{ $0 + 2 }, { $0 + 1 }]).adaptive(
      from: counting(from: [0], frames: 2), stepCount: 12, schedule: schedule())
    #expect(forecast.frames.elements.prefix(4) == [2.5, 4, 5.5, 7])
    #expect(forecast.origins[0].map(\.rawValue) == [0, 0, 0, 0] + [1, 1, 1, 1, 1, 1, 1, 1])
    #expect(
      log.calls.filter { $0.hasPrefix("restart") || $0.hasPrefix("advance") }
        == ["restart 7 at 2.5", "advance 3", "advance 3", "advance 2"])
    // A looser bound lets it return.
    let loose = try forecaster([{ $0 + 2 }, { $0 + 1 }]).adaptive(
      from: counting(from: [0], frames: 2), stepCount: 12,
      schedule: schedule { $0.maximumMismatch = 0.8 })
    #expect(
      loose.origins[0].map(\.rawValue) == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1])
  }

  @Test("decides for every trajectory by itself") func perTrajectory() throws {
    let members: [@Sendable (Double) -> Double] = [
      { $0 + 1 }, { $0 > 100 ? $0 + 20 : $0 + 1 },
    ]
    let forecast = try forecaster(members).adaptive(
      from: counting(from: [0, 200], frames: 2), stepCount: 30, schedule: schedule())
    // The first one agrees until the longest stretch, twenty steps, ends.
    #expect(
      forecast.origins[0].map(\.rawValue)
        == Array(repeating: 0, count: 20) + [1, 1, 1] + Array(repeating: 0, count: 7))
    #expect(forecast.origins[1].allSatisfy { $0 == .solver })
    #expect(forecast.frames.elements == counting(from: [2, 202], frames: 30).elements)
  }

  @Test("measures in units of the latents' spread") func spread() throws {
    var forecaster = forecaster([{ $0 + 1.5 }, { $0 + 0.5 }])
    forecaster.latentSpread = [10]
    let forecast = try forecaster.adaptive(
      from: counting(from: [0], frames: 2), stepCount: 20, schedule: schedule())
    #expect(forecast.origins[0].allSatisfy { $0 == .latent })
  }

  @Test("lets the solver rescue members that diverge") func rescue() throws {
    let forecast = try forecaster([{ $0 + 1 }, { $0 > 4 ? .infinity : $0 + 1 }]).adaptive(
      from: counting(from: [0], frames: 2), stepCount: 9, schedule: schedule())
    #expect(forecast.outcomes == [.completed])
    #expect(forecast.frames.elements == counting(from: [2], frames: 9).elements)
  }

  @Test("keeps a memory that ends where the forecast ends") func memory() throws {
    // A propagator that predicts from the number of things it was fed tells if one is too many.
    let counter = FeedCounter()
    let forecaster = Forecaster(
      reduction: WrittenReduction(log: log), propagators: [counter, Stepping(size: 1.5)],
      solver: WrittenSolver(log))
    let forecast = try forecaster.adaptive(
      from: counting(from: [0], frames: 2), stepCount: 9,
      schedule: schedule {
        ($0.maximumDisagreement, $0.maximumMismatch) = (0.6, 10)
      })
    // Fed n latents, it predicts n: exact as long as nothing is fed twice.
    let latent = zip(forecast.frames.elements, forecast.origins[0]).filter { $1 == .latent }.map(
      \.0)
    #expect(latent == [2.25, 3.5, 7.5])
  }

  @Test("refuses bounds that cannot work") func bounds() {
    for change: (inout AdaptiveSchedule) -> Void in [
      { $0.maximumMacroSteps = 0 }, { $0.microSteps = 0 }, { $0.comparisonSteps = 11 },
      { $0.maximumDisagreement = 0 }, { $0.maximumMismatch = .nan },
    ] {
      var schedule = AdaptiveSchedule()
      change(&schedule)
      #expect(throws: ConfigurationError.self) { try schedule.validate() }
    }
  }
}
