// Scores: one number with its spread, with how many values it is of, and with what was published.
// They stand in a table: one row for each thing that is judged, one column for each quantity.

/// How a number is written.
public enum NumberFormat: String, Codable, Hashable, Sendable {
  /// With three significant digits.
  case significant
  /// As a whole number.
  case count
  /// With as many decimals as tell it from 1.
  case rSquared
  /// A share in percent.
  case percent
  /// Seconds as a time.
  case duration

  /// The number as text.
  package func text(_ value: Double) -> String {
    switch self {
    case _ where !value.isFinite: "–"
    case .significant: NumberText.significant(value)
    case .count: value.magnitude < 1e15 ? NumberText.count(Int(value)) : "–"
    case .rSquared: NumberText.rSquared(value)
    case .percent: NumberText.percent(value)
    case .duration: NumberText.duration(value)
    }
  }
}

/// How far a number may be from the truth, or how far the values scatter that it is the mean of.
public struct Spread: Codable, Hashable, Sendable {
  /// What a spread is.
  public enum Kind: String, Codable, Hashable, Sendable {
    /// One standard deviation over what the score is the mean of.
    case standardDeviation
    /// 95 % interval over resampled recordings.
    case resampled95
    /// Wilson's 95 % interval of a share.
    case wilson95
    /// From the 10 % to the 90 % quantile.
    case deciles
    /// From the smallest to the largest value.
    case range
  }

  /// What it is.
  public var kind: Kind
  /// The lower end.
  public var low: Double
  /// The upper end.
  public var high: Double

  /// Creates an interval.
  public init(_ kind: Kind, low: Double, high: Double) {
    (self.kind, self.low, self.high) = (kind, low, high)
  }

  /// Whether it has room beside its number in a table of several quantities.
  var isShort: Bool { kind == .standardDeviation || kind == .range }

  /// In words, for the captions of tables.
  var name: String {
    switch kind {
    case .standardDeviation: "±: one standard deviation"
    case .resampled95: "R²: 95 % interval over resampled recordings"
    case .wilson95: "shares: Wilson's 95 % interval"
    case .deciles: "errors: 10–90 % of the recordings"
    case .range: "[ ]: smallest and largest"
    }
  }
}

/// A published number that stands beside ours.
public struct PublishedScore: Codable, Hashable, Sendable {
  /// The number.
  public var value: Double
  /// Where it stands, such as "Table I" or "released weights".
  public var source: String
  /// How it was counted, where that differs from ours.
  public var counting: String?

  /// Creates a published number.
  public init(_ value: Double, source: String, counting: String? = nil) {
    (self.value, self.source, self.counting) = (value, source, counting)
  }

  /// Where it stands and how it was counted.
  var origin: String { source + (counting.map { "; \($0)" } ?? "") }
}

/// One number that was found.
public struct Score: Codable, Hashable, Sendable {
  /// The number; NaN when nothing finite was found.
  public var value: Double
  /// How it is written.
  public var format: NumberFormat
  /// Its unit; nil for none.
  public var unit: String?
  /// Of how many the value counts some.
  public var outOf: Int?
  /// Its spread.
  public var spread: Spread?
  /// Of how many values it is the mean or the share.
  public var count: Int?
  /// Values that were left out because they had diverged.
  public var divergedCount: Int?
  /// A published number.
  public var published: PublishedScore?

  /// Creates a score.
  public init(
    _ value: Double, _ format: NumberFormat = .significant, unit: String? = nil,
    outOf: Int? = nil, spread: Spread? = nil, count: Int? = nil, divergedCount: Int? = nil,
    published: PublishedScore? = nil
  ) {
    (self.value, self.format, self.unit, self.outOf) = (value, format, unit, outOf)
    (self.spread, self.count, self.published) = (spread, count, published)
    self.divergedCount = divergedCount == 0 ? nil : divergedCount
  }

  /// The number with its unit: "0.993", "1 of 5", "2.13 µs".
  package var text: String {
    let number = format.text(value)
    guard number != "–" else { return number }
    return number + (unit.map { " \($0)" } ?? "") + (outOf.map { " of \($0)" } ?? "")
  }

  /// The spread: "0.991 … 0.996" or "± 0.012".
  package var spreadText: String? {
    guard let spread, spread.low.isFinite, spread.high.isFinite else { return nil }
    let ends = (format.text(spread.low), format.text(spread.high))
    return switch spread.kind {
    case .standardDeviation:
      "± " + NumberText.significant((spread.high - spread.low) / 2, digits: 2)
    case .range: "[\(ends.0), \(ends.1)]"
    case .resampled95, .wilson95, .deciles: "\(ends.0) … \(ends.1)"
    }
  }
}

/// Scores in rows and columns.
public struct ScoreTable: Codable, Hashable, Sendable {
  /// What is judged, with its scores.
  public struct Row: Codable, Hashable, Sendable {
    /// What is judged; the same in every run of an experiment.
    public var name: String
    /// One score for each column; nil where there is none.
    public var scores: [Score?]
    /// Whether it is what the run stands for.
    public var isMain: Bool
    /// What else is to be said of it.
    public var note: String?
    /// Creates a row.
    public init(_ name: String, _ scores: [Score?], isMain: Bool = false, note: String? = nil) {
      (self.name, self.scores, self.isMain, self.note) = (name, scores, isMain, note)
    }
  }

  /// What the rows are, such as "propagator".
  public var title: String
  /// The quantities.
  public var columns: [String]
  /// What is judged.
  public var rows: [Row]
  /// What scores are means over, such as "recording"; nil when they are no means.
  public var counted: String?

  /// Creates a table.
  public init(_ title: String, columns: [String], rows: [Row], counted: String? = nil) {
    (self.title, self.columns, self.rows, self.counted) = (title, columns, rows, counted)
  }

  func check(_ check: ShapeCheck) throws(ResultsError) {
    for (index, row) in rows.enumerated() {
      try check.require(row.scores.count, columns.count, "rows.\(index).scores")
    }
  }
}

// MARK: - As text

extension ScoreTable {
  /// The numbers as text: a column for spreads, counts and published numbers where there is one
  /// quantity, all in one cell where there are several.
  package var table: ResultTable {
    guard columns.count > 1 else { return list }
    // Published numbers of few quantities stand beside ours, those of many below.
    return grid(publishedBeside: publishedColumns.count <= 2)
  }

  /// One cell for each number, with its spread; published numbers stand beside ours.
  package var grid: ResultTable { grid(publishedBeside: true) }

  /// What holds for the whole table: what spreads are, what was left out, where the published
  /// numbers stand.
  package var remarks: String {
    let scores = rows.flatMap(\.scores).compactMap { $0 }
    var parts: [String] = []
    let spreads = scores.compactMap(\.spread).filter { columns.count == 1 || $0.isShort }
    let kinds = spreads.reduce(into: [String]()) { names, spread in
      if !names.contains(spread.name) { names.append(spread.name) }
    }
    if !kinds.isEmpty { parts.append("Spread: \(kinds.joined(separator: "; ")).") }
    if columns.count > 1, let counted {
      let counts = Set(scores.compactMap(\.count))
      if let most = counts.max() {
        parts.append(
          "Over \(counts.count > 1 ? "at most " : "")\(NumberText.count(most, counted)).")
      }
    }
    let diverged = rows.compactMap { row in
      row.scores.compactMap { $0?.divergedCount }.max().map { "\($0) of \(row.name)" }
    }
    if !diverged.isEmpty {
      parts.append("Diverged and left out: \(NumberText.list(diverged)).")
    }
    if let source = commonSource { parts.append("Published: \(source).") }
    return parts.joined(separator: " ")
  }

  /// Where all published numbers stand, if it is one place.
  private var commonSource: String? {
    let sources = Set(rows.flatMap(\.scores).compactMap { $0?.published?.origin })
    return sources.count == 1 && rows.count > 1 ? sources.first : nil
  }

  private func published(_ score: Score?) -> String? {
    guard let published = score?.published else { return nil }
    let number = NumberText.published(published.value)
    return commonSource == nil ? "\(number) (\(published.origin))" : number
  }

  private var list: ResultTable {
    let cells = rows.map { row -> [String?] in
      let score = row.scores.first ?? nil
      return [
        row.name, score?.text ?? "–", score?.spreadText,
        score?.count.map { counted == nil ? "\($0)" : NumberText.count($0, counted ?? "") },
        published(score), row.note,
      ]
    }
    let head = [title, columns[0], "spread", "over", "published", "remark"]
    let shown = head.indices.filter { column in
      column < 2 || cells.contains { $0[column] != nil }
    }
    return ResultTable(
      columns: shown.map { head[$0] },
      rows: zip(rows, cells).map { row, cells in
        ResultTable.Row(
          shown.map { cells[$0] ?? ($0 == 5 ? "" : "–") }, role: row.isMain ? .main : .plain)
      })
  }

  /// Columns of quantities that have published numbers.
  private var publishedColumns: [Int] {
    columns.indices.filter { column in rows.contains { $0.scores[column]?.published != nil } }
  }

  private func grid(publishedBeside areBeside: Bool) -> ResultTable {
    let published = publishedColumns
    let hasNotes = rows.contains { $0.note != nil }
    var head = [title]
    for column in columns.indices {
      head.append(columns[column])
      if areBeside, published.contains(column) { head.append("published") }
    }
    if hasNotes { head.append("remark") }
    var table = ResultTable(columns: head, rows: [])
    for row in rows {
      var cells = [row.name]
      for (column, score) in row.scores.enumerated() {
        let spread = score?.spread?.isShort == true ? score?.spreadText : nil
        cells.append([score?.text ?? "–", spread].compactMap { $0 }.joined(separator: " "))
        if areBeside, published.contains(column) { cells.append(self.published(score) ?? "–") }
      }
      if hasNotes { cells.append(row.note ?? "") }
      table.rows.append(ResultTable.Row(cells, role: row.isMain ? .main : .plain))
      guard !areBeside, row.scores.contains(where: { $0?.published != nil }) else { continue }
      let below = ["  published"] + row.scores.map { self.published($0) ?? "–" }
      table.rows.append(ResultTable.Row(below + (hasNotes ? [""] : []), role: .published))
    }
    return table
  }
}
