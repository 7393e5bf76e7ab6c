// Several experiments on one page, published numbers beside ours: the tables of Lu, Kim and Soljacic,
// Phys. Rev. X 10, 031056 (2020), and the error of every model against time. OverviewPage+Forecast has
// what experiments with forecasts add.
import KymoMetrics

/// Builds the page over several experiments.
struct OverviewPage {
  /// One experiment with a run for each seed.
  struct Entry {
    var name: String
    var runs: [(link: String, run: RunFolder)]
    /// The runs that are evaluated.
    var results: [ExtractionResults] { runs.compactMap(\.run.results) }
    /// The forecasting runs that are evaluated.
    var forecasts: [ForecastResults] { runs.compactMap(\.run.forecast) }
  }

  let entries: [Entry]
  var frame: PageFrame

  init(title: String, entries: [Entry]) {
    self.entries = entries
    frame = PageFrame(
      title: title, subtitle: "\(entries.count) experiments, the paper's numbers beside ours")
    addParameters()
    addLatents()
    addErrors()
    addReductions()
    addForecasts()
    addTrainings()
  }

  private mutating func addParameters() {
    var rows: [[HTML]] = []
    for entry in entries {
      guard let first = entry.results.first else { continue }
      for (column, score) in first.scores.enumerated() {
        let scores = entry.results.compactMap { $0.scores[safe: column] }
        let calibrated = scores.compactMap { $0.calibration?.coverage95 }
        let encoder = scores.compactMap(\.rSquaredOfEncoder)
        let smooth = scores.compactMap { $0.smoothMap?.coverage95 }
        rows.append([
          "\(entry.name)", "\(score.name)",
          "<b>\(Self.spread(scores.map(\.rSquared), NumberText.rSquared))</b>",
          score.paperRSquared.map { "\(NumberText.rSquared($0))" } ?? "–",
          encoder.isEmpty ? "–" : "\(Self.spread(encoder, NumberText.rSquared))",
          "\(Self.spread(scores.compactMap(\.rSquaredOfTrainingFit), NumberText.rSquared))",
          "\(Self.spread(scores.map(\.coverage95), NumberText.percent))",
          smooth.isEmpty ? "–" : "\(Self.spread(smooth, NumberText.percent))",
          calibrated.isEmpty ? "–" : "\(Self.spread(calibrated, NumberText.percent))",
          "\(entry.results.count) × \(NumberText.count(first.recordings.count))",
        ])
      }
    }
    guard !rows.isEmpty else { return }
    frame.add(
      "parameters", "Parameters",
      PageFrame.table(
        [
          "experiment", "parameter", "R²", "paper", "encoder alone", "fit on training data",
          "in 95 % bars", "the same up to a smooth map", "calibrated", "seeds × recordings",
        ], rows,
        caption: """
          Mean over seeds, smallest and largest in brackets. R² as in Table I of the paper: linear \
          fit on the test recordings of the latents that carry the parameter. The latents are fitted \
          to the decoder where the recipe says so; those of the encoder alone are the paper's.
          """))
  }

  private mutating func addLatents() {
    let rows = entries.compactMap { entry -> [HTML]? in
      guard let first = entry.results.first else { return nil }
      let counts = entry.results.map(\.relevantCount)
      let carrying = first.relevantLatents.map { first.latents[$0] }
      func list(_ values: [Double]) -> String {
        values.map { NumberText.significant($0) }.joined(separator: ", ")
      }
      return [
        "\(entry.name)", "<b>\(counts.map(String.init).joined(separator: ", "))</b>",
        first.paperRelevantCount.map { "\($0)" } ?? "–",
        "\(list(carrying.map(\.varianceOfMean)))", "\(list(carrying.map(\.meanVariance)))",
        "\(NumberText.significant(first.collapsedVariance))",
      ]
    }
    guard !rows.isEmpty else { return }
    frame.add(
      "latents", "Relevant latents",
      PageFrame.table(
        ["experiment", "relevant, by seed", "paper", "var μ", "mean σ²", "σ² of a collapsed one"],
        rows,
        caption: "Variance of the means and mean variance of the relevant latents, first seed.")
    )
  }

  private mutating func addErrors() {
    var body: HTML = ""
    for (number, entry) in entries.enumerated() {
      guard let results = entry.results.first, !results.errorCurves.isEmpty else { continue }
      let figure = frame.figure(
        "errors-\(number + 1)", results.errorFigure(),
        """
        \(entry.name): root-mean-square error of each predicted frame, mean over \
        \(NumberText.count(results.errorCurves[0].recordingCount, "recording")); open marks are \
        published values.
        """)
      body = "\(body)\(figure)"
    }
    guard body != "" else { return }
    var rows: [[HTML]] = []
    for entry in entries {
      guard let first = entry.results.first, first.trainedFrames > 0 else { continue }
      let index = first.trainedFrames - 1
      for curve in first.errorCurves where curve.mean.indices.contains(index) {
        let values = entry.results.compactMap { results in
          results.errorCurves.first { $0.name == curve.name }?.mean[safe: index]
        }
        rows.append([
          "\(entry.name)", "\(curve.name)", "\(index)",
          "\(Self.spread(values) { NumberText.significant($0) })",
          curve.paperValue(at: index).map { "\(NumberText.significant($0))" } ?? "–",
        ])
      }
    }
    let table = PageFrame.table(
      ["experiment", "curve", "index", "RMSE", "paper"], rows,
      caption: """
        RMSE at the end of the trained length, mean over seeds; published values are read off the \
        figures (±4 %), between two of them on the straight line.
        """)
    frame.add("errors", "Prediction errors", "\(table)\(body)")
  }

  private mutating func addTrainings() {
    let rows = entries.flatMap { entry in
      entry.runs.enumerated().map { number, item -> [HTML] in
        let seconds = item.run.training.last?.seconds
        return [
          number == 0 ? "\(entry.name)" : "",
          "<a href=\"\(item.link)/report.html\">\(item.link)</a>",
          item.run.training.last.map { "\(NumberText.count($0.step))" } ?? "–",
          seconds.map { "\(NumberText.duration($0))" } ?? "–",
          item.run.environment["threads"].map { "\($0.text)" } ?? "–",
          item.run.environment["commit"].map { "\($0.text.prefix(12))" } ?? "–",
        ]
      }
    }
    frame.add(
      "trainings", "Trainings",
      PageFrame.table(
        ["experiment", "run", "steps", "time", "threads", "commit"], rows, caption: nil))
  }

  /// Mean, and the ends in brackets when there are several.
  static func spread(_ values: [Double], _ text: (Double) -> String) -> String {
    guard let low = values.min(), let high = values.max() else { return "–" }
    let mean = text(values.reduce(0, +) / Double(values.count))
    return values.count == 1 ? mean : "\(mean) [\(text(low)), \(text(high))]"
  }
}

extension ExtractionResults.ErrorCurve {
  /// The published value at an index, on the straight line between the nearest published points; nil
  /// outside of them.
  func paperValue(at index: Int) -> Double? {
    let points = paperPoints.sorted { $0.index < $1.index }
    guard let above = points.first(where: { $0.index >= index }),
      let below = points.last(where: { $0.index <= index })
    else { return nil }
    guard above.index > below.index else { return above.value }
    let part = Double(index - below.index) / Double(above.index - below.index)
    return below.value + part * (above.value - below.value)
  }
}

extension Array {
  subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
