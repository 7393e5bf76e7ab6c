// The recordings of a forecasting run and their split into training, validation and test: views of
// mapped files, of which batches and windows are read.
//
// Letters: R recordings, T frames, C channels, X (Y) space, L latents.
package import Foundation
package import KymoData
package import KymoNumerics
package import KymoReduction
import KymoRuns
import KymoSolvers

/// The recordings of a forecasting run.
package struct ForecastData {
  /// A part of the recordings.
  package enum Part {
    /// What models are fitted to.
    case training
    /// What they are chosen by.
    case validation
    /// What they are judged on.
    case test
  }

  /// Frames of the training recordings.
  package let training: FrameSet
  /// Frames of the validation recordings.
  package let validation: FrameSet
  /// Frames of the test recordings; none where they were not asked for.
  package let test: FrameSet
  /// The file of the training recordings.
  let recordings: Recordings
  /// What the files say of their axes and channels.
  package let metadata: RecordingsMetadata
  /// Hashes of the files by the names that the recipe gives them.
  package let hashes: [String: String]

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
  /// - Parameters:
  ///   - settings: The recipe's settings.
  ///   - base: Where relative paths are looked up when they are not found from the current folder.
  ///   - includesTest: Whether the test recordings are needed.
  ///   - hooks: Whom to tell and ask.
  /// - Throws: ``ConfigurationError`` for files that are absent or do not fit each other.
  package init(
    _ settings: DynamicsDataSettings, base: URL? = nil, includesTest: Bool, hooks: WorkHooks
  ) throws {
    try Self.makeMissing(settings, base, hooks)
    let files = Files(settings, base)
    let train = try loadRecordings(files.train, entry: "data.train")
    var hashes = [settings.train: train.contentHashDigits(threads: hooks.threads)]
    (recordings, metadata) = (train, train.metadata)
    let frames = FrameSet(train)
    func others(_ file: URL, _ entry: String, _ name: String) throws -> FrameSet {
      let recordings = try loadRecordings(file, entry: entry)
      hashes[name] = recordings.contentHashDigits(threads: hooks.threads)
      let others = FrameSet(recordings)
      try require(
        others.stateShape == frames.stateShape, entry, found: "of states \(others.stateShape)",
        allowed: "of states \(frames.stateShape) as data.train",
        remedy: "Give recordings of the same system on the same points.")
      return others
    }
    if let file = files.validation {
      (training, validation) = (frames, try others(file, "data.validation", settings.validation))
    } else {
      (training, validation) = frames.split(holdingOut: settings.validationFraction)
    }
    test =
      try !includesTest
      ? FrameSet(train, series: [])
      : files.test.map { try others($0, "data.test", settings.test) } ?? validation
    self.hashes = hashes
  }

  /// The latents of a part's recordings, `[T, L]` each.
  package func latentSeries(
    of reduction: any Reduction, _ part: Part
  ) throws -> [HostArray<Double>] {
    let frames =
      switch part {
      case .training: training
      case .validation: validation
      case .test: test
      }
    return try reduction.latentSeries(of: frames)
  }

  // MARK: Files

  private struct Files {
    var train: URL
    var validation: URL?
    var test: URL?

    init(_ settings: DynamicsDataSettings, _ base: URL?) {
      train = located(settings.train, base: base)
      validation =
        settings.validation.isEmpty ? nil : located(settings.validation, base: base)
      test = settings.test.isEmpty ? nil : located(settings.test, base: base)
    }
  }

  /// Simulates what is absent.
  private static func makeMissing(
    _ settings: DynamicsDataSettings, _ base: URL?, _ hooks: WorkHooks
  ) throws {
    guard let simulate = settings.simulate else { return }
    let files = Files(settings, base)
    for (file, configuration) in [
      (files.train, simulate.train), (files.validation, simulate.validation),
      (files.test, simulate.test),
    ] {
      if let file, let configuration {
        _ = try simulateIfAbsent(configuration, file, hooks)
      }
    }
  }
}
