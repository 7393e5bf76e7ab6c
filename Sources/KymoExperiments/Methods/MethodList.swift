// The list of methods. A new method adds one line here, and no other file learns of it.
package import Foundation
import KymoNumerics
package import KymoRuns

/// Methods by their names.
package struct MethodList: Sendable {
  /// All methods of Kymo; recipes that name none are of the first.
  package static let standard = MethodList([
    ParameterMethod(), DynamicsMethod(), LawMethod(),
  ])

  /// The methods that verbs know; tests lay their own beside the standard ones.
  @TaskLocal package static var current = standard

  /// The methods.
  package let methods: [any Method]

  /// Makes a list of at least one method.
  package init(_ methods: [any Method]) {
    precondition(!methods.isEmpty, "MethodList: no method")
    self.methods = methods
  }

  /// These methods and one more.
  package func adding(_ method: any Method) -> MethodList { MethodList(methods + [method]) }

  /// Reads a recipe file and lays overrides of the form `key.sub=value` over it.
  ///
  /// What its paths name is looked for beside the recipe and then in the current folder; paths of
  /// overrides are of the current folder. Which was taken, `note` is told.
  package func recipe(
    contentsOf file: URL, overrides: [String] = [], note: (String) -> Void = { _ in }
  ) throws -> any MethodRecipe {
    var recipe = try recipe(RecipeText(contentsOf: file), overrides: overrides)
    recipe.lookBeside(file, overrides: overrides, note: note)
    return recipe
  }

  /// Reads a recipe from its text and lays overrides over it.
  package func recipe(
    _ text: RecipeText, overrides: [String] = []
  ) throws -> any MethodRecipe {
    var text = text
    for override in overrides { try text.override(override) }
    let method = try method(named: text.word(at: "method"))
    try text.override("method=\(type(of: method).name)")
    return try method.recipe(text)
  }

  /// The recipe of a run.
  package func recipe(of directory: RunDirectory) throws -> any MethodRecipe {
    try recipe(RecipeText(contentsOf: directory.recipe))
  }

  /// Loads the models of a finished run; `device` replaces the recipe's.
  package func load(_ directory: RunDirectory, device: String?) throws -> any TrainedRun {
    let text = try RecipeText(contentsOf: directory.recipe)
    return try method(named: text.word(at: "method")).load(directory, device: device)
  }

  /// Loads a finished run that has a capability, such as `(any Forecasts).self`, in words
  /// "forecast"; throws a sentence that says what a run without it does instead.
  package func load<Capability>(
    _ directory: RunDirectory, device: String?, as capability: Capability.Type, verb: String
  ) throws -> Capability {
    let run = try load(directory, device: device)
    guard let able = run as? Capability else {
      throw ConfigurationError(
        directory.name, found: "a run that \(type(of: run).purpose)",
        allowed: "one that can \(verb)", remedy: "Give the folder of another run.")
    }
    return able
  }

  private func method(named word: String?) throws -> any Method {
    guard let word else { return methods[0] }
    let known = methods.first { method in
      type(of: method).name == word || type(of: method).formerNames.contains(word)
    }
    if let known { return known }
    let names = methods.map { type(of: $0).name }
    throw ConfigurationError(
      "method", found: "'\(word)'", allowed: "one of: \(names.joined(separator: ", "))",
      remedy: nearestName(to: word, among: names).map { "Did you mean '\($0)'?" }
        ?? "Leave it out for \(names[0]).")
  }
}
