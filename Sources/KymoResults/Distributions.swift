// How often values, and pairs of values, occur.

/// How often values of one quantity occur, in bins of equal width.
public struct Histogram: Codable, Hashable, Sendable {
  /// The quantity.
  public var title: String
  /// What is counted, such as "recordings".
  public var counted: String
  /// The lower end of the first bin.
  public var low: Double
  /// The upper end of the last bin.
  public var high: Double
  /// Values in every bin.
  public var counts: [Int]

  /// Counts finite values in bins from the least to the largest.
  public init(_ title: String, counted: String, of values: [Double], bins: Int = 30) {
    (self.title, self.counted) = (title, counted)
    let values = values.filter(\.isFinite)
    (low, high) = (values.min() ?? 0, values.max() ?? 1)
    counts = [Int](repeating: 0, count: bins)
    for value in values {
      let place = high > low ? (value - low) / (high - low) * Double(bins) : 0
      counts[min(bins - 1, Int(place))] += 1
    }
  }
}

/// Densities of pairs of values on one grid, beside each other.
public struct DensityComparison: Codable, Hashable, Sendable {
  /// The density of one set of samples.
  public struct Density: Codable, Hashable, Sendable {
    /// Whose it is, such as "truth".
    public var name: String
    /// Shares of the samples, `[bins of the second quantity][bins of the first]`.
    public var shares: [[Double]]
    /// Creates a density.
    public init(_ name: String, _ shares: [[Double]]) { (self.name, self.shares) = (name, shares) }
  }

  /// The two quantities.
  public var axes: [String]
  /// Lower ends of the axes.
  public var low: [Double]
  /// Upper ends of the axes.
  public var high: [Double]
  /// The densities.
  public var densities: [Density]

  /// Creates a comparison.
  public init(axes: [String], low: [Double], high: [Double], _ densities: [Density]) {
    (self.axes, self.low, self.high, self.densities) = (axes, low, high, densities)
  }

  func check(_ check: ShapeCheck) throws(ResultsError) {
    try check.require(axes.count, 2, "axes")
    try check.require(low.count, 2, "low")
    try check.require(high.count, 2, "high")
    let rows = densities.first?.shares.count ?? 0
    let columns = densities.first?.shares.first?.count ?? 0
    for (index, density) in densities.enumerated() {
      try check.require(density.shares.count, rows, "densities.\(index).shares")
      for row in density.shares {
        try check.require(row.count, columns, "densities.\(index).shares (row)")
      }
    }
  }
}
