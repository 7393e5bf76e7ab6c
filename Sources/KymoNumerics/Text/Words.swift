// Numbers, durations, sizes and tables as plain text.
import Foundation

/// "1 recording", "3 recordings".
package func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}

/// Durations, sizes and errors in words.
package enum Words {
  /// Text whose control characters, such as those that command a terminal, and whose marks of
  /// writing direction are shown as their codes.
  package static func printable(_ text: String) -> String {
    func isShown(_ scalar: Unicode.Scalar) -> Bool {
      scalar == "\n" || scalar == "\t"
        || scalar.properties.generalCategory != .control
          && !(0x202A...0x202E).contains(scalar.value) && !(0x2066...0x2069).contains(scalar.value)
    }
    return text.unicodeScalars.allSatisfy(isShown)
      ? text
      : text.unicodeScalars.map {
        isShown($0) ? String($0) : "\\u{\(String($0.value, radix: 16))}"
      }.joined()
  }

  /// Seconds as 0:07, 12:34 or 1:02:03.
  package static func time(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "unknown" }
    let whole = Int(seconds.rounded())
    let tail = String(format: "%02d", whole % 60)
    guard whole >= 3600 else { return "\(whole / 60):\(tail)" }
    return "\(whole / 3600):" + String(format: "%02d", whole / 60 % 60) + ":" + tail
  }

  /// Bytes as 12 kB, 3.4 MB or 5.6 GB.
  package static func bytes(_ count: Int64) -> String {
    var (value, unit) = (Double(count), "B")
    for larger in ["kB", "MB", "GB", "TB"] where value >= 1000 {
      (value, unit) = (value / 1000, larger)
    }
    return (unit == "B" || value >= 100 ? "\(Int(value.rounded()))" : String(format: "%.1f", value))
      + " " + unit
  }

  /// A number with three or four significant digits.
  package static func number(_ value: Double) -> String {
    let size = value.magnitude
    if size == 0 { return "0" }
    if !(1e-3..<1e5).contains(size) { return String(format: "%.2e", value) }
    return String(format: size < 0.1 ? "%.5f" : size < 100 ? "%.3f" : "%.0f", value)
  }
}

extension Words {
  /// What went wrong, as a sentence where the error is Swift's or the system's own.
  package static func sentence(for error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "The file" : "The entry '\(path.map(\.stringValue).joined(separator: "."))'"
    }
    return switch error {
    case DecodingError.keyNotFound(let key, let context):
      place(context.codingPath + [key]) + " is missing. Copy the file again, or make it anew."
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      place(context.codingPath) + " is not what it should be. Copy the file again, or make it anew."
    case let error as CocoaError:
      error.localizedDescription + (error.filePath.map { " File: \($0)" } ?? "")
    default: "\(error)"
    }
  }
}

/// A table in plain text, columns padded to their widest entry.
package struct TextTable {
  private var rows: [[String]]

  /// Starts with the names of the columns.
  package init(_ header: String...) { rows = [header] }

  /// Adds columns to the header.
  package mutating func add(columns: [String]) { rows[0] += columns }

  /// Adds a row.
  package mutating func add(_ row: [String]) { rows.append(row) }

  /// The rows as lines; the first column is flush left, the others flush right.
  package var text: String {
    let widths = rows[0].indices.map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      row.enumerated().map { column, entry in
        let padding = String(repeating: " ", count: widths[column] - entry.count)
        return column == 0 ? entry + padding : padding + entry
      }.joined(separator: "  ").trimmingSuffix(" ")
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate func trimmingSuffix(_ character: Character) -> String {
    var result = self
    while result.last == character { result.removeLast() }
    return result
  }
}
