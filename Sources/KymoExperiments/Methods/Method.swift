// What a method is: a way to learn from recordings. All that is its own lies in one folder; verbs
// ask a trained run what it can do, and nothing else tells methods apart.
package import Foundation
package import KymoData
import KymoNumerics
package import KymoResults
package import KymoRuns
package import KymoTensor

/// A way to learn from recordings: its recipe, and what a trained run of it can do.
package protocol Method: Sendable {
  associatedtype Recipe: MethodRecipe
  associatedtype Run: TrainedRun

  /// What recipes write at `method`.
  static var name: String { get }
  /// Words that recipes had for it before.
  static var formerNames: [String] { get }

  /// Loads the models of a finished run, whose resolved recipe is given.
  func load(_ directory: RunDirectory, recipe: Recipe, device: Device) throws -> Run
}

extension Method {
  /// Most methods had one name only.
  package static var formerNames: [String] { [] }

  /// Reads a recipe from its text.
  func recipe(_ text: RecipeText) throws -> any MethodRecipe { try Recipe(text) }

  /// Loads a run whose recipe is known to be one of this method.
  func load(_ directory: RunDirectory, device: String?) throws -> any TrainedRun {
    let recipe = try Recipe(RecipeText(contentsOf: directory.recipe))
    guard directory.isFinished else {
      throw RunDirectoryError.unfinished(path: directory.name)
    }
    return try load(directory, recipe: recipe, device: Device(parsing: device ?? recipe.device))
  }
}

/// Everything that one training and its evaluation depend on.
package protocol MethodRecipe: Codable, Equatable, Sendable {
  associatedtype Session: TrainingSession

  /// The method's name.
  var method: String { get }
  /// A name for reports and log lines.
  var name: String { get }
  /// Seed of every random draw.
  var seed: UInt64 { get set }
  /// Number of threads; absent means as many as the machine has.
  var threads: Int? { get set }
  /// Where tensors live: `cpu`, `cuda` or `cuda:1`.
  var device: String { get set }
  /// Minutes between checkpoints.
  var checkpointMinutes: Double { get }
  /// Where the recordings are in the files of the recipe.
  var dataLayout: FieldLayout { get }
  /// Whether it says how the recordings are simulated.
  var simulatesData: Bool { get }
  /// Bytes that absent recordings need while they are simulated, as far as the recipe says.
  var simulationBytes: Int64 { get }
  /// The run whose model is needed before this one is trained; nil when it starts from nothing.
  var source: String? { get }

  /// Resolves a recipe from its text, strictly: every error names the entry and the mend.
  init(_ text: RecipeText) throws
  /// Shows every path that the recipe has, with its entry, to `change`.
  mutating func changePaths(_ change: (_ entry: String, _ path: inout String) -> Void)
  /// Reads the data, which are simulated first where absent, and says how to train on them; paths
  /// that are not found from the current folder are looked up from `base`.
  func plan(base: URL?, hooks: WorkHooks) throws -> TrainingPlan<Session>
  /// Measures a few steps and says what the whole training is expected to take; writes nothing but
  /// data that are absent and simulated.
  func estimate(hooks: WorkHooks) throws -> TrainingEstimate
}

extension MethodRecipe {
  /// Most recipes start from nothing.
  package var source: String? { nil }

  /// Recipes without paths have none to change.
  package mutating func changePaths(_ change: (_ entry: String, _ path: inout String) -> Void) {}

  /// Most recipes read files of the usual layout.
  package var dataLayout: FieldLayout { FieldLayout() }

  /// Most recipes are of recordings that are there.
  package var simulatesData: Bool { false }

  /// Most recordings are small.
  package var simulationBytes: Int64 { 0 }

  /// The recipe as YAML with every default visible.
  package func yaml() throws -> String { try RecipeText.yaml(of: self) }

  /// Throws unless the settings that every recipe has can work.
  func validateCommonSettings() throws {
    try require(
      threads.map { (1...1024).contains($0) } ?? true, "threads", found: threads ?? 0,
      allowed: "from 1 to 1024", remedy: "Leave it out to use the whole machine.")
    try require(
      checkpointMinutes > 0 && checkpointMinutes <= 1e6, "checkpointMinutes",
      found: checkpointMinutes, allowed: "above 0, at most 1000000", remedy: "3 is a good value.")
  }
}

/// What a training is expected to take.
package struct TrainingEstimate: Encodable, Sendable {
  /// The same in sentences, a line each.
  package var words: [String]
  /// What was measured and counted, by name.
  package var numbers: [String: Double]

  /// Notes an estimate.
  package init(words: [String], numbers: [String: Double]) {
    (self.words, self.numbers) = (words, numbers)
  }
}

/// A finished run with its models; what it can do beside, it says by the protocols below.
package protocol TrainedRun {
  /// The folder of the run.
  var directory: RunDirectory { get }
  /// What the method does, for sentences such as "runs/ks is a run that extracts parameters".
  static var purpose: String { get }

  /// Evaluates the models: all that results.json holds.
  func evaluate(on test: TestChoice, hooks: WorkHooks) throws -> RunResults
  /// The file of the recordings that are evaluated on, made first when it is absent and wanted so.
  func testFile(_ test: TestChoice, hooks: WorkHooks) throws -> URL
}

/// Which recordings a run is evaluated on.
package enum TestChoice: Hashable, Sendable {
  /// The recipe's.
  case recipe
  /// Those of a file, and how they are to be taken.
  case file(URL, DataUse = DataUse())
  /// Simulated ones like the recipe's, so many of them.
  case simulated(Int)

  /// What the recordings of a file are called, with how many files there are beside it.
  func name(of file: URL) -> String {
    guard case .file(_, let use) = self, !use.furtherFiles.isEmpty else {
      return file.lastPathComponent
    }
    return "\(file.lastPathComponent) and \(counted(use.furtherFiles.count, "more file"))"
  }
}

/// A run that reads the parameters of recordings.
package protocol ExtractsParameters: TrainedRun {
  /// Reads the parameters of every recording, with error bars.
  func extract(
    _ recordings: Recordings, order: ExtractionOrder, hooks: WorkHooks
  ) throws -> Extraction
}

/// A run that forecasts recordings.
package protocol Forecasts: TrainedRun {
  /// Forecasts recordings as ordered; throws a `ConfigurationError` where that cannot be met.
  func forecast(
    _ recordings: Recordings, order: ForecastOrder, hooks: WorkHooks
  ) throws -> ForecastProduct
}
