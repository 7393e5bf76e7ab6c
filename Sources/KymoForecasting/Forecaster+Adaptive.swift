// Adaptive switching: see AdaptiveSchedule. Every trajectory decides for itself, so each is
// forecast alone, with the solver going on from burst to burst as long as no latent steps come
// between.
public import KymoNumerics
import KymoPropagation
import KymoReduction

extension Forecaster {
  /// Forecasts with latent steps while the ensemble agrees and the solver where it does not.
  ///
  /// - Parameters:
  ///   - known: Known frames in physical units, `[B, W, C, X…]`.
  ///   - stepCount: Number of frames to forecast, H.
  ///   - schedule: When to switch.
  ///   - startTime: Absolute time of the first known frame, in the solver's unit.
  /// - Throws: ``ForecastError`` when the parts do not fit; errors of the parts.
  /// - Returns: The forecast; ``Forecast/origins`` says who made which frame.
  public func adaptive(
    from known: HostArray<Float>, stepCount: Int, schedule: AdaptiveSchedule,
    startTime: Double = 0
  ) throws -> Forecast {
    try schedule.validate()
    try check(known, needsSolver: "Adaptive switching")
    let state = reduction.stateShape
    var whole = Forecast(
      frames: HostArray(repeating: .nan, shape: [0, stepCount] + state),
      latents: HostArray(repeating: .nan, shape: [0, stepCount, reduction.latentCount]),
      origins: [], outcomes: [], timing: ForecastTiming())
    var (frames, latents) = ([Float](), [Double]())
    for trajectory in 0..<known.shape[0] {
      var member = self
      member.seed = seed &+ UInt64(trajectory)
      if !recordings.isEmpty { member.recordings = [recordings[trajectory]] }
      let run = try ForecastRun(
        member, known: known.rows([trajectory]), stepCount: stepCount, startTime: startTime)
      try run.advance(by: schedule)
      let one = run.finish()
      frames += one.frames.elements
      latents += one.latents.elements
      whole.origins += one.origins
      whole.outcomes += one.outcomes
      whole.timing.add(one.timing)
    }
    let count = known.shape[0]
    whole.frames = HostArray(frames, shape: [count, stepCount] + state)
    whole.latents = HostArray(latents, shape: [count, stepCount, reduction.latentCount])
    return whole
  }
}

extension ForecastRun {
  /// Latent steps are taken this many at a time and taken back beyond the first disagreement.
  private static let stretch = 16

  /// One trajectory by adaptive switching.
  func advance(by schedule: AdaptiveSchedule) throws {
    var state = lastKnown
    var latents = lastKnownLatents
    var solverGoesOn = false
    while done < stepCount {
      try forecaster.checkStop()
      let (steps, last) = try advanceWhileAgreed(
        atMost: min(schedule.maximumMacroSteps, stepCount - done),
        bound: schedule.maximumDisagreement)
      if let last {
        (state, solverGoesOn) = (last, false)
      }
      guard done < stepCount else { break }
      if steps > 0 { latents = try encode(state.asOneStep()).frame(0) }
      // A burst, and more of them while the propagators do not follow the solver.
      repeat {
        if !solverGoesOn { try startSolver(from: state) }
        solverGoesOn = true
        let frames = try advanceSolver(min(schedule.microSteps, stepCount - done))
        guard done < stepCount else { return }
        let encoded = try encode(frames)
        note(latents: encoded, at: done - frames.shape[1])
        let known = HostArray.concatenating([latents.asOneStep(), encoded])
        let mismatch = try rewarm(on: known, comparing: schedule.comparisonSteps)
        (state, latents) = (frames.frame(frames.shape[1] - 1), known.frame(frames.shape[1]))
        guard mismatch > schedule.maximumMismatch else { break }
        try forecaster.checkStop()
      } while done < stepCount
    }
  }

  /// Latent steps up to the first at which members disagree; that one is not taken.
  private func advanceWhileAgreed(
    atMost count: Int, bound: Double
  ) throws -> (steps: Int, last: HostArray<Float>?) {
    var (steps, last): (Int, HostArray<Float>?) = (0, nil)
    while steps < count {
      let part = min(Self.stretch, count - steps)
      let before = ensemble
      var rolled = try timing.measure(\.latent, count: part * ensemble.count) {
        try ensemble.rollout(stepCount: part)
      }
      let agreed =
        (0..<part).first { disagreement(rolled.members, step: $0) > bound } ?? part
      if agreed < part {
        ensemble = before
        guard agreed > 0 else { break }
        // The memory must end where the forecast ends.
        rolled = try timing.measure(\.latent, count: agreed * ensemble.count) {
          try ensemble.rollout(stepCount: agreed)
        }
      }
      noteHeld(rolled.members)
      let decoded = try decode(rolled.mean)
      record(latents: rolled.mean, frames: decoded, .latent)
      last = decoded.frame(agreed - 1)
      steps += agreed
      if agreed < part { break }
    }
    return (steps, last)
  }

  /// Teacher forcing on known latents but the last, which come next; the last few are forecast
  /// before and compared.
  ///
  /// - Returns: Root mean square distance in units of the spread; infinite when not finite.
  private func rewarm(on known: HostArray<Double>, comparing count: Int) throws -> Double {
    let last = known.shape[1] - 1
    let compared = min(count, last)
    return try timing.measure(\.latent, count: (last + compared) * ensemble.count) {
      try ensemble.feed(known.steps(0..<last - compared))
      var trial = ensemble
      trial.take(known.frame(last - compared))
      let forecast = try trial.rollout(stepCount: compared).mean
      try ensemble.feed(known.steps(last - compared..<last))
      ensemble.take(known.frame(last))
      return distance(forecast, known.steps(last - compared + 1..<last + 1))
    }
  }

  /// Root mean square over latents of the members' standard deviation, in units of the spread.
  private func disagreement(_ members: [HostArray<Double>], step: Int) -> Double {
    let width = members[0].shape[2]
    var sum = 0.0
    for latent in 0..<width {
      let values = members.map { $0.elements[step * width + latent] }
      let spread = spread(latent)
      sum += Statistics.populationVariance(values) / (spread * spread)
    }
    // Members that diverged agree on nothing; a single one always agrees.
    let result = (sum / Double(width)).squareRoot()
    return result.isNaN ? .infinity : result
  }

  private func distance(_ first: HostArray<Double>, _ second: HostArray<Double>) -> Double {
    let width = first.shape[2]
    var sum = 0.0
    for index in first.elements.indices {
      let difference = (first.elements[index] - second.elements[index]) / spread(index % width)
      sum += difference * difference
    }
    let result = (sum / Double(first.count)).squareRoot()
    return result.isNaN ? .infinity : result
  }

  private func spread(_ latent: Int) -> Double {
    let all = forecaster.latentSpread
    guard latent < all.count, all[latent] > 0 else { return 1 }
    return all[latent]
  }
}
