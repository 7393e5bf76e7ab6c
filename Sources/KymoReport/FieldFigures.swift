// Space–time pictures: an example of the data, and truth, prediction and error of a recording, as
// in Figure 4 of Lu, Kim and Soljacic (2020). Time runs to the right in all of them.
import KymoMetrics

/// A picture with at most `side` rows and columns, rounded for the file.
struct Picture: Sendable {
  /// `[space][time]`, as Plotly draws it; nil where the field is not finite.
  var values: [[Double?]]
  var times: [Double]
  var positions: [Double]

  /// Averages blocks of `rows` (`[time][space]`) so that neither side exceeds `side`.
  init(_ rows: [[Double]], times: [Double], positions: [Double], side: Int) {
    let timeBlocks = Self.blocks(times.count, atMost: side)
    let spaceBlocks = Self.blocks(positions.count, atMost: side)
    func average(_ values: [Double], _ block: Range<Int>) -> Double {
      block.reduce(0) { $0 + values[$1] } / Double(block.count)
    }
    self.times = timeBlocks.map { average(times, $0).rounded(toSignificant: 6) }
    self.positions = spaceBlocks.map { average(positions, $0).rounded(toSignificant: 6) }
    values = spaceBlocks.map { space in
      timeBlocks.map { time in
        let value = time.reduce(0) { $0 + average(rows[$1], space) } / Double(time.count)
        return value.isFinite ? value : nil
      }
    }
  }

  /// The scale of this picture as one of a field.
  var scale: ColourScale {
    let known = values.joined().compactMap { $0 }
    return ColourScale(field: known, isOfOneSign: ColourScale.isOfOneSign(known))
  }

  /// As a heat map in the colours of a scale.
  func heatmap(_ scale: ColourScale, x: AxisName, y: AxisName, bar: ColourBar) -> Trace {
    var trace = scale.heatmap(x: .numbers(times), y: .numbers(positions), values: values)
    (trace.xaxis, trace.yaxis, trace.colorbar) = (x, y, bar)
    trace.hovertemplate = "time %{x}<br>position %{y}<br>value %{z}<extra></extra>"
    return trace
  }

  private static func blocks(_ count: Int, atMost side: Int) -> [Range<Int>] {
    let blocks = min(count, side)
    return (0..<blocks).map { $0 * count / blocks..<($0 + 1) * count / blocks }
  }
}

extension ExtractionResults.FieldComparison {
  /// Truth, prediction and error above one another on a common time axis.
  func figure(side: Int) -> Figure {
    let pictures = [rows(truth), rows(prediction), error].map {
      Picture($0, times: times, positions: positions, side: side)
    }
    let scales = [pictures[0].scale, pictures[0].scale, ColourScale(errorsTo: errorLimit)]
    let names: [HTML] = ["truth", "prediction", "prediction − truth"]
    var figure = Figure()
    figure.layout.height = 620
    figure.layout.margin.r = 90
    for (row, picture) in pictures.enumerated() {
      let (x, y) = (AxisName.x(row + 1), AxisName.y(row + 1))
      let bottom = 1 - Double(row + 1) * 0.3 - Double(row) * 0.05
      let domain = max(0, bottom)...(bottom + 0.3)
      figure.data.append(
        picture.heatmap(
          scales[row], x: x, y: y,
          bar: ColourBar(
            title: Label(row == 2 ? "error" : "field", side: "top"), len: 0.31,
            y: (domain.lowerBound + domain.upperBound) / 2)))
      var time = Axis(row == 2 ? "time" : nil)
      (time.anchor, time.showticklabels) = (y, row == 2)
      if row > 0 { time.matches = .x() }
      var space = Axis("position", domain: domain)
      space.anchor = x
      figure.layout.axes[x] = time
      figure.layout.axes[y] = space
      figure.layout.annotations.append(.panelName(names[row], x: x, y: y))
      if hasTrainedTime {
        figure.layout.shapes.append(.vertical(at: trainedTime, axis: x, panel: y))
      }
    }
    return figure
  }

  /// The recording alone.
  func exampleFigure(side: Int) -> Figure {
    let picture = Picture(rows(truth), times: times, positions: positions, side: side)
    var figure = Figure()
    figure.layout.height = 270
    figure.layout.margin.r = 90
    figure.data = [
      picture.heatmap(
        picture.scale, x: .x(), y: .y(),
        bar: ColourBar(title: Label("field", side: "top"), len: 1.05, y: 0.5))
    ]
    figure.layout.axes = [.x(): Axis("time"), .y(): Axis("position")]
    return figure
  }

  /// Limit of the error's colours; a prediction that ran away must not hide the rest of its error.
  var errorLimit: Double {
    func largest(_ rows: [[Double]]) -> Double {
      rows.joined().reduce(0) { $1.isFinite ? max($0, $1.magnitude) : $0 }
    }
    let limit = min(largest(error), 2 * largest(rows(truth)))
    return limit > 0 ? limit : 1
  }

  /// Prediction minus truth.
  private var error: [[Double]] {
    zip(rows(prediction), rows(truth)).map { zip($0, $1).map { $0 - $1 } }
  }

  /// Whether the end of the trained length lies inside the picture.
  var hasTrainedTime: Bool {
    guard let first = times.first, let last = times.last else { return false }
    return trainedTime > first && trainedTime < last
  }

  private func rows(_ picture: [[Float]]) -> [[Double]] { picture.map { $0.map(Double.init) } }
}

extension Annotation {
  /// A name in the upper left corner of a panel, readable over a picture.
  static func panelName(_ text: HTML, x: AxisName, y: AxisName) -> Annotation {
    var annotation = Annotation(
      text: text, xref: x.inTraces + " domain", yref: y.inTraces + " domain", x: 0, y: 1,
      xanchor: "left", yanchor: "top")
    (annotation.bgcolor, annotation.borderpad) = ("rgba(255,255,255,0.85)", 3)
    (annotation.xshift, annotation.yshift) = (5, -5)
    return annotation
  }
}
