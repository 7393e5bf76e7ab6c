// The command `kymo` and what its verbs have in common. A verb's arguments and help are here; verbs
// that work with tensors do their work in the program kymo-engine.
package import ArgumentParser
package import Foundation
package import KymoData
import KymoNumerics
import KymoRuns

/// The command line.
package struct Kymo: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "kymo",
    abstract: "Learns hidden parameters and effective dynamics of spatiotemporal systems.",
    discussion: """
      From nothing to a result and its report:
        kymo reproduce pde-vae/ks --quick

      With your own recordings, an array x of shape (recordings, channels, time, space):
        kymo inspect mine.npz --recipe mine.yaml
        kymo train mine.yaml -o runs/mine
        kymo extract runs/mine mine.npz

      Data goes to standard output, words go to standard error. Exit status: 0 done, 1 the run \
      failed, 2 wrong usage, 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP and 141 by SIGPIPE, \
      all with a checkpoint.
      """,
    version: "kymo \(Software.version)",
    subcommands: [
      Simulate.self, Inspect.self, Convert.self, Discover.self, Train.self, Extract.self,
      MakeForecast.self,
      Evaluate.self, WriteReport.self, Export.self, Reproduce.self, Doctor.self,
    ])

  package init() {}
}

/// How much is said, and in which form.
package struct OutputOptions: ParsableArguments {
  @Flag(help: "Print results as JSON.")
  package var json = false

  @Flag(name: [.customShort("q"), .long], help: "Say nothing but errors on standard error.")
  package var quiet = false

  package init() {}
}

/// What becomes of files that are there.
package struct ReplaceOptions: ParsableArguments {
  @Flag(help: "Replace the file that is there.")
  package var force = false

  package init() {}

  /// Throws unless files may be written; files of `inputs` never are.
  package func check(_ outputs: URL..., inputs: [URL] = []) throws {
    for output in outputs { try AtomicFile.check(output, inputs: inputs, force: force) }
  }
}

/// Where the recordings are in data files of another layout than ours.
package struct LayoutOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The array that holds the recordings.", valueName: "name"))
  package var key: String?

  @Option(
    help: ArgumentHelp(
      "What its axes are: N recordings, C channels, T time, X and Y space, P particles.",
      valueName: "N,C,T,X"))
  package var axes: String?

  @Option(
    help: ArgumentHelp(
      "Cut long recordings into pieces of so many frames, each a recording.", valueName: "frames"))
  package var cut: Int?

  @Flag(
    help: """
      Follow links and virtual data sets of HDF5 files to other files, where you trust them.
      """)
  package var followLinks = false

  package init() {}

  package func validate() throws {
    if let cut, cut < 2 {
      throw ValidationError("--cut is \(cut), but must be at least 2: frames of a recording.")
    }
  }

  /// The options as files are read by them.
  package var layout: FieldLayout {
    FieldLayout(key: key, axes: axes, cut: cut, followsLinks: followLinks)
  }
}

/// What to do with recordings that differ from those of the training.
package struct DataUseOptions: ParsableArguments {
  @Flag(
    help: """
      Take recordings whose step, spacing, ends or units differ from the training's, or are not \
      given, as if they were the training's.
      """)
  package var asTrained = false

  @Flag(help: "Take every k-th frame and point where that gives the training's step and spacing.")
  package var resample = false

  package init() {}
}

/// On what to compute.
package struct ComputeOptions: ParsableArguments {
  @Option(help: "Number of threads (default: all processors).")
  package var threads: Int?

  @Option(help: ArgumentHelp("Where to compute: cpu, cuda or cuda:1.", valueName: "device"))
  package var device: String?

  package init() {}

  package func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads), but must be from 1 to 1024.")
    }
  }
}
