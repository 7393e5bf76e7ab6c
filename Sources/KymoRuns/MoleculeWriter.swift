// Files of molecules, whose recordings take minutes to hours each: a recording in progress is kept
// every minute in a folder beside the file, `NAME.unfinished`, its frames with the last state, so
// that a simulation that was stopped or killed goes on. The file is that of an unbroken simulation.
import Foundation
import KymoData
import KymoNumerics
import KymoSolvers

/// Simulates alanine dipeptide and writes the recordings into an NPZ file.
struct MoleculeWriter {
  let configuration: AlanineConfiguration
  let metadata: RecordingsMetadata
  let file: URL

  /// A recording as far as it is simulated.
  private struct Progress: Codable {
    var configuration: AlanineConfiguration
    /// How many draws diverged before this one.
    var attempt = 0
    /// The last frame, negative in the spin-up.
    var frame: Int
    /// Positions and velocities at that frame.
    var state: MolecularDynamics.State
    /// Stored frames, one after the other.
    var frames: [Float] = []
  }

  /// Seconds between two copies of a recording.
  private static let interval = 60.0
  /// Frames between two looks at the clock and at signals.
  private static let stretch = 100

  private var folder: URL {
    file.deletingLastPathComponent()
      .appending(path: file.lastPathComponent + ".unfinished", directoryHint: .isDirectory)
  }
  private func place(_ recording: Int) -> URL { folder.appending(path: "recording-\(recording)") }

  /// Simulates all recordings, or goes on where that was stopped, and writes the file.
  ///
  /// - Parameters:
  ///   - threads: Number of threads; it does not change the result.
  ///   - progress: Is told how many recordings are done, with parts.
  ///   - stopSignal: The signal that asks to stop, if any has come.
  /// - Throws: ``Interrupted`` when a signal came; a `FileError` when the disk refuses.
  /// - Returns: Draws that diverged and were replaced.
  func write(
    threads: Int, progress: (Double) -> Void, stopSignal: () -> Int32?
  ) throws -> Int {
    let simulator = try configuration.makeSimulator()
    try AtomicFolder.make(folder)
    let all = Array(0..<configuration.recordings)
    for first in stride(from: 0, to: all.count, by: max(1, threads)) {
      let group = all[first..<min(first + max(1, threads), all.count)]
      try simulate(Array(group), simulator, threads: threads, progress, stopSignal)
    }
    let redrawn = try assemble(simulator)
    try FileManager.default.removeItem(at: folder)
    return redrawn
  }

  /// Simulates recordings side by side.
  private func simulate(
    _ recordings: [Int], _ simulator: Alanine, threads: Int, _ progress: (Double) -> Void,
    _ stopSignal: () -> Int32?
  ) throws {
    let last = configuration.frameCount - 1
    let steps = Double(configuration.spinUpFrames + configuration.frameCount)
    var runs = try recordings.compactMap { recording -> Run? in
      let kept = kept(recording)
      return kept?.frame == last ? nil : try Run(recording, kept, simulator)
    }
    let finished = Double(recordings[0] + recordings.count - runs.count)
    var saved = ContinuousClock.now
    while runs.contains(where: { $0.progress.frame < last }) {
      unsafe runs.withUnsafeMutableBufferPointer { runs in
        // A recording is touched by one iteration.
        nonisolated(unsafe) let runs = unsafe runs
        unsafe parallelFor(runs.count, threads: threads) { index in
          unsafe runs[index].advance(Self.stretch, simulator)
        }
      }
      for index in runs.indices where runs[index].trajectory.hasDiverged {
        let attempt = runs[index].progress.attempt + 1
        guard attempt < 20 else {
          throw SimulationError.everyDrawBlewUp(
            recording: runs[index].recording, attempts: attempt)
        }
        runs[index] = try Run(runs[index].recording, nil, simulator, attempt: attempt)
      }
      let done = runs.reduce(0) {
        $0 + Double(configuration.spinUpFrames + $1.progress.frame + 1) / steps
      }
      progress(finished + done)
      let signal = stopSignal()
      let isDone = runs.allSatisfy { $0.progress.frame == last }
      guard isDone || signal != nil || saved.duration(to: .now).seconds > Self.interval else {
        continue
      }
      for run in runs {
        var kept = run.progress
        kept.state = run.trajectory.state
        try AtomicFile.write(
          PropertyListEncoder.binary.encode(kept), to: place(run.recording))
      }
      saved = .now
      if let signal {
        throw Interrupted(
          signal: signal,
          advice: "What was simulated is kept in \(folder.lastPathComponent): the same command "
            + "goes on from there.")
      }
    }
  }

  /// A recording in progress.
  private struct Run {
    let recording: Int
    var progress: Progress
    let trajectory: AlanineTrajectory
    private let draw: Alanine.Draw

    /// Starts a recording, or goes on with what was kept.
    init(
      _ recording: Int, _ kept: Progress?, _ simulator: Alanine, attempt: Int = 0
    ) throws {
      self.recording = recording
      draw = simulator.draw(recording: recording, attempt: kept?.attempt ?? attempt)
      trajectory = try simulator.trajectory(of: draw)
      if let kept {
        trajectory.start(kept.state)
        progress = kept
        return
      }
      progress = Progress(
        configuration: simulator.configuration, attempt: attempt,
        frame: -simulator.configuration.spinUpFrames, state: trajectory.state)
      store()
    }

    /// Advances by so many frames, or to the end.
    mutating func advance(_ count: Int, _ simulator: Alanine) {
      let end = min(progress.frame + count, simulator.configuration.frameCount - 1)
      while progress.frame < end, !trajectory.hasDiverged {
        progress.frame += 1
        simulator.advance(trajectory, of: draw, to: progress.frame)
        store()
      }
    }

    private mutating func store() {
      if progress.frame >= 0 { progress.frames += trajectory.components.map { Float($0) } }
    }
  }

  /// What an earlier simulation with the same settings has kept of a recording.
  private func kept(_ recording: Int) -> Progress? {
    guard let content = try? Data(contentsOf: place(recording)),
      let progress = try? PropertyListDecoder().decode(Progress.self, from: content),
      progress.configuration == configuration
    else { return nil }
    return progress
  }

  /// The file of the kept recordings, with the noise of each; returns how many draws diverged.
  private func assemble(_ simulator: Alanine) throws -> Int {
    let width = configuration.channels.count
    let writer = try RecordingsWriter(
      file, shape: [configuration.recordings] + configuration.recordingShape, parameterCount: 0,
      metadata: metadata)
    var redrawn = 0
    for recording in 0..<configuration.recordings {
      guard let kept = kept(recording), kept.frames.count == width * configuration.frameCount
      else { throw FileError(writing: place(recording)) }
      redrawn += kept.attempt
      let frames = HostArray(kept.frames, shape: [configuration.frameCount, width])
      var numbers = frames.exchanged(0).elements
      var noise = simulator.noise(recording: recording)
      noise.add(to: &numbers)
      try writer.append(numbers, parameters: [])
    }
    try writer.finish()
    return redrawn
  }
}

extension PropertyListEncoder {
  /// Numbers as they are.
  fileprivate static var binary: PropertyListEncoder {
    let encoder = PropertyListEncoder()
    encoder.outputFormat = .binary
    return encoder
  }
}
