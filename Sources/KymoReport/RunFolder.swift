// What a run folder says about itself. Every file may be missing: a report is made of what is
// there.
import Foundation
import KymoResults

/// The files of a run, read.
struct RunFolder: Sendable {
  /// Name of the folder.
  var name: String
  var results: RunResults?
  /// Training records in the order of the file.
  var training: [TrainingRecord] = []
  /// Lines of the training record that could not be read, such as one cut off by a kill.
  var unreadableTrainingLines = 0
  /// Whether there is a finished model.
  var hasModel = false
  var recipe: String?
  var environment: [String: EnvironmentValue] = [:]

  /// A run of which only the name is known.
  init(name: String) { self.name = name }

  /// Reads the run in `folder`.
  init(_ folder: URL) throws {
    // Links are followed.
    guard
      (try? folder.resolvingSymlinksInPath().resourceValues(forKeys: [.isDirectoryKey]))?
        .isDirectory == true
    else {
      throw ReportError.noRun(path: folder.path)
    }
    name = folder.standardizedFileURL.lastPathComponent
    results = try Self.contents(of: "results.json", in: folder).map { try RunResults(json: $0) }
    if let data = try Self.contents(of: "environment.json", in: folder) {
      do {
        environment = try RunResults.decoder.decode([String: EnvironmentValue].self, from: data)
      } catch {
        throw ReportError.unreadable(
          file: "environment.json", reason: ResultsError.reason(of: error),
          remedy: "It is written when a training starts; restore it, or delete it to go without.")
      }
    }
    recipe = try Self.contents(of: "recipe.yaml", in: folder).map {
      String(decoding: $0, as: UTF8.self)
    }
    hasModel = FileManager.default.fileExists(atPath: folder.appending(path: "model").path)
    let decoder = RunResults.decoder
    let lines =
      try Self.contents(of: "metrics.jsonl", in: folder)?
      .split(separator: UInt8(ascii: "\n")) ?? []
    training = lines.compactMap { try? decoder.decode(TrainingRecord.self, from: Data($0)) }
    unreadableTrainingLines = lines.count - training.count
  }

  /// The bytes of a file; nil when there is none.
  private static func contents(of file: String, in folder: URL) throws(ReportError) -> Data? {
    let url = folder.appending(path: file)
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    do { return try Data(contentsOf: url) } catch {
      throw .unreadable(
        file: file, reason: error.localizedDescription, remedy: "May you read the file?")
    }
  }
}

/// A value of environment.json in words.
struct EnvironmentValue: Decodable, Sendable {
  var text: String
  var number: Double?

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      text = "unknown"
    } else if let value = try? container.decode(Bool.self) {
      text = value ? "yes" : "no"
    } else if let value = try? container.decode(Int.self) {
      (text, number) = (String(value), Double(value))
    } else if let value = try? container.decode(Double.self) {
      (text, number) = (NumberText.significant(value, digits: 4), value)
    } else if let value = try? container.decode(String.self) {
      text = value
    } else if let values = try? container.decode([EnvironmentValue].self) {
      text = values.map(\.text).joined(separator: ", ")
    } else {
      let values = try container.decode([String: EnvironmentValue].self)
      text = values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.text)" }
        .joined(separator: ", ")
    }
  }
}
