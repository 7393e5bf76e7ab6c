// Forecasts of the effective dynamics: warm up on known frames, advance latents, decode; or
// alternate with the solver of the full dynamics. Vlachas, Arampatzis, Uhler and Koumoutsakos,
// "Multiscale simulations of complex systems by learning their effective dynamics", Nature Machine
// Intelligence 4, 359 (2022), doi:10.1038/s42256-022-00464-w.
//
// Letters: B trajectories, W known frames, H forecast frames, C channels, X (Y) space, L latents.
public import KymoNumerics
public import KymoPropagation
public import KymoReduction
public import KymoSolvers

/// Forecasts many trajectories side by side with any reduction, any propagators and any solver.
///
/// Frame W − 1 is the last known one and forecasts are of the frames W, W + 1, …, a coarse step
/// apart. Several propagators are an ensemble: the mean of their predictions is decoded, and each
/// feeds its own predictions back. A propagator's memory must be a value: a copy of it may not
/// change with the original.
public struct Forecaster {
  /// What the forecast starts from.
  public enum WarmUpConvention: String, SettingChoice {
    /// The encoding of the last known frame.
    case trueLastFrame
    /// The prediction of the last known frame from those before it, as published numbers were made.
    case legacyPredictedLastFrame
  }

  /// What the next latent steps start from after a stretch of the solver.
  public enum MicroFeedback: String, SettingChoice {
    /// The encoding of the solver's last frame.
    case encodeLast
    /// The prediction of it from those before, as published numbers were made.
    case legacy
  }

  /// What a multiscale round begins with.
  public enum FirstPhase: String, SettingChoice {
    /// Latent steps.
    case macro
    /// The solver, started from the last known frame.
    case micro
  }

  /// From fields to latents and back.
  public var reduction: any Reduction
  /// One propagator, or an ensemble of them.
  public var propagators: [any Propagator]
  /// The full dynamics; needed by schedules with micro steps.
  public var solver: (any MicroSolver)?
  /// What the forecast starts from.
  public var warmUpConvention = WarmUpConvention.trueLastFrame
  /// What follows a stretch of the solver.
  public var microFeedback = MicroFeedback.encodeLast
  /// What a multiscale round begins with.
  public var firstPhase = FirstPhase.macro
  /// The recordings that the known frames are of, for solvers whose parameters differ between them;
  /// empty where that is not known.
  public var recordings: [Int] = []
  /// Standard deviation of every latent over the training data, the unit in which adaptive
  /// switching measures distances; empty means 1.
  public var latentSpread: [Double] = []
  /// Seed of what stochastic propagators and liftings draw.
  public var seed: UInt64 = 1
  /// Is called between rounds; throws to stop.
  public var checkStop: () throws -> Void = {}

  /// Creates a forecaster of trained parts.
  public init(
    reduction: any Reduction, propagators: [any Propagator], solver: (any MicroSolver)? = nil
  ) {
    (self.reduction, self.propagators, self.solver) = (reduction, propagators, solver)
  }

  /// The same for known frames of these recordings.
  public func starting(in recordings: [Int]) -> Forecaster {
    var forecaster = self
    forecaster.recordings = recordings
    return forecaster
  }

  /// Latent-LED: propagates latents only and decodes them at the end (section I).
  ///
  /// - Parameters:
  ///   - known: Known frames in physical units, `[B, W, C, X…]`; all of them warm up.
  ///   - stepCount: Number of frames to forecast, H.
  /// - Throws: ``ForecastError`` when the parts do not fit; errors of the parts.
  /// - Returns: The forecast; divergence is part of it.
  public func latent(from known: HostArray<Float>, stepCount: Int) throws -> Forecast {
    try multiscale(from: known, stepCount: stepCount, schedule: .latent)
  }

  /// The latents alone of a latent forecast, `[B, H, L]`, for forecasts whose fields do not fit into
  /// memory.
  ///
  /// - Parameters:
  ///   - known: Known frames in physical units, `[B, W, C, X…]`; all of them warm up.
  ///   - stepCount: Number of frames to forecast, H.
  /// - Throws: ``ForecastError`` when the parts do not fit; errors of the parts.
  /// - Returns: Latents; from where a trajectory diverged they are not finite.
  public func latents(
    from known: HostArray<Float>, stepCount: Int
  ) throws -> HostArray<Double> {
    try check(known, needsSolver: nil)
    let run = try ForecastRun(self, known: known, stepCount: 0, startTime: 0)
    return try run.ensemble.rollout(stepCount: stepCount).mean
  }

  /// Multiscale-LED: rounds of latent steps and of the solver (Figure 1).
  ///
  /// A round: m latent steps; the solver, started anew from the decoded last latents at their
  /// absolute time, for μ coarse steps; teacher forcing on the encodings of where the solver
  /// started and of its frames. The memory goes on, it is never reset. With m ≥ H this is
  /// Latent-LED, with m = 0 the solver alone, started once from the last known frame.
  ///
  /// - Parameters:
  ///   - known: Known frames in physical units, `[B, W, C, X…]`.
  ///   - stepCount: Number of frames to forecast, H.
  ///   - schedule: Latent and solver steps of a round.
  ///   - startTime: Absolute time of the first known frame, in the solver's unit.
  /// - Throws: ``ForecastError`` when the parts do not fit; errors of the parts.
  /// - Returns: The forecast; divergence is part of it.
  public func multiscale(
    from known: HostArray<Float>, stepCount: Int, schedule: MultiscaleSchedule,
    startTime: Double = 0
  ) throws -> Forecast {
    try schedule.validate()
    try check(known, needsSolver: schedule.microSteps > 0 ? "A multiscale schedule" : nil)
    let run = try ForecastRun(self, known: known, stepCount: stepCount, startTime: startTime)
    if schedule.macroSteps == 0 {
      try run.advanceSolverAlone(stepsAtATime: schedule.microSteps)
    } else {
      try run.advance(by: schedule)
    }
    return run.finish()
  }

  /// Feeds the encoding of every decoded prediction back instead of the prediction.
  ///
  /// - Parameters:
  ///   - known: Known frames in physical units, `[B, W, C, X…]`.
  ///   - stepCount: Number of frames to forecast, H.
  /// - Throws: ``ForecastError`` when the parts do not fit; errors of the parts.
  /// - Returns: The forecast; divergence is part of it.
  public func iterativeState(from known: HostArray<Float>, stepCount: Int) throws -> Forecast {
    try check(known, needsSolver: nil)
    let run = try ForecastRun(self, known: known, stepCount: stepCount, startTime: 0)
    try run.advanceThroughStates()
    return run.finish()
  }

  /// One-step predictions on true frames.
  ///
  /// - Parameters:
  ///   - frames: True frames in physical units, `[B, T, C, X…]`.
  ///   - warmUp: Number of frames, W, before the first prediction.
  /// - Throws: ``ForecastError`` when the parts do not fit; errors of the parts.
  /// - Returns: Predictions of the frames W … T − 1, each from all true frames before it.
  public func teacherForced(on frames: HostArray<Float>, warmUp: Int) throws -> Forecast {
    try check(frames, needsSolver: nil)
    guard warmUp >= 1, frames.shape[1] > warmUp else {
      throw ForecastError.warmUpTooShort(found: frames.shape[1], needed: max(1, warmUp) + 1)
    }
    let run = try ForecastRun(
      self, known: frames.steps(0..<warmUp), stepCount: frames.shape[1] - warmUp, startTime: 0)
    try run.follow(frames.steps(warmUp - 1..<frames.shape[1] - 1))
    return run.finish()
  }

  /// Throws unless the parts fit each other and the frames.
  func check(_ known: HostArray<Float>, needsSolver: String?) throws {
    let state = reduction.stateShape
    guard known.rank == state.count + 2, Array(known.shape.dropFirst(2)) == state else {
      throw ForecastError.frames(
        found: known.shape,
        expected: "[trajectories, time, \(state.map(String.init).joined(separator: ", "))]")
    }
    let needed = warmUpConvention == .legacyPredictedLastFrame ? 2 : 1
    guard known.shape[1] >= needed else {
      throw ForecastError.warmUpTooShort(found: known.shape[1], needed: needed)
    }
    guard !propagators.isEmpty else { throw ForecastError.noPropagator }
    for propagator in propagators where propagator.latentCount != reduction.latentCount {
      throw ForecastError.latents(
        reduction: reduction.latentCount, propagator: propagator.latentCount)
    }
    if let needsSolver {
      guard let solver else { throw ForecastError.noSolver(schedule: needsSolver) }
      guard solver.stateShape == state else {
        throw ForecastError.solverShape(reduction: state, solver: solver.stateShape)
      }
    }
  }
}
