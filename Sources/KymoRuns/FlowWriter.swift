// Files of flows, whose frames cost seconds each: they are kept as they come in a folder beside the
// file, `NAME.unfinished`, with the last flow every minute, so that a simulation that was stopped or
// killed goes on. A flow depends on its fields alone, so the file is that of an unbroken simulation.
import Foundation
import KymoData
import KymoNumerics
import KymoSolvers

/// Simulates flows and writes them into an NPZ file; any length takes the memory of a few frames.
struct FlowWriter {
  let configuration: CylinderConfiguration
  let metadata: RecordingsMetadata
  let file: URL

  /// Where a simulation is.
  private struct Place: Codable {
    var configuration: CylinderConfiguration
    /// The recording in progress and its last coarse step, negative in the spin-up.
    var recording = 0
    var frame = 0
    /// Time of the flow.
    var time = 0.0
    /// Frames that were kept, of all recordings.
    var keptFrames = 0
  }

  private static let observables = ["drag", "lift"]
  /// Seconds between two copies of the flow.
  private static let interval = 60.0

  private var folder: URL {
    file.deletingLastPathComponent()
      .appending(path: file.lastPathComponent + ".unfinished", directoryHint: .isDirectory)
  }
  private var framesFile: URL { folder.appending(path: "frames") }
  private var flowFile: URL { folder.appending(path: "flow") }
  private var frameNumbers: Int { 4 * configuration.rows * configuration.columns }
  /// Bytes of a kept frame: its numbers and what was observed.
  private var frameBytes: Int { 4 * (frameNumbers + Self.observables.count) }

  /// Simulates all recordings, or goes on where that was stopped, and writes the file.
  ///
  /// - Parameters:
  ///   - threads: Number of threads; it does not change the result.
  ///   - progress: Is told how many recordings are done, with parts.
  ///   - stopSignal: The signal that asks to stop, if any has come.
  /// - Throws: ``Interrupted`` when a signal came; a `FileError` when the disk refuses.
  func write(
    threads: Int, progress: (Double) -> Void, stopSignal: () -> Int32?
  ) throws {
    let (simulator, start) = (try configuration.makeSimulator(), try begin())
    var place = start?.place ?? Place(configuration: configuration)
    let kept = try FileHandle(forUpdating: framesFile)
    try kept.truncate(atOffset: UInt64(place.keptFrames * frameBytes))
    try kept.seekToEnd()
    let before = configuration.spinUpFrames
    let steps = Double(before + configuration.frameCount)
    var saved = ContinuousClock.now
    for recording in place.recording..<configuration.recordings {
      let goesOn = start.flatMap { recording == $0.place.recording ? $0 : nil }
      let isFinite = try simulator.run(
        simulator.draw(recording: recording, attempt: 0), threads: threads,
        after: goesOn.map { ($0.place.frame, $0.state, $0.place.time) }
      ) { frame, flow in
        if frame >= 0 {
          // The penalty of a start is as large as its time is short.
          let force = flow.step > 0 ? flow.coefficients : (drag: .nan, lift: .nan)
          let numbers = flow.frame() + [Float(force.drag), Float(force.lift)]
          let bytes = unsafe numbers.withUnsafeBytes { unsafe Data($0) }
          try kept.write(contentsOf: bytes)
          place.keptFrames += 1
        }
        (place.recording, place.frame, place.time) = (recording, frame, flow.time)
        progress(Double(recording) + Double(before + frame + 1) / steps)
        let signal = stopSignal()
        guard signal != nil || saved.duration(to: .now).seconds > Self.interval else { return }
        try kept.synchronize()
        try save(place, flow.state)
        saved = .now
        if let signal {
          throw Interrupted(
            signal: signal,
            advice: "Frame \(frame) of recording \(recording) is kept in "
              + "\(folder.lastPathComponent): the same command goes on from it.")
        }
      }
      guard isFinite else {
        try FileManager.default.removeItem(at: folder)
        throw SimulationError.everyDrawBlewUp(recording: recording, attempts: 1)
      }
    }
    try kept.close()
    try assemble(simulator)
    try FileManager.default.removeItem(at: folder)
  }

  /// Makes the folder, or finds where an earlier simulation with the same settings was stopped.
  private func begin() throws -> (place: Place, state: CylinderFlow.State)? {
    if let found = try? found() { return found }
    try AtomicFolder.make(folder)
    try? FileManager.default.removeItem(at: flowFile)
    // Room for the frames and for the file that is made of them.
    try AtomicFile(framesFile, expectedBytes: 2 * Int(configuration.fileBytes)).commit()
    return nil
  }

  private func found() throws -> (place: Place, state: CylinderFlow.State)? {
    let content = try Data(contentsOf: flowFile)
    guard let end = content.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    let place = try JSONDecoder().decode(Place.self, from: content[..<end])
    let (rows, columns) = (configuration.rows, configuration.columns)
    let lengths = [rows * (columns + 1), (rows + 1) * columns, rows * columns]
    let numbers = content[(end + 1)...]
    let size = try framesFile.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
    guard place.configuration == configuration, numbers.count == 8 * lengths.reduce(0, +),
      size >= place.keptFrames * frameBytes
    else { return nil }
    let values = unsafe numbers.withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map {
        unsafe bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self)
      }
    }
    let parts = lengths.indices.map { part in
      let first = lengths[..<part].reduce(0, +)
      return Array(values[first..<first + lengths[part]])
    }
    return (place, CylinderFlow.State(u: parts[0], v: parts[1], p: parts[2]))
  }

  /// Place and flow in one file, so that they belong together.
  private func save(_ place: Place, _ state: CylinderFlow.State) throws {
    var content = try JSONEncoder().encode(place) + [UInt8(ascii: "\n")]
    for values in [state.u, state.v, state.p] {
      unsafe values.withUnsafeBytes { unsafe content.append(contentsOf: $0) }
    }
    try AtomicFile.write(content, to: flowFile)
  }

  /// The file of the kept frames, with the noise of every recording.
  private func assemble(_ simulator: Cylinder) throws {
    var metadata = metadata
    metadata.observableNames = Self.observables
    let writer = try RecordingsWriter(
      file, shape: [configuration.recordings] + configuration.recordingShape, parameterCount: 0,
      metadata: metadata)
    let kept = try FileHandle(forReadingFrom: framesFile)
    defer { try? kept.close() }
    for recording in 0..<configuration.recordings {
      var noise = simulator.noise(recording: recording)
      for _ in 0..<configuration.frameCount {
        guard let bytes = try kept.read(upToCount: frameBytes), bytes.count == frameBytes else {
          throw FileError(writing: file)
        }
        let all = unsafe bytes.withUnsafeBytes { unsafe Array($0.bindMemory(to: Float.self)) }
        var numbers = Array(all[..<frameNumbers])
        noise.add(to: &numbers)
        try writer.append(
          frame: numbers, parameters: [], observables: Array(all[frameNumbers...]))
      }
    }
    try writer.finish()
  }
}
