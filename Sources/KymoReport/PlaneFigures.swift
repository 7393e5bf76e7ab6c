// Snapshots of fields in the plane: truth, prediction and error side by side, one row for each time, as
// in Figure 4 of Lu, Kim and Soljacic (2020).
import KymoMetrics

extension ExtractionResults.PlaneComparison {
  /// Truth, prediction and error in columns, times in rows.
  func figure() -> Figure {
    var figure = Figure()
    figure.layout.height = 40 + 290 * Double(times.count)
    figure.layout.margin.r = 90
    let columns: [(name: HTML, left: Double)] = [
      ("truth", 0), ("prediction", 0.33), ("prediction − truth", 0.7),
    ]
    let height = 1 / Double(times.count)
    let isOfOneSign = ColourScale.isOfOneSign(truth.joined().joined().lazy.map(Double.init))
    for row in times.indices {
      let bottom = 1 - Double(row + 1) * height
      let domain = bottom...(bottom + 0.84 * height)
      let field = ColourScale(
        field: truth[row].joined().lazy.map(Double.init), isOfOneSign: isOfOneSign)
      let scales = [field, field, ColourScale(errorsTo: errorLimit(row))]
      for (column, (name, left)) in columns.enumerated() {
        let number = 3 * row + column + 1
        let (x, y) = (AxisName.x(number), AxisName.y(number))
        let values = column == 0 ? truth[row] : column == 1 ? prediction[row] : error(row)
        var trace = scales[column].heatmap(
          x: .rounded(positions[1]), y: .rounded(positions[0]),
          values: values.map { $0.map(Double.init) })
        trace.hovertemplate = "second axis %{x}<br>first axis %{y}<br>value %{z}<extra></extra>"
        (trace.xaxis, trace.yaxis) = (x, y)
        if column > 0 {
          trace.colorbar = ColourBar(
            title: Label(column == 2 ? "error" : "field", side: "top"), len: 0.84 * height,
            y: (domain.lowerBound + domain.upperBound) / 2, x: column == 2 ? nil : 0.61)
        } else {
          trace.showscale = false
        }
        figure.data.append(trace)
        var across = Axis(
          row == times.count - 1 ? "second axis" : nil, domain: left...(left + 0.27))
        across.anchor = y
        var down = Axis(column == 0 ? "first axis" : nil, domain: domain)
        down.anchor = x
        if column > 0 { down.showticklabels = false }
        figure.layout.axes[x] = across
        figure.layout.axes[y] = down
        let time: HTML =
          column == 0 ? "\(name), t = \(NumberText.significant(times[row]))" : name
        figure.layout.annotations.append(.panelName(time, x: x, y: y))
      }
    }
    return figure
  }

  /// Limit of the error's colours at one time; a prediction that ran away must not hide the rest.
  func errorLimit(_ row: Int) -> Double {
    let limit = min(Self.largest(error(row)), 2 * Self.largest(truth[row]))
    return limit > 0 ? limit : 1
  }

  private func error(_ row: Int) -> [[Float]] {
    zip(prediction[row], truth[row]).map { zip($0, $1).map { $0 - $1 } }
  }

  private static func largest(_ values: [[Float]]) -> Double {
    Double(values.joined().reduce(0) { $1.isFinite ? max($0, $1.magnitude) : $0 })
  }
}
