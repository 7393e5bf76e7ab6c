// The report of a run: one page that needs no network and no other file, and the figures in it as
// Plotly JSON. A pure function of the run folder: the same files give the same bytes.
public import Foundation
import KymoNumerics
public import KymoResults

/// Writes the report of a run.
public enum Report {
  /// Writes `report.html` and `figures/*.json` into a run folder.
  ///
  /// The page holds its style, its figures and the plotting library, and loads nothing. Files that
  /// the run does not have yet (`results.json`, `metrics.jsonl`, `recipe.yaml`,
  /// `environment.json`) are named in it with the command that makes them.
  ///
  /// - Parameters:
  ///   - run: The run folder.
  ///   - plotly: The file `plotly.min.js`; nil looks for the one that `make setup` installs.
  /// - Throws: ``ReportError`` when the run is no folder, one of its files cannot be understood or
  ///   the library is not there; `FileError` when the page cannot be written; `ResultsError` when
  ///   results.json is of another schema or contradicts itself.
  /// - Returns: The page.
  public static func write(run: URL, plotly: URL? = nil) throws -> URL {
    let library = try contents(ofPlotly: plotly)
    return try write(RunPage(try RunFolder(run)).frame, to: run, library)
  }

  /// Writes `report.html` and `figures/*.json` of results that no run has made.
  ///
  /// - Parameters:
  ///   - results: What is shown.
  ///   - title: The page's title.
  ///   - folder: Where it is written.
  ///   - plotly: As of ``write(run:plotly:)``.
  /// - Throws: As ``write(run:plotly:)`` does.
  /// - Returns: The page.
  public static func write(
    _ results: RunResults, title: String, to folder: URL, plotly: URL? = nil
  ) throws -> URL {
    let library = try contents(ofPlotly: plotly)
    return try write(RunPage(results, title: title).frame, to: folder, library)
  }

  /// Writes one page of tables over several experiments, published numbers beside ours.
  ///
  /// - Parameters:
  ///   - title: What the experiments are together, such as `pde-vae`.
  ///   - experiments: Name and run folders, one folder for each seed.
  ///   - folder: Where `report.html` and `figures/*.json` are written.
  ///   - plotly: As of ``write(run:plotly:)``.
  /// - Throws: As ``write(run:plotly:)`` does.
  /// - Returns: The page.
  public static func writeOverview(
    title: String, experiments: [(name: String, runs: [URL])], to folder: URL, plotly: URL? = nil
  ) throws -> URL {
    let library = try contents(ofPlotly: plotly)
    let entries = try experiments.map { name, runs in
      OverviewPage.Entry(
        name: name,
        runs: try runs.map { (link: relativePath(of: $0, from: folder), run: try RunFolder($0)) })
    }
    return try write(OverviewPage(title: title, entries: entries).frame, to: folder, library)
  }

  /// The path from a page's folder to a run below or beside it.
  private static func relativePath(of run: URL, from folder: URL) -> String {
    let (to, from) = (
      run.standardizedFileURL.pathComponents, folder.standardizedFileURL.pathComponents
    )
    let common = zip(to, from).prefix { $0 == $1 }.count
    return ([String](repeating: "..", count: from.count - common) + to.dropFirst(common))
      .joined(separator: "/")
  }

  private static func write(_ page: PageFrame, to run: URL, _ library: HTML) throws -> URL {
    let folder = run.appending(path: "figures")
    try AtomicFolder.make(folder)
    let figures = try page.figures()
    for figure in figures {
      try AtomicFile.write(figure.json, to: folder.appending(path: figure.id + ".json"))
    }
    let file = run.appending(path: "report.html")
    try AtomicFile.write(Data(page.html(figures: figures, plotly: library).utf8), to: file)
    return file
  }

  /// The plotting library, safe inside a script element.
  private static func contents(ofPlotly given: URL?) throws(ReportError) -> HTML {
    guard let file = given ?? installedPlotly(), let data = try? Data(contentsOf: file) else {
      throw .noPlotly(
        path: given?.path ?? ".deps/venv/lib/python3*/site-packages/plotly/package_data")
    }
    // The library as published does not hold the end of a script element; another version might.
    let ends = Data("</script".utf8)
    let text = String(decoding: data, as: UTF8.self)
    return HTML(
      trusting: data.range(of: ends) == nil ? text : text.replacing("</script", with: "<\\/script"))
  }

  /// The library beside the executable, as in a Python wheel, or that of `.deps`, in the working
  /// folder or above the executable.
  package static func installedPlotly() -> URL? {
    var folders = [URL(filePath: FileManager.default.currentDirectoryPath)]
    if var folder = Bundle.main.executableURL?.resolvingSymlinksInPath() {
      let beside = folder.deletingLastPathComponent().appending(path: "plotly.min.js")
      if FileManager.default.fileExists(atPath: beside.path) { return beside }
      while folder.pathComponents.count > 1 {
        folder.deleteLastPathComponent()
        folders.append(folder)
      }
    }
    for folder in folders {
      let libraries = folder.appending(path: ".deps/venv/lib")
      let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries.path)) ?? []
      for version in versions.sorted() {
        let file = libraries.appending(
          path: "\(version)/site-packages/plotly/package_data/plotly.min.js")
        if FileManager.default.fileExists(atPath: file.path) { return file }
      }
    }
    return nil
  }
}
