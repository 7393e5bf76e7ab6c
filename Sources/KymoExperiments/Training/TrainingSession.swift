// What the training loop asks of a training, and one model as such a session.
package import Foundation
package import KymoNN
import KymoRuns

/// Something that is trained step by step and can be saved in between.
///
/// Saving must not change what the next step computes, and a restored session must continue with
/// the bits of the unbroken one.
package protocol TrainingSession: AnyObject {
  /// Steps done so far.
  var stepIndex: Int { get }
  /// Steps to do in all; falls when a training ends early.
  var totalSteps: Int { get }
  /// Does one step.
  func step() throws -> StepRecord
  /// Fills a folder with all that is needed to go on.
  func saveCheckpoint(to folder: URL) throws
  /// Goes back to what a checkpoint holds.
  func restore(from folder: URL) throws
  /// Fills a folder with the finished model.
  func saveModel(to folder: URL) throws
}

/// One model in training, with a record for each step or for some together.
package final class ModelSession: TrainingSession {
  private let trainer: Trainer
  private let save: (URL) throws -> Void
  /// What the steps of a record cost together; nil for a record of every step.
  private let costPerRecord: Int?
  private var records = 0

  /// Records a training; `save` fills a folder with the finished model.
  package init(
    _ trainer: Trainer, costPerRecord: Int? = nil, save: @escaping (URL) throws -> Void
  ) {
    (self.trainer, self.costPerRecord, self.save) = (trainer, costPerRecord, save)
  }

  package var stepIndex: Int { costPerRecord == nil ? trainer.stepIndex : records }
  package var totalSteps: Int {
    guard let costPerRecord else { return trainer.totalSteps }
    return records + (trainer.totalCost - trainer.cost + costPerRecord - 1) / costPerRecord
  }

  package func step() throws -> StepRecord {
    guard let costPerRecord else { return try trainer.step() }
    let last = (trainer.cost / costPerRecord + 1) * costPerRecord
    var steps: [StepRecord] = []
    while trainer.cost < last, !trainer.isFinished { steps.append(try trainer.step()) }
    records += 1
    var record = StepRecord(joining: steps)
    record.step = records
    return record
  }

  package func saveCheckpoint(to folder: URL) throws {
    try trainer.saveCheckpoint(to: folder)
    try RunDirectory(folder).write(json: records, to: folder.appending(path: "records.json"))
  }

  package func restore(from folder: URL) throws {
    try trainer.restore(from: folder)
    records = try RunDirectory(folder).read(
      Int.self, from: folder.appending(path: "records.json"))
  }

  package func saveModel(to folder: URL) throws { try save(folder) }
}

extension ModelSession {
  /// A model that is fitted at once, by a function that returns the error that is left and how to
  /// save the model.
  package static func fit(
    _ name: String, _ body: @escaping () throws -> (loss: Double, save: (URL) throws -> Void)
  ) -> ModelSession {
    var save: (URL) throws -> Void = { _ in }
    let fit = SingleFit {
      let found = try body()
      save = found.save
      return found.loss
    }
    return ModelSession(Trainer([Phase(name, .fitting(fit))], seed: 0), costPerRecord: 1) {
      try save($0)
    }
  }
}
