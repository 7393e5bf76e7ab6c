// Experiments by name: the recipes that come with the tool.
import KymoExperiments
import KymoExtraction
import KymoNN
import KymoNumerics
import Testing

@Suite("Experiments") struct ExperimentTests {
  @Test("every recipe reads and can be named")
  func all() throws {
    let experiments = try Experiment.named("pde-vae", quick: false)
    #expect(experiments.count >= 8)
    for experiment in experiments {
      let recipe = try ParameterRecipe(contentsOf: experiment.recipe)
      #expect(recipe.name == experiment.name)
      #expect(try Experiment(named: experiment.name, quick: false).recipe == experiment.recipe)
    }
  }

  @Test("every recipe of a law reads") func laws() throws {
    let experiments = try Experiment.named("law", quick: false)
    #expect(experiments.count == 5)
    for experiment in experiments {
      let recipe = try MethodList.standard.recipe(contentsOf: experiment.recipe)
      #expect(recipe.name == experiment.name && recipe.method == LawMethod.name)
    }
  }

  @Test("those that start from another's model come after it, and name it")
  func order() throws {
    let experiments = try Experiment.named("pde-vae", quick: false)
    let names = experiments.map(\.name)
    for experiment in experiments {
      guard let source = try ParameterRecipe(contentsOf: experiment.recipe).source else { continue }
      let origin = try #require(Experiment(ofRun: source))
      let (own, its) = (names.firstIndex(of: experiment.name), names.firstIndex(of: origin.name))
      #expect(try #require(its) < #require(own))
    }
    #expect(Experiment(ofRun: "elsewhere/ks") == nil)
    #expect(Experiment(ofRun: "runs/pde-vae/ks-quick")?.isQuick == true)
  }

  @Test("a folder of recipes is a group, an unknown name is an error with the nearest one")
  func groups() throws {
    #expect(try Experiment.named("pde-vae/dataset-size", quick: false).count == 3)
    #expect(try Experiment.named("pde-vae/ks", quick: true).map(\.isQuick) == [true])
    let error = #expect(throws: ConfigurationError.self) {
      _ = try Experiment.named("pde-vae/kss", quick: false)
    }
    #expect(error?.remedy == "Did you mean 'pde-vae/ks'?")
  }

  @Test("a recipe cannot train nothing, nor start from two models")
  func refusals() throws {
    let base = "data:\n  train: x.npz\n"
    for (yaml, path) in [
      (base + "training: {phases: {joint: {steps: 0}}}\n", "training.phases.joint.steps"),
      (base + "startFrom: a\nencoderFrom: b\n", "startFrom"),
      (base + "startFrom: a\ntraining: {widensDecoder: true}\n", "training.widensDecoder"),
    ] {
      let error = #expect(throws: ConfigurationError.self) {
        _ = try ParameterRecipe(yaml: yaml, source: "test")
      }
      #expect(error?.path == path)
    }
    let start = try ParameterRecipe(
      yaml: base + "startFrom: runs/a\ntraining: {phases: {joint: {steps: 0}}}\n", source: "test")
    #expect(start.training.phases.joint.steps == 0)
  }
}
