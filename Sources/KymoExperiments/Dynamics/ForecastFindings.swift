// What the evaluation of a reduction and its propagators has found, as values: the comparisons of
// Figures 2 and 3 of Vlachas et al., Nature Machine Intelligence 4, 359 (2022). From it the
// sections of the results are made.
package import KymoMetrics
import KymoNumerics
package import KymoResults

/// All that an evaluation has found.
package struct ForecastFindings {
  /// How well one reduction reconstructs the test states (Figures 2A and 3A).
  package struct Reconstruction {
    /// What it is, such as "autoencoder".
    package var name: String
    /// Number of latents.
    package var latentCount: Int
    /// Mean squared error in physical units.
    package var meanSquaredError: Double
    /// Mean squared error of the states scaled to [0, 1], the unit of the training loss.
    package var scaledMeanSquaredError: Double
    /// Seconds of its training.
    package var trainingSeconds: Double
    /// Whether it is the reduction that the run forecasts with.
    package var isMain: Bool
    /// Whether its training was shorter than that of the main one.
    package var isShortened: Bool
    /// A published scaled error.
    package var published: PublishedScore?
  }

  /// The errors of one way to forecast, over initial conditions.
  package struct Way {
    /// What forecasts, such as "LSTM" or "ρ = 5".
    package var name: String
    /// Latent steps of a round; nil without a fixed schedule.
    package var macroSteps: Int?
    /// Solver steps of a round; nil without a fixed schedule.
    package var microSteps: Int?
    /// MNAD of every channel: mean over frames and cells of |error| over the range of the truth.
    package var normalizedDifference: [MetricSpread]
    /// Root of the mean squared error over the whole horizon, physical units.
    package var rootMeanSquareError: MetricSpread
    /// Pearson correlation with the truth over space and time.
    package var correlation: MetricSpread
    /// Time until the normalised error exceeds 0.5, in the data's unit; Lyapunov times where known.
    package var validTime: MetricSpread
    /// NRMSE of every shown frame: mean over initial conditions, frames `curveStride` apart.
    package var errorCurve: [Double]
    /// The speed-up over the solver with encoding and decoding counted.
    package var speedUp: Double?
    /// The speed-up as the paper counts: latent steps and solver only.
    package var paperSpeedUp: Double?
    /// Errors of drag and lift by integrals over the surface of the body: mean of |error| over mean of
    /// |truth|; empty where there is no body.
    package var forces: [MetricSpread] = []
    /// The same errors of what the latents say of every observable; empty for none.
    package var observables: [MetricSpread] = []
    /// Part of the frames that the propagator made.
    package var latentFraction: Double
    /// Forecasts that diverged.
    package var divergedCount: Int
    /// Seconds of the propagator's training; nil where nothing was trained for it.
    package var trainingSeconds: Double?
    /// Whether the training was shorter than that of the main propagator.
    package var isShortened = false
    /// A published MNAD of the last channel.
    package var published: PublishedScore?

    /// ρ = T_m / T_μ; nil without a fixed schedule or without solver steps.
    package var ratio: Double? {
      guard let macroSteps, let microSteps, microSteps > 0 else { return nil }
      return Double(macroSteps) / Double(microSteps)
    }

    /// Mean over channels of the mean MNAD.
    package var meanDifference: Double { Statistics.mean(normalizedDifference.map(\.mean)) }
  }

  /// Two densities on one grid, truth and forecast, with their L1 distance and its floor.
  package struct Density {
    /// What is distributed, such as "u_x, u_xx".
    package var name: String
    /// Both densities.
    package var comparison: DensityComparison
    /// L1 distance of the two.
    package var distance: Double
    /// L1 distance of two true runs of the same size.
    package var floor: Double
  }

  /// A path through two latents.
  package struct LatentPath {
    /// The positions of the two latents, counted from 0.
    package var latents: [Int]
    /// The encoded truth, a pair for each point.
    package var truth: [[Double]]
    /// The forecast.
    package var forecast: [[Double]]
  }

  /// Wall times of the parts of a forecast, and what the paper counted.
  package struct Costs {
    /// Seconds for one trajectory and one coarse step.
    package var cost: ForecastCost
    /// Trajectories that were forecast side by side.
    package var batchCount: Int
    /// Whose solver the times are of: "our solver" or "your solver".
    package var solverName = "our solver"
    /// Time step of the solver, in words such as "δt = 0.005".
    package var solverStep: String
    /// Seconds for one coarse step of a solver as the paper ran it; nil where not measured.
    package var paperSolverSeconds: Double?
    /// What that solver is, in words.
    package var paperSolver: String
    /// Published speed-up of Latent-LED.
    package var published: PublishedScore?
  }

  /// What was evaluated on.
  package var data: DataProvenance
  /// Recordings that hold values that are not finite.
  package var leftOut: [Int] = []
  /// Which recordings lie outside of what was trained on, in words; nil for none.
  package var unusual: String?
  /// Names of the channels.
  package var channelNames: [String]
  /// Time between frames, in the data's unit; 1 when unknown.
  package var frameInterval: Double
  /// Unit of time; empty when unknown.
  package var timeUnit = ""
  /// The unit that all channels have; empty when unknown or not the same.
  package var fieldUnit = ""
  /// Root of the mean variance of the test fields, in which errors are given too.
  package var fieldDeviation = Double.nan
  /// Unit in which valid times are given: "time", or "Lyapunov times".
  package var validTimeUnit: String
  /// Frames of the warm-up.
  package var warmUpSteps: Int
  /// Forecast frames.
  package var horizonSteps: Int
  /// Forecast frames of schedules with a solver where they are fewer.
  package var multiscaleSteps: Int?
  /// Number of initial conditions.
  package var initialConditionCount: Int
  /// Frames between entries of error curves.
  package var curveStride = 1
  /// Reductions, the main one first.
  package var reconstructions: [Reconstruction] = []
  /// Latent forecasts, the main propagator first (Figures 2B and 3B).
  package var propagators: [Way] = []
  /// Fixed schedules from small to large ρ, latent forecasts last (Figures 2D, 2E, 3E, 3F and 3G).
  package var schedules: [Way] = []
  /// The same schedules with the mean of the ensemble that adaptive switching uses.
  package var ensembleSchedules: [Way] = []
  /// Adaptive switching with several bounds.
  package var adaptive: [Way] = []
  /// Propagators of whole states (Figure 3H).
  package var fullState: [Way] = []
  /// MNAD of every channel in the equation-free comparison (Figure 2C); nil where not asked for.
  package var equationFree: [Double]?
  /// Frames of the equation-free comparison.
  package var equationFreeSteps: Int?
  /// Published numbers of the same comparison.
  var publishedEquationFree: [(name: String, differences: [Double])] = []
  /// Long-run densities (Figures 3C and 3D).
  package var densities: [Density] = []
  /// Latent paths (Figure 2F).
  package var paths: [LatentPath] = []
  /// Forecasts beside the truth, one comparison for each shown initial condition (Figures 2G to
  /// 2I).
  package var fields: [FieldComparison] = []
  /// Vorticity of a flow past a body, moving; nil for others.
  package var film: Film?
  /// Where the time goes; nil without a solver.
  package var costs: Costs?
  /// What is observed beside the fields.
  package var observableNames: [String] = []
  /// Forces and shedding over a long window; nil where there is no body.
  package var flow: FlowFindings?

  /// The latent forecast of the run itself.
  package var main: Way? { propagators.first }

  /// The adaptive schedule that gains the most speed over fixed schedules at no greater error, with
  /// the fastest fixed one that is at least as accurate, or without one the most accurate of all.
  ///
  /// Accuracy is the mean MNAD over channels, the speed-up is that with encoding and decoding.
  var adaptiveComparison: (adaptive: Way, fixed: Way, ratio: Double)? {
    let fixed = (schedules + ensembleSchedules).filter {
      $0.speedUp != nil && $0.meanDifference.isFinite
    }
    return adaptive.compactMap { way -> (adaptive: Way, fixed: Way, ratio: Double)? in
      guard let own = way.speedUp, way.meanDifference.isFinite else { return nil }
      let asAccurate = fixed.filter { $0.meanDifference <= way.meanDifference }
      let rival =
        asAccurate.max { ($0.speedUp ?? 0) < ($1.speedUp ?? 0) }
        ?? fixed.min { $0.meanDifference < $1.meanDifference }
      return rival.map { (way, $0, own / ($0.speedUp ?? .nan)) }
    }.max { $0.ratio < $1.ratio }
  }
}

/// What other verbs read back of an evaluation.
package struct ForecastValues: Codable, Hashable, Sendable {
  /// Frames of the warm-up.
  package var warmUpSteps: Int
  /// Forecast frames.
  package var horizonSteps: Int
  /// Number of initial conditions.
  package var initialConditionCount: Int
  /// Seconds for one trajectory and one coarse step of every part; nil without a solver.
  package var cost: ForecastCost?

  init(_ findings: ForecastFindings) {
    (warmUpSteps, horizonSteps) = (findings.warmUpSteps, findings.horizonSteps)
    (initialConditionCount, cost) = (findings.initialConditionCount, findings.costs?.cost)
  }
}
