// Results of a forecasting run as tables on a terminal, published numbers beside ours.
import Foundation
import KymoCommandLine
import KymoMetrics
import KymoNumerics

extension ForecastResults {
  /// Reductions, forecasts, schedules and speeds as text.
  var tables: String {
    var parts = [
      """
      \(dataDescription); \(horizonSteps) frames after a warm-up of \(warmUpSteps), \
      \(initialConditionCount) initial conditions

      """
    ]
    if !reconstructions.isEmpty {
      var table = TextTable("reduction", "latents", "MSE, scaled", "MSE", "published")
      for entry in reconstructions {
        table.add([
          entry.name, "\(entry.latentCount)", Words.number(entry.scaledMeanSquaredError),
          Words.number(entry.meanSquaredError),
          entry.reference.map { Words.number($0.value) } ?? "-",
        ])
      }
      parts.append(table.text + "\n")
    }
    for (title, scores) in [
      ("latent forecast", propagators), ("full state", fullState),
      (
        "with the solver" + (multiscaleSteps.map { ", \($0) frames" } ?? ""),
        schedules + ensembleSchedules + adaptive
      ),
    ] where !scores.isEmpty {
      parts.append(text(title, scores) + "\n")
    }
    if !equationFree.isEmpty {
      var table = TextTable("equation-free, \(equationFreeSteps ?? 0) frames")
      table.add(columns: channelNames.map { "MNAD, \($0)" })
      for entry in equationFree {
        table.add(
          [(entry.isPublished ? "  published: " : "") + entry.name]
            + entry.normalizedDifference.map(Words.number))
      }
      parts.append(table.text + "\n")
    }
    for density in densities {
      parts.append(
        """
        density of \(density.name): L1 \(Words.number(density.distance)), floor \
        \(Words.number(density.floor))

        """)
    }
    if let costs { parts.append(text(costs)) }
    return parts.joined(separator: "\n")
  }

  private func text(_ title: String, _ scores: [Score]) -> String {
    var table = TextTable(title)
    table.add(
      columns: channelNames.map { "MNAD, \($0)" }
        + [
          "published", "RMSE", "corr.", "valid \(validTimeUnit)", "speed-up", "paper's count",
          "lost",
        ])
    for score in scores {
      func number(_ value: Double?) -> String {
        value.map { $0.isFinite ? Words.number($0) : "-" } ?? "-"
      }
      table.add(
        [score.name]
          + score.normalizedDifference.map { spread in
            number(spread.mean)
              + (spread.standardDeviation.isFinite ? " ± " + number(spread.standardDeviation) : "")
          } + [
            number(score.reference?.value), number(score.rootMeanSquareError.mean),
            number(score.correlation.mean), number(score.validTime.mean), number(score.speedUp),
            number(score.paperSpeedUp), "\(score.divergedCount)",
          ])
    }
    return table.text
  }

  private func text(_ costs: Costs) -> String {
    let cost = costs.cost
    var table = TextTable("speed-up of latent forecasts", "our solver", "paper's solver")
    let scale = costs.paperSolverSeconds.map { $0 / cost.solver }
    for (name, value) in [
      ("latent steps alone", cost.latentSpeedUp), ("with decoding", cost.decodedSpeedUp),
      (
        "with encoding and warm-up",
        cost.fullSpeedUp(warmUpSteps: costs.warmUpSteps, horizonSteps: costs.horizonSteps)
      ),
    ] {
      table.add([name, Words.number(value), scale.map { Words.number(value * $0) } ?? "-"])
    }
    return table.text + "\n"
      + """
      one coarse step: solver \(Words.number(1e6 * cost.solver)) µs (\(costs.solverStep)), latent \
      \(Words.number(1e6 * cost.latentStep)) µs, encoding \(Words.number(1e6 * cost.encoding)) µs, \
      decoding \(Words.number(1e6 * cost.decoding)) µs; \(costs.batchCount) side by side
      """
  }

  /// The numbers without pictures and curves, for programs.
  var summary: ForecastResults {
    var short = self
    (short.fields, short.paths) = ([], [])
    short.densities = densities.map { density in
      var numbers = density
      (numbers.truth, numbers.forecast) = ([], [])
      return numbers
    }
    func bare(_ scores: [Score]) -> [Score] {
      scores.map { score in
        var bare = score
        bare.errorCurve = []
        return bare
      }
    }
    (short.propagators, short.schedules) = (bare(propagators), bare(schedules))
    (short.adaptive, short.fullState) = (bare(adaptive), bare(fullState))
    short.ensembleSchedules = bare(ensembleSchedules)
    return short
  }
}
