// Several models one after the other: numbering, early ends, checkpoints inside and between stages.
import Foundation
import KymoNN
import KymoRuns
import KymoTestSupport
import Testing

@testable import KymoExperiments

/// Counts its steps; its loss depends on the model before and on every step so far.
private final class Counting: TrainingSession {
  var value: Double
  var stepIndex = 0
  let most: Int
  let end: Int
  var totalSteps: Int { stepIndex >= end ? end : most }

  init(value: Double, most: Int, end: Int) {
    (self.value, self.most, self.end) = (value, most, end)
  }

  func step() -> StepRecord {
    stepIndex += 1
    value = value * 1.5 + Double(stepIndex)
    var record = StepRecord(step: stepIndex, loss: value)
    record.validation = -value
    return record
  }
  func saveCheckpoint(to folder: URL) throws {
    try JSONEncoder().encode([value, Double(stepIndex)])
      .write(to: folder.appending(path: "state"))
  }
  func restore(from folder: URL) throws {
    let state = try JSONDecoder().decode(
      [Double].self, from: Data(contentsOf: folder.appending(path: "state")))
    (value, stepIndex) = (state[0], Int(state[1]))
  }
  func saveModel(to folder: URL) throws {
    try JSONEncoder().encode([value]).write(to: folder.appending(path: "model"))
  }
}

@Suite("Stages") struct StagedSessionTests {
  /// The first may take ten steps and ends after three; the second starts from its model.
  private func session() throws -> StagedSession {
    let stages = [
      Stage(name: "first", totalSteps: 10) { _ in
        Counting(value: 1, most: 10, end: 3)
      },
      Stage(name: "second", totalSteps: 4) { models in
        let model = try JSONDecoder().decode(
          [Double].self, from: Data(contentsOf: models.appending(path: "first/model")))
        return Counting(value: model[0], most: 4, end: 4)
      },
    ]
    return try StagedSession(stages) { folder, seconds in
      #expect(seconds.count == 2)
      try Data("{}".utf8).write(to: folder.appending(path: "model.json"))
    }
  }

  private func losses(_ session: StagedSession) throws -> [Double] {
    var losses: [Double] = []
    while session.stepIndex < session.totalSteps { losses.append(try session.step().loss) }
    return losses
  }

  @Test("are numbered through, and a stage that ends early shortens the whole") func order() throws
  {
    let session = try session()
    #expect(session.totalSteps == 14)
    var steps: [StepRecord] = []
    while session.stepIndex < session.totalSteps { steps.append(try session.step()) }
    #expect(steps.map(\.step) == Array(1...7))
    #expect(
      steps.compactMap(\.stage) == ["first", "first", "first"]
        + Array(repeating: "second", count: 4))
    #expect(steps[0].validation == -steps[0].loss)
    #expect(session.totalSteps == 7)

    let folder = try TemporaryFolder()
    try session.saveModel(to: folder.url)
    for file in ["first/model", "second/model", "model.json"] {
      #expect(FileManager.default.fileExists(atPath: folder.path(file).path), "\(file)")
    }
  }

  @Test("go on from a checkpoint at any epoch with the same numbers", arguments: 0...6)
  func checkpoints(_ epochs: Int) throws {
    let unbroken = try losses(session())
    let first = try session()
    for _ in 0..<epochs { _ = try first.step() }
    let folder = try TemporaryFolder()
    try first.saveCheckpoint(to: folder.url)
    // Saving changes nothing.
    #expect(try losses(first) == Array(unbroken.dropFirst(epochs)))

    let second = try session()
    try second.restore(from: folder.url)
    #expect(second.stepIndex == epochs)
    #expect(try losses(second) == Array(unbroken.dropFirst(epochs)))
  }

  @Test(
    "refuse a checkpoint whose numbers cannot be",
    arguments: [
      ("\"steps\" : [\n    3", "\"steps\" : [\n    9223372036854775807"),
      ("\"steps\" : [\n    3", "\"steps\" : [\n    -3"),
      ("\"stage\" : 1", "\"stage\" : -1"), ("\"stage\" : 1", "\"stage\" : 2"),
    ])
  func edited(_ old: String, _ new: String) throws {
    let first = try session()
    for _ in 0..<4 { _ = try first.step() }
    let folder = try TemporaryFolder()
    try first.saveCheckpoint(to: folder.url)
    let text = try String(contentsOf: folder.path("stages.json"), encoding: .utf8)
    #expect(text.contains(old), "\(text)")
    try Data(text.replacing(old, with: new).utf8).write(to: folder.path("stages.json"))
    #expect(throws: RunDirectoryError.self) { try session().restore(from: folder.url) }
  }
}
