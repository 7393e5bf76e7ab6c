// The recordings of a forecasting run and their split into training, validation and test: views of
// mapped files, of which batches and windows are read.
//
// Letters: R recordings, T frames, C channels, X (Y) space, L latents.
package import Foundation
package import KymoData
import KymoNumerics
import KymoReduction
package import KymoRuns
import KymoSolvers

/// The recordings of a forecasting run.
package struct ForecastData {
  /// Frames of the training recordings, which models are fitted to.
  package let training: FrameSet
  /// Frames of the validation recordings, which models are chosen by.
  package let validation: FrameSet
  /// Frames of the test recordings, which models are judged on; none where they were not asked for.
  package let test: FrameSet
  /// The file of the training recordings.
  let recordings: Recordings
  /// What the files say of their axes and channels.
  package let metadata: RecordingsMetadata
  /// Hashes of the files by the names that the recipe gives them.
  package let hashes: [String: String]
  /// Components of the training frames that several models share.
  let components = FittedComponents()

  /// Time between frames; 1 when unknown.
  package var frameInterval: Double { metadata.frameInterval ?? 1 }
  /// Shape of one state, `[C, X…]`.
  package var stateShape: [Int] { training.stateShape }
  /// Names of the channels.
  package var channelNames: [String] {
    metadata.channelNames.count == stateShape[0]
      ? metadata.channelNames : (1...stateShape[0]).map { "channel \($0)" }
  }

  /// Loads the recordings of a recipe; files that are absent and can be simulated are made first.
  ///
  /// Paths that are not found from the current folder are looked up from `base`. An evaluation
  /// gives the run, whose training says what all fields are measured from, and its test recordings;
  /// without any, those of the validation are tested on.
  package init(
    _ settings: DynamicsDataSettings, base: URL? = nil, of run: RunDirectory? = nil,
    test: UsedRecordings? = nil, hooks: WorkHooks
  ) throws {
    func file(_ name: String) -> URL? { name.isEmpty ? nil : located(name, base: base) }
    let (trainFile, validationFile) = (
      located(settings.train, base: base), file(settings.validation)
    )
    for (file, configuration) in [
      (trainFile, settings.simulate?.train), (validationFile, settings.simulate?.validation),
      (file(settings.test), settings.simulate?.test),
    ] {
      if let file, let configuration { _ = try simulateIfAbsent(configuration, file, hooks) }
    }
    let stored = try loadRecordings(trainFile, settings.layout, entry: "data.train")
    let train =
      try run.map { try DataUse.measured(stored, for: $0) }
      ?? stored.less(stored.largeOffset(threads: hooks.threads))
    if run == nil {
      for finding in try train.validate(file: trainFile.relativePath, threads: hooks.threads) {
        hooks.note("Warning: \(trainFile.relativePath): \(finding.message). \(finding.remedy)")
      }
    }
    var hashes = [settings.train: train.contentHashDigits(threads: hooks.threads)]
    (recordings, metadata) = (train, train.metadata)
    let frames = FrameSet(train)
    func others(_ recordings: Recordings, but left: [Int], _ entry: String, _ name: String) throws
      -> FrameSet
    {
      hashes[name] = recordings.contentHashDigits(threads: hooks.threads)
      let others = FrameSet(
        recordings,
        series: FrameSet(recordings).series.filter { !left.contains($0.recording) })
      try require(
        others.count > 0, entry, found: "values that are NaN or infinite in all recordings",
        allowed: "some recordings without", remedy: "Find out why they diverged.")
      try require(
        others.stateShape == frames.stateShape
          || entry == "data.test" && train.metadata.stateKind == .particles
            && others.stateShape[0] == frames.stateShape[0],
        entry,
        found: "of states \(others.stateShape)",
        allowed: "of states \(frames.stateShape) as data.train",
        remedy: "Give recordings of the same system on the same points.")
      return others
    }
    if let validationFile {
      let entry = "data.validation"
      let stored = try loadRecordings(validationFile, settings.layout, entry: entry)
      let recordings =
        stored.channelCount == train.channelCount ? stored.less(train.offset) : stored
      if run == nil, settings.simulate == nil {
        try TrainedData(train, sample: 0).require(recordings, entry)
      }
      let (left, notes) = try recordings.validateForUse(
        file: validationFile.relativePath, threads: hooks.threads)
      for note in notes {
        hooks.note("Warning: \(validationFile.relativePath): \(note.message). \(note.remedy)")
      }
      (training, validation) = (
        frames, try others(recordings, but: left, entry, settings.validation)
      )
    } else {
      (training, validation) = frames.split(holdingOut: settings.validationFraction)
    }
    self.test =
      try run == nil
      ? FrameSet(train, series: [])
      : test.map { try others($0.recordings, but: $0.gaps, "data.test", settings.test) }
        ?? validation
    self.hashes = hashes
  }
}

extension ForecastData {
  /// Throws unless some test recording goes on after the warm-up.
  func requireTest(longerThan warmUp: Int) throws(ConfigurationError) {
    let longest = test.series.map(\.frames.count).max() ?? 0
    try require(
      longest > warmUp, "data.test", found: "recordings of \(longest) frames",
      allowed: "longer than forecast.warmUpSteps, \(warmUp)",
      remedy: "Give longer recordings; what follows the warm-up is compared with forecasts.")
  }
}
