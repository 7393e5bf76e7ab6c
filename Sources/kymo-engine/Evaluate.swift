// kymo evaluate: the work.
import Foundation
import KymoCommandLine
import KymoExperiments
import KymoResults
import KymoRuns

extension Evaluate: TensorVerb {
  func perform() throws {
    let directory = try RunDirectory.open(at: URL(filePath: run))
    let talk = Conversation(compute, outputOptions)
    StopSignal.install()
    let file = file.map { URL(filePath: $0) }
    let results =
      switch try AnyRecipe(contentsOf: directory.recipe) {
      case .extraction: try ExtractionRun.evaluate(directory, on: file, hooks: talk.work)
      case .forecast: try ForecastingRun.evaluate(directory, on: file, hooks: talk.work)
      }
    talk.terminal.endProgress()
    if outputOptions.json {
      try talk.print(json: results.withoutFigures)
    } else {
      print(results.terminalText)
    }
    talk.terminal.say("All numbers: \(run)/results.json. Next: kymo report \(run)")
  }
}
