// What the evaluation of a reduction and its propagators has found, in plain sentences.
import KymoMetrics
import KymoResults

extension ForecastFindings {
  /// The result in a few sentences.
  var headline: [String] {
    let sentences = reductionSentence + forecastSentences
    let flattery =
      data.isTrainingData
      ? "The models were trained on these recordings: the scores say little about others."
      : data.isValidationData == true
        ? "The models were chosen by these recordings: scores flatter; see data.test."
        : nil
    return sentences.isEmpty
      ? ["The results hold neither a reduction nor a forecast."]
      : sentences + [flattery].compactMap(\.self)
  }

  private var reductionSentence: [String] {
    guard let reduction = reconstructions.first(where: \.isMain) else { return [] }
    return [
      """
      The \(reduction.name) with \(NumberText.count(reduction.latentCount, "latent")) reconstructs \
      the \(data.kind) frames with \
      a mean squared error of \(NumberText.significant(reduction.scaledMeanSquaredError)) of the \
      scaled field\(Self.words(reduction.published)).
      """
    ]
  }

  private var forecastSentences: [String] {
    guard let main else { return [] }
    let difference = main.normalizedDifference.last?.mean ?? .nan
    let time = NumberText.significant(main.validTime.mean)
    let validTime =
      validTimeUnit == "time"
      ? "a time of \(time)\(timeUnit.isEmpty ? "" : " " + timeUnit)" : "\(time) \(validTimeUnit)"
    var sentences = [
      """
      Latent forecasts of \(NumberText.count(horizonSteps, "frame")) from \
      \(NumberText.count(initialConditionCount, "initial condition")) differ from the truth by \
      \(NumberText.significant(difference)) of its range in \
      \(channelNames.last ?? "the field")\(Self.words(main.published)); they are valid for \
      \(validTime) on average.
      """
    ]
    if main.divergedCount > 0 {
      sentences.append("\(NumberText.count(main.divergedCount)) of them diverged.")
    }
    if let speed = main.speedUp {
      sentences.append(
        speed >= 1
          ? "They are \(NumberText.significant(speed)) times as fast as \(solverName)."
          : "They take \(NumberText.significant(1 / speed)) times as long as \(solverName).")
    }
    return sentences
  }

  /// Whose solver forecasts are compared with.
  var solverName: String { costs?.solverName ?? "our solver" }

  private static func words(_ published: PublishedScore?) -> String {
    published.map { " (published: \(NumberText.published($0.value)), \($0.source))" } ?? ""
  }

  /// How adaptive switching compares with the best fixed schedule at the same error.
  var adaptiveWords: String? {
    guard let best = adaptiveComparison else { return nil }
    let rival =
      best.adaptive.meanDifference < best.fixed.meanDifference
      ? "the most accurate fixed schedule"
      : "the fastest fixed schedule with at most its error"
    return """
      \(best.adaptive.name) is \(NumberText.significant(best.ratio)) times as fast as \
      \(best.fixed.name), \(rival) (MNAD \(NumberText.significant(best.adaptive.meanDifference)) \
      against \(NumberText.significant(best.fixed.meanDifference))).
      """
  }
}

extension MethodDescription {
  /// The method of Vlachas et al.
  static let effectiveDynamics = MethodDescription(
    text: """
      A reduction maps a field to a few latents and back; a propagator with a memory advances \
      the latents by coarse time steps. A forecast warms the memory up on known frames, feeds \
      predictions back and decodes them. With a solver, rounds of latent steps alternate with short \
      runs of the solver from the decoded field. The method is that of P. R. Vlachas, G. \
      Arampatzis, C. Uhler and P. Koumoutsakos, Nature Machine Intelligence 4, 359 (2022); \
      adaptive switching follows I. Kičić et al., Computer Methods in Applied Mechanics and \
      Engineering 415, 116204 (2023).
      """,
    training: "One model after the other; dotted: loss on validation data.",
    citation: """
      @article{vlachas2022multiscale,
        title   = {Multiscale simulations of complex systems by learning their effective dynamics},
        author  = {Vlachas, Pantelis R. and Arampatzis, Georgios and Uhler, Caroline and
                   Koumoutsakos, Petros},
        journal = {Nature Machine Intelligence},
        volume  = {4},
        pages   = {359--366},
        year    = {2022},
        doi     = {10.1038/s42256-022-00464-w}
      }
      """)
}
