// The latents: which of them carry a parameter (Figure 2 of Lu, Kim and Soljacic, 2020), how known
// parameters depend on them (Figures 3 and 6), and how they spread when no parameter is known.
import KymoMetrics
import KymoNumerics

extension ExtractionResults {
  /// Most recordings that a scatter plot shows.
  static let shownRecordings = 1000

  /// Name of a latent in words; the paper counts from 1.
  func latentName(_ latent: Int) -> String { "latent \(latent + 1)" }

  /// Var μ_z upwards, mean σ_z² downwards, one bar for each latent.
  func relevanceFigure() -> Figure {
    let names = latents.indices.map { HTML(escaping: latentName($0)) }
    let colours = latents.map { $0.isRelevant ? Style.colour(0) : Style.mutedColour }
    func bars(_ values: [Double], y: AxisName, x: AxisName, _ quantity: HTML) -> Trace {
      var trace = Trace(.bar, x: .words(names), y: .rounded(values))
      (trace.xaxis, trace.yaxis) = (x, y)
      trace.marker = Marker(color: .each(colours))
      trace.text = values.map { HTML(escaping: NumberText.significant($0, digits: 2)) }
      (trace.textposition, trace.cliponaxis, trace.width) = ("outside", false, 0.55)
      trace.hovertemplate = "%{x}: \(quantity) %{y:.4g}<extra></extra>"
      return trace
    }
    var figure = Figure()
    figure.data = [
      bars(latents.map(\.varianceOfMean), y: .y(), x: .x(), "variance of μ"),
      bars(latents.map(\.meanVariance), y: .y(2), x: .x(2), "mean σ²"),
    ]
    var upper = Axis("variance of μ", domain: 0.53...1)
    upper.range = [0, 1.18 * max(latents.map(\.varianceOfMean).finiteMax, 1)]
    var lower = Axis("mean of σ²", domain: 0...0.47)
    lower.range = [
      1.25 * max(latents.map(\.meanVariance).finiteMax, collapsedVariance), 0,
    ]
    lower.anchor = .x(2)
    var top = Axis(type: .category)
    (top.showticklabels, top.ticks) = (false, "")
    var bottom = Axis(type: .category)
    (bottom.anchor, bottom.matches) = (.y(2), .x())
    figure.layout.axes = [.x(): top, .y(): upper, .x(2): bottom, .y(2): lower]
    figure.layout.shapes = [
      .horizontal(at: collapsedVariance, axis: .y(2), panel: .x(2), dash: "dash")
    ]
    figure.layout.height = 440
    figure.layout.margin.b = 40
    return figure
  }

  /// A known parameter against what was extracted, with 95 % bars.
  ///
  /// When one latent carries it, the latent itself is shown and the line is the fit; with more, the
  /// fitted parameter is shown and the line is where it equals the true one. Needs at least one.
  func parameterFigure(_ column: Int) -> Figure {
    let score = scores[column]
    let fit = LinearFit(
      intercept: score.coefficients[0], slopes: Array(score.coefficients.dropFirst()),
      rSquared: score.rSquared)
    let shown = recordings.thinned(to: Self.shownRecordings)
    let truth = shown.map { $0.parameters[column] }
    let carriers = score.latents
    let latent = carriers.count == 1 ? carriers[0] : nil
    let values: [Double]
    let bars: [Double]
    if let latent {
      values = shown.map { $0.mean[latent] }
      bars = shown.map { 1.96 * $0.standardDeviation[latent] }
    } else {
      values = shown.map { recording in fit(carriers.map { recording.mean[$0] }) }
      bars = shown.map { recording in
        fit.halfInterval95(standardDeviations: carriers.map { recording.standardDeviation[$0] })
      }
    }
    var points = Trace(.scatter, x: .rounded(truth), y: .rounded(values))
    points.mode = .markers
    points.marker = Marker(color: .one(Style.colour(0)), size: 4.5)
    points.error_y = ErrorBars(
      array: bars.map { $0.isFinite ? $0.rounded(toSignificant: 4) : 0 },
      color: Style.colour(0) + "80")
    points.hovertemplate = "true \(score.name) %{x:.4g}<br>extracted %{y:.4g}<extra></extra>"
    var line = Trace(.scatter)
    line.mode = .lines
    line.line = Line(color: Style.colour(1), width: 2)
    line.hoverinfo = "skip"
    if latent != nil {
      let ends = [values.finiteMin, values.finiteMax]
      (line.x, line.y) = (.rounded(ends.map { fit([$0]) }), .rounded(ends))
    } else {
      let ends = [truth.finiteMin, truth.finiteMax]
      (line.x, line.y) = (.rounded(ends), .rounded(ends))
    }
    var figure = Figure(data: [points, line])
    figure.layout.height = 460
    let vertical: HTML =
      latent.map { "μ of \(latentName($0))" } ?? "\(score.name), fitted on the relevant latents"
    figure.layout.axes = [.x(): Axis("true \(score.name)"), .y(): Axis(vertical)]
    let rises = latent == nil || (fit.slopes.first ?? 1) >= 0
    figure.layout.annotations = [
      Annotation(
        text: "R² = \(NumberText.rSquared(score.rSquared))", xref: "paper", yref: "paper",
        x: rises ? 0.03 : 0.97, y: 0.97, xanchor: rises ? "left" : "right", yanchor: "top",
        font: .init(size: 16))
    ]
    return figure
  }

  /// Histograms of the given latents beside one another.
  func histogramFigure(of latents: [Int]) -> Figure {
    var figure = Figure()
    figure.layout.height = 330
    figure.layout.bargap = 0.04
    for (place, latent) in latents.enumerated() {
      let (x, y) = (AxisName.x(place + 1), AxisName.y(place + 1))
      var trace = Trace(.histogram, x: .rounded(recordings.map { $0.mean[latent] }))
      (trace.xaxis, trace.yaxis, trace.nbinsx) = (x, y, 30)
      trace.marker = Marker(color: .one(Style.colour(0)))
      trace.hovertemplate = "μ %{x}: %{y} recordings<extra></extra>"
      figure.data.append(trace)
      var horizontal = Axis(
        "μ of \(latentName(latent))", domain: Self.panel(place, of: latents.count))
      horizontal.anchor = y
      var vertical = Axis(place == 0 ? "recordings" : nil)
      vertical.anchor = x
      figure.layout.axes[x] = horizontal
      figure.layout.axes[y] = vertical
    }
    return figure
  }

  /// The given pairs of latents against each other, beside one another.
  func pairFigure(of pairs: [(Int, Int)]) -> Figure {
    let shown = recordings.thinned(to: Self.shownRecordings)
    var figure = Figure()
    figure.layout.height = 360
    for (place, pair) in pairs.enumerated() {
      let (x, y) = (AxisName.x(place + 1), AxisName.y(place + 1))
      var trace = Trace(
        .scatter, x: .rounded(shown.map { $0.mean[pair.0] }),
        y: .rounded(shown.map { $0.mean[pair.1] }))
      (trace.xaxis, trace.yaxis, trace.mode) = (x, y, .markers)
      trace.marker = Marker(color: .one(Style.colour(0)), size: 4)
      figure.data.append(trace)
      var horizontal = Axis(
        "μ of \(latentName(pair.0))", domain: Self.panel(place, of: pairs.count))
      horizontal.anchor = y
      var vertical = Axis("μ of \(latentName(pair.1))")
      vertical.anchor = x
      figure.layout.axes[x] = horizontal
      figure.layout.axes[y] = vertical
    }
    return figure
  }

  /// Part of the width for one of `count` panels.
  private static func panel(_ place: Int, of count: Int) -> ClosedRange<Double> {
    let gap = count > 1 ? 0.09 : 0
    let width = (1 - gap * Double(count - 1)) / Double(count)
    let start = Double(place) * (width + gap)
    return start...min(1, start + width)
  }
}

extension Array {
  /// At most `count` entries, evenly spread.
  func thinned(to count: Int) -> [Element] {
    self.count <= count ? self : (0..<count).map { self[$0 * self.count / count] }
  }
}

extension [Double] {
  /// The largest finite entry; 0 without any.
  var finiteMax: Double { filter(\.isFinite).max() ?? 0 }
  /// The smallest finite entry; 0 without any.
  var finiteMin: Double { filter(\.isFinite).min() ?? 0 }
}
