// What was found, in plain sentences and in the headline table, from the numbers alone.
import KymoMetrics

extension ExtractionResults {
  /// The result in a few sentences.
  var finding: HTML {
    HTML(
      trusting: ([relevanceSentence] + coverageSentence + errorSentence).map(\.source)
        .joined(separator: " "))
  }

  /// Number of recordings in words.
  var recordingCount: String { NumberText.count(recordings.count, "recording") }

  private var relevanceSentence: HTML {
    guard !latents.isEmpty else { return "The results hold no latents." }
    let total = NumberText.word(latents.count)
    guard relevantCount > 0 else {
      return """
        No latent of \(total) carries a parameter: over \(recordingCount) none of them both \
        varies and is certain. Longer training, more recordings or a smaller weight of the KL term \
        may bring one out; it may also be that nothing varies between the recordings.
        """
    }
    let carriers: HTML =
      relevantCount == 1
      ? "One latent of \(total) carries a parameter"
      : "\(NumberText.word(relevantCount).capitalizedFirst) latents of \(total) carry parameters"
    guard !scores.isEmpty else {
      let names = NumberText.list(relevantLatents.map(latentName))
      return """
        \(carriers): \(names), over \(recordingCount). The data does not say the true \
        parameters, so nothing can be scored.
        """
    }
    if let score = scores.first, scores.count == 1, relevantCount == 1, score.rSquared >= 0.5 {
      let verb = score.rSquared >= 0.9 ? "is" : "follows"
      return """
        \(carriers): \(latentName(relevantLatents[0])) \(verb) \(score.name), with \
        R² = \(NumberText.rSquared(score.rSquared)) on \(recordingCount)\(paper(score)).
        """
    }
    let fits = scores.map { score -> HTML in
      let carriers = relevantLatents.filter { score.rSquaredOfSingleLatents[$0] > 0.1 }
      let place: HTML = carriers.isEmpty ? "" : ", in \(NumberText.list(carriers.map(latentName)))"
      return "\(NumberText.rSquared(score.rSquared)) for \(score.name)\(place)\(paper(score))"
    }
    let list = HTML(trusting: fits.map(\.source).joined(separator: "; "))
    return "\(carriers). Linear fits over \(recordingCount) give R² = \(list)."
  }

  /// How sure the number of parameters is, in words.
  var certaintySentence: HTML {
    let certainty = relevanceCertainty()
    guard relevantCount > 0 || !certainty.doubtful.isEmpty else {
      return "No latent comes near the bounds of the rule."
    }
    var parts: [HTML] = []
    if let signal = certainty.weakestSignal {
      let ratio = NumberText.significant(signal.squareRoot(), digits: 2)
      parts.append("The spread of the weakest relevant latent is \(ratio) times its uncertainty.")
    }
    if !certainty.doubtful.isEmpty {
      let verb: HTML = certainty.doubtful.count == 1 ? "lies" : "lie"
      parts.append(
        """
        <b>In doubt:</b> \(NumberText.list(certainty.doubtful.map(latentName))) \(verb) near a bound \
        of the rule; another seed or a longer training may judge otherwise.
        """)
    }
    for repetition in certainty.repeated {
      parts.append(
        """
        <b>Counted twice:</b> \(latentName(repetition.latent)) follows from the other relevant latents \
        (R² = \(NumberText.rSquared(repetition.rSquared)) of a polynomial), so it stands for no further \
        parameter.
        """)
    }
    for mean in certainty.conserved {
      parts.append(
        """
        <b>Perhaps no parameter:</b> \(latentName(mean.latent)) is a function of the mean of channel \
        \(mean.channel) over space (R² = \(NumberText.rSquared(mean.rSquared))), which every recording keeps. \
        Subtract it from the recordings where the dynamics do not depend on it.
        """)
    }
    if certainty.isClear {
      parts.append(
        """
        No latent lies near a bound of the rule and none follows from others: the number of \
        parameters that show in these recordings is clear in this training. Trainings with other \
        seeds test it further.
        """)
    }
    return HTML(trusting: parts.map(\.source).joined(separator: " "))
  }

  private func paper(_ score: ParameterScore) -> HTML {
    score.paperRSquared.map { " (paper: \(NumberText.rSquared($0)))" } ?? ""
  }

  private var coverageSentence: [HTML] {
    guard relevantCount > 0, !scores.isEmpty else { return [] }
    let shares = NumberText.list(
      scores.map { "\($0.name) for \(NumberText.percent($0.coverage95))" })
    let lowest = scores.map(\.coverage95).min() ?? 0
    let smooth = scores.compactMap { score in
      score.smoothMap.map { "\(NumberText.percent($0.coverage95)) for \(score.name)" }
    }
    let upToMap: HTML =
      smooth.isEmpty
      ? ""
      : """
      ; up to a smooth map, which only known parameters can tell, they hold \(NumberText.list(smooth))
      """
    let verdict: HTML =
      lowest < 0.9
      ? """
      : too narrow for a straight line, as they tell the noise of a latent and not the bend of its \
      relation\(upToMap)
      """ : ""
    let calibrated = scores.compactMap { score in
      score.calibration.map { calibration in
        """
        \(NumberText.percent(calibration.coverage95)) for \(score.name) (bars × \
        \(NumberText.significant(calibration.factor))\(Self.fewRecordings(calibration)))
        """ as HTML
      }
    }
    let mended: HTML =
      calibrated.isEmpty
      ? ""
      : """
       Calibrated on training recordings they hold \(HTML(trusting: calibrated.map(\.source)
        .joined(separator: ", "))).
      """
    return ["The 95 % intervals hold the true \(shares) of the recordings\(verdict).\(mended)"]
  }

  /// Says so where bars were found on too few recordings to promise 95 %.
  private static func fewRecordings(
    _ calibration: ExtractionResults.ParameterScore.Calibration
  ) -> HTML {
    guard calibration.promisedCoverage < 0.95 else { return "" }
    return """
      ; so few can promise \(NumberText.percent(calibration.promisedCoverage)) at most
      """
  }

  private var errorSentence: [HTML] {
    guard let model = errorCurves.first, model.mean.indices.contains(trainedFrames - 1) else {
      return []
    }
    let last = trainedFrames - 1
    let published = model.paperPoints.first { $0.index == last }
      .map { " (paper: \(NumberText.published($0.value)))" as HTML }
    let rivals = errorCurves.dropFirst().filter { $0.mean.indices.contains(last) }
      .map { "\(NumberText.significant($0.mean[last])) (\($0.name))" }
    let against: HTML = rivals.isEmpty ? "" : ", against \(NumberText.list(rivals))"
    return [
      """
      Started from one frame and the extracted parameters, the prediction's root-mean-square \
      error is \(NumberText.significant(model.mean[last])) at the end of the trained \
      length of \(NumberText.count(trainedFrames, "frame"))\(published ?? "")\(against).
      """
    ]
  }

  /// The headline numbers with spread, count and the published value.
  func headlineRows() -> [[HTML]] {
    var rows: [[HTML]] = [
      [
        "latents that carry a parameter",
        "\(relevantCount) of \(latents.count)", "–", "\(recordingCount)",
        paperRelevantCount.map { "\($0)" } ?? "–",
      ]
    ]
    for (column, score) in scores.enumerated() {
      let interval = rSquaredInterval(ofParameter: column).map {
        "\(NumberText.rSquared($0.lowerBound)) … \(NumberText.rSquared($0.upperBound))" as HTML
      }
      let published = score.paperRSquared.map { "\(NumberText.rSquared($0))" as HTML } ?? "–"
      rows.append([
        "R² of \(score.name)", "<b>\(NumberText.rSquared(score.rSquared))</b>", interval ?? "–",
        "\(recordingCount)", published,
      ])
      if let encoder = score.rSquaredOfEncoder {
        rows.append([
          "R² of \(score.name), latents of the encoder alone", "\(NumberText.rSquared(encoder))",
          "–", "\(recordingCount)", "–",
        ])
      }
      if let trained = score.rSquaredOfTrainingFit {
        rows.append([
          "R² of \(score.name), line fitted on training recordings",
          "\(NumberText.rSquared(trained))", "–", "\(recordingCount)", "–",
        ])
      }
      if let map = score.smoothMap {
        let share = Self.shareInterval(map.coverage95, of: recordings.count)
        rows.append([
          """
          R² of \(score.name) up to a smooth map: a polynomial of degree \(map.degree) in the relevant latents, \
          fitted on training recordings
          """, "\(NumberText.rSquared(map.rSquared))", "–", "\(recordingCount)", "–",
        ])
        rows.append([
          "true \(score.name) inside its 95 % interval, up to that map",
          "\(NumberText.percent(map.coverage95))",
          "\(NumberText.percent(share.lowerBound)) … \(NumberText.percent(share.upperBound))",
          "\(recordingCount)", "–",
        ])
      }
      guard relevantCount > 0 else { continue }
      let share = Self.shareInterval(score.coverage95, of: recordings.count)
      rows.append([
        "true \(score.name) inside its 95 % interval", "\(NumberText.percent(score.coverage95))",
        "\(NumberText.percent(share.lowerBound)) … \(NumberText.percent(share.upperBound))",
        "\(recordingCount)", "–",
      ])
      if let calibration = score.calibration {
        let share = Self.shareInterval(calibration.coverage95, of: recordings.count)
        rows.append([
          """
          the same, bars × \(NumberText.significant(calibration.factor)) as found on \
          \(NumberText.count(calibration.recordingCount, "training recording"))\
          \(Self.fewRecordings(calibration))
          """, "<b>\(NumberText.percent(calibration.coverage95))</b>",
          "\(NumberText.percent(share.lowerBound)) … \(NumberText.percent(share.upperBound))",
          "\(recordingCount)", "–",
        ])
      }
    }
    guard let curve = errorCurves.first else { return rows }
    for index in Set([trainedFrames - 1, 100]).sorted() where curve.mean.indices.contains(index) {
      let published = curve.paperPoints.first { $0.index == index }
      let place: HTML = index == trainedFrames - 1 ? ", the end of the trained length" : ""
      rows.append([
        "RMSE at predicted frame \(index + 1)\(place)",
        "\(NumberText.significant(curve.mean[index]))",
        """
        \(NumberText.significant(curve.lowerDecile[index])) … \
        \(NumberText.significant(curve.upperDecile[index]))
        """,
        "\(NumberText.count(curve.recordingCount, "recording"))",
        published.map { "\(NumberText.published($0.value))" } ?? "–",
      ])
    }
    return rows
  }

  /// Wilson's 95 % interval of a share of `count` trials.
  static func shareInterval(_ share: Double, of count: Int) -> ClosedRange<Double> {
    guard count > 0, (0...1).contains(share) else { return 0...1 }
    let (n, z) = (Double(count), 1.96)
    let centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    let half =
      z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
    return max(0, centre - half)...min(1, centre + half)
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
