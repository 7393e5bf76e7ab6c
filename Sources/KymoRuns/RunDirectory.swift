// The folder of one run: every file that a run writes, and the guarantees about them. Files appear
// whole or not at all (written beside, then renamed), and one process at a time writes a run.
package import Foundation
import KymoNumerics
package import KymoResults

/// What can be wrong with the folder of a run.
package enum RunDirectoryError: Error, Hashable, CustomStringConvertible {
  /// The folder already holds a run.
  case exists(path: String, isFinished: Bool)
  /// The folder holds other things than a run.
  case occupied(path: String, entry: String)
  /// The folder is no run.
  case notARun(path: String, missing: String)
  /// Another process writes here.
  case locked(path: String, process: String)
  /// The training has not finished, so there is no model yet.
  case unfinished(path: String)
  /// A run that is to go on is not what it was.
  case changed(path: String, changes: [String])
  /// A file of the run cannot be understood.
  case unreadable(path: String, reason: String)

  /// One sentence for the person who gave the folder.
  package var description: String {
    switch self {
    case .exists(let path, true):
      "\(path) holds a finished run. Choose another folder, or add --force to replace it."
    case .exists(let path, false):
      "\(path) holds an unfinished run. Continue it with: kymo train --resume \(path), choose "
        + "another folder, or add --force to replace it."
    case .occupied(let path, let entry):
      "\(path) is not empty and not a run (it holds '\(entry)'). Choose another folder."
    case .notARun(let path, let missing):
      "\(path) is not a run: there is no \(missing) in it. Give the folder that kymo train -o made."
    case .locked(let path, let process):
      "\(path) is being written by another kymo (process \(process)). Wait for it or stop it first."
    case .unfinished(let path):
      "\(path) has no model yet: its training has not finished. Continue it with: kymo train "
        + "--resume \(path)"
    case .changed(let path, let changes):
      "\(path) would go on \(changes.joined(separator: ", "))" + """
        : its results would be those of a mixture. Undo it, train anew in another folder, or insist, \
        which the results will say: kymo train --resume \(path) --force
        """
    case .unreadable(let path, let reason):
      "\(path) cannot be understood: \(reason). Restore the file or train again."
    }
  }
}

/// The folder of one run and the names of the files in it.
package struct RunDirectory: Sendable {
  /// The folder.
  package let url: URL

  /// Names the folder at `url`; nothing is read or written.
  package init(_ url: URL) { self.url = url }

  /// The resolved recipe.
  package var recipe: URL { url.appending(path: "recipe.yaml") }
  /// On what the run was made.
  package var environment: URL { url.appending(path: "environment.json") }
  /// One line of JSON for each training step.
  package var metrics: URL { url.appending(path: "metrics.jsonl") }
  /// The newest states of the training.
  package var checkpoints: URL { url.appending(path: "checkpoints") }
  /// The trained model; exists when the training has finished.
  package var model: URL { url.appending(path: "model") }
  /// What the evaluation found.
  package var results: URL { url.appending(path: "results.json") }
  /// Figures of the report.
  package var figures: URL { url.appending(path: "figures") }
  /// The report.
  package var report: URL { url.appending(path: "report.html") }
  /// Log lines.
  package var log: URL { url.appending(path: "log.txt") }
  /// Held while a process writes the run.
  var lock: URL { url.appending(path: ".lock") }

  /// What verbs read of a finished run.
  package var needed: [URL] {
    let models = FileManager.default.enumerator(at: model, includingPropertiesForKeys: nil)
    return [recipe, environment, metrics] + (models?.compactMap { $0 as? URL } ?? [])
  }

  /// Everything that belongs to a run.
  private var entries: [URL] {
    [recipe, environment, metrics, checkpoints, model, results, figures, report, log, lock]
  }

  /// The run in a folder or, when several seeds were trained there, that of the first one.
  package static func finished(at url: URL) -> RunDirectory {
    let directory = RunDirectory(url)
    let seeds = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    let first = seeds.filter { isOfSeed($0) }
      .sorted { $0.localizedStandardCompare($1) == .orderedAscending }.first
    guard !directory.isFinished, let first else { return directory }
    return RunDirectory(url.appending(path: first))
  }

  /// The folder of one seed: that of the experiment itself when only one is wanted, a folder below
  /// it otherwise.
  ///
  /// What is there already stays where it is.
  package static func place(ofSeed seed: UInt64, isOnlyOne: Bool, below base: URL) -> URL {
    let apart = base.appending(path: "seed-\(seed)")
    let run = RunDirectory(base)
    if let present = try? run.read(EnvironmentRecord.self, from: run.environment) {
      return present.seed == seed ? base : apart
    }
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: base.path)) ?? []
    return isOnlyOne && !entries.contains { isOfSeed($0) } ? base : apart
  }

  /// Whether a folder inside that of an experiment holds the run of one of its seeds.
  private static func isOfSeed(_ name: String) -> Bool { name.hasPrefix("seed-") }

  /// Whether the training has finished.
  package var isFinished: Bool {
    FileManager.default.fileExists(atPath: model.appending(path: "model.json").path)
  }

  /// The folder of the trained model.
  ///
  /// - Throws: ``RunDirectoryError/unfinished(path:)`` while there is none.
  package var finishedModel: URL {
    get throws(RunDirectoryError) {
      guard isFinished else { throw .unfinished(path: name) }
      return model
    }
  }

  /// The folder as messages name it.
  package var name: String { url.relativePath }

  /// Throws unless a new run can be made at `url`.
  package static func checkVacant(_ url: URL, force: Bool) throws(RunDirectoryError) {
    let directory = RunDirectory(url)
    // Runs of other seeds may lie below that of the first.
    let present = ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? [])
      .filter { !isOfSeed($0) && !UnfinishedName.isOne($0) }
    let known = Set(directory.entries.map(\.lastPathComponent))
    if let foreign = present.sorted().first(where: { !known.contains($0) }) {
      throw .occupied(path: directory.name, entry: foreign)
    }
    // A training that was killed before it wrote its recipe has left nothing.
    let holdsRun = present.contains {
      $0 != directory.lock.lastPathComponent
        && ($0 != directory.checkpoints.lastPathComponent
          || !directory.completeCheckpoints().isEmpty)
    }
    guard !holdsRun || force else {
      throw .exists(path: directory.name, isFinished: directory.isFinished)
    }
  }

  /// Makes the folder for a new run; an existing run is replaced only with `force`.
  package static func create(at url: URL, force: Bool) throws -> RunDirectory {
    try checkVacant(url, force: force)
    let directory = RunDirectory(url)
    try AtomicFolder.make(url)
    // The lock stays: replacing a run that is being written must fail.
    let lock = try RunLock(directory)
    for entry in directory.entries
    where entry != directory.lock && FileManager.default.fileExists(atPath: entry.path) {
      try FileManager.default.removeItem(at: entry)
    }
    UnfinishedName.removeAll(in: url)
    withExtendedLifetime(lock) {}
    try AtomicFolder.make(directory.checkpoints)
    return directory
  }

  /// Opens the folder of an existing run.
  package static func open(at url: URL) throws -> RunDirectory {
    let directory = RunDirectory(url)
    guard FileManager.default.fileExists(atPath: directory.recipe.path) else {
      throw RunDirectoryError.notARun(
        path: directory.name, missing: directory.recipe.lastPathComponent)
    }
    return directory
  }

  /// Writes a file of the run so that it is there whole or not at all.
  package func write(_ data: Data, to file: URL) throws {
    try AtomicFile.write(data, to: file)
  }

  /// Writes a value as JSON.
  package func write(json value: some Encodable, to file: URL) throws {
    try write(RunDirectory.json(value, pretty: true), to: file)
  }

  /// Reads a JSON file of the run.
  package func read<Value: Decodable>(_ type: Value.Type, from file: URL) throws -> Value {
    do {
      return try RunDirectory.decoder().decode(type, from: Data(contentsOf: file))
    } catch {
      throw RunDirectoryError.unreadable(
        path: file.relativePath,
        reason: FileManager.default.fileExists(atPath: file.path)
          ? "it is not the JSON that kymo writes" : "it is missing")
    }
  }

  /// Reads what ``json(_:pretty:)`` writes.
  package static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return decoder
  }

  /// JSON with sorted keys; numbers that JSON does not have are the words Infinity and NaN.
  package static func json(_ value: some Encodable, pretty: Bool) throws -> Data {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    return try encoder.encode(value) + Data("\n".utf8)
  }

  /// The environment of the run; one in which nothing is known when its file is missing.
  package func readEnvironment() throws -> EnvironmentRecord {
    guard FileManager.default.fileExists(atPath: environment.path) else { return .unknown }
    return try read(EnvironmentRecord.self, from: environment)
  }
}

// MARK: - Results

extension RunDirectory {
  /// The results of the run.
  ///
  /// - Throws: `ResultsError` when they cannot be understood or are of another schema,
  ///   ``RunDirectoryError`` when there are none.
  package func readResults() throws -> RunResults {
    guard let json = try? Data(contentsOf: results) else {
      throw RunDirectoryError.unreadable(path: results.relativePath, reason: "it is missing")
    }
    return try RunResults(json: json, file: results.relativePath)
  }

  /// The results of a finished run on a file of recordings, if they are there: those that name the
  /// file and were written after it, the recipe and the model.
  package func knownResults(of test: URL) -> RunResults? {
    func time(_ url: URL) -> Date? {
      try? FileManager.default.attributesOfItem(atPath: url.path)[.modificationDate] as? Date
    }
    let sources = [recipe, model.appending(path: "model.json"), test].map(time)
    guard let written = time(results), sources.allSatisfy({ $0.map { $0 <= written } ?? false }),
      let known = try? readResults(), known.data.file == test.lastPathComponent
    else { return nil }
    return known
  }
}

// MARK: - Checkpoints

extension RunDirectory {
  /// The checkpoints that are complete, the newest first, with their steps.
  package func completeCheckpoints() -> [(step: Int, url: URL)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpoints.path)) ?? []
    return names.compactMap { name -> (step: Int, url: URL)? in
      guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)) else { return nil }
      return (step, checkpoints.appending(path: name))
    }.sorted { $0.step > $1.step }
  }

  /// Saves a checkpoint with `save`, which fills a folder; keeps the two newest.
  ///
  /// The folder is filled under another name and renamed when it is complete and on disk, so a
  /// kill or a full disk at any moment leaves the earlier checkpoints as they were.
  package func saveCheckpoint(step: Int, save: (URL) throws -> Void) throws {
    let final = checkpoints.appending(path: "step-" + String(format: "%09d", step))
    try AtomicFolder.write(to: final) { folder in
      try save(folder)
      // With which settings it was made.
      try? FileManager.default.copyItem(at: recipe, to: folder.appending(path: "recipe.yaml"))
    }
    for old in completeCheckpoints().dropFirst(2) {
      try? FileManager.default.removeItem(at: old.url)
    }
    UnfinishedName.removeAll(in: checkpoints)
  }

  /// Saves the finished model with `save`, which fills a folder.
  package func saveModel(save: (URL) throws -> Void) throws {
    try AtomicFolder.write(to: model, save)
    UnfinishedName.removeAll(in: url, of: model.lastPathComponent)
  }
}

// MARK: - Lock

/// Held by the one process that writes a folder; the system releases it however the process ends.
package final class RunLock: Sendable {
  private let descriptor: Int32

  /// Takes the lock of a run.
  package convenience init(_ directory: RunDirectory) throws {
    try self.init(directory.lock, of: directory.name)
  }

  /// Takes the lock `file` of the folder `name`.
  init(_ file: URL, of name: String) throws {
    let path = file.path
    let descriptor = unsafe Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError(writing: file) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let process = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      close(descriptor)
      throw RunDirectoryError.locked(path: name, process: process.isEmpty ? "unknown" : process)
    }
    ftruncate(descriptor, 0)
    let process = "\(getpid())"
    unsafe process.withCString { text in _ = unsafe pwrite(descriptor, text, strlen(text), 0) }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
