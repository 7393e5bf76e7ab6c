// kymo discover.
package import ArgumentParser
import Foundation
import KymoData
import KymoLaw
import KymoNumerics
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

      Writes law.json, parameters.csv and parameters.npz into the folder. Ends with status 1 when no \
      law is claimed, with the reason.
      """)

  @Argument(help: "The recordings, an NPZ or NPY file.")
  package var file: String

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

  @Option(help: ArgumentHelp("The array that holds the recordings.", valueName: "name"))
  package var key: String?

  @Option(
    help: ArgumentHelp(
      "What its axes are: N recordings, C channels, T time, X and Y space.", valueName: "N,C,T,X"))
  package var axes: String?

  @Option(help: "Number of threads (default: all processors).")
  package var threads: Int?

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
    let files = ["law.json", "parameters.csv", "parameters.npz"].map { folder?.appending(path: $0) }
    for case let url? in files { try replacing.check(url, inputs: [URL(filePath: file)]) }
    let recordings = try Recordings.load(URL(filePath: file), key: key, axes: axes)
    var settings = DiscoverySettings()
    (settings.order, settings.terms, settings.without) = (order, term, without)
    settings.derived = derive
    settings.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    let terminal = Terminal(quiet: outputOptions.quiet)
    var law = try Discovery(recordings, settings).run { terminal.say($0) }
    for (name, offset) in zip(recordings.channelNames, recordings.offset ?? [])
    where offset != 0 {
      terminal.insist("Note: in the law \(name) stands for \(name) − \(offset), its mean.")
    }
    terminal.say("solving the law")
    try law.verify(on: recordings, threads: settings.threads)
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
      terminal.say("Written: \(files.compactMap { $0?.relativePath }.joined(separator: ", "))")
    }
    terminal.say("\(Words.number(law.seconds)) s")
    if law.refusal != nil { throw ExitCode(1) }
  }
}
