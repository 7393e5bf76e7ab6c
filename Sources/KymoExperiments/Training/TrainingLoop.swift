// The loop around training steps: metrics, checkpoints, signals, failures. It knows nothing of
// models; a session does the steps.
import Foundation
package import KymoNN
import KymoNumerics
package import KymoRuns
package import Logging

/// A training that could not go on.
package enum TrainingFailure: Error, CustomStringConvertible {
  /// The loss diverged.
  case nonFinite(step: Int, checkpoint: Int?, remedy: String, run: String)
  /// A file of the run could not be written.
  case unwritable(step: Int, checkpoint: Int?, reason: String, run: String)

  /// What happened, what is kept and what to do.
  package var description: String {
    switch self {
    case .nonFinite(let step, let checkpoint, let remedy, let run):
      "The loss of step \(step) is not a finite number. \(TrainingFailure.kept(checkpoint, run)) "
        + remedy
    case .unwritable(let step, let checkpoint, let reason, let run):
      "Training stopped at step \(step): \(reason) \(TrainingFailure.kept(checkpoint, run)) "
        + "Then continue with: kymo train --resume \(run)"
    }
  }

  private static func kept(_ checkpoint: Int?, _ run: String) -> String {
    checkpoint.map { "The checkpoint of step \($0) is kept in \(run)." }
      ?? "There is no checkpoint yet."
  }
}

/// What is known about a training in progress.
package struct TrainingProgress: Sendable {
  /// The step just done.
  package var latest: StepRecord
  /// Steps to do in all.
  package var totalSteps: Int
  /// Speed over the last seconds.
  package var stepsPerSecond: Double
  /// Expected time to the last step.
  package var secondsLeft: Double { Double(totalSteps - latest.step) / stepsPerSecond }
}

/// How a training came to its end.
package enum TrainingOutcome: Hashable, Sendable {
  /// All steps are done and the model is saved.
  case finished
  /// A signal stopped it; the checkpoint is of this step.
  case interrupted(signal: Int32, step: Int)
}

/// Trains a session in a run directory.
package struct TrainingLoop {
  /// The folder that is filled.
  package var directory: RunDirectory
  /// Time between checkpoints.
  package var checkpointInterval: Duration
  /// Receives log lines.
  package var log: Logger
  /// The signal that asks to stop, if any has come.
  package var stopSignal: () -> Int32? = { nil }
  /// Is told about every step.
  package var progress: (TrainingProgress) -> Void = { _ in }

  /// Creates the loop of one run.
  package init(directory: RunDirectory, checkpointInterval: Duration, log: Logger) {
    (self.directory, self.checkpointInterval, self.log) = (directory, checkpointInterval, log)
  }

  /// Makes a session and brings it to the newest checkpoint that can be read.
  ///
  /// - Returns: The session and the steps recorded up to it; metrics.jsonl ends there too.
  package func resume<Session: TrainingSession>(
    _ make: () throws -> Session
  ) throws -> (session: Session, done: [StepRecord]) {
    var failure: (any Error)?
    for checkpoint in directory.completeCheckpoints() {
      let session = try make()
      do {
        try session.restore(from: checkpoint.url)
        let done = try MetricsLog.truncate(directory.metrics, toStep: checkpoint.step)
        log.info("Continuing after step \(checkpoint.step).")
        if done.count < checkpoint.step {
          log.warning(
            "metrics.jsonl lacks \(checkpoint.step - done.count) of \(checkpoint.step) steps.")
        }
        return (session, done)
      } catch {
        failure = failure ?? error
        log.warning(
          """
          The checkpoint of step \(checkpoint.step) cannot be used: \(Words.sentence(for: error))
          """)
      }
    }
    if let failure { throw failure }
    log.info("There is no checkpoint yet; starting from the first step.")
    return (try make(), try MetricsLog.truncate(directory.metrics, toStep: 0))
  }

  /// Runs the session to its last step, or until a signal comes.
  package func run(
    _ session: some TrainingSession, after done: [StepRecord] = []
  ) throws -> TrainingOutcome {
    let metrics = try MetricsLog(appendingTo: directory.metrics)
    return try run(session, after: done, flush: metrics.flush) { try metrics.append($0) }
  }

  func run(
    _ session: some TrainingSession, after done: [StepRecord],
    flush: @escaping () throws -> Void = {}, record: (StepRecord) throws -> Void
  ) throws -> TrainingOutcome {
    let clock = ContinuousClock()
    func saveCheckpoint(of session: some TrainingSession) throws {
      try orStop(at: session.stepIndex) {
        try flush()
        try directory.saveCheckpoint(step: session.stepIndex, save: session.saveCheckpoint(to:))
      }
    }
    let secondsBefore = done.last?.seconds ?? 0
    let start = clock.now
    var lastCheckpoint = start
    var speed = Speedometer()
    while session.stepIndex < session.totalSteps {
      if let signal = stopSignal() {
        try saveCheckpoint(of: session)
        log.info("Stopped by signal \(signal) after step \(session.stepIndex).")
        return .interrupted(signal: signal, step: session.stepIndex)
      }
      var step: StepRecord
      do {
        step = try session.step()
      } catch let error as NonFiniteLoss {
        throw TrainingFailure.nonFinite(
          step: error.step, checkpoint: directory.completeCheckpoints().first?.step,
          remedy: error.remedy, run: directory.name)
      }
      let now = clock.now
      step.seconds = secondsBefore + start.duration(to: now).seconds
      try orStop(at: step.step) { try record(step) }
      progress(
        TrainingProgress(
          latest: step, totalSteps: session.totalSteps,
          stepsPerSecond: speed.add(step: step.step, seconds: step.seconds)))
      if now - lastCheckpoint >= checkpointInterval {
        try saveCheckpoint(of: session)
        lastCheckpoint = clock.now
      }
    }
    try orStop(at: session.stepIndex) { try directory.saveModel(save: session.saveModel(to:)) }
    log.info("Finished after step \(session.stepIndex).")
    return .finished
  }

  /// Turns a failure to write into one that says what is kept.
  private func orStop(at step: Int, _ write: () throws -> Void) throws {
    do {
      try write()
    } catch {
      throw TrainingFailure.unwritable(
        step: step, checkpoint: directory.completeCheckpoints().first?.step,
        reason: Words.sentence(for: error), run: directory.name)
    }
  }
}

/// Steps per second over the last ten seconds.
private struct Speedometer {
  private var marks: [(step: Int, seconds: Double)] = []

  /// Notes that `step` was done at `seconds` and returns the speed.
  mutating func add(step: Int, seconds: Double) -> Double {
    // A mark every half second is enough and keeps the list short.
    if marks.last.map({ seconds - $0.seconds >= 0.5 }) ?? true { marks.append((step, seconds)) }
    while marks.count > 2, seconds - marks[0].seconds > 10 { marks.removeFirst() }
    let (steps, span) = (step - marks[0].step, seconds - marks[0].seconds)
    return steps > 0 && span > 0 ? Double(steps) / span : Double(step) / max(seconds, 1e-9)
  }
}
