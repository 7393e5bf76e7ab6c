// How a recipe that extracts parameters is trained, and what that is expected to take.
package import Foundation
import KymoData
import KymoExtraction
import KymoNN
import KymoNumerics
import KymoRuns
import KymoSolvers
import KymoTensor

extension ParameterRecipe {
  package func plan(base: URL?, hooks: WorkHooks) throws -> TrainingPlan<ModelSession> {
    let device = try Device(parsing: self.device)
    let data = ParameterData(self, base: base)
    let made = try data.makeMissing(hooks)
    let (recordings, warnings) = try data.loadTraining(self, seed: seed, threads: hooks.threads)
    return TrainingPlan(
      dataHashes: [self.data.train: recordings.contentHashDigits(threads: hooks.threads)],
      notes: made.map {
        "Simulated \(counted($0.recordings, "recording")), \($0.redrawn) redrawn: \($0.file)"
      },
      warnings: warnings,
      makeSession: {
        try session(on: recordings, device: device, base: base)
      },
      describe: { "\(counted(recordings.count, "recording")), \(counted($0.totalSteps, "step"))" })
  }
}

// MARK: - Estimate

extension ParameterRecipe {
  /// Measures a few steps and estimates the whole; writes nothing.
  ///
  /// Where the data are absent and would be simulated, the steps run on a few simulated recordings.
  package func estimate(hooks: WorkHooks) throws -> TrainingEstimate {
    let recipe = self
    let device = try Device(parsing: recipe.device)
    let data = ParameterData(recipe)
    var (count, sample): (Int, Recordings)
    let isThere = FileManager.default.fileExists(atPath: data.trainFile.path)
    if var few = recipe.data.simulate?.train, !isThere {
      (count, few.recordings) = (few.recordings, min(few.recordings, 8))
      let place = try TemporaryPlace()
      defer { withExtendedLifetime(place) {} }
      let file = place.url.appending(path: "sample.npz")
      _ = try few.write(to: file, threads: hooks.threads, stopSignal: hooks.stopSignal)
      sample = try Recordings.load(file)
    } else {
      sample = try data.loadTraining(recipe, seed: recipe.seed, threads: hooks.threads).recordings
      count = sample.count
    }
    let available = Machine.availableMemory.map { " of \(Words.bytes($0)) available" } ?? ""
    let least = Int64(try recipe.checkMemory(on: sample))
    hooks.note("Memory: at least \(Words.bytes(least))\(available).")
    let (training, phases) = (recipe.training, recipe.training.phases)
    // A refinement has no joint steps; elsewhere one goes before what is measured.
    let first = recipe.encoderFrom == nil ? 1 : 0
    var joint = 0.0
    if phases.joint.steps + phases.encoder.steps > 0 {
      var all = recipe
      all.training.phases.joint.steps = max(phases.joint.steps, Self.measuredSteps)
      joint = try Self.stepTime(all, sample, device, hooks)
    }
    var seconds = joint * Double(phases.joint.steps)
    let few = sample.subset(0..<min(sample.count, 8))
    if phases.decoder.steps > 0 {
      var later = recipe
      (later.training.phases.joint.steps, later.training.phases.encoder.steps) = (first, 0)
      later.training.fitCrops = 0
      seconds += try Self.stepTime(later, few, device, hooks) * Double(phases.decoder.steps)
    }
    if training.fitCrops > 0 {
      // Four steps of fits to two recordings each, and one of the decoder.
      var fits = recipe
      (fits.training.phases.joint.steps, fits.training.phases.encoder.steps) = (first, 0)
      fits.training.phases.decoder.steps = 1
      (fits.training.batchSize, fits.training.straightenings) = (2, 1)
      let rounds =
        recipe.encoderFrom != nil
        ? 1 : training.straightenings + (phases.encoder.steps > 0 ? 1 : 0)
      seconds += try Self.stepTime(fits, few, device, hooks) * Double(rounds * count) / 2
    }
    // At most: the encoder's part of a joint step.
    seconds += joint * Double(phases.encoder.steps)
    let dataBytes = 4 * Int64(count) * Int64(sample.recordingLength)
    // A mapped file takes memory too while it is read, but gives it back when others need it.
    let copies = recipe.data.noise > 0 && sample.count < count ? dataBytes : 0
    let memory = Machine.peakMemory + copies
    let step = seconds / Double(max(1, phases.totalSteps))
    return TrainingEstimate(
      words: [
        "Data: \(counted(count, "recording")), \(Words.bytes(dataBytes)) on disk.",
        "Memory: about \(Words.bytes(memory))\(available).",
        """
        Time: about \(Words.time(seconds)) for \(counted(phases.totalSteps, "step")) of \
        \(Words.number(1000 * step)) ms (measured now on \(counted(hooks.threads, "thread"))).
        """,
      ],
      numbers: [
        "recordings": Double(count), "dataBytes": Double(dataBytes),
        "memoryBytes": Double(memory), "secondsPerStep": step, "seconds": seconds,
      ])
  }

  private static let measuredSteps = 7

  /// Median seconds of a few steps, the first left out: it allocates, or reads all recordings.
  private static func stepTime(
    _ recipe: ParameterRecipe, _ recordings: Recordings, _ device: Device, _ hooks: WorkHooks
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
