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
    let data = try DataFiles(files.map { URL(filePath: $0) })
    let stem = data.urls[0].deletingPathExtension().lastPathComponent
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
        output, inputs: data.urls + directory.needed,
        force: replacing.force || given == nil)
    }
    StopSignal.install()
    let trained = try MethodList.current.load(
      directory, device: compute.device, as: (any ExtractsParameters).self,
      verb: "extract parameters")
    var order = ExtractionOrder()
    let used = try dataUse.recordings(data, layout, for: directory, talk.work)
    let whole = try used.withoutGaps(file: data.name)
    (order.fitCrops, order.unusual) = (fitCrops, whole.unusual)
    var extraction = try trained.extract(whole.recordings, order: order, hooks: talk.work)
    extraction.putBack(used.gaps, of: used.recordings)
    talk.terminal.endProgress()
    try directory.write(Data(extraction.csv.utf8), to: csv)
    try extraction.write(to: npz, of: used.recordings.metadata)
    if outputOptions.json {
      try talk.print(json: extraction)
    } else {
      Terminal.print(extraction.text)
    }
    talk.terminal.say("Written: \(csv.relativePath), \(npz.relativePath)")
  }
}

extension Extraction {
  /// A value and its 95 % bar; a dash for a recording that was left out.
  private static func bar(_ value: Double, _ deviation: Double, isInDoubt: Bool) -> String {
    guard value.isFinite else { return "–" }
    return Words.number(value) + " ± " + (isInDoubt ? "?" : Words.number(1.96 * deviation))
  }

  /// The relevant latents of the first recordings.
  fileprivate var text: String {
    let shown = relevant.indices.filter { relevant[$0] }
    guard !shown.isEmpty else {
      return "No latent is relevant: the model found no parameter that varies."
    }
    var table = TextTable("recording")
    table.add(
      columns: shown.map { "latent \($0 + 1)" } + named.map(\.name) + parameterNames
        + (fit == nil ? [] : ["fit"]))
    for (place, row) in latents.prefix(20).enumerated() {
      table.add(
        ["\(row.recording)"]
          + shown.map {
            // The bar of a recording that the model does not hold for says nothing.
            Self.bar(row.mean[$0], row.standardDeviation[$0], isInDoubt: !doubts[place].isEmpty)
          }
          + named.map { Self.bar($0.values[place], $0.error, isInDoubt: !doubts[place].isEmpty) }
          + row.parameters.map(Words.number)
          + (fit.map { [$0[place].isFinite ? String(format: "%.0f", $0[place]) : "–"] } ?? []))
    }
    let doubtful = latents.indices.filter { !doubts[$0].isEmpty }
    let warning = doubtful.first.map { first in
      "\nWARNING: the model does not hold for \(doubtful.count) of \(latents.count) recordings, nor "
        + "do their error bars (column doubt of the files): recording "
        + "\(latents[first].recording): \(doubts[first])"
    }
    let rest = latents.count - 20
    return table.text + (rest > 0 ? "\n… and \(rest) more in the files" : "")
      + "\nrelevant latents: \(shown.count) of \(relevant.count); ± is the 95 % interval by the "
      + "encoder's own noise, not calibrated"
      + (named.isEmpty
        ? ""
        : "; in the law that was found "
          + named.map { "\($0.name) is the coefficient of \($0.meaning)" }.joined(separator: ", ")
          + " (± from recordings left out of the fit)")
      + (fit == nil ? "" : "; fit: percent of the training recordings with a smaller error")
      + (warning ?? "")
  }
}
