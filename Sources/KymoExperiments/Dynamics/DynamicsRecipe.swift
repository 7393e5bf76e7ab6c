// A recipe of a forecasting run, `method: led`: a reduction, its propagators, how they forecast,
// and what they are compared with. Decoded as strictly as other recipes; the resolved recipe is
// written beside the results.
import Foundation
package import KymoData
package import KymoForecasting
import KymoLaw
import KymoNumerics
import KymoPropagation
import KymoReduction
package import KymoRuns

/// Everything that a forecasting run and its evaluation depend on.
package struct DynamicsRecipe: MethodRecipe, Settings {
  /// The method's name.
  package var method = DynamicsMethod.name
  /// A name for reports and log lines.
  package var name = "unnamed"
  /// Seed of the weights, batches and initial conditions.
  package var seed: UInt64 = 1
  /// Number of threads; absent means as many as the machine has.
  package var threads: Int?
  /// Where tensors live: `cpu`, `cuda` or `cuda:1`.
  package var device = "cpu"
  /// What is trained on, validated on and tested on.
  package var data = DynamicsDataSettings()
  /// A run whose reduction and propagators are taken as they are, so that only `comparisons` are
  /// trained; `reduction`, `propagator`, `joint` and `ensembleSize` are those of its recipe.
  package var startFrom: String?
  /// From fields to latents and back.
  package var reduction = ReductionSettings.principalComponents(.init())
  /// What advances the latents.
  package var propagator = PropagatorSettings.reservoir(.init())
  /// How the autoencoder and the first recurrent propagator are trained on as one network; absent
  /// means that the propagator is trained on the finished reduction.
  package var joint: JointTraining?
  /// Number of propagators that are trained from different seeds; above 1 they forecast as an
  /// ensemble, which adaptive switching needs.
  package var ensembleSize = 1
  /// The full dynamics; absent means latent forecasts only.
  package var solver: SolverSettings?
  /// How forecasts are made.
  package var forecast = ForecastSettings()
  /// What else is trained to be compared.
  package var comparisons = ComparisonSettings()
  /// What is evaluated.
  package var evaluation = DynamicsEvaluationSettings()
  /// Minutes between checkpoints.
  package var checkpointMinutes = 3.0

  /// Creates the default recipe.
  package init() {}

  /// The run that the models are taken from.
  package var source: String? { startFrom }

  /// Where the recordings are in the files.
  package var dataLayout: FieldLayout { data.layout }
  package var simulatesData: Bool { data.simulate != nil }

  package mutating func changePaths(
    _ change: (_ entry: String, _ path: inout String) -> Void
  ) {
    change("data.train", &data.train)
    change("data.validation", &data.validation)
    change("data.test", &data.test)
    if var path = startFrom {
      change("startFrom", &path)
      startFrom = path
    }
    if case .law(var settings) = solver {
      change("solver.law.file", &settings.file)
      solver = .law(settings)
    }
  }

  /// Throws the first setting that cannot work.
  package func validate() throws {
    try validateCommonSettings()
    try require(
      ensembleSize, .within(1...100), "ensembleSize",
      remedy: "5 is usual where adaptive switching needs an ensemble.")
    try require(
      forecast.adaptive.isEmpty || ensembleSize > 1, "ensembleSize", found: ensembleSize,
      allowed: "above 1 with forecast.adaptive",
      remedy: "A single propagator cannot disagree; 5 is usual.")
    try data.validate()
    try reduction.validate(at: "reduction")
    try propagator.validate(at: "propagator")
    try joint?.validate(at: "joint")
    try require(
      joint == nil || (reduction.autoencoder != nil && propagator.recurrent != nil), "joint",
      found: "given", allowed: "left out unless an autoencoder and a recurrent propagator are",
      remedy: "Only these two can be trained as one network.")
    try require(
      joint == nil || reduction.autoencoder?.restriction != .nearest,
      "reduction.autoencoder.restriction", found: "nearest", allowed: "encoder with joint",
      remedy: "Training as one network passes through the encoder.")
    try require(
      joint == nil || reduction.autoencoder?.components == nil, "reduction.autoencoder.components",
      found: "given", allowed: "left out with joint",
      remedy: "Training as one network passes through fields.")
    try solver?.validate(at: "solver")
    try forecast.validate()
    try require(
      solver != nil || forecast.adaptive.isEmpty && forecast.macroSteps.isEmpty, "solver",
      found: "absent", allowed: "given with forecast.macroSteps or forecast.adaptive",
      remedy: "Both alternate with the full dynamics; leave them out for latent forecasts.")
    try comparisons.validate()
    try evaluation.validate()
  }
}

extension DynamicsRecipe {
  /// Resolves a recipe from its text.
  package init(_ text: RecipeText) throws {
    self = try text.decode(DynamicsRecipe.self)
    data.useFolder()
    try validate()
  }
}

// MARK: - Parts

/// Which recordings a forecasting run uses.
package struct DynamicsDataSettings: Settings {
  /// Folder in which relative file names lie, such as one on another disk; absent means the names
  /// as they are.
  ///
  /// The resolved recipe has the whole names.
  package var folder: String?
  /// File of the training recordings; a folder or a pattern such as `runs/*.h5` for many.
  package var train = ""
  /// File of the validation recordings; empty means to hold out a part of the training recordings.
  package var validation = ""
  /// File of the test recordings; empty means to test on the validation recordings.
  package var test = ""
  /// The array that holds the recordings in the files; absent means `x`.
  package var key: String?
  /// What its axes are: N recordings, C channels, T time, X and Y space, as in `N,T,C,X`, or P
  /// particles, as in `N,T,P,C`, or components alone, `N,T,C`; absent means what the file says, or
  /// `N,C,T,X` or `N,C,T,X,Y`.
  package var axes: String?
  /// Frames of the pieces that recordings of all files are cut into; absent leaves them whole.
  package var cut: Int?
  /// Whether links to other files and virtual data sets in HDF5 files are followed.
  package var followLinks = false
  /// Part that is held out for validation when no file is named: of the recordings, or of the time
  /// of a single one.
  package var validationFraction = 0.2
  /// How to make the files when they are absent.
  package var simulate: SimulationSettings?

  /// Creates settings without files.
  package init() {}

  /// Where the recordings are in the files.
  package var layout: FieldLayout {
    FieldLayout(key: key, axes: axes, cut: cut, followsLinks: followLinks)
  }

  /// Puts the folder before relative names.
  mutating func useFolder() {
    guard let folder else { return }
    for name in [\Self.train, \.validation, \.test] {
      if !self[keyPath: name].isEmpty, !self[keyPath: name].hasPrefix("/") {
        self[keyPath: name] = folder + "/" + self[keyPath: name]
      }
    }
    self.folder = nil
  }

  /// The files that would be simulated, with the bytes that they need while they are made.
  func absentFiles(base: URL?) -> [(file: URL, bytes: Int64)] {
    [
      (train, simulate?.train), (validation, simulate?.validation), (test, simulate?.test),
    ].compactMap { name, configuration in
      guard let configuration, !name.isEmpty else { return nil }
      let file = located(name, base: base)
      return FileManager.default.fileExists(atPath: file.path)
        ? nil : (file, configuration.roomBytes)
    }
  }

  func validate() throws {
    try require(
      !train.isEmpty, "data.train", found: "empty", allowed: "the file of training recordings",
      remedy: "Add it to the recipe, or say data.train=FILE.")
    try require(
      validationFraction, .between(0, 1), "data.validationFraction", remedy: "0.2 is a good start.")
    try layout.validate(isSimulated: simulate != nil)
    try simulate?.validate()
  }
}

/// How forecasts are made.
package struct ForecastSettings: Settings {
  /// Known frames that a forecast warms up on.
  package var warmUpSteps = 20
  /// Frames that are forecast.
  package var horizonSteps = 1000
  /// Number of initial conditions, spread at random over the test recordings.
  package var initialConditions = 32
  /// Coarse steps of the solver in a round of the fixed schedules.
  package var microSteps = 10
  /// Latent steps in a round, one fixed schedule for each; needs a solver.
  package var macroSteps: [Int] = []
  /// Frames that are forecast by schedules with a solver; absent means `horizonSteps`.
  package var multiscaleSteps: Int?
  /// Bounds of adaptive switching, one forecast for each; needs a solver and an ensemble.
  package var adaptive: [AdaptiveSchedule] = []
  /// What a forecast starts from.
  package var warmUpConvention = Forecaster.WarmUpConvention.trueLastFrame
  /// What follows a stretch of the solver.
  package var microFeedback = Forecaster.MicroFeedback.encodeLast
  /// What a round begins with.
  package var firstPhase = Forecaster.FirstPhase.macro

  /// Creates the default settings.
  package init() {}

  /// The fixed schedules.
  package var schedules: [MultiscaleSchedule] {
    macroSteps.map { MultiscaleSchedule(macroSteps: $0, microSteps: microSteps) }
  }

  func validate() throws {
    let least = warmUpConvention == .trueLastFrame ? 1 : 2
    try require(
      warmUpSteps, .atLeast(least), "forecast.warmUpSteps",
      remedy: "The memory of a propagator fills up in about 20.")
    for (key, value) in [
      ("horizonSteps", horizonSteps), ("initialConditions", initialConditions),
      ("microSteps", microSteps), ("multiscaleSteps", multiscaleSteps ?? 1),
    ] {
      try require(
        value, .atLeast(1), "forecast.\(key)",
        remedy: "It is a number of frames, steps or initial conditions.")
    }
    for (index, steps) in macroSteps.enumerated() {
      try require(
        steps, .atLeast(1), "forecast.macroSteps[\(index)]",
        remedy: "The solver alone is timed by itself.")
    }
    for (index, bounds) in adaptive.enumerated() {
      try bounds.validate(at: "forecast.adaptive[\(index)]")
    }
  }
}

/// What else is trained, to be compared with the run's own reduction and propagator.
package struct ComparisonSettings: Settings {
  /// Numbers of latents with which every reduction below is trained.
  package var latentCounts: [Int] = []
  /// Reductions.
  package var reductions: [ReductionSettings] = []
  /// Propagators on the run's own latents.
  package var propagators: [PropagatorSettings] = []
  /// Propagators of whole states.
  package var fullState: [PropagatorSettings] = []

  /// Creates settings without comparisons.
  package init() {}

  func validate() throws {
    for (index, count) in latentCounts.enumerated() {
      try require(
        count, .atLeast(1), "comparisons.latentCounts[\(index)]",
        remedy: "It is a number of latents.")
    }
    try require(
      reductions.isEmpty == latentCounts.isEmpty, "comparisons.latentCounts",
      found: latentCounts.isEmpty ? "empty" : "given",
      allowed: "given exactly when comparisons.reductions is",
      remedy: "Every reduction is trained with every number of latents.")
    for (index, reduction) in reductions.enumerated() {
      try reduction.validate(at: "comparisons.reductions[\(index)]")
    }
    for (key, list) in [("propagators", propagators), ("fullState", fullState)] {
      for (index, propagator) in list.enumerated() {
        try propagator.validate(at: "comparisons.\(key)[\(index)]")
      }
    }
  }
}

/// What is evaluated after training.
package struct DynamicsEvaluationSettings: Settings {
  /// Initial conditions shown as pictures in the report.
  package var pictures = 1
  /// Frames of a picture; absent means the horizon.
  package var pictureSteps: Int?
  /// Frames of the comparison with equation-free methods; absent leaves it out.
  package var equationFreeSteps: Int?
  /// Whether long-run densities of a periodic field and its derivatives are compared.
  package var densities = false
  /// The Lyapunov time, in which valid times are given; absent means the data's unit of time.
  package var lyapunovTime: Double?
  /// Coarse steps over which speeds are measured; 0 measures none.
  package var timedSteps = 200

  /// Creates the default settings.
  package init() {}

  func validate() throws {
    for (key, value, least) in [
      ("pictures", pictures, 0), ("pictureSteps", pictureSteps ?? 1, 1),
      ("equationFreeSteps", equationFreeSteps ?? 1, 1), ("timedSteps", timedSteps, 0),
    ] {
      try require(
        value, .atLeast(least), "evaluation.\(key)",
        remedy: "It is a number of frames or pictures.")
    }
    try require(
      pictures, .atMost(4), "evaluation.pictures",
      remedy: "Each one adds a picture of every channel to the report.")
    try require(
      lyapunovTime.map { $0 > 0 } ?? true, "evaluation.lyapunovTime", found: lyapunovTime ?? 0,
      allowed: "above 0", remedy: "It is the inverse of the largest Lyapunov exponent.")
  }
}
