// kymo extract: the work.
import Foundation
import KymoCommandLine
import KymoData
import KymoExperiments
import KymoExtraction
import KymoMetrics
import KymoNumerics
import KymoResults
import KymoRuns

extension Extract: TensorVerb {
  func perform() throws {
    let directory = try RunDirectory.open(at: URL(filePath: run))
    let talk = Conversation(compute, outputOptions)
    StopSignal.install()
    let recordings = try Recordings.load(URL(filePath: file))
    var evaluation = ExtractionEvaluation(
      try ExtractionRun.loadModel(directory), settings: try directory.readRecipe().evaluation)
    if let fitCrops { evaluation.settings.fitCrops = fitCrops }
    try evaluation.settings.validate()
    evaluation.hooks = talk.work
    let read = try evaluation.extract(recordings, "reading recordings")
    let relevance = try relevance(of: read, recordings, evaluation.model, directory)
    let latents = try evaluation.fit(
      recordings, read, relevant: relevance.indices.filter { relevance[$0] },
      "fitting recordings")
    talk.terminal.endProgress()

    let table = ExtractionTable(
      latents: latents, relevant: relevance, parameterNames: recordings.parameterNames)
    let stem = URL(filePath: file).deletingPathExtension().lastPathComponent
    let given = output.map { URL(filePath: $0) }
    // A name with one of the two extensions means both files.
    let named = given.map {
      ["csv", "npz"].contains($0.pathExtension) ? $0.deletingPathExtension() : $0
    }
    let base = named ?? directory.url.appending(path: "extracted-\(stem)")
    let (csv, npz) = (base.appendingPathExtension("csv"), base.appendingPathExtension("npz"))
    try directory.write(Data(table.csv.utf8), to: csv)
    try table.write(to: npz)
    if outputOptions.json {
      try talk.print(json: table)
    } else {
      print(table.text)
    }
    talk.terminal.say("Written: \(csv.relativePath), \(npz.relativePath)")
  }

  /// Which latents carry a parameter: as the run's evaluation found, else from these recordings.
  private func relevance(
    of latents: [ExtractedLatents], _ recordings: Recordings,
    _ model: ParameterVAE, _ directory: RunDirectory
  ) throws -> [Bool] {
    if FileManager.default.fileExists(atPath: directory.results.path) {
      return try directory.readResults().values(ParameterValues.self).latents.map(\.isRelevant)
    }
    return latentSummaries(
      of: latents, collapsedVariance: model.collapsedVariance(for: recordings)
    ).map(\.isRelevant)
  }
}

/// Extracted latents, ready to be written.
struct ExtractionTable: Encodable {
  let latents: [ExtractedLatents]
  let relevant: [Bool]
  let parameterNames: [String]

  private var latentCount: Int { relevant.count }

  /// One line for each recording: means, standard deviations, known parameters; all digits.
  var csv: String {
    let header =
      ["recording"] + (1...latentCount).map { "mu_\($0)" }
      + (1...latentCount).map { "sigma_\($0)" } + parameterNames.map(ExtractionTable.quoted)
    let rows = latents.map { row in
      (["\(row.recording)"] + (row.mean + row.standardDeviation + row.parameters).map { "\($0)" })
        .joined(separator: ",")
    }
    return ([header.joined(separator: ",")] + rows).joined(separator: "\n") + "\n"
  }

  /// Arrays mu, sigma (recordings, latents), relevant (latents) and, where known, params.
  func write(to file: URL) throws {
    let count = latents.count
    let writer = try NPZWriter(file)
    try writer.add("mu", HostArray(latents.flatMap(\.mean), shape: [count, latentCount]))
    try writer.add(
      "sigma", HostArray(latents.flatMap(\.standardDeviation), shape: [count, latentCount]))
    try writer.add("relevant", HostArray(relevant.map { $0 ? 1.0 : 0 }, shape: [latentCount]))
    if !parameterNames.isEmpty {
      try writer.add(
        "params", HostArray(latents.flatMap(\.parameters), shape: [count, parameterNames.count]))
      try writer.add("param_names", parameterNames)
    }
    try writer.finish()
  }

  /// The relevant latents of the first recordings.
  var text: String {
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

  private static func quoted(_ text: String) -> String {
    text.contains { ",\"\n".contains($0) } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
  }
}
