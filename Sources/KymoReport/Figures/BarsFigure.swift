// Bars with a name each, panels above each other.
import KymoResults

extension Bars {
  /// All panels, with the names below the last.
  func figure() -> Figure {
    var figure = Figure()
    for (place, panel) in panels.enumerated() {
      let (x, y) = (AxisName.x(place + 1), AxisName.y(place + 1))
      figure.data += panel.series.enumerated().map { trace(panel, $1, $0, x, y) }
      let isLast = place == panels.count - 1
      var across = Axis(type: .category, anchor: y)
      (across.showticklabels, across.ticks) = (isLast, isLast ? "outside" : "")
      if place > 0 { across.matches = .x() }
      let domain = ClosedRange.panel(panels.count - 1 - place, of: panels.count, gap: 0.06)
      var down = Axis("\(panel.title)", domain: panels.count > 1 ? domain : nil, anchor: x)
      let largest = max(panel.series.flatMap(\.values).finiteMax, panel.reach)
      if isLabelled, largest > 0 {
        // Room for the number beyond the longest bar.
        down.range = panel.growsDown ? [1.25 * largest, 0] : [0, 1.18 * largest]
      }
      figure.layout.axes[x] = across
      figure.layout.axes[y] = down
      if let mark = panel.mark {
        figure.layout.shapes.append(.horizontal(at: mark, axis: y, panel: x, dash: "dash"))
      }
    }
    figure.layout.showlegend = panels.contains { $0.series.count > 1 }
    figure.layout.bargap = 0.35
    figure.layout.height = panels.count > 1 ? 440 : 420
    return figure
  }

  /// Whether bars have their numbers beside them: where they stand alone and have no error bars.
  private var isLabelled: Bool {
    panels.allSatisfy { $0.series.count == 1 && $0.series[0].errors == nil }
  }

  private func trace(
    _ panel: Panel, _ series: Series, _ place: Int, _ x: AxisName, _ y: AxisName
  ) -> Trace {
    var trace = Trace(
      .bar, x: .words(names.map { "\($0)" }), y: .rounded(series.values), name: "\(series.name)")
    (trace.xaxis, trace.yaxis) = (x, y)
    trace.marker = Marker(
      color: .each(isMuted.map { $0 ? Style.mutedColour : Style.colour(place) }))
    if isLabelled {
      trace.text = series.values.map { "\(NumberText.significant($0, digits: 2))" }
      (trace.textposition, trace.cliponaxis) = ("outside", false)
      trace.width = 0.55
    }
    trace.error_y = series.errors.map { errors in
      ErrorBars(
        array: errors.map { $0.isFinite ? $0.rounded(toSignificant: 4) : 0 },
        color: Style.axisColour, thickness: 1.2, width: 4)
    }
    trace.hovertemplate = "%{x}: \(series.name) %{y:.4g}<extra></extra>"
    return trace
  }
}
