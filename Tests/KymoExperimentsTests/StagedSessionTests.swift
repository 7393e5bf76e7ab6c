// Several models one after the other: numbering, early ends, checkpoints inside and between stages.
import Foundation
import KymoRuns
import KymoTestSupport
import Testing

@testable import KymoExperiments

/// Counts its epochs; its loss depends on the model before and on every epoch so far.
private struct Counting: StageTrainer {
  var value: Double
  var epochsDone = 0
  let maximumEpochs: Int
  let end: Int
  var isFinished: Bool { epochsDone >= end }

  mutating func epoch() -> StageEpoch {
    epochsDone += 1
    value = value * 1.5 + Double(epochsDone)
    return StageEpoch(loss: value, validation: -value, learningRate: 0.5)
  }
  func saveCheckpoint(to folder: URL) throws {
    try JSONEncoder().encode([value, Double(epochsDone)])
      .write(to: folder.appending(path: "state"))
  }
  mutating func restore(from folder: URL) throws {
    let state = try JSONDecoder().decode(
      [Double].self, from: Data(contentsOf: folder.appending(path: "state")))
    (value, epochsDone) = (state[0], Int(state[1]))
  }
  func saveModel(to folder: URL) throws {
    try JSONEncoder().encode([value]).write(to: folder.appending(path: "model"))
  }
}

@Suite("Stages") struct StagedSessionTests {
  /// The first may take ten epochs and ends after three; the second starts from its model.
  private func session() throws -> StagedSession {
    let stages = [
      Stage(name: "first", maximumEpochs: 10) { _ in
        Counting(value: 1, maximumEpochs: 10, end: 3)
      },
      Stage(name: "second", maximumEpochs: 4) { models in
        let model = try JSONDecoder().decode(
          [Double].self, from: Data(contentsOf: models.appending(path: "first/model")))
        return Counting(value: model[0], maximumEpochs: 4, end: 4)
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
    var steps: [TrainingStep] = []
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
}
