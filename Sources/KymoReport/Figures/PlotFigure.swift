// Curves with bands, points with error bars, paths: whatever lies in a plane of two quantities.
import Foundation
import KymoResults

extension Plot {
  /// Most values that a series of marks shows.
  static let shownMarks = 1000

  /// Says where not all marks are shown.
  var note: String {
    let most = panels.flatMap(\.series).filter { $0.style == .marks }.map(\.x.count).max() ?? 0
    guard most > Self.shownMarks else { return "" }
    return "\(NumberText.count(Self.shownMarks)) of \(NumberText.count(most)) are shown."
  }

  /// All panels.
  func figure() -> Figure {
    var figure = Figure()
    var named: Set<String> = []
    for (place, panel) in panels.enumerated() {
      let (x, y) = (AxisName.x(place + 1), AxisName.y(place + 1))
      // A curve that panels have in common is in the legend once.
      figure.data += panel.traces(x, y, isNew: { named.insert($0).inserted })
      let (across, down) = domains(place)
      var horizontal = panel.x.axis(panel.series.flatMap(\.x), domain: across, anchor: y)
      if arrangement == .above, place < panels.count - 1 {
        (horizontal.title, horizontal.showticklabels) = (nil, false)
        horizontal.matches = .x(panels.count)
      }
      if panel.series.contains(where: { $0.low != nil }), panel.x.isLogarithmic == false {
        // A curve over time begins at its origin.
        let last = panel.series.flatMap(\.x).finiteMax
        horizontal.range = [0, last * 1.004]
      }
      figure.layout.axes[x] = horizontal
      figure.layout.axes[y] = panel.y.axis(panel.series.flatMap(\.y), domain: down, anchor: x)
      figure.layout.shapes += panel.marks.map { .vertical(at: $0.x, axis: x, panel: y) }
      figure.layout.annotations += panel.marks.map { $0.annotation(x, y) }
      if let note = panel.note {
        figure.layout.annotations.append(.note("\(note)", x, y, isLeft: panel.rises))
      }
    }
    figure.layout.showlegend = panels.contains { panel in
      panel.series.count { !$0.name.isEmpty } > 1
        || panel.series.contains { !$0.published.isEmpty }
    }
    figure.layout.height = arrangement == .above ? 200 + 180 * Double(panels.count) : 460
    if arrangement == .beside, panels.count > 1 { figure.layout.height = 360 }
    return figure
  }

  /// Parts of the width and of the height for one panel; nil where it has all.
  private func domains(_ place: Int) -> (ClosedRange<Double>?, ClosedRange<Double>?) {
    guard panels.count > 1 else { return (nil, nil) }
    switch arrangement {
    case .beside: return (.panel(place, of: panels.count, gap: 0.09), nil)
    case .above:
      let fromBelow = ClosedRange.panel(panels.count - 1 - place, of: panels.count, gap: 0.08)
      return (nil, fromBelow)
    }
  }
}

extension Plot.Panel {
  /// Whether marks rise to the right, so that there is room in the upper left corner.
  fileprivate var rises: Bool {
    guard let series = series.first else { return true }
    let values = zip(series.x, series.y).filter { $0.0.isFinite && $0.1.isFinite }
    let count = Double(max(1, values.count))
    let (x, y) = (values.reduce(0) { $0 + $1.0 } / count, values.reduce(0) { $0 + $1.1 } / count)
    return values.reduce(0) { $0 + ($1.0 - x) * ($1.1 - y) } >= 0
  }

  fileprivate func traces(
    _ xAxis: AxisName, _ yAxis: AxisName, isNew: (String) -> Bool
  ) -> [Trace] {
    series.enumerated().flatMap { place, series in
      let colour = Style.colour(series.colour ?? place)
      var traces = band(series, Style.faintColour(series.colour ?? place), group: "curve \(place)")
      let (kept, isMain) = (series.shownIndices, place == 0)
      func chosen(_ values: [Double]) -> [Double] { kept.map { values[$0] } }
      var trace = Trace(
        .scatter, x: x.coordinates(chosen(series.x)), y: y.coordinates(chosen(series.y)),
        name: series.name.isEmpty ? nil : "\(series.name)")
      trace.showlegend = !series.name.isEmpty && isNew("\(place) \(series.name)")
      if series.low != nil { trace.legendgroup = "curve \(place)" }
      switch series.style {
      case .marks:
        trace.mode = .markers
        trace.marker = Marker(
          color: .one(colour), size: kept.count > 50 ? 4.5 : 10,
          symbol: kept.count > 50 ? nil : Style.symbol(place),
          line: kept.count > 50 ? nil : Line(color: "white", width: 1))
      case .line, .dots:
        trace.mode = .lines
        trace.line = Line(
          color: colour, width: isMain ? 2.4 : 1.6, dash: series.style == .dots ? "dot" : nil)
      }
      trace.error_y = series.errors.map { errors in
        ErrorBars(
          array: chosen(errors).map { $0.isFinite ? $0.rounded(toSignificant: 4) : 0 },
          color: kept.count > 50 ? colour + "80" : colour,
          thickness: kept.count > 50 ? 0.8 : 1.2, width: kept.count > 50 ? 0 : 4)
      }
      let name: HTML = series.name.isEmpty ? "" : "\(series.name)"
      if let labels = series.labels {
        trace.text = kept.map { "\(labels[$0])" }
        trace.hovertemplate = "%{text}<br>\(x.title) %{x:.4g}<br>\(y.title) %{y:.4g}<extra></extra>"
      } else {
        trace.hovertemplate =
          "\(x.title) %{x:.4g}<br>\(y.title) %{y:.4g}<extra>\(name)</extra>"
      }
      traces.append(trace)
      if let published = published(series, place, colour) { traces.append(published) }
      for index in traces.indices {
        (traces[index].xaxis, traces[index].yaxis) = (xAxis, yAxis)
      }
      return traces
    }
  }

  /// The band around a curve.
  private func band(_ series: Plot.Series, _ colour: String, group: String) -> [Trace] {
    guard let low = series.low, let high = series.high else { return [] }
    var lower = Trace(.scatter, x: x.coordinates(series.x), y: y.coordinates(low))
    (lower.mode, lower.line) = (.lines, Line(color: "rgba(0,0,0,0)", width: 0))
    (lower.showlegend, lower.legendgroup, lower.hoverinfo) = (false, group, "skip")
    var upper = lower
    upper.y = y.coordinates(high)
    (upper.fill, upper.fillcolor) = (.tonexty, colour)
    return [lower, upper]
  }

  /// Published values as open marks.
  private func published(_ series: Plot.Series, _ place: Int, _ colour: String) -> Trace? {
    guard !series.published.isEmpty else { return nil }
    var trace = Trace(
      .scatter, x: x.coordinates(series.published.map(\.x)),
      y: y.coordinates(series.published.map(\.y)), name: "published: \(series.name)")
    trace.mode = .markers
    trace.marker = Marker(
      color: .one("white"), size: 8, symbol: "square", line: Line(color: colour, width: 1.8))
    trace.hovertemplate =
      "\(x.title) %{x:.4g}<br>\(y.title) %{y:.3g}<extra>published: \(series.name)</extra>"
    return trace
  }
}

extension Plot.Series {
  /// Positions of the values that are drawn: all of a curve, a thousand of marks.
  fileprivate var shownIndices: [Int] {
    style == .marks ? Array(x.indices).thinned(to: Plot.shownMarks) : Array(x.indices)
  }
}

extension Plot.Mark {
  fileprivate func annotation(_ x: AxisName, _ y: AxisName) -> Annotation {
    Annotation(
      text: "\(label)", xref: x.inTraces, yref: y.inTraces + " domain", x: self.x, y: 0.02,
      xanchor: "left", yanchor: "bottom", font: .init(size: 12, color: Style.markColour),
      xshift: 4)
  }
}

extension Annotation {
  /// A word in an upper corner of a panel.
  fileprivate static func note(
    _ text: HTML, _ x: AxisName, _ y: AxisName, isLeft: Bool
  ) -> Annotation {
    Annotation(
      text: text, xref: x.inTraces + " domain", yref: y.inTraces + " domain",
      x: isLeft ? 0.03 : 0.97, y: 0.97, xanchor: isLeft ? "left" : "right", yanchor: "top",
      font: .init(size: 16))
  }
}

extension PlotAxis {
  /// The axis for these values.
  func axis(
    _ values: [Double], domain: ClosedRange<Double>? = nil, anchor: AxisName? = nil
  ) -> Axis {
    var axis = Axis(
      "\(title)", type: isLogarithmic ? .log : nil, domain: domain, anchor: anchor)
    guard isLogarithmic else { return axis }
    let shown = values.filter { $0.isFinite && $0 > 0 }
    let decades = log10((shown.max() ?? 1) / (shown.min() ?? 1))
    // Over fewer decades only their numbers would be one or none.
    (axis.showgrid, axis.dtick) = (true, decades < 2 ? nil : 1)
    return axis
  }

  /// Values as they are drawn: what a logarithmic axis cannot show becomes a gap.
  func coordinates(_ values: [Double]) -> Coordinates {
    .rounded(isLogarithmic ? values.map { $0 > 0 ? $0 : .nan } : values)
  }
}

extension ClosedRange<Double> {
  /// The part of a side that one of `count` panels has.
  static func panel(_ place: Int, of count: Int, gap: Double) -> ClosedRange<Double> {
    let gap = count > 1 ? gap : 0
    let width = (1 - gap * Double(count - 1)) / Double(count)
    let start = Double(place) * (width + gap)
    return start...Swift.min(1, start + width)
  }
}
