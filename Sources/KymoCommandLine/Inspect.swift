// kymo inspect.
package import ArgumentParser
import Foundation
import KymoData
import KymoRuns

/// Says what was understood of a data file.
package struct Inspect: ParsableCommand {
  package static let configuration = CommandConfiguration(
    abstract: "Say what is understood of a data file and what is suspicious.",
    discussion: """
      Example:
        kymo inspect mine.npz --recipe mine.yaml

      The file is an NPZ with an array x of shape (recordings, channels, time, space) and, if known, \
      params of shape (recordings, k), or an NPY with x alone. Other names and orders:
        kymo inspect mine.npz --key u --axes N,T,X

      Says which methods can be trained on the file; the recipe is one of the first that can. Ends \
      with status 1 when there is none, or something is wrong that would spoil a training.
      """)

  @Argument(help: "The data file: NPZ, NPY, HDF5, netCDF-4 or MATLAB 7.3.")
  package var file: String

  @Option(help: ArgumentHelp("Write a recipe to start from.", valueName: "file"))
  package var recipe: String?

  @OptionGroup package var layout: LayoutOptions
  @OptionGroup package var replacing: ReplaceOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}

  package func run() throws {
    if let recipe { try replacing.check(URL(filePath: recipe), inputs: [URL(filePath: file)]) }
    let inspection = try Inspection(
      URL(filePath: file), key: layout.key, axes: layout.axes,
      threads: ProcessInfo.processInfo.activeProcessorCount)
    if outputOptions.json {
      print(
        String(decoding: try RunDirectory.json(inspection, pretty: true), as: UTF8.self),
        terminator: "")
    } else {
      Terminal.print(inspection.text)
    }
    if let recipe {
      let url = URL(filePath: recipe)
      try RunDirectory(url.deletingLastPathComponent())
        .write(Data(inspection.starterRecipe(for: file).utf8), to: url)
      Terminal(quiet: outputOptions.quiet)
        .say("\(recipe) is a recipe to start from: kymo train \(recipe) -o runs/NAME")
    }
    if inspection.severity == .error { throw ExitCode(1) }
  }
}
