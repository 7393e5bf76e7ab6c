// Several experiments on one page, published numbers beside ours: the tables of scores that methods
// have for it over seeds, and the figures of the first seed.
import KymoResults

/// Builds the page over several experiments.
struct OverviewPage {
  /// One experiment with a run for each seed.
  struct Entry {
    var name: String
    var runs: [(link: String, run: RunFolder)]
    /// The runs that are evaluated.
    var results: [RunResults] { runs.compactMap(\.run.results) }
  }

  let entries: [Entry]
  private(set) var frame: PageFrame

  init(title: String, entries: [Entry]) {
    self.entries = entries
    frame = PageFrame(
      title: title, subtitle: "\(entries.count) experiments, published numbers beside ours")
    for section in sections { add(section) }
    addTrainings()
  }

  /// The sections that some experiment has for this page, each once.
  private var sections: [ResultSection] {
    let all = entries.compactMap(\.results.first).flatMap(\.sections)
      .filter { $0.places.contains(.overview) }
    return all.reduce(into: []) { sections, section in
      if !sections.contains(where: { $0.id == section.id }) { sections.append(section) }
    }
  }

  private mutating func add(_ section: ResultSection) {
    switch section.content {
    case .scores(let table): add(table, of: section)
    default: addFigures(of: section)
    }
  }

  /// One table with a row for each experiment and each thing that is judged.
  private mutating func add(_ first: ScoreTable, of section: ResultSection) {
    var columns: [String] = []
    var rows: [(experiment: String, row: ScoreTable.Row, seeds: String, columns: [String])] = []
    for entry in entries {
      let tables = entry.results.compactMap { $0.scores[section.id] }
      guard let table = tables.first else { continue }
      columns += table.columns.filter { !columns.contains($0) }
      for row in table.rows {
        let (joined, seeds) = Self.join(row, table, tables)
        rows.append((entry.name, joined, seeds, table.columns))
      }
    }
    guard !rows.isEmpty else { return }
    // Rows of experiments with other columns have gaps.
    let aligned = rows.map { entry in
      ScoreTable.Row(
        entry.row.name,
        columns.map { column in
          entry.columns.firstIndex(of: column).flatMap { entry.row.scores[$0] }
        }, isMain: entry.row.isMain, note: entry.row.note)
    }
    let scores = ScoreTable(first.title, columns: columns, rows: aligned, counted: first.counted)
    var table = scores.grid
    table.columns = ["experiment"] + table.columns + ["seeds × \(first.counted ?? "one")s"]
    for index in table.rows.indices {
      table.rows[index].cells =
        [rows[index].experiment] + table.rows[index].cells + [rows[index].seeds]
      table.rows[index].role = .plain
    }
    let caption = [
      section.caption ?? "", "Means over seeds.", scores.remarks,
    ]
    frame.add(
      "section-\(section.id)", "\(title(of: section, first))",
      PageFrame.table(table, caption: caption.filter { !$0.isEmpty }.joined(separator: " ")))
  }

  private func title(of section: ResultSection, _ table: ScoreTable) -> String {
    section.heading ?? table.title.prefix(1).uppercased() + table.title.dropFirst()
  }

  /// One row over seeds: means, with the smallest and the largest as the spread.
  private static func join(
    _ row: ScoreTable.Row, _ table: ScoreTable, _ tables: [ScoreTable]
  ) -> (ScoreTable.Row, seeds: String) {
    // What is judged has one name in all seeds; one that is absent from a seed is left out.
    let rows = tables.filter { $0.columns == table.columns }
      .compactMap { $0.rows.first { $0.name == row.name } }
    var joined = row
    for column in row.scores.indices {
      let values = rows.compactMap { $0.scores[column]?.value }.filter(\.isFinite)
      guard !values.isEmpty else { continue }
      joined.scores[column]?.value = values.reduce(0, +) / Double(values.count)
      joined.scores[column]?.spread =
        values.count > 1
        ? Spread(.range, low: values.min() ?? .nan, high: values.max() ?? .nan) : nil
      if joined.scores[column]?.format == .count, Set(values).count > 1 {
        joined.scores[column]?.format = .significant
      }
    }
    let count = rows.flatMap(\.scores).compactMap { $0?.count }.max()
    return (joined, "\(rows.count)" + (count.map { " × \(NumberText.count($0))" } ?? ""))
  }

  /// The figures of every experiment's first seed.
  private mutating func addFigures(of section: ResultSection) {
    var body: HTML = ""
    for (number, entry) in entries.enumerated() {
      let own = entry.results.first?.sections.first { $0.id == section.id }
      for (place, drawing) in (own?.figures(side: 256) ?? []).enumerated() {
        let id = "\(section.id)-\(number + 1)" + (place == 0 ? "" : "-\(place + 1)")
        let words = [own?.caption ?? "", drawing.note].filter { !$0.isEmpty }
        body =
          body
          + frame.figure(id, drawing.figure, "\(entry.name): \(words.joined(separator: " "))")
      }
    }
    guard body != "" else { return }
    frame.add("section-\(section.id)", "\(section.heading ?? section.id)", body)
  }

  private mutating func addTrainings() {
    let rows = entries.flatMap { entry in
      entry.runs.enumerated().map { number, item -> [HTML] in
        let seconds = item.run.training.last?.seconds
        return [
          number == 0 ? "\(entry.name)" : "",
          "<a href=\"\(item.link)/report.html\">\(item.link)</a>",
          item.run.training.last.map { "\(NumberText.count($0.step))" } ?? "–",
          seconds.map { "\(NumberText.duration($0))" } ?? "–",
          item.run.environment["threads"].map { "\($0.text)" } ?? "–",
          item.run.environment["commit"].map { "\($0.text.prefix(12))" } ?? "–",
        ]
      }
    }
    frame.add(
      "trainings", "Trainings",
      PageFrame.table(
        ["experiment", "run", "steps", "time", "threads", "commit"], rows, caption: nil))
  }
}
