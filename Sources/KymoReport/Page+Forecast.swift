// The page of a forecasting run: what the reduction, the propagators and the schedules are worth, the
// published numbers beside ours.
import Foundation
import KymoMetrics

extension RunPage {
  /// All sections that results of a forecasting run fill.
  mutating func addForecast(_ results: ForecastResults) {
    addForecastResult(results)
    addForecastFields(results)
    addReconstructions(results)
    addPropagators(results)
    addSchedules(results)
    addPaths(results)
    addDensities(results)
    addFullState(results)
    addEquationFree(results)
    addCosts(results)
  }

  private mutating func addForecastResult(_ results: ForecastResults) {
    add("result", "Result", "<p class=\"finding\">\(results.finding)</p>")
  }

  private mutating func addForecastFields(_ results: ForecastResults) {
    guard !results.fields.isEmpty else { return }
    var body: HTML = ""
    for (number, field) in results.fields.enumerated() where !field.times.isEmpty {
      body =
        body
        + figure(
          "field-\(number + 1)", field.figure(side: 220),
          "Truth, latent forecast and their difference: \(field.caption).")
    }
    add("fields", "A forecast in space and time", body)
  }

  private mutating func addReconstructions(_ results: ForecastResults) {
    guard !results.reconstructions.isEmpty else { return }
    let rows = results.reconstructions.map { entry -> [HTML] in
      [
        entry.isMain ? "<b>\(entry.name)</b>" : "\(entry.name)", "\(entry.latentCount)",
        "\(NumberText.significant(entry.scaledMeanSquaredError))",
        "\(NumberText.significant(entry.meanSquaredError))", Self.published(entry.reference),
        "\(NumberText.duration(entry.trainingSeconds))\(entry.isShortened ? ", shortened" : "")",
      ]
    }
    let table = PageFrame.table(
      ["reduction", "latents", "MSE, scaled", "MSE, physical", "published, scaled", "training"],
      rows,
      caption: """
        Mean squared error over all test frames. Scaled: every channel on [0, 1], the unit of the \
        training loss. The run forecasts with the reduction in bold.
        """)
    let drawing =
      results.reconstructions.count > 1
      ? figure(
        "reconstruction", results.reconstructionFigure(),
        """
        Reconstruction error against the number of latents; the diamond is the reduction of the \
        forecasts, open squares are published.
        """)
      : ""
    add("reconstruction", "Reductions", table + drawing)
  }

  private mutating func addPropagators(_ results: ForecastResults) {
    guard !results.propagators.isEmpty else { return }
    var body = scoreTable(results, results.propagators, training: true)
    body =
      body
      + figure(
        "propagators", results.errorFigure(results.propagators),
        """
        Error of latent forecasts against time, mean over \
        \(NumberText.count(results.initialConditionCount, "initial condition")).
        """)
    if results.propagators.count > 1 {
      body =
        body
        + figure(
          "propagator-differences", results.differenceFigure(results.propagators),
          "MNAD over the horizon; bars are one standard deviation over initial conditions.")
    }
    add("propagators", "Propagators", body)
  }

  private mutating func addSchedules(_ results: ForecastResults) {
    let all = results.schedules + results.ensembleSchedules + results.adaptive
    guard !all.isEmpty else { return }
    var body = scoreTable(
      results, all, training: false, horizon: results.multiscaleSteps ?? results.horizonSteps)
    if results.schedules.count(where: { $0.ratio != nil }) > 1 {
      body =
        body
        + figure(
          "ratio", results.ratioFigure(),
          """
          Error and correlation against the ratio of latent to solver steps; bars are one standard \
          deviation over initial conditions, open squares are published.
          """)
    }
    if all.contains(where: { $0.speedUp != nil }) {
      body =
        body
        + figure(
          "trade-off", results.tradeOffFigure(),
          "Error against speed-up, both axes logarithmic: down and to the right is better.")
    }
    add("multiscale", "Alternation with the solver", "<p>\(results.adaptiveFinding)</p>" + body)
  }

  private mutating func addPaths(_ results: ForecastResults) {
    let paths = results.paths.filter { !$0.truth.isEmpty }
    guard !paths.isEmpty else { return }
    var body: HTML = ""
    for (number, path) in paths.enumerated() {
      body =
        body
        + figure(
          "latents-\(number + 1)", path.figure(),
          "The encoded truth and the latent forecast of one initial condition.", isNarrow: true)
    }
    add("attractor", "Latent attractor", body)
  }

  private mutating func addDensities(_ results: ForecastResults) {
    guard !results.densities.isEmpty else { return }
    let rows = results.densities.map { density -> [HTML] in
      [
        "\(density.name)", "\(NumberText.significant(density.distance))",
        "\(NumberText.significant(density.floor))",
        "\(NumberText.significant(density.distance / density.floor))",
      ]
    }
    var body = PageFrame.table(
      ["density", "L1 distance", "floor", "distance / floor"], rows,
      caption: "Floor: the distance between two true runs of the same size. L1 lies in [0, 2].")
    for (number, density) in results.densities.enumerated() where density.truth.count > 1 {
      body =
        body
        + figure(
          "density-\(number + 1)", density.figure(),
          "Density of \(density.name) over the long run of all initial conditions.")
    }
    add("densities", "Long-run densities", body)
  }

  private mutating func addFullState(_ results: ForecastResults) {
    guard !results.fullState.isEmpty else { return }
    let all = results.propagators.prefix(1) + results.fullState
    let body =
      scoreTable(results, Array(all), training: true)
      + figure(
        "full-state", results.errorFigure(Array(all)),
        "Error against time of propagators of whole states, beside that of latents.")
    add("full-state", "Propagators of the full state", body)
  }

  private mutating func addEquationFree(_ results: ForecastResults) {
    guard !results.equationFree.isEmpty else { return }
    let rows = results.equationFree.map { entry -> [HTML] in
      [entry.isPublished ? "<span class=\"paper\">\(entry.name)</span>" : "<b>\(entry.name)</b>"]
        + entry.normalizedDifference.map { "\(NumberText.significant($0))" }
    }
    let horizon: HTML =
      results.equationFreeSteps.map { " over \(NumberText.count($0, "frame"))" } ?? ""
    add(
      "equation-free", "Equation-free comparison",
      PageFrame.table(
        ["method"] + results.channelNames.map { "MNAD, \($0)" }, rows,
        caption: """
          MNAD\(horizon) from one initial condition, without the solver. Grey: published, of \
          coarse-scale equations learnt from fine-scale observations.
          """))
  }

  private mutating func addCosts(_ results: ForecastResults) {
    guard let costs = results.costs else { return }
    let cost = costs.cost
    func time(_ seconds: Double) -> HTML { "\(NumberText.significant(1e6 * seconds)) µs" }
    let times = PageFrame.table(
      ["one trajectory, one coarse step", "time"],
      [
        ["our solver, \(costs.solverStep)", time(cost.solver)],
        ["one latent step", time(cost.latentStep)], ["encoding one frame", time(cost.encoding)],
        ["decoding one frame", time(cost.decoding)],
      ]
        + (costs.paperSolverSeconds.map {
          [["solver as in the paper: \(costs.paperSolver)", time($0)]]
        } ?? []),
      caption: "Measured here, \(NumberText.count(costs.batchCount)) trajectories side by side.")
    func factor(_ value: Double) -> HTML { "\(NumberText.significant(value))" }
    let full = cost.fullSpeedUp(warmUpSteps: costs.warmUpSteps, horizonSteps: costs.horizonSteps)
    let scale = costs.paperSolverSeconds.map { $0 / cost.solver }
    let rows: [[HTML]] = [
      ("latent steps alone, as the paper counts", cost.latentSpeedUp),
      ("with decoding of every frame", cost.decodedSpeedUp),
      ("everything, warm-up and its encoding too", full),
    ].map { name, value in
      ["\(name)", factor(value), scale.map { factor(value * $0) } ?? "–"]
    }
    let paper: HTML =
      costs.reference.map { " Published: \(factor($0.value)) (\($0.source))." } ?? ""
    add(
      "speed", "Speed-up of latent forecasts",
      times
        + PageFrame.table(
          ["counted", "over our solver", "over the paper's"], rows,
          caption: "A solver with a needlessly small step makes any model look fast.\(paper)"))
  }

  /// How the training of several models went.
  mutating func addStages() {
    guard let last = run.training.last else { return }
    let time: HTML = last.seconds.map { " in \(NumberText.duration($0))" } ?? ""
    add(
      "training", "Training",
      figure(
        "training", run.training.stageFigure(),
        """
        \(NumberText.count(last.step, "epoch"))\(time), one model after the other; dotted: loss on \
        validation data.
        """))
  }

  mutating func addForecastMethod() {
    add(
      "method", "Method and citation",
      """
      <p>A reduction maps a field to a few latents and back; a propagator with a memory advances \
      the latents by coarse time steps. A forecast warms the memory up on known frames, feeds \
      predictions back and decodes them. With a solver, rounds of latent steps alternate with short \
      runs of the solver from the decoded field. The method is that of P. R. Vlachas, G. \
      Arampatzis, C. Uhler and P. Koumoutsakos, Nature Machine Intelligence 4, 359 (2022); \
      adaptive switching follows I. Kičić et al., Computer Methods in Applied Mechanics and \
      Engineering 415, 116204 (2023).</p>
      <pre>@article{vlachas2022multiscale,
        title   = {Multiscale simulations of complex systems by learning their effective dynamics},
        author  = {Vlachas, Pantelis R. and Arampatzis, Georgios and Uhler, Caroline and
                   Koumoutsakos, Petros},
        journal = {Nature Machine Intelligence},
        volume  = {4},
        pages   = {359--366},
        year    = {2022},
        doi     = {10.1038/s42256-022-00464-w}
      }</pre>
      """)
  }

  // MARK: Parts

  private func scoreTable(
    _ results: ForecastResults, _ scores: [ForecastResults.Score], training: Bool,
    horizon: Int? = nil
  ) -> HTML {
    let hasSpeed = scores.contains { $0.speedUp != nil }
    let hasReference = scores.contains { $0.reference != nil }
    let hasTraining = training && scores.contains { $0.trainingSeconds != nil }
    var head: [HTML] = [""] + results.channelNames.map { "MNAD, \($0)" }
    if hasReference { head.append("published") }
    head += ["RMSE", "correlation", "valid \(results.validTimeUnit)"]
    if hasSpeed { head += ["speed-up", "paper's count", "latent frames"] }
    if hasTraining { head.append("training") }
    let rows = scores.map { score -> [HTML] in
      var row: [HTML] = ["\(score.name)"] + score.normalizedDifference.map(Self.spread)
      if hasReference { row.append(Self.published(score.reference)) }
      row += [
        Self.spread(score.rootMeanSquareError), Self.spread(score.correlation),
        Self.spread(score.validTime),
      ]
      if hasSpeed {
        row += [score.speedUp, score.paperSpeedUp].map { value in
          value.map { "\(NumberText.significant($0))" } ?? "–"
        }
        row.append("\(NumberText.percent(score.latentFraction))")
      }
      if hasTraining {
        let shortened: HTML = score.isShortened ? ", shortened" : ""
        row.append(
          score.trainingSeconds.map { "\(NumberText.duration($0))\(shortened)" } ?? "–")
      }
      return row
    }
    let diverged = scores.filter { $0.divergedCount > 0 }
    let left: HTML =
      diverged.isEmpty
      ? ""
      : """
       Left the finite numbers and not averaged: \
      \(NumberText.list(diverged.map { "\($0.divergedCount) of \($0.name)" })).
      """
    return PageFrame.table(
      head, rows,
      caption: """
        Mean ± standard deviation over \
        \(NumberText.count(results.initialConditionCount, "initial condition")), \
        \(NumberText.count(horizon ?? results.horizonSteps, "frame")) after a warm-up of \
        \(NumberText.count(results.warmUpSteps)).\(left)
        """)
  }

  private static func spread(_ value: MetricSpread) -> HTML {
    guard value.mean.isFinite else { return "–" }
    let mean = NumberText.significant(value.mean)
    guard value.standardDeviation.isFinite else { return "\(mean)" }
    return "\(mean) ± \(NumberText.significant(value.standardDeviation, digits: 2))"
  }

  private static func published(_ reference: ForecastResults.Reference?) -> HTML {
    reference.map {
      "<span class=\"paper\">\(NumberText.published($0.value)) (\($0.source))</span>"
    } ?? "–"
  }
}

extension ForecastResults {
  /// The result in a few sentences.
  var finding: HTML {
    var sentences: [HTML] = []
    if let reduction = reconstructions.first(where: \.isMain) {
      let paper: HTML =
        reduction.reference.map {
          " (published: \(NumberText.published($0.value)), \($0.source))"
        } ?? ""
      sentences.append(
        """
        \(reduction.latentCount) latents of the \(reduction.name) reconstruct the test frames with \
        a mean squared error of \(NumberText.significant(reduction.scaledMeanSquaredError)) of the \
        scaled field\(paper).
        """)
    }
    if let main {
      let channel = channelNames.last ?? "the field"
      let difference = main.normalizedDifference.last
      let paper: HTML =
        main.reference.map { " (published: \(NumberText.published($0.value)), \($0.source))" } ?? ""
      sentences.append(
        """
        Latent forecasts of \(NumberText.count(horizonSteps, "frame")) from \
        \(NumberText.count(initialConditionCount, "initial condition")) differ from the truth by \
        \(NumberText.significant(difference?.mean ?? .nan)) of its range in \(channel)\(paper); \
        they are valid for \(NumberText.significant(main.validTime.mean)) \(validTimeUnit) on \
        average.
        """)
      if main.divergedCount > 0 {
        sentences.append("\(NumberText.count(main.divergedCount)) of them left the finite numbers.")
      }
      if let speed = main.speedUp {
        sentences.append(
          speed >= 1
            ? "They are \(NumberText.significant(speed)) times as fast as our own solver."
            : "They take \(NumberText.significant(1 / speed)) times as long as our own solver.")
      }
    }
    if sentences.isEmpty { return "The results hold neither a reduction nor a forecast." }
    return HTML(trusting: sentences.map(\.source).joined(separator: " "))
  }

  /// How adaptive switching compares with the best fixed schedule at the same error.
  var adaptiveFinding: HTML {
    guard let best = adaptiveComparison else { return "" }
    let rival: HTML =
      best.isMoreAccurate
      ? "the most accurate fixed schedule"
      : "the fastest fixed schedule with at most its error"
    return """
      \(best.adaptive.name) is \(NumberText.significant(best.ratio)) times as fast as \
      \(best.fixed.name), \(rival) (MNAD \(NumberText.significant(best.adaptive.meanDifference)) \
      against \(NumberText.significant(best.fixed.meanDifference))).
      """
  }
}
