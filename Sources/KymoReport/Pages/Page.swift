// The page of a run: what its method found, section by section, then how it was trained, with what,
// and how to have it again. What a run does not hold yet is said, with the command that makes it.
import Foundation
import KymoResults

/// Builds the page of one run.
struct RunPage {
  let run: RunFolder
  private(set) var frame: PageFrame

  init(_ run: RunFolder) {
    self.run = run
    frame = PageFrame(title: run.name, subtitle: run.results?.data.description)
    if let results = run.results {
      addResults(results)
    } else {
      add(
        "result", "Result",
        missing("results.json", "evaluate the model", "./kymo evaluate \(shellName) DATA.npz"))
    }
    addTraining()
    addRecipe()
    addEnvironment()
    addReproduction()
    if let about = run.results?.about {
      add(
        "method", "Method and citation", "<p>\(about.text)</p>\n<pre>\(about.citation)</pre>")
    }
  }

  /// A page of results that no run has made: without training, recipe and environment.
  init(_ results: RunResults, title: String) {
    run = RunFolder(name: title)
    frame = PageFrame(title: title, subtitle: results.data.description)
    addResults(results)
    add(
      "method", "Method and citation",
      "<p>\(results.about.text)</p>\n<pre>\(results.about.citation)</pre>")
  }

  // MARK: Results

  private mutating func addResults(_ results: RunResults) {
    let sections = results.sections.filter { $0.places.contains(.report) }
    let pictures = sections.reduce(0) { $0 + $1.pictureCount }
    // So many rows and columns that the page stays small.
    let side = min(256, Int((800_000 / Double(max(1, pictures))).squareRoot()))
    let headline: HTML =
      results.headline.isEmpty
      ? "" : "<p class=\"finding\">\(results.headline.joined(separator: " "))</p>\n"
    var part = (id: "result", heading: "Result" as HTML, body: headline)
    for section in sections {
      if let heading = section.heading, section.id != sections.first?.id {
        add(part.id, part.heading, part.body)
        part = ("section-\(section.id)", "\(heading)", "")
      }
      part.body = part.body + body(of: section, side: side)
    }
    add(part.id, part.heading, part.body)
  }

  private mutating func body(of section: ResultSection, side: Int) -> HTML {
    let caption = section.caption ?? ""
    switch section.content {
    case .scores(let scores):
      return PageFrame.table(
        scores.table,
        caption: [caption, scores.remarks].filter { !$0.isEmpty }.joined(separator: " "))
    case .table(let table): return PageFrame.table(table, caption: caption)
    case .text(let text):
      return "<p class=\"\(text.severity.rawValue)\">\(text.text)</p>\n"
    case .film(let film): return film.html(section.id, caption: caption)
    case .plot, .bars, .fields, .histograms, .densities:
      return section.figures(side: side).reduce("") { body, drawing in
        let words = [caption, drawing.note].filter { !$0.isEmpty }.joined(separator: " ")
        return body
          + frame.figure(drawing.id, drawing.figure, "\(words)", isNarrow: section.isNarrow)
      }
    }
  }

  // MARK: How it came about

  private mutating func addTraining() {
    guard let last = run.training.last else {
      add(
        "training", "Training",
        run.hasModel
          ? "<p>No training is recorded: a run that takes the model of another one has none.</p>\n"
          : missing(
            "metrics.jsonl", "train a model", "./kymo train RECIPE.yaml -o \(shellName)"))
      return
    }
    let time = last.seconds.map { " in \(NumberText.duration($0))" } ?? ""
    let isOne = run.unreadableTrainingLines == 1
    let unreadable =
      run.unreadableTrainingLines == 0
      ? ""
      : """
      \(NumberText.count(run.unreadableTrainingLines, "line")) of metrics.jsonl could not be read \
      and \(isOne ? "is" : "are") left out.
      """
    let steps = NumberText.count(last.step, run.training.isStaged ? "epoch" : "step")
    let words = [run.results?.about.training ?? "", unreadable].filter { !$0.isEmpty }
    let caption = ["\(steps)\(time)."] + words
    add(
      "training", "Training",
      frame.figure(
        "training", run.training.figure(), "\(caption.joined(separator: " "))"))
  }

  private mutating func addRecipe() {
    let body: HTML =
      run.recipe.map { "<pre>\($0)</pre>" }
      ?? missing("recipe.yaml", "train a model", "./kymo train RECIPE.yaml -o \(shellName)")
    add("recipe", "Recipe", body)
  }

  private mutating func addEnvironment() {
    guard !run.environment.isEmpty else {
      add(
        "environment", "Environment",
        missing("environment.json", "train a model", "./kymo train RECIPE.yaml -o \(shellName)"))
      return
    }
    let first = [
      "version", "commit", "libtorch", "device", "threads", "seed", "dataHash", "machine",
      "startedAt", "trainingSeconds",
    ]
    let keys =
      first.filter { run.environment[$0] != nil }
      + run.environment.keys.filter { !first.contains($0) }.sorted()
    let rows = keys.map { key -> ResultTable.Row in
      let value = run.environment[key]
      if key == "trainingSeconds", let seconds = value?.number {
        return .init(["training time", NumberText.duration(seconds)])
      }
      return .init([key.asWords, value?.text ?? ""])
    }
    add(
      "environment", "Environment",
      PageFrame.table(ResultTable(columns: [], rows: rows), caption: "", isText: true))
  }

  private mutating func addReproduction() {
    var lines: [HTML] = []
    if let commit = run.environment["commit"]?.text { lines.append("git checkout \(commit)") }
    lines += [
      "make setup", "./kymo train \(shellName)/recipe.yaml -o again",
      "./kymo evaluate again DATA.npz", "./kymo report again",
    ]
    let seed: HTML =
      run.environment["seed"].map { " This run had seed \($0.text)." } ?? ""
    add(
      "reproduce", "How to reproduce",
      """
      <pre>\(lines)</pre>
      <p>The same seed on the same machine with the same number of threads gives the same \
      numbers.\(seed) DATA.npz is the file of recordings to evaluate; the hash of the training \
      data is under Environment. The numbers behind every figure are in <code>figures</code> as \
      Plotly JSON, and in <code>results.json</code>.</p>
      """)
  }

  // MARK: Parts

  private mutating func add(_ id: String, _ title: HTML, _ body: HTML) {
    frame.add(id, title, body)
  }

  private func missing(_ file: String, _ purpose: HTML, _ command: String) -> HTML {
    """
    <p class="missing"><code>\(file)</code> is not in this run yet. To have it, \(purpose): \
    <code>\(command)</code></p>
    """
  }

  /// The folder's name as one word of a shell.
  private var shellName: String {
    let isPlain = run.name.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0))
    }
    return isPlain ? run.name : "'" + run.name.replacing("'", with: "'\\''") + "'"
  }
}
