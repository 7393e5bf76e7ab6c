// How good forecasts of random dynamics are: not path by path, but by the distributions of states,
// each distance beside the floor between two independent true runs (Vlachas et al., Nature Machine
// Intelligence 4, 359 (2022), SI; J. Chem. Theory Comput. 18, 538 (2022)).
//
// Letters: B initial conditions, W frames of the warm-up, H of the horizon, C coordinates, P
// particles.
import Foundation
import KymoData
import KymoForecasting
import KymoMetrics
import KymoNumerics
import KymoReduction
import KymoResults
import KymoSolvers

/// Evaluates forecasts of particle sets and of vectors on test recordings.
struct DistributionEvaluation {
  private let models: ForecastModels
  private let data: ForecastData
  private let hooks: WorkHooks

  private var settings: ForecastSettings { models.recipe.forecast }

  /// Prepares an evaluation; the models take on the number of particles of the test recordings.
  init(_ models: ForecastModels, _ data: ForecastData, hooks: WorkHooks) throws {
    let shape = data.test.stateShape
    guard let fitting = models.fitting(shape) else {
      throw ConfigurationError(
        "data.test", found: "of states \(shape)",
        allowed: "of states \(models.description.stateShape) as the training data",
        remedy: "Only a density of particles takes sets of another size.")
    }
    (self.models, self.data, self.hooks) = (fitting, data, hooks)
    try data.requireTest(longerThan: models.recipe.forecast.warmUpSteps)
  }

  /// What was found, as results.
  func results(_ provenance: DataProvenance) throws -> RunResults {
    // From the beginnings of recordings, where the time is known that a drift depends on.
    let shortest = data.test.series.map(\.frames.count).min() ?? 0
    let horizon = max(1, min(settings.horizonSteps, shortest - settings.warmUpSteps))
    let starts = InitialConditions(
      beginningsOf: data.test, atMost: settings.initialConditions, warmUp: settings.warmUpSteps,
      horizon: horizon)
    switch data.metadata.stateKind {
    case .particles:
      return try ParticleFindings(
        ways: particleWays(starts), reduction: models.reduction, data: data,
        warmUpSteps: settings.warmUpSteps, horizonSteps: horizon
      ).results(provenance)
    case .vector, .field:
      let (known, truth) = starts.windows(0..<starts.count)
      let forecast = try forecaster(nil).latent(from: known, stepCount: horizon)
      return try VectorFindings(
        truth: truth, forecast: forecast.frames,
        trueLatents: models.reduction.encode(
          truth.reshaped([starts.count * horizon] + truth.shape[2...])),
        latents: forecast.latents,
        secondsPerFrame: forecast.timing.totalSeconds / Double(starts.count * horizon),
        latentSecondsPerFrame: (forecast.timing.totalSeconds - forecast.timing.decode.seconds)
          / Double(starts.count * horizon),
        solverSecondsPerFrame: solverSeconds(known), names: data.channelNames,
        frameInterval: data.frameInterval,
        timeUnit: data.metadata.axisUnits.first.flatMap { $0.isEmpty ? nil : $0 },
        systemName: data.metadata.systemName
      ).results(provenance)
    }
  }

  private func forecaster(_ solver: (any MicroSolver)?) -> Forecaster {
    var forecaster = models.forecaster([models.propagators[0]], solver: solver)
    forecaster.checkStop = { try hooks.stopIfAsked("Nothing was written.") }
    return forecaster
  }

  /// A solver whose noise is not that of the recordings, nor of other `run`s.
  private func solver(run: UInt64) throws -> (any MicroSolver)? {
    var settings = models.recipe.solver
    switch settings {
    case .particles(var own):
      own.seed &+= 7_000_001 &+ run
      settings = .particles(own)
    case .muellerBrown(var own):
      own.seed &+= 7_000_001 &+ run
      settings = .muellerBrown(own)
    case .alanine(var own):
      own.seed &+= 7_000_001 &+ run
      settings = .alanine(own)
    default: break
    }
    return try settings?.makeSolver(
      for: data.test.recordings, stateShape: data.test.stateShape,
      frameInterval: data.frameInterval, threads: hooks.threads)
  }

  /// Seconds of one trajectory and frame of the solver; nil without one.
  private func solverSeconds(_ known: HostArray<Float>) throws -> Double? {
    guard let solver = try solver(run: 0) else { return nil }
    return try forecaster(solver)
      .multiscale(from: known, stepCount: min(100, settings.horizonSteps), schedule: .solver)
      .timing.solver.secondsPerStep
  }

  // MARK: Particles

  /// Latent forecasts, schedules with the solver, and the solver alone: the floor.
  private func particleWays(_ starts: InitialConditions) throws -> [ParticleFindings.Way] {
    var schedules: [(name: String, schedule: MultiscaleSchedule)] = [("latent only", .latent)]
    if try solver(run: 0) != nil {
      schedules += settings.schedules.map { ("ρ = " + String(format: "%g", $0.ratio), $0) }
      schedules.append(("another true run", .solver))
    }
    return try schedules.enumerated().map { index, entry in
      let forecaster = forecaster(try solver(run: UInt64(index)))
      var way = ParticleFindings.Way(
        name: entry.name, macroSteps: entry.schedule.macroSteps,
        microSteps: entry.schedule.microSteps)
      for block in starts.blocks() {
        try hooks.stopIfAsked("Nothing was evaluated.")
        hooks.progress(Double(index) / Double(schedules.count), "forecasts: \(entry.name)")
        let (known, truth) = starts.windows(block)
        let made = try forecaster.multiscale(
          from: known, stepCount: starts.horizon, schedule: entry.schedule)
        way.seconds += made.timing.totalSeconds
        for item in 0..<block.count {
          let (forecast, actual) = (made.frames.slice(item), truth.slice(item))
          way.errors.append(
            ParticleErrors(HostArray<Double>(forecast), HostArray<Double>(actual)))
          if way.first == nil { way.first = (forecast, actual) }
        }
      }
      return way
    }
  }
}
