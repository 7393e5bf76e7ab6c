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
    // Who insists means the file of the recipe where no other is given.
    let url =
      try file.map { URL(filePath: $0) }
      ?? (asTrained ? trained.testFile(.recipe, hooks: talk.work) : nil)
    if let url {
      var use = DataUse()
      (use.layout, use.asTrained) = (layout.layout, asTrained)
      test = .file(url, use)
    }
    let results = try TrainingRun.evaluate(trained, on: test, hooks: talk.work)
    try talk.show(results)
    talk.terminal.say("All numbers: \(run)/results.json. Next: kymo report \(run)")
  }
}
