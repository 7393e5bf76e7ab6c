// The method `parameters`: a dynamics encoder and a propagating decoder find which hidden
// parameters vary between recordings (Lu, Kim and Soljacic, PRX 10, 031056, 2020).
package import Foundation
package import KymoData
package import KymoExtraction
import KymoLaw
import KymoMetrics
import KymoNumerics
package import KymoResults
package import KymoRuns
package import KymoTensor

/// The parameter VAE as a method.
package struct ParameterMethod: Method {
  package static let name = "parameters"

  package init() {}

  package func load(
    _ directory: RunDirectory, recipe: ParameterRecipe, device: Device
  ) throws -> ParameterRun {
    ParameterRun(
      directory: directory, recipe: recipe,
      model: try ParameterVAE.load(from: directory.model, device: device))
  }
}

/// A trained parameter VAE.
package struct ParameterRun: TrainedRun {
  package static let purpose = "extracts parameters"

  package let directory: RunDirectory
  /// How it was trained and is evaluated.
  package let recipe: ParameterRecipe
  /// The model.
  package let model: ParameterVAE

  private var data: ParameterData {
    get throws { ParameterData(recipe, base: try directory.readEnvironment().base) }
  }

  package func testFile(_ test: TestChoice, hooks: WorkHooks) throws -> URL {
    switch test {
    case .recipe: try data.testFile
    case .file(let file, _): file
    case .simulated(let count): try data.makeTest(recordings: count, hooks)
    }
  }

  package func evaluate(on test: TestChoice, hooks: WorkHooks) throws -> RunResults {
    var results = try evaluation(hooks).evaluate(self, on: test)
    results.sections += try law?.latentSections ?? []
    return results
  }

  /// The law that `kymo discover --run` has found beside the model; nil where there is none.
  var law: Law? {
    get throws {
      let file = Law.besideModel(in: directory.model)
      return FileManager.default.fileExists(atPath: file.path) ? try Law(contentsOf: file) : nil
    }
  }

  /// The evaluation that the recipe asks for.
  func evaluation(_ hooks: WorkHooks) -> ExtractionEvaluation {
    var evaluation = ExtractionEvaluation(model, settings: recipe.evaluation)
    evaluation.hooks = hooks
    return evaluation
  }
}

// MARK: - Extraction

extension ParameterRun: ExtractsParameters {
  package func extract(
    _ recordings: Recordings, order: ExtractionOrder, hooks: WorkHooks
  ) throws -> Extraction {
    var evaluation = evaluation(hooks)
    evaluation.settings.fitCrops = order.fitCrops ?? evaluation.settings.fitCrops
    try evaluation.settings.validate()
    let read = try evaluation.extract(recordings, "reading recordings")
    let relevance = try relevance(of: read, recordings)
    let latents = try evaluation.fit(
      recordings, read, relevant: relevance.indices.filter { relevance[$0] },
      "fitting recordings")
    var extraction = Extraction(
      latents: latents, relevant: relevance, parameterNames: recordings.parameterNames)
    (extraction.fit, extraction.doubts) = try trust(
      in: read, of: recordings, relevant: relevance, unusual: order.unusual, hooks)
    try name(&extraction)
    return extraction
  }

  /// Adds the physical parameters, where there is a law beside the model.
  private func name(_ extraction: inout Extraction) throws {
    let count = extraction.relevant.count
    for meaning in try law?.latents ?? [] where !meaning.products.isEmpty {
      try require(
        meaning.isSound(latents: count), Law.besideModel(in: directory.model).relativePath,
        found: "a law with latents of another model", allowed: "those of this run",
        remedy: "Find it anew: kymo discover FILE --run \(directory.name)")
      let means = extraction.latents.map(\.mean)
      extraction.named.append(
        NamedParameter(
          name: meaning.parameter, meaning: meaning.meaning, values: means.map(meaning.value),
          error: meaning.error))
      for (place, mean) in means.enumerated() where !meaning.holds(mean) {
        guard extraction.doubts[place].isEmpty else { continue }
        extraction.doubts[place] =
          "\(meaning.parameter) lies outside the range in which the law was found"
      }
    }
  }

  /// How well the model follows recordings, and why it does not hold for some; nil and no doubt
  /// for models of before, which do not know their training data.
  func trust(
    in latents: [ExtractedLatents], of recordings: Recordings, relevant: [Bool],
    unusual known: [Int: String]? = nil, _ hooks: WorkHooks
  ) throws -> (fit: [Double]?, doubts: [String]) {
    var (fit, doubts) = ([Double]?.none, latents.map { _ in "" })
    if let reference = try ParameterReference.read(
      from: directory.model, latents: model.configuration.latents)
    {
      let errors = try model.oneCropErrors(recordings, latents)
      fit = errors.map(reference.percentile)
      doubts = zip(latents, errors).map {
        reference.doubt($0, error: $1, relevant: relevant) ?? ""
      }
    }
    let unusual =
      try known
      ?? TrainedData.read(from: directory.model)?.unusual(recordings, threads: hooks.threads)
    for (place, latents) in latents.enumerated() {
      if let words = unusual?[latents.recording] { doubts[place] = words }
    }
    return (fit, doubts)
  }

  /// Which latents carry a parameter: as the run's evaluation found, else from these recordings.
  private func relevance(
    of latents: [ExtractedLatents], _ recordings: Recordings
  ) throws -> [Bool] {
    if FileManager.default.fileExists(atPath: directory.results.path) {
      let known = try directory.readResults().values(ParameterValues.self).latents
      guard known.count == model.configuration.latents else {
        throw RunDirectoryError.unreadable(
          path: directory.results.relativePath,
          reason: "it is of \(counted(known.count, "latent")), not \(model.configuration.latents)")
      }
      return known.map(\.isRelevant)
    }
    return latentSummaries(
      of: latents.filter { $0.mean.allSatisfy(\.isFinite) },
      collapsedVariance: model.collapsedVariance(for: recordings)
    ).map(\.isRelevant)
  }
}

// MARK: - Rollouts of the decoder

extension ParameterRun: Forecasts {
  package func forecast(
    _ recordings: Recordings, order: ForecastOrder, hooks: WorkHooks
  ) throws -> ForecastProduct {
    try require(
      order.macroSteps == nil && !order.isAdaptive && order.solver == nil
        && order.initialConditions == nil && (order.warmUpSteps ?? 1) == 1, "run",
      found: "one that \(Self.purpose)",
      allowed: "one of recipes with 'method: \(DynamicsMethod.name)' for these options",
      remedy: "A decoder rolls out from the first frame of each recording: give --horizon alone.")
    var product = try evaluation(hooks).rollOut(recordings, horizon: order.horizonSteps)
    product.mark(trained: try TrainedData.read(from: directory.model))
    return product
  }
}
