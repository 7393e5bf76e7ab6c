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

  /// Keeps the steps up to `step` and returns them; an absent file has none.
  ///
  /// - Throws: ``RunDirectoryError`` when steps before `step` are missing or damaged.
  package static func truncate(_ file: URL, toStep step: Int) throws -> [StepRecord] {
    guard FileManager.default.fileExists(atPath: file.path) else {
      guard step == 0 else {
        throw RunDirectoryError.unreadable(path: file.relativePath, reason: "it is missing")
      }
      return []
    }
    let data = try Data(contentsOf: file)
    var (kept, end, steps) = (Data(), data.startIndex, [StepRecord]())
    let decoder = RunDirectory.decoder()
    while end < data.endIndex, steps.count < step {
      guard let newline = data[end...].firstIndex(of: UInt8(ascii: "\n")),
        let line = try? decoder.decode(StepRecord.self, from: data[end..<newline]),
        line.step == steps.count + 1
      else {
        throw RunDirectoryError.unreadable(
          path: file.relativePath, reason: "line \(steps.count + 1) is damaged")
      }
      steps.append(line)
      end = newline + 1
    }
    guard steps.count == step else {
      throw RunDirectoryError.unreadable(
        path: file.relativePath,
        reason: "it ends after step \(steps.count), but the checkpoint is of step \(step)")
    }
    kept = data[..<end]
    if kept.count < data.count { try AtomicFile.write(kept, to: file) }
    return steps
  }

  /// All steps of a file, without what a kill left half written.
  package static func read(_ file: URL) throws -> [StepRecord] {
    let decoder = RunDirectory.decoder()
    return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n"))
      .compactMap { try? decoder.decode(StepRecord.self, from: $0) }
  }
}
