// Forces and shedding of a flow past a body as sections of the results.
import KymoNumerics
import KymoResults

extension ForecastFindings {
  /// Forces and shedding; nothing where there is no body.
  var flowSections: [ResultSection] {
    guard let flow else { return [] }
    let table = ScoreTable(
      "", columns: ["truth", "latent forecast", "difference"],
      rows: flow.quantities.map {
        .init($0.name, [Score($0.truth), Score($0.forecast), Score($0.difference)])
      })
    return [
      ResultSection(
        "flow", heading: "Forces and shedding",
        caption: """
          One latent forecast over \(NumberText.count(flow.steps, "frame")), in which Strouhal numbers are \
          told apart that differ by \(NumberText.significant(flow.bin)). Forces as coefficients \
          2F/(U²D). Integrals over the surface are of fields, true and decoded; what the latents say of a \
          force stands beside what was recorded by the solver.
          """, places: [.report, .terminal, .overview], .scores(table)),
      ResultSection(
        "flow-courses",
        caption: "Drag and lift at the end of the window.", .plot(coursePlot(flow))),
    ]
  }

  private func coursePlot(_ flow: FlowFindings) -> Plot {
    let shown = min(flow.steps, 100)
    let times = (flow.steps - shown..<flow.steps).map { Double($0 + 1) * flow.frameInterval }
    return Plot(
      ["drag", "lift"].map { name in
        .init(
          x: PlotAxis(timeUnit.isEmpty ? "time" : "time (\(timeUnit))"), y: PlotAxis(name),
          flow.courses.filter { $0.name == name }.enumerated().map { place, course in
            .init(
              course.source, place % 2 == 0 ? .line : .dots, x: times,
              y: Array(course.values.suffix(shown)), colour: place)
          })
      }, .above)
  }
}
