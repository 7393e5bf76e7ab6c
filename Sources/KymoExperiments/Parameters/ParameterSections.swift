// The results of a parameter VAE as sections: the statistics of Figure 2, the fits of Tables I and
// II, the scatter of Figures 3 and 6, the pictures of Figure 4 and the errors of Figure 5 of Lu,
// Kim and Soljacic, Phys. Rev. X 10, 031056 (2020), with what stands in the paper beside ours.
import KymoMetrics
import KymoNumerics
package import KymoResults

extension ParameterFindings {
  /// The word by which results of this method are known.
  package static let method = "parameters"

  /// The findings as results.
  package func results() throws -> RunResults {
    try RunResults(
      method: Self.method, data: data, headline: headline,
      sections: resultSections + dataSections + relevanceSections + parameterSections
        + pictureSections + errorSections,
      about: .parameterVAE, values: ParameterValues(self))
  }

  /// Name of a latent in words; the paper counts from 1.
  func latentName(_ latent: Int) -> String { "latent \(latent + 1)" }

  /// The solution of the law that was found beside the model.
  static let law = "discovered law"
  /// The prediction that the first frame stays as it is.
  static let persistence = "persistence"

  /// Number of recordings in words.
  var recordingWords: String { NumberText.count(recordings.count, "recording") }

  /// The published R² of a parameter.
  func published(_ score: ParameterScore) -> PublishedScore? {
    PublishedParameter(name: score.name).flatMap { published?.rSquared[$0] }
      .map { PublishedScore($0, source: PublishedParameters.source) }
  }

  private var publishedCount: PublishedScore? {
    published.map { PublishedScore(Double($0.relevantCount), source: PublishedParameters.source) }
  }

  // MARK: Result

  private var resultSections: [ResultSection] {
    [
      ResultSection(
        "result", heading: "Result",
        .scores(
          ScoreTable(
            "", columns: ["this run"],
            rows: [relevanceRow] + scores.indices.flatMap(fitScores).compactMap(\.row) + errorRows,
            counted: "recording")))
    ]
  }

  private var relevanceRow: ScoreTable.Row {
    .init(
      "latents that carry a parameter",
      [
        Score(
          Double(relevant.count), .count, outOf: latents.count, count: recordings.count,
          published: publishedCount)
      ])
  }

  /// One number about the fit of a parameter: its name in full, and as the title of a column.
  private struct FitScore {
    var name: String
    var title: String
    var score: Score?
    var isMain = false

    /// As a row of a table of one quantity; nil where nothing is known.
    var row: ScoreTable.Row? { score.map { .init(name, [$0], isMain: isMain) } }
  }

  /// Everything that is known of the fit of one parameter; the same entries for every parameter.
  private func fitScores(_ column: Int) -> [FitScore] {
    let score = scores[column]
    let name = score.name
    let count = recordings.known(column).count
    func share(_ value: Double?) -> Score? {
      guard let value, !relevant.isEmpty else { return nil }
      let ends = shareInterval(value, of: count)
      return Score(
        value, .percent,
        spread: Spread(.wilson95, low: ends.lowerBound, high: ends.upperBound), count: count)
    }
    func rSquared(_ value: Double?) -> Score? {
      value.map { Score($0, .rSquared, count: count) }
    }
    var best = rSquared(score.rSquared)
    best?.published = published(score)
    best?.spread = rSquaredInterval(ofParameter: column, on: score.latents, recordings).map {
      Spread(.resampled95, low: $0.lowerBound, high: $0.upperBound)
    }
    let map =
      score.smoothMap.map {
        "polynomial of degree \($0.degree) in the relevant latents, fitted on training recordings"
      } ?? ""
    let bars =
      score.calibration.map { calibration in
        """
        calibrated on \(NumberText.count(calibration.recordingCount, "training recording"))\
        \(Self.fewRecordings(calibration))
        """
      } ?? ""
    return [
      FitScore(name: "R² of \(name)", title: "R²", score: best, isMain: true),
      FitScore(
        name: "R² of \(name), latents of the encoder alone", title: "encoder alone",
        score: rSquared(score.rSquaredOfEncoder)),
      FitScore(
        name: "R² of \(name), line fitted on training recordings", title: "fit on training data",
        score: rSquared(score.rSquaredOfTrainingFit)),
      FitScore(
        name: "R² of \(name) up to a smooth map: a \(map)", title: "R² up to a smooth map",
        score: rSquared(score.smoothMap?.rSquared)),
      FitScore(
        name: "true \(name) inside its 95 % interval, up to that map",
        title: "in bars up to that map", score: share(score.smoothMap?.coverage95)),
      FitScore(
        name: "true \(name) inside its 95 % interval", title: "in 95 % bars",
        score: share(score.coverage95)),
      FitScore(
        name: "true \(name) inside its 95 % interval, \(bars)", title: "in calibrated bars",
        score: share(score.calibration?.coverage95), isMain: true),
      FitScore(
        name: "factor on the interval of \(name) by that", title: "factor on bars",
        score: relevant.isEmpty ? nil : score.calibration.map { Score($0.factor) }),
    ]
  }

  /// Says so where bars were found on too few recordings to promise 95 %.
  static func fewRecordings(_ calibration: ParameterScore.Calibration) -> String {
    guard calibration.promisedCoverage < 0.95 else { return "" }
    return "; so few can promise \(NumberText.percent(calibration.promisedCoverage)) at most"
  }

  /// The error of a rollout, with its unit where all channels have the same.
  private var errorName: String { fieldUnit.isEmpty ? "RMSE" : "RMSE (\(fieldUnit))" }

  private var errorRows: [ScoreTable.Row] {
    guard let model = predictions.first else { return [] }
    let frames = Set([trainedFrames - 1, 100]).sorted()
    let persistence = predictions.first { $0.name == Self.persistence }?.curve.mean
    return frames.filter(model.curve.mean.indices.contains).flatMap { index in
      let place = index == trainedFrames - 1 ? ", the end of the trained length" : ""
      let name = "\(errorName) at predicted frame \(index + 1)\(place)"
      let error = model.curve.mean[index]
      let relative = [
        ("the field's standard deviation", fieldDeviation),
        (
          "that of persistence",
          persistence.flatMap { $0.indices.contains(index) ? $0[index] : nil }
        ),
      ].compactMap { unit, size -> ScoreTable.Row? in
        size.map { .init("\(name), over \(unit)", [Score(error / $0)]) }
      }
      return [.init(name, [model.score(at: index)])] + relative
    }
  }

  // MARK: Data

  private var dataSections: [ResultSection] {
    let known =
      parameterNames.isEmpty
      ? "The file does not name parameters."
      : """
      The file holds the true values of \(NumberText.list(parameterNames)); the model never sees \
      them, they only score it.
      """
    var sections = [
      ResultSection(
        "data-description", heading: "Data", .text(ResultText("\(data.description). \(known)")))
    ]
    if let picture = pictures.first, picture.fields.positions.count == 1 {
      var alone = picture.fields
      alone.channels = alone.channels.prefix(1).map { .init($0.name, truth: $0.truth) }
      alone.trainedTime = nil
      sections.append(
        ResultSection(
          "data",
          caption: "\(picture.words(joint: " with ")): the field over time and position.",
          .fields(alone)))
    } else if pictures.isEmpty {
      sections.append(
        ResultSection(
          "no-data", .text(ResultText("The results hold no recording to show."))))
    }
    return sections
  }

  // MARK: Relevance

  private var relevanceSections: [ResultSection] {
    guard !latents.isEmpty else { return [] }
    let rule = RelevanceRule()
    let names = latents.indices.map(latentName)
    let bars = Bars(
      names: names, isMuted: latents.map { !$0.isRelevant },
      [
        .init("variance of μ", [.init("variance of μ", latents.map(\.varianceOfMean))], reach: 1),
        .init(
          "mean of σ²", [.init("mean σ²", latents.map(\.meanVariance))], growsDown: true,
          mark: collapsedVariance, reach: collapsedVariance),
      ])
    let table = ScoreTable(
      "latent", columns: ["variance of μ", "mean σ²"],
      rows: zip(names, latents).map { name, latent in
        .init(
          name, [Score(latent.varianceOfMean), Score(latent.meanVariance)],
          isMain: latent.isRelevant, note: latent.isRelevant ? "relevant" : nil)
      })
    return [
      ResultSection(
        "relevance", heading: "Which latents carry a parameter",
        caption: """
          Above, how much the mean μ of each latent varies over \(recordingWords); below, how \
          uncertain it is. A latent that carries a parameter (blue) varies by about 1 and is \
          certain. One that carries nothing (grey) has collapsed: its μ stays put and its σ² lies \
          at the dashed line, \(NumberText.significant(collapsedVariance)) on recordings of this \
          size. Counted as relevant: variance above \
          \(NumberText.significant(rule.minimumVarianceOfMean, digits: 1)) and mean σ² below \
          \(NumberText.significant(100 * rule.maximumVarianceFraction, digits: 2)) % of that line.
          """, isNarrow: true, .bars(bars)),
      ResultSection("latent-table", places: [.report, .terminal], .scores(table)),
      ResultSection(
        "relevant-latents", places: [.terminal, .overview],
        .scores(
          ScoreTable(
            "latents",
            columns: [
              "relevant", "smallest variance of μ", "largest mean σ²", "σ² of a collapsed one",
            ],
            rows: [
              .init(
                "relevant latents",
                [
                  relevanceRow.scores[0],
                  relevant.map { latents[$0].varianceOfMean }.min().map { Score($0) },
                  relevant.map { latents[$0].meanVariance }.max().map { Score($0) },
                  Score(collapsedVariance),
                ])
            ], counted: "recording"))),
    ] + certaintySections
  }

  // MARK: Parameters

  private var parameterSections: [ResultSection] {
    guard !scores.isEmpty else { return latentSections }
    var sections: [ResultSection] = []
    if relevant.isEmpty {
      sections.append(
        ResultSection(
          "no-fit",
          .text(ResultText("No latent is relevant, so there is nothing to fit the parameters on.")))
      )
    } else if !recordings.isEmpty {
      sections += scores.indices.map(scatterSection)
    }
    sections += [
      ResultSection("parameter-scores", places: [.terminal, .overview], .scores(fitTable)),
      ResultSection(
        "single-latents",
        caption: "R² of each parameter on every latent alone, and on those that carry it.",
        .scores(singleLatentTable)),
    ]
    if let words = directionWords {
      sections.append(ResultSection("directions", .text(ResultText(words))))
    }
    sections[0].heading = "Latents and known parameters"
    return sections
  }

  /// The scores of all parameters, a row each.
  private var fitTable: ScoreTable {
    let rows = scores.indices.map(fitScores)
    return ScoreTable(
      "parameter", columns: rows[0].map(\.title),
      rows: zip(scores, rows).map { score, row in
        .init(score.name, row.map(\.score?.withoutSpread), isMain: true)
      }, counted: "recording")
  }

  private var singleLatentTable: ScoreTable {
    ScoreTable(
      "R² on", columns: latents.indices.map(latentName) + ["its carriers together"],
      rows: scores.map { score in
        .init(
          score.name,
          (score.rSquaredOfSingleLatents + [score.rSquared]).map { Score($0, .rSquared) })
      })
  }

  /// What was extracted against the true parameter.
  ///
  /// When one latent carries it, the latent itself is shown and the line is the fit; with more, the
  /// fitted parameter is shown and the line is where it equals the true one.
  private func scatterSection(_ column: Int) -> ResultSection {
    let score = scores[column]
    let recordings = recordings.known(column)
    let fit = LinearFit(
      intercept: score.coefficients[0], slopes: Array(score.coefficients.dropFirst()),
      rSquared: score.rSquared)
    let truth = recordings.map { $0.parameters[column] }
    let carriers = score.latents
    let latent = carriers.count == 1 ? carriers[0] : nil
    let values = recordings.map { recording in
      latent.map { recording.mean[$0] } ?? fit(carriers.map { recording.mean[$0] })
    }
    let bars = recordings.map { recording in
      latent.map { 1.96 * recording.standardDeviation[$0] }
        ?? fit.halfInterval95(standardDeviations: carriers.map { recording.standardDeviation[$0] })
    }
    let ends = Self.ends(latent == nil ? truth : values)
    let line = Plot.Series(
      "", x: latent == nil ? ends : ends.map { fit([$0]) }, y: ends)
    let words =
      latent == nil
      ? "The line marks where both are equal."
      : "The line is the least-squares fit \(score.name) = \(Self.formula(score))."
    let paper =
      published(score).map { " (published: \(NumberText.rSquared($0.value)))" } ?? ""
    return ResultSection(
      "parameter-\(column + 1)",
      caption: """
        What was extracted against the true \(score.name), one point for each recording, with bars \
        of ±1.96 σ. \(words) R² = \(NumberText.rSquared(score.rSquared))\(paper). The bars hold the \
        true value for \(NumberText.percent(score.coverage95)) of \
        \(NumberText.count(recordings.count, "recording")); 95 % would be exact.
        """, isNarrow: true,
      .plot(
        Plot([
          .init(
            x: PlotAxis("true \(score.name)"),
            y: PlotAxis(
              latent.map { "μ of \(latentName($0))" }
                ?? "\(score.name), fitted on the relevant latents"),
            [.init("recordings", .marks, x: truth, y: values, errors: bars), line],
            note: "R² = \(NumberText.rSquared(score.rSquared))")
        ])))
  }

  /// Latents where no parameter is known.
  private var latentSections: [ResultSection] {
    guard !recordings.isEmpty, !latents.isEmpty else { return [] }
    let chosen = Array((relevant.isEmpty ? Array(latents.indices) : relevant).prefix(6))
    var sections = [
      ResultSection(
        "latents", heading: "Latents",
        caption: """
          Values of the \(relevant.isEmpty ? "" : "relevant ")latents over \(recordingWords). A \
          latent is known up to scale, sign and offset; with true values in the file (entry \
          'params') it would be compared with them here.
          """,
        .histograms(
          chosen.map { latent in
            Histogram(
              "μ of \(latentName(latent))", counted: "recordings",
              of: recordings.map { $0.mean[latent] })
          }))
    ]
    let pairs = chosen.indices.flatMap { first in
      chosen.indices.dropFirst(first + 1).map { (chosen[first], chosen[$0]) }
    }.prefix(3)
    if !relevant.isEmpty, !pairs.isEmpty {
      sections.append(
        ResultSection(
          "pairs",
          caption: """
            Relevant latents against each other: a curve means that two carry one parameter.
            """, isNarrow: pairs.count == 1,
          .plot(
            Plot(
              pairs.map { first, second in
                .init(
                  x: PlotAxis("μ of \(latentName(first))"),
                  y: PlotAxis("μ of \(latentName(second))"),
                  [
                    .init(
                      "", .marks, x: recordings.map { $0.mean[first] },
                      y: recordings.map { $0.mean[second] })
                  ])
              }))))
    }
    return sections
  }

  // MARK: Predictions

  private var pictureSections: [ResultSection] {
    var sections = pictures.enumerated().map { place, picture in
      let kind = picture.fields.positions.count == 1 ? "field" : "plane"
      let shown =
        kind == "field"
        ? "the recording, the prediction from its first frame, and their difference"
        : "snapshots of the recording, the prediction from its first frame, and their difference"
      return ResultSection(
        "\(kind)-\(place + 1)", caption: "\(picture.words(joint: ", ")): \(shown).",
        .fields(picture.fields))
    }
    if !sections.isEmpty { sections[0].heading = "Predictions" }
    return sections
  }

  // MARK: Errors

  private var errorSections: [ResultSection] {
    let shown = predictions.filter { !$0.curve.mean.isEmpty }
    guard !shown.isEmpty else { return [] }
    func time(_ index: Int) -> Double { Double(index + 1) * frameInterval }
    let counts = shown.map { prediction in
      "\(prediction.name): \(NumberText.count(prediction.curve.recordingCount, "recording"))"
        + (prediction.curve.divergedCount > 0
          ? ", \(NumberText.count(prediction.curve.divergedCount)) diverged and left out" : "")
    }
    let panel = Plot.Panel(
      x: PlotAxis(frameInterval == 1 && timeName == "time" ? "time (frames)" : timeName),
      y: PlotAxis(
        "root-mean-square error" + (fieldUnit.isEmpty ? "" : " (\(fieldUnit))"),
        isLogarithmic: true),
      shown.enumerated().map { place, prediction in
        .init(
          prediction.name, place == 0 ? .line : .dots,
          x: prediction.curve.mean.indices.map(time), y: prediction.curve.mean,
          low: prediction.curve.lowerDecile, high: prediction.curve.upperDecile,
          published: prediction.published.map { .init(x: time($0.index), y: $0.value) })
      }, marks: [.init(at: Double(trainedFrames) * frameInterval, "trained length")])
    let frames = Set([0, 5, 10, 20, 30, 50, 75, 100, 150, 254])
      .union(shown[0].published.map(\.index)).sorted()
      .filter { index in shown.contains { $0.curve.mean.indices.contains(index) } }
    let last = trainedFrames - 1
    let published =
      "; published values are read off plots (±4 %), between two of them on the straight line"
    let isPublished = shown.contains { !$0.published.isEmpty }
    return [
      ResultSection(
        "errors", heading: "Error against time",
        caption: """
          Root-mean-square error of each predicted frame, mean over recordings; bands hold 10–90 % \
          of them\(isPublished ? ", open marks are published values" : ""). \(counts.joined(separator: "; ")).
          """, places: [.report, .overview], .plot(Plot([panel]))),
      ResultSection(
        "error-table",
        caption: "Index 0 is the first predicted frame."
          + (isPublished ? " Published curves are read off plots, ±4 %." : ""),
        places: [.report, .terminal],
        .scores(
          ScoreTable(
            "\(errorName) at index", columns: frames.map { "\($0)" },
            rows: shown.enumerated().map { place, prediction in
              .init(prediction.name, frames.map(prediction.score), isMain: place == 0)
            }, counted: "recording"))),
      ResultSection(
        "trained-errors",
        caption: """
          RMSE at the end of the trained length\(isPublished ? published : "").
          """, places: [.overview],
        .scores(
          ScoreTable(
            "prediction", columns: ["RMSE at the end of the trained length"],
            rows: shown.filter { $0.curve.mean.indices.contains(last) }.map { prediction in
              var score = prediction.score(at: last)
              score?.published = prediction.published.value(at: last).map {
                PublishedScore($0, source: PublishedParameters.source)
              }
              return .init(prediction.name, [score])
            }, counted: "recording"))),
    ]
  }

  private static func ends(_ values: [Double]) -> [Double] {
    let finite = values.filter(\.isFinite)
    return [finite.min() ?? 0, finite.max() ?? 0]
  }
}

extension Score {
  /// The number alone.
  fileprivate var withoutSpread: Score {
    var score = self
    score.spread = nil
    return score
  }
}

extension ParameterFindings.Picture {
  /// The recording in words: "Recording 3, γ = 1.08".
  fileprivate func words(joint: String) -> String {
    "Recording \(recording)" + (caption.isEmpty ? "" : joint + caption)
  }
}

extension ParameterFindings.Prediction {
  /// The error at an index of the predicted frames, nil past the end.
  fileprivate func score(at index: Int) -> Score? {
    guard curve.mean.indices.contains(index) else { return nil }
    return Score(
      curve.mean[index],
      spread: Spread(.deciles, low: curve.lowerDecile[index], high: curve.upperDecile[index]),
      count: curve.recordingCount, divergedCount: curve.divergedCount,
      published: published.first { $0.index == index }
        .map { PublishedScore($0.value, source: PublishedParameters.source) })
  }
}

extension [PublishedError] {
  /// The published value at an index, on the straight line between the nearest published points;
  /// nil outside of them.
  fileprivate func value(at index: Int) -> Double? {
    let points = sorted { $0.index < $1.index }
    guard let above = points.first(where: { $0.index >= index }),
      let below = points.last(where: { $0.index <= index })
    else { return nil }
    guard above.index > below.index else { return above.value }
    let part = Double(index - below.index) / Double(above.index - below.index)
    return below.value + part * (above.value - below.value)
  }
}
