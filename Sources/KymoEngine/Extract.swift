// kymo extract: the work.
import Foundation
import KymoCommandLine
import KymoData
import KymoExperiments
import KymoMetrics
import KymoNumerics
import KymoRuns

extension Extract: TensorVerb {
  func perform() throws {
    let directory = try RunDirectory.open(at: URL(filePath: run))
    let talk = Conversation(compute, outputOptions)
    let stem = URL(filePath: file).deletingPathExtension().lastPathComponent
    let given = output.map { URL(filePath: $0) }
    // A name with one of the two extensions means both files.
    let named = given.map {
      ["csv", "npz"].contains($0.pathExtension) ? $0.deletingPathExtension() : $0
    }
    let base = named ?? directory.url.appending(path: "extracted-\(stem)")
    let (csv, npz) = (base.appendingPathExtension("csv"), base.appendingPathExtension("npz"))
    // Those in the run folder are the run's own.
    for output in [csv, npz] {
      try AtomicFile.check(
        output, inputs: [URL(filePath: file)] + directory.needed,
        force: replacing.force || given == nil)
    }
    StopSignal.install()
    let trained = try MethodList.current.load(
      directory, device: compute.device, as: (any ExtractsParameters).self,
      verb: "extract parameters")
    var order = ExtractionOrder()
    order.fitCrops = fitCrops
    let extraction = try trained.extract(
      Recordings.load(URL(filePath: file)), order: order, hooks: talk.work)
    talk.terminal.endProgress()
    try directory.write(Data(extraction.csv.utf8), to: csv)
    try extraction.write(to: npz)
    if outputOptions.json {
      try talk.print(json: extraction)
    } else {
      Terminal.print(extraction.text)
    }
    talk.terminal.say("Written: \(csv.relativePath), \(npz.relativePath)")
  }
}

extension Extraction {
  /// The relevant latents of the first recordings.
  fileprivate var text: String {
    let shown = relevant.indices.filter { relevant[$0] }
    guard !shown.isEmpty else {
      return "No latent is relevant: the model found no parameter that varies."
    }
    var table = TextTable("recording")
    table.add(columns: shown.map { "latent \($0 + 1)" } + parameterNames)
    for row in latents.prefix(20) {
      table.add(
        ["\(row.recording)"]
          + shown.map {
            Words.number(row.mean[$0]) + " ± " + Words.number(1.96 * row.standardDeviation[$0])
          } + row.parameters.map(Words.number))
    }
    let rest = latents.count - 20
    return table.text + (rest > 0 ? "\n… and \(rest) more in the files" : "")
      + "\nrelevant latents: \(shown.count) of \(relevant.count); ± is the 95 % interval"
  }
}
