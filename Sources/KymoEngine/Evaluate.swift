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
    let given = files.map { URL(filePath: $0) }
    let urls =
      try given.isEmpty && asTrained ? [trained.testFile(.recipe, hooks: talk.work)] : given
    if let first = urls.first {
      var use = DataUse()
      (use.layout, use.asTrained) = (layout.layout, asTrained)
      use.furtherFiles = Array(urls.dropFirst())
      test = .file(first, use)
    }
    let results = try TrainingRun.evaluate(trained, on: test, hooks: talk.work)
    try talk.show(results)
    talk.terminal.say("All numbers: \(run)/results.json. Next: kymo report \(run)")
  }
}
