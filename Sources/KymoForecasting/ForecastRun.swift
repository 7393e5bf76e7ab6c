// One forecast in progress: the order of calls (Vlachas et al. 2022, section I), the book-keeping
// of frames, and trajectories that have diverged, which the reduction and the solver never see.
//
// Letters: B trajectories, W known frames, H forecast frames, T some of them, C X states, L
// latents.
import KymoNumerics
import KymoPropagation
import KymoReduction
import KymoSolvers

/// A forecast in progress.
final class ForecastRun {
  let forecaster: Forecaster
  let stepCount: Int
  /// The propagators after the frames before the last known one; they take its latents next.
  var ensemble: RunningEnsemble
  /// Frames done.
  private(set) var done = 0
  /// The last known frame, `[B, C, X…]`, and its latents.
  let lastKnown: HostArray<Float>
  private(set) var lastKnownLatents: HostArray<Double>
  var timing = ForecastTiming()

  private let batch: Int
  private let lastKnownTime: Double
  private let begin = ContinuousClock.now
  private var frames: HostArray<Float>
  private var latents: HostArray<Double>
  private var origins: [[ForecastOrigin]]
  private var divergedAt: [Int?]
  private var heldAt: [Int?]
  private var random: RandomStream
  /// Rows that the solver was started with.
  private var solverRows: [Int] = []

  /// Warms up: feeds all known frames but the last, whose latents come next.
  init(
    _ forecaster: Forecaster, known: HostArray<Float>, stepCount: Int, startTime: Double
  ) throws {
    self.forecaster = forecaster
    self.stepCount = stepCount
    let (batch, knownCount) = (known.shape[0], known.shape[1])
    let state = forecaster.reduction.stateShape
    let latentCount = forecaster.reduction.latentCount
    self.batch = batch
    lastKnown = known.frame(knownCount - 1)
    lastKnownTime =
      startTime + Double(knownCount - 1) * (forecaster.solver?.frameInterval ?? 0)
    frames = HostArray(repeating: .nan, shape: [batch, stepCount] + state)
    latents = HostArray(repeating: .nan, shape: [batch, stepCount, latentCount])
    origins = Array(
      repeating: Array(repeating: .latent, count: stepCount), count: batch)
    divergedAt = Array(repeating: nil, count: batch)
    heldAt = divergedAt
    random = RandomStream(seed: forecaster.seed, purpose: .evaluation)
    ensemble = RunningEnsemble(
      forecaster.propagators, batchCount: batch, seed: forecaster.seed)
    lastKnownLatents = HostArray(repeating: .nan, shape: [batch, latentCount])
    let start = ContinuousClock.now
    let encoded = try encodeRows(known.joined()).split(batch)
    try ensemble.feed(encoded.steps(0..<knownCount - 1))
    lastKnownLatents = encoded.frame(knownCount - 1)
    if forecaster.warmUpConvention == .trueLastFrame { ensemble.take(lastKnownLatents) }
    timing.warmUp.seconds = start.duration(to: .now).inSeconds
    timing.warmUp.count = batch * knownCount
  }

  // MARK: Modes

  /// Rounds of latent steps and of the solver.
  func advance(by schedule: MultiscaleSchedule) throws {
    if forecaster.firstPhase == .micro, schedule.microSteps > 0 {
      let count = min(schedule.microSteps, stepCount)
      try startSolver(from: lastKnown)
      let frames = try advanceSolver(count)
      if done < stepCount { try rewarm(start: lastKnownLatents, frames: frames) }
    }
    while done < stepCount {
      try forecaster.checkStop()
      let isLatentOnly = schedule.microSteps == 0
      let macro = try advanceLatents(
        isLatentOnly ? stepCount - done : min(schedule.macroSteps, stepCount - done))
      guard done < stepCount else { break }
      try startSolver(from: macro)
      let frames = try advanceSolver(min(schedule.microSteps, stepCount - done))
      guard done < stepCount else { break }
      try rewarm(start: try encode(macro.asOneStep()).frame(0), frames: frames)
    }
  }

  /// The solver alone, started once.
  func advanceSolverAlone(stepsAtATime count: Int) throws {
    try startSolver(from: lastKnown)
    while done < stepCount {
      try forecaster.checkStop()
      _ = try advanceSolver(min(count, stepCount - done))
    }
  }

  /// Every prediction is decoded and encoded again before it is fed back.
  func advanceThroughStates() throws {
    ensemble.take(lastKnownLatents)
    while done < stepCount {
      try forecaster.checkStop()
      let frame = try advanceLatents(1)
      if done < stepCount { ensemble.take(try encode(frame.asOneStep()).frame(0)) }
    }
  }

  /// One-step predictions after true frames, `[B, H, C, X…]`, the first of which is the last known.
  func follow(_ truth: HostArray<Float>) throws {
    let known = try encode(truth)
    let predicted = try timing.measure(\.latent, count: batch * stepCount * ensemble.count) {
      try ensemble.feed(known)
    }
    record(latents: predicted, frames: try decode(predicted), .latent)
  }

  // MARK: Phases

  /// Latent steps; returns the decoded last frame.
  ///
  /// Long stretches are cut so that they can be stopped, and that fields fit into memory that was
  /// used before; that does not change them.
  func advanceLatents(_ count: Int) throws -> HostArray<Float> {
    var last = lastKnown
    let end = done + count
    let most = max(16, 2_000_000 / max(1, lastKnown.count))
    while done < end {
      let part = min(most, end - done)
      let (rolled, members) = try timing.measure(\.latent, count: batch * part * ensemble.count) {
        try ensemble.rollout(stepCount: part)
      }
      noteHeld(members)
      let decoded = try decode(rolled)
      record(latents: rolled, frames: decoded, .latent)
      last = decoded.frame(part - 1)
      if done < end { try forecaster.checkStop() }
    }
    return last
  }

  /// Starts the solver from fields `[B, C, X…]` at the time of the last frame done.
  func startSolver(from states: HostArray<Float>) throws {
    guard let solver = forecaster.solver else {
      throw ForecastError.noSolver(schedule: "This schedule")
    }
    solverRows = states.finiteRows
    guard !solverRows.isEmpty else { return }
    let time = lastKnownTime + Double(done) * solver.frameInterval
    let fields = HostArray<Double>(states.rows(solverRows))
    try timing.measure(\.solver, count: 0) {
      if !forecaster.recordings.isEmpty {
        try solver.choose(recordings: solverRows.map { forecaster.recordings[$0] })
      }
      try solver.restart(from: fields, time: time)
    }
  }

  /// Coarse steps of the solver, recorded as frames; returns them, `[B, T, C, X…]`.
  func advanceSolver(_ count: Int) throws -> HostArray<Float> {
    guard let solver = forecaster.solver, !solverRows.isEmpty else {
      let frames = HostArray(
        repeating: Float.nan, shape: [batch, count] + forecaster.reduction.stateShape)
      record(latents: nil, frames: frames, .solver)
      return frames
    }
    let made = HostArray<Float>(
      try timing.measure(\.solver, count: solverRows.count * count) {
        try solver.advance(frames: count)
      })
    let frames = solverRows.count == batch ? made : made.scattered(to: solverRows, of: batch)
    record(latents: nil, frames: frames, .solver)
    return frames
  }

  /// Teacher forcing on where the solver started and on its frames but the last; what is fed next
  /// is the encoding of the last one, or what the propagators predict for it.
  private func rewarm(start: HostArray<Double>, frames: HostArray<Float>) throws {
    let count = frames.shape[1]
    let usesLast = forecaster.microFeedback == .encodeLast
    let encodedCount = usesLast ? count : count - 1
    var known = [start.asOneStep()]
    if encodedCount > 0 {
      let encoded = try encode(frames.steps(0..<encodedCount))
      note(latents: encoded, at: done - count)
      known.append(encoded)
    }
    let all = HostArray.concatenating(known)
    try timing.measure(\.latent, count: batch * count * ensemble.count) {
      _ = try ensemble.feed(all.steps(0..<count))
    }
    if usesLast { ensemble.take(all.frame(count)) }
  }

  // MARK: Parts

  /// Latents of `[B, T, C, X…]`, `[B, T, L]`.
  func encode(_ states: HostArray<Float>) throws -> HostArray<Double> {
    try timing.measure(\.encode, count: batch * states.shape[1]) {
      try encodeRows(states.joined()).split(batch)
    }
  }

  /// Fields of `[B, T, L]`, `[B, T, C, X…]`.
  func decode(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    try timing.measure(\.decode, count: batch * latents.shape[1]) {
      try decodeRows(latents.joined()).split(batch)
    }
  }

  /// Latents of rows; NaN where a state is not finite.
  private func encodeRows(_ states: HostArray<Float>) throws -> HostArray<Double> {
    let finite = states.finiteRows
    if finite.count == states.shape[0] { return try forecaster.reduction.encode(states) }
    guard !finite.isEmpty else {
      return HostArray(
        repeating: .nan, shape: [states.shape[0], forecaster.reduction.latentCount])
    }
    return try forecaster.reduction.encode(states.rows(finite))
      .scattered(to: finite, of: states.shape[0])
  }

  /// Fields of rows; NaN where latents are not finite.
  private func decodeRows(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    let finite = latents.finiteRows
    if finite.count == latents.shape[0] {
      return try forecaster.reduction.decode(latents, using: &random)
    }
    guard !finite.isEmpty else {
      return HostArray(
        repeating: .nan, shape: [latents.shape[0]] + forecaster.reduction.stateShape)
    }
    return try forecaster.reduction.decode(latents.rows(finite), using: &random)
      .scattered(to: finite, of: latents.shape[0])
  }

  /// Notes which trajectories are held after steps that are not recorded yet.
  func noteHeld(_ members: [HostArray<Double>]) {
    for (row, step) in ensemble.firstHeld(in: members).enumerated() {
      if let step { heldAt[row] = heldAt[row] ?? done + step }
    }
  }

  /// Puts latents of frames that are done at their place.
  func note(latents part: HostArray<Double>, at step: Int) {
    latents.setSteps(from: step, to: part)
  }

  /// Appends frames, and notes where a trajectory diverges.
  func record(
    latents part: HostArray<Double>?, frames new: HostArray<Float>, _ origin: ForecastOrigin
  ) {
    let count = new.shape[1]
    frames.setSteps(from: done, to: new)
    if let part { latents.setSteps(from: done, to: part) }
    let (cells, width) = (new.shape.dropFirst(2).reduce(1, *), latents.shape[2])
    for row in 0..<batch {
      for step in 0..<count {
        origins[row][done + step] = origin
        guard divergedAt[row] == nil else { continue }
        let (first, place) = ((row * count + step) * cells, (row * count + step) * width)
        let isFinite =
          new.elements[first..<first + cells].allSatisfy(\.isFinite)
          && part?.elements[place..<place + width].allSatisfy(\.isFinite) ?? true
        if !isFinite { divergedAt[row] = done + step }
      }
    }
    done += count
  }

  /// The forecast; nothing of a trajectory is kept from where it diverged.
  func finish() -> Forecast {
    let (cells, width) = (frames.shape.dropFirst(2).reduce(1, *), latents.shape[2])
    for row in 0..<batch {
      guard let step = divergedAt[row] else { continue }
      for index in (row * stepCount + step) * cells..<(row + 1) * stepCount * cells {
        frames.elements[index] = .nan
      }
      for index in (row * stepCount + step) * width..<(row + 1) * stepCount * width {
        latents.elements[index] = .nan
      }
    }
    timing.totalSeconds = begin.duration(to: .now).inSeconds
    return Forecast(
      frames: frames, latents: latents, origins: origins,
      outcomes: zip(divergedAt, heldAt).map { diverged, held in
        diverged.map { .diverged(step: $0) } ?? held.map { .held(step: $0) } ?? .completed
      }, timing: timing)
  }
}
