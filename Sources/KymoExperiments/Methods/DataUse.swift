// A model meets data: recordings at use are compared with those of the training, for every method.
import Foundation
package import KymoData
import KymoNumerics
package import KymoRuns

/// Recordings as a run can use them, and those among them that lie outside what it was trained on.
package struct UsedRecordings {
  /// The recordings, measured as those of the training were.
  package var recordings: Recordings
  /// What is unlike the training, by the number of the recording.
  package var unusual: [Int: String]
}

/// How recordings that differ from those of the training are to be taken.
package struct DataUse: Hashable, Sendable {
  /// Where the recordings are in their file; what is not said is as in the training, where that fits.
  package var layout = FieldLayout()
  /// Whether they are taken as they are, as if they were like those of the training.
  package var asTrained = false
  /// Whether every k-th frame and point is taken where that gives the training's step and spacing.
  package var resamples = false
  /// Whether the verb can take every k-th frame and point.
  package var canResample = true

  /// Refuses recordings that differ.
  package init() {}

  /// The recordings of a file as a run can use them, and how the file was read.
  ///
  /// - Parameters:
  ///   - path: The file of the person.
  ///   - directory: The run that is to be used.
  ///   - hooks: Is told what a person should know.
  /// - Throws: As ``prepare(_:_:for:hooks:)``, and `FormatError`.
  /// - Returns: The recordings, and the layout by which they were read.
  package func load(
    _ path: String, for directory: RunDirectory, hooks: WorkHooks
  ) throws -> (used: UsedRecordings, layout: FieldLayout) {
    let file = try ArrayFiles.open(URL(filePath: path))
    let layout = try layout.completed(
      by: MethodList.current.recipe(of: directory).dataLayout, for: file)
    if layout != self.layout {
      hooks.note("\(path) is read as in training: \(layout.options)")
    }
    let used = try prepare(
      Recordings.load(file, key: layout.key, axes: layout.axes), path, for: directory, hooks: hooks)
    return (used, layout)
  }

  /// The recordings as a run can use them.
  ///
  /// - Parameters:
  ///   - recordings: The recordings of the person.
  ///   - name: What messages call their file.
  ///   - directory: The run that is to be used.
  ///   - hooks: Is told what a person should know.
  /// - Throws: ``ConfigurationError`` for a step, spacing, end or unit that is not the training's.
  /// - Returns: The recordings, resampled where that was wanted, and those among them that lie
  ///   outside what the run was trained on, with what is unlike.
  package func prepare(
    _ recordings: Recordings, _ name: String, for directory: RunDirectory, hooks: WorkHooks
  ) throws -> UsedRecordings {
    guard let trained = try TrainedData.read(from: directory.model) else {
      hooks.note(
        "\(directory.name) does not say what it was trained on, so step, spacing and units were "
          + "not compared. A model that is trained now does.")
      return UsedRecordings(recordings: recordings, unusual: [:])
    }
    // Another number of channels or axes has a sentence of its own in every method.
    guard recordings.channelCount == trained.channels.count,
      recordings.spaceRank == trained.boundary.count
    else { return UsedRecordings(recordings: recordings, unusual: [:]) }
    var recordings = recordings.less(trained.offset)
    if resamples {
      recordings = try resampled(recordings, by: trained.differences(of: recordings), hooks)
    }
    let differences = trained.differences(of: recordings)
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
    let unusual = trained.unusual(recordings, threads: hooks.threads)
    if let (index, words) = unusual.min(by: { $0.key < $1.key }) {
      hooks.note(
        "Warning: \(name): \(unusual.count) of \(recordings.count) recordings lie outside what the "
          + "run was trained on, such as recording \(index): \(words). Its error bars do not hold "
          + "there.")
    }
    return UsedRecordings(recordings: recordings, unusual: unusual)
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
