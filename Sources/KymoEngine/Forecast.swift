// kymo forecast: the work.
import Foundation
import KymoCommandLine
import KymoData
import KymoExperiments
import KymoRuns

extension MakeForecast: TensorVerb {
  func perform() throws {
    let directory = try RunDirectory.open(at: URL(filePath: run))
    let talk = Conversation(compute, outputOptions)
    let data = try DataFiles(files.map { URL(filePath: $0) })
    try replacing.check(URL(filePath: output), inputs: data.urls + directory.needed)
    StopSignal.install()
    let recordings = try dataUse.recordings(data, layout, for: directory, talk.work).recordings
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
      Terminal.print(product.words)
    }
    talk.terminal.say("Written: \(output)")
  }
}
