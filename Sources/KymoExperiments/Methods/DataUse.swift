// A model meets data: recordings at use are compared with those of the training, for every method.
import Foundation
package import KymoData
import KymoNumerics
package import KymoRuns

/// How recordings that differ from those of the training are to be taken.
package struct DataUse: Hashable, Sendable {
  /// Whether they are taken as they are, as if they were like those of the training.
  package var asTrained = false
  /// Whether every k-th frame and point is taken where that gives the training's step and spacing.
  package var resamples = false
  /// Whether the verb can take every k-th frame and point.
  package var canResample = true

  /// Refuses recordings that differ.
  package init() {}

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
  ) throws -> (recordings: Recordings, unusual: [Int: String]) {
    guard let trained = try TrainedData.read(from: directory.model) else {
      hooks.note(
        "\(directory.name) does not say what it was trained on, so step, spacing and units were "
          + "not compared. A model that is trained now does.")
      return (recordings, [:])
    }
    // Another number of channels or axes has a sentence of its own in every method.
    guard recordings.channelCount == trained.channels.count,
      recordings.spaceRank == trained.boundary.count
    else { return (recordings, [:]) }
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
    return (recordings, unusual)
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
