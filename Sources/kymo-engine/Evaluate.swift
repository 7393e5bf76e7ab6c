// kymo evaluate: the work.
import Foundation
import KymoCommandLine
import KymoExperiments
import KymoMetrics
import KymoRuns

extension Evaluate: TensorVerb {
  func perform() throws {
    let directory = try RunDirectory.open(at: URL(filePath: run))
    let talk = Conversation(compute, outputOptions)
    StopSignal.install()
    let file = file.map { URL(filePath: $0) }
    switch try AnyRecipe(contentsOf: directory.recipe) {
    case .extraction:
      let results = try ExtractionRun.evaluate(directory, on: file, hooks: talk.work)
      try show(results.summary, results.tables, talk)
    case .forecast:
      let results = try ForecastingRun.evaluate(directory, on: file, hooks: talk.work)
      try show(results.summary, results.tables, talk)
    }
    talk.terminal.say("All numbers: \(run)/results.json. Next: kymo report \(run)")
  }

  private func show(_ summary: some Encodable, _ tables: String, _ talk: Conversation) throws {
    talk.terminal.endProgress()
    if outputOptions.json {
      try talk.print(json: summary)
    } else {
      print(tables)
    }
  }
}
