// The method `dynamics`: a reduction, propagators of its latents, and forecasts that may alternate
// with a solver (Vlachas et al., Nature Machine Intelligence 4, 359, 2022).
package import Foundation
package import KymoData
import KymoForecasting
import KymoLaw
import KymoNumerics
package import KymoResults
package import KymoRuns
package import KymoTensor

/// Effective dynamics as a method.
package struct DynamicsMethod: Method {
  package static let name = "dynamics"
  package static let formerNames = ["led"]

  package init() {}

  package func load(
    _ directory: RunDirectory, recipe: DynamicsRecipe, device: Device
  ) throws -> DynamicsRun {
    var recipe = recipe
    // A law's file is read when a forecast is made, from whatever folder that is.
    if case .law(var settings) = recipe.solver,
      !FileManager.default.fileExists(atPath: settings.file)
    {
      settings.file = located(settings.file, base: try directory.readEnvironment().base).path
      recipe.solver = .law(settings)
    }
    return DynamicsRun(
      directory: directory,
      models: try ForecastModels(directory, recipe: recipe, device: device))
  }
}

/// Trained effective dynamics.
package struct DynamicsRun: TrainedRun, Forecasts {
  package static let purpose = "forecasts in latents"

  package let directory: RunDirectory
  /// Reduction and propagators.
  package let models: ForecastModels

  package func testFile(_ test: TestChoice, hooks: WorkHooks) throws -> URL {
    switch test {
    case .recipe:
      let data = models.recipe.data
      let file = located(testName, base: try directory.readEnvironment().base)
      if !data.test.isEmpty, let configuration = data.simulate?.test {
        _ = try simulateIfAbsent(configuration, file, hooks)
      }
      return file
    case .file(let file, _): return file
    case .simulated(let count):
      throw ConfigurationError(
        "--test-recordings", found: count, allowed: "left out for a run that \(Self.purpose)",
        remedy: "data.simulate.test.recordings of the recipe says how many there are.")
    }
  }

  package func evaluate(on test: TestChoice, hooks: WorkHooks) throws -> RunResults {
    let prepared = try prepare(test, hooks)
    if prepared.data.metadata.stateKind != .field {
      return try DistributionEvaluation(models, prepared.data, hooks: hooks)
        .results(provenance(prepared, test))
    }
    let found = try findings(prepared, test, hooks: hooks)
    var results = try found.results()
    if let words = found.unusual {
      results.headline.append(words + " Its scores are those of forecasts beyond the training.")
    }
    if let words = leftOutWords(found.leftOut, of: found.leftOut.count + found.data.recordingCount)
    {
      results.headline.append(words)
      hooks.note(words)
    }
    return results
  }

  /// What an evaluation finds, before it is put into sections.
  func findings(on test: TestChoice, hooks: WorkHooks) throws -> ForecastFindings {
    try findings(prepare(test, hooks), test, hooks: hooks)
  }

  /// The data of an evaluation.
  private struct Prepared {
    var file: URL
    var data: ForecastData
    var used: UsedRecordings?
    var settings: DynamicsDataSettings
  }

  private func prepare(_ test: TestChoice, _ hooks: WorkHooks) throws -> Prepared {
    let file = try testFile(test, hooks: hooks)
    var settings = models.recipe.data
    if case .file = test { settings.test = file.path }
    // Without test recordings those stand in that were not trained on.
    let used = try settings.test.isEmpty ? nil : testRecordings(test, hooks: hooks)
    let data = try ForecastData(
      settings, base: directory.readEnvironment().base, of: directory, test: used, hooks: hooks)
    return Prepared(file: file, data: data, used: used, settings: settings)
  }

  private func findings(
    _ prepared: Prepared, _ test: TestChoice, hooks: WorkHooks
  ) throws -> ForecastFindings {
    var findings = try ForecastEvaluation(models, prepared.data, hooks: hooks)
      .evaluate(name: test.name(of: prepared.file))
    findings.leftOut = prepared.used?.gaps ?? []
    findings.unusual = prepared.used?.unusualWords
    findings.data = try provenance(prepared, test)
    return findings
  }

  private func provenance(_ prepared: Prepared, _ test: TestChoice) throws -> DataProvenance {
    let (settings, base) = (prepared.settings, try directory.readEnvironment().base)
    var data = DataProvenance(
      system: prepared.data.metadata.systemName, file: test.name(of: prepared.file),
      recordingCount: prepared.data.test.series.count,
      isTrainingData: !settings.test.isEmpty
        && prepared.file.isSameFile(as: located(settings.train, base: base)))
    // Without test recordings those stand in that the models were chosen by.
    data.isValidationData = settings.test.isEmpty
    return data
  }

  package func forecast(
    _ recordings: Recordings, order: ForecastOrder, hooks: WorkHooks
  ) throws -> ForecastProduct {
    var product = try models.forecast(recordings, order: order, hooks: hooks)
    product.mark(trained: try TrainedData.read(from: directory.model))
    return product
  }

  /// The file of the recordings that are evaluated on when none is given.
  private var testName: String {
    let data = models.recipe.data
    return [data.test, data.validation, data.train].first { !$0.isEmpty } ?? ""
  }
}
