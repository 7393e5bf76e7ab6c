// How good a forecasting run is: the comparisons of Figures 2 and 3 of Vlachas et al., Nature
// Machine Intelligence 4, 359 (2022), on test recordings, with the spread over initial conditions.
//
// Letters: B initial conditions, W frames of the warm-up, H of the horizon, C channels, X (Y)
// space.
import Foundation
import KymoData
import KymoForecasting
import KymoMetrics
import KymoNumerics
import KymoPropagation
import KymoReduction
import KymoResults
import KymoRuns
import KymoSolvers

/// Evaluates the models of a forecasting run on test recordings.
package struct ForecastEvaluation {
  private let models: ForecastModels
  private let data: ForecastData
  private let solver: (any MicroSolver)?
  private let hooks: WorkHooks
  private let scale: ForecastScale
  private let paper: PublishedForecasts?

  private var recipe: DynamicsRecipe { models.recipe }
  private var settings: ForecastSettings { models.recipe.forecast }

  /// Prepares an evaluation.
  package init(_ models: ForecastModels, _ data: ForecastData, hooks: WorkHooks) throws {
    (self.models, self.data, self.hooks) = (models, data, hooks)
    try data.requireTest(longerThan: models.recipe.forecast.warmUpSteps)
    solver = try models.recipe.solver?.makeSolver(
      for: data.test.recordings, stateShape: data.stateShape,
      frameInterval: data.frameInterval, threads: hooks.threads)
    scale = ForecastScale(data.test)
    paper = PublishedForecasts.of(systemName: data.metadata.systemName)
  }

  /// Evaluates everything that the recipe asks for on test recordings of this name.
  package func evaluate(name: String) throws -> ForecastFindings {
    let horizon = self.horizon
    let starts = InitialConditions(
      data.test, warmUp: settings.warmUpSteps, horizon: horizon,
      count: settings.initialConditions)
    let lyapunov = recipe.evaluation.lyapunovTime
    var results = ForecastFindings(
      data: DataProvenance(
        system: data.metadata.systemName, file: name, recordingCount: data.test.series.count,
        isTrainingData: false),
      channelNames: data.channelNames, frameInterval: data.frameInterval,
      validTimeUnit: lyapunov == nil ? "time" : "Lyapunov times",
      warmUpSteps: settings.warmUpSteps, horizonSteps: horizon,
      initialConditionCount: starts.count)
    results.curveStride = curveStride
    results.timeUnit = data.metadata.axisUnits.first ?? ""
    let units = Set(data.metadata.channelUnits)
    results.fieldUnit = units.count == 1 ? units.first ?? "" : ""
    results.fieldDeviation = scale.variance.squareRoot()
    results.reconstructions = try reconstructions()
    if recipe.evaluation.timedSteps > 0 { results.costs = try costs(starts, horizon) }
    try addPropagators(&results, starts)
    try addSchedules(&results, horizon)
    results.observableNames = observing?.observableNames ?? []
    results.flow = try FlowEvaluation(recipe.solver).flatMap { flow in
      try step("shedding", 0, of: 1)
      return try flow.evaluate(
        models.forecaster([models.propagators[0]]), data.test, warmUp: settings.warmUpSteps,
        frameInterval: data.frameInterval)
    }
    try addEquationFree(&results)
    return results
  }

  // MARK: Reductions

  private func reconstructions() throws -> [ForecastFindings.Reconstruction] {
    let all =
      [(recipe.reduction, models.reduction, seconds: models.reductionSeconds)]
      + (try models.comparedReductions())
    return try all.enumerated().map { index, entry in
      let (settings, reduction, seconds) = entry
      try step("reductions", index, of: all.count)
      let states = data.test.thinned(atMost: settings.isSlow ? 300 : 10_000)
      let errors = try scale.reconstructionErrors(reduction, states)
      return ForecastFindings.Reconstruction(
        name: settings.name, latentCount: reduction.latentCount,
        meanSquaredError: errors.physical, scaledMeanSquaredError: errors.scaled,
        trainingSeconds: seconds, isMain: index == 0,
        isShortened: settings.isShorter(than: recipe.reduction),
        published: PublishedReduction(settings)
          .flatMap { paper?.scaledErrors[$0]?[reduction.latentCount] })
    }
  }

  // MARK: Latent forecasts

  private func addPropagators(
    _ results: inout ForecastFindings, _ starts: InitialConditions
  ) throws {
    let cost = results.costs?.cost
    var gallery = ForecastGallery(
      data, settings: recipe.evaluation, body: FlowEvaluation(recipe.solver)?.body)
    let (name, seconds) = models.mainPropagator
    var main = try score(name, starts, of: models.forecaster([models.propagators[0]]), cost) {
      try gallery.add($0, truth: $1, reduction: models.reduction)
    }
    main.trainingSeconds = seconds
    main.published = published(recipe.propagator, isJoint: recipe.joint != nil)
    results.propagators = [main]
    results.paths = gallery.paths
    (results.fields, results.film) = (gallery.fields, gallery.film)
    results.densities = gallery.densities(against: [data.validation, data.training])
    if models.propagators.count > 1 {
      let name = "\(recipe.propagator.name), \(models.propagators.count) members"
      results.propagators.append(try score(name, starts, of: models.forecaster(), cost))
    }
    func compared(
      _ settings: PropagatorSettings, _ seconds: Double, _ forecaster: Forecaster,
      _ suffix: String = ""
    ) throws -> ForecastFindings.Way {
      var way = try score(settings.name + suffix, starts, of: forecaster)
      way.trainingSeconds = seconds
      way.isShortened = settings.isShorter(than: recipe.propagator)
      return way
    }
    results.propagators += try models.comparedPropagators().map { settings, propagator, seconds in
      var way = try compared(settings, seconds, models.forecaster([propagator]))
      way.published = published(settings)
      return way
    }
    var persistence = try score("last known frame kept", starts, nil) { known, _ in
      .persistence(of: known, stepCount: starts.horizon)
    }
    persistence.latentFraction = .nan
    results.propagators.append(persistence)
    results.fullState = try models.fullStatePropagators().map { settings, propagator, seconds in
      var forecaster = models.forecaster([propagator])
      forecaster.reduction = FullState(stateShape: data.stateShape)
      return try compared(settings, seconds, forecaster, " of the full state")
    }
  }

  /// The published MNAD of a propagator.
  private func published(
    _ settings: PropagatorSettings, isJoint: Bool = false
  ) -> PublishedScore? {
    PublishedPropagator(settings, isJoint: isJoint).flatMap { paper?.propagatorDifferences[$0] }
  }

  // MARK: With the solver

  private func addSchedules(_ results: inout ForecastFindings, _ longest: Int) throws {
    guard let solver, !(settings.macroSteps.isEmpty && settings.adaptive.isEmpty) else { return }
    let horizon = min(longest, settings.multiscaleSteps ?? longest)
    if horizon < longest { results.multiscaleSteps = horizon }
    let starts = InitialConditions(
      data.test, warmUp: settings.warmUpSteps, horizon: horizon,
      count: settings.initialConditions)
    let cost = results.costs?.cost
    func fixed(_ forecaster: Forecaster, _ suffix: String) throws -> [ForecastFindings.Way] {
      let ways = try settings.schedules.map { schedule in
        let name = "ρ = " + String(format: "%g", schedule.ratio) + suffix
        var way = try score(name, starts, cost) {
          try forecaster.starting(in: $1)
            .multiscale(from: $0, stepCount: horizon, schedule: schedule)
        }
        (way.macroSteps, way.microSteps) = (schedule.macroSteps, schedule.microSteps)
        return way
      }
      return try ways + [score("latent only" + suffix, starts, of: forecaster, cost)]
    }
    results.schedules = try fixed(
      models.forecaster([models.propagators[0]], solver: solver), "")
    for index in results.schedules.indices {
      let ratio = results.schedules[index].ratio ?? .infinity
      results.schedules[index].published = paper?.scheduleDifferences[ratio]
    }
    let ensemble = models.forecaster(solver: solver)
    if !settings.adaptive.isEmpty {
      // An ensemble's mean is better than a member, so adaptive switching has to beat that too.
      results.ensembleSchedules = try fixed(
        ensemble, ", \(models.propagators.count) members")
    }
    results.adaptive = try settings.adaptive.map { bounds in
      let name = "adaptive, \(bounds.maximumDisagreement) and \(bounds.maximumMismatch)"
      return try score(name, starts, cost) {
        try ensemble.starting(in: $1)
          .adaptive(from: $0, stepCount: horizon, schedule: bounds)
      }
    }
  }

  /// Latent forecasts from the beginning of the first test recording, beside published ones.
  private func addEquationFree(_ results: inout ForecastFindings) throws {
    guard let asked = recipe.evaluation.equationFreeSteps else { return }
    let steps = min(asked, data.test.series[0].frames.count - settings.warmUpSteps)
    guard steps >= 1 else { return }
    let starts = InitialConditions(
      beginningsOf: data.test, atMost: 1, warmUp: settings.warmUpSteps, horizon: steps)
    let own = try score("", starts, of: models.forecaster([models.propagators[0]]))
    results.equationFreeSteps = steps
    results.equationFree = own.normalizedDifference.map(\.mean)
    results.publishedEquationFree = paper?.equationFree ?? []
  }

  // MARK: Parts

  /// What says observables of latents; nil for nothing.
  private var observing: (any Observing)? {
    (models.reduction as? any Observing).flatMap { $0.observableNames.isEmpty ? nil : $0 }
  }

  /// The horizon, shortened to what the test recordings hold.
  private var horizon: Int {
    let longest = data.test.series.map(\.frames.count).max() ?? 0
    return max(1, min(settings.horizonSteps, longest - settings.warmUpSteps))
  }

  /// Frames between entries of error curves.
  private var curveStride: Int { max(1, horizon / 400) }

  /// Judges latent forecasts from all initial conditions.
  private func score(
    _ name: String, _ starts: InitialConditions, of forecaster: Forecaster,
    _ cost: ForecastCost? = nil,
    watch: (Forecast, (Range<Int>) -> HostArray<Float>) throws -> Void = { _, _ in }
  ) throws -> ForecastFindings.Way {
    try score(
      name, starts, cost,
      { known, _ in try forecaster.latent(from: known, stepCount: starts.horizon) },
      watch: watch)
  }

  /// Forecasts from all initial conditions, some at a time, and judges them; `forecast` takes known
  /// frames and the recordings that they are of.
  private func score(
    _ name: String, _ starts: InitialConditions, _ cost: ForecastCost?,
    _ forecast: (HostArray<Float>, [Int]) throws -> Forecast,
    watch: (Forecast, (Range<Int>) -> HostArray<Float>) throws -> Void = { _, _ in }
  ) throws -> ForecastFindings.Way {
    var judge = ForecastJudge(
      scale, frameInterval: data.frameInterval, lyapunovTime: recipe.evaluation.lyapunovTime,
      curveStride: curveStride)
    (judge.force, judge.observing) = (FlowEvaluation(recipe.solver)?.force, observing)
    for block in starts.blocks() {
      try step(name.isEmpty ? "forecasts" : name, block.lowerBound, of: starts.count)
      let made = try forecast(starts.known(block), starts.recordings(block))
      try judge.add(made, observables: starts.observables(block)) { starts.truth(block, $0) }
      try watch(made) { starts.truth(block, $0) }
    }
    return judge.score(name: name, cost: cost)
  }

  private func step(_ words: String, _ done: Int, of total: Int) throws {
    try hooks.stopIfAsked("Nothing was written.")
    hooks.progress(Double(done) / Double(max(1, total)), "\(words): \(done) of \(total)")
  }

  // MARK: Speed

  /// Times the parts on the initial conditions side by side, at most 32 of them, fewer of large
  /// fields.
  private func costs(
    _ starts: InitialConditions, _ horizon: Int
  ) throws -> ForecastFindings.Costs? {
    guard let solver, let named = recipe.solver else { return nil }
    let steps = min(recipe.evaluation.timedSteps, horizon)
    // 256 MB of fields.
    let batch = min(32, starts.count, max(1, 64_000_000 / (steps * data.test.stateSize)))
    let known = starts.known(0..<batch)
    let forecaster = models.forecaster([models.propagators[0]], solver: solver)
      .starting(in: starts.recordings(0..<batch))
    try step("speeds", 0, of: 1)
    // The first round fills caches and pools of threads; the second one counts.
    var timing = ForecastTiming()
    for _ in 0..<2 {
      timing = try forecaster.latent(from: known, stepCount: steps).timing
      timing.solver =
        try forecaster.multiscale(from: known, stepCount: steps, schedule: .solver).timing.solver
      let states = HostArray(
        known.elements, shape: [known.shape[0] * known.shape[1]] + known.shape.dropFirst(2))
      let start = ContinuousClock.now
      _ = try models.reduction.encode(states)
      timing.encode.seconds = start.duration(to: .now).seconds
      timing.encode.count = states.shape[0]
    }
    let (paperSeconds, paperSolver) = try paperSolver(known)
    return ForecastFindings.Costs(
      cost: ForecastCost(
        solver: timing.solver.secondsPerStep, latentStep: timing.latent.secondsPerStep,
        encoding: timing.encode.secondsPerStep, decoding: timing.decode.secondsPerStep),
      batchCount: batch, solverName: named.ownerWords, solverStep: named.stepWords,
      paperSolverSeconds: paperSeconds,
      paperSolver: paperSolver, published: paper?.latentSpeedUp)
  }

  /// Seconds of one coarse step of a solver as the paper ran it: measured where ours can take its
  /// time step, else a number that is known.
  private func paperSolver(_ known: HostArray<Float>) throws -> (seconds: Double?, words: String) {
    guard let (settings, words) = recipe.solver?.asInPaper else {
      return (paper?.solverSeconds, paper?.solver ?? "")
    }
    let solver = try settings.makeSolver(
      for: data.test.recordings, stateShape: data.stateShape,
      frameInterval: data.frameInterval, threads: hooks.threads)
    let timing = try models.forecaster(solver: solver)
      .multiscale(from: known, stepCount: 10, schedule: .solver).timing
    return (timing.solver.secondsPerStep, words)
  }
}
