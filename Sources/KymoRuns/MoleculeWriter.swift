// Files of molecules, whose recordings take minutes to hours each, several side by side. One that goes
// on with positions and velocities that were kept ends in the file of an unbroken simulation.
import Foundation
import KymoData
import KymoNumerics
import KymoSolvers

/// Simulates alanine dipeptide and writes the recordings into an NPZ file.
struct MoleculeWriter {
  let configuration: AlanineConfiguration
  let metadata: RecordingsMetadata
  let file: URL

  /// Where a recording is.
  private struct Progress: Codable {
    /// How many draws diverged before this one.
    var attempt: Int
    /// The last frame, negative in the spin-up.
    var frame: Int
    /// Positions and velocities at that frame.
    var state: MolecularDynamics.State
  }
  private typealias Unfinished = UnfinishedRecordings<AlanineConfiguration, Progress>

  /// Frames between two looks at the clock and at signals.
  private static let stretch = 100

  /// Simulates all recordings, or goes on where that was stopped, and writes the file.
  ///
  /// - Parameters:
  ///   - threads: Number of threads; it does not change the result.
  ///   - progress: Is told how many recordings are done, with parts.
  ///   - stopSignal: The signal that asks to stop, if any has come.
  /// - Throws: ``Interrupted`` when a signal came; a `FileError` when the disk refuses; a
  ///   `FormatError` when what was kept is damaged.
  /// - Returns: Draws that diverged and were replaced.
  func write(
    threads: Int, progress: (Double) -> Void, stopSignal: () -> Int32?
  ) throws -> Int {
    let simulator = try configuration.makeSimulator()
    let unfinished = try Unfinished(
      of: file, configuration, frameLength: configuration.channels.count)
    let all = Array(0..<configuration.recordings)
    for first in stride(from: 0, to: all.count, by: max(1, threads)) {
      let group = all[first..<min(first + max(1, threads), all.count)]
      try simulate(Array(group), unfinished, simulator, threads: threads, progress, stopSignal)
    }
    let redrawn = try assemble(simulator, unfinished)
    try unfinished.remove()
    return redrawn
  }

  /// Simulates recordings side by side.
  private func simulate(
    _ recordings: [Int], _ unfinished: Unfinished, _ simulator: Alanine, threads: Int,
    _ progress: (Double) -> Void, _ stopSignal: () -> Int32?
  ) throws {
    let last = configuration.frameCount - 1
    let steps = Double(configuration.spinUpFrames + configuration.frameCount)
    var runs = try recordings.compactMap { number -> Run? in
      let recording = try unfinished.recording(number)
      return recording.progress?.frame == last ? nil : try Run(number, recording, simulator)
    }
    let finished = Double(recordings[0] + recordings.count - runs.count)
    while runs.contains(where: { $0.frame < last }) {
      unsafe runs.withUnsafeMutableBufferPointer { runs in
        // A recording is touched by one iteration.
        nonisolated(unsafe) let runs = unsafe runs
        unsafe parallelFor(runs.count, threads: threads) { index in
          unsafe runs[index].advance(Self.stretch, simulator)
        }
      }
      for index in runs.indices where runs[index].trajectory.hasDiverged {
        let attempt = runs[index].attempt + 1
        guard attempt < 20 else {
          throw SimulationError.everyDrawBlewUp(recording: runs[index].number, attempts: attempt)
        }
        try runs[index].recording.restart()
        runs[index] = try Run(
          runs[index].number, runs[index].recording, simulator, attempt: attempt)
      }
      for index in runs.indices { try runs[index].appendFrames() }
      let done = runs.reduce(0) {
        $0 + Double(configuration.spinUpFrames + $1.frame + 1) / steps
      }
      progress(finished + done)
      try unfinished.keep(runs.allSatisfy { $0.frame == last }, signal: stopSignal()) {
        for run in runs {
          try run.recording.keep(
            Progress(attempt: run.attempt, frame: run.frame, state: run.trajectory.state))
        }
      }
    }
  }

  /// A recording in progress.
  private struct Run {
    let number: Int
    let recording: Unfinished.Recording
    let attempt: Int
    /// The last frame, negative in the spin-up.
    private(set) var frame: Int
    let trajectory: AlanineTrajectory
    private let draw: Alanine.Draw
    /// Frames that are not in the file of frames yet.
    private var frames: [Float] = []

    /// Starts a recording, or goes on with what was kept.
    init(
      _ number: Int, _ recording: Unfinished.Recording, _ simulator: Alanine, attempt: Int = 0
    ) throws {
      (self.number, self.recording) = (number, recording)
      self.attempt = recording.progress?.attempt ?? attempt
      frame = recording.progress?.frame ?? -simulator.configuration.spinUpFrames
      let configuration = simulator.configuration
      guard (0..<20).contains(self.attempt),
        (-configuration.spinUpFrames..<configuration.frameCount).contains(frame),
        recording.progress == nil || recording.frameCount == max(0, frame + 1)
      else { throw recording.isDamaged("attempt \(self.attempt), frame \(frame)") }
      draw = simulator.draw(recording: number, attempt: self.attempt)
      trajectory = try simulator.trajectory(of: draw)
      guard let kept = recording.progress else {
        store()
        return
      }
      let counts = [kept.state.positions.count, kept.state.velocities.count]
      guard counts == [Int](repeating: trajectory.state.positions.count, count: 2) else {
        throw recording.isDamaged("\(counts[0]) coordinates and \(counts[1]) velocities")
      }
      trajectory.resume(from: kept.state)
    }

    /// Advances by so many frames, or to the end.
    mutating func advance(_ count: Int, _ simulator: Alanine) {
      let end = min(frame + count, simulator.configuration.frameCount - 1)
      while frame < end, !trajectory.hasDiverged {
        frame += 1
        simulator.advance(trajectory, of: draw, to: frame)
        store()
      }
    }

    private mutating func store() {
      if frame >= 0 { frames += trajectory.components.map { Float($0) } }
    }

    /// Appends the frames since the last time to the file of frames.
    mutating func appendFrames() throws(FileError) {
      try recording.append(frames)
      frames = []
    }
  }

  /// The file of the kept recordings, with the noise of each; returns how many draws diverged.
  private func assemble(_ simulator: Alanine, _ unfinished: Unfinished) throws -> Int {
    let writer = try RecordingsWriter(
      file, shape: [configuration.recordings] + configuration.recordingShape, parameterCount: 0,
      metadata: metadata)
    var redrawn = 0
    for number in 0..<configuration.recordings {
      let recording = try unfinished.recording(number)
      redrawn += recording.progress?.attempt ?? 0
      let frames = try (0..<configuration.frameCount).flatMap(recording.frame)
      var numbers = HostArray(
        frames, shape: [configuration.frameCount, configuration.channels.count]
      )
      .exchanged(0).elements
      var noise = simulator.noise(recording: number)
      noise.add(to: &numbers)
      try writer.append(numbers, parameters: [])
    }
    try writer.finish()
    return redrawn
  }
}
