// The one description of space: points, lengths, what holds at the ends, where obstacles are.

/// A uniform grid of one or more axes.
///
/// Where the points of an axis of extent L lie follows from its ends. On a periodic axis
/// and between walls a point stands for a cell of size L/N: on a periodic axis point i lies at
/// i·L/N, between walls at (i + ½)·L/N. Any other end is a point itself: N points have the spacing
/// L/(N − 1).
public struct Grid: Codable, Hashable, Sendable {
  /// One axis of space.
  public struct Axis: Codable, Hashable, Sendable {
    /// Number of points.
    public var points: Int
    /// Length; on a periodic axis it includes the step from the last point back to the first.
    public var extent: Double
    /// What holds at both ends.
    public var ends: Ends

    /// Creates an axis.
    public init(_ points: Int, extent: Double, _ ends: Ends) {
      (self.points, self.extent, self.ends) = (points, extent, ends)
    }

    /// Creates an axis whose neighbouring points have a distance.
    public init(_ points: Int, spacing: Double, _ ends: Ends) {
      self.init(points, extent: 1, ends)
      extent = spacing * steps
    }

    /// Distance of neighbouring points.
    public var spacing: Double { extent / steps }

    /// Where the points are.
    public var coordinates: [Double] {
      let first = ends.lower == .wall ? 0.5 : 0
      return (0..<points).map { (first + Double($0)) * spacing }
    }

    /// The extent in spacings: a wall is half a cell outside, a periodic axis has a step back to
    /// its start.
    private var steps: Double {
      if ends == .periodic { return Double(points) }
      let walls = [ends.lower, ends.upper].count { $0 == .wall }
      return max(1, Double(points - 1) + 0.5 * Double(walls))
    }
  }

  /// The axes, in the order of arrays.
  public var axes: [Axis]
  /// Which points lie inside obstacles, in C order; nil for none.
  public var obstacles: [Bool]?

  /// Creates a grid.
  public init(_ axes: [Axis], obstacles: [Bool]? = nil) {
    (self.axes, self.obstacles) = (axes, obstacles)
  }

  /// Points along every axis.
  public var shape: [Int] { axes.map(\.points) }
  /// Length of every axis.
  public var extents: [Double] { axes.map(\.extent) }
  /// What holds at the ends of every axis.
  public var ends: [Ends] { axes.map(\.ends) }
  /// Distance of neighbouring points along every axis.
  public var spacings: [Double] { axes.map(\.spacing) }
  /// Number of points.
  public var pointCount: Int { shape.reduce(1, *) }
  /// Whether every axis is periodic.
  public var isPeriodic: Bool { axes.allSatisfy { $0.ends == .periodic } }

  /// Throws the first entry that cannot be.
  public func validate(at path: String = "grid") throws(ConfigurationError) {
    try require(
      (1...3).contains(axes.count), "\(path).axes", found: "\(axes.count) axes",
      allowed: "one to three", remedy: "Give points, extent and ends of every axis of space.")
    for (index, axis) in axes.enumerated() {
      let place = "\(path).axes[\(index)]"
      try require(
        axis.points, .atLeast(1), "\(place).points",
        remedy: "It is the number of points along this axis.")
      try require(
        axis.extent, .above(0), "\(place).extent", remedy: "It is the length of this axis.")
      try require(
        Ends(rawValue: axis.ends.rawValue) != nil, "\(place).ends", found: axis.ends.rawValue,
        allowed: "periodic at both ends or at none", remedy: "A periodic axis has no end.")
    }
    guard let obstacles else { return }
    try require(
      obstacles.count == pointCount && obstacles.contains(false), "\(path).obstacles",
      found: "\(obstacles.count) entries, \(obstacles.count { $0 }) of them inside",
      allowed: "\(pointCount) entries, one a point, some of them outside",
      remedy: "Leave it out where there is no obstacle.")
  }
}
