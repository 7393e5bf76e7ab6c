// What the evaluation of a forecasting model found, as plain values: written to results.json by
// experiments, read by the report. The comparisons are those of Figures 2 and 3 of Vlachas et al.,
// Nature Machine Intelligence 4, 359 (2022). No model is needed to understand it.

import KymoNumerics

/// The numbers of one evaluated run of a reduction and its propagators.
public struct ForecastResults: Codable, Sendable {
  /// A published number and where it stands.
  public struct Reference: Codable, Hashable, Sendable {
    /// The number.
    public var value: Double
    /// Where it comes from, such as "released weights".
    public var source: String
    /// Creates a reference.
    public init(_ value: Double, _ source: String) { (self.value, self.source) = (value, source) }
  }

  /// How well one reduction reconstructs the test states (Figures 2A and 3A).
  public struct Reconstruction: Codable, Sendable {
    /// What it is, such as "autoencoder".
    public var name: String
    /// Number of latents.
    public var latentCount: Int
    /// Mean squared error in physical units.
    public var meanSquaredError: Double
    /// Mean squared error of the states scaled to [0, 1], the unit of the training loss.
    public var scaledMeanSquaredError: Double
    /// Seconds of its training.
    public var trainingSeconds: Double
    /// Whether it is the reduction that the run forecasts with.
    public var isMain: Bool
    /// Whether its training was shorter than that of the main one.
    public var isShortened: Bool
    /// A published scaled error.
    public var reference: Reference?
    /// Creates an entry.
    public init(
      name: String, latentCount: Int, meanSquaredError: Double, scaledMeanSquaredError: Double,
      trainingSeconds: Double, isMain: Bool, isShortened: Bool, reference: Reference? = nil
    ) {
      (self.name, self.latentCount) = (name, latentCount)
      (self.meanSquaredError, self.scaledMeanSquaredError) = (
        meanSquaredError, scaledMeanSquaredError
      )
      (self.trainingSeconds, self.isMain, self.isShortened) = (trainingSeconds, isMain, isShortened)
      self.reference = reference
    }
  }

  /// The errors of one way to forecast, over initial conditions.
  public struct Score: Codable, Sendable {
    /// What forecasts, such as "LSTM" or "ρ = 5".
    public var name: String
    /// Latent steps of a round; nil without a fixed schedule.
    public var macroSteps: Int?
    /// Solver steps of a round; nil without a fixed schedule.
    public var microSteps: Int?
    /// MNAD of every channel: mean over frames and cells of |error| over the range of the truth.
    public var normalizedDifference: [MetricSpread]
    /// Root of the mean squared error over the whole horizon, physical units.
    public var rootMeanSquareError: MetricSpread
    /// Pearson correlation with the truth over space and time.
    public var correlation: MetricSpread
    /// Time until the normalised error exceeds 0.5, in the data's unit; Lyapunov times where known.
    public var validTime: MetricSpread
    /// NRMSE of every shown frame: mean over initial conditions, frames `curveStride` apart.
    public var errorCurve: [Double]
    /// The speed-up over the solver with encoding and decoding counted.
    public var speedUp: Double?
    /// The speed-up as the paper counts: latent steps and solver only.
    public var paperSpeedUp: Double?
    /// Part of the frames that the propagator made.
    public var latentFraction: Double
    /// Forecasts that left the finite numbers.
    public var divergedCount: Int
    /// Seconds of the propagator's training; nil where nothing was trained for it.
    public var trainingSeconds: Double?
    /// Whether the training was shorter than that of the main propagator.
    public var isShortened: Bool
    /// A published MNAD of the last channel.
    public var reference: Reference?

    /// Creates a score without speed-ups and references.
    public init(
      name: String, normalizedDifference: [MetricSpread], rootMeanSquareError: MetricSpread,
      correlation: MetricSpread, validTime: MetricSpread, errorCurve: [Double],
      latentFraction: Double, divergedCount: Int
    ) {
      self.name = name
      self.normalizedDifference = normalizedDifference
      self.rootMeanSquareError = rootMeanSquareError
      self.correlation = correlation
      self.validTime = validTime
      self.errorCurve = errorCurve
      self.latentFraction = latentFraction
      self.divergedCount = divergedCount
      isShortened = false
    }

    /// ρ = T_m / T_μ; nil without a fixed schedule or without solver steps.
    public var ratio: Double? {
      guard let macroSteps, let microSteps, microSteps > 0 else { return nil }
      return Double(macroSteps) / Double(microSteps)
    }
  }

  /// A number of our own beside published ones, such as Figure 2C.
  public struct Comparison: Codable, Sendable {
    /// What was compared.
    public var name: String
    /// MNAD of every channel.
    public var normalizedDifference: [Double]
    /// Whether the numbers are published ones.
    public var isPublished: Bool
    /// Creates an entry.
    public init(name: String, normalizedDifference: [Double], isPublished: Bool) {
      (self.name, self.normalizedDifference) = (name, normalizedDifference)
      self.isPublished = isPublished
    }
  }

  /// Two densities on one grid, truth and forecast, with their L1 distance and its floor.
  public struct Density: Codable, Sendable {
    /// What is distributed, such as "u_x, u_xx".
    public var name: String
    /// Names of the two axes.
    public var axes: [String]
    /// Lower ends of the axes.
    public var low: [Double]
    /// Upper ends of the axes.
    public var high: [Double]
    /// Fractions of the true samples, `[bins of the second axis][bins of the first]`.
    public var truth: [[Double]]
    /// Fractions of the forecast samples.
    public var forecast: [[Double]]
    /// L1 distance of the two.
    public var distance: Double
    /// L1 distance of two true runs of the same size.
    public var floor: Double
    /// Creates a comparison of densities.
    public init(
      name: String, axes: [String], low: [Double], high: [Double], truth: [[Double]],
      forecast: [[Double]], distance: Double, floor: Double
    ) {
      (self.name, self.axes, self.low, self.high) = (name, axes, low, high)
      (self.truth, self.forecast) = (truth, forecast)
      (self.distance, self.floor) = (distance, floor)
    }
  }

  /// A path through two latents.
  public struct LatentPath: Codable, Sendable {
    /// The positions of the two latents, counted from 0.
    public var latents: [Int]
    /// The encoded truth, a pair for each point.
    public var truth: [[Double]]
    /// The forecast.
    public var forecast: [[Double]]
    /// Creates a pair of paths.
    public init(latents: [Int], truth: [[Double]], forecast: [[Double]]) {
      (self.latents, self.truth, self.forecast) = (latents, truth, forecast)
    }
  }

  /// Wall times of the parts of a forecast, and what the paper counted.
  public struct Costs: Codable, Sendable {
    /// Seconds for one trajectory and one coarse step.
    public var cost: ForecastCost
    /// Trajectories that were forecast side by side.
    public var batchCount: Int
    /// Frames of the warm-up and of the horizon.
    public var warmUpSteps: Int
    /// Frames of the horizon.
    public var horizonSteps: Int
    /// Time step of the solver, in words such as "δt = 0.005".
    public var solverStep: String
    /// Seconds for one coarse step of a solver as the paper ran it; nil where not measured.
    public var paperSolverSeconds: Double?
    /// What that solver is, in words.
    public var paperSolver: String
    /// Published speed-up of Latent-LED.
    public var reference: Reference?
    /// Creates costs.
    public init(
      cost: ForecastCost, batchCount: Int, warmUpSteps: Int, horizonSteps: Int, solverStep: String,
      paperSolverSeconds: Double? = nil, paperSolver: String = "", reference: Reference? = nil
    ) {
      (self.cost, self.batchCount) = (cost, batchCount)
      (self.warmUpSteps, self.horizonSteps) = (warmUpSteps, horizonSteps)
      self.solverStep = solverStep
      (self.paperSolverSeconds, self.paperSolver) = (paperSolverSeconds, paperSolver)
      self.reference = reference
    }
  }

  /// The word by which results of this kind are known.
  public static let methodName = "led"
  /// Always ``methodName``.
  public var method = ForecastResults.methodName
  /// The evaluated data in words.
  public var dataDescription: String
  /// Names of the channels.
  public var channelNames: [String]
  /// Time between frames, in the data's unit; 1 when unknown.
  public var frameInterval: Double
  /// Unit in which valid times are given: "time", or "Lyapunov times".
  public var validTimeUnit: String
  /// Frames of the warm-up.
  public var warmUpSteps: Int
  /// Forecast frames.
  public var horizonSteps: Int
  /// Forecast frames of schedules with a solver where they are fewer.
  public var multiscaleSteps: Int?
  /// Number of initial conditions.
  public var initialConditionCount: Int
  /// Frames between entries of error curves.
  public var curveStride = 1
  /// Reductions, the main one first.
  public var reconstructions: [Reconstruction] = []
  /// Latent forecasts, the main propagator first (Figures 2B and 3B).
  public var propagators: [Score] = []
  /// Fixed schedules from small to large ρ, latent forecasts last (Figures 2D, 2E, 3E, 3F and 3G).
  public var schedules: [Score] = []
  /// The same schedules with the mean of the ensemble that adaptive switching uses.
  public var ensembleSchedules: [Score] = []
  /// Adaptive switching with several bounds.
  public var adaptive: [Score] = []
  /// Propagators of whole states (Figure 3H).
  public var fullState: [Score] = []
  /// The equation-free comparison (Figure 2C).
  public var equationFree: [Comparison] = []
  /// Frames of the equation-free comparison.
  public var equationFreeSteps: Int?
  /// Long-run densities (Figures 3C and 3D).
  public var densities: [Density] = []
  /// Latent paths (Figure 2F).
  public var paths: [LatentPath] = []
  /// Pictures of truth, forecast and difference, one for each channel (Figures 2G to 2I).
  public var fields: [ExtractionResults.FieldComparison] = []
  /// Where the time goes; nil without a solver.
  public var costs: Costs?

  /// Creates results without any comparison.
  public init(
    dataDescription: String, channelNames: [String], frameInterval: Double,
    validTimeUnit: String, warmUpSteps: Int, horizonSteps: Int, initialConditionCount: Int
  ) {
    self.dataDescription = dataDescription
    self.channelNames = channelNames
    self.frameInterval = frameInterval
    self.validTimeUnit = validTimeUnit
    self.warmUpSteps = warmUpSteps
    self.horizonSteps = horizonSteps
    self.initialConditionCount = initialConditionCount
  }

  /// The latent forecast of the run itself.
  public var main: Score? { propagators.first }

  /// An adaptive schedule and the best fixed one to compare it with.
  public struct AdaptiveComparison {
    /// The adaptive schedule.
    public var adaptive: Score
    /// The fastest fixed schedule that is at least as accurate; without one, the most accurate of all.
    public var fixed: Score
    /// Speed-up of the adaptive schedule over that of the fixed one.
    public var ratio: Double
    /// Whether no fixed schedule is as accurate.
    public var isMoreAccurate: Bool { adaptive.meanDifference < fixed.meanDifference }
  }

  /// The adaptive schedule that gains the most speed over fixed schedules at no greater error.
  ///
  /// Accuracy is the mean MNAD over channels, the speed-up is that with encoding and decoding.
  public var adaptiveComparison: AdaptiveComparison? {
    let fixed = (schedules + ensembleSchedules).filter {
      $0.speedUp != nil && $0.meanDifference.isFinite
    }
    return adaptive.compactMap { score -> AdaptiveComparison? in
      guard let own = score.speedUp, score.meanDifference.isFinite else { return nil }
      let asAccurate = fixed.filter { $0.meanDifference <= score.meanDifference }
      let rival =
        asAccurate.max { ($0.speedUp ?? 0) < ($1.speedUp ?? 0) }
        ?? fixed.min { $0.meanDifference < $1.meanDifference }
      return rival.map {
        AdaptiveComparison(adaptive: score, fixed: $0, ratio: own / ($0.speedUp ?? .nan))
      }
    }.max { $0.ratio < $1.ratio }
  }
}

extension ForecastResults.Score {
  /// Mean over channels of the mean MNAD.
  public var meanDifference: Double { Statistics.mean(normalizedDifference.map(\.mean)) }
}
