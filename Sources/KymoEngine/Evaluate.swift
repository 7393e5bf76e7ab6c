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
    var test = TestChoice.recipe
    if let file {
      var use = DataUse()
      (use.layout, use.asTrained, use.canResample) = (layout.layout, asTrained, false)
      test = .file(
        URL(filePath: file), try use.load(file, for: directory, hooks: talk.work).layout)
    }
    let results = try TrainingRun.evaluate(trained, on: test, hooks: talk.work)
    try talk.show(results)
    talk.terminal.say("All numbers: \(run)/results.json. Next: kymo report \(run)")
  }
}
