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
    let parameters = try law.parameterValues(
      theta: settings.theta, recordings: recordings.count, source: from)
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
    let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    let solver = try LawSolver(
      law, parameters: parameters, on: recordings.grid,
      frameInterval: metadata.frameInterval ?? 1,
      stepsPerFrame: settings.substeps > 0 ? settings.substeps : nil, threads: threads)
    let fields = FrameSet(recordings)
    /// Starts these recordings; returns their first frames, `[B, C, X…]`.
    func restart(_ places: [Int]) throws -> HostArray<Double> {
      let known = HostArray<Double>(
        HostArray(
          places.flatMap { fields.frames(ofSeries: $0, 0..<1).elements },
          shape: [places.count] + solver.stateShape))
      try solver.choose(recordings: places)
      try solver.restart(from: known, time: 0)
      return known
    }
    // Steps are found on recordings from all over the file.
    let few = min(16, recordings.count)
    _ = try restart((0..<few).map { $0 * recordings.count / few })
    var diverged = 0
    // As many at a time as the vectors of all threads hold.
    for first in stride(from: 0, to: recordings.count, by: 8 * threads) {
      if let signal = StopSignal.current() {
        throw Interrupted(signal: signal, advice: "\(output) was not written.")
      }
      terminal.show(
        fraction: Double(first) / Double(recordings.count), "\(first) of \(recordings.count)")
      let places = Array(first..<min(first + 8 * threads, recordings.count))
      let known = try restart(places)
      let made = try solver.advance(frames: frames - 1)
      for (row, place) in places.enumerated() {
        // The given frame first; channels before time.
        let all = HostArray(
          known.slice(row).elements + made.slice(row).elements,
          shape: [1, frames] + solver.stateShape)
        if !all.elements.allSatisfy({ $0.isFinite }) { diverged += 1 }
        try writer.append(
          all.exchanged(1).elements.map { Float($0) },
          parameters: parameters[parameters.count == 1 ? 0 : place].map { Float($0) })
      }
    }
    try writer.finish()
    terminal.endProgress()
    terminal.say(
      "\(output): \(counted(recordings.count, "recording")) in "
        + "\(Words.number(start.duration(to: .now).seconds)) s"
        + (diverged > 0 ? ", \(diverged) diverged: their frames are NaN from there on" : ""))
  }
}
