// The training loop around a session whose losses are a known function of all that came before, so
// that a lost or repeated step shows.
import Foundation
import KymoNN
import KymoNumerics
import KymoRuns
import KymoTestSupport
import Logging
import Testing

@testable import KymoExperiments

/// A session whose next loss depends on its whole past, as a real training's does.
private final class RecurrenceSession: TrainingSession {
  struct State: Codable { var (step, value) = (0, 0.5) }
  var state = State()
  let totalSteps: Int
  var failingStep: Int?
  var failsToSave = false

  init(totalSteps: Int, failingStep: Int? = nil) {
    (self.totalSteps, self.failingStep) = (totalSteps, failingStep)
  }

  var stepIndex: Int { state.step }

  func step() throws -> StepRecord {
    if state.step + 1 == failingStep {
      throw NonFiniteLoss(
        step: state.step + 1, phase: "recurrence", remedy: "Halve the learning rate.")
    }
    state.step += 1
    state.value = 3.9 * state.value * (1 - state.value)
    return StepRecord(step: state.step, loss: state.value)
  }

  func saveCheckpoint(to folder: URL) throws {
    if failsToSave {
      errno = ENOSPC
      throw FileError(writing: folder)
    }
    try JSONEncoder().encode(state).write(to: folder.appending(path: "state.json"))
  }

  func restore(from folder: URL) throws {
    state = try JSONDecoder().decode(
      State.self, from: Data(contentsOf: folder.appending(path: "state.json")))
  }

  func saveModel(to folder: URL) throws {
    try Data("{}".utf8).write(to: folder.appending(path: "model.json"))
  }
}

@Suite("The training loop") struct TrainingLoopTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func loop(_ name: String, interval: Duration = .seconds(1000)) throws -> TrainingLoop {
    TrainingLoop(
      directory: try RunDirectory.create(at: folder.path(name), force: false),
      checkpointInterval: interval,
      log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  private func losses(_ loop: TrainingLoop) throws -> [Double] {
    try MetricsLog.read(loop.directory.metrics).map(\.loss)
  }

  @Test("records every step and saves the model")
  func whole() throws {
    let loop = try loop("a")
    #expect(try loop.run(RecurrenceSession(totalSteps: 30)) == .finished)
    let steps = try MetricsLog.read(loop.directory.metrics)
    #expect(steps.map(\.step) == Array(1...30))
    #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.seconds <= $1.seconds })
    #expect(loop.directory.isFinished)
  }

  @Test("stops at a signal after the step in progress, and continues with the same bits")
  func interrupted() throws {
    let unbroken = try loop("unbroken")
    _ = try unbroken.run(RecurrenceSession(totalSteps: 50))
    var broken = try loop("broken")
    let session = RecurrenceSession(totalSteps: 50)
    broken.stopSignal = { session.stepIndex == 17 ? SIGTERM : nil }
    #expect(try broken.run(session) == .interrupted(signal: SIGTERM, step: 17))
    #expect(!broken.directory.isFinished)
    broken.stopSignal = { nil }
    let (resumed, done) = try broken.resume { RecurrenceSession(totalSteps: 50) }
    #expect(done.count == 17)
    #expect(try broken.run(resumed, after: done) == .finished)
    #expect(try losses(broken) == losses(unbroken))
    let seconds = try MetricsLog.read(broken.directory.metrics).map(\.seconds)
    #expect(seconds == seconds.sorted())
  }

  @Test("continues from the last checkpoint when it died without a word")
  func killed() throws {
    struct Killed: Error {}
    let unbroken = try loop("unbroken")
    _ = try unbroken.run(RecurrenceSession(totalSteps: 40))
    let broken = try loop("broken", interval: .zero)
    let session = RecurrenceSession(totalSteps: 40)
    let log = try MetricsLog(appendingTo: broken.directory.metrics)
    #expect(throws: TrainingFailure.self) {
      try broken.run(session, after: []) { step in
        if step.step == 23 { throw Killed() }
        try log.append(step)
      }
    }
    // Step 22 was saved; two more lines were written after it and one of them is torn.
    try log.append(unbrokenStep(unbroken, 23))
    let (resumed, done) = try broken.resume { RecurrenceSession(totalSteps: 40) }
    #expect(done.count == 22)
    _ = try broken.run(resumed, after: done)
    #expect(try losses(broken) == losses(unbroken))
  }

  private func unbrokenStep(_ loop: TrainingLoop, _ step: Int) throws -> StepRecord {
    try MetricsLog.read(loop.directory.metrics)[step - 1]
  }

  @Test("starts anew when there is no checkpoint yet")
  func noCheckpoint() throws {
    let broken = try loop("broken")
    do {
      let log = try MetricsLog(appendingTo: broken.directory.metrics)
      try log.append(RecurrenceSession(totalSteps: 3).step())
    }
    let (resumed, done) = try broken.resume { RecurrenceSession(totalSteps: 3) }
    #expect(done.isEmpty)
    _ = try broken.run(resumed, after: done)
    #expect(try MetricsLog.read(broken.directory.metrics).map(\.step) == [1, 2, 3])
  }

  @Test("falls back to the older checkpoint when the newest is damaged")
  func damagedCheckpoint() throws {
    var broken = try loop("broken", interval: .zero)
    let session = RecurrenceSession(totalSteps: 50)
    broken.stopSignal = { session.stepIndex == 9 ? SIGINT : nil }
    _ = try broken.run(session)
    let newest = try #require(broken.directory.completeCheckpoints().first)
    #expect(newest.step == 9)
    try Data("junk".utf8).write(to: newest.url.appending(path: "state.json"))
    let (resumed, done) = try broken.resume { RecurrenceSession(totalSteps: 50) }
    #expect(resumed.stepIndex == 8)
    #expect(done.count == 8)
  }

  @Test("stops at the first loss that is not finite, with step, checkpoint and remedy")
  func nonFinite() throws {
    let loop = try loop("a", interval: .zero)
    let error = try #require(throws: TrainingFailure.self) {
      try loop.run(RecurrenceSession(totalSteps: 30, failingStep: 12))
    }
    for part in ["step 12", "checkpoint of step 11", "Halve the learning rate."] {
      #expect(error.description.contains(part), "\(error)")
    }
    #expect(loop.directory.completeCheckpoints().first?.step == 11)
    #expect(!loop.directory.isFinished)
  }

  @Test("stops when the disk is full and keeps the last good checkpoint")
  func diskFull() throws {
    let loop = try loop("a", interval: .zero)
    let session = RecurrenceSession(totalSteps: 30)
    let log = try MetricsLog(appendingTo: loop.directory.metrics)
    let error = try #require(throws: TrainingFailure.self) {
      try loop.run(session, after: []) { step in
        if step.step == 5 { session.failsToSave = true }
        try log.append(step)
      }
    }
    for part in ["step 5", "the disk is full", "checkpoint of step 4", "--resume"] {
      #expect(error.description.contains(part), "\(error)")
    }
    #expect(loop.directory.completeCheckpoints().first?.step == 4)
  }

  @Test("tells speed and time left")
  func progress() throws {
    var loop = try loop("a")
    var seen: [TrainingProgress] = []
    loop.progress = { seen.append($0) }
    _ = try loop.run(RecurrenceSession(totalSteps: 10))
    #expect(seen.count == 10)
    #expect(seen.allSatisfy { $0.stepsPerSecond > 0 && $0.secondsLeft.isFinite })
    #expect(seen.last?.secondsLeft == 0)
  }
}
