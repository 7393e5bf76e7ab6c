// What the evaluation of a parameter VAE has found, in plain sentences, from the numbers alone.
import KymoMetrics
import KymoResults

extension ParameterFindings {
  /// The result in a few sentences.
  var headline: [String] {
    let verdict = relevant.isEmpty ? nil : verdict(certainty)
    return [[relevanceSentence, verdict].compactMap(\.self).joined(separator: " ")]
      + coverageSentence + errorSentence
  }

  private var relevanceSentence: String {
    guard !latents.isEmpty else { return "The results hold no latents." }
    let total = NumberText.word(latents.count)
    guard !relevant.isEmpty else {
      return """
        No latent of \(total) carries a parameter: over \(recordingWords) none of them both \
        varies and is certain. Longer training, more recordings or a smaller weight of the KL term \
        may bring one out; it may also be that nothing varies between the recordings.
        """
    }
    let carriers =
      relevant.count == 1
      ? "One latent of \(total) carries a parameter"
      : "\(NumberText.word(relevant.count).capitalizedFirst) latents of \(total) carry parameters"
    guard !scores.isEmpty else {
      return """
        \(carriers): \(NumberText.list(relevant.map(latentName))), over \(recordingWords). The \
        data does not say the true parameters, so nothing can be scored and the error bars are not \
        calibrated.
        """
    }
    if let score = scores.first, scores.count == 1, relevant.count == 1, score.rSquared >= 0.5 {
      let verb = score.rSquared >= 0.9 ? "is" : "follows"
      return """
        \(carriers): \(latentName(relevant[0])) \(verb) \(score.name), with \
        R² = \(NumberText.rSquared(score.rSquared)) on \(recordingWords)\(paper(score)).
        """
    }
    let fits = scores.map { score in
      let carriers = relevant.filter { score.rSquaredOfSingleLatents[$0] > 0.1 }
      let place = carriers.isEmpty ? "" : ", in \(NumberText.list(carriers.map(latentName)))"
      return "\(NumberText.rSquared(score.rSquared)) for \(score.name)\(place)\(paper(score))"
    }
    return """
      \(carriers). Linear fits over \(recordingWords) give R² = \(fits.joined(separator: "; ")).
      """
  }

  private func paper(_ score: ParameterScore) -> String {
    published(score).map { " (published: \(NumberText.rSquared($0.value)))" } ?? ""
  }

  private var coverageSentence: [String] {
    guard !relevant.isEmpty, !scores.isEmpty else { return [] }
    let shares = NumberText.list(
      scores.map { "\($0.name) for \(NumberText.percent($0.coverage95))" })
    let lowest = scores.map(\.coverage95).min() ?? 0
    let smooth = scores.compactMap { score in
      score.smoothMap.map { "\(NumberText.percent($0.coverage95)) for \(score.name)" }
    }
    let upToMap =
      smooth.isEmpty
      ? ""
      : """
      ; up to a smooth map, which needs known parameters, they hold \(NumberText.list(smooth))
      """
    let verdict =
      lowest < 0.9
      ? """
      : too narrow for a straight line: they state the noise of a latent, not the curvature of its \
      relation\(upToMap)
      """ : ""
    let calibrated = scores.compactMap { score in
      score.calibration.map { calibration in
        """
        \(NumberText.percent(calibration.coverage95)) for \(score.name) (bars × \
        \(NumberText.significant(calibration.factor))\(Self.fewRecordings(calibration)))
        """
      }
    }
    let mended =
      calibrated.isEmpty
      ? " They are not calibrated: no training recordings with known parameters were read."
      : " Calibrated on \(calibrationWords) they hold \(calibrated.joined(separator: ", "))."
    return ["The 95 % intervals hold the true \(shares) of the recordings\(verdict).\(mended)"]
  }

  /// What bars were calibrated on: of other recordings they may hold another share.
  private var calibrationWords: String {
    let count = scores.compactMap(\.calibration).first?.recordingCount ?? 0
    return NumberText.count(count, "training recording") + " of the same system"
  }

  private var errorSentence: [String] {
    let last = trainedFrames - 1
    guard let model = predictions.first, model.curve.mean.indices.contains(last) else { return [] }
    let published = model.published.first { $0.index == last }
      .map { " (published: \(NumberText.published($0.value)))" }
    let rivals = predictions.dropFirst().filter { $0.curve.mean.indices.contains(last) }
      .map { "\(NumberText.significant($0.curve.mean[last])) (\($0.name))" }
    let against = rivals.isEmpty ? "" : ", against \(NumberText.list(rivals))"
    return [
      """
      Started from one frame with the extracted parameters, the prediction's root-mean-square \
      error is \(NumberText.significant(model.curve.mean[last])) at the end of the trained \
      length of \(NumberText.count(trainedFrames, "frame"))\(published ?? "")\(against).
      """
    ]
  }

  // MARK: Certainty

  private var certainty: RelevanceCertainty {
    RelevanceCertainty(
      of: latents, recordings, collapsedVariance: collapsedVariance,
      conservedMeans: conservedMeans, removalCosts: removalCosts)
  }

  /// How far the number of parameters is in doubt; nil where it is clear.
  private func verdict(_ certainty: RelevanceCertainty) -> String? {
    guard !certainty.isClear else { return nil }
    let ends = [certainty.possibleCount.lowerBound, certainty.possibleCount.upperBound]
    return ends[0] < ends[1]
      ? "The number of parameters is in doubt between \(NumberText.list(ends.map(NumberText.word)))."
      : "That the number of parameters is \(NumberText.word(ends[0])) is not tested in full."
  }

  /// How sure the number of parameters is: what speaks for it, and what against.
  var certaintySections: [ResultSection] {
    let certainty = certainty
    var notes: [String] = []
    if let signal = certainty.weakestSignal {
      let ratio = NumberText.significant(signal.squareRoot(), digits: 2)
      notes.append("The spread of the weakest relevant latent is \(ratio) times its uncertainty.")
    }
    if relevant.isEmpty, certainty.possibleCount.upperBound == 0 {
      notes.append("No latent comes near the bounds of the rule.")
    } else {
      notes.append(
        verdict(certainty)
          ?? """
          No latent lies near a bound of the rule or between relevant and collapsed, none follows \
          from others or from a mean that recordings keep, and predictions need each relevant one: \
          the number of parameters that show in these recordings is clear in this training. \
          Trainings with other seeds test it further.
          """)
    }
    // A clear number needs no word on the terminal; a doubtful one does.
    return [
      ResultSection(
        "certainty", places: certainty.isClear ? [.report] : [.report, .terminal],
        .text(ResultText(notes.joined(separator: " "))))
    ]
      + doubts(certainty).enumerated().map { place, doubt in
        ResultSection(
          "doubt-\(place + 1)", places: [.report, .terminal],
          .text(ResultText(doubt, severity: .caution)))
      }
  }

  private func doubts(_ certainty: RelevanceCertainty) -> [String] {
    var doubts: [String] = []
    if !certainty.doubtful.isEmpty {
      let verb = certainty.doubtful.count == 1 ? "lies" : "lie"
      doubts.append(
        """
        In doubt: \(NumberText.list(certainty.doubtful.map(latentName))) \(verb) near a bound of \
        the rule; another seed or a longer training may judge otherwise.
        """)
    }
    doubts += certainty.grey.map { latent in
      """
      Neither relevant nor collapsed: \(latentName(latent)) has a mean σ² of \
      \(NumberText.significant(latents[latent].meanVariance, digits: 2)), a collapsed one of this \
      size \(NumberText.significant(collapsedVariance, digits: 2)), and a variance of μ of \
      \(NumberText.significant(latents[latent].varianceOfMean, digits: 2)). It may carry a \
      parameter in part; train longer.
      """
    }
    doubts += certainty.repeated.map { repetition in
      """
      \(repetition.isCertain ? "Counted twice" : "Perhaps counted twice"): \
      \(latentName(repetition.latent)) follows from the other relevant latents (R² = \
      \(NumberText.rSquared(repetition.rSquared)) on held-out recordings), so it \
      \(repetition.isCertain ? "stands" : "may stand") for no further parameter.
      """
    }
    doubts += certainty.dispensable.map { latent in
      """
      Hardly needed: without what only \(latentName(latent.latent)) says, recordings are predicted \
      with an error that is \(NumberText.percent(max(0, latent.cost))) larger.
      """
    }
    doubts += certainty.untested.map { "Not tested: \($0)." }
    doubts += certainty.conserved.map { mean in
      """
      Perhaps no parameter: \(latentName(mean.latent)) is a function of the mean of channel \
      \(mean.channel) over space (R² = \(NumberText.rSquared(mean.rSquared))), which every \
      recording keeps. Subtract it from the recordings where the dynamics do not depend on it.
      """
    }
    return doubts
  }

  // MARK: Fits

  /// Where parameters lie in a plane or space of several latents: latents may come out rotated.
  var directionWords: String? {
    let sentences = scores.filter { $0.latents.count > 1 }.map { score in
      let terms = zip(direction(of: score, in: latents), score.latents).map { part, latent in
        """
        \(part < 0 ? "−" : "+") \(NumberText.significant(part.magnitude)) \(latentName(latent))
        """
      }
      return "\(score.name) grows along \(terms.joined(separator: " "))"
    }
    guard !sentences.isEmpty else { return nil }
    return """
      In units of the latents' spread, \(sentences.joined(separator: "; ")). R² along this \
      direction is that of the last column.
      """
  }

  /// Intercept and slope in words: "0.993 − 0.128 μ".
  static func formula(_ score: ParameterScore) -> String {
    guard score.coefficients.count == 2, score.coefficients[1].isFinite else { return "constant" }
    let slope = score.coefficients[1]
    return """
      \(NumberText.significant(score.coefficients[0])) \(slope < 0 ? "−" : "+") \
      \(NumberText.significant(slope.magnitude)) μ
      """
  }
}

extension MethodDescription {
  /// The method of Lu, Kim and Soljacic.
  static let parameterVAE = MethodDescription(
    text: """
      A convolutional encoder reads one crop of a recording and gives every latent a mean and a \
      variance; a recurrent convolutional decoder whose kernels depend on the latents must \
      continue another crop of the same recording from its first frame. Loss: mean squared error \
      plus β times the KL divergence of the latents from a unit Gaussian. Latents that the decoder \
      does not need collapse to the prior; those that remain are the hidden parameters. The \
      method is that of P. Y. Lu, S. Kim and M. Soljačić, Phys. Rev. X 10, 031056 (2020).
      """,
    training: """
      Loss = reconstruction + β · KL divergence; variance of μ and mean of σ² over the training \
      batch, where a latent that carries nothing has σ² = 1.
      """,
    citation: """
      @article{lu2020extracting,
        title   = {Extracting Interpretable Physical Parameters from Spatiotemporal Systems
                   Using Unsupervised Learning},
        author  = {Lu, Peter Y. and Kim, Samuel and Solja{\\v{c}}i{\\'c}, Marin},
        journal = {Physical Review X},
        volume  = {10},
        pages   = {031056},
        year    = {2020},
        doi     = {10.1103/PhysRevX.10.031056}
      }
      """)
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
