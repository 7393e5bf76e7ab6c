// Fields beside what was predicted of them: space–time pictures of fields in 1D, with time to the
// right, and snapshots of fields in 2D, one row for each time.
import KymoNumerics
import KymoResults

extension FieldComparison {
  /// Whether there is anything to draw.
  var isDrawable: Bool { !times.isEmpty && cellCount > 0 }

  /// Truth, prediction and difference of one channel; the recording alone where nothing was
  /// predicted.
  func figure(of channel: Channel, side: Int) -> Figure {
    positions.count == 1 ? spaceTimeFigure(channel, side) : snapshotFigure(channel, side)
  }

  /// What is to be said of the colours and of the trained length.
  func note(on channel: Channel, isNamed: Bool, side: Int) -> String {
    var parts: [String] = isNamed ? ["Channel \(channel.name)."] : []
    if channel.prediction != nil {
      let limit =
        positions.count == 1
        ? ", up to ±" + NumberText.significant(errorLimit(channel, times.indices)) : ""
      parts.append("Truth and prediction share their colours; the error has its own\(limit).")
      if circles != nil {
        parts.append("A hundredth of the values, next to the body, lies beyond the colours.")
      }
    }
    if let trainedTime, positions.count > 1 || isInside(trainedTime) {
      let place = positions.count == 1 ? "the dashed line, " : ""
      parts.append("Training reached to \(place)t = \(NumberText.significant(trainedTime)).")
    }
    return parts.joined(separator: " ")
  }

  private func isInside(_ time: Double) -> Bool {
    guard let first = times.first, let last = times.last else { return false }
    return time > first && time < last
  }

  /// One frame of a channel, one row for each position along the first axis.
  private func rows(_ values: [Float], _ frame: Int) -> [[Double]] {
    let width = positions[positions.count - 1].count
    let start = frame * cellCount
    return (0..<cellCount / width).map { row in
      values[start + row * width..<start + (row + 1) * width].map(Double.init)
    }
  }

  /// What 99 % of the magnitudes do not exceed: the layer at a body is many times as strong as all
  /// that happens behind it.
  private func usual(_ values: some Sequence<Double>) -> Double {
    let known = values.lazy.map(\.magnitude).filter(\.isFinite)
    return Statistics.quantile(Array(known), 0.99)
  }

  /// Limit of the error's colours over some frames; a prediction that diverged must not hide the
  /// rest.
  private func errorLimit(_ channel: Channel, _ frames: Range<Int>) -> Double {
    let cells = frames.lowerBound * cellCount..<frames.upperBound * cellCount
    var (error, truth) = (0.0, 0.0)
    for cell in cells {
      let recorded = Double(channel.truth[cell])
      let miss = Double(channel.prediction?[cell] ?? 0) - recorded
      if miss.isFinite { error = max(error, miss.magnitude) }
      if recorded.isFinite { truth = max(truth, recorded.magnitude) }
    }
    var limit = min(error, 2 * truth)
    if circles != nil, limit > 0 {
      limit = min(limit, usual(self.error(channel)[cells].lazy.map(Double.init)))
    }
    return limit > 0 ? limit : 1
  }

  private func error(_ channel: Channel) -> [Float] {
    zip(channel.prediction ?? [], channel.truth).map { $0 - $1 }
  }

  // MARK: 1D

  private func spaceTimeFigure(_ channel: Channel, _ side: Int) -> Figure {
    func picture(_ values: [Float]) -> Picture {
      Picture(
        times.indices.map { rows(values, $0)[0] }, times: times, positions: positions[0],
        side: side)
    }
    let truth = picture(channel.truth)
    guard let prediction = channel.prediction else { return alone(truth) }
    let pictures = [truth, picture(prediction), picture(error(channel))]
    let scales = [
      truth.scale, truth.scale, ColourScale(errorsTo: errorLimit(channel, times.indices)),
    ]
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
            title: Label(row == 2 ? "error" : "\(channel.name)", side: "top"), len: 0.31,
            y: (domain.lowerBound + domain.upperBound) / 2)))
      var time = Axis(row == 2 ? "\(axisName(0))" : nil)
      (time.anchor, time.showticklabels) = (y, row == 2)
      if row > 0 { time.matches = .x() }
      figure.layout.axes[x] = time
      figure.layout.axes[y] = Axis("\(axisName(1))", domain: domain, anchor: x)
      figure.layout.annotations.append(.panelName(names[row], x: x, y: y))
      if let trainedTime, isInside(trainedTime) {
        figure.layout.shapes.append(.vertical(at: trainedTime, axis: x, panel: y))
      }
    }
    return figure
  }

  /// A recording without a prediction.
  private func alone(_ picture: Picture) -> Figure {
    var figure = Figure()
    figure.layout.height = 270
    figure.layout.margin.r = 90
    figure.data = [
      picture.heatmap(
        picture.scale, x: .x(), y: .y(),
        bar: ColourBar(title: Label("\(channels[0].name)", side: "top"), len: 1.05, y: 0.5))
    ]
    figure.layout.axes = [.x(): Axis("\(axisName(0))"), .y(): Axis("\(axisName(1))")]
    return figure
  }

  // MARK: 2D

  /// Height of a snapshot over its width where both axes have one unit; nil for very long boxes.
  private var heightToWidth: Double? {
    func extent(_ axis: Int) -> Double {
      let places = positions[axis]
      guard places.count > 1 else { return 0 }
      return (places[places.count - 1] - places[0]) * Double(places.count)
        / Double(places.count - 1)
    }
    let ratio = extent(0) / extent(1)
    return (0.2...5).contains(ratio) ? ratio : nil
  }

  private func snapshotFigure(_ channel: Channel, _ side: Int) -> Figure {
    var figure = Figure()
    let shape = heightToWidth
    figure.layout.height = 40 + (shape.map { 60 + 260 * min($0, 1) } ?? 290) * Double(times.count)
    figure.layout.margin.r = 90
    let columns: [(name: HTML, left: Double)] =
      channel.prediction == nil
      ? [("truth", 0)] : [("truth", 0), ("prediction", 0.33), ("prediction − truth", 0.7)]
    let height = 1 / Double(times.count)
    let isOfOneSign = ColourScale.isOfOneSign(channel.truth.lazy.map(Double.init))
    let bounds = circles.map { _ in usual(channel.truth.lazy.map(Double.init)) }
    let values = [channel.truth, channel.prediction ?? [], error(channel)]
    for row in times.indices {
      let bottom = 1 - Double(row + 1) * height
      let domain = bottom...(bottom + 0.84 * height)
      let truth = rows(channel.truth, row)
      var field = ColourScale(field: truth.joined(), isOfOneSign: isOfOneSign)
      if let bounds, !isOfOneSign, bounds > 0 { field.limits = -bounds...bounds }
      let scales = [field, field, ColourScale(errorsTo: errorLimit(channel, row..<row + 1))]
      for (column, (name, left)) in columns.enumerated() {
        let number = columns.count * row + column + 1
        let (x, y) = (AxisName.x(number), AxisName.y(number))
        let picture = Picture(
          snapshot: rows(values[column], row), rows: positions[0], columns: positions[1],
          side: side)
        var trace = scales[column].heatmap(
          x: .rounded(picture.columns), y: .rounded(picture.rows), values: picture.values)
        trace.hovertemplate = "second axis %{x}<br>first axis %{y}<br>value %{z}<extra></extra>"
        (trace.xaxis, trace.yaxis) = (x, y)
        if column > 0 || columns.count == 1 {
          trace.colorbar = ColourBar(
            title: Label(column == 2 ? "error" : "\(channel.name)", side: "top"),
            len: 0.84 * height,
            y: (domain.lowerBound + domain.upperBound) / 2, x: column == 1 ? 0.61 : nil)
        } else {
          trace.showscale = false
        }
        figure.data.append(trace)
        figure.layout.axes[x] = Axis(
          row == times.count - 1 ? "\(axisName(2))" : nil, domain: left...(left + 0.27), anchor: y)
        var down = Axis(column == 0 ? "\(axisName(1))" : nil, domain: domain, anchor: x)
        if column > 0 { down.showticklabels = false }
        if shape != nil { (down.scaleanchor, down.constrain) = (x, "domain") }
        figure.layout.axes[y] = down
        let time: HTML =
          column == 0 ? "\(name), t = \(NumberText.significant(times[row]))" : name
        figure.layout.annotations.append(.panelName(time, x: x, y: y))
        figure.layout.shapes += (circles ?? []).map { .circle($0, x: x, y: y) }
      }
    }
    return figure
  }
}

/// A picture with at most `side` rows and columns, rounded for the file.
struct Picture: Sendable {
  /// One row for each entry of `rows`; nil where the field is not finite.
  var values: [[Double?]]
  /// Positions of the rows.
  var rows: [Double]
  /// Positions of the columns.
  var columns: [Double]

  /// Averages blocks so that neither side exceeds `side`.
  init(_ values: [[Double]], rows: [Double], columns: [Double], side: Int) {
    self.init(values, rows: rows, columns: columns, most: (side, side))
  }

  /// A snapshot whose longer side does not exceed `side`, and whose cells keep their shape.
  init(snapshot values: [[Double]], rows: [Double], columns: [Double], side: Int) {
    let longer = max(rows.count, columns.count)
    func most(_ count: Int) -> Int { longer <= side ? count : max(1, count * side / longer) }
    self.init(values, rows: rows, columns: columns, most: (most(rows.count), most(columns.count)))
  }

  private init(
    _ values: [[Double]], rows: [Double], columns: [Double], most: (rows: Int, columns: Int)
  ) {
    let rowBlocks = Self.blocks(rows.count, atMost: most.rows)
    let columnBlocks = Self.blocks(columns.count, atMost: most.columns)
    func average(_ values: [Double], _ block: Range<Int>) -> Double {
      block.reduce(0) { $0 + values[$1] } / Double(block.count)
    }
    self.rows = rowBlocks.map { average(rows, $0).rounded(toSignificant: 6) }
    self.columns = columnBlocks.map { average(columns, $0).rounded(toSignificant: 6) }
    self.values = rowBlocks.map { row in
      columnBlocks.map { column in
        let value = row.reduce(0) { $0 + average(values[$1], column) } / Double(row.count)
        return value.isFinite ? value : nil
      }
    }
  }

  /// A space–time picture of `[time][space]`, time to the right.
  init(_ frames: [[Double]], times: [Double], positions: [Double], side: Int) {
    self.init(frames, rows: times, columns: positions, side: side)
    let averaged = values
    values = columns.indices.map { space in averaged.map { $0[space] } }
    (rows, columns) = (columns, rows)
  }

  /// The scale of this picture as one of a field.
  var scale: ColourScale {
    let known = values.joined().compactMap { $0 }
    return ColourScale(field: known, isOfOneSign: ColourScale.isOfOneSign(known))
  }

  /// As a heat map in the colours of a scale, time to the right.
  func heatmap(_ scale: ColourScale, x: AxisName, y: AxisName, bar: ColourBar) -> Trace {
    var trace = scale.heatmap(x: .numbers(columns), y: .numbers(rows), values: values)
    (trace.xaxis, trace.yaxis, trace.colorbar) = (x, y, bar)
    trace.hovertemplate = "time %{x}<br>position %{y}<br>value %{z}<extra></extra>"
    return trace
  }

  private static func blocks(_ count: Int, atMost side: Int) -> [Range<Int>] {
    let blocks = min(count, side)
    return (0..<blocks).map { $0 * count / blocks..<($0 + 1) * count / blocks }
  }
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
