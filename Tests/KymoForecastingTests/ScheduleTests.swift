// The exact order of calls of a forecast, on a line where the solver adds 1 in a step and the
// propagator, half a unit wrong, 1.5.
import KymoForecasting
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Multiscale rounds") struct ScheduleTests {
  private let log = CallLog()

  /// Frames 0, 1, 2 are known.
  private func forecast(
    macro: Int, micro: Int, horizon: Int, _ change: (inout Forecaster) -> Void = { _ in }
  ) throws -> Forecast {
    var forecaster = Forecaster(
      reduction: WrittenReduction(log: log),
      propagators: [WrittenPropagator(log: log) { $0 + 1.5 }], solver: WrittenSolver(log))
    change(&forecaster)
    return try forecaster.multiscale(
      from: counting(from: [0], frames: 3), stepCount: horizon,
      schedule: MultiscaleSchedule(macroSteps: macro, microSteps: micro), startTime: 10)
  }

  @Test("run latent steps, the solver and re-warming in order") func rounds() throws {
    let forecast = try forecast(macro: 2, micro: 3, horizon: 10)
    #expect(forecast.frames.elements == [3.5, 5, 6, 7, 8, 9.5, 11, 12, 13, 14])
    #expect(
      log.calls == [
        "encode 0 1 2", "step 0", "step 1",
        "step 2", "step 3.5", "decode 3.5 5",
        // Frame 2 is at 10 + 2 · 0.5, two latent steps later it is 12.
        "restart 5 at 12", "advance 3",
        "encode 5", "encode 6 7 8", "step 5", "step 6", "step 7",
        "step 8", "step 9.5", "decode 9.5 11",
        "restart 11 at 14.5", "advance 3",
      ])
    #expect(forecast.origins[0].map(\.rawValue) == [0, 0, 1, 1, 1, 0, 0, 1, 1, 1])
    #expect(forecast.latentFraction == 0.4)
    #expect(forecast.outcomes == [.completed])
    #expect(forecast.timing.solver.count == 6)
    // Re-warming counts as latent steps: 2 + 3 + 2.
    #expect(forecast.timing.latent.count == 7)
  }

  @Test("start from predictions in the legacy way") func legacy() throws {
    let forecast = try forecast(macro: 2, micro: 3, horizon: 7) {
      ($0.warmUpConvention, $0.microFeedback) = (.legacyPredictedLastFrame, .legacy)
    }
    // The prediction of frame 2 is 2.5; that of the solver's last frame 7.5 + 1.5.
    #expect(forecast.frames.elements == [4, 5.5, 6.5, 7.5, 8.5, 10.5, 12])
    #expect(
      log.calls.suffix(8) == [
        "encode 5.5", "encode 6.5 7.5", "step 5.5", "step 6.5", "step 7.5", "step 9", "step 10.5",
        "decode 10.5 12",
      ])
  }

  @Test("with one solver step feed its frame back, but not in the legacy way") func oneMicro()
    throws
  {
    let present = try forecast(macro: 1, micro: 1, horizon: 4)
    #expect(present.frames.elements == [3.5, 4.5, 6, 7])
    let legacy = try forecast(macro: 1, micro: 1, horizon: 4) { $0.microFeedback = .legacy }
    // 3.5 + 1.5 is what the propagator makes of the start; the solver's 4.5 is never read.
    #expect(legacy.frames.elements == [3.5, 4.5, 6.5, 7.5])
    #expect(!log.calls.suffix(8).contains("encode 4.5"))
  }

  @Test("with many latent steps are Latent-LED", arguments: [5, 6, 1000]) func allMacro(
    macro: Int
  ) throws {
    let forecast = try forecast(macro: macro, micro: 3, horizon: 5)
    #expect(forecast.frames.elements == [3.5, 5, 6.5, 8, 9.5])
    #expect(!log.calls.contains { $0.hasPrefix("restart") || $0.hasPrefix("advance") })
    #expect(log.calls.count { $0.hasPrefix("decode") } == 1)
  }

  @Test("without latent steps are the solver alone, started once") func allMicro() throws {
    let forecast = try forecast(macro: 0, micro: 2, horizon: 5)
    #expect(forecast.frames.elements == [3, 4, 5, 6, 7])
    #expect(
      log.calls == [
        "encode 0 1 2", "step 0", "step 1", "restart 2 at 11", "advance 2", "advance 2",
        "advance 1",
      ])
  }

  @Test("can begin with the solver") func microFirst() throws {
    let forecast = try forecast(macro: 2, micro: 2, horizon: 6) { $0.firstPhase = .micro }
    #expect(forecast.frames.elements == [3, 4, 5.5, 7, 8, 9])
    #expect(
      log.calls.dropFirst(3) == [
        "restart 2 at 11", "advance 2", "encode 3 4", "step 2", "step 3", "step 4", "step 5.5",
        "decode 5.5 7", "restart 7 at 13", "advance 2",
      ])
  }

  @Test("stop in the middle of a phase at the horizon") func truncated() throws {
    let forecast = try forecast(macro: 2, micro: 3, horizon: 4)
    #expect(forecast.frames.elements == [3.5, 5, 6, 7])
    #expect(log.calls.last == "advance 2")
    #expect(try self.forecast(macro: 2, micro: 3, horizon: 0).frames.count == 0)
  }

  @Test("refuse what does not fit") func errors() throws {
    var forecaster = Forecaster(
      reduction: WrittenReduction(log: log), propagators: [WrittenPropagator { $0 }])
    let known = counting(from: [0], frames: 1)
    #expect(throws: ForecastError.noSolver(schedule: "A multiscale schedule")) {
      try forecaster.multiscale(
        from: known, stepCount: 2, schedule: MultiscaleSchedule(macroSteps: 1, microSteps: 1))
    }
    #expect(throws: ConfigurationError.self) {
      try forecaster.multiscale(
        from: known, stepCount: 2, schedule: MultiscaleSchedule(macroSteps: 0, microSteps: 0))
    }
    #expect(
      throws: ForecastError.frames(found: [1, 1, 2], expected: "[trajectories, time, 1, 1]")
    ) {
      try forecaster.latent(from: HostArray(repeating: 0, shape: [1, 1, 2]), stepCount: 1)
    }
    forecaster.warmUpConvention = .legacyPredictedLastFrame
    #expect(throws: ForecastError.warmUpTooShort(found: 1, needed: 2)) {
      try forecaster.latent(from: known, stepCount: 1)
    }
    forecaster.propagators = [Rotation(angle: 1)]
    forecaster.warmUpConvention = .trueLastFrame
    #expect(throws: ForecastError.latents(reduction: 1, propagator: 2)) {
      try forecaster.latent(from: known, stepCount: 1)
    }
    forecaster.propagators = []
    #expect(throws: ForecastError.noPropagator) {
      try forecaster.latent(from: known, stepCount: 1)
    }
  }
}
