// How often values, and pairs of values, occur.
import Foundation
import KymoResults

extension [Histogram] {
  /// Histograms beside one another.
  func figure() -> Figure {
    var figure = Figure()
    figure.layout.height = 330
    figure.layout.bargap = 0.04
    for (place, histogram) in enumerated() {
      let (x, y) = (AxisName.x(place + 1), AxisName.y(place + 1))
      let width = (histogram.high - histogram.low) / Double(Swift.max(1, histogram.counts.count))
      let centres = histogram.counts.indices.map { histogram.low + (Double($0) + 0.5) * width }
      var trace = Trace(.bar, x: .rounded(centres), y: .rounded(histogram.counts.map(Double.init)))
      (trace.xaxis, trace.yaxis) = (x, y)
      trace.marker = Marker(color: .one(Style.colour(0)))
      trace.hovertemplate =
        "\(histogram.title) %{x}: %{y} \(histogram.counted)<extra></extra>"
      figure.data.append(trace)
      figure.layout.axes[x] = Axis(
        "\(histogram.title)", domain: .panel(place, of: count, gap: 0.09), anchor: y)
      figure.layout.axes[y] = Axis(place == 0 ? "\(histogram.counted)" : nil, anchor: x)
    }
    return figure
  }
}

extension DensityComparison {
  /// Decades of the density that are shown.
  private static let shownDecades = 4.0

  /// The decimal logarithm of the densities beside each other.
  func figure() -> Figure {
    var figure = Figure()
    let largest = densities.flatMap { $0.shares.joined() }.finiteMax
    let floor = log10(max(largest, .leastNormalMagnitude)) - Self.shownDecades
    for (place, density) in densities.enumerated() {
      let (x, y) = (AxisName.x(place + 1), AxisName.y(place + 1))
      var trace = Trace(
        .heatmap, x: .rounded(centres(0, count: density.shares.first?.count ?? 0)),
        y: .rounded(centres(1, count: density.shares.count)))
      trace.z = density.shares.map { row in
        row.map { $0 > 0 ? max(floor, log10($0)).rounded(toDecimals: 2) : nil }
      }
      (trace.xaxis, trace.yaxis, trace.colorscale) = (x, y, Style.densityColours)
      (trace.zmin, trace.zmax) = (
        floor.rounded(toDecimals: 2), (floor + Self.shownDecades).rounded(toDecimals: 2)
      )
      trace.colorbar = ColourBar(title: Label("log₁₀ share", side: "top"), len: 1, y: 0.5)
      trace.showscale = place == densities.count - 1
      trace.hovertemplate = "%{x}, %{y}<br>log₁₀ share %{z}<extra></extra>"
      figure.data.append(trace)
      figure.layout.axes[x] = Axis(
        "\(axes[0])", domain: .panel(place, of: densities.count, gap: 0.1), anchor: y)
      figure.layout.axes[y] = Axis(place == 0 ? "\(axes[1])" : nil, anchor: x)
      figure.layout.annotations.append(.panelName("\(density.name)", x: x, y: y))
    }
    figure.layout.height = 400
    figure.layout.margin.r = 90
    return figure
  }

  private func centres(_ axis: Int, count: Int) -> [Double] {
    (0..<count).map {
      low[axis] + (Double($0) + 0.5) * (high[axis] - low[axis]) / Double(max(1, count))
    }
  }
}
