// Several models trained one after the other as one session of the training loop: the reduction, then
// its propagators, then those that are only compared. A checkpoint holds the finished models and the
// state of the one in training, so the run goes on from any of them.
package import Foundation
import KymoNumerics
package import KymoRuns

/// One epoch of a stage.
package struct StageEpoch: Hashable, Sendable {
  /// Loss on the training data.
  package var loss: Double
  /// Loss on the validation data; nil where none was computed.
  package var validation: Double?
  /// Step size.
  package var learningRate: Double

  /// Creates the record of an epoch.
  package init(loss: Double, validation: Double? = nil, learningRate: Double = 0) {
    (self.loss, self.validation, self.learningRate) = (loss, validation, learningRate)
  }
}

/// A model in training, epoch by epoch.
///
/// Saving must not change what the next epoch computes.
package protocol StageTrainer {
  /// Epochs done.
  var epochsDone: Int { get }
  /// Epochs after which the stage ends at the latest.
  var maximumEpochs: Int { get }
  /// Whether the stage is at its end.
  var isFinished: Bool { get }
  /// Does one epoch.
  mutating func epoch() throws -> StageEpoch
  /// Fills a folder with all that is needed to go on.
  func saveCheckpoint(to folder: URL) throws
  /// Goes back to what a checkpoint holds.
  mutating func restore(from folder: URL) throws
  /// Fills a folder with the finished model.
  func saveModel(to folder: URL) throws
}

/// One model of a run.
package struct Stage {
  /// Its name, which is that of its folder too.
  package var name: String
  /// Epochs after which it ends at the latest.
  package var maximumEpochs: Int
  /// Starts its training, given the folder with the models of all stages before.
  package var start: (_ models: URL) throws -> any StageTrainer

  /// Describes a stage.
  package init(
    name: String, maximumEpochs: Int, start: @escaping (URL) throws -> any StageTrainer
  ) {
    (self.name, self.maximumEpochs, self.start) = (name, maximumEpochs, start)
  }
}

/// A training of several models.
package final class StagedSession: TrainingSession {
  private struct State: Codable, Equatable {
    var stage = 0
    /// Epochs of finished stages.
    var epochs: [Int] = []
    /// Seconds of finished stages and of the present one.
    var seconds: [Double] = []
  }

  private let stages: [Stage]
  private var state = State()
  private var trainer: (any StageTrainer)?
  /// Finished models of this process, one folder for each stage.
  private let models: URL
  private let describe: (URL, [Double]) throws -> Void

  /// Prepares a training.
  ///
  /// - Parameters:
  ///   - stages: At least one, in order.
  ///   - describe: Completes the folder of the finished models, given the seconds of every stage.
  /// - Throws: When there is no room for temporary files.
  package init(_ stages: [Stage], describe: @escaping (URL, [Double]) throws -> Void) throws {
    precondition(!stages.isEmpty, "StagedSession: no stages")
    (self.stages, self.describe) = (stages, describe)
    models = FileManager.default.temporaryDirectory
      .appending(path: "kymo-models-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
    state.seconds = stages.map { _ in 0 }
  }

  deinit { try? FileManager.default.removeItem(at: models) }

  package var stepIndex: Int { state.epochs.reduce(0, +) + (trainer?.epochsDone ?? 0) }

  /// Falls when a stage ends early.
  package var totalSteps: Int {
    guard state.stage < stages.count else { return stepIndex }
    let present = trainer?.maximumEpochs ?? stages[state.stage].maximumEpochs
    return state.epochs.reduce(0, +) + present
      + stages.dropFirst(state.stage + 1).reduce(0) { $0 + $1.maximumEpochs }
  }

  package func step() throws -> TrainingStep {
    let stage = stages[state.stage]
    let start = ContinuousClock.now
    var present = try trainer ?? stage.start(models)
    let done = stepIndex
    let epoch: StageEpoch
    do {
      epoch = try present.epoch()
    } catch let error as NonFiniteStep {
      // Stages count from their own beginning, the run through all of them.
      throw NonFiniteStep(step: done + 1, remedy: "This is \(stage.name). \(error.remedy)")
    }
    guard epoch.loss.isFinite else {
      throw NonFiniteStep(
        step: done + 1,
        remedy: "The training of \(stage.name) left the finite numbers. Lower its step size.")
    }
    trainer = present
    state.seconds[state.stage] += start.duration(to: .now).seconds
    if present.isFinished {
      let folder = models.appending(path: stage.name)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try present.saveModel(to: folder)
      state.epochs.append(present.epochsDone)
      state.stage += 1
      trainer = nil
    }
    return TrainingStep(
      step: done + 1, stage: stage.name, loss: epoch.loss, validation: epoch.validation,
      learningRate: epoch.learningRate)
  }

  package func saveCheckpoint(to folder: URL) throws {
    let files = FileManager.default
    try RunDirectory(folder).write(json: state, to: folder.appending(path: "stages.json"))
    try files.copyItem(at: models, to: folder.appending(path: "models"))
    if let trainer {
      let place = folder.appending(path: "trainer")
      try files.createDirectory(at: place, withIntermediateDirectories: true)
      try trainer.saveCheckpoint(to: place)
    }
  }

  package func restore(from folder: URL) throws {
    let files = FileManager.default
    let saved = try RunDirectory(folder).read(
      State.self, from: folder.appending(path: "stages.json"))
    guard saved.stage <= stages.count, saved.epochs.count == saved.stage,
      saved.seconds.count == stages.count
    else {
      throw RunDirectoryError.unreadable(
        path: folder.relativePath, reason: "it is of a run with other stages")
    }
    try files.removeItem(at: models)
    try files.copyItem(at: folder.appending(path: "models"), to: models)
    state = saved
    trainer = nil
    let place = folder.appending(path: "trainer")
    if files.fileExists(atPath: place.path) {
      var present = try stages[state.stage].start(models)
      try present.restore(from: place)
      trainer = present
    }
  }

  package func saveModel(to folder: URL) throws {
    let files = FileManager.default
    for stage in stages {
      try files.copyItem(
        at: models.appending(path: stage.name), to: folder.appending(path: stage.name))
    }
    try describe(folder, state.seconds)
  }
}

/// A model that is fitted at once.
package struct FittedStage: StageTrainer {
  private let fit: () throws -> (loss: Double, save: (URL) throws -> Void)
  private var save: ((URL) throws -> Void)?

  /// Describes a fit, which returns the loss and how to save the model.
  package init(_ fit: @escaping () throws -> (loss: Double, save: (URL) throws -> Void)) {
    self.fit = fit
  }

  package var epochsDone: Int { save == nil ? 0 : 1 }
  package var maximumEpochs: Int { 1 }
  package var isFinished: Bool { save != nil }

  package mutating func epoch() throws -> StageEpoch {
    let (loss, save) = try fit()
    self.save = save
    return StageEpoch(loss: loss)
  }

  // A fit is one epoch, so there is nothing between its start and its end.
  package func saveCheckpoint(to folder: URL) throws {}
  package mutating func restore(from folder: URL) throws {}

  package func saveModel(to folder: URL) throws { try save?(folder) }
}
