// The options about data that are laid out otherwise, or differ from those of the training.
import Foundation
import KymoCommandLine
import KymoData
import KymoExperiments
import KymoRuns

extension DataUseOptions {
  /// The recordings of files, compared with those that a run was trained on, and which of them lie
  /// outside.
  func recordings(
    _ files: DataFiles, _ layout: LayoutOptions, for directory: RunDirectory, _ hooks: WorkHooks
  ) throws -> UsedRecordings {
    var use = DataUse()
    (use.layout, use.asTrained, use.resamples) = (layout.layout, asTrained, resample)
    return try use.load(files, for: directory, hooks: hooks)
  }
}
