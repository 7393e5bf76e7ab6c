// Several models trained one after the other as one session of the training loop: the reduction,
// then its propagators, then those that are only compared. A checkpoint holds the finished models
// and the state of the one in training, so the run goes on from any of them.
package import Foundation
package import KymoNN
import KymoNumerics
import KymoRuns

/// One model of a run.
package struct Stage {
  /// Its name, which is that of its folder too.
  package var name: String
  /// Steps after which it ends at the latest.
  package var totalSteps: Int
  /// Starts its training, given the folder with the models of all stages before.
  package var start: (_ models: URL) throws -> any TrainingSession

  /// Describes a stage.
  package init(
    name: String, totalSteps: Int, start: @escaping (URL) throws -> any TrainingSession
  ) {
    (self.name, self.totalSteps, self.start) = (name, totalSteps, start)
  }
}

/// A training of several models.
package final class StagedSession: TrainingSession {
  private struct State: Codable, Equatable {
    var stage = 0
    /// Steps of finished stages.
    var steps: [Int] = []
    /// Seconds of finished stages and of the present one.
    var seconds: [Double] = []
  }

  private let stages: [Stage]
  private let taken: [String]
  private var state = State()
  private var session: (any TrainingSession)?
  /// Finished models of this process, one folder for each stage.
  private var models: URL { place.url.appending(path: "models", directoryHint: .isDirectory) }
  private let place: TemporaryPlace
  private let describe: (URL, [Double]) throws -> Void

  /// Prepares a training; `describe` completes the folder of the finished models, given the seconds
  /// of every stage.
  ///
  /// Folders in `taken` are models of another run, which are taken as they are.
  package init(
    _ stages: [Stage], taking taken: [URL] = [],
    describe: @escaping (URL, [Double]) throws -> Void
  ) throws {
    (self.stages, self.describe) = (stages, describe)
    self.taken = taken.map(\.lastPathComponent)
    place = try TemporaryPlace()
    state.seconds = stages.map { _ in 0 }
    try AtomicFolder.make(models)
    for model in taken {
      try FileManager.default.copyItem(
        at: model, to: models.appending(path: model.lastPathComponent))
    }
  }

  package var stepIndex: Int { state.steps.reduce(0, +) + (session?.stepIndex ?? 0) }

  /// Falls when a stage ends early.
  package var totalSteps: Int {
    guard state.stage < stages.count else { return stepIndex }
    let present = session?.totalSteps ?? stages[state.stage].totalSteps
    return state.steps.reduce(0, +) + present
      + stages.dropFirst(state.stage + 1).reduce(0) { $0 + $1.totalSteps }
  }

  package func step() throws -> StepRecord {
    let stage = stages[state.stage]
    let start = ContinuousClock.now
    let present = try session ?? stage.start(models)
    let done = stepIndex
    var record: StepRecord
    do {
      record = try present.step()
    } catch var error as NonFiniteLoss {
      // Stages count from their own beginning, the run through all of them.
      (error.step, error.remedy) = (done + 1, "This is \(stage.name). \(error.remedy)")
      throw error
    }
    session = present
    state.seconds[state.stage] += start.duration(to: .now).seconds
    if present.stepIndex >= present.totalSteps {
      let folder = models.appending(path: stage.name)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try present.saveModel(to: folder)
      state.steps.append(present.stepIndex)
      state.stage += 1
      session = nil
    }
    (record.step, record.stage) = (done + 1, stage.name)
    return record
  }

  package func saveCheckpoint(to folder: URL) throws {
    let files = FileManager.default
    try RunDirectory(folder).write(json: state, to: folder.appending(path: "stages.json"))
    try files.copyItem(at: models, to: folder.appending(path: "models"))
    if let session {
      let place = folder.appending(path: "trainer")
      try files.createDirectory(at: place, withIntermediateDirectories: true)
      try session.saveCheckpoint(to: place)
    }
  }

  package func restore(from folder: URL) throws {
    let files = FileManager.default
    let saved = try RunDirectory(folder).read(
      State.self, from: folder.appending(path: "stages.json"))
    let place = folder.appending(path: "trainer")
    let isRunning = files.fileExists(atPath: place.path)
    guard (0..<stages.count + (isRunning ? 0 : 1)).contains(saved.stage),
      saved.steps.count == saved.stage,
      saved.steps.allSatisfy({ (0...Int(Int32.max)).contains($0) }),
      saved.seconds.count == stages.count, saved.seconds.allSatisfy({ $0 >= 0 && $0.isFinite })
    else {
      throw RunDirectoryError.unreadable(
        path: folder.relativePath, reason: "it is of a run with other stages")
    }
    try files.removeItem(at: models)
    try files.copyItem(at: folder.appending(path: "models"), to: models)
    state = saved
    session = nil
    if isRunning {
      let present = try stages[state.stage].start(models)
      try present.restore(from: place)
      session = present
    }
  }

  package func saveModel(to folder: URL) throws {
    let files = FileManager.default
    for name in taken + stages.map(\.name) {
      try files.copyItem(at: models.appending(path: name), to: folder.appending(path: name))
    }
    try describe(folder, state.seconds)
  }
}
