// kymo forecast: the work.
import Foundation
import KymoCommandLine
import KymoData
import KymoExperiments
import KymoNumerics
import KymoRuns

extension MakeForecast: TensorVerb {
  func perform() throws {
    let directory = try RunDirectory.open(at: URL(filePath: run))
    let talk = Conversation(compute, outputOptions)
    StopSignal.install()
    let recordings = try dataUse.recordings(file, for: directory, talk.work)
    var order = ForecastOrder()
    (order.horizonSteps, order.warmUpSteps) = (horizon, warmUp)
    (order.macroSteps, order.microSteps) = (macro, micro)
    (order.isAdaptive, order.solver, order.initialConditions) = (
      adaptive, solver, initialConditions
    )
    let trained = try MethodList.current.load(
      directory, device: compute.device, as: (any Forecasts).self, verb: "forecast")
    let product = try trained.forecast(recordings, order: order, hooks: talk.work)
    talk.terminal.endProgress()
    try product.write(to: URL(filePath: output))
    let summary = product.summary
    if outputOptions.json {
      try talk.print(json: summary)
    } else {
      print(text(summary))
    }
    talk.terminal.say("Written: \(output)")
  }

  private func text(_ summary: ForecastProduct.Summary) -> String {
    var lines = [
      """
      \(summary.horizonSteps) frames of \(summary.recordings) recordings in \
      \(Words.number(summary.seconds)) s, \
      \(String(format: "%.1f", 100 * summary.latentFraction)) % of them in latent space
      """
    ]
    if summary.diverged > 0 {
      lines.append("diverged: \(summary.diverged) of \(summary.recordings)")
    }
    if let differences = summary.normalizedDifference, let error = summary.rootMeanSquareError {
      lines.append(
        "MNAD \(differences.map(Words.number).joined(separator: ", ")) by channel, RMSE "
          + Words.number(error))
    }
    return lines.joined(separator: "\n")
  }
}
