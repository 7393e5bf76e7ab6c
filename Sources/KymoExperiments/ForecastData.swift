// The recordings of a forecasting run in the order that reductions, propagators and solvers want, time
// before channels and in Double, and their split into training, validation and test.
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

  /// Fields of the training recordings, `[T, C, X…]` each.
  package let training: [HostArray<Double>]
  /// Fields of the validation recordings.
  package let validation: [HostArray<Double>]
  /// Fields of the test recordings; empty where they were not asked for.
  package let test: [HostArray<Double>]
  /// What the files say of their axes and channels.
  package let metadata: RecordingsMetadata
  /// Hashes of the files by the names that the recipe gives them.
  package let hashes: [String: String]

  /// Time between frames; 1 when unknown.
  package var frameInterval: Double { metadata.frameInterval ?? 1 }
  /// Shape of one state, `[C, X…]`.
  package var stateShape: [Int] { Array(training[0].shape.dropFirst()) }
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
    _ settings: ForecastDataSettings, base: URL? = nil, includesTest: Bool, hooks: WorkHooks
  ) throws {
    try Self.makeMissing(settings, base, hooks)
    let files = Files(settings, base)
    let train = try loadRecordings(files.train, entry: "data.train")
    var hashes = [settings.train: train.contentHashDigits(threads: hooks.threads)]
    metadata = train.metadata
    var fields = Self.fields(of: train)
    func others(_ file: URL, _ entry: String, _ name: String) throws -> [HostArray<Double>] {
      let recordings = try loadRecordings(file, entry: entry)
      hashes[name] = recordings.contentHashDigits(threads: hooks.threads)
      let others = Self.fields(of: recordings)
      try require(
        others[0].shape.dropFirst() == fields[0].shape.dropFirst(), entry,
        found: "of states \(Array(others[0].shape.dropFirst()))",
        allowed: "of states \(Array(fields[0].shape.dropFirst())) as data.train",
        remedy: "Give recordings of the same system on the same points.")
      return others
    }
    if let file = files.validation {
      validation = try others(file, "data.validation", settings.validation)
    } else {
      (fields, validation) = Self.split(fields, settings.validationFraction)
    }
    test =
      try !includesTest
      ? [] : files.test.map { try others($0, "data.test", settings.test) } ?? validation
    training = fields
    self.hashes = hashes
  }

  /// Every frame of the training recordings as a state, `[N, C, X…]`.
  package func trainingStates(atMost limit: Int = .max) -> HostArray<Double> {
    Self.states(training, atMost: limit)
  }

  /// Every frame of the validation recordings as a state.
  package func validationStates(atMost limit: Int = .max) -> HostArray<Double> {
    Self.states(validation, atMost: limit)
  }

  /// The latents of a part's recordings, `[T, L]` each.
  package func latentSeries(
    of reduction: any Reduction, _ part: Part
  ) throws -> [HostArray<Double>] {
    let recordings =
      switch part {
      case .training: training
      case .validation: validation
      case .test: test
      }
    return try recordings.map { try reduction.encode($0) }
  }

  /// Frames spread evenly over recordings, one after the other.
  package static func states(
    _ recordings: [HostArray<Double>], atMost limit: Int = .max
  ) -> HostArray<Double> {
    let total = recordings.reduce(0) { $0 + $1.shape[0] }
    let count = min(total, limit)
    let state = Array(recordings[0].shape.dropFirst())
    let cells = state.reduce(1, *)
    if count == total {
      return HostArray(recordings.flatMap(\.elements), shape: [total] + state)
    }
    let all = recordings.flatMap { recording in
      (0..<recording.shape[0]).map { (recording, $0) }
    }
    let values = (0..<count).flatMap { index in
      let (recording, frame) = all[index * total / count]
      return recording.elements[frame * cells..<(frame + 1) * cells]
    }
    return HostArray(values, shape: [count] + state)
  }

  /// Recordings with time before channels, in Double.
  package static func fields(of recordings: Recordings) -> [HostArray<Double>] {
    (0..<recordings.count).map { index in
      let recording = recordings[index]
      return HostArray(recording.elements.map(Double.init), shape: recording.shape)
    }
  }

  // MARK: Files

  private struct Files {
    var train: URL
    var validation: URL?
    var test: URL?

    init(_ settings: ForecastDataSettings, _ base: URL?) {
      train = located(settings.train, base: base)
      validation =
        settings.validation.isEmpty ? nil : located(settings.validation, base: base)
      test = settings.test.isEmpty ? nil : located(settings.test, base: base)
    }
  }

  /// Simulates what is absent.
  private static func makeMissing(
    _ settings: ForecastDataSettings, _ base: URL?, _ hooks: WorkHooks
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

  /// Holds out the last recordings, or the end of a single one.
  private static func split(
    _ recordings: [HostArray<Double>], _ fraction: Double
  ) -> ([HostArray<Double>], [HostArray<Double>]) {
    if recordings.count > 1 {
      let held = min(
        recordings.count - 1, max(1, Int((Double(recordings.count) * fraction).rounded())))
      return (Array(recordings.dropLast(held)), Array(recordings.suffix(held)))
    }
    let only = recordings[0]
    let frames = only.shape[0]
    let held = min(frames - 1, max(1, Int((Double(frames) * fraction).rounded())))
    let cells = only.shape.dropFirst().reduce(1, *)
    let rest = Array(only.shape.dropFirst())
    return (
      [
        HostArray(
          Array(only.elements[..<((frames - held) * cells)]), shape: [frames - held] + rest)
      ],
      [HostArray(Array(only.elements[((frames - held) * cells)...]), shape: [held] + rest)]
    )
  }
}
