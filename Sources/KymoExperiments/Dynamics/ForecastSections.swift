// The results of a reduction and its propagators as sections, after Figures 2 and 3 of Vlachas et
// al., Nature Machine Intelligence 4, 359 (2022), with what was published beside ours.
import KymoMetrics
import KymoNumerics
package import KymoResults

extension ForecastFindings {
  /// The word by which results of this method are known.
  package static let method = "dynamics"

  /// The findings as results.
  package func results() throws -> RunResults {
    try RunResults(
      method: Self.method, data: data, headline: headline,
      sections: resultSections + fieldSections + reconstructionSections + propagatorSections
        + scheduleSections + flowSections + pathSections + densitySections + fullStateSections
        + equationFreeSections + costSections,
      about: .effectiveDynamics, values: ForecastValues(self))
  }

  // MARK: Result

  private var resultSections: [ResultSection] {
    var rows: [ScoreTable.Row] = []
    if let reduction = reconstructions.first(where: \.isMain) {
      rows.append(
        .init(
          "reconstruction, mean squared error of scaled states",
          [Score(reduction.scaledMeanSquaredError, published: reduction.published)]))
    }
    if let main {
      for (name, spread) in zip(channelNames, main.normalizedDifference) {
        rows.append(
          .init(
            "latent forecast, MNAD of \(name)",
            [Score(spread, published: name == channelNames.last ? main.published : nil)],
            isMain: true))
      }
      rows.append(.init("latent forecast, valid \(validTimeUnit)", [Score(main.validTime)]))
      if let drag = main.forces.first {
        rows.append(
          .init("latent forecast, error of drag, surface integrals", [Score(drag)]))
      }
      for (name, error) in zip(observableNames, main.observables) {
        rows.append(
          .init("latent forecast, error of \(name), of the latents", [Score(error)]))
      }
    }
    if let shedding = flow?.quantities.first {
      rows.append(
        .init(
          "latent forecast, difference of the Strouhal number",
          [
            Score(shedding.difference)
          ]))
    }
    if let costs {
      var paper = costs.published
      paper?.counting = "latent steps alone"
      rows.append(
        .init(
          "speed-up over \(solverName), all counted", [Score(fullSpeedUp(costs))]))
      rows.append(
        .init(
          "speed-up over \(solverName), latent steps alone",
          [Score(costs.cost.latentSpeedUp, published: paper)]))
    }
    guard !rows.isEmpty else { return [] }
    return [
      ResultSection(
        "result", heading: "Result",
        .scores(
          ScoreTable("", columns: ["this run"], rows: rows, counted: "initial condition")))
    ]
  }

  private func fullSpeedUp(_ costs: Costs) -> Double {
    costs.cost.fullSpeedUp(warmUpSteps: warmUpSteps, horizonSteps: horizonSteps)
  }

  // MARK: Pictures

  /// What open squares are, where there are any.
  private static func marks(_ published: [PublishedScore?]) -> String {
    published.contains { $0 != nil } ? ", open squares are published" : ""
  }

  /// One section for each channel of each shown initial condition.
  private var fieldSections: [ResultSection] {
    let channels = fields.flatMap { field in
      field.channels.map { channel in
        var alone = field
        alone.channels = [channel]
        return (channel.name, alone)
      }
    }
    return channels.enumerated().map { place, channel in
      ResultSection(
        "field-\(place + 1)", heading: place == 0 ? "A forecast in space and time" : nil,
        caption: "Truth, latent forecast and their difference: \(channel.0).",
        .fields(channel.1))
    }
      + (film.map {
        [
          ResultSection(
            "film",
            caption: "The first frames of the same forecast; the difference has a tenth of "
              + "the range.", .film($0))
        ]
      } ?? [])
  }

  // MARK: Reductions

  private var reconstructionSections: [ResultSection] {
    guard !reconstructions.isEmpty else { return [] }
    let table = ScoreTable(
      "reduction", columns: ["latents", "MSE, scaled", "MSE, physical", "training"],
      rows: reconstructions.map { entry in
        .init(
          reconstructions.count { $0.name == entry.name } > 1
            ? "\(entry.name), \(entry.latentCount)\(entry.isMain ? " in full" : "")" : entry.name,
          [
            Score(Double(entry.latentCount), .count),
            Score(entry.scaledMeanSquaredError, published: entry.published),
            Score(entry.meanSquaredError), Score(entry.trainingSeconds, .duration),
          ], isMain: entry.isMain, note: entry.isShortened ? "shortened training" : nil)
      })
    var sections = [
      ResultSection(
        "reductions", heading: "Reductions",
        caption: """
          Mean squared error over all test frames. Scaled: every channel on [0, 1], the unit of \
          the training loss. The run forecasts with the reduction in bold.
          """, places: [.report, .terminal, .overview], .scores(table))
    ]
    if reconstructions.count > 1 {
      sections.append(
        ResultSection(
          "reconstruction",
          caption: """
            Reconstruction error against the number of latents; marks that stand alone are the \
            reduction of the forecasts\(Self.marks(reconstructions.map(\.published))).
            """, .plot(Plot([reconstructionPanel]))))
    }
    return sections
  }

  /// Reconstruction error against the number of latents (Figures 2A and 3A).
  private var reconstructionPanel: Plot.Panel {
    let names = reconstructions.map(\.name).reduce(into: [String]()) { names, name in
      if !names.contains(name) { names.append(name) }
    }
    let series = names.enumerated().flatMap { place, name -> [Plot.Series] in
      let entries = reconstructions.filter { $0.name == name }
        .sorted { $0.latentCount < $1.latentCount }
      // Trained longer than those that it is compared with, the main one is no point of their
      // curve.
      let groups = [entries.filter(\.isMain), entries.filter { !$0.isMain }]
      return groups.enumerated().filter { !$1.isEmpty }.map { group, entries in
        Plot.Series(
          group == 0 && !groups[1].isEmpty ? "\(name), in full" : name,
          entries.count > 1 ? .line : .marks, x: entries.map { Double($0.latentCount) },
          y: entries.map(\.scaledMeanSquaredError),
          published: entries.compactMap { entry in
            entry.published.map { .init(x: Double(entry.latentCount), y: $0.value) }
          }, colour: place)
      }
    }
    return Plot.Panel(
      x: PlotAxis("latents"),
      y: PlotAxis("mean squared error, scaled states", isLogarithmic: true), series)
  }

  // MARK: Ways to forecast

  private var propagatorSections: [ResultSection] {
    guard !propagators.isEmpty else { return [] }
    var sections = [
      ResultSection(
        "propagator-scores", heading: "Propagators", caption: wayCaption(horizonSteps),
        places: [.report, .terminal, .overview],
        .scores(table("latent forecast", propagators, training: true))),
      ResultSection(
        "propagators",
        caption: """
          Error of latent forecasts against time, mean over \
          \(NumberText.count(initialConditionCount, "initial condition")).
          """, .plot(Plot([errorPanel(propagators)]))),
    ]
    if propagators.count > 1 {
      sections.append(
        ResultSection(
          "propagator-differences",
          caption:
            "MNAD over the horizon; bars are one standard deviation over initial conditions.",
          .bars(
            Bars(
              names: propagators.map(\.name),
              [
                .init(
                  "MNAD",
                  channelNames.enumerated().map { channel, name in
                    .init(
                      name, propagators.map { $0.normalizedDifference[channel].mean },
                      errors: propagators.map {
                        $0.normalizedDifference[channel].standardDeviation
                      })
                  })
              ]))))
    }
    return sections
  }

  private var scheduleSections: [ResultSection] {
    let all =
      named(schedules, ", with the solver")
      + named(ensembleSchedules, ", with the solver") + adaptive
    guard !all.isEmpty else { return [] }
    var sections: [ResultSection] = []
    if let words = adaptiveWords {
      sections.append(ResultSection("adaptive", .text(ResultText(words))))
    }
    sections.append(
      ResultSection(
        "schedules", caption: wayCaption(multiscaleSteps ?? horizonSteps),
        places: [.report, .terminal, .overview],
        .scores(table("with the solver", all, training: false))))
    sections[0].heading = "Alternation with the solver"
    if schedules.count(where: { $0.ratio != nil }) > 1 {
      sections.append(
        ResultSection(
          "ratio",
          caption: """
            Error and correlation against the ratio of latent to solver steps; bars are one standard \
            deviation over initial conditions\(Self.marks(schedules.map(\.published))).
            """, .plot(ratioPlot)))
      if schedules.contains(where: { $0.speedUp != nil }) {
        sections.append(
          ResultSection(
            "speed-up",
            caption: """
              Speed-up over \(solverName) against the ratio of latent to solver steps. Where latent \
              steps, encoding and decoding cost nothing it is 1 + ρ.
              """, isNarrow: true, .plot(Plot([speedUpPanel]))))
      }
    }
    if all.contains(where: { $0.speedUp != nil }) {
      sections.append(
        ResultSection(
          "trade-off",
          caption:
            "Error against speed-up, both axes logarithmic: down and to the right is better.",
          .plot(Plot([tradeOffPanel]))))
    }
    return sections
  }

  private var fullStateSections: [ResultSection] {
    guard !fullState.isEmpty else { return [] }
    let all = Array(propagators.prefix(1) + fullState)
    return [
      ResultSection(
        "full-state-scores", heading: "Propagators of the full state",
        caption: wayCaption(horizonSteps), places: [.report, .terminal, .overview],
        .scores(table("full state", all, training: true))),
      ResultSection(
        "full-state",
        caption: "Error against time of propagators of whole states, beside that of latents.",
        .plot(Plot([errorPanel(all)]))),
    ]
  }

  /// Ways with a name of their own among those of other tables.
  private func named(_ ways: [Way], _ addition: String) -> [Way] {
    ways.map { way in
      var way = way
      if way.ratio != nil { way.name += addition }
      return way
    }
  }

  private func wayCaption(_ horizon: Int) -> String {
    """
    MNAD: mean of |error| over the range of the truth. Spread: standard deviation of the true \
    fields in time. \(flow == nil ? "" : "Errors of drag and lift: by integrals over the surface, "
      + "mean of |error| over mean of |truth|. ")Means over \
    \(NumberText.count(initialConditionCount, "initial condition")), \
    \(NumberText.count(horizon, "frame")) after a warm-up of \(NumberText.count(warmUpSteps)).
    """
  }

  private func table(_ title: String, _ ways: [Way], training: Bool) -> ScoreTable {
    let hasSpeed = ways.contains { $0.speedUp != nil }
    let hasForces = ways.contains { !$0.forces.isEmpty }
    let hasTraining = training && ways.contains { $0.trainingSeconds != nil }
    func named(_ name: String, _ unit: String) -> String {
      unit.isEmpty ? name : "\(name) (\(unit))"
    }
    var columns =
      channelNames.map { "MNAD, \($0)" } + [
        named("RMSE", fieldUnit), "RMSE / spread", "correlation",
        named("valid \(validTimeUnit)", validTimeUnit == "time" ? timeUnit : ""),
      ]
    if hasForces { columns += ["drag error", "lift error"] }
    if hasSpeed { columns += ["speed-up", "latent steps alone", "latent frames"] }
    if hasTraining { columns.append("training") }
    let rows = ways.enumerated().map { place, way -> ScoreTable.Row in
      var scores: [Score?] = way.normalizedDifference.map { Score($0) }
      scores[scores.count - 1]?.published = way.published
      scores += [
        Score(way.rootMeanSquareError),
        Score(way.rootMeanSquareError.mean / fieldDeviation), Score(way.correlation),
        Score(way.validTime),
      ]
      if hasForces {
        scores += (0..<2).map { place in
          way.forces.indices.contains(place) ? Score(way.forces[place]) : nil
        }
      }
      if hasSpeed {
        scores += [
          way.speedUp.map { Score($0) }, way.paperSpeedUp.map { Score($0) },
          Score(way.latentFraction, .percent),
        ]
      }
      if hasTraining { scores.append(way.trainingSeconds.map { Score($0, .duration) }) }
      if way.divergedCount > 0 { scores[0]?.divergedCount = way.divergedCount }
      return .init(
        way.name, scores, isMain: training && place == 0,
        note: training && way.isShortened ? "shortened training" : nil)
    }
    return ScoreTable(title, columns: columns, rows: rows, counted: "initial condition")
  }

  /// NRMSE against time.
  private func errorPanel(_ ways: [Way]) -> Plot.Panel {
    Plot.Panel(
      x: PlotAxis(
        frameInterval == 1 && timeUnit.isEmpty
          ? "time (frames)" : timeUnit.isEmpty ? "time" : "time (\(timeUnit))"),
      y: PlotAxis("normalised root-mean-square error", isLogarithmic: true),
      ways.filter { !$0.errorCurve.isEmpty }.map { way in
        .init(
          way.name,
          x: way.errorCurve.indices.map { Double($0 * curveStride + 1) * frameInterval },
          y: way.errorCurve)
      })
  }

  /// MNAD and correlation against ρ (Figures 2D, 2E, 3E and 3F).
  private var ratioPlot: Plot {
    let fixed = schedules.filter { $0.ratio != nil }
    let ratios = fixed.compactMap(\.ratio)
    let axis = PlotAxis("ρ = latent steps / solver steps", isLogarithmic: true)
    let differences = channelNames.enumerated().map { channel, name in
      Plot.Series(
        "MNAD, \(name)", x: ratios, y: fixed.map { $0.normalizedDifference[channel].mean },
        errors: fixed.map { $0.normalizedDifference[channel].standardDeviation },
        published: channel < channelNames.count - 1
          ? []
          : fixed.compactMap { way in
            way.published.flatMap { published in
              way.ratio.map { .init(x: $0, y: published.value) }
            }
          }, colour: channel)
    }
    let forces = ["drag", "lift"].enumerated().filter { place, _ in
      fixed.allSatisfy { $0.forces.indices.contains(place) }
    }.map { place, name in
      Plot.Series(
        name, x: ratios, y: fixed.map { $0.forces[place].mean },
        errors: fixed.map { $0.forces[place].standardDeviation },
        colour: channelNames.count + 1 + place)
    }
    return Plot(
      [
        .init(x: axis, y: PlotAxis("MNAD", isLogarithmic: true), differences)
      ]
        + (forces.isEmpty
          ? [] : [.init(x: axis, y: PlotAxis("relative error", isLogarithmic: true), forces)])
        + [
          .init(
            x: axis, y: PlotAxis("correlation"),
            [
              .init(
                "correlation", x: ratios, y: fixed.map(\.correlation.mean),
                errors: fixed.map(\.correlation.standardDeviation), colour: channelNames.count)
            ])
        ], .above)
  }

  private var speedUpPanel: Plot.Panel {
    let fixed = schedules.filter { $0.ratio != nil && $0.speedUp != nil }
    let ratios = fixed.compactMap(\.ratio)
    return Plot.Panel(
      x: PlotAxis("ρ = latent steps / solver steps", isLogarithmic: true),
      y: PlotAxis("speed-up over \(solverName)", isLogarithmic: true),
      [
        .init("everything counted", x: ratios, y: fixed.compactMap(\.speedUp)),
        .init("latent steps and solver", x: ratios, y: fixed.compactMap(\.paperSpeedUp)),
        .init("1 + ρ", .dots, x: ratios, y: ratios.map { 1 + $0 }),
      ])
  }

  /// Error against speed-up of fixed schedules and of adaptive switching (Figures 2E and 3G).
  private var tradeOffPanel: Plot.Panel {
    let groups = [
      ("fixed schedules", schedules), ("fixed schedules, ensemble", ensembleSchedules),
      ("adaptive switching, ensemble", adaptive),
    ]
    return Plot.Panel(
      x: PlotAxis(
        "speed-up over \(solverName), encoding and decoding counted", isLogarithmic: true),
      y: PlotAxis("MNAD, mean over channels", isLogarithmic: true),
      groups.enumerated().compactMap { place, group in
        let known = group.1.filter { $0.speedUp != nil }
        guard !known.isEmpty else { return nil }
        return .init(
          group.0, .marks, x: known.compactMap(\.speedUp), y: known.map(\.meanDifference),
          errors: known.map {
            Statistics.mean($0.normalizedDifference.map(\.standardDeviation))
          }, labels: known.map(\.name), colour: [0, 2, 1][place])
      })
  }

  // MARK: Long runs

  private var pathSections: [ResultSection] {
    paths.filter { !$0.truth.isEmpty }.enumerated().map { place, path in
      func series(_ name: String, _ points: [[Double]]) -> Plot.Series {
        .init(name, x: points.map { $0[0] }, y: points.map { $0[1] })
      }
      return ResultSection(
        "latents-\(place + 1)", heading: place == 0 ? "Latent attractor" : nil,
        caption: "The encoded truth and the latent forecast of one initial condition.",
        isNarrow: true,
        .plot(
          Plot([
            .init(
              x: PlotAxis("latent \(path.latents[0] + 1)"),
              y: PlotAxis("latent \(path.latents[1] + 1)"),
              [series("truth, encoded", path.truth), series("forecast", path.forecast)])
          ])))
    }
  }

  private var densitySections: [ResultSection] {
    guard !densities.isEmpty else { return [] }
    let table = ScoreTable(
      "density", columns: ["L1 distance", "floor", "distance / floor"],
      rows: densities.map { density in
        .init(
          density.name,
          [
            Score(density.distance), Score(density.floor),
            Score(density.distance / density.floor),
          ])
      })
    return [
      ResultSection(
        "density-distances", heading: "Long-run densities",
        caption: "Floor: the distance between two true runs of the same size. L1 lies in [0, 2].",
        places: [.report, .terminal, .overview], .scores(table))
    ]
      + densities.enumerated().map { place, density in
        ResultSection(
          "density-\(place + 1)",
          caption: "Density of \(density.name) over the long run of all initial conditions.",
          .densities(density.comparison))
      }
  }

  private var equationFreeSections: [ResultSection] {
    guard let equationFree else { return [] }
    let horizon =
      equationFreeSteps.map { " over \(NumberText.count($0, "frame"))" } ?? ""
    let published = publishedEquationFree.map { name, differences in
      ScoreTable.Row(
        name,
        channelNames.indices.map {
          differences.indices.contains($0) ? Score(differences[$0]) : nil
        },
        note: "published")
    }
    return [
      ResultSection(
        "equation-free", heading: "Equation-free comparison",
        caption: """
          MNAD\(horizon) from one initial condition, without the solver.\(published.isEmpty
            ? "" : " Published numbers are of coarse-scale equations learnt from fine-scale "
            + "observations.")
          """, places: [.report, .terminal, .overview],
        .scores(
          ScoreTable(
            "equation-free", columns: channelNames.map { "MNAD, \($0)" },
            rows: [
              .init("latent forecast of this run", equationFree.map { Score($0) }, isMain: true)
            ] + published)))
    ]
  }

  // MARK: Speed

  private var costSections: [ResultSection] {
    guard let costs else { return [] }
    let cost = costs.cost
    func time(_ name: String, _ seconds: Double) -> ScoreTable.Row {
      .init(name, [Score(1e6 * seconds, unit: "µs")])
    }
    let times =
      [
        time("\(solverName), \(costs.solverStep)", cost.solver),
        time("one latent step", cost.latentStep), time("encoding one frame", cost.encoding),
        time("decoding one frame", cost.decoding),
      ]
      + (costs.paperSolverSeconds.map {
        [time("solver as in the paper: \(costs.paperSolver)", $0)]
      } ?? [])
    let hasPaper = costs.paperSolverSeconds != nil || costs.published != nil
    let scale = costs.paperSolverSeconds.map { $0 / cost.solver }
    let counted = [
      ("latent steps alone\(hasPaper ? ", as the paper counts" : "")", cost.latentSpeedUp),
      ("with decoding of every frame", cost.decodedSpeedUp),
      ("everything, warm-up and its encoding too", fullSpeedUp(costs)),
    ]
    let speedUps = counted.enumerated().map { place, row in
      ScoreTable.Row(
        row.0,
        hasPaper
          ? [
            Score(row.1),
            scale.map { scale in
              Score(row.1 * scale, published: place == 0 ? costs.published : nil)
            } ?? (place == 0 ? costs.published.map { Score(.nan, published: $0) } : nil),
          ] : [Score(row.1)])
    }
    return [
      ResultSection(
        "times", heading: "Speed-up of latent forecasts",
        caption: """
          Measured here, \(NumberText.count(costs.batchCount)) trajectories side by side.
          """, places: [.report, .terminal],
        .scores(
          ScoreTable("one trajectory, one coarse step", columns: ["time"], rows: times))),
      ResultSection(
        "speed-ups",
        caption: "A solver with a needlessly small time step makes any model look fast.",
        places: [.report, .terminal, .overview],
        .scores(
          ScoreTable(
            "counted", columns: ["over \(solverName)"] + (hasPaper ? ["over the paper's"] : []),
            rows: speedUps))),
    ]
  }
}

extension Score {
  /// A mean over initial conditions with its standard deviation.
  init(
    _ spread: MetricSpread, published: PublishedScore? = nil
  ) {
    let deviation = spread.standardDeviation
    self.init(
      spread.mean,
      spread: deviation.isFinite
        ? Spread(
          .standardDeviation, low: spread.mean - deviation, high: spread.mean + deviation) : nil,
      count: spread.count, divergedCount: spread.divergedCount, published: published)
  }
}
