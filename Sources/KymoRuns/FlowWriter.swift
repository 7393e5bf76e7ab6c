// Files of flows, whose frames cost seconds each. A flow depends on its fields alone, so one that
// goes on with fields that were kept ends in the file of an unbroken simulation.
import Foundation
import KymoData
import KymoNumerics
import KymoSolvers

/// Simulates flows and writes them into a file; any length takes the memory of a few frames.
struct FlowWriter {
  let configuration: CylinderConfiguration
  let metadata: RecordingsMetadata
  let file: URL

  /// Where a recording is.
  private struct Progress: Codable {
    /// The last coarse step, negative in the spin-up.
    var frame: Int
    /// Time of the flow.
    var time: Double
    /// Velocities and pressure.
    var fields: [Data]
  }

  private static let observables = ["drag", "lift"]
  private var frameNumbers: Int { 4 * configuration.rows * configuration.columns }

  /// Simulates all recordings, or goes on where that was stopped, and writes the file.
  ///
  /// - Parameters:
  ///   - threads: Number of threads; it does not change the result.
  ///   - progress: Is told how many recordings are done, with parts.
  ///   - stopSignal: The signal that asks to stop, if any has come.
  /// - Throws: ``Interrupted`` when a signal came; a `FileError` when the disk refuses; a
  ///   `FormatError` when what was kept is damaged.
  func write(
    threads: Int, progress: (Double) -> Void, stopSignal: () -> Int32?
  ) throws {
    let simulator = try configuration.makeSimulator()
    // Room for the frames and for the file that is made of them.
    let unfinished = try UnfinishedRecordings<CylinderConfiguration, Progress>(
      of: file, configuration, frameLength: frameNumbers + Self.observables.count,
      expectedBytes: 2 * Int(configuration.fileBytes))
    let (before, last) = (configuration.spinUpFrames, configuration.frameCount - 1)
    let steps = Double(before + last + 1)
    for number in 0..<configuration.recordings {
      let recording = try unfinished.recording(number)
      if let kept = recording.progress, kept.frame == last { continue }
      let start = try recording.progress.map { kept in
        guard let state = state(kept.fields) else { throw recording.isDamaged("other fields") }
        return (kept.frame, state, kept.time)
      }
      let isFinite = try simulator.run(
        simulator.draw(recording: number, attempt: 0), threads: threads, after: start
      ) { frame, flow in
        if frame >= 0 {
          // The penalty of a start is as large as its time is short.
          let force = flow.step > 0 ? flow.coefficients : (drag: .nan, lift: .nan)
          try recording.append(flow.frame() + [Float(force.drag), Float(force.lift)])
        }
        progress(Double(number) + Double(before + frame + 1) / steps)
        try unfinished.keep(frame == last, signal: stopSignal()) {
          let fields = [flow.state.u, flow.state.v, flow.state.p].map(Data.init(numbers:))
          try recording.keep(Progress(frame: frame, time: flow.time, fields: fields))
        }
      }
      guard isFinite else {
        try unfinished.remove()
        throw SimulationError.everyDrawBlewUp(recording: number, attempts: 1)
      }
    }
    try assemble(simulator, unfinished)
    try unfinished.remove()
  }

  /// Fields that were kept; nil where they are of another size.
  private func state(_ fields: [Data]) -> CylinderFlow.State? {
    let (rows, columns) = (configuration.rows, configuration.columns)
    let lengths = [rows * (columns + 1), (rows + 1) * columns, rows * columns]
    guard fields.map(\.count) == lengths.map({ 8 * $0 }) else { return nil }
    return CylinderFlow.State(u: fields[0].numbers, v: fields[1].numbers, p: fields[2].numbers)
  }

  /// The file of the kept frames, with the noise of every recording.
  private func assemble(
    _ simulator: Cylinder, _ unfinished: UnfinishedRecordings<CylinderConfiguration, Progress>
  ) throws {
    var metadata = metadata
    metadata.observableNames = Self.observables
    let writer = try RecordingsWriter(
      file, shape: [configuration.recordings] + configuration.recordingShape, parameterCount: 0,
      metadata: metadata)
    for number in 0..<configuration.recordings {
      let recording = try unfinished.recording(number)
      var noise = simulator.noise(recording: number)
      for frame in 0..<configuration.frameCount {
        let all = try recording.frame(frame)
        var numbers = Array(all[..<frameNumbers])
        noise.add(to: &numbers)
        try writer.append(
          frame: numbers, parameters: [], observables: Array(all[frameNumbers...]))
      }
    }
    try writer.finish()
  }
}

extension Data {
  /// The bytes of numbers.
  fileprivate init(numbers: [Double]) {
    self = unsafe numbers.withUnsafeBytes { unsafe Data($0) }
  }

  /// The numbers of bytes.
  fileprivate var numbers: [Double] {
    unsafe withUnsafeBytes { bytes in
      (0..<bytes.count / 8).map {
        unsafe bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self)
      }
    }
  }
}
