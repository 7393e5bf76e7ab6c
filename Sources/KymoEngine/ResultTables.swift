// Results as tables on a terminal and as a short JSON object, the paper's numbers beside ours.
import Foundation
import KymoCommandLine
import KymoMetrics
import KymoNumerics

extension ExtractionResults {
  /// Frames at which errors are printed: those of the published curves.
  private var printedFrames: [Int] {
    let published = errorCurves.first?.paperPoints.map(\.index) ?? []
    let frames = published.isEmpty ? [0, 1, 2, 5, 10, 20, 50, 100, 200] : published
    return frames.filter { $0 < errorCurves.first?.mean.count ?? 0 }
  }

  /// Relevant latents, scores and errors as text.
  var tables: String {
    var parts = ["\(dataDescription)\n"]
    var latentTable = TextTable("latent", "Var μ", "mean σ²", "")
    for (index, latent) in latents.enumerated() {
      latentTable.add([
        "\(index + 1)", Words.number(latent.varianceOfMean), Words.number(latent.meanVariance),
        latent.isRelevant ? "relevant" : "",
      ])
    }
    parts.append(latentTable.text)
    parts.append(
      "relevant latents: \(relevantCount)" + (paperRelevantCount.map { " (paper: \($0))" } ?? "")
        + ", a collapsed one has σ² = \(Words.number(collapsedVariance))\n")
    if !scores.isEmpty {
      var table = TextTable(
        "parameter", "R²", "paper", "encoder alone", "fit on training data", "in 95 % bars",
        "up to a smooth map", "calibrated")
      for score in scores {
        table.add([
          score.name, Words.fraction(score.rSquared),
          score.paperRSquared.map(Words.fraction) ?? "-",
          score.rSquaredOfEncoder.map(Words.fraction) ?? "-",
          score.rSquaredOfTrainingFit.map(Words.fraction) ?? "-",
          String(format: "%.1f %%", 100 * score.coverage95),
          score.smoothMap.map {
            "R² \(Words.fraction($0.rSquared)), " + String(format: "%.1f %%", 100 * $0.coverage95)
          } ?? "-",
          score.calibration.map {
            String(format: "%.1f %% (bars × %.2f)", 100 * $0.coverage95, $0.factor)
          } ?? "-",
        ])
      }
      parts.append(table.text + "\n")
    }
    if let first = errorCurves.first {
      var table = TextTable("RMSE at predicted frame")
      table.add(columns: printedFrames.map { "\($0)" })
      for curve in errorCurves {
        table.add([curve.name] + printedFrames.map { Words.number(curve.mean[$0]) })
        let published = Dictionary(
          curve.paperPoints.map { ($0.index, $0.value) }, uniquingKeysWith: { $1 })
        if !published.isEmpty {
          table.add(["  paper"] + printedFrames.map { published[$0].map(Words.number) ?? "-" })
        }
      }
      parts.append(table.text)
      let left = errorCurves.filter { $0.divergedCount > 0 }
        .map { "\($0.divergedCount) of \($0.name)" }
      parts.append(
        "over \(first.recordingCount) recordings"
          + (left.isEmpty ? "" : "; diverged and left out: \(left.joined(separator: ", "))"))
    }
    return parts.joined(separator: "\n")
  }

  /// What fits on a screen, for programs.
  var summary: ResultSummary { ResultSummary(self) }
}

/// The numbers of an evaluation without recordings and pictures.
struct ResultSummary: Codable, Hashable {
  struct Parameter: Codable, Hashable {
    var name: String
    var rSquared: Double
    var rSquaredOfEncoder: Double?
    var rSquaredOfTrainingFit: Double?
    var coverage95: Double
    var smoothMap: ExtractionResults.ParameterScore.SmoothMap?
    var calibration: ExtractionResults.ParameterScore.Calibration?
    var paperRSquared: Double?
  }
  struct Curve: Codable, Hashable {
    var name: String
    var frames: [Int]
    var rmse: [Double]
    var paper: [Double]
    var recordings: Int
    var diverged: Int
  }
  var data: String
  var relevantLatents: Int
  var paperRelevantLatents: Int?
  var varianceOfMean: [Double]
  var meanVariance: [Double]
  var collapsedVariance: Double
  var parameters: [Parameter]
  var errors: [Curve]

  init(_ results: ExtractionResults) {
    data = results.dataDescription
    relevantLatents = results.relevantCount
    paperRelevantLatents = results.paperRelevantCount
    varianceOfMean = results.latents.map(\.varianceOfMean)
    meanVariance = results.latents.map(\.meanVariance)
    collapsedVariance = results.collapsedVariance
    parameters = results.scores.map {
      Parameter(
        name: $0.name, rSquared: $0.rSquared, rSquaredOfEncoder: $0.rSquaredOfEncoder,
        rSquaredOfTrainingFit: $0.rSquaredOfTrainingFit,
        coverage95: $0.coverage95, smoothMap: $0.smoothMap, calibration: $0.calibration,
        paperRSquared: $0.paperRSquared)
    }
    errors = results.errorCurves.map { curve in
      let known = curve.paperPoints.filter { $0.index < curve.mean.count }
      let frames = known.isEmpty ? Array(curve.mean.indices) : known.map(\.index)
      return Curve(
        name: curve.name, frames: frames, rmse: frames.map { curve.mean[$0] },
        paper: known.map(\.value), recordings: curve.recordingCount,
        diverged: curve.divergedCount)
    }
  }
}
