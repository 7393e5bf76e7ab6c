// A recipe of the method `law`: which recordings, among which terms their equation is sought, and
// what is evaluated.
package import Foundation
package import KymoData
import KymoLaw
package import KymoNN
import KymoNumerics
package import KymoRuns
import KymoSolvers

/// Everything that a search for a law and its evaluation depend on.
package struct LawRecipe: MethodRecipe, Settings {
  /// The method's name.
  package var method = LawMethod.name
  /// A name for reports and log lines.
  package var name = "unnamed"
  /// Seed; the search draws nothing from it.
  package var seed: UInt64 = 1
  /// Number of threads; absent means as many as the machine has.
  package var threads: Int?
  /// Where tensors live; the search has none.
  package var device = "cpu"
  /// Minutes between checkpoints; the search is one step.
  package var checkpointMinutes = 3.0
  /// What is searched, and what is tested on.
  package var data = LawDataSettings()
  /// Among which terms.
  package var search = LawSearchSettings()
  /// What is evaluated.
  package var evaluation = LawEvaluationSettings()

  package var dataLayout: FieldLayout { data.layout }
  package var simulatesData: Bool { data.simulate != nil }

  package mutating func changePaths(
    _ change: (_ entry: String, _ path: inout String) -> Void
  ) {
    change("data.train", &data.train)
    change("data.test", &data.test)
  }

  /// Creates the default recipe.
  package init() {}

  /// Resolves a recipe from its text.
  package init(_ text: RecipeText) throws {
    self = try text.decode(LawRecipe.self)
    try validateCommonSettings()
    try data.validate()
    try search.validate()
    try evaluation.validate()
  }
}

/// Which recordings a search uses.
package struct LawDataSettings: Settings {
  /// File of the recordings that the law is found in; a folder or a pattern such as `runs/*.h5` for
  /// many.
  package var train = ""
  /// File of the recordings that it is tested on; empty means those that it was found in.
  package var test = ""
  /// The array that holds the recordings; absent means that it is found.
  package var key: String?
  /// What its axes are, such as N,C,T,X; absent means that it is found.
  package var axes: String?
  /// Frames of the pieces that recordings of all files are cut into; absent leaves them whole.
  package var cut: Int?
  /// Whether links to other files and virtual data sets in HDF5 files are followed.
  package var followLinks = false
  /// How to make the files when they are absent.
  package var simulate: SimulationSettings?

  /// Creates settings without files.
  package init() {}

  var layout: FieldLayout {
    FieldLayout(key: key, axes: axes, cut: cut, followsLinks: followLinks)
  }

  func validate() throws {
    try require(
      !train.isEmpty, "data.train", found: "empty", allowed: "the file of recordings",
      remedy: "Add it to the recipe, or say data.train=FILE.")
    try layout.validate(isSimulated: simulate != nil)
    try simulate?.validate()
  }
}

/// Among which terms a law is sought.
package struct LawSearchSettings: Settings {
  /// The highest derivative in space, 1 to 6; absent means 4, and 6 where that fails.
  package var order: Int?
  /// Further terms, such as u*v^2, dx(u*v), lap(u), sin(u).
  package var terms: [String] = []
  /// Terms that are left out.
  package var without: [String] = []
  /// Further channels, such as psi = inverse_laplacian(w).
  package var derive: [String] = []

  /// Creates the default settings.
  package init() {}

  func validate() throws {
    try require(
      order.map { (1...6).contains($0) } ?? true, "search.order", found: order ?? 0,
      allowed: "from 1 to 6", remedy: "Leave it out: 4 is tried first.")
  }

  /// As the search takes it.
  func discovery(threads: Int) -> DiscoverySettings {
    var settings = DiscoverySettings()
    (settings.order, settings.terms, settings.without) = (order, terms, without)
    (settings.derived, settings.threads) = (derive, threads)
    return settings
  }
}

/// What is evaluated of a law.
package struct LawEvaluationSettings: Settings {
  /// How many recordings the law is solved for, from their first frames.
  package var rolloutRecordings = 8
  /// Frames of these solutions.
  package var rolloutFrames = 64

  /// Creates the default settings.
  package init() {}

  func validate() throws {
    for (entry, value) in [
      ("rolloutRecordings", rolloutRecordings), ("rolloutFrames", rolloutFrames),
    ] {
      try require(
        (0...100_000).contains(value), "evaluation.\(entry)", found: value,
        allowed: "from 0 to 100000", remedy: "0 leaves it out.")
    }
  }
}

// MARK: - Search as a training of one step

extension LawRecipe {
  package func plan(base: URL?, hooks: WorkHooks) throws -> TrainingPlan<LawSession> {
    let file = located(data.train, base: base)
    if let configuration = data.simulate?.train {
      _ = try simulateIfAbsent(configuration, file, hooks)
    }
    let recordings = try loadRecordings(file, data.layout, entry: "data.train")
    let findings = try recordings.validate(file: file.relativePath, threads: hooks.threads)
    let discovery = try Discovery(recordings, search.discovery(threads: hooks.threads))
    return TrainingPlan(
      dataHashes: [data.train: recordings.contentHashDigits(threads: hooks.threads)],
      warnings: findings.map { "\(file.relativePath): \($0.message). \($0.remedy)" },
      makeSession: {
        LawSession(discovery, recordings, hooks)
      }, describe: { _ in counted(recordings.count, "recording") })
  }

  package func estimate(hooks: WorkHooks) throws -> TrainingEstimate {
    let file = located(data.train, base: nil)
    let (count, length, rank): (Int, Int, Int)
    if let train = data.simulate?.train, !FileManager.default.fileExists(atPath: file.path) {
      (count, length) = (train.recordings, train.recordingShape.reduce(1, *))
      rank = train.recordingShape.count - 2
    } else {
      let recordings = try loadRecordings(file, data.layout, entry: "data.train")
      (count, length, rank) = (recordings.count, recordings.recordingLength, recordings.spaceRank)
    }
    let seconds = Double(count) * Double(length) / (rank == 1 ? 1e7 : 2e6)
    return TrainingEstimate(
      words: [
        "A search in \(counted(count, "recording")): about \(Words.time(seconds)) on two processors."
      ], numbers: ["recordings": Double(count), "seconds": seconds])
  }
}

/// A search for a law, as a session of one step.
package final class LawSession: TrainingSession {
  private let discovery: Discovery
  private let recordings: Recordings
  private let hooks: WorkHooks
  private var law: Law?

  package var stepIndex: Int { law == nil ? 0 : 1 }
  package var totalSteps: Int { 1 }

  init(_ discovery: Discovery, _ recordings: Recordings, _ hooks: WorkHooks) {
    (self.discovery, self.recordings, self.hooks) = (discovery, recordings, hooks)
  }

  package func step() throws -> StepRecord {
    var law = discovery.run { hooks.progress(0, $0) }
    hooks.progress(0.9, "solving the law")
    try law.verify(on: recordings, threads: hooks.threads)
    self.law = law
    var record = StepRecord(step: 1, loss: law.equations.map(\.residual).max() ?? 1)
    record.scalars["parameters"] = Double(law.parameters.count)
    return record
  }

  package func saveCheckpoint(to folder: URL) throws { try save(to: folder) }
  package func restore(from folder: URL) throws {
    law = try Law(contentsOf: folder.appending(path: LawMethod.fileName))
  }
  package func saveModel(to folder: URL) throws {
    try save(to: folder)
    try TrainedData(recordings, threads: hooks.threads).write(to: folder)
  }

  private func save(to folder: URL) throws {
    guard let law else { return }
    try RunDirectory(folder).write(json: law, to: folder.appending(path: LawMethod.fileName))
  }
}
