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
    let used = try dataUse.recordings(data, layout, for: directory, talk.work)
    var order = ForecastOrder()
    (order.horizonSteps, order.warmUpSteps) = (horizon, warmUp)
    (order.macroSteps, order.microSteps) = (macro, micro)
    (order.isAdaptive, order.solver, order.initialConditions) = (
      adaptive, solver, initialConditions
    )
    let trained = try MethodList.current.load(
      directory, device: compute.device, as: (any Forecasts).self, verb: "forecast")
    var product = try trained.forecast(
      used.withoutGaps(file: data.name).recordings, order: order, hooks: talk.work)
    // Windows are drawn from those that are left.
    if initialConditions == nil { product.putBack(used.gaps, of: used.recordings.count) }
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
