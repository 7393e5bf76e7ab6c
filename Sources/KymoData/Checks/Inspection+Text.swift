// The inspection in words and columns, for a terminal.
import Foundation
import KymoNumerics

extension Inspection {
  /// Everything on lines of at most 100 columns, findings last; without colours.
  public var text: String {
    var lines = ["\(file)  \(describeBytes(bytes))", ""]
    lines += Columns.aligned(overview, gap: 2).map { "  " + $0 }
    lines += ["", "  Channels" + (sampleNote.map { " (\($0))" } ?? "")]
    lines += Columns.aligned(channelTable, gap: 2, isNumeric: true).map { "    " + $0 }
    if !parameters.isEmpty {
      lines += ["", "  Known parameters (for scoring only)"]
      lines += Columns.aligned(parameterTable, gap: 2, isNumeric: true).map { "    " + $0 }
    }
    lines += ["", "  Methods"]
    for method in methods {
      let words = method.isPossible ? method.purpose : "cannot be trained: \(method.words)"
      lines += Columns.wrapped(words, width: 80).enumerated().map { index, line in
        "    " + Columns.padded(index == 0 ? method.method : "", to: 13) + line
      }
    }
    lines += ["", "  Findings"]
    for finding in findings {
      let mark =
        switch finding.severity {
        case .ok: "ok"
        case .warning: "warning"
        case .error: "ERROR"
        }
      let words = [finding.message + (finding.severity == .ok ? "" : "."), finding.remedy]
        .filter { !$0.isEmpty }.joined(separator: " ")
      lines += Columns.wrapped(words, width: 84).enumerated().map { index, line in
        "    " + Columns.padded(index == 0 ? mark : "", to: 9) + line
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var sampleNote: String? {
    sampledRecordingCount < recordingCount
      ? "of \(counted(sampledRecordingCount, "recording")) at even distances" : nil
  }

  private var overview: [[String]] {
    let spaceRank = spaceShape.count
    let fieldLetters = ["N", "C", "T", "X", "Y"].prefix(3 + spaceRank).joined(separator: ", ")
    let (name, letters, shape) =
      switch metadata.stateKind {
      case .field:
        ("field", fieldLetters, [recordingCount, channels.count, frameCount] + spaceShape)
      case .particles:
        ("particles", "N, T, P, C", [recordingCount, frameCount] + spaceShape + [channels.count])
      case .vector: ("vectors", "N, T, C", [recordingCount, frameCount, channels.count])
      }
    var rows = [
      [
        name,
        "'\(key)' as (\(letters)) = \(describeShape(shape)), \(type), "
          + (isMadeOnDemand
            ? "frames made on demand from spectra"
            : isMapped ? "mapped from the file" : "read into memory"),
      ]
    ]
    if !metadata.systemName.isEmpty { rows.append(["system", metadata.systemName]) }
    rows.append(["recordings", "\(recordingCount)"])
    let timeUnit = unit(of: 0)
    rows.append([
      "time \(metadata.axisNames[0])",
      counted(frameCount, "frame")
        + (metadata.frameInterval.map {
          ", \(short($0))\(timeUnit) apart, \(short($0 * Double(frameCount - 1)))\(timeUnit) in all"
        } ?? ", distance not given"),
    ])
    if let date = metadata.firstDate {
      rows.append(["dates", "from \(date) on; read as seconds since then"])
    }
    for axis in 0..<(metadata.stateKind == .field ? spaceRank : 0) {
      let kind = metadata.boundary[axis]
      var words = counted(spaceShape[axis], "point")
      if let extents = metadata.extents {
        let axisUnit = unit(of: 1 + axis)
        let spacing = Grid.Axis(spaceShape[axis], extent: extents[axis], kind).spacing
        words +=
          ", length \(short(extents[axis]))\(axisUnit), spacing \(short(spacing))\(axisUnit)"
      }
      rows.append([
        "space \(metadata.axisNames[1 + axis])",
        words + ", " + (kind == .unknown ? "boundary not given" : kind.rawValue),
      ])
    }
    for seam in seams {
      rows.append([
        "seam \(seam.axis)",
        seam.ratio.map { "jump across the ends is \(short($0)) times that between neighbours" }
          ?? "the field does not vary along this axis",
      ])
    }
    rows.append(["hash", contentHash])
    return rows
  }

  private func unit(of axis: Int) -> String {
    let units = metadata.axisUnits
    return axis < units.count && !units[axis].isEmpty ? " \(units[axis])" : ""
  }

  private var channelTable: [[String]] {
    [["", "min", "max", "mean", "std", "RMS", "change per frame", "not finite"]]
      + channels.enumerated().map { index, channel in
        let units = metadata.channelUnits
        let unit = index < units.count && !units[index].isEmpty ? " [\(units[index])]" : ""
        return [
          channel.name + unit, number(channel.minimum), number(channel.maximum),
          number(channel.mean), number(channel.standardDeviation), number(channel.rootMeanSquare),
          channel.relativeFrameChange.map { "\(short($0)) std" } ?? "-",
          "\(channel.nonFiniteCount)",
        ]
      }
  }

  private var parameterTable: [[String]] {
    [["", "min", "max", "mean", "std"]]
      + parameters.map {
        [
          $0.name + ($0.unit.isEmpty ? "" : " [\($0.unit)]"), number($0.minimum),
          number($0.maximum), number($0.mean), number($0.standardDeviation),
        ]
      }
  }

  private func number(_ value: Double?) -> String { value.map(short) ?? "-" }
}

/// Text in columns and lines.
private enum Columns {
  /// Rows with every column as wide as its widest cell; numbers to the right.
  static func aligned(_ rows: [[String]], gap: Int, isNumeric: Bool = false) -> [String] {
    let columnCount = rows.map(\.count).max() ?? 0
    let widths = (0..<columnCount).map { column in
      rows.compactMap { column < $0.count ? $0[column].count : nil }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        isNumeric && column > 0
          ? String(repeating: " ", count: widths[column] - cell.count) + cell
          : column == row.count - 1 ? cell : padded(cell, to: widths[column])
      }
      return cells.joined(separator: String(repeating: " ", count: gap))
    }
  }

  static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// Lines of at most `width` characters, broken at spaces.
  static func wrapped(_ text: String, width: Int) -> [String] {
    var lines = [""]
    for word in text.split(separator: " ") {
      let last = lines.count - 1
      if lines[last].isEmpty {
        lines[last] = String(word)
      } else if lines[last].count + 1 + word.count <= width {
        lines[last] += " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}
