// The options about data that differ from those of the training.
import Foundation
import KymoCommandLine
import KymoData
import KymoExperiments
import KymoRuns

extension DataUseOptions {
  /// The options as the work takes them.
  var use: DataUse {
    var use = DataUse()
    (use.asTrained, use.resamples) = (asTrained, resample)
    return use
  }

  /// The recordings of a file, compared with those that a run was trained on, and which of them lie
  /// outside.
  func recordings(
    _ file: String, for directory: RunDirectory, _ hooks: WorkHooks
  ) throws -> (recordings: Recordings, unusual: [Int: String]) {
    try use.prepare(Recordings.load(URL(filePath: file)), file, for: directory, hooks: hooks)
  }
}
