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
}
