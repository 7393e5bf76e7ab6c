// The recordings that a recipe names: found, made when absent and wanted so, loaded, checked, and
// made noisy when the recipe says so.
package import Foundation
package import KymoData
import KymoExtraction
import KymoNumerics
package import KymoRuns
import KymoSolvers

/// Is told about work that takes long, and says when to stop.
package struct WorkHooks {
  /// Is told how much of which work is done, as a fraction and in words.
  package var progress: (_ fraction: Double, _ words: String) -> Void = { _, _ in }
  /// Is told what a person should know.
  package var note: (_ words: String) -> Void = { _ in }
  /// The signal that asks to stop, if any has come.
  package var stopSignal: () -> Int32? = { nil }
  /// Number of threads.
  package var threads = 1

  /// Creates hooks that do nothing.
  package init() {}

  /// What is known, and a note that it is not found anew.
  func reused<Results>(_ known: Results?, of directory: RunDirectory) -> Results? {
    if known != nil {
      note("Evaluated already: \(directory.name). To do it anew: kymo evaluate \(directory.name)")
    }
    return known
  }

  func stopIfAsked(_ advice: String) throws {
    if let signal = stopSignal() { throw Interrupted(signal: signal, advice: advice) }
  }
}

/// Simulates the recordings of a file that is absent; returns what was made, nil where it is there.
func simulateIfAbsent(
  _ configuration: any SimulationConfiguration, _ file: URL, _ hooks: WorkHooks
) throws -> SimulationSummary? {
  guard !FileManager.default.fileExists(atPath: file.path) else { return nil }
  let (name, total) = (file.relativePath, configuration.recordings)
  return try configuration.write(
    to: file, threads: hooks.threads,
    progress: { done in
      hooks.progress(
        Double(done) / Double(total), "\(name): \(Int(done)) of \(counted(total, "recording"))")
    }, stopSignal: hooks.stopSignal)
}

/// The recordings of a file, a folder or a pattern that an entry of a recipe names.
func loadRecordings(_ file: URL, _ layout: FieldLayout, entry: String) throws -> Recordings {
  try Recordings.load(DataFiles(existing(file, entry: entry)), layout)
}

extension FieldLayout {
  /// Throws when a recipe says it in a way that cannot work.
  func validate(isSimulated: Bool) throws {
    try require(
      axes.map { Self.letters($0) != nil } ?? true, "data.axes", found: "'\(axes ?? "")'",
      allowed: Self.allowedAxes, remedy: "For example N,T,C,X, one letter for each axis.")
    try require(
      cut.map { $0 >= 2 } ?? true, "data.cut", found: cut ?? 0, allowed: "at least 2 frames",
      remedy: "It is how many frames a recording has; leave it out to keep recordings whole.")
    for (entry, value) in [("key", key), ("axes", axes)] {
      try require(
        value == nil || !isSimulated, "data.\(entry)", found: "'\(value ?? "")'",
        allowed: "left out with data.simulate, whose files have 'x' in the usual order",
        remedy: "Say data.simulate=null to use files of your own.")
    }
  }
}

/// The recordings of a recipe.
package struct ParameterData {
  /// The recipe's settings.
  package var settings: ParameterDataSettings
  /// Where relative paths are looked up when they are not found from the current folder.
  package var base: URL?

  /// Names the data of a recipe.
  package init(_ recipe: ParameterRecipe, base: URL? = nil) {
    (settings, self.base) = (recipe.data, base)
  }

  /// The file of the training recordings.
  package var trainFile: URL { located(settings.train, base: base) }
  /// The file of the test recordings; the training recordings when the recipe names none.
  package var testFile: URL {
    settings.test.isEmpty ? trainFile : located(settings.test, base: base)
  }

  /// A test file like the recipe's with another number of recordings, beside it, simulated when
  /// absent.
  package func makeTest(recordings: Int, _ hooks: WorkHooks) throws -> URL {
    guard var configuration = settings.simulate?.test else {
      throw ConfigurationError(
        "data.simulate.test", found: "absent", allowed: "how to make test recordings",
        remedy: "Leave --test-recordings out.")
    }
    configuration.recordings = recordings
    let name = "\(testFile.deletingPathExtension().lastPathComponent)-\(recordings).npz"
    let file = testFile.deletingLastPathComponent().appending(path: name)
    _ = try simulateIfAbsent(configuration, file, hooks)
    return file
  }

  /// Simulates the files that are absent; returns what was made.
  package func makeMissing(_ hooks: WorkHooks) throws -> [SimulationSummary] {
    guard let simulate = settings.simulate else { return [] }
    return try [(trainFile, simulate.train), (testFile, simulate.test)].compactMap {
      try simulateIfAbsent($1, $0, hooks)
    }
  }

  /// The training recordings, checked for the crops of a training, noise added, in the model's
  /// units, and what is worth a second look.
  package func loadTraining(
    _ recipe: ParameterRecipe, seed: UInt64, threads: Int
  ) throws -> (recordings: Recordings, warnings: [String]) {
    let stored = try loadTrained()
    let recordings = stored.less(stored.largeOffset(threads: threads))
    let findings = try recordings.validate(
      inputCrop: recipe.training.inputCrop, targetCrop: recipe.training.targetCrop,
      isNormalized: settings.normalize == .standard, file: trainFile.relativePath,
      threads: threads)
    let warnings = findings.map { "\(trainFile.relativePath): \($0.message). \($0.remedy)" }
    let seen =
      settings.noise > 0
      ? noisy(recordings, deviation: settings.noise, seed: seed, threads: threads) : recordings
    return switch settings.normalize {
    case .standard: (seen.scaled(by: seen.standardScaler()), warnings)
    case .none: (seen, warnings)
    }
  }

  /// The training recordings as they are in the file.
  func loadTrained() throws -> Recordings {
    try loadRecordings(trainFile, settings.layout, entry: "data.train")
  }

}

/// The recordings with normal noise on every sample, the same for every training with this seed.
func noisy(_ recordings: Recordings, deviation: Double, seed: UInt64, threads: Int) -> Recordings {
  if let noisy = recordings.noisyOnDemand(deviation: deviation, seed: seed) { return noisy }
  let length = recordings.recordingLength
  var values = [Float](repeating: 0, count: recordings.count * length)
  unsafe values.withUnsafeMutableBufferPointer { values in
    // Every recording writes to its own part.
    nonisolated(unsafe) let values = unsafe values
    parallelFor(recordings.count, threads: threads) { index in
      var stream = RandomStream(seed: seed, purpose: .noise, index: UInt64(index))
      unsafe recordings.withRecording(index) { recording in
        for position in 0..<length {
          let value = unsafe Double(recording[position]) + deviation * stream.normal()
          unsafe values[index * length + position] = Float(value)
        }
      }
    }
  }
  return Recordings(
    x: HostArray(values, shape: recordings.shape), params: recordings.params,
    metadata: recordings.metadata, offset: recordings.offset)
}

/// "Left out: …", for recordings with values that are not finite; nil for none.
package func leftOutWords(_ indices: [Int], of count: Int) -> String? {
  guard !indices.isEmpty else { return nil }
  let names = indices.prefix(8).map(String.init).joined(separator: ", ")
  return "Left out, since they hold values that are NaN or infinite: \(indices.count) of \(count) "
    + "recordings (\(names)\(indices.count > 8 ? ", …" : ""))."
}
