// The numbers of an evaluation as aligned text, for a terminal.
public import KymoMetrics

extension ExtractionResults {
  /// The numbers as aligned text: latents, parameters, and errors against the predicted frame.
  ///
  /// Published values stand beside our own where the results hold them. The text ends with a
  /// newline and holds no control characters, whatever the names in the file.
  public var textTable: String {
    [latentTable, parameterTable, errorTable].compactMap { $0 }.joined(separator: "\n")
  }

  private var latentTable: String {
    let rows = latents.enumerated().map { index, latent in
      [
        String(index + 1), NumberText.significant(latent.varianceOfMean),
        NumberText.significant(latent.meanVariance), latent.isRelevant ? "yes" : "no",
      ]
    }
    let paper = paperRelevantCount.map { " (paper: \($0))" } ?? ""
    return """
      \(dataDescription.printable), \(NumberText.count(recordings.count, "recording"))

      \(aligned([["latent", "var μ", "mean σ²", "relevant"]] + rows))
      \(relevantCount) of \(latents.count) relevant\(paper); a collapsed latent has mean σ² \
      \(NumberText.significant(collapsedVariance))

      """
  }

  private var parameterTable: String? {
    guard !scores.isEmpty else { return nil }
    let rows = scores.map { score in
      [
        score.name.printable, NumberText.rSquared(score.rSquared),
        score.paperRSquared.map(NumberText.rSquared) ?? "–",
        score.rSquaredOfEncoder.map(NumberText.rSquared) ?? "–",
        score.rSquaredOfTrainingFit.map(NumberText.rSquared) ?? "–",
        NumberText.percent(score.coverage95),
        score.smoothMap.map {
          "\(NumberText.rSquared($0.rSquared)), \(NumberText.percent($0.coverage95))"
        } ?? "–",
        score.calibration.map { NumberText.percent($0.coverage95) } ?? "–",
      ]
    }
    return aligned(
      [
        [
          "parameter", "R²", "paper", "encoder alone", "training fit", "inside 95 % bars",
          "up to a smooth map", "calibrated",
        ]
      ] + rows)
      + "\n"
  }

  private var errorTable: String? {
    let curves = errorCurves.filter { !$0.mean.isEmpty }
    let indices = [5, 10, 20, 30, 50, 75, 100].filter { index in
      curves.contains { $0.mean.indices.contains(index) }
    }
    guard !indices.isEmpty else { return nil }
    var rows = [["RMSE at index"] + indices.map(String.init)]
    for curve in curves {
      rows.append(
        [curve.name.printable]
          + indices.map {
            curve.mean.indices.contains($0) ? NumberText.significant(curve.mean[$0]) : "–"
          })
      guard !curve.paperPoints.isEmpty else { continue }
      rows.append(
        ["  paper"]
          + indices.map { index in
            curve.paperPoints.first { $0.index == index }.map {
              NumberText.published($0.value)
            } ?? "–"
          })
    }
    return aligned(rows) + "\n"
  }
}

/// Rows with the first column to the left and the others to the right.
private func aligned(_ rows: [[String]]) -> String {
  let columns = rows.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in
    rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
  }
  return rows.map { row in
    row.enumerated().map { column, text in
      let space = String(repeating: " ", count: widths[column] - text.count)
      return column == 0 ? text + space : space + text
    }.joined(separator: "  ")
  }.joined(separator: "\n")
}

extension String {
  /// The text without control characters, which could move a terminal's cursor or change its mode.
  fileprivate var printable: String {
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
