// What can go wrong with a report: the run folder, a file in it, or the plotting library.

/// A report that cannot be written, with the way to mend it.
public enum ReportError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The run is not a folder.
  case noRun(path: String)
  /// A file of the run cannot be read or understood.
  case unreadable(file: String, reason: String, remedy: String)
  /// The plotting library that the page carries inside is not there.
  case noPlotly(path: String)

  /// One sentence for the person who asked for the report.
  public var description: String {
    switch self {
    case .noRun(let path):
      "There is no run folder '\(path)'. Give the folder that 'kymo train' wrote."
    case .unreadable(let file, let reason, let remedy):
      "'\(file)' cannot be read: \(reason). \(remedy)"
    case .noPlotly(let path):
      "The plotting library plotly.min.js is not at '\(path)'. Run: make setup"
    }
  }
}
