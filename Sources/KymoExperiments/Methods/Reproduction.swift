// One experiment of the papers from beginning to end: the file of a recipe in the folder Recipes,
// trained for one or more seeds, evaluated, and its numbers kept beside the paper's.
package import Foundation
import KymoNumerics
import KymoRuns

/// An experiment of the papers.
package struct Experiment {
  /// Its name, such as `pde-vae/ks`.
  package var name: String
  /// Whether it is the small version.
  package var isQuick: Bool
  /// The recipe's file.
  package var recipe: URL

  /// Finds an experiment by name among the recipes.
  package init(named name: String, quick: Bool) throws {
    let known = try Experiment.names()
    guard known.contains(name) else {
      throw ConfigurationError(
        "experiment", found: "'\(name)'", allowed: "one of: \(known.joined(separator: ", "))",
        remedy: nearestName(to: name, among: known).map { "Did you mean '\($0)'?" }
          ?? "See the folder Recipes.")
    }
    self.name = name
    isQuick = quick
    guard let recipe = try Experiment.recipe(of: name, quick: quick) else {
      throw ConfigurationError(
        "--quick", found: "given", allowed: "left out for \(name)",
        remedy: "This experiment has no small version.")
    }
    self.recipe = recipe
  }

  /// All experiments, in full.
  package static func all() throws -> [Experiment] {
    try names().map { try Experiment(named: $0, quick: false) }
  }

  /// One experiment by its name, or all below a name such as `pde-vae`, those that start from the
  /// model of another one last.
  package static func named(_ name: String, quick: Bool) throws -> [Experiment] {
    let known = try names()
    let members = known.filter { $0.hasPrefix(name + "/") }
    guard !members.isEmpty, !known.contains(name) else {
      return [try Experiment(named: name, quick: quick)]
    }
    let experiments =
      try members
      .filter { try recipe(of: $0, quick: quick) != nil }
      .map { try Experiment(named: $0, quick: quick) }
    let dependent = try experiments.map { experiment in
      try MethodList.current.recipe(contentsOf: experiment.recipe).source != nil
    }
    return zip(experiments, dependent).filter { !$1 }.map(\.0)
      + zip(experiments, dependent).filter { $1 }.map(\.0)
  }

  /// The experiment whose run a recipe's path such as `runs/pde-vae/ks` names, if there is one.
  package init?(ofRun path: String) {
    guard path.hasPrefix("runs/") else { return nil }
    let name = String(path.dropFirst(5))
    let isQuick = name.hasSuffix("-quick")
    try? self.init(named: isQuick ? String(name.dropLast(6)) : name, quick: isQuick)
  }

  /// The folders of recipes: that of the current folder, where a person's own may be, and that of
  /// the source tree.
  private static func folders() throws -> [URL] {
    let current = URL(filePath: FileManager.default.currentDirectoryPath)
    let folders = [current, Software.sourceTree()].compactMap { $0?.appending(path: "Recipes") }
      .filter { FileManager.default.fileExists(atPath: $0.path) }
    guard !folders.isEmpty else {
      throw ConfigurationError(
        "Recipes", found: "missing", allowed: "a folder in the current one",
        remedy: "Run kymo in its source tree.")
    }
    return folders
  }

  /// The file of an experiment's recipe, if there is one.
  private static func recipe(of name: String, quick: Bool) throws -> URL? {
    try folders().map { $0.appending(path: name + (quick ? "-quick" : "") + ".yaml") }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }

  /// Names of all experiments that have a full version.
  private static func names() throws -> [String] {
    let files = try folders().flatMap { folder in
      FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    }
    return Set(files.filter { $0.hasSuffix(".yaml") && !$0.hasSuffix("-quick.yaml") })
      .map { String($0.dropLast(5)) }.sorted()
  }
}
