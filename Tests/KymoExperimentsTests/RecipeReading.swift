// Recipes of a known method, read from files and from text.
import Foundation
import KymoExperiments
import KymoRuns

extension MethodRecipe {
  /// Reads a recipe file.
  init(contentsOf file: URL) throws { try self.init(RecipeText(contentsOf: file)) }

  /// Resolves a recipe from YAML and overrides; `source` is the file's name in error messages.
  init(yaml: String, source: String, overrides: [String] = []) throws {
    var text = try RecipeText(yaml: yaml, source: source)
    for override in overrides { try text.override(override) }
    try self.init(text)
  }
}
