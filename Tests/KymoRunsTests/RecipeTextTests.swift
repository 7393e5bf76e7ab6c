// What two recipes differ by, as messages say it.
import KymoRuns
import Testing

@Suite("The text of a recipe") struct RecipeTextTests {
  private func difference(_ own: String, _ others: String) throws -> [String]? {
    try RecipeText(yaml: own, source: "own")
      .firstDifference(from: RecipeText(yaml: others, source: "other"))
      .map { [$0.own, $0.others] }
  }

  @Test("differs from another one by the first setting that is otherwise")
  func differences() throws {
    let text = "seed: 1\ntraining:\n  steps: 3\n  crop: [4, 28]\n"
    #expect(try difference(text, text) == nil)
    #expect(
      try difference(text, "seed: 1\ntraining: {steps: 4, crop: [4, 30]}")
        == ["training.steps: 3", "training.steps: 4"])
    #expect(
      try difference(text, "seed: 1\ntraining: {steps: 3, crop: [4, 30]}")
        == ["training.crop: [4, 28]", "training.crop: [4, 30]"])
    #expect(
      try difference(text, text + "name: x") == ["no name", "name: x"], "only the other has it")
    #expect(try difference(text + "name: x", text) == ["name: x", "no name"])
  }
}
