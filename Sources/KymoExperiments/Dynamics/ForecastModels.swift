// The trained models of a forecasting run: which stages a recipe has, what the model folder holds,
// and how it is read again.
import Foundation
import KymoData
package import KymoForecasting
package import KymoNumerics
package import KymoPropagation
package import KymoReduction
package import KymoRuns
package import KymoSolvers
package import KymoTensor

/// Which models a recipe trains, in order.
enum ForecastStages {
  static let reduction = "reduction"
  /// Folders of the joint stage lie below it.
  static let joint = "joint"
  static func propagator(_ member: Int) -> String { "propagator-\(member + 1)" }
  static func reduction(_ index: Int, latents: Int) -> String {
    "comparison-reduction-\(index + 1)-of-\(latents)"
  }
  static func compared(_ index: Int) -> String { "comparison-propagator-\(index + 1)" }
  static func fullState(_ index: Int) -> String { "comparison-full-state-\(index + 1)" }

  /// Where the reduction that forecasts lies among the models.
  static func reductionFolder(_ recipe: DynamicsRecipe) -> String {
    recipe.joint == nil ? reduction : joint + "/reduction"
  }

  /// Where a member's propagator lies among the models.
  static func propagatorFolder(_ member: Int, _ recipe: DynamicsRecipe) -> String {
    recipe.joint != nil && member == 0 ? joint + "/propagator" : propagator(member)
  }

  /// The models that a recipe takes from another run: those that forecast.
  static func taken(_ recipe: DynamicsRecipe) -> [String] {
    guard recipe.startFrom != nil else { return [] }
    return (recipe.joint == nil ? [reduction] : [reduction, joint])
      + ((recipe.joint == nil ? 0 : 1)..<recipe.ensembleSize).map { propagator($0) }
  }

  /// The stages of a recipe: all models that it trains.
  static func all(_ recipe: DynamicsRecipe, _ data: ForecastData) -> [Stage] {
    let (seed, device) = (recipe.seed, recipe.device)
    let states = data.training.count
    func loadReduction(_ models: URL) throws -> any Reduction {
      try recipe.reduction.load(
        from: models.appending(path: reductionFolder(recipe)), device: Device(parsing: device))
    }
    var stages = [
      Stage(name: reduction, totalSteps: recipe.reduction.maximumEpochs(states: states)) { _ in
        try recipe.reduction.session(data, seed: seed, device: device)
      }
    ]
    if let training = recipe.joint, let architecture = recipe.propagator.recurrent {
      stages.append(
        Stage(name: joint, totalSteps: training.windows.maximumEpochs) { models in
          ModelSession.joint(
            try JointTrainer(
              AutoencoderReduction(
                from: models.appending(path: reduction), device: Device(parsing: device)),
              propagator: architecture, training: training, series: data.training,
              validation: data.validation, seed: seed))
        })
    }
    for member in (recipe.joint == nil ? 0 : 1)..<recipe.ensembleSize {
      stages.append(
        Stage(
          name: propagator(member), totalSteps: recipe.propagator.maximumEpochs
        ) { models in
          try recipe.propagator.session(
            loadReduction(models), data, member: member, seed: seed, device: device)
        })
    }
    for (index, original) in recipe.comparisons.reductions.enumerated() {
      for latents in recipe.comparisons.latentCounts {
        var settings = original
        settings.latentCount = latents
        let compared = settings
        stages.append(
          Stage(
            name: reduction(index, latents: latents),
            totalSteps: compared.maximumEpochs(states: states)
          ) { _ in try compared.session(data, seed: seed, device: device) })
      }
    }
    for (index, settings) in recipe.comparisons.propagators.enumerated() {
      stages.append(
        Stage(name: compared(index), totalSteps: settings.maximumEpochs) { models in
          try settings.session(
            loadReduction(models), data, member: 0, seed: seed, device: device)
        })
    }
    for (index, settings) in recipe.comparisons.fullState.enumerated() {
      stages.append(
        Stage(name: fullState(index), totalSteps: settings.maximumEpochs) { _ in
          try settings.session(
            FullState(stateShape: data.stateShape), data, member: 0, seed: seed, device: device)
        })
    }
    let taken = taken(recipe)
    return stages.filter { !taken.contains($0.name) }
  }
}

/// What model/model.json of a forecasting run holds.
struct ForecastModelDescription: Codable, Hashable {
  static let formatName = "kymo forecasting models"
  var format = ForecastModelDescription.formatName
  /// Standard deviation of every latent over the training recordings.
  var latentSpread: [Double]
  /// Time between frames.
  var frameInterval: Double
  /// Shape of one state, `[C, X…]`.
  var stateShape: [Int]
  /// Names of the channels.
  var channelNames: [String]
  /// Seconds of training by the name of the stage.
  var trainingSeconds: [String: Double]

  /// Reads the description of a run's models.
  static func read(_ directory: RunDirectory) throws -> ForecastModelDescription {
    guard directory.isFinished else {
      throw RunDirectoryError.unfinished(path: directory.name)
    }
    let file = directory.model.appending(path: "model.json")
    let description = try directory.read(ForecastModelDescription.self, from: file)
    guard description.format == formatName else {
      throw RunDirectoryError.unreadable(
        path: file.relativePath, reason: "it is not a model of forecasts")
    }
    return description
  }
}

/// The trained models of a forecasting run.
package struct ForecastModels {
  /// The recipe that they were trained by.
  package let recipe: DynamicsRecipe
  /// From fields to latents and back.
  package private(set) var reduction: any Reduction
  /// One propagator, or an ensemble.
  package let propagators: [any Propagator]
  private(set) var description: ForecastModelDescription
  private let folder: URL
  private let device: Device

  /// Reads the models of a finished run onto a device.
  ///
  /// - Throws: `RunDirectoryError` when the run is not finished or not a forecasting run.
  package init(_ directory: RunDirectory, recipe: DynamicsRecipe, device: Device = .cpu) throws {
    (self.recipe, self.device) = (recipe, device)
    description = try ForecastModelDescription.read(directory)
    folder = directory.model
    let place = folder
    reduction = try recipe.reduction.load(
      from: place.appending(path: ForecastStages.reductionFolder(recipe)), device: device)
    propagators = try (0..<recipe.ensembleSize).map {
      try recipe.propagator.load(
        from: place.appending(path: ForecastStages.propagatorFolder($0, recipe)), device: device)
    }
  }

  /// The forecaster of the recipe's settings, with all propagators of the run or with others.
  package func forecaster(
    _ chosen: [any Propagator]? = nil, solver: (any MicroSolver)? = nil
  ) -> Forecaster {
    var forecaster = Forecaster(
      reduction: reduction, propagators: chosen ?? propagators, solver: solver)
    forecaster.warmUpConvention = recipe.forecast.warmUpConvention
    forecaster.microFeedback = recipe.forecast.microFeedback
    forecaster.firstPhase = recipe.forecast.firstPhase
    forecaster.latentSpread = description.latentSpread
    forecaster.seed = recipe.seed
    return forecaster
  }

  /// The same models for states of another shape: particle sets of another size; nil for others.
  func fitting(_ shape: [Int]) -> ForecastModels? {
    guard shape != description.stateShape else { return self }
    guard let density = reduction as? DensityReduction, shape.count == 2,
      shape[0] == density.stateShape[0], shape[1] > 1, density.stateShape[1] > 1
    else { return nil }
    var models = self
    models.reduction = density.withParticles(shape[1])
    models.description.stateShape = shape
    return models
  }

  /// Reductions that are only compared, with their settings.
  func comparedReductions() throws -> [(ReductionSettings, any Reduction, seconds: Double)] {
    try recipe.comparisons.reductions.enumerated().flatMap { index, original in
      try recipe.comparisons.latentCounts.map { latents in
        var settings = original
        settings.latentCount = latents
        let name = ForecastStages.reduction(index, latents: latents)
        return (
          settings, try settings.load(from: folder.appending(path: name), device: device),
          seconds: seconds(name)
        )
      }
    }
  }

  /// Propagators of the run's latents that are only compared.
  func comparedPropagators() throws -> [(PropagatorSettings, any Propagator, seconds: Double)] {
    try load(recipe.comparisons.propagators, stage: ForecastStages.compared)
  }

  /// Propagators of whole states.
  func fullStatePropagators() throws -> [(PropagatorSettings, any Propagator, seconds: Double)] {
    try load(recipe.comparisons.fullState, stage: ForecastStages.fullState)
  }

  private func load(
    _ propagators: [PropagatorSettings], stage: (Int) -> String
  ) throws -> [(PropagatorSettings, any Propagator, seconds: Double)] {
    try propagators.enumerated().map { index, settings in
      let name = stage(index)
      return (
        settings, try settings.load(from: folder.appending(path: name), device: device),
        seconds: seconds(name)
      )
    }
  }

  /// Seconds of the training of the reduction, and of the joint training that follows it.
  var reductionSeconds: Double { seconds(ForecastStages.reduction) }

  /// What reports call the first propagator, and the seconds of its training.
  var mainPropagator: (name: String, seconds: Double) {
    recipe.joint == nil
      ? (recipe.propagator.name, seconds(ForecastStages.propagator(0)))
      : (recipe.propagator.name + ", joint", seconds(ForecastStages.joint))
  }

  /// Seconds of the training of a stage.
  private func seconds(_ stage: String) -> Double { description.trainingSeconds[stage] ?? 0 }
}

/// Whole states as their own latents, for propagators of the full state.
package struct FullState: Restriction, DeterministicLifting {
  /// Shape of one state, `[C, X…]`.
  package let stateShape: [Int]
  /// As many as a state has numbers.
  package var latentCount: Int { stateShape.reduce(1, *) }

  /// Takes states of a shape.
  package init(stateShape: [Int]) { self.stateShape = stateShape }

  /// The numbers of a state in a row.
  package func encode(_ states: HostArray<Float>) throws -> HostArray<Double> {
    HostArray<Double>(states).reshaped([states.shape[0], latentCount])
  }

  /// The numbers at their places.
  package func decode(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    HostArray<Float>(latents).reshaped([latents.shape[0]] + stateShape)
  }
}
