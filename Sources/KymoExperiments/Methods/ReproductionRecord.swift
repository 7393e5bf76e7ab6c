// The numbers of an experiment as they are kept in docs/results: what every seed has found, on
// what, and how long it trained. Whoever reads them needs neither the runs nor the method.
import Foundation
package import KymoNN
package import KymoResults
package import KymoRuns

/// The numbers of an experiment, seed by seed.
package struct ReproductionRecord: Codable, Sendable {
  /// One training and its evaluation.
  package struct Run: Codable, Sendable {
    /// Seed of the training.
    package var seed: UInt64
    /// Number of steps, or of epochs.
    package var steps: Int
    /// Seconds from the first to the last step, interruptions left out.
    package var trainingSeconds: Double
    /// When the training was continued after an interruption, in UTC; empty for one in one piece.
    package var continued: [String]
    /// What was evaluated on.
    package var data: DataProvenance
    /// The result in a few sentences.
    package var headline: [String]
    /// The tables of scores by the ids of their sections.
    package var scores: [String: ScoreTable]
  }

  /// The version of the schema, that of the results.
  package var schema = RunResults.schemaVersion
  /// The experiment's name.
  package var experiment: String
  /// Whether it is the small version.
  package var quick: Bool
  /// When it was done, in UTC.
  package var date = Date.now.formatted(.iso8601)
  /// On what the first seed was trained.
  package var environment: EnvironmentRecord
  /// One entry for each seed.
  package var runs: [Run] = []

  /// Starts the record of an experiment.
  package init(_ experiment: Experiment, environment: EnvironmentRecord) {
    (self.experiment, quick) = (experiment.name, experiment.isQuick)
    self.environment = environment
    // A folder of one machine does not belong into a file that others read.
    self.environment.workingFolder = nil
  }

  /// Adds one training with its steps and what its evaluation found.
  package mutating func add(
    _ results: RunResults, training: [StepRecord], environment: EnvironmentRecord
  ) {
    runs.append(
      Run(
        seed: environment.seed, steps: training.last?.step ?? 0,
        trainingSeconds: training.last?.seconds ?? 0, continued: environment.resumed,
        data: results.data, headline: results.headline, scores: results.scores))
  }
}
