// Results as text for a terminal: the tables that the method has for it, and every caution.

extension RunResults {
  /// What was evaluated, the tables that a terminal shows, and what is in doubt.
  ///
  /// The text has no line end after the last line, and no control characters whatever the names in
  /// the data are.
  public var terminalText: String {
    var parts = [data.description.printable]
    for section in sections where section.places.contains(.terminal) {
      switch section.content {
      case .scores(let scores):
        let remarks = scores.remarks.printable
        parts.append(scores.table.alignedText + (remarks.isEmpty ? "" : "\n\(remarks)"))
      case .table(let table): parts.append(table.alignedText)
      case .text(let text): parts.append(text.text.printable)
      case .plot, .bars, .fields, .film, .histograms, .densities: break
      }
    }
    return parts.joined(separator: "\n\n")
  }
}

extension ResultTable {
  /// Lines with the first column to the left and the others to the right.
  package var alignedText: String {
    let lines = ([columns] + rows.map(\.cells)).map { $0.map(\.printable) }
    let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      let text = zip(line, widths).enumerated().map { column, cell in
        let space = String(repeating: " ", count: cell.1 - cell.0.count)
        return column == 0 ? cell.0 + space : space + cell.0
      }.joined(separator: "  ")
      return String(text.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }
}

extension String {
  /// The text without control characters, which could move a terminal's cursor or change its mode.
  var printable: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .lineSeparator, .paragraphSeparator, .format: "\u{fffd}"
          default: scalar
          }
        }))
  }
}
