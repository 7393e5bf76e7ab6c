// Bars with a name each, such as the spread and the uncertainty of every latent.

/// Panels of bars above each other, with common names below.
public struct Bars: Codable, Hashable, Sendable {
  /// One value for each name.
  public struct Series: Codable, Hashable, Sendable {
    /// What it is.
    public var name: String
    /// The values.
    public var values: [Double]
    /// Half lengths of error bars.
    public var errors: [Double]?
    /// Creates a series.
    public init(_ name: String, _ values: [Double], errors: [Double]? = nil) {
      (self.name, self.values, self.errors) = (name, values, errors)
    }
  }

  /// Bars on one axis.
  public struct Panel: Codable, Hashable, Sendable {
    /// The quantity.
    public var title: String
    /// Bars beside each other.
    public var series: [Series]
    /// Whether bars grow downwards.
    public var growsDown: Bool
    /// A marked value.
    public var mark: Double?
    /// A value that the axis reaches in any case.
    public var reach: Double
    /// Creates a panel.
    public init(
      _ title: String, _ series: [Series], growsDown: Bool = false, mark: Double? = nil,
      reach: Double = 0
    ) {
      (self.title, self.series, self.growsDown) = (title, series, growsDown)
      (self.mark, self.reach) = (mark, reach)
    }
  }

  /// The names.
  public var names: [String]
  /// Which of them matter less and are grey.
  public var isMuted: [Bool]
  /// The panels.
  public var panels: [Panel]

  /// Creates bars.
  public init(names: [String], isMuted: [Bool]? = nil, _ panels: [Panel]) {
    (self.names, self.panels) = (names, panels)
    self.isMuted = isMuted ?? names.map { _ in false }
  }

  func check(_ check: ShapeCheck) throws(ResultsError) {
    try check.require(isMuted.count, names.count, "isMuted")
    for (place, panel) in panels.enumerated() {
      for (index, series) in panel.series.enumerated() {
        let check = check.below("panels.\(place).series.\(index)")
        try check.require(series.values.count, names.count, "values")
        try check.require(series.errors?.count ?? names.count, names.count, "errors")
      }
    }
  }
}
