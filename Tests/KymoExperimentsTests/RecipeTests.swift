// Recipes: strictness, defaults, overrides, presets, and the words of every kind of error.
import Foundation
import KymoExtraction
import KymoNN
import KymoNumerics
import Testing

@testable import KymoExperiments

@Suite("A recipe") struct RecipeTests {
  /// The error of resolving a text.
  private func failure(_ yaml: String, _ overrides: [String] = []) throws -> ConfigurationError {
    try #require(throws: ConfigurationError.self) {
      try ParameterRecipe(yaml: yaml, source: "test.yaml", overrides: overrides)
    }
  }

  @Test("takes the defaults for every missing key")
  func defaults() throws {
    let recipe = try ParameterRecipe(yaml: "data: {train: a.npz}", source: "test.yaml")
    var expected = ParameterRecipe()
    expected.data.train = "a.npz"
    #expect(recipe == expected)
  }

  @Test("is written with every default visible and read back the same")
  func roundTrip() throws {
    let recipe = try ParameterRecipe(
      yaml: "{name: x, data: {train: a.npz, simulate: {train: {recordings: 7}}}}",
      source: "test.yaml")
    let text = try recipe.yaml()
    for key in ["seed", "device", "preset", "checkpointMinutes", "rolloutRecordings", "noise"] {
      #expect(text.contains("\(key):"), "\(key) in \(text)")
    }
    #expect(try ParameterRecipe(yaml: text, source: "again") == recipe)
  }

  @Test("keeps every digit of a number", arguments: [0.1, 1.0 / 3, 1e-6, 1e5 / 7, 3, 2e-300])
  func digits(_ value: Double) throws {
    var recipe = ParameterRecipe()
    recipe.data.train = "a"
    recipe.checkpointMinutes = value
    #expect(try ParameterRecipe(yaml: recipe.yaml(), source: "again").checkpointMinutes == value)
  }

  @Test("simulates test recordings from another seed than training recordings")
  func seeds() throws {
    let text = "data: {train: a, simulate: {train: {recordings: 3}, test: {recordings: 4}}}"
    #expect(try ParameterRecipe(yaml: text, source: "test.yaml").data.simulate != nil)
    let same = "data: {train: a, simulate: {train: {seed: 3}, test: {seed: 3}}}"
    #expect(try failure(same).path == "data.simulate.test.seed")
  }

  @Test(
    "refuses an unknown key and names the nearest",
    arguments: [
      ("sede: 1", "sede", "'seed'"), ("data: {trian: x}", "data.trian", "'train'"),
      ("evaluation: {fieldrecordings: 1}", "evaluation.fieldrecordings", "'fieldRecordings'"),
      ("data: {simulate: {sytem: ks}}", "data.simulate.sytem", "'system'"),
    ])
  func unknownKey(_ yaml: String, _ path: String, _ nearest: String) throws {
    let error = try failure(yaml)
    #expect(error.path == path)
    #expect(error.remedy.contains(nearest))
  }

  @Test(
    "names key, found and allowed where the kind of a value is wrong",
    arguments: [
      ("seed: many", "seed", "'many'", "a whole number, not negative"),
      ("seed: -1", "seed", "'-1'", "a whole number, not negative"),
      ("checkpointMinutes: [1, 2]", "checkpointMinutes", "a list of 2", "a number"),
      ("data: 3", "data", "'3'", "a group of settings, one in each line below it"),
      ("evaluation: {baselines: maybe}", "evaluation.baselines", "'maybe'", "true or false"),
      ("preset: papper", "preset", "'papper'", "one of: none, paper"),
      (
        "{data: {train: x, simulate: {system: kdv}}}", "data.simulate.system", "'kdv'",
        "one of: ks, nls, cd, burgers, gray-scott, fibre, fhn, ks22, cylinder, particles, mueller-brown, alanine"
      ),
      (
        "{data: {train: x}, checkpointMinutes: 0}", "checkpointMinutes", "0.0",
        "above 0, at most 1000000"
      ),
      ("{data: {train: x}, threads: 0}", "threads", "0", "from 1 to 1024"),
      ("{}", "data.train", "empty", "the file of training recordings"),
    ])
  func wrongKind(_ yaml: String, _ path: String, _ found: String, _ allowed: String) throws {
    let error = try failure(yaml)
    #expect(error.path == path)
    #expect(error.found == found)
    #expect(error.allowed == allowed)
  }

  @Test(
    "that is not YAML says the line", arguments: ["a: [1", "a: b: c", "seed: 1\nseed: 2", "- 1"])
  func noYAML(_ yaml: String) throws {
    let error = try failure(yaml)
    #expect(error.path == "test.yaml")
    #expect(!error.description.contains("\n"))
  }

  @Test("that is absent says so")
  func absent() throws {
    let error = try #require(throws: ConfigurationError.self) {
      try ParameterRecipe(contentsOf: URL(filePath: "nowhere.yaml"))
    }
    #expect(error.description.contains("There is no such file"))
  }

  @Test("is changed by overrides, the last one winning")
  func overrides() throws {
    let recipe = try ParameterRecipe(
      yaml: "{seed: 3, data: {train: a, test: b}}", source: "test.yaml",
      overrides: ["data.train=c.npz", "seed=4", "seed=5", "data.simulate.train.recordings=12"])
    #expect(recipe.data.train == "c.npz")
    #expect(recipe.data.test == "b")
    #expect(recipe.seed == 5)
    #expect(try recipe.yaml().contains("recordings: 12"))
  }

  @Test(
    "refuses overrides that fit nowhere",
    arguments: [
      ("evaluaton.baselines=false", "evaluaton", "'evaluation'"),
      ("data.nosie=0.1", "data.nosie", "'noise'"), ("seed.x=1", "seed.x", "seed=value"),
      ("seed", "seed", "training.batchSize=20"), (".seed=1", ".seed=1", "training.batchSize=20"),
      ("seed=[1", "seed", "quote"),
    ])
  func wrongOverride(_ text: String, _ path: String, _ remedy: String) throws {
    let error = try failure("{seed: 1, data: {train: a}}", [text])
    #expect(error.path == path)
    #expect(error.remedy.contains(remedy), "\(error)")
  }

  @Test("starts from a preset, over which its own keys win")
  func preset() throws {
    let plain = try ParameterRecipe(yaml: "{preset: paper, data: {train: a}}", source: "test.yaml")
    #expect(plain.training == ExtractionConfiguration.paper.training)
    #expect(plain.training != ParameterRecipe().training)
    let changed = try ParameterRecipe(
      yaml: "{data: {train: a}}", source: "test.yaml",
      overrides: ["preset=paper", "training.phases.joint.steps=17"])
    #expect(changed.training.phases.joint.steps == 17)
    #expect(try ParameterRecipe(yaml: changed.yaml(), source: "again") == changed)
  }
}
