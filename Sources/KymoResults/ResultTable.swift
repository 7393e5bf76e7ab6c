// A table of text.

/// A table of text.
public struct ResultTable: Codable, Hashable, Sendable {
  /// One row.
  public struct Row: Codable, Hashable, Sendable {
    /// What a row stands for.
    public enum Role: String, Codable, Hashable, Sendable {
      /// A number of ours, or anything else.
      case plain
      /// What the run stands for.
      case main
      /// Published numbers.
      case published
    }
    /// One text for each column.
    public var cells: [String]
    /// What it stands for.
    public var role: Role
    /// Creates a row.
    public init(_ cells: [String], role: Role = .plain) { (self.cells, self.role) = (cells, role) }
  }

  /// The names of the columns.
  public var columns: [String]
  /// The rows.
  public var rows: [Row]

  /// Creates a table.
  public init(columns: [String], rows: [Row]) { (self.columns, self.rows) = (columns, rows) }

  func check(_ check: ShapeCheck) throws(ResultsError) {
    for (index, row) in rows.enumerated() {
      try check.require(row.cells.count, columns.count, "rows.\(index).cells")
    }
  }
}
