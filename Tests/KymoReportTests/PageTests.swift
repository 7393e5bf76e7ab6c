import Foundation
import KymoNumerics
import KymoReport
import KymoResults
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
    "draws a figure of every kind without a problem", arguments: [SyntheticRun.Contents(), small])
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
    let pictures: Set = ["field-1", "field-2", "field-2-2", "plane-1"]
    #expect(names == SyntheticRun.figures.union(pictures).union(["training"]))
    #expect(drawn == names)
    // The script has set the time of the film, and runs it.
    let film = document.source.components(separatedBy: "id=\"film-film\"").last ?? ""
    #expect(film.contains("<canvas width=\"16\" height=\"8\">") && film.contains(">t = 0."))
    for name in names {
      let figure = document.figure(name)
      let (isDrawn, hasPicture) = (
        figure.contains("class=\"main-svg\""), figure.contains("data:image/png")
      )
      #expect(isDrawn, "\(name) holds no drawing")
      let isPicture = pictures.union(["data", "density-1"]).contains(name)
      #expect(hasPicture == isPicture, "picture in \(name)")
    }
  }

  @Test("draws the training of several models one after the other")
  func stages() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    try run.write(Data(SyntheticRun.stages.utf8), to: "metrics.jsonl")
    let page = try Report.write(run: run.folder, plotly: SyntheticRun.plotly())
    let document = try Browser.open(page)
    #expect(document.problems == nil && document.drawn == ["training"])
    let text = try String(contentsOf: page, encoding: .utf8)
    #expect(text.contains("60 epochs in 1 min 0 s.") && text.contains("propagator-1, validation"))
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
    #expect(text.contains("2 × 3") && text.contains("1 × 3"))
  }

  @Test("shows names as text, whatever they are")
  func hostile() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    let name = "<img src=x onerror=kymoProblem('ran')><script>kymoProblem('ran')</script>"
    try run.writeAll(
      SyntheticRun.Contents(name: name, recordingCount: 40, frames: 64, side: 48))
    let document = try Browser.open(
      Report.write(run: run.folder, plotly: SyntheticRun.plotly()))
    let (problems, drawn) = (document.problems, document.drawn)
    #expect(problems == nil)
    #expect(drawn?.isSuperset(of: SyntheticRun.figures) == true)
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
      SyntheticRun.Contents(name: evil, recordingCount: 40, frames: 64, side: 48))
    try run.write(Data(evil.utf8), to: "recipe.yaml")
    try run.write(Data(#"{"machine": "<script>alert(1)</script>"}"#.utf8), to: "environment.json")
    let page = try text(run)
    #expect(!page.contains("<script>alert"))
    #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;"))
    #expect(page.contains("<title>run &lt;b&gt; – Kymo</title>"))
    // Four scripts of the page (collector, library, films, drawing) and one block of data for every
    // figure and the film.
    let figures = try FileManager.default.contentsOfDirectory(
      atPath: run.folder.appending(path: "figures").path)
    #expect(page.ranges(of: "<script").count == 5 + figures.count)
    #expect(page.ranges(of: "</script").count == 5 + figures.count)
    // Markup of our own must not have been escaped by mistake.
    for markup in ["&lt;p&gt;", "&lt;td", "&lt;caption", "&lt;code", "&lt;span", "&lt;b&gt;R"] {
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
    var results = try SyntheticRun.results(
      SyntheticRun.Contents(recordingCount: 2000, fieldCount: 1, planeCount: 0, side: 400))
    let field = try #require(results.sections.last)
    results.sections += (2...9).map { ResultSection("field-\($0)", field.content) }
    try run.write(results.json(), to: "results.json")
    try run.write(Data(SyntheticRun.training(lines: 20_000).utf8), to: "metrics.jsonl")
    let page = try Report.write(run: run.folder, plotly: SyntheticRun.plotly())
    #expect(try Data(contentsOf: page).count < 12_000_000)
  }

  @Test("of a run that took its model from another one asks for no training")
  func takenModel() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    try FileManager.default.createDirectory(
      at: run.folder.appending(path: "model"), withIntermediateDirectories: true)
    let page = try text(run)
    #expect(page.contains("No training is recorded"))
    #expect(!page.contains("<code>metrics.jsonl</code> is not in this run yet"))
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
  }

  @Test("holds results with nothing but a sentence")
  func almostEmpty() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    var results = try SyntheticRun.results(small)
    (results.sections, results.headline) = ([], ["Nothing was found."])
    try run.write(results.json(), to: "results.json")
    #expect(try text(run).contains("<p class=\"finding\">Nothing was found.</p>"))
  }

  @Test("puts published numbers beside ours, and says what the method says")
  func words() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    try run.writeAll(SyntheticRun.Contents(recordingCount: 1500, frames: 64, side: 48))
    let page = try text(run)
    #expect(page.contains("One latent of five carries γ. It is certain."))
    #expect(page.contains("<b>0.993</b>") && page.contains("1,500 recordings"))
    #expect(page.contains("0.991 … 0.995") && page.contains("Published: Table I."))
    #expect(page.contains("<b>0.00900 ± 0.00090</b>") && page.contains("<td>0.0196</td>"))
    #expect(page.contains("431 frames.") && page.contains("Published: released weights."))
    #expect(page.contains("<span class=\"paper\">0.0153</span>"))
    #expect(page.contains("<p class=\"caution\">In doubt: γ.</p>"))
    #expect(page.contains("Extracted against γ. 1,000 of 1,500 are shown."))
    #expect(page.contains("Training reached to the dashed line, t = 12.2."))
    #expect(page.contains("Channel v."))
    #expect(page.contains("4,000 steps in 2 min 44 s. Loss and more."))
    #expect(page.contains("<p>It guesses.</p>") && page.contains("doi = {10.1000/γ}"))
    #expect(page.contains("<h2>Ways to forecast γ</h2>"))
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
    try run.writeAll(small)
    _ = try Report.write(run: run.folder, plotly: stub(in: run))
    try expectValidFigures(of: run, atLeast: SyntheticRun.figures.count + 5)
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
    let list = try failure("environment.json", "[1]")
    #expect(list?.description.contains("'environment.json' cannot be read") == true)

    for text in ["{\"latents\": [", "{\"dataDescription\": \"of an older kymo\"}"] {
      try run.write(Data(text.utf8), to: "results.json")
      let wrong = #expect(throws: ResultsError.self) {
        try Report.write(run: run.folder, plotly: plotly)
      }
      #expect(wrong?.description.contains("'results.json'") == true)
      #expect(wrong?.description.contains("kymo evaluate") == true)
    }
  }

  @Test("name the folder, the library and the place to write")
  func places() throws {
    let run = try SyntheticRun()
    defer { run.remove() }
    let nowhere = run.folder.appending(path: "nowhere")
    #expect(throws: ReportError.noRun(path: nowhere.path)) {
      try Report.write(run: nowhere, plotly: stub(in: run))
    }
    let link = run.folder.deletingLastPathComponent().appending(path: "link")
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: run.folder)
    let page = try Report.write(run: link, plotly: stub(in: run))
    #expect(page.deletingLastPathComponent().lastPathComponent == "link")
    try FileManager.default.removeItem(at: run.folder.appending(path: "figures"))
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
