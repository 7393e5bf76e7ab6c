// A figure as Plotly reads it, as typed values; only what the figures of the report need. Names of
// properties are Plotly's own (https://plotly.com/javascript/reference), so that the JSON can be
// opened with any Plotly. Labels are HTML, because Plotly reads them so: names in them are escaped.
import Foundation
import KymoNumerics
import KymoResults

/// A Plotly figure: traces and a layout.
struct Figure: Encodable, Sendable {
  var data: [Trace] = []
  var layout = Layout()

  /// Writes figures so that the same ones give the same bytes.
  static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // Gaps in data are nulls already; this is for the odd limit computed from a NaN.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return encoder
  }
}

/// Positions along an axis: numbers, or names of categories.
enum Coordinates: Encodable, Sendable {
  case numbers([Double?])
  case words([HTML])

  /// Numbers with five significant digits; what is not finite becomes a gap.
  static func rounded(_ values: [Double]) -> Coordinates {
    .numbers(values.map { $0.isFinite ? $0.rounded(toSignificant: 5) : nil })
  }

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .numbers(let values): try values.encode(to: encoder)
    case .words(let words): try words.encode(to: encoder)
    }
  }
}

/// One set of marks.
struct Trace: Encodable, Sendable {
  enum Kind: String, Encodable { case scatter, bar, heatmap }
  enum Mode: String, Encodable { case lines, markers }
  enum Fill: String, Encodable { case tonexty }

  var type: Kind
  var mode: Mode?
  var name: HTML?
  var x: Coordinates?
  var y: Coordinates?
  var z: [[Double?]]?
  var text: [HTML]?
  var textposition: String?
  var cliponaxis: Bool?
  var error_y: ErrorBars?
  var line: Line?
  var marker: Marker?
  var fill: Fill?
  var fillcolor: String?
  var xaxis: AxisName?
  var yaxis: AxisName?
  var showlegend: Bool?
  var legendgroup: String?
  var legend: String?
  var hoverinfo: String?
  var hovertemplate: HTML?
  var colorscale: [ColourStop]?
  var zmin: Double?
  var zmax: Double?
  var colorbar: ColourBar?
  var showscale: Bool?
  var width: Double?

  init(_ type: Kind, x: Coordinates? = nil, y: Coordinates? = nil, name: HTML? = nil) {
    (self.type, self.x, self.y, self.name) = (type, x, y, name)
  }
}

struct ErrorBars: Encodable, Sendable {
  var array: [Double]
  var type = "data"
  var color: String
  var thickness = 0.8
  var width = 0.0
}

struct Line: Encodable, Sendable {
  var color: String
  var width: Double = 1.6
  var dash: String?
}

struct Marker: Encodable, Sendable {
  /// One colour, or one for each mark.
  enum Colours: Encodable, Sendable {
    case one(String)
    case each([String])

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .one(let colour): try colour.encode(to: encoder)
      case .each(let colours): try colours.encode(to: encoder)
      }
    }
  }

  var color: Colours
  var size: Double?
  var symbol: String?
  var line: Line?
}

/// A position in [0, 1] and its colour.
struct ColourStop: Encodable, Equatable, Sendable {
  var position: Double
  var colour: String

  func encode(to encoder: any Encoder) throws {
    var container = encoder.unkeyedContainer()
    try container.encode(position)
    try container.encode(colour)
  }
}

struct ColourBar: Encodable, Sendable {
  var title: Label
  var len: Double
  var y: Double
  /// Where its left edge is; right of the panels when nil.
  var x: Double?
  var yanchor = "middle"
  var thickness = 12.0
  var outlinewidth = 0.5
  var ticks = "outside"
  var ticklen = 3.0
  var nticks = 5
}

/// A text with its font.
struct Label: Encodable, Sendable {
  var text: HTML
  var side: String?
  var standoff: Double?

  init(_ text: HTML, side: String? = nil, standoff: Double? = nil) {
    (self.text, self.side, self.standoff) = (text, side, standoff)
  }
}

/// The name of an axis: Plotly counts x, x2, x3 in traces and xaxis, xaxis2, xaxis3 in layouts.
struct AxisName: Hashable, Encodable, Sendable {
  enum Letter: String, Sendable { case x, y }
  var letter: Letter
  var number: Int

  static func x(_ number: Int = 1) -> AxisName { AxisName(letter: .x, number: number) }
  static func y(_ number: Int = 1) -> AxisName { AxisName(letter: .y, number: number) }

  var inTraces: String { letter.rawValue + suffix }
  var inLayout: String { letter.rawValue + "axis" + suffix }
  private var suffix: String { number == 1 ? "" : String(number) }

  func encode(to encoder: any Encoder) throws { try inTraces.encode(to: encoder) }
}

struct Axis: Encodable, Sendable {
  enum Scale: String, Encodable { case linear, log, category }

  var title: Label?
  var type: Scale?
  /// Decades on a logarithmic axis.
  var range: [Double]?
  var domain: [Double]?
  var anchor: AxisName?
  var matches: AxisName?
  /// An axis whose unit is as long as this one's.
  var scaleanchor: AxisName?
  /// What gives way for that: the range or the domain.
  var constrain: String?
  var showticklabels: Bool?
  var nticks: Int?
  var exponentformat = "power"
  var dtick: Double?
  var showline = true
  var mirror = true
  var linecolor = Style.axisColour
  var linewidth = 1.0
  var ticks = "outside"
  var ticklen = 4.0
  var tickcolor = Style.axisColour
  var showgrid = false
  var gridcolor = Style.gridColour
  var zeroline = false
  var automargin = true

  init(
    _ title: HTML? = nil, type: Scale? = nil, domain: ClosedRange<Double>? = nil,
    anchor: AxisName? = nil
  ) {
    self.title = title.map { Label($0, standoff: 8) }
    (self.type, self.anchor) = (type, anchor)
    self.domain = domain.map { [$0.lowerBound, $0.upperBound] }
  }
}

/// A line or band behind or over the marks.
struct Shape: Encodable, Sendable {
  var type = "line"
  var xref: String
  var yref: String
  var x0: Double
  var x1: Double
  var y0: Double
  var y1: Double
  var line: Line
  var fillcolor: String?

  /// A vertical line over the whole height of the figure, or of one panel.
  static func vertical(at x: Double, axis: AxisName = .x(), panel: AxisName? = nil) -> Shape {
    Shape(
      xref: axis.inTraces, yref: panel.map { $0.inTraces + " domain" } ?? "paper", x0: x, x1: x,
      y0: 0, y1: 1, line: Line(color: Style.markColour, width: 1.2, dash: "dash"))
  }

  /// A body in a 2D field.
  static func circle(_ circle: FieldCircle, x: AxisName, y: AxisName) -> Shape {
    var shape = Shape(
      xref: x.inTraces, yref: y.inTraces, x0: circle.centre[1] - circle.radius,
      x1: circle.centre[1] + circle.radius, y0: circle.centre[0] - circle.radius,
      y1: circle.centre[0] + circle.radius, line: Line(color: Style.markColour, width: 1))
    (shape.type, shape.fillcolor) = ("circle", "#bdbdbd")
    return shape
  }

  /// A horizontal line over the whole width of one panel.
  static func horizontal(at y: Double, axis: AxisName, panel: AxisName, dash: String) -> Shape {
    Shape(
      xref: panel.inTraces + " domain", yref: axis.inTraces, x0: 0, x1: 1, y0: y, y1: y,
      line: Line(color: Style.markColour, width: 1.2, dash: dash))
  }
}

/// A text in the figure.
struct Annotation: Encodable, Sendable {
  struct Font: Encodable, Sendable {
    var size: Double
    var color = Style.textColour
  }

  var text: HTML
  var xref: String
  var yref: String
  var x: Double
  var y: Double
  var xanchor: String
  var yanchor: String
  var showarrow = false
  var font = Font(size: 13)
  var bgcolor: String?
  var xshift: Double?
  var yshift: Double?
  var borderpad: Double?
}

struct Layout: Encodable, Sendable {
  struct Margin: Encodable, Sendable {
    var l = 70.0
    var r = 20.0
    var t = 16.0
    var b = 54.0
  }

  struct Legend: Encodable, Sendable {
    var orientation = "h"
    var x = 0.0
    var y = 1.02
    var xanchor = "left"
    var yanchor = "bottom"
    var bgcolor = "rgba(255,255,255,0)"

    /// A column right of the panel whose upper end is at `y`.
    static func beside(_ y: Double) -> Legend {
      Legend(orientation: "v", x: 1.01, y: y, xanchor: "left", yanchor: "top")
    }
  }

  struct Font: Encodable, Sendable {
    var family = Style.fontFamily
    var size = 13.0
    var color = Style.textColour
  }

  var height = 420.0
  var margin = Margin()
  var font = Font()
  var axes: [AxisName: Axis] = [:]
  var shapes: [Shape] = []
  var annotations: [Annotation] = []
  var showlegend = false
  /// The legend, then those that traces name legend2, legend3.
  var legends = [Legend()]
  var bargap: Double?
  var hovermode = "closest"

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: SettingKey.self)
    try container.encode(height, forKey: SettingKey("height"))
    try container.encode(margin, forKey: SettingKey("margin"))
    try container.encode(font, forKey: SettingKey("font"))
    try container.encode(shapes, forKey: SettingKey("shapes"))
    try container.encode(annotations, forKey: SettingKey("annotations"))
    try container.encode(showlegend, forKey: SettingKey("showlegend"))
    for (place, legend) in legends.enumerated() {
      try container.encode(legend, forKey: SettingKey(place == 0 ? "legend" : "legend\(place + 1)"))
    }
    try container.encodeIfPresent(bargap, forKey: SettingKey("bargap"))
    try container.encode(hovermode, forKey: SettingKey("hovermode"))
    try container.encode("white", forKey: SettingKey("paper_bgcolor"))
    try container.encode("white", forKey: SettingKey("plot_bgcolor"))
    for (name, axis) in axes { try container.encode(axis, forKey: SettingKey(name.inLayout)) }
  }
}
