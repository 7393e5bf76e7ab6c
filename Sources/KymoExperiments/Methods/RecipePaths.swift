// Paths of recipes: beside the recipe's file, in the current folder, and, once a run is there, in the
// folder where it was started.
import Foundation
import KymoData
import KymoNumerics

extension MethodRecipe {
  /// Replaces paths by those of files that lie beside the recipe's file, where there are such.
  mutating func lookBeside(_ file: URL, overrides: [String], note: (String) -> Void) {
    let folder = file.deletingLastPathComponent()
    let given = Set(overrides.map { String($0.prefix { $0 != "=" }) })
    changePaths { entry, path in
      let isGiven = given.contains { entry == $0 || entry.hasPrefix($0 + ".") }
      guard !isGiven, !path.isEmpty, !path.hasPrefix("/") else { return }
      let (beside, here) = (folder.appending(path: path), URL(filePath: path))
      guard !beside.isSameFile(as: here), DataFiles.exist(beside)
      else { return }
      let another = DataFiles.exist(here)
      path = beside.relativePath
      note(
        "\(entry) is \(path), beside the recipe"
          + (another ? "; \(here.relativePath) in the current folder is not used" : ""))
    }
  }
}

/// A path of a recipe: from the current folder, else from `base`, where the run was started.
func located(_ path: String, base: URL?) -> URL {
  let url = URL(filePath: path)
  guard let base, !path.hasPrefix("/"), !DataFiles.exist(url) else {
    return url
  }
  return URL(filePath: path, relativeTo: base)
}

extension URL {
  /// Whether both name the same file.
  func isSameFile(as other: URL) -> Bool {
    resolvingSymlinksInPath().standardizedFileURL
      == other.resolvingSymlinksInPath().standardizedFileURL
  }
}

/// A file, a folder or a pattern that an entry of a recipe names and that is there.
func existing(_ file: URL, entry: String) throws -> URL {
  guard DataFiles.exist(file) else {
    throw ConfigurationError(
      entry, found: "'\(file.relativePath)', which does not exist",
      allowed:
        "a file of recordings, a folder of them, or a pattern such as 'runs/*.h5', beside the "
        + "recipe or below the current folder",
      remedy: "Correct the path, or make the file with kymo simulate.")
  }
  return file
}
