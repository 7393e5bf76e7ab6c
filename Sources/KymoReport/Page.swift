// The page: sections in the order in which a reader asks. What a run does not hold yet is said,
// with the command that makes it.
import Foundation
import KymoMetrics

/// Builds the page of one run, section by section.
struct RunPage {
  let run: RunFolder
  private(set) var frame: PageFrame

  init(_ run: RunFolder) {
    self.run = run
    frame = PageFrame(
      title: run.name, subtitle: run.results?.dataDescription ?? run.forecast?.dataDescription)
    if let forecast = run.forecast {
      addForecast(forecast)
    } else if let results = run.results {
      addResult(results)
      addData(results)
      addRelevance(results)
      addParameters(results)
      addFields(results)
      addErrors(results)
    } else {
      add(
        "result", "Result",
        missing("results.json", "evaluate the model", "./kymo evaluate \(shellName) DATA.npz"))
    }
    if run.isStaged {
      addStages()
    } else {
      addTraining()
    }
    addRecipe()
    addEnvironment()
    addReproduction()
    if run.forecast == nil {
      addMethod()
    } else {
      addForecastMethod()
    }
  }

  // MARK: Sections

  private mutating func addResult(_ results: ExtractionResults) {
    let table = PageFrame.table(
      ["", "this run", "spread", "over", "paper"], results.headlineRows(),
      caption: """
        Spread: R², 95 % interval over resampled recordings; shares, Wilson's 95 % interval; \
        errors, 10–90 % of the recordings. Paper: Lu, Kim and Soljačić (2020); a dash where it \
        has no such number.
        """)
    add("result", "Result", "<p class=\"finding\">\(results.finding)</p>\n\(table)")
  }

  private mutating func addData(_ results: ExtractionResults) {
    let names = results.parameterNames
    let known: HTML =
      names.isEmpty
      ? "The file does not name parameters."
      : """
      The file holds the true values of \(NumberText.list(names)); the model never sees them, \
      they only score it.
      """
    var body: HTML = "<p>\(results.dataDescription). \(known)</p>"
    if let field = results.fields.first, Self.isDrawable(field) {
      let place: HTML = field.caption.isEmpty ? "" : " with \(field.caption)"
      body =
        body
        + figure(
          "data", field.exampleFigure(side: pictureSide(results)),
          "Recording \(field.recording)\(place): the field over time and position.")
    } else if results.planes?.isEmpty != false {
      body = body + "<p class=\"missing\">The results hold no recording to show.</p>"
    }
    add("data", "Data", body)
  }

  private mutating func addRelevance(_ results: ExtractionResults) {
    guard !results.latents.isEmpty else { return }
    let rule = RelevanceRule()
    let caption: HTML = """
      Above, how much the mean μ of each latent varies over \(results.recordingCount); below, how \
      uncertain it is. A latent that carries a parameter (blue) varies by about 1 and is certain. \
      One that carries nothing (grey) has collapsed: its μ stays put and its σ² lies at the \
      dashed line, \(NumberText.significant(results.collapsedVariance)) on recordings of this \
      size. Counted as relevant: variance above \
      \(NumberText.significant(rule.minimumVarianceOfMean, digits: 1)) and mean σ² below \
      \(NumberText.significant(100 * rule.maximumVarianceFraction, digits: 2)) % of that line.
      """
    add(
      "relevance", "Which latents carry a parameter",
      figure("relevance", results.relevanceFigure(), caption, isNarrow: true)
        + "<p>\(results.certaintySentence)</p>")
  }

  private mutating func addParameters(_ results: ExtractionResults) {
    guard !results.scores.isEmpty else {
      addLatentsAlone(results)
      return
    }
    let shown = min(results.recordings.count, ExtractionResults.shownRecordings)
    let thinned: HTML =
      shown < results.recordings.count
      ? " \(NumberText.count(shown)) of \(NumberText.count(results.recordings.count)) are shown."
      : ""
    var body: HTML =
      results.relevantCount == 0
      ? "<p>No latent is relevant, so there is nothing to fit the parameters on.</p>" : ""
    let isFitted = results.relevantCount > 0 && !results.recordings.isEmpty
    for (column, score) in results.scores.enumerated() where isFitted {
      let line: HTML =
        score.latents.count == 1
        ? """
        The line is the least-squares fit \(score.name) = \(Self.formula(results, score)).
        """
        : "The line marks where both are equal."
      let published: HTML =
        score.paperRSquared.map { " (paper: \(NumberText.rSquared($0)))" } ?? ""
      body =
        body
        + figure(
          "parameter-\(column + 1)", results.parameterFigure(column),
          """
          What was extracted against the true \(score.name), one point for each recording, with \
          bars of ±1.96 σ.\(thinned) \(line) R² = \(NumberText.rSquared(score.rSquared))\(published). \
          The bars hold the true value for \(NumberText.percent(score.coverage95)) of \
          \(results.recordingCount); 95 % would be exact.
          """, isNarrow: true)
    }
    let rows = results.scores.map { score in
      ["\(score.name)" as HTML]
        + score.rSquaredOfSingleLatents.map { "\(NumberText.rSquared($0))" }
        + ["\(NumberText.rSquared(score.rSquared))"]
    }
    body =
      body
      + PageFrame.table(
        ["R² on"] + results.latents.indices.map { "\(results.latentName($0))" }
          + ["its carriers together"],
        rows, caption: "R² of each parameter on every latent alone, and on those that carry it.")
      + Self.directions(results)
    add("parameters", "Latents and known parameters", body)
  }

  private mutating func addLatentsAlone(_ results: ExtractionResults) {
    guard !results.recordings.isEmpty, !results.latents.isEmpty else { return }
    let relevant = results.relevantLatents
    let chosen = Array((relevant.isEmpty ? Array(results.latents.indices) : relevant).prefix(6))
    var body = figure(
      "latents", results.histogramFigure(of: chosen),
      """
      Values of the \(relevant.isEmpty ? "" : "relevant ")latents over \(results.recordingCount). \
      A latent is known up to scale, sign and offset; with true values in the file (entry \
      <code>params</code>) it would be compared with them here.
      """)
    let pairs = chosen.indices.flatMap { first in
      chosen.indices.dropFirst(first + 1).map { (chosen[first], chosen[$0]) }
    }
    if !relevant.isEmpty, !pairs.isEmpty {
      body =
        body
        + figure(
          "pairs", results.pairFigure(of: Array(pairs.prefix(3))),
          "Relevant latents against each other: a curve would mean that two of them say the same.",
          isNarrow: pairs.count == 1)
    }
    add("parameters", "Latents", body)
  }

  private mutating func addFields(_ results: ExtractionResults) {
    let fields = results.fields.filter(Self.isDrawable).prefix(Self.shownFields)
    let planes = (results.planes ?? []).prefix(Self.shownFields)
    guard !fields.isEmpty || !planes.isEmpty else { return }
    var body: HTML = ""
    for (place, plane) in planes.enumerated() {
      let name: HTML = plane.caption.isEmpty ? "" : ", \(plane.caption)"
      body =
        body
        + figure(
          "plane-\(place + 1)", plane.figure(),
          """
          Recording \(plane.recording)\(name): snapshots of the recording, the prediction from its \
          first frame, and their difference. Truth and prediction share their colours; the error has \
          its own. Training reached to t = \(NumberText.significant(plane.trainedTime)).
          """)
    }
    for (place, field) in fields.enumerated() {
      let mark: HTML =
        field.hasTrainedTime
        ? " Training reached to the dashed line, t = \(NumberText.significant(field.trainedTime))."
        : ""
      let name: HTML = field.caption.isEmpty ? "" : ", \(field.caption)"
      body =
        body
        + figure(
          "field-\(place + 1)", field.figure(side: pictureSide(results)),
          """
          Recording \(field.recording)\(name): the recording, the prediction from its first frame, \
          and their difference. Truth and prediction share their colours; the error has its own, \
          up to ±\(NumberText.significant(field.errorLimit)).\(mark)
          """)
    }
    add("predictions", "Predictions", body)
  }

  private mutating func addErrors(_ results: ExtractionResults) {
    let curves = results.errorCurves.filter { !$0.mean.isEmpty }
    guard !curves.isEmpty else { return }
    let counts = curves.map { curve in
      let diverged: HTML =
        curve.divergedCount > 0 ? ", \(NumberText.count(curve.divergedCount)) diverged" : ""
      return
        "\(curve.name): \(NumberText.count(curve.recordingCount, "recording"))\(diverged)" as HTML
    }
    let list = HTML(trusting: counts.map(\.source).joined(separator: "; "))
    let leftOut: HTML =
      curves.contains { $0.divergedCount > 0 } ? " Those that diverged are left out." : ""
    var body = figure(
      "errors", results.errorFigure(),
      """
      Root-mean-square error of each predicted frame, mean over recordings; bands hold 10–90 % of \
      them, open marks are published values. \(list).\(leftOut)
      """)
    let indices = [0, 5, 10, 20, 30, 50, 75, 100, 150, 254].filter { index in
      curves.contains { $0.mean.indices.contains(index) }
    }
    var rows: [[HTML]] = []
    for curve in curves {
      rows.append(
        ["\(curve.name)"]
          + indices.map {
            curve.mean.indices.contains($0)
              ? "\(NumberText.significant(curve.mean[$0]))" : "–"
          })
      guard !curve.paperPoints.isEmpty else { continue }
      rows.append(
        ["<span class=\"paper\">paper</span>"]
          + indices.map { index in
            let point = curve.paperPoints.first { $0.index == index }
            return
              "<span class=\"paper\">\(point.map { NumberText.published($0.value) } ?? "–")</span>"
          })
    }
    body =
      body
      + PageFrame.table(
        ["RMSE at index"] + indices.map { "\($0)" }, rows,
        caption: "Index 0 is the first predicted frame.")
    add("errors", "Error against time", body)
  }

  private mutating func addTraining() {
    guard let last = run.training.last else {
      add(
        "training", "Training",
        missing(
          "metrics.jsonl", "train a model", "./kymo train RECIPE.yaml -o \(shellName)"))
      return
    }
    let time: HTML = last.seconds.map { " in \(NumberText.duration($0))" } ?? ""
    let unreadable: HTML =
      run.unreadableTrainingLines == 0
      ? ""
      : """
       \(NumberText.count(run.unreadableTrainingLines, "line")) of metrics.jsonl could not be read \
      and \(run.unreadableTrainingLines == 1 ? "is" : "are") left out.
      """
    add(
      "training", "Training",
      figure(
        "training", run.training.trainingFigure(),
        """
        \(NumberText.count(last.step, "step"))\(time). Loss = reconstruction + β · KL divergence; \
        variance of μ and mean of σ² over the training batch, where a latent that carries nothing \
        has σ² = 1.\(unreadable)
        """))
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
    let rows = keys.map { key -> [HTML] in
      let value = run.environment[key]
      if key == "trainingSeconds", let seconds = value?.number {
        return ["training time", "\(NumberText.duration(seconds))"]
      }
      return ["\(Self.words(ofKey: key))", "\(value?.text ?? "")"]
    }
    add("environment", "Environment", PageFrame.table([], rows, caption: nil, isText: true))
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

  private mutating func addMethod() {
    add(
      "method", "Method and citation",
      """
      <p>A convolutional encoder reads one crop of a recording and gives every latent a mean and a \
      variance; a recurrent convolutional decoder whose kernels depend on the latents must \
      continue another crop of the same recording from its first frame. Loss: mean squared error \
      plus β times the KL divergence of the latents from a unit Gaussian. Latents that the decoder \
      does not need collapse to the prior; those that remain are the hidden parameters. The \
      method is that of P. Y. Lu, S. Kim and M. Soljačić, Phys. Rev. X 10, 031056 (2020).</p>
      <pre>@article{lu2020extracting,
        title   = {Extracting Interpretable Physical Parameters from Spatiotemporal Systems
                   Using Unsupervised Learning},
        author  = {Lu, Peter Y. and Kim, Samuel and Solja{\\v{c}}i{\\'c}, Marin},
        journal = {Physical Review X},
        volume  = {10},
        pages   = {031056},
        year    = {2020},
        doi     = {10.1103/PhysRevX.10.031056}
      }</pre>
      """)
  }

  // MARK: Parts

  mutating func add(_ id: String, _ title: HTML, _ body: HTML) {
    frame.add(id, title, body)
  }

  mutating func figure(
    _ id: String, _ figure: Figure, _ caption: HTML, isNarrow: Bool = false
  ) -> HTML {
    frame.figure(id, figure, caption, isNarrow: isNarrow)
  }

  func missing(_ file: String, _ purpose: HTML, _ command: String) -> HTML {
    """
    <p class="missing"><code>\(file)</code> is not in this run yet. To have it, \(purpose): \
    <code>\(command)</code></p>
    """
  }

  /// Where parameters lie in a plane or space of several latents: latents may come out rotated.
  private static func directions(_ results: ExtractionResults) -> HTML {
    let sentences = results.scores.indices.filter { results.scores[$0].latents.count > 1 }
      .map { column -> HTML in
        let terms = zip(results.direction(ofParameter: column), results.scores[column].latents)
          .map { part, latent -> HTML in
            "\(part < 0 ? "−" : "+") \(NumberText.significant(part.magnitude)) \(results.latentName(latent))"
          }
        let sum = HTML(trusting: terms.map(\.source).joined(separator: " "))
        return "\(results.scores[column].name) grows along \(sum)"
      }
    guard !sentences.isEmpty else { return "" }
    let list = HTML(trusting: sentences.map(\.source).joined(separator: "; "))
    return """
      <p>In units of the latents' spread, \(list). R² along this direction is that of the last \
      column.</p>
      """
  }

  /// Intercept and slope in words: "0.993 − 0.128 μ".
  private static func formula(
    _ results: ExtractionResults, _ score: ExtractionResults.ParameterScore
  )
    -> HTML
  {
    guard score.coefficients.count == 2, score.coefficients[1].isFinite else { return "constant" }
    let slope = score.coefficients[1]
    return """
      \(NumberText.significant(score.coefficients[0])) \(slope < 0 ? "−" : "+") \
      \(NumberText.significant(slope.magnitude)) μ
      """
  }

  /// "dataHash" as "data hash".
  private static func words(ofKey key: String) -> String {
    key.reduce(into: "") { $0 += $1.isUppercase ? " " + $1.lowercased() : String($1) }
  }

  /// The folder's name as one word of a shell.
  private var shellName: String {
    let isPlain = run.name.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0))
    }
    return isPlain ? run.name : "'" + run.name.replacing("'", with: "'\\''") + "'"
  }

  private static let shownFields = 6

  private static func isDrawable(_ field: ExtractionResults.FieldComparison) -> Bool {
    !field.times.isEmpty && !field.positions.isEmpty
  }

  /// Rows and columns of a picture: 256, fewer when there are many, so that the page stays small.
  private func pictureSide(_ results: ExtractionResults) -> Int {
    let pictures = 1 + 3 * min(results.fields.count, Self.shownFields)
    return min(256, Int((800_000 / Double(pictures)).squareRoot()))
  }
}
