// What an evaluation of a parameter-extracting model found, as plain values: written to
// results.json by experiments, read by the report. No model is needed to understand it.

/// The numbers of one evaluated run of the parameter VAE.
public struct ExtractionResults: Codable, Sendable {
  /// One latent over the evaluated recordings, as in Figure 2 of Lu, Kim and Soljacic (2020).
  public struct LatentSummary: Codable, Sendable {
    /// Variance of μ_z over recordings.
    public var varianceOfMean: Double
    /// Mean of σ_z² over recordings.
    public var meanVariance: Double
    /// Whether the latent carries a parameter.
    public var isRelevant: Bool
    /// Creates the summary of one latent.
    public init(varianceOfMean: Double, meanVariance: Double, isRelevant: Bool) {
      (self.varianceOfMean, self.meanVariance, self.isRelevant) =
        (varianceOfMean, meanVariance, isRelevant)
    }
  }

  /// How well one known parameter is a linear function of the relevant latents (Table I).
  public struct ParameterScore: Codable, Sendable {
    /// The parameter's name.
    public var name: String
    /// R² of the linear fit on the evaluated recordings themselves (the paper's way).
    public var rSquared: Double
    /// R² of the linear fit on the encoder's own latents; nil when no others were taken.
    public var rSquaredOfEncoder: Double?
    /// R² of the fit made on training recordings; nil when they were not given.
    public var rSquaredOfTrainingFit: Double?
    /// Fraction of true values inside the 95 % interval.
    public var coverage95: Double
    /// Positions of the latents that the fit is made on: the relevant ones that carry the parameter.
    public var latents: [Int]
    /// Intercept of the fit, then one slope for each of `latents`.
    public var coefficients: [Double]
    /// The published R²; nil for data that the paper does not have.
    public var paperRSquared: Double?
    /// R² on each latent alone, all latents.
    public var rSquaredOfSingleLatents: [Double]
    /// Widening or narrowing of the intervals; nil when no training recordings were given.
    public var calibration: Calibration?
    /// What a smooth map finds where a line misses a bend; nil when no training recordings were given.
    public var smoothMap: SmoothMap?

    /// A polynomial map from the relevant latents to the parameter, fitted on training recordings.
    ///
    /// Recordings alone tell a parameter up to a smooth one-to-one map, so this is what the latents and their
    /// bars are worth where no parameter is known.
    public struct SmoothMap: Codable, Sendable, Hashable {
      /// Degree of the polynomial.
      public var degree: Int
      /// R² on the evaluated recordings.
      public var rSquared: Double
      /// Fraction of true values inside the 95 % interval, sent through the map's slope.
      public var coverage95: Double
      /// Creates the score of a map.
      public init(degree: Int, rSquared: Double, coverage95: Double) {
        (self.degree, self.rSquared, self.coverage95) = (degree, rSquared, coverage95)
      }
    }

    /// A factor on the 95 % intervals, found on training recordings.
    public struct Calibration: Codable, Sendable, Hashable {
      /// By how much the half-widths are multiplied.
      public var factor: Double
      /// Fraction of true values inside the calibrated interval of the training recordings' fit.
      public var coverage95: Double
      /// Training recordings that it was found on.
      public var recordingCount: Int
      /// The share of new recordings that intervals found on n can promise to hold: n / (n + 1), 95 % at most.
      public var promisedCoverage: Double {
        min(0.95, Double(recordingCount) / Double(recordingCount + 1))
      }
      /// Creates a calibration.
      public init(factor: Double, coverage95: Double, recordingCount: Int) {
        (self.factor, self.coverage95) = (factor, coverage95)
        self.recordingCount = recordingCount
      }
    }

    /// Creates the score of one parameter.
    public init(
      name: String, rSquared: Double, rSquaredOfTrainingFit: Double?, coverage95: Double,
      latents: [Int], coefficients: [Double], paperRSquared: Double?,
      rSquaredOfSingleLatents: [Double],
      calibration: Calibration? = nil, smoothMap: SmoothMap? = nil
    ) {
      self.name = name
      self.rSquared = rSquared
      self.rSquaredOfTrainingFit = rSquaredOfTrainingFit
      self.coverage95 = coverage95
      self.latents = latents
      self.coefficients = coefficients
      self.paperRSquared = paperRSquared
      self.rSquaredOfSingleLatents = rSquaredOfSingleLatents
      self.calibration = calibration
      self.smoothMap = smoothMap
    }
  }

  /// A curve of root-mean-square error against the frame, over recordings.
  public struct ErrorCurve: Codable, Sendable {
    /// What was rolled out, such as "propagating decoder" or "finite differences".
    public var name: String
    /// Mean over recordings of the RMSE at each predicted frame; entry 0 is the first prediction.
    public var mean: [Double]
    /// 10 % quantile over recordings.
    public var lowerDecile: [Double]
    /// 90 % quantile over recordings.
    public var upperDecile: [Double]
    /// Recordings that entered.
    public var recordingCount: Int
    /// Recordings left out because the rollout left the finite numbers or grew past all bounds.
    public var divergedCount: Int
    /// Published points of this curve as (index, RMSE); empty when there are none.
    public var paperPoints: [PaperPoint]
    /// Creates a curve.
    public init(
      name: String, mean: [Double], lowerDecile: [Double], upperDecile: [Double],
      recordingCount: Int, divergedCount: Int, paperPoints: [PaperPoint]
    ) {
      self.name = name
      self.mean = mean
      self.lowerDecile = lowerDecile
      self.upperDecile = upperDecile
      self.recordingCount = recordingCount
      self.divergedCount = divergedCount
      self.paperPoints = paperPoints
    }
  }

  /// One published value of an error curve.
  public struct PaperPoint: Codable, Sendable, Hashable {
    /// Index of the predicted frame; 0 is the first.
    public var index: Int
    /// Published root-mean-square error.
    public var value: Double
    /// Creates a point.
    public init(index: Int, value: Double) { (self.index, self.value) = (index, value) }
  }

  /// One recording: what is known and what was extracted.
  public struct RecordingLatents: Codable, Sendable {
    /// Index in the data file.
    public var recording: Int
    /// μ_z of every latent.
    public var mean: [Double]
    /// σ_z of every latent.
    public var standardDeviation: [Double]
    /// Known parameters; empty when the file has none.
    public var parameters: [Double]
    /// Creates the latents of one recording.
    public init(
      recording: Int, mean: [Double], standardDeviation: [Double], parameters: [Double]
    ) {
      self.recording = recording
      self.mean = mean
      self.standardDeviation = standardDeviation
      self.parameters = parameters
    }
  }

  /// A space–time picture of one recording and its prediction; `[time][space]`, one channel.
  public struct FieldComparison: Codable, Sendable {
    /// Index of the recording in the data file.
    public var recording: Int
    /// Known parameters in words, such as "γ = 1.08".
    public var caption: String
    /// Time of each row.
    public var times: [Double]
    /// Position of each column.
    public var positions: [Double]
    /// The recording.
    public var truth: [[Float]]
    /// The rollout from its first frame.
    public var prediction: [[Float]]
    /// Last time that training rollouts reached.
    public var trainedTime: Double
    /// Creates a comparison.
    public init(
      recording: Int, caption: String, times: [Double], positions: [Double], truth: [[Float]],
      prediction: [[Float]], trainedTime: Double
    ) {
      self.recording = recording
      self.caption = caption
      self.times = times
      self.positions = positions
      self.truth = truth
      self.prediction = prediction
      self.trainedTime = trainedTime
    }
  }

  /// Snapshots of one recording in the plane and of its prediction; `[time][first axis][second axis]`,
  /// one channel, averaged over blocks of cells where the field is larger than a picture.
  public struct PlaneComparison: Codable, Sendable {
    /// Index of the recording in the data file.
    public var recording: Int
    /// Known parameters in words, such as "D = 0.108".
    public var caption: String
    /// Time of each snapshot; the first is one step after the given frame.
    public var times: [Double]
    /// Positions along the two axes.
    public var positions: [[Double]]
    /// The recording.
    public var truth: [[[Float]]]
    /// The rollout from its first frame.
    public var prediction: [[[Float]]]
    /// Last time that training rollouts reached.
    public var trainedTime: Double
    /// Creates a comparison.
    public init(
      recording: Int, caption: String, times: [Double], positions: [[Double]],
      truth: [[[Float]]], prediction: [[[Float]]], trainedTime: Double
    ) {
      self.recording = recording
      self.caption = caption
      self.times = times
      self.positions = positions
      self.truth = truth
      self.prediction = prediction
      self.trainedTime = trainedTime
    }
  }

  /// The evaluated data in words, such as "1,000 test recordings of Kuramoto–Sivashinsky".
  public var dataDescription: String
  /// Names of the known parameters; empty when the file has none.
  public var parameterNames: [String]
  /// One entry for each latent.
  public var latents: [LatentSummary]
  /// σ_z² of a latent that carries nothing, on recordings of this size (Appendix E).
  public var collapsedVariance: Double
  /// One entry for each known parameter.
  public var scores: [ParameterScore]
  /// Latents of every evaluated recording.
  public var recordings: [RecordingLatents]
  /// RMSE against frame: the model first, then baselines.
  public var errorCurves: [ErrorCurve]
  /// Time between frames, in the data's unit; 1 when unknown.
  public var frameInterval: Double
  /// Number of frames that training rollouts predicted.
  public var trainedFrames: Int
  /// A few recordings as pictures.
  public var fields: [FieldComparison]
  /// A few recordings in the plane as snapshots; nil for fields on a line.
  public var planes: [PlaneComparison]?
  /// The published number of relevant latents; nil for data that the paper does not have.
  public var paperRelevantCount: Int?
  /// Means over space that every recording keeps and that differ between them; nil in older files.
  public var conservedMeans: [ConservedMean]?

  /// The mean over space of one channel, which every recording keeps.
  public struct ConservedMean: Codable, Sendable, Hashable {
    /// The channel's name.
    public var channel: String
    /// The mean of every evaluated recording.
    public var values: [Double]
    /// Notes the means of a channel.
    public init(channel: String, values: [Double]) {
      (self.channel, self.values) = (channel, values)
    }
  }

  /// Number of latents that carry a parameter.
  public var relevantCount: Int { latents.count { $0.isRelevant } }

  /// Creates results.
  public init(
    dataDescription: String, parameterNames: [String], latents: [LatentSummary],
    collapsedVariance: Double, scores: [ParameterScore], recordings: [RecordingLatents],
    errorCurves: [ErrorCurve], frameInterval: Double, trainedFrames: Int,
    fields: [FieldComparison], paperRelevantCount: Int?
  ) {
    self.dataDescription = dataDescription
    self.parameterNames = parameterNames
    self.latents = latents
    self.collapsedVariance = collapsedVariance
    self.scores = scores
    self.recordings = recordings
    self.errorCurves = errorCurves
    self.frameInterval = frameInterval
    self.trainedFrames = trainedFrames
    self.fields = fields
    self.paperRelevantCount = paperRelevantCount
  }
}
