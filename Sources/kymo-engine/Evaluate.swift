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
    let results = try ExtractionRun.evaluate(
      directory, on: file.map { URL(filePath: $0) }, hooks: talk.work)
    talk.terminal.endProgress()
    if outputOptions.json {
      try talk.print(json: results.summary)
    } else {
      print(results.tables)
    }
    talk.terminal.say("All numbers: \(run)/results.json. Next: kymo report \(run)")
  }
}
