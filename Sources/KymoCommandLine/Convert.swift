// kymo convert.
package import ArgumentParser
import Foundation
package import KymoData
import KymoNumerics
import KymoRuns
import KymoSolvers

/// Writes recordings of any files into a new one.
package struct Convert: ParsableCommand {
  package static let configuration = CommandConfiguration(
    abstract: "Write recordings of any files into one HDF5 or NPZ file.",
    discussion: """
      Examples:
        kymo convert mine.nc mine.npz
        kymo convert 'runs/*.h5' all.hdf5 --layout the-well
        kymo convert forecast.npz structures.pdb --every t=10
        kymo convert long.h5 short.npz --cut 200 --crop t=1000:9000,x=0:128 --every t=2 --channels u,v

      HDF5 where the name ends with .h5 or .hdf5, structures of alanine dipeptide where it ends with .pdb, \
      else NPZ; numbers are written as float32. An axis \
      that is cropped is open. Ctrl-C and crashes keep what was read, in a hidden file beside the new \
      one: the same command goes on there. Until the end both need room on the disk.
      """)

  @Argument(
    help: ArgumentHelp(
      "The data files, folders or patterns, then the file to write.", valueName: "files"))
  package var files: [String]

  @Option(
    name: .customLong("layout"), help: "The layout of the new file: kymo or the-well (HDF5).")
  package var kind = RecordingsLayout.kymo

  @Option(
    help: ArgumentHelp("Keep a part of axes, such as t=0:100,x=10:74.", valueName: "axis=from:to"))
  package var crop: String?

  @Option(
    help: ArgumentHelp("Take every k-th frame or point, such as t=2,x=4.", valueName: "axis=k"))
  package var every: String?

  @Option(help: ArgumentHelp("Channels to keep, by name or number from 0.", valueName: "names"))
  package var channels: String?

  @OptionGroup package var layout: LayoutOptions
  @OptionGroup package var replacing: ReplaceOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}

  package func validate() throws {
    guard files.count >= 2 else {
      throw ValidationError("Name the files to read and the file to write: kymo convert IN OUT")
    }
  }

  package func run() throws {
    let data = try DataFiles(files.dropLast().map { URL(filePath: $0) })
    let output = URL(filePath: files[files.count - 1])
    if kind == .theWell, !ArrayFiles.isHDF5(output) {
      throw UsageError(
        "The Well's files are HDF5: give a name that ends with .hdf5, not \(output.relativePath).")
    }
    try replacing.check(output, inputs: data.urls)
    let recordings = try Recordings.load(data, layout.layout)
    let source = try SelectedRecordings(recordings, selection(of: recordings))
    let terminal = Terminal(quiet: outputOptions.quiet)
    if output.pathExtension == "pdb" {
      let models = try writeStructures(source, to: output)
      terminal.say("\(output.relativePath): \(counted(models, "structure"))")
      return
    }
    StopSignal.install()
    let start = ContinuousClock.now
    var resumed = 0
    try Conversion(source, to: output, layout: kind).run(
      threads: ProcessInfo.processInfo.activeProcessorCount,
      progress: { done, before in
        resumed = before
        terminal.show(
          fraction: Double(done) / Double(recordings.count),
          "\(done) of \(counted(recordings.count, "recording"))")
      },
      stop: {
        if let signal = StopSignal.current() {
          throw Interrupted(
            signal: signal, advice: "The same command goes on with what was read.")
        }
      })
    terminal.endProgress()
    terminal.say(
      "\(output.relativePath): \(describeShape(source.shape)) in "
        + "\(Words.number(start.duration(to: .now).seconds)) s"
        + (resumed > 0 ? ", \(resumed) of them read before" : ""))
  }

  /// Writes every frame as a model of a PDB file; returns how many there are.
  private func writeStructures(_ source: SelectedRecordings, to output: URL) throws -> Int {
    let (count, width, frames) = (source.shape[0], source.shape[1], source.shape[2])
    guard source.metadata.systemName == AlanineDipeptide.systemName,
      width == AlanineDipeptide.componentNames.count
    else {
      throw UsageError(
        "\(files[0]) has no internal coordinates of alanine dipeptide, and PDB files are written of these alone."
      )
    }
    let tree = AlanineDipeptide.heavyTree
    let models = (0..<count).flatMap { index in
      let numbers = source.recording(index).elements
      return (0..<frames).map { frame in
        let components = (0..<width).map { Double(numbers[$0 * frames + frame]) }
        return tree.positions(
          of: InternalCoordinates(components: components, atoms: tree.count))
      }
    }
    let text = PDBFile.text(AlanineDipeptide.heavyAtoms, models: models)
    try AtomicFile.write(Data(text.utf8), to: output)
    return models.count
  }

  private func selection(of recordings: Recordings) throws -> RecordingsSelection {
    var selection = RecordingsSelection(spaceRank: recordings.spaceRank)
    let letters = ["t", "x", "y"].prefix(1 + recordings.spaceRank)
    func forEach(_ text: String?, _ option: String, _ body: (Int, String) throws -> Void) throws {
      for entry in text?.split(separator: ",") ?? [] {
        let parts = entry.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2,
          let axis = letters.firstIndex(of: parts[0])
            ?? recordings.axisNames.firstIndex(of: parts[0])
        else {
          throw UsageError(
            "\(option) has '\(entry)', but must name an axis: "
              + "\(letters.joined(separator: ", ")), or \(recordings.axisNames.joined(separator: ", "))."
          )
        }
        try body(axis, parts[1])
      }
    }
    try forEach(crop, "--crop") { axis, words in
      let ends = words.split(separator: ":", omittingEmptySubsequences: false)
      let length = axis == 0 ? recordings.frameCount : recordings.spaceShape[axis - 1]
      guard ends.count == 2, let from = ends[0].isEmpty ? 0 : Int(ends[0]),
        let to = ends[1].isEmpty ? length : Int(ends[1]), from <= to
      else {
        throw UsageError("--crop has '\(words)', but must say from:to, such as 0:100.")
      }
      selection.ranges[axis] = from..<to
    }
    try forEach(every, "--every") { axis, words in
      guard let step = Int(words) else {
        throw UsageError("--every has '\(words)', but must be a whole number, such as t=2.")
      }
      selection.steps[axis] = step
    }
    selection.channels = try channels?.split(separator: ",").map { word in
      let name = String(word)
      guard
        let index = recordings.channelNames.firstIndex(of: name)
          ?? Int(name).flatMap({ (0..<recordings.channelCount).contains($0) ? $0 : nil })
      else {
        throw UsageError(
          "There is no channel '\(name)'; there are: "
            + recordings.channelNames.joined(separator: ", ") + ".")
      }
      return index
    }
    return selection
  }
}

extension RecordingsLayout: ExpressibleByArgument {}
