// One experiment of the papers from beginning to end: the file of a recipe in the folder Recipes,
// trained for one or more seeds, evaluated, and its numbers kept beside the paper's.
package import Foundation
package import KymoMetrics
package import KymoNN
import KymoNumerics
package import KymoRuns

/// An experiment of the papers.
package struct Experiment {
  /// Its name, such as `pde-vae/ks`.
  package var name: String
  /// Whether it is the small version.
  package var isQuick: Bool
  /// The recipe's file.
  package var recipe: URL

  /// Finds an experiment by name among the recipes.
  package init(named name: String, quick: Bool) throws {
    let known = try Experiment.names()
    guard known.contains(name) else {
      throw ConfigurationError(
        "experiment", found: "'\(name)'", allowed: "one of: \(known.joined(separator: ", "))",
        remedy: nearestName(to: name, among: known).map { "Did you mean '\($0)'?" }
          ?? "See the folder Recipes.")
    }
    self.name = name
    isQuick = quick
    guard let recipe = try Experiment.recipe(of: name, quick: quick) else {
      throw ConfigurationError(
        "--quick", found: "given", allowed: "left out for \(name)",
        remedy: "This experiment has no small version.")
    }
    self.recipe = recipe
  }

  /// One experiment by its name, or all below a name such as `pde-vae`, those that start from the
  /// model of another one last.
  package static func named(_ name: String, quick: Bool) throws -> [Experiment] {
    let known = try names()
    let members = known.filter { $0.hasPrefix(name + "/") }
    guard !members.isEmpty, !known.contains(name) else {
      return [try Experiment(named: name, quick: quick)]
    }
    let experiments =
      try members
      .filter { try recipe(of: $0, quick: quick) != nil }
      .map { try Experiment(named: $0, quick: quick) }
    let dependent = try experiments.map { experiment in
      if case .extraction(let recipe) = try AnyRecipe(contentsOf: experiment.recipe) {
        return recipe.source != nil
      }
      return false
    }
    return zip(experiments, dependent).filter { !$1 }.map(\.0)
      + zip(experiments, dependent).filter { $1 }.map(\.0)
  }

  /// The experiment whose run a recipe's path such as `runs/pde-vae/ks` names, if there is one.
  package init?(ofRun path: String) {
    guard path.hasPrefix("runs/") else { return nil }
    let name = String(path.dropFirst(5))
    let isQuick = name.hasSuffix("-quick")
    try? self.init(named: isQuick ? String(name.dropLast(6)) : name, quick: isQuick)
  }

  /// The folders of recipes: that of the current folder, where a person's own may be, and that of the source tree.
  private static func folders() throws -> [URL] {
    let current = URL(filePath: FileManager.default.currentDirectoryPath)
    let folders = [current, Software.sourceTree()].compactMap { $0?.appending(path: "Recipes") }
      .filter { FileManager.default.fileExists(atPath: $0.path) }
    guard !folders.isEmpty else {
      throw ConfigurationError(
        "Recipes", found: "missing", allowed: "a folder in the current one",
        remedy: "Run kymo in its source tree.")
    }
    return folders
  }

  /// The file of an experiment's recipe, if there is one.
  private static func recipe(of name: String, quick: Bool) throws -> URL? {
    try folders().map { $0.appending(path: name + (quick ? "-quick" : "") + ".yaml") }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }

  /// Names of all experiments that have a full version.
  private static func names() throws -> [String] {
    let files = try folders().flatMap { folder in
      FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    }
    return Set(files.filter { $0.hasSuffix(".yaml") && !$0.hasSuffix("-quick.yaml") })
      .map { String($0.dropLast(5)) }.sorted()
  }
}

/// The numbers of an experiment as they are kept in the repository.
package struct ReproductionRecord: Codable {
  /// One training and its evaluation.
  package struct Run: Codable {
    /// Seed of the training.
    package var seed: UInt64
    /// Number of steps.
    package var steps: Int
    /// Seconds from the first to the last step.
    package var trainingSeconds: Double
    /// Number of test recordings.
    package var testRecordings: Int
    /// Number of relevant latents.
    package var relevantLatents: Int
    /// R² of every known parameter.
    package var rSquared: [String: Double]
    /// R² on the latents of the encoder alone, where those above were fitted to the decoder.
    package var rSquaredOfEncoder: [String: Double]
    /// R² of the fit made on training recordings.
    package var rSquaredOfTrainingFit: [String: Double]
    /// Fraction of true values inside the 95 % interval.
    package var coverage95: [String: Double]
    /// What a smooth map from latents to parameters finds.
    package var smoothMap: [String: ExtractionResults.ParameterScore.SmoothMap]
    /// The same with bars calibrated on training recordings, and the factor on the bars.
    package var calibration: [String: ExtractionResults.ParameterScore.Calibration]
    /// Variance of μ of every latent.
    package var varianceOfMean: [Double]
    /// Mean of σ² of every latent.
    package var meanVariance: [Double]
    /// RMSE by the name of the curve and the index of the predicted frame.
    package var errors: [String: [Int: Double]]
    /// Rollouts left out because they diverged, by the name of the curve.
    package var diverged: [String: Int]
  }

  /// The experiment's name.
  package var experiment: String
  /// Whether it is the small version.
  package var quick: Bool
  /// When it was done, in UTC.
  package var date = Date.now.formatted(.iso8601)
  /// On what it was done.
  package var environment: EnvironmentRecord
  /// The paper's R² of every parameter.
  package var paperRSquared: [String: Double] = [:]
  /// The paper's number of relevant latents.
  package var paperRelevantLatents: Int?
  /// The paper's RMSE by the name of the curve and the index of the predicted frame.
  package var paperErrors: [String: [Int: Double]] = [:]
  /// One entry for each seed.
  package var runs: [Run] = []

  /// Starts the record of an experiment.
  package init(_ experiment: Experiment, environment: EnvironmentRecord) {
    (self.experiment, quick) = (experiment.name, experiment.isQuick)
    self.environment = environment
    // Neither belongs into a file that others read.
    (self.environment.workingFolder, self.environment.resumed) = (nil, [])
  }

  /// Adds one evaluated training.
  package mutating func add(_ results: ExtractionResults, seed: UInt64, steps: [StepRecord]) {
    func byName<Value>(
      _ value: (ExtractionResults.ParameterScore) -> Value?
    ) -> [String: Value] {
      Dictionary(
        results.scores.compactMap { score in value(score).map { (score.name, $0) } },
        uniquingKeysWith: { $1 })
    }
    func byCurve<Value>(
      _ value: (ExtractionResults.ErrorCurve) -> Value
    ) -> [String: Value] {
      Dictionary(results.errorCurves.map { ($0.name, value($0)) }, uniquingKeysWith: { $1 })
    }
    let frames = results.errorCurves.first?.paperPoints.map(\.index) ?? []
    runs.append(
      Run(
        seed: seed, steps: steps.last?.step ?? 0, trainingSeconds: steps.last?.seconds ?? 0,
        testRecordings: results.recordings.count, relevantLatents: results.relevantCount,
        rSquared: byName(\.rSquared), rSquaredOfEncoder: byName(\.rSquaredOfEncoder),
        rSquaredOfTrainingFit: byName(\.rSquaredOfTrainingFit), coverage95: byName(\.coverage95),
        smoothMap: byName(\.smoothMap), calibration: byName(\.calibration),
        varianceOfMean: results.latents.map(\.varianceOfMean),
        meanVariance: results.latents.map(\.meanVariance),
        errors: byCurve { curve in
          Dictionary(
            frames.filter { $0 < curve.mean.count }.map { ($0, curve.mean[$0]) },
            uniquingKeysWith: { $1 })
        }, diverged: byCurve(\.divergedCount)))
    paperRSquared = byName(\.paperRSquared)
    paperRelevantLatents = results.paperRelevantCount
    paperErrors = byCurve { curve in
      Dictionary(curve.paperPoints.map { ($0.index, $0.value) }, uniquingKeysWith: { $1 })
    }
  }
}

/// The numbers of a forecasting experiment as they are kept in the repository.
package struct ForecastReproductionRecord: Codable {
  /// One training and its evaluation.
  package struct Run: Codable {
    /// Seed of the training.
    package var seed: UInt64
    /// Seconds of all trainings.
    package var trainingSeconds: Double
    /// All numbers but pictures and curves.
    package var results: ForecastResults
  }

  /// The experiment's name.
  package var experiment: String
  /// Whether it is the small version.
  package var quick: Bool
  /// When it was done, in UTC.
  package var date = Date.now.formatted(.iso8601)
  /// On what it was done.
  package var environment: EnvironmentRecord
  /// One entry for each seed.
  package var runs: [Run] = []

  /// Starts the record of an experiment.
  package init(_ experiment: Experiment, environment: EnvironmentRecord) {
    (self.experiment, quick) = (experiment.name, experiment.isQuick)
    self.environment = environment
    // Neither belongs into a file that others read.
    (self.environment.workingFolder, self.environment.resumed) = (nil, [])
  }

  /// Adds one evaluated training; `results` without pictures and curves.
  package mutating func add(_ results: ForecastResults, seed: UInt64, seconds: Double) {
    runs.append(Run(seed: seed, trainingSeconds: seconds, results: results))
  }
}
