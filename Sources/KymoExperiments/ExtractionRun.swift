// How a recipe that extracts parameters is trained, and what that is expected to take.
package import Foundation
import KymoData
import KymoExtraction
import KymoNumerics
import KymoRuns
import KymoSolvers
import KymoTensor

extension Recipe: TrainableRecipe {
  package func plan(base: URL?, hooks: WorkHooks) throws -> TrainingPlan<ModelSession> {
    let device = try Device(parsing: self.device)
    let data = RecipeData(self, base: base)
    let made = try data.makeMissing(hooks)
    let (recordings, warnings) = try data.loadTraining(self, seed: seed, threads: hooks.threads)
    return TrainingPlan(
      dataHashes: [self.data.train: recordings.contentHashDigits(threads: hooks.threads)],
      notes: made.map {
        "Simulated \($0.recordings) recordings, \($0.redrawn) redrawn: \($0.file)"
      },
      warnings: warnings,
      makeSession: {
        try session(on: recordings, device: device, base: base)
      },
      describe: { "\(recordings.count) recordings, \($0.totalSteps) steps" })
  }
}

// MARK: - Estimate

/// What is done with recipes that extract parameters.
package enum ExtractionRun {}

/// What a training is expected to take.
package struct TrainingEstimate: Codable, Hashable, Sendable {
  /// Recordings in the training file, or those that would be simulated.
  package var recordings: Int
  /// Bytes of the training data on disk.
  package var dataBytes: Int64
  /// Expected most memory of the process in bytes.
  package var memoryBytes: Int64
  /// Mean seconds of a step over the whole training, measured now.
  package var secondsPerStep: Double
  /// Seconds of the whole training.
  package var seconds: Double
}

extension ExtractionRun {
  /// Measures a few steps of a recipe and estimates the whole; writes nothing.
  ///
  /// Where the data are absent and would be simulated, the steps run on a few simulated recordings.
  package static func estimate(_ recipe: Recipe, hooks: WorkHooks) throws -> TrainingEstimate {
    let device = try Device(parsing: recipe.device)
    let data = RecipeData(recipe)
    var (count, sample): (Int, Recordings)
    let isThere = FileManager.default.fileExists(atPath: data.trainFile.path)
    if var few = recipe.data.simulate?.train, !isThere {
      (count, few.recordings) = (few.recordings, min(few.recordings, 8))
      let file = FileManager.default.temporaryDirectory
        .appending(path: "kymo-\(UUID().uuidString).npz")
      defer { try? FileManager.default.removeItem(at: file) }
      _ = try few.write(to: file, threads: hooks.threads, stopSignal: hooks.stopSignal)
      sample = try Recordings.load(file)
    } else {
      sample = try data.loadTraining(recipe, seed: recipe.seed, threads: hooks.threads).recordings
      count = sample.count
    }
    let training = recipe.training
    // A refinement has no joint steps; elsewhere one goes before what is measured.
    let first = recipe.encoderFrom == nil ? 1 : 0
    var joint = 0.0
    if training.steps + training.encoderSteps > 0 {
      var all = recipe
      all.training.steps = max(training.steps, measuredSteps)
      joint = try stepTime(all, sample, device, hooks)
    }
    var seconds = joint * Double(training.steps)
    let few = sample.subset(0..<min(sample.count, 8))
    if training.decoderSteps > 0 {
      var later = recipe
      (later.training.steps, later.training.fitCrops, later.training.encoderSteps) = (first, 0, 0)
      seconds += try stepTime(later, few, device, hooks) * Double(training.decoderSteps)
    }
    if training.fitCrops > 0 {
      // Four steps of fits to two recordings each, and one of the decoder.
      var fits = recipe
      (fits.training.steps, fits.training.decoderSteps, fits.training.encoderSteps) = (first, 1, 0)
      (fits.training.batchSize, fits.training.straightenings) = (2, 1)
      let rounds =
        recipe.encoderFrom != nil
        ? 1 : training.straightenings + (training.encoderSteps > 0 ? 1 : 0)
      seconds += try stepTime(fits, few, device, hooks) * Double(rounds * count) / 2
    }
    // At most: the encoder's part of a joint step.
    seconds += joint * Double(training.encoderSteps)
    let dataBytes = 4 * Int64(count) * Int64(sample.recordingLength)
    // A mapped file takes memory too while it is read, but gives it back when others need it.
    let copies = recipe.data.noise > 0 && sample.count < count ? dataBytes : 0
    return TrainingEstimate(
      recordings: count, dataBytes: dataBytes, memoryBytes: Machine.peakMemory + copies,
      secondsPerStep: seconds / Double(max(1, training.totalSteps)), seconds: seconds)
  }

  private static let measuredSteps = 7

  /// Median seconds of a few steps, the first left out: it allocates, or reads all recordings.
  private static func stepTime(
    _ recipe: Recipe, _ recordings: Recordings, _ device: Device, _ hooks: WorkHooks
  ) throws -> Double {
    let session = try recipe.session(on: recordings, device: device)
    var times: [Double] = []
    let count = min(measuredSteps, session.totalSteps)
    for step in 0..<count {
      try hooks.stopIfAsked("Nothing was written.")
      hooks.progress(Double(step) / Double(measuredSteps), "measuring steps")
      let start = ContinuousClock.now
      _ = try session.step()
      times.append(start.duration(to: .now).seconds)
    }
    guard count > 0 else { return 0 }
    let later = times.dropFirst(count > 2 ? 2 : count - 1).sorted()
    return later[later.count / 2]
  }
}
