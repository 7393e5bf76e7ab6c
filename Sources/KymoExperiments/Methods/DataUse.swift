// A model meets data: recordings at use are compared with those of the training, for every method.
package import Foundation
package import KymoData
import KymoNumerics
package import KymoRuns

/// Recordings as a run can use them, and those among them that lie outside what it was trained on.
package struct UsedRecordings {
  /// The recordings, measured as those of the training were.
  package var recordings: Recordings
  /// What is unlike the training, by the number of the recording.
  package var unusual: [Int: String]
  /// Recordings that hold values that are NaN or infinite.
  package var gaps: [Int]

  /// The recordings without those that have gaps, and what is unlike, numbered as these.
  package func withoutGaps(file: String) throws -> (recordings: Recordings, unusual: [Int: String])
  {
    try require(
      gaps.count < recordings.count, file,
      found: "values that are NaN or infinite in all recordings",
      allowed: "some recordings without", remedy: "Find out why they diverged.")
    guard !gaps.isEmpty else { return (recordings, unusual) }
    let kept = Set(0..<recordings.count).subtracting(gaps).sorted()
    let words = kept.enumerated().compactMap { place, index in unusual[index].map { (place, $0) } }
    return (recordings.leavingOut(gaps), Dictionary(uniqueKeysWithValues: words))
  }

  /// "3 of 8 recordings lie outside …"; nil where none does.
  var unusualWords: String? {
    unusual.min { $0.key < $1.key }.map { index, words in
      "\(unusual.count) of \(counted(recordings.count, "recording")) "
        + "\(unusual.count == 1 ? "lies" : "lie") outside what the run was trained on, such as "
        + "recording \(index): \(words)."
    }
  }
}

/// How recordings that differ from those of the training are to be taken.
package struct DataUse: Hashable, Sendable {
  /// Where the recordings are in their file; what is not said is as in the training, where that
  /// fits.
  package var layout = FieldLayout()
  /// Files that belong to the same data set as the one that is named.
  package var furtherFiles: [URL] = []
  /// Whether they are taken as they are, as if they were like those of the training.
  package var asTrained = false
  /// Whether every k-th frame and point is taken where that gives the training's step and spacing.
  package var resamples = false
  /// Whether the verb can take every k-th frame and point.
  package var canResample = true
  /// Whether steps, spacings, ends and units are compared; a recipe that simulates its own test
  /// recordings may make them otherwise than those of its training.
  var comparesKind = true

  /// Refuses recordings that differ.
  package init() {}

  /// The recordings of files as a run can use them.
  ///
  /// - Parameters:
  ///   - files: The files of the person.
  ///   - directory: The run that is to be used.
  ///   - hooks: Is told what a person should know.
  /// - Throws: As ``prepare(_:_:for:hooks:)``, and `FormatError`.
  /// - Returns: The recordings.
  package func load(
    _ files: DataFiles, for directory: RunDirectory, hooks: WorkHooks
  ) throws -> UsedRecordings {
    let file = try ArrayFiles.open(files.urls[0], followsLinks: layout.followsLinks)
    let layout = try layout.completed(
      by: MethodList.current.recipe(of: directory).dataLayout, for: file)
    if layout != self.layout {
      hooks.note("\(files.name) is read as in training: \(layout.options)")
    }
    return try prepare(
      Recordings.load(files, layout), files.name, for: directory, hooks: hooks)
  }

  /// The recordings as a run can use them: like those of its training, and measurements.
  ///
  /// - Parameters:
  ///   - recordings: The recordings of the person.
  ///   - name: What messages call their file.
  ///   - directory: The run that is to be used.
  ///   - hooks: Is told what a person should know.
  /// - Throws: ``ConfigurationError`` for a step, spacing, end or unit that is not the training's,
  ///   `FormatError` for numbers that are no measurements, as before a training.
  /// - Returns: The recordings, resampled where that was wanted, and those among them that lie
  ///   outside what the run was trained on, with what is unlike.
  package func prepare(
    _ recordings: Recordings, _ name: String, for directory: RunDirectory, hooks: WorkHooks
  ) throws -> UsedRecordings {
    guard let trained = try TrainedData.read(from: directory.model) else {
      hooks.note(
        "\(directory.name) does not say what it was trained on, so step, spacing and units were "
          + "not compared. A model that is trained now does.")
      return try looked(at: recordings, [:], name, hooks)
    }
    // Another number of channels or axes has a sentence of its own in every method.
    guard recordings.channelCount == trained.channels.count,
      recordings.spaceRank == trained.boundary.count
    else { return try looked(at: recordings, [:], name, hooks) }
    var recordings = recordings.less(trained.offset)
    if resamples {
      recordings = try resampled(recordings, by: trained.differences(of: recordings), hooks)
    }
    let differences = comparesKind ? trained.differences(of: recordings) : []
    if let first = differences.first, !asTrained {
      throw refusal(first, name)
    }
    for difference in differences {
      hooks.note(
        "Warning: \(name): \(difference.entry) is \(difference.found), in training "
          + "\(difference.trained); taken as in training. The results may be wrong.")
    }
    if asTrained {
      recordings.metadata.frameInterval = recordings.frameInterval ?? trained.frameInterval
      for axis in recordings.boundary.indices where recordings.boundary[axis] == .unknown {
        recordings.metadata.boundary[axis] = trained.boundary[axis]
      }
    }
    let used = try looked(
      at: recordings, trained.unusual(recordings, threads: hooks.threads), name, hooks)
    if let words = used.unusualWords {
      hooks.note("Warning: \(name): \(words) Its error bars do not hold there.")
    }
    return used
  }

  /// Recordings whose numbers were looked at as before a training.
  private func looked(
    at recordings: Recordings, _ unusual: [Int: String], _ name: String, _ hooks: WorkHooks
  ) throws -> UsedRecordings {
    let (gaps, notes) = try recordings.validateForUse(file: name, threads: hooks.threads)
    // Moments of what is left of such a recording say nothing.
    let unusual = unusual.filter { !gaps.contains($0.key) }
    for note in notes { hooks.note("Warning: \(name): \(note.message). \(note.remedy)") }
    return UsedRecordings(recordings: recordings, unusual: unusual, gaps: gaps)
  }

  /// The recordings measured from what those of a run's training were measured from.
  static func measured(
    _ recordings: Recordings, for directory: RunDirectory
  ) throws -> Recordings {
    let offset = try TrainedData.read(from: directory.model)?.offset
    guard offset.map({ $0.count == recordings.channelCount }) ?? true else { return recordings }
    return recordings.less(offset)
  }

  private func resampled(
    _ recordings: Recordings, by differences: [TrainedData.Difference], _ hooks: WorkHooks
  ) throws -> Recordings {
    let frames = differences.first { $0.entry == "dt" }?.factor ?? 1
    let points = recordings.spaceShape.indices.map { axis in
      differences.first { $0.entry == "spacing of \(recordings.axisNames[1 + axis])" }?.factor ?? 1
    }
    guard frames > 1 || points.contains(where: { $0 > 1 }) else { return recordings }
    hooks.note("Resampled: 1 of \(frames) frames, 1 of \(points) points, as in training.")
    return try recordings.every(frames: frames, points: points)
  }

  private func refusal(_ difference: TrainedData.Difference, _ name: String) -> ConfigurationError {
    let isStep = difference.entry == "dt" || difference.entry.hasPrefix("spacing")
    let resample =
      difference.factor.map { factor in
        canResample && !resamples
          ? "--resample takes 1 of \(factor). "
          : "Keep 1 of \(factor), in NumPy by slicing, as x[:, :, ::\(factor)] for frames. "
      } ?? difference.mend + " "
    return ConfigurationError(
      "\(name): \(difference.entry)", found: difference.found,
      allowed: difference.trained + (isStep ? " within 0.1 %" : "") + ", as in training",
      remedy: resample + "--as-trained insists.")
  }
}

extension TrainedRun {
  /// The recordings of an evaluation, compared and looked at as at every use.
  func testRecordings(_ test: TestChoice, hooks: WorkHooks) throws -> UsedRecordings {
    let file = try testFile(test, hooks: hooks)
    var use = DataUse()
    switch test {
    case .recipe:
      _ = try existing(file, entry: "data.test")
      let recipe = try MethodList.current.recipe(of: directory)
      (use.layout, use.comparesKind) = (recipe.dataLayout, !recipe.simulatesData)
    case .file(_, let given): use = given
    case .simulated: use.comparesKind = false
    }
    use.canResample = false
    return try use.load(
      DataFiles([file] + use.furtherFiles), for: directory, hooks: hooks)
  }
}
