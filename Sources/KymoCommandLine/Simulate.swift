// kymo simulate.
package import ArgumentParser
import Foundation
import KymoNumerics
import KymoRuns
import KymoSolvers

/// Makes recordings with a built-in solver.
package struct Simulate: ParsableCommand {
  package static let configuration = CommandConfiguration(
    abstract: "Make recordings with a built-in solver.",
    discussion: """
      Example, 1,000 recordings of Kuramoto–Sivashinsky whose damping γ differs:
        kymo simulate ks recordings=1000 seed=1 -o data/ks-train.npz

      Systems: \(Simulate.systemsText).
      Their settings, defaults and sizes, nothing being simulated:
        kymo simulate nls --dry-run

      Solutions of a law that kymo discover found, from the first frames of recordings and with their \
      parameters, or with others:
        kymo simulate mine-law/law.json --from mine.npz -o solved.npz
        kymo simulate mine-law/law.json --from mine.npz theta=[0.9] frameCount=500 -o solved.npz

      The same seed gives the same file on any number of threads. Ctrl-C leaves no half file; a flow
      past a cylinder goes on when the same command is given again.
      """)

  @Argument(help: "The system, or a file law.json.")
  package var system: String

  @Argument(help: ArgumentHelp("Settings of the system.", valueName: "key=value"))
  package var settings: [String] = []

  @Option(
    name: [.customShort("o"), .long],
    help: "The file to write: HDF5 where it ends with .h5 or .hdf5, else NPZ.")
  package var output: String?

  @Option(
    help: ArgumentHelp("The recordings from whose first frames a law is solved.", valueName: "file")
  )
  package var from: String?

  @Flag(help: "Print the resolved settings and the size of the file; simulate nothing.")
  package var dryRun = false

  @Option(help: "Standard deviation of normal noise on every sample.")
  package var noise: Double?

  @Option(help: "Seed of every random draw.")
  package var seed: UInt64?

  @Option(help: "Number of threads (default: all processors).")
  package var threads: Int?

  @OptionGroup package var replacing: ReplaceOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}

  package func validate() throws {
    guard dryRun || output != nil else {
      throw ValidationError("Say where to put the recordings: --output FILE")
    }
  }

  package func run() throws {
    if system.hasSuffix(".json") { return try runLaw(system) }
    guard let system = SimulatedSystem(rawValue: system) else {
      throw UsageError(
        "There is no system '\(system)'. Systems: \(Simulate.systemsText), or a file law.json.")
    }
    try run(system.settings)
  }

  private func run<Configuration: SimulationConfiguration>(_ type: Configuration.Type) throws {
    var text = try RecipeText(settings: Configuration(), source: system)
    for setting in settings { try text.override(setting) }
    var configuration = try text.decode(Configuration.self)
    if let seed { configuration.seed = seed }
    if let noise { configuration.noiseDeviation = noise }
    try configuration.validate(at: system)
    let terminal = Terminal(quiet: outputOptions.quiet)
    guard let output, !dryRun else {
      print(
        outputOptions.json
          ? String(decoding: try RunDirectory.json(configuration, pretty: true), as: UTF8.self)
          : try RecipeText.yaml(of: configuration), terminator: "")
      terminal.say(
        "\(Configuration.systemName): \(configuration.recordings) recordings of "
          + configuration.recordingShape.map(String.init).joined(separator: " × ")
          + " (channels, frames, points), \(Words.bytes(configuration.fileBytes))"
          + (configuration.roomBytes > configuration.fileBytes
            ? ", \(Words.bytes(configuration.roomBytes)) while it is made." : "."))
      return
    }
    try replacing.check(URL(filePath: output))
    StopSignal.install()
    let start = ContinuousClock.now
    let total = configuration.recordings
    let summary = try configuration.write(
      to: URL(filePath: output),
      threads: threads ?? ProcessInfo.processInfo.activeProcessorCount,
      progress: { done in
        let seconds = start.duration(to: .now).seconds
        let left = seconds * (Double(total) - done) / done
        terminal.show(
          fraction: done / Double(total),
          "\(Int(done)) of \(counted(total, "recording")), \(Words.time(left)) left")
      }, stopSignal: StopSignal.current)
    terminal.endProgress()
    terminal.say(
      "\(summary.file): \(counted(summary.recordings, "recording")) in \(Words.number(summary.seconds)) s"
        + (summary.redrawn > 0 ? ", \(summary.redrawn) draws diverged and were replaced" : ""))
    if outputOptions.json {
      print(
        String(decoding: try RunDirectory.json(summary, pretty: true), as: UTF8.self),
        terminator: "")
    }
  }

  private static let systemsText = SimulatedSystem.allCases.map(\.rawValue)
    .joined(separator: ", ")
}
