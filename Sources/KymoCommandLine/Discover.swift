// kymo discover.
package import ArgumentParser
import Foundation
import KymoData
import KymoLaw
import KymoNumerics
import KymoReport
import KymoResults
import KymoRuns

/// Finds the differential equation behind recordings.
package struct Discover: ParsableCommand {
  package static let configuration = CommandConfiguration(
    abstract: "Find the differential equation behind recordings, and its hidden parameters.",
    discussion: """
      Example:
        kymo discover mine.npz -o mine-law

      Nothing is trained and known parameters only score. A law is sought among products of the \
      channels under derivatives in space; own terms:
        kymo discover mine.npz --term 'sin(u)' --term 'd2x(u^3)'

      What the latents of a trained run multiply, after kymo extract of the same file:
        kymo extract runs/mine mine.npz
        kymo discover mine.npz --run runs/mine

      The run keeps the law: kymo extract of other recordings then gives the law's parameters too, and \
      the run's report shows it.

      Writes law.json, parameters.csv, parameters.npz and report.html into the folder. Ends with status 1 when no \
      law is claimed, with the reason.
      """)

  @Argument(help: "The recordings, files that inspect reads.")
  package var files: [String]

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("Where to write the law and the parameters.", valueName: "folder"))
  package var output: String?

  @Option(help: "The highest derivative in space, 1 to 6 (default: 4, and 6 where that fails).")
  package var order: Int?

  @Option(
    help: ArgumentHelp("A further term, such as u*v^2, dx(u*v), lap(u), sin(u).", valueName: "term")
  )
  package var term: [String] = []

  @Option(
    help: ArgumentHelp(
      "A further channel, such as psi = inverse_laplacian(w); axes must be periodic.",
      valueName: "name=expression"))
  package var derive: [String] = []

  @Option(help: ArgumentHelp("A term to leave out.", valueName: "term"))
  package var without: [String] = []

  @Option(
    name: .customLong("run"),
    help: ArgumentHelp("A run whose extracted latents are explained.", valueName: "run"))
  package var latentRun: String?

  @Option(help: "Number of threads (default: all processors).")
  package var threads: Int?

  @OptionGroup package var layoutOptions: LayoutOptions
  @OptionGroup package var replacing: ReplaceOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}

  package func validate() throws {
    if let order, !(1...6).contains(order) {
      throw ValidationError("--order is \(order), but must be from 1 to 6.")
    }
  }

  package func run() throws {
    let folder = output.map { URL(filePath: $0, directoryHint: .isDirectory) }
    let files = ["law.json", "parameters.csv", "parameters.npz", "report.html"].map {
      folder?.appending(path: $0)
    }
    let data = try DataFiles(self.files.map { URL(filePath: $0) })
    for case let url? in files { try replacing.check(url, inputs: data.urls) }
    let terminal = Terminal(quiet: outputOptions.quiet)
    let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    let recordings = try Recordings.load(data, layoutOptions.layout)
    for finding in try recordings.validate(file: data.name, threads: threads) {
      terminal.insist("Warning: \(data.name): \(finding.message). \(finding.remedy)")
    }
    let latents = try latentRun.map { try extracted($0, data) }
    var settings = DiscoverySettings()
    (settings.order, settings.terms, settings.without) = (order, term, without)
    settings.derived = derive
    settings.threads = threads
    var law = try Discovery(recordings, settings).run { terminal.say($0) }
    for (name, offset) in zip(recordings.channelNames, recordings.offset ?? [])
    where offset != 0 {
      terminal.insist("Note: in the law \(name) stands for \(name) − \(offset), its mean.")
    }
    terminal.say("solving the law")
    try law.verify(on: recordings, threads: threads)
    if let latents, law.refusal == nil {
      law.latents = try law.meanings(ofLatents: latents.means, relevant: latents.relevant)
    }
    if let latentRun, law.latents?.isEmpty == false {
      let directory = RunDirectory(URL(filePath: latentRun))
      let model = try directory.finishedModel
      try directory.write(RunDirectory.json(law, pretty: true), to: Law.besideModel(in: model))
      if FileManager.default.fileExists(atPath: directory.results.path) {
        var results = try directory.readResults()
        let sections = law.latentSections
        results.sections.removeAll { old in sections.contains { $0.id == old.id } }
        results.sections += sections
        try directory.write(json: results, to: directory.results)
      }
      terminal.say("\(latentRun) keeps the law: kymo extract gives its parameters from now on")
    }
    if outputOptions.json {
      print(
        String(decoding: try RunDirectory.json(law, pretty: true), as: UTF8.self), terminator: "")
    } else {
      Terminal.print(law.text)
    }
    if let folder, let json = files[0], let csv = files[1], let npz = files[2] {
      try AtomicFolder.make(folder)
      let directory = RunDirectory(folder)
      try directory.write(RunDirectory.json(law, pretty: true), to: json)
      try directory.write(Data(law.csv.utf8), to: csv)
      try law.write(to: npz)
      var findings = LawFindings(
        law, on: recordings,
        DataProvenance(
          system: recordings.systemName, file: data.urls[0].lastPathComponent,
          recordingCount: recordings.count, isTrainingData: true))
      (findings.recordings, findings.rollout) = (law.recordings, law.rollout)
      do {
        _ = try Report.write(
          findings.results(), title: "The law of \(data.urls[0].lastPathComponent)",
          to: folder)
      } catch let error as ReportError {
        terminal.insist("Warning: no report is written: \(error)")
      }
      terminal.say("Written: \(files.compactMap { $0?.relativePath }.joined(separator: ", "))")
    }
    terminal.say("\(Words.number(law.seconds)) s")
    if law.refusal != nil { throw ExitCode(1) }
  }

  /// The latents that `kymo extract` wrote of these files.
  private func extracted(
    _ run: String, _ data: DataFiles
  ) throws -> (means: [[Double]], relevant: [Bool]) {
    let stem = data.urls[0].deletingPathExtension().lastPathComponent
    let url = URL(filePath: run).appending(path: "extracted-\(stem).npz")
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw UsageError(
        "\(run) holds no latents of \(data.name). Extract them first: kymo extract \(run) "
          + files.joined(separator: " "))
    }
    let arrays = try NPZFile(url)
    let (means, relevant) = (try arrays.doubles("mu"), try arrays.doubles("relevant"))
    guard means.rank == 2, relevant.elements.count == means.shape[1] else {
      throw UsageError("\(url.relativePath) is not what kymo extract writes. Extract them anew.")
    }
    return (
      (0..<means.shape[0]).map { means.slice($0).elements }, relevant.elements.map { $0 != 0 }
    )
  }
}
