// kymo simulate law.json: solutions of a law that was found, from the first frames of recordings.
import Foundation
import KymoData
import KymoLaw
import KymoNumerics
import KymoRuns
import KymoSolvers

/// What is simulated with a law.
private struct LawSimulation: Settings {
  /// Frames of every recording, the first being given; 0 means as many as in the file.
  var frameCount = 0
  /// Time between frames; 0 means that of the file.
  var frameInterval = 0.0
  /// Values of the hidden parameters, the same for all recordings; empty means those that were found.
  var theta: [Double] = []
  /// Steps in a frame; 0 finds them.
  var substeps = 0
}

extension Simulate {
  /// Simulates the law of a file.
  func runLaw(_ name: String) throws {
    var text = try RecipeText(settings: LawSimulation(), source: name)
    for setting in settings { try text.override(setting) }
    let settings = try text.decode(LawSimulation.self)
    let law = try Law(contentsOf: URL(filePath: name))
    let terminal = Terminal(quiet: outputOptions.quiet)
    guard let output, !dryRun else {
      print(try RecipeText.yaml(of: settings), terminator: "")
      terminal.say(law.text)
      return
    }
    guard let from else {
      throw UsageError(
        "Say which recordings' first frames \(name) is solved from: --from FILE")
    }
    try replacing.check(
      URL(filePath: output), inputs: [URL(filePath: from), URL(filePath: name)])
    StopSignal.install()
    let start = ContinuousClock.now
    let recordings = try Recordings.load(URL(filePath: from))
    let parameters = try parameters(law, settings, recordings.count, from)
    var metadata = recordings.metadata
    if settings.frameInterval > 0 { metadata.frameInterval = settings.frameInterval }
    metadata.parameterNames = law.parameters.map(\.name)
    metadata.parameterUnits = []
    metadata.provenance = "kymo simulate of a law"
    let frames = settings.frameCount > 0 ? settings.frameCount : recordings.frameCount
    try require(
      recordings.channelCount == law.equations.count && frames >= 2, from,
      found: "\(counted(recordings.channelCount, "channel")), \(counted(frames, "frame"))",
      allowed: "\(law.equations.count), as the law, and at least 2 frames",
      remedy: "Give recordings like those that the law was found in.")
    let writer = try RecordingsWriter(
      URL(filePath: output),
      shape: [recordings.count, recordings.channelCount, frames] + recordings.spaceShape,
      parameterCount: law.parameters.count, metadata: metadata)
    // As many at a time as the vectors of all threads hold.
    let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    let cells = recordings.grid.pointCount
    let length = recordings.frameCount * cells
    var diverged = 0
    for first in stride(from: 0, to: recordings.count, by: 8 * threads) {
      if let signal = StopSignal.current() {
        throw Interrupted(signal: signal, advice: "\(output) was not written.")
      }
      terminal.show(
        fraction: Double(first) / Double(recordings.count), "\(first) of \(recordings.count)")
      let places = Array(first..<min(first + 8 * threads, recordings.count))
      let solver = try LawStepper(
        law.equationsOfMotion(
          with: places.map { parameters[$0] }, spaceRank: recordings.spaceRank),
        on: recordings.grid,
        frameInterval: metadata.frameInterval ?? 1,
        stepsPerFrame: settings.substeps > 0 ? settings.substeps : nil, threads: threads)
      let starts = places.flatMap { place -> [Double] in
        // `[C, T, X…]`.
        let field = recordings[place].exchanged(0).elements
        return (0..<recordings.channelCount).flatMap { channel in
          field[channel * length..<channel * length + cells].map(Double.init)
        }
      }
      let known = HostArray(starts, shape: [places.count] + solver.stateShape)
      try solver.restart(from: known, time: 0)
      let made = try solver.advance(frames: frames - 1)
      for (row, place) in places.enumerated() {
        // The given frame first; channels before time.
        let all = HostArray(
          known.slice(row).elements + made.slice(row).elements,
          shape: [1, frames] + solver.stateShape)
        if !all.elements.allSatisfy({ $0.isFinite }) { diverged += 1 }
        try writer.append(
          all.exchanged(1).elements.map { Float($0) },
          parameters: parameters[place].map { Float($0) })
      }
    }
    try writer.finish()
    terminal.endProgress()
    terminal.say(
      "\(output): \(counted(recordings.count, "recording")) in "
        + "\(Words.number(start.duration(to: .now).seconds)) s"
        + (diverged > 0 ? ", \(diverged) diverged: their frames are NaN from there on" : ""))
  }

  /// The hidden parameters of every recording of the file.
  private func parameters(
    _ law: Law, _ settings: LawSimulation, _ count: Int, _ from: String
  ) throws -> [[Double]] {
    if !settings.theta.isEmpty {
      try require(
        settings.theta.count == law.parameters.count && settings.theta.allSatisfy(\.isFinite),
        "theta", found: counted(settings.theta.count, "number"),
        allowed: "\(law.parameters.count), one for each hidden parameter",
        remedy: "The law's text names them.")
    }
    if !settings.theta.isEmpty || law.parameters.isEmpty {
      return Array(repeating: settings.theta, count: count)
    }
    try require(
      law.recordings.count == count, from, found: counted(count, "recording"),
      allowed: "the \(law.recordings.count) that the law was found in",
      remedy: "Give the hidden parameters for others: theta=[…]")
    return law.recordings.map(\.parameters)
  }
}
