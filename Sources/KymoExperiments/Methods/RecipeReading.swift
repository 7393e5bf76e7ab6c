// Reading recipes of a known method from files and from text.
package import Foundation
import KymoNumerics
package import KymoRuns

extension RecipeText {
  /// Reads a recipe file.
  package init(contentsOf file: URL) throws {
    let text: String
    do {
      text = try String(contentsOf: file, encoding: .utf8)
    } catch {
      throw ConfigurationError(
        file.relativePath, found: "not readable", allowed: "a recipe in YAML",
        remedy: FileManager.default.fileExists(atPath: file.path)
          ? "Check its permissions and that it is text in UTF-8."
          : "There is no such file; those that come with kymo are in the folder Recipes.")
    }
    try self.init(yaml: text, source: file.relativePath)
  }
}

extension MethodRecipe {
  /// Reads a recipe file and lays overrides of the form `key.sub=value` over it.
  package init(contentsOf file: URL, overrides: [String] = []) throws {
    try self.init(RecipeText(contentsOf: file), overrides: overrides)
  }

  /// Resolves a recipe from YAML and overrides; `source` is the file's name in error messages.
  package init(yaml: String, source: String, overrides: [String] = []) throws {
    try self.init(RecipeText(yaml: yaml, source: source), overrides: overrides)
  }

  private init(_ text: RecipeText, overrides: [String]) throws {
    var text = text
    for override in overrides { try text.override(override) }
    try self.init(text)
  }
}
