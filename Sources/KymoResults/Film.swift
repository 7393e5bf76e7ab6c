// Moving pictures of fields in 2D beside what was predicted of them, small enough for a page that
// loads nothing: a byte for every cell.
public import Foundation

/// A circle in a 2D field, such as a body in a flow.
public struct FieldCircle: Codable, Hashable, Sendable {
  /// Its centre along both axes of space.
  public var centre: [Double]
  /// Its radius.
  public var radius: Double

  /// Creates a circle.
  public init(centre: [Double], radius: Double) { (self.centre, self.radius) = (centre, radius) }
}

/// Frames of one field, side by side.
public struct Film: Codable, Hashable, Sendable {
  /// Frames of one source.
  public struct Panel: Codable, Hashable, Sendable {
    /// Whose they are, such as "truth".
    public var name: String
    /// The value that is drawn in the last colour; its negative is drawn in the first.
    public var limit: Double
    /// Every cell of every frame: 0 for −limit and below, 255 for the limit and above.
    public var cells: Data
  }

  /// Times of the frames.
  public var times: [Double]
  /// Cells along the first axis of space, which is drawn upwards, and along the second.
  public var shape: [Int]
  /// What is shown.
  public var field: String
  /// Bodies, in units of cells from the first corner.
  public var circles: [FieldCircle]
  /// The panels.
  public var panels: [Panel] = []

  /// Creates a film without panels.
  public init(times: [Double], shape: [Int], field: String, circles: [FieldCircle] = []) {
    (self.times, self.shape, self.field, self.circles) = (times, shape, field, circles)
  }

  /// Adds a panel of values `[time, first axis, second axis]`; values that are not finite are drawn
  /// as 0.
  public mutating func add(_ name: String, _ values: [Float], limit: Double) {
    let cells = values.map { value -> UInt8 in
      let part = value.isFinite && limit > 0 ? Double(value) / limit : 0
      return UInt8((127.5 * (1 + min(max(part, -1), 1))).rounded())
    }
    panels.append(Panel(name: name, limit: limit, cells: Data(cells)))
  }

  func check(_ check: ShapeCheck) throws(ResultsError) {
    try check.require(shape.count, 2, "shape")
    for (index, panel) in panels.enumerated() {
      try check.require(
        panel.cells.count, shape.reduce(times.count, *), "panels.\(index).cells")
    }
  }
}
