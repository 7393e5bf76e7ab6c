import Foundation
import KymoMetrics
import KymoNumerics
import KymoReport
import KymoTestSupport
import Testing

/// A small library in place of Plotly, for tests that only read the page.
private func stub(in run: SyntheticRun, _ script: String = "var Plotly = {};") throws -> URL {
  try run.write(Data(script.utf8), to: "stub.js")
  return run.folder.appending(path: "stub.js")
}

private let small = SyntheticRun.Contents(recordingCount: 40, frames: 64, side: 48)

@Suite("The page in a browser", .enabled(if: Browser.executable != nil, "\(Browser.missing)"))
struct BrowserTests {
  @Test(
    "draws every figure without a problem",
    arguments: [
      SyntheticRun.Contents(), small.with(parameterNames: ["D", "v"], relevantLatents: [0, 4]),
      small.with(parameterNames: [], relevantLatents: [1, 2, 3]),
    ])
  func draws(contents: SyntheticRun.Contents) throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    try run.writeAll(contents)
    let page = try Report.write(run: run.folder, plotly: SyntheticRun.plotly())
    let document = try Browser.open(page)
    let (problems, drawn) = (document.problems, document.drawn)
    #expect(problems == nil)
    let files = try FileManager.default.contentsOfDirectory(
      atPath: run.folder.appending(path: "figures").path)
    let names = Set(files.map { $0.replacing(".json", with: "") })
    #expect(
      names.isSuperset(of: ["data", "relevance", "errors", "training", "field-1", "field-2"]))
    #expect(drawn == names)
    for name in names {
      let figure = document.figure(name)
      let (isDrawn, hasPicture) = (
        figure.contains("class=\"main-svg\""), figure.contains("data:image/png")
      )
      #expect(isDrawn, "\(name) holds no drawing")
      #expect(hasPicture == (name.hasPrefix("field") || name == "data"), "picture in \(name)")
    }
  }

  @Test("draws snapshots of fields in the plane")
  func planes() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    var contents = small
    (contents.fieldCount, contents.planeCount) = (0, 2)
    try run.writeAll(contents)
    let document = try Browser.open(
      Report.write(run: run.folder, plotly: SyntheticRun.plotly()))
    #expect(document.problems == nil)
    let drawn = try #require(document.drawn)
    #expect(drawn.isSuperset(of: ["plane-1", "plane-2"]))
    #expect(document.figure("plane-2").contains("data:image/png"))
  }

  @Test("draws the overview of several experiments and seeds")
  func overview() throws {
    let runs = try (0..<3).map { try SyntheticRun("seed-\($0)") }
    defer { runs.forEach { $0.remove() } }
    for run in runs { try run.writeAll(small) }
    let page = try Report.writeOverview(
      title: "pde-vae",
      experiments: [
        ("pde-vae/ks", [runs[0].folder, runs[1].folder]), ("pde-vae/nls", [runs[2].folder]),
      ], to: runs[0].folder.deletingLastPathComponent(), plotly: SyntheticRun.plotly())
    let document = try Browser.open(page)
    let (problems, drawn) = (document.problems, document.drawn)
    #expect(problems == nil)
    #expect(drawn == ["errors-1", "errors-2"])
    let text = try String(contentsOf: page, encoding: .utf8)
    #expect(text.contains("<a href=\"seed-0/report.html\">"))
    #expect(text.contains("2 × 40"))
  }

  @Test("shows names as text, whatever they are")
  func hostile() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    let name = "<img src=x onerror=kymoProblem('ran')><script>kymoProblem('ran')</script>"
    try run.writeAll(
      small.with(parameterNames: [name], relevantLatents: [2], description: name, curve: name))
    let document = try Browser.open(
      Report.write(run: run.folder, plotly: SyntheticRun.plotly()))
    let (problems, drawn) = (document.problems, document.drawn)
    #expect(problems == nil)
    #expect(drawn?.contains("parameter-1") == true)
  }

  @Test("notices a figure that fails and a request to the network (negative controls)")
  func problems() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    try run.writeAll(small)
    let failing = try stub(
      in: run, "var Plotly = { newPlot: function () { throw new Error('no pen'); } };")
    let broken = try Browser.open(Report.write(run: run.folder, plotly: failing))
    let (pen, drawn) = (broken.problems, broken.drawn)
    #expect(pen?.contains("training: Error: no pen") == true)
    #expect(drawn == [])

    let calling = try stub(
      in: run,
      "var Plotly = { newPlot: function () { return fetch('https://example.org/x'); } };")
    let blocked = try Browser.open(Report.write(run: run.folder, plotly: calling)).problems
    #expect(blocked?.contains("blocked connect-src https://example.org/x") == true)
  }
}

@Suite("The page as text") struct PageTextTests {
  @Test("escapes names, captions, recipe and folder name")
  func escapes() throws {
    let evil = "</pre></script><script>alert(1)</script>&\"'"
    let run = try SyntheticRun("run <b>")
    defer { run.remove() }
    try run.writeAll(
      small.with(parameterNames: [evil], relevantLatents: [2], description: evil, curve: evil))
    try run.write(Data(evil.utf8), to: "recipe.yaml")
    try run.write(Data(#"{"machine": "<script>alert(1)</script>"}"#.utf8), to: "environment.json")
    let page = try text(run)
    #expect(!page.contains("<script>alert"))
    #expect(!page.contains("<b>\""))
    #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;"))
    #expect(page.contains("<title>run &lt;b&gt; – Kymo</title>"))
    // Three scripts of the page (collector, library, drawing) and one block of data per figure.
    let figures = try FileManager.default.contentsOfDirectory(
      atPath: run.folder.appending(path: "figures").path)
    #expect(page.ranges(of: "<script").count == 3 + figures.count)
    #expect(page.ranges(of: "</script").count == 3 + figures.count)
    // Markup of our own must not have been escaped by mistake.
    for markup in ["&lt;p", "&lt;b&gt;N", "&lt;td", "&lt;caption", "&lt;code", "&lt;span"] {
      #expect(!page.contains(markup))
    }
  }

  @Test("loads nothing from anywhere")
  func offline() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    try run.writeAll(small)
    let page = try text(run)
    #expect(page.contains("content=\"default-src 'none';"))
    for request in ["http:", "https:", " src=", "<link", "url(", "@import", "<iframe"] {
      #expect(!page.contains(request), "the page holds \(request)")
    }
  }

  @Test("is the same for the same run, byte by byte")
  func deterministic() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    try run.writeAll(small)
    let (first, figure) = (try text(run), try contents(run, "figures/training.json"))
    #expect(try text(run) == first)
    #expect(try contents(run, "figures/training.json") == figure)
  }

  @Test("stays below 12 MB with many large pictures")
  func size() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    var results = SyntheticRun.results(
      SyntheticRun.Contents(recordingCount: 2000, fieldCount: 1, side: 400))
    results.fields = [ExtractionResults.FieldComparison](repeating: results.fields[0], count: 9)
    try run.write(JSONEncoder().encode(results), to: "results.json")
    try run.write(Data(SyntheticRun.training(lines: 20_000).utf8), to: "metrics.jsonl")
    let page = try Report.write(run: run.folder, plotly: SyntheticRun.plotly())
    #expect(try Data(contentsOf: page).count < 12_000_000)
  }

  @Test("names every file that is missing, and the command that makes it")
  func missing() throws {
    let run = try SyntheticRun("my run")
    defer { run.remove() }
    let page = try text(run)
    for file in ["results.json", "metrics.jsonl", "recipe.yaml", "environment.json"] {
      #expect(page.contains("<code>\(file)</code> is not in this run yet"))
    }
    #expect(page.contains("<code>./kymo evaluate &#39;my run&#39; DATA.npz</code>"))
    #expect(page.contains("<code>./kymo train RECIPE.yaml -o &#39;my run&#39;</code>"))
    #expect(page.contains("doi     = {10.1103/PhysRevX.10.031056}"))
  }

  @Test("holds results that know nothing but latents")
  func almostEmpty() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    let results = ExtractionResults(
      dataDescription: "", parameterNames: [], latents: [], collapsedVariance: 1, scores: [],
      recordings: [], errorCurves: [], frameInterval: 1, trainedFrames: 0, fields: [],
      paperRelevantCount: nil)
    try run.write(JSONEncoder().encode(results), to: "results.json")
    #expect(try text(run).contains("The results hold no latents."))
  }

  @Test("reads a training record that was cut off or left the numbers")
  func cutRecord() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    let lines = """
      {"step":1,"seconds":0.5,"loss":1.25}
      {"step":2,"seconds":61,"loss":"NaN"}
      {"step":3,"sec
      """
    try run.write(Data(lines.utf8), to: "metrics.jsonl")
    let page = try text(run)
    #expect(page.contains("2 steps in 1 min 1 s."))
    #expect(page.contains("1 line of metrics.jsonl could not be read"))
    let figure = String(decoding: try contents(run, "figures/training.json"), as: UTF8.self)
    #expect(figure.contains("\"y\":[1.25,null]"))
  }

  private func text(_ run: SyntheticRun) throws -> String {
    try String(
      contentsOf: Report.write(run: run.folder, plotly: stub(in: run)), encoding: .utf8)
  }

  private func contents(_ run: SyntheticRun, _ file: String) throws -> Data {
    try Data(contentsOf: run.folder.appending(path: file))
  }
}

@Suite("Figures") struct FigureTests {
  @Test("are valid for Plotly's own checker")
  func schema() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    try run.writeAll(small.with(parameterNames: ["a", "b"], relevantLatents: [0, 3]))
    _ = try Report.write(run: run.folder, plotly: stub(in: run))
    try expectValidFigures(of: run, atLeast: 8)
  }
}

@Suite("Errors of reports") struct ReportErrorTests {
  @Test("say the file, the entry and the remedy")
  func broken() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    let plotly = try stub(in: run)
    func failure(_ file: String, _ text: String) throws -> ReportError? {
      try run.write(Data(text.utf8), to: file)
      defer { try? FileManager.default.removeItem(at: run.folder.appending(path: file)) }
      return #expect(throws: ReportError.self) { try Report.write(run: run.folder, plotly: plotly) }
    }
    let cut = try failure("results.json", "{\"latents\": [")
    #expect(cut?.description.contains("'results.json' cannot be read") == true)
    #expect(cut?.description.contains("kymo evaluate") == true)
    let incomplete = try failure("results.json", "{\"dataDescription\": \"x\"}")
    #expect(incomplete?.description.contains("'parameterNames' is missing") == true)
    let list = try failure("environment.json", "[1]")
    #expect(list?.description.contains("'environment.json' cannot be read") == true)

    var results = SyntheticRun.results(small)
    results.recordings[3].mean.removeLast()
    let contradiction = try failure(
      "results.json", String(decoding: JSONEncoder().encode(results), as: UTF8.self))
    #expect(
      contradiction
        == .inconsistent(
          file: "results.json", entry: "recordings.3.mean", found: "4 values", expected: "5"))
  }

  @Test("name the folder, the library and the place to write")
  func places() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    let nowhere = run.folder.appending(path: "nowhere")
    #expect(throws: ReportError.noRun(path: nowhere.path)) {
      try Report.write(run: nowhere, plotly: stub(in: run))
    }
    #expect(throws: ReportError.noPlotly(path: nowhere.path)) {
      try Report.write(run: run.folder, plotly: nowhere)
    }
    #expect(ReportError.noPlotly(path: "x").description.hasSuffix("Run: make setup"))
    try run.write(Data(), to: "figures")
    let unwritable = #expect(throws: FileError.self) {
      try Report.write(run: run.folder, plotly: stub(in: run))
    }
    #expect(unwritable?.description.contains("cannot be written") == true)
  }
}

extension SyntheticRun.Contents {
  fileprivate func with(
    parameterNames: [String], relevantLatents: [Int], description: String? = nil,
    curve: String? = nil
  ) -> Self {
    var contents = self
    contents.parameterNames = parameterNames
    contents.relevantLatents = relevantLatents
    contents.dataDescription = description ?? dataDescription
    contents.curveName = curve ?? curveName
    return contents
  }
}
