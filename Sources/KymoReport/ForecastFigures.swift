// Figures of a forecasting run, after Figures 2 and 3 of Vlachas et al., Nature Machine Intelligence
// 4, 359 (2022): from the values of results.json alone.
import Foundation
import KymoMetrics
import KymoNumerics

extension ForecastResults {
  /// Reconstruction error against the number of latents, with published errors (2A, 3A).
  func reconstructionFigure() -> Figure {
    var figure = Figure()
    for (place, name) in reconstructionNames.enumerated() {
      let entries = reconstructions.filter { $0.name == name }
        .sorted { $0.latentCount < $1.latentCount }
      // Trained longer than those that it is compared with, it is no point of their curve.
      let (main, compared) = (entries.filter(\.isMain), entries.filter { !$0.isMain })
      if !main.isEmpty {
        let words: HTML = compared.isEmpty ? "\(name)" : "\(name), in full"
        figure.data.append(reconstructionTrace(main, words, place, "diamond"))
      }
      if !compared.isEmpty {
        figure.data.append(reconstructionTrace(compared, "\(name)", place, "circle"))
      }
      let published = entries.compactMap { entry in
        entry.reference.map { (Double(entry.latentCount), $0.value) }
      }
      guard !published.isEmpty else { continue }
      var paper = Trace(
        .scatter, x: .rounded(published.map(\.0)), y: .positive(published.map(\.1)),
        name: "published: \(name)")
      paper.mode = .markers
      paper.marker = Self.openMark(place)
      paper.hovertemplate = "%{x} latents<br>MSE %{y:.3g}<extra>published: \(name)</extra>"
      figure.data.append(paper)
    }
    figure.layout.axes = [
      .x(): Axis("latents"), .y(): Self.logarithmic("mean squared error, scaled states"),
    ]
    figure.layout.showlegend = true
    figure.layout.height = 440
    return figure
  }

  private func reconstructionTrace(
    _ entries: [Reconstruction], _ name: HTML, _ place: Int, _ symbol: String
  ) -> Trace {
    var trace = Trace(
      .scatter, x: .rounded(entries.map { Double($0.latentCount) }),
      y: .positive(entries.map(\.scaledMeanSquaredError)), name: name)
    trace.mode = entries.count > 1 ? .lines : .markers
    trace.line = Line(color: Style.colour(place), width: 2)
    trace.marker = Marker(
      color: .one(Style.colour(place)), size: 10, symbol: symbol,
      line: Line(color: "white", width: 1))
    trace.hovertemplate = "%{x} latents<br>MSE %{y:.3g}<extra>\(name)</extra>"
    return trace
  }

  /// Kinds of reductions in the order of the results.
  var reconstructionNames: [String] {
    reconstructions.map(\.name).reduce(into: []) { names, name in
      if !names.contains(name) { names.append(name) }
    }
  }

  /// NRMSE against time of several forecasts.
  func errorFigure(_ scores: [Score]) -> Figure {
    var figure = Figure()
    for (place, score) in scores.enumerated() where !score.errorCurve.isEmpty {
      let times = score.errorCurve.indices.map { Double($0 * curveStride + 1) * frameInterval }
      var trace = Trace(
        .scatter, x: .rounded(times), y: .positive(score.errorCurve), name: "\(score.name)")
      trace.mode = .lines
      trace.line = Line(color: Style.colour(place), width: place == 0 ? 2.4 : 1.6)
      trace.hovertemplate = "time %{x:.4g}<br>NRMSE %{y:.3g}<extra>\(score.name)</extra>"
      figure.data.append(trace)
    }
    figure.layout.axes = [
      .x(): Axis(frameInterval == 1 ? "time (frames)" : "time"),
      .y(): Self.logarithmic("normalised root-mean-square error"),
    ]
    figure.layout.showlegend = true
    figure.layout.height = 440
    return figure
  }

  /// MNAD, bars of one standard deviation over initial conditions, one group for each channel.
  func differenceFigure(_ scores: [Score]) -> Figure {
    var figure = Figure()
    for (channel, name) in channelNames.enumerated() {
      var trace = Trace(
        .bar, x: .words(scores.map { "\($0.name)" }),
        y: .rounded(scores.map { $0.normalizedDifference[channel].mean }), name: "\(name)")
      trace.marker = Marker(color: .one(Style.colour(channel)))
      trace.error_y = ErrorBars(
        array: scores.map { score in
          let deviation = score.normalizedDifference[channel].standardDeviation
          return deviation.isFinite ? deviation.rounded(toSignificant: 4) : 0
        }, color: Style.axisColour, thickness: 1.2, width: 4)
      figure.data.append(trace)
    }
    figure.layout.axes = [.x(): Axis(type: .category), .y(): Axis("MNAD")]
    figure.layout.showlegend = channelNames.count > 1
    figure.layout.bargap = 0.35
    return figure
  }

  /// Error and speed-up of fixed schedules against ρ (2D, 2E, 3E, 3G), and of adaptive switching.
  func tradeOffFigure() -> Figure {
    var figure = Figure()
    func marks(_ scores: [Score], _ name: HTML, _ place: Int, _ symbol: String) {
      let known = scores.filter { $0.speedUp != nil }
      guard !known.isEmpty else { return }
      var trace = Trace(
        .scatter, x: .positive(known.map { $0.speedUp ?? .nan }),
        y: .positive(known.map(\.meanDifference)), name: name)
      trace.mode = .markers
      trace.marker = Marker(
        color: .one(Style.colour(place)), size: 10, symbol: symbol,
        line: Line(color: "white", width: 1))
      trace.error_y = ErrorBars(
        array: known.map { score in
          let deviation = Statistics.mean(score.normalizedDifference.map(\.standardDeviation))
          return deviation.isFinite ? deviation.rounded(toSignificant: 4) : 0
        }, color: Style.colour(place), thickness: 1.2, width: 4)
      trace.text = known.map { "\($0.name)" }
      trace.hovertemplate = "%{text}<br>speed-up %{x:.3g}<br>MNAD %{y:.3g}<extra></extra>"
      figure.data.append(trace)
    }
    marks(schedules, "fixed schedules", 0, "circle")
    marks(ensembleSchedules, "fixed schedules, ensemble", 2, "square")
    marks(adaptive, "adaptive switching, ensemble", 1, "diamond")
    figure.layout.axes = [
      .x(): Self.logarithmic("speed-up over our solver, encoding and decoding counted"),
      .y(): Self.logarithmic("MNAD, mean over channels"),
    ]
    figure.layout.showlegend = true
    figure.layout.height = 460
    return figure
  }

  /// MNAD and correlation against ρ, Latent-LED at the right end.
  func ratioFigure() -> Figure {
    var figure = Figure()
    let fixed = schedules.filter { $0.microSteps != 0 && $0.ratio != nil }
    for (channel, name) in channelNames.enumerated() {
      var trace = Trace(
        .scatter, x: .positive(fixed.compactMap(\.ratio)),
        y: .positive(fixed.map { $0.normalizedDifference[channel].mean }), name: "MNAD, \(name)")
      trace.mode = .lines
      trace.line = Line(color: Style.colour(channel), width: 2)
      trace.error_y = ErrorBars(
        array: fixed.map { score in
          let deviation = score.normalizedDifference[channel].standardDeviation
          return deviation.isFinite ? deviation.rounded(toSignificant: 4) : 0
        }, color: Style.colour(channel), thickness: 1.2, width: 4)
      figure.data.append(trace)
    }
    let published = fixed.compactMap { score in
      score.ratio.flatMap { ratio in score.reference.map { (ratio, $0.value) } }
    }
    if !published.isEmpty {
      var paper = Trace(
        .scatter, x: .positive(published.map(\.0)), y: .positive(published.map(\.1)),
        name: "published: MNAD, \(channelNames.last ?? "")")
      paper.mode = .markers
      paper.marker = Self.openMark(channelNames.count - 1)
      figure.data.append(paper)
    }
    var correlation = Trace(
      .scatter, x: .positive(fixed.compactMap(\.ratio)),
      y: .rounded(fixed.map(\.correlation.mean)), name: "correlation")
    (correlation.mode, correlation.xaxis, correlation.yaxis) = (.lines, .x(2), .y(2))
    correlation.line = Line(color: Style.palette[2], width: 2)
    correlation.error_y = ErrorBars(
      array: fixed.map { score in
        let deviation = score.correlation.standardDeviation
        return deviation.isFinite ? deviation.rounded(toSignificant: 4) : 0
      }, color: Style.palette[2], thickness: 1.2, width: 4)
    figure.data.append(correlation)
    var upper = Self.logarithmic("MNAD")
    (upper.domain, upper.anchor) = ([0.46, 1], .x())
    var lower = Axis("correlation", domain: 0...0.38)
    lower.anchor = .x(2)
    var top = Self.logarithmic(nil)
    (top.anchor, top.showticklabels, top.matches) = (.y(), false, .x(2))
    var bottom = Self.logarithmic("ρ = latent steps / solver steps")
    bottom.anchor = .y(2)
    figure.layout.axes = [.x(): top, .y(): upper, .x(2): bottom, .y(2): lower]
    figure.layout.showlegend = true
    figure.layout.height = 560
    return figure
  }

  static func logarithmic(_ title: HTML?) -> Axis {
    var axis = Axis(title, type: .log)
    axis.showgrid = true
    return axis
  }

  private static func openMark(_ place: Int) -> Marker {
    Marker(
      color: .one("white"), size: 9, symbol: "square",
      line: Line(color: Style.colour(place), width: 1.8))
  }
}

extension ForecastResults.LatentPath {
  /// The encoded truth and the forecast in the plane of two latents (2F).
  func figure() -> Figure {
    var figure = Figure()
    for (place, (points, name)) in [(truth, "truth, encoded"), (forecast, "forecast")].enumerated()
    {
      var trace = Trace(
        .scatter, x: .rounded(points.map { $0[0] }), y: .rounded(points.map { $0[1] }),
        name: "\(name)")
      trace.mode = .lines
      trace.line = Line(color: Style.colour(place), width: place == 0 ? 2.6 : 1.2)
      trace.hovertemplate = "%{x:.4g}, %{y:.4g}<extra>\(name)</extra>"
      figure.data.append(trace)
    }
    figure.layout.axes = [
      .x(): Axis("latent \(latents[0] + 1)"), .y(): Axis("latent \(latents[1] + 1)"),
    ]
    figure.layout.showlegend = true
    figure.layout.height = 460
    return figure
  }
}

extension ForecastResults.Density {
  /// The decimal logarithm of both densities beside each other (3C, 3D).
  func figure() -> Figure {
    var figure = Figure()
    let largest = (truth + forecast).joined().max() ?? 1
    let floor = log10(max(largest, .leastNormalMagnitude)) - 4
    let colours = [
      ColourStop(position: 0, colour: "#ffffff"), ColourStop(position: 0.5, colour: "#56b4e9"),
      ColourStop(position: 1, colour: "#053061"),
    ]
    for (place, (grid, name)) in [(truth, "truth"), (forecast, "forecast")].enumerated() {
      let (x, y) = (AxisName.x(place + 1), AxisName.y(place + 1))
      var trace = Trace(
        .heatmap, x: .rounded(centres(0, count: grid.first?.count ?? 0)),
        y: .rounded(centres(1, count: grid.count)))
      trace.z = grid.map { row in
        row.map { $0 > 0 ? max(floor, log10($0)).rounded(toDecimals: 2) : nil }
      }
      (trace.xaxis, trace.yaxis, trace.colorscale) = (x, y, colours)
      (trace.zmin, trace.zmax) = (
        floor.rounded(toDecimals: 2), (floor + 4).rounded(toDecimals: 2)
      )
      trace.colorbar = ColourBar(title: Label("log₁₀ share", side: "top"), len: 1, y: 0.5)
      trace.hovertemplate = "%{x}, %{y}<br>log₁₀ share %{z}<extra></extra>"
      figure.data.append(trace)
      var horizontal = Axis(
        "\(axes[0])", domain: place == 0 ? 0...0.45 : 0.55...1)
      horizontal.anchor = y
      var vertical = Axis(place == 0 ? "\(axes[1])" : nil)
      vertical.anchor = x
      figure.layout.axes[x] = horizontal
      figure.layout.axes[y] = vertical
      figure.layout.annotations.append(.panelName("\(name)", x: x, y: y))
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

extension [TrainingRecord] {
  /// Loss and validation loss of every stage, beside each other over all epochs.
  func stageFigure() -> Figure {
    var figure = Figure()
    let stages = compactMap(\.stage).reduce(into: [String]()) { names, name in
      if names.last != name { names.append(name) }
    }
    for (place, stage) in stages.enumerated() {
      let records = filter { $0.stage == stage }
      let kept = records.enumerated().filter {
        $0.offset.isMultiple(of: Swift.max(1, records.count / 800))
      }.map(\.element)
      let curves: [(HTML, [Double?], String?)] = [
        ("\(stage)", kept.map(\.loss), nil),
        ("\(stage), validation", kept.map(\.validation), "dot"),
      ]
      for (name, values, dash) in curves where values.contains(where: { $0 != nil }) {
        var trace = Trace(
          .scatter, x: .rounded(kept.map { Double($0.step) }),
          y: .positive(values.map { $0 ?? .nan }), name: name)
        trace.mode = .lines
        trace.line = Line(color: Style.colour(place), width: 1.6, dash: dash)
        trace.hovertemplate = "epoch %{x}<br>loss %{y:.3g}<extra>\(name)</extra>"
        figure.data.append(trace)
      }
    }
    figure.layout.axes = [.x(): Axis("epoch"), .y(): ForecastResults.logarithmic("loss")]
    figure.layout.showlegend = true
    figure.layout.height = 460
    return figure
  }
}
