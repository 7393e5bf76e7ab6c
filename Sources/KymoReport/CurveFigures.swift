// Curves: the error of predictions against time (Figure 5 of Lu, Kim and Soljacic, 2020), and how
// the training went.
import Foundation
import KymoMetrics

extension ExtractionResults {
  /// RMSE against time on a logarithmic axis, with deciles and published points.
  func errorFigure() -> Figure {
    var figure = Figure()
    for (place, curve) in errorCurves.enumerated() where !curve.mean.isEmpty {
      let times = curve.mean.indices.map { Double($0 + 1) * frameInterval }
      let group = "curve \(place)"
      var lower = Trace(.scatter, x: .rounded(times), y: .positive(curve.lowerDecile))
      (lower.mode, lower.line) = (.lines, Line(color: "rgba(0,0,0,0)", width: 0))
      (lower.showlegend, lower.legendgroup, lower.hoverinfo) = (false, group, "skip")
      var upper = lower
      upper.y = .positive(curve.upperDecile)
      (upper.fill, upper.fillcolor) = (.tonexty, Style.faintColour(place))
      var mean = Trace(
        .scatter, x: .rounded(times), y: .positive(curve.mean), name: "\(curve.name)")
      mean.mode = .lines
      mean.line = Line(
        color: Style.colour(place), width: place == 0 ? 2.4 : 1.6, dash: place == 0 ? nil : "dot")
      mean.legendgroup = group
      mean.hovertemplate = "time %{x:.4g}<br>RMSE %{y:.3g}<extra>\(curve.name)</extra>"
      figure.data += [lower, upper, mean]
      guard !curve.paperPoints.isEmpty else { continue }
      var paper = Trace(
        .scatter,
        x: .rounded(curve.paperPoints.map { Double($0.index + 1) * frameInterval }),
        y: .positive(curve.paperPoints.map(\.value)), name: "paper: \(curve.name)")
      paper.mode = .markers
      paper.marker = Marker(
        color: .one("white"), size: 8, symbol: place == 0 ? "circle" : "square",
        line: Line(color: Style.colour(place), width: 1.8))
      paper.hovertemplate = "time %{x:.4g}<br>RMSE %{y:.3g}<extra>paper: \(curve.name)</extra>"
      figure.data.append(paper)
    }
    var vertical = Axis("root-mean-square error", type: .log)
    // Over fewer decades only their numbers would be one or none.
    let shown = errorCurves.flatMap(\.mean).filter { $0.isFinite && $0 > 0 }
    let decades = log10((shown.max() ?? 1) / (shown.min() ?? 1))
    (vertical.showgrid, vertical.dtick) = (true, decades < 2 ? nil : 1)
    var horizontal = Axis(timeTitle)
    let frames = errorCurves.map(\.mean.count).max() ?? 0
    horizontal.range = [0, (Double(frames) + 1) * frameInterval]
    figure.layout.axes = [.x(): horizontal, .y(): vertical]
    figure.layout.shapes = [.vertical(at: Double(trainedFrames) * frameInterval)]
    figure.layout.annotations = [
      Annotation(
        text: "trained length", xref: "x", yref: "paper",
        x: Double(trainedFrames) * frameInterval, y: 0.02, xanchor: "left", yanchor: "bottom",
        font: .init(size: 12, color: Style.markColour), xshift: 4)
    ]
    figure.layout.showlegend = true
    figure.layout.height = 460
    return figure
  }

  /// The time axis; frames are counted where their distance is not known.
  var timeTitle: HTML { frameInterval == 1 ? "time (frames)" : "time" }
}

extension [TrainingRecord] {
  /// Losses, step size, and the latents against the training step, above one another.
  func trainingFigure() -> Figure {
    let records = averaged(to: 1000)
    let steps = records.map { Double($0.step) }
    var figure = Figure()
    figure.layout.height = 760
    figure.layout.showlegend = true
    figure.layout.margin.r = 150
    figure.layout.legends = [.beside(1), .beside(0.43)]
    let titles: [HTML] = ["loss", "step size", "variance of μ", "mean of σ²"]
    let domains = [0.66...1, 0.48...0.61, 0.24...0.43, 0...0.19]
    for (place, title) in titles.enumerated() {
      let (x, y) = (AxisName.x(place + 1), AxisName.y(place + 1))
      var horizontal = Axis(place == titles.count - 1 ? "training step" : nil)
      horizontal.anchor = y
      if place > 0 { horizontal.matches = .x() }
      horizontal.showticklabels = place == titles.count - 1
      var vertical = Axis(title, type: place == 0 || place == 3 ? .log : nil)
      vertical.domain = [domains[place].lowerBound, domains[place].upperBound]
      vertical.anchor = x
      if vertical.type == .log { (vertical.dtick, vertical.showgrid) = (1, true) }
      if place == 1 { vertical.nticks = 4 }
      figure.layout.axes[x] = horizontal
      figure.layout.axes[y] = vertical
    }
    func curve(_ values: [Double?], panel: Int, name: HTML, colour: String, legend: Bool = true) {
      guard values.contains(where: { $0 != nil }) else { return }
      var trace = Trace(
        .scatter, x: .rounded(steps),
        y: .numbers(
          values.map { value in
            value.flatMap { $0.isFinite ? $0.rounded(toSignificant: 5) : nil }
          }), name: name)
      (trace.mode, trace.line) = (.lines, Line(color: colour, width: 1.5))
      (trace.xaxis, trace.yaxis, trace.showlegend) = (.x(panel), .y(panel), legend)
      if panel == 3 { trace.legend = "legend2" }
      trace.hovertemplate = "step %{x}<br>\(name) %{y:.4g}<extra></extra>"
      figure.data.append(trace)
    }
    curve(records.map(\.loss), panel: 1, name: "loss", colour: Style.palette[6])
    curve(records.map(\.reconstruction), panel: 1, name: "reconstruction", colour: Style.colour(0))
    curve(records.map(\.divergence), panel: 1, name: "KL divergence", colour: Style.colour(1))
    curve(
      records.map(\.learningRate), panel: 2, name: "step size", colour: Style.palette[6],
      legend: false)
    let latentCount = records.map { $0.latentVariance?.count ?? 0 }.max() ?? 0
    for latent in 0..<latentCount {
      curve(
        records.map { $0.latentVariance?.entry(latent) }, panel: 3, name: "latent \(latent + 1)",
        colour: Style.colour(latent))
      curve(
        records.map { $0.latentSigma2?.entry(latent) }, panel: 4, name: "latent \(latent + 1)",
        colour: Style.colour(latent), legend: false)
    }
    return figure
  }

  /// At most `count` records, each the mean of as many neighbours.
  private func averaged(to count: Int) -> [TrainingRecord] {
    guard self.count > count else { return self }
    return (0..<count).map { block in
      let part = self[block * self.count / count..<(block + 1) * self.count / count]
      func mean(_ value: (TrainingRecord) -> Double?) -> Double? {
        let values = part.compactMap(value)
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
      }
      func means(_ values: (TrainingRecord) -> [Double]?) -> [Double]? {
        let latents = part.compactMap { values($0)?.count }.min() ?? 0
        return latents == 0 ? nil : (0..<latents).compactMap { i in mean { values($0)?.entry(i) } }
      }
      return TrainingRecord(
        step: part.map(\.step).reduce(0, +) / part.count, loss: mean(\.loss),
        reconstruction: mean(\.reconstruction), divergence: mean(\.divergence),
        learningRate: mean(\.learningRate), gradientNorm: mean(\.gradientNorm),
        latentVariance: means(\.latentVariance), latentSigma2: means(\.latentSigma2))
    }
  }
}

extension [Double] {
  /// The entry at `index`; nil past the end.
  fileprivate func entry(_ index: Int) -> Double? { indices.contains(index) ? self[index] : nil }
}

extension Coordinates {
  /// Values for a logarithmic axis: what is not positive becomes a gap.
  static func positive(_ values: [Double]) -> Coordinates {
    .rounded(values.map { $0 > 0 ? $0 : .nan })
  }
}
