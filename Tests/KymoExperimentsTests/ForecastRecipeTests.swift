// Recipes of forecasting runs: kinds with their settings, strictness, and what cannot go together.
import Foundation
import KymoForecasting
import KymoNumerics
import Testing

@testable import KymoExperiments

@Suite("A forecasting recipe") struct ForecastRecipeTests {
  private func failure(_ yaml: String, _ overrides: [String] = []) throws -> ConfigurationError {
    try #require(throws: ConfigurationError.self) {
      try DynamicsRecipe(yaml: yaml, source: "test.yaml", overrides: overrides)
    }
  }

  @Test("takes the defaults for every missing key, and is read back the same") func roundTrip()
    throws
  {
    let recipe = try DynamicsRecipe(
      yaml: """
        method: led
        data: {train: a.npz, simulate: {system: fhn, train: {recordings: 3}, validation: {recordings: 2}}}
        reduction: {autoencoder: {feedForward: {latentCount: 3}, restriction: nearest}}
        propagator: {reservoir: {unitCount: 50}}
        ensembleSize: 2
        solver: {fhn: {substeps: 100}}
        forecast: {macroSteps: [5, 10], adaptive: [{maximumDisagreement: 0.1}]}
        comparisons:
          latentCounts: [1, 2]
          reductions: [{principalComponents: {}}]
          propagators: [{sindy: {polynomialDegree: 2}}]
        """, source: "test.yaml")
    #expect(recipe.reduction.latentCount == 3)
    #expect(recipe.reduction.name == "autoencoder")
    #expect(recipe.reduction.autoencoder?.restriction == .nearest)
    #expect(recipe.propagator.name == "reservoir")
    #expect(recipe.forecast.schedules.map(\.ratio) == [0.5, 1])
    #expect(recipe.forecast.adaptive[0].maximumDisagreement == 0.1)
    let text = try recipe.yaml()
    for key in ["warmUpConvention", "validationFraction", "washOutSteps", "substeps", "timedSteps"]
    {
      #expect(text.contains("\(key):"), "\(key) in \(text)")
    }
    #expect(try DynamicsRecipe(yaml: text, source: "again") == recipe)
    let changed = try DynamicsRecipe(
      yaml: text, source: "again", overrides: ["propagator.reservoir.unitCount=60"])
    #expect(changed.propagator != recipe.propagator)
  }

  @Test(
    "names the setting that cannot work",
    arguments: [
      ("{}", "data.train"),
      ("{data: {train: a}, ensembelSize: 2}", "ensembelSize"),
      ("{data: {train: a}, reduction: {pca: {}}}", "reduction.pca"),
      (
        "{data: {train: a}, reduction: {principalComponents: {}, diffusionMaps: {}}}", "reduction"
      ),
      ("{data: {train: a}, propagator: {}}", "propagator"),
      (
        "{data: {train: a}, propagator: {network: {recurrent: {}, mlp: {}}}}", "propagator.network"
      ),
      (
        "{data: {train: a}, propagator: {network: {recurrent: {unitCount: 0}}}}",
        "propagator.network.recurrent.unitCount"
      ),
      (
        "{data: {train: a}, propagator: {reservoir: {unitCont: 3}}}",
        "propagator.reservoir.unitCont"
      ),
      ("{data: {train: a}, forecast: {macroSteps: [3]}}", "solver"),
      ("{data: {train: a}, forecast: {warmUpSteps: 0}}", "forecast.warmUpSteps"),
      (
        "{data: {train: a}, forecast: {warmUpSteps: 1, warmUpConvention: legacyPredictedLastFrame}}",
        "forecast.warmUpSteps"
      ),
      ("{data: {train: a}, solver: {fhn: {}}, forecast: {adaptive: [{}]}}", "ensembleSize"),
      ("{data: {train: a}, comparisons: {latentCounts: [2]}}", "comparisons.latentCounts"),
      ("{data: {train: a, validationFraction: 1}}", "data.validationFraction"),
    ])
  func refusals(_ yaml: String, _ path: String) throws {
    let error = try failure(yaml)
    #expect(error.path == path, "\(error)")
  }

  @Test(
    "in the form of former times says how to rewrite it",
    arguments: [
      (
        "reduction: {autoencoder: {network: {feedForward: {}}}}", "reduction.autoencoder.network",
        "write feedForward or convolutional beside training"
      ),
      (
        "propagator: {network: {network: {recurrent: {}}, training: {}}}",
        "propagator.network.network", "write recurrent, mlp or mixture beside training"
      ),
    ])
  func former(_ yaml: String, _ path: String, _ remedy: String) throws {
    let error = try failure("data: {train: a}\n\(yaml)")
    #expect(error.path == path)
    #expect(error.remedy.contains(remedy), "\(error)")
  }

  @Test("has a network's kind and its training side by side") func beside() throws {
    let recipe = try DynamicsRecipe(
      yaml: """
        data: {train: a.npz}
        propagator: {network: {mlp: {unitCount: 3}, training: {phase: {steps: 5}}}}
        comparisons: {propagators: [{network: {training: {phase: {steps: 7}}}}]}
        """, source: "test.yaml")
    #expect(recipe.propagator.name == "MLP" && recipe.propagator.maximumEpochs == 5)
    // Without a kind it is the default one.
    #expect(recipe.comparisons.propagators.map(\.name) == ["LSTM"])
    let text = try recipe.yaml()
    #expect(text.contains("network:\n    mlp:\n      unitCount: 3"), "\(text)")
    #expect(try DynamicsRecipe(yaml: text, source: "again") == recipe)
  }

  @Test("is told from a recipe of extraction by its method") func kinds() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (one, other) = (folder.appending(path: "a.yaml"), folder.appending(path: "b.yaml"))
    try Data("data: {train: x}".utf8).write(to: one)
    try Data("{method: led, data: {train: x}}".utf8).write(to: other)
    let methods = MethodList.standard
    #expect(try methods.recipe(contentsOf: one) is ParameterRecipe)
    let recipe = try #require(try methods.recipe(contentsOf: other) as? DynamicsRecipe)
    #expect(recipe.method == "dynamics", "the word before is read as the present one")
    let error = #expect(throws: ConfigurationError.self) {
      try methods.recipe(contentsOf: other, overrides: ["method=dynamic"])
    }
    #expect(error?.remedy == "Did you mean 'dynamics'?")
  }

  @Test("that comes with the tool reads and carries its name") func shipped() throws {
    for quick in [false, true] {
      let experiments = try Experiment.named("led", quick: quick)
      #expect(Set(experiments.map(\.name)).isSuperset(of: ["led/fhn", "led/ks"]))
      for experiment in experiments {
        let recipe = try DynamicsRecipe(contentsOf: experiment.recipe)
        #expect(recipe.name == experiment.name + (quick ? "-quick" : ""))
      }
    }
  }
}
