// What the evaluation of a parameter VAE has found, as values: from it the sections of the results
// are made, and the little that other verbs read back.
package import KymoMetrics
package import KymoResults

/// All that an evaluation has found.
package struct ParameterFindings {
  /// The error of one way to predict, against the frame.
  package struct Prediction {
    /// What was rolled out, such as "propagating decoder" or "finite differences".
    package var name: String
    /// Its errors.
    package var curve: ErrorCurve
    /// Published errors of the same; empty when there are none.
    var published: [PublishedError]

    init(_ name: String, _ curve: ErrorCurve, published: [PublishedError] = []) {
      (self.name, self.curve, self.published) = (name, curve, published)
    }
  }

  /// A recording beside its rollout.
  package struct Picture {
    /// Index in the data file.
    package var recording: Int
    /// Known parameters in words, such as "γ = 1.08".
    package var caption: String
    /// The fields.
    package var fields: FieldComparison
  }

  /// What was evaluated on.
  package var data: DataProvenance
  /// Names of the known parameters; empty when the file has none.
  package var parameterNames: [String]
  /// One entry for each latent.
  package var latents: [LatentSummary]
  /// σ_z² of a latent that carries nothing, on recordings of this size.
  package var collapsedVariance: Double
  /// One entry for each known parameter.
  package var scores: [ParameterScore]
  /// Latents of every evaluated recording.
  package var recordings: [ExtractedLatents]
  /// The model's errors first, then those of baselines.
  package var predictions: [Prediction] = []
  /// Time between frames, in the data's unit; 1 when unknown.
  package var frameInterval = 1.0
  /// What the axis of time is called, with its unit.
  package var timeName = "time"
  /// The unit of all channels; empty where they have none or differ.
  package var fieldUnit = ""
  /// Number of frames that training rollouts predicted.
  package var trainedFrames = 0
  /// Standard deviation of the rolled-out recordings about their channels' means; nil without
  /// rollouts.
  package var fieldDeviation: Double?
  /// A few recordings.
  package var pictures: [Picture] = []
  /// Means over space that every recording keeps and that differ between them.
  package var conservedMeans: [ConservedMean] = []
  /// By what fraction held-out error grows without each relevant latent; empty without rollouts.
  package var removalCosts: [Int: Double] = [:]
  /// What the paper reports of the same system.
  var published: PublishedParameters?

  /// Positions of the latents that carry a parameter.
  var relevant: [Int] { latents.relevant }
}

/// What other verbs read back of an evaluation.
package struct ParameterValues: Codable, Hashable, Sendable {
  /// The line, or plane, that was fitted to one known parameter.
  package struct Fit: Codable, Hashable, Sendable {
    /// The parameter's name.
    package var parameter: String
    /// Positions of the latents that it is fitted on.
    package var latents: [Int]
    /// Intercept, then one slope for each of `latents`.
    package var coefficients: [Double]
  }

  /// One entry for each latent.
  package var latents: [LatentSummary]
  /// σ_z² of a latent that carries nothing.
  package var collapsedVariance: Double
  /// One entry for each known parameter.
  package var fits: [Fit]

  init(_ findings: ParameterFindings) {
    latents = findings.latents
    collapsedVariance = findings.collapsedVariance
    fits = findings.scores.map {
      Fit(parameter: $0.name, latents: $0.latents, coefficients: $0.coefficients)
    }
  }
}
