// kymo evaluate: the work.
import Foundation
import KymoCommandLine
import KymoData
import KymoExperiments
import KymoResults
import KymoRuns

extension Evaluate: TensorVerb {
  func perform() throws {
    let directory = try RunDirectory.open(at: URL(filePath: run))
    let talk = Conversation(compute, outputOptions)
    StopSignal.install()
    let trained = try MethodList.current.load(directory, device: compute.device)
    var use = DataUse()
    (use.asTrained, use.canResample) = (asTrained, false)
    if let file {
      _ = try use.prepare(
        Recordings.load(URL(filePath: file)), file, for: directory, hooks: talk.work)
    }
    let results = try trained.evaluate(
      on: file.map { .file(URL(filePath: $0)) } ?? .recipe, hooks: talk.work)
    try directory.write(results.json(), to: directory.results)
    try talk.show(results)
    talk.terminal.say("All numbers: \(run)/results.json. Next: kymo report \(run)")
  }
}
