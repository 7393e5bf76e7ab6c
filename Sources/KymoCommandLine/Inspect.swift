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

      Several files, a folder or a pattern are one data set, here of pieces of 200 frames:
        kymo inspect 'runs/*.h5' --cut 200

      Says which methods can be trained on the file; the recipe is one of the first that can. Ends \
      with status 1 when there is none, or something is wrong that would spoil a training.
      """)

  @Argument(
    help: "The data files, folders or patterns: NPZ, NPY, HDF5, netCDF or MATLAB 7.3.")
  package var files: [String]

  @Option(help: ArgumentHelp("Write a recipe to start from.", valueName: "file"))
  package var recipe: String?

  @OptionGroup package var layout: LayoutOptions
  @OptionGroup package var replacing: ReplaceOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}

  package func run() throws {
    let data = try DataFiles(files.map { URL(filePath: $0) })
    if let recipe { try replacing.check(URL(filePath: recipe), inputs: data.urls) }
    let inspection = try Inspection(
      data, layout.layout, threads: ProcessInfo.processInfo.activeProcessorCount)
    if outputOptions.json {
      print(
        String(decoding: try RunDirectory.json(inspection, pretty: true), as: UTF8.self),
        terminator: "")
    } else {
      Terminal.print(inspection.text)
    }
    if let recipe {
      guard files.count == 1 else {
        throw UsageError(
          "a recipe names one file, folder or pattern, not \(files.count): give a pattern in quotes, "
            + "such as 'runs/*.h5', or put the files into a folder.")
      }
      let url = URL(filePath: recipe)
      try RunDirectory(url.deletingLastPathComponent())
        .write(Data(inspection.starterRecipe(for: files[0]).utf8), to: url)
      Terminal(quiet: outputOptions.quiet)
        .say("\(recipe) is a recipe to start from: kymo train \(recipe) -o runs/NAME")
    }
    if inspection.severity == .error { throw ExitCode(1) }
  }
}
