// Whatever lies in a plane of two quantities: curves with bands, points with error bars and the
// line fitted to them, paths.

/// A quantity along an axis.
public struct PlotAxis: Codable, Hashable, Sendable {
  /// The quantity, with its unit.
  public var title: String
  /// Whether the axis is logarithmic.
  public var isLogarithmic: Bool

  /// Creates an axis.
  public init(_ title: String, isLogarithmic: Bool = false) {
    (self.title, self.isLogarithmic) = (title, isLogarithmic)
  }
}

/// Panels of curves and points.
public struct Plot: Codable, Hashable, Sendable {
  /// One set of curves or points.
  public struct Series: Codable, Hashable, Sendable {
    /// How a series is drawn.
    public enum Style: String, Codable, Hashable, Sendable {
      /// A line.
      case line
      /// A dotted line.
      case dots
      /// A mark for each value.
      case marks
    }

    /// What it is; an empty name has no place in the legend.
    public var name: String
    /// How it is drawn.
    public var style: Style
    /// The values along the horizontal axis.
    public var x: [Double]
    /// The values along the vertical axis.
    public var y: [Double]
    /// Lower ends of a band around the curve.
    public var low: [Double]?
    /// Upper ends of a band around the curve.
    public var high: [Double]?
    /// Half lengths of error bars.
    public var errors: [Double]?
    /// A name for each value.
    public var labels: [String]?
    /// Published values of the same.
    public var published: [PublishedPoint]
    /// Which of the page's colours it has; nil is its own.
    public var colour: Int?

    /// Creates a series.
    public init(
      _ name: String, _ style: Style = .line, x: [Double], y: [Double], low: [Double]? = nil,
      high: [Double]? = nil, errors: [Double]? = nil, labels: [String]? = nil,
      published: [PublishedPoint] = [], colour: Int? = nil
    ) {
      (self.name, self.style, self.x, self.y) = (name, style, x, y)
      (self.low, self.high, self.errors, self.labels) = (low, high, errors, labels)
      (self.published, self.colour) = (published, colour)
    }
  }

  /// A published value.
  public struct PublishedPoint: Codable, Hashable, Sendable {
    /// Its place on the horizontal axis.
    public var x: Double
    /// Its value.
    public var y: Double
    /// Creates a point.
    public init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
  }

  /// A place on the horizontal axis that is marked.
  public struct Mark: Codable, Hashable, Sendable {
    /// The place.
    public var x: Double
    /// What is there.
    public var label: String
    /// Marks a place.
    public init(at x: Double, _ label: String) { (self.x, self.label) = (x, label) }
  }

  /// One pair of axes.
  public struct Panel: Codable, Hashable, Sendable {
    /// The horizontal axis.
    public var x: PlotAxis
    /// The vertical axis.
    public var y: PlotAxis
    /// Curves and points.
    public var series: [Series]
    /// Marked places.
    public var marks: [Mark]
    /// A word in the corner, such as "R² = 0.993".
    public var note: String?

    /// Creates a panel.
    public init(
      x: PlotAxis, y: PlotAxis, _ series: [Series], marks: [Mark] = [], note: String? = nil
    ) {
      (self.x, self.y, self.series, self.marks, self.note) = (x, y, series, marks, note)
    }
  }

  /// How panels lie.
  public enum Arrangement: String, Codable, Hashable, Sendable {
    /// Beside each other.
    case beside
    /// Above each other on a common horizontal axis.
    case above
  }

  /// The panels.
  public var panels: [Panel]
  /// How they lie.
  public var arrangement: Arrangement

  /// Creates a plot.
  public init(_ panels: [Panel], _ arrangement: Arrangement = .beside) {
    (self.panels, self.arrangement) = (panels, arrangement)
  }

  func check(_ check: ShapeCheck) throws(ResultsError) {
    for (place, panel) in panels.enumerated() {
      for (index, series) in panel.series.enumerated() {
        let check = check.below("panels.\(place).series.\(index)")
        try check.require(series.y.count, series.x.count, "y")
        for (length, name) in [
          (series.low?.count, "low"), (series.high?.count, "high"),
          (series.errors?.count, "errors"), (series.labels?.count, "labels"),
        ] { try check.require(length ?? series.x.count, series.x.count, name) }
      }
    }
  }
}
