// Reading recipes from files.
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
