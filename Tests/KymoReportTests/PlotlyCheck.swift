// Plotly's own checker, run on the figures of a page.
import Foundation
import Testing

/// Records an issue unless every figure of a run is valid for Plotly.
func expectValidFigures(of run: SyntheticRun, atLeast count: Int) throws {
  let script = """
    import pathlib, sys, plotly.io
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.json"))
    assert len(files) >= \(count), files
    for file in files:
        plotly.io.from_json(file.read_text(), skip_invalid=False)
    """
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let python = Process()
  python.executableURL = root.appending(path: ".deps/venv/bin/python")
  python.arguments = ["-c", script, run.folder.appending(path: "figures").path]
  let errors = Pipe()
  python.standardError = errors
  try python.run()
  let said = errors.fileHandleForReading.readDataToEndOfFile()
  python.waitUntilExit()
  #expect(python.terminationStatus == 0, "\(String(decoding: said, as: UTF8.self))")
}
