// metrics.jsonl: one line of JSON for each training step, appended as the step is done. What a kill
// leaves half written is cut off on resuming, together with steps after the checkpoint.
package import Foundation
package import KymoNN
import KymoNumerics
import KymoRuns

/// Appends training steps to a file.
package final class MetricsLog {
  private let descriptor: Int32
  private let file: URL

  /// Opens the file for appending.
  package init(appendingTo file: URL) throws {
    self.file = file
    descriptor = unsafe Foundation.open(file.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError(writing: file) }
  }

  deinit { close(descriptor) }

  /// Appends one step.
  package func append(_ step: StepRecord) throws {
    try appendAll(RunDirectory.json(step, pretty: false), to: descriptor, of: file)
  }

  /// Brings all steps to the disk, to be there when a checkpoint of the last one is.
  package func flush() throws {
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileError(writing: file) }
  }

  /// Keeps the steps up to `step` and returns them; what is damaged or missing is left out, since
  /// a training goes on from its checkpoint alone.
  package static func truncate(_ file: URL, toStep step: Int) throws -> [StepRecord] {
    guard let data = try? Data(contentsOf: file) else { return [] }
    var (kept, steps) = (Data(), [StepRecord]())
    let decoder = RunDirectory.decoder()
    for line in data.split(separator: UInt8(ascii: "\n")) {
      guard let record = try? decoder.decode(StepRecord.self, from: line), record.step <= step,
        record.step > steps.last?.step ?? 0
      else { continue }
      steps.append(record)
      kept += line + [UInt8(ascii: "\n")]
    }
    if kept != data { try AtomicFile.write(kept, to: file) }
    return steps
  }

  /// All steps of a file, without what a kill left half written.
  package static func read(_ file: URL) throws -> [StepRecord] {
    let decoder = RunDirectory.decoder()
    return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n"))
      .compactMap { try? decoder.decode(StepRecord.self, from: $0) }
  }
}
