// How a training went, from metrics.jsonl: whatever numbers its lines have.
import Foundation
import KymoNumerics
import KymoResults

/// One line of metrics.jsonl: named numbers, and lists of them such as one for each latent.
struct TrainingRecord: Decodable, Sendable {
  var step: Int
  var seconds: Double?
  /// What is trained, where several models are trained one after the other.
  var stage: String?
  var numbers: [String: Double] = [:]
  var lists: [String: [Double]] = [:]

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: SettingKey.self)
    step = try values.decode(Int.self, forKey: SettingKey("step"))
    seconds = try values.decodeIfPresent(Double.self, forKey: SettingKey("seconds"))
    stage = try values.decodeIfPresent(String.self, forKey: SettingKey("stage"))
    for key in values.allKeys where !["step", "seconds", "stage"].contains(key.stringValue) {
      if let number = try? values.decode(Double.self, forKey: key) {
        numbers[key.stringValue] = number
      } else if let list = try? values.decode([Double].self, forKey: key), !list.isEmpty {
        lists[key.stringValue] = list
      }
    }
  }

  /// The mean of neighbours.
  init(joining records: ArraySlice<TrainingRecord>) {
    step = records.map(\.step).reduce(0, +) / records.count
    (seconds, stage) = (records.last?.seconds, records.last?.stage)
    func mean(_ values: [Double]) -> Double? {
      values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
    for name in Set(records.flatMap(\.numbers.keys)) {
      numbers[name] = mean(records.compactMap { $0.numbers[name] })
    }
    for name in Set(records.flatMap(\.lists.keys)) {
      let lists = records.compactMap { $0.lists[name] }
      let length = lists.map(\.count).min() ?? 0
      self.lists[name] = (0..<length).compactMap { entry in mean(lists.map { $0[entry] }) }
    }
  }
}

extension [TrainingRecord] {
  /// Numbers that are no part of the loss.
  private static let others: Set = ["learningRate", "gradientNorm", "beta", "validation"]
  /// Most records of a curve.
  private static let shownRecords = 1000

  /// Whether several models were trained one after the other.
  var isStaged: Bool { contains { $0.stage != nil } }

  /// The curves of the training.
  func figure() -> Figure { isStaged ? stageFigure() : stepFigure() }

  /// Losses, learning rate, and lists against the training step, above one another.
  private func stepFigure() -> Figure {
    let records = averaged(to: Self.shownRecords)
    let steps = records.map { Double($0.step) }
    func names(_ keys: (TrainingRecord) -> [String]) -> [String] {
      Set(records.flatMap(keys)).sorted()
    }
    let parts = names { Array<String>($0.numbers.keys) }
      .filter { !Self.others.contains($0) && $0 != "loss" }
    let lists = names { Array<String>($0.lists.keys) }
    var panels: [(title: String, curves: [(name: String, values: [Double?])])] = [
      (
        "loss",
        (["loss"] + parts.reversed()).map { name in
          (name.asWords, records.map { $0.numbers[name] })
        }
      ),
      ("learning rate", [("learning rate", records.map { $0.numbers["learningRate"] })]),
    ]
    panels += lists.reversed().map { name in
      let width = records.compactMap { $0.lists[name]?.count }.max() ?? 0
      let first = name.asWords.split(separator: " ").first.map(String.init) ?? name
      return (
        name.asWords,
        (0..<width).map { entry in
          ("\(first) \(entry + 1)", records.map { $0.lists[name]?[safe: entry] })
        }
      )
    }
    var figure = Figure()
    figure.layout.height = 220 + 180 * Double(panels.count - 1)
    figure.layout.showlegend = true
    figure.layout.margin.r = 150
    figure.layout.legends = []
    for (place, panel) in panels.enumerated() {
      let domain = ClosedRange.panel(panels.count - 1 - place, of: panels.count, gap: 0.05)
      figure.layout.legends.append(.beside(domain.upperBound))
      figure.add(panel.curves, panel.title, steps, place, domain, isLast: place == panels.count - 1)
    }
    return figure
  }

  /// Loss and validation loss of every stage, beside each other over all epochs.
  private func stageFigure() -> Figure {
    var figure = Figure()
    let stages = compactMap(\.stage).reduce(into: [String]()) { names, name in
      if names.last != name { names.append(name) }
    }
    // The loss of a density is a logarithm, of either sign.
    let isLogarithmic = allSatisfy { record in
      ["loss", "validation"].allSatisfy { (record.numbers[$0] ?? 1) > 0 }
    }
    let axis = PlotAxis("loss", isLogarithmic: isLogarithmic)
    var all: [Double] = []
    for (place, stage) in stages.enumerated() {
      let records = filter { $0.stage == stage }
      let kept = records.thinned(to: 800)
      let curves: [(HTML, [Double?], String?)] = [
        ("\(stage)", kept.map { $0.numbers["loss"] }, nil),
        ("\(stage), validation", kept.map { $0.numbers["validation"] }, "dot"),
      ]
      for (name, values, dash) in curves where values.contains(where: { $0 != nil }) {
        let shown = values.map { $0 ?? .nan }
        all += shown
        var trace = Trace(
          .scatter, x: .rounded(kept.map { Double($0.step) }), y: axis.coordinates(shown),
          name: name)
        trace.mode = .lines
        trace.line = Line(color: Style.colour(place), width: 1.6, dash: dash)
        trace.hovertemplate = "epoch %{x}<br>loss %{y:.3g}<extra>\(name)</extra>"
        figure.data.append(trace)
      }
    }
    figure.layout.axes = [
      .x(): Axis("epoch"), .y(): axis.axis(all),
    ]
    figure.layout.showlegend = true
    figure.layout.height = 460
    return figure
  }

  /// At most `count` records, each the mean of as many neighbours.
  private func averaged(to count: Int) -> [TrainingRecord] {
    guard self.count > count else { return self }
    return (0..<count).map { block in
      TrainingRecord(
        joining: self[block * self.count / count..<(block + 1) * self.count / count])
    }
  }
}

extension Figure {
  /// Adds a panel of curves against the training step.
  fileprivate mutating func add(
    _ curves: [(name: String, values: [Double?])], _ title: String, _ steps: [Double],
    _ place: Int, _ domain: ClosedRange<Double>, isLast: Bool
  ) {
    let (x, y) = (AxisName.x(place + 1), AxisName.y(place + 1))
    let known = curves.flatMap { $0.values.compactMap { $0 } }.filter(\.isFinite)
    let (least, most) = (known.min() ?? 0, known.max() ?? 0)
    let isLogarithmic =
      place == 0 ? most > 0 : place > 1 && least > 0 && most > 100 * least
    for (number, curve) in curves.enumerated() where curve.values.contains(where: { $0 != nil }) {
      let values = curve.values.map { value in
        value.flatMap { $0.isFinite ? $0.rounded(toSignificant: 5) : nil }
      }
      var trace = Trace(.scatter, x: .rounded(steps), y: .numbers(values), name: "\(curve.name)")
      trace.mode = .lines
      trace.line = Line(
        color: place < 2 && number == 0
          ? Style.palette[6] : Style.colour(place < 2 ? number - 1 : number),
        width: 1.5)
      (trace.xaxis, trace.yaxis) = (x, y)
      if place > 0 { trace.legend = "legend\(place + 1)" }
      trace.showlegend = curves.count > 1
      trace.hovertemplate = "step %{x}<br>\(curve.name) %{y:.4g}<extra></extra>"
      data.append(trace)
    }
    var horizontal = Axis(isLast ? "training step" : nil)
    (horizontal.anchor, horizontal.showticklabels) = (y, isLast)
    if place > 0 { horizontal.matches = .x() }
    var vertical = PlotAxis(title, isLogarithmic: isLogarithmic)
      .axis(known, domain: domain, anchor: x)
    if place == 1 { vertical.nticks = 4 }
    layout.axes[x] = horizontal
    layout.axes[y] = vertical
  }
}

extension String {
  /// A key in words: "dataHash" as "data hash", "latentSigma2" as "latent σ²".
  var asWords: String {
    reduce(into: "") { $0 += $1.isUppercase ? " " + $1.lowercased() : String($1) }
      .replacing("sigma2", with: "σ²")
  }
}
