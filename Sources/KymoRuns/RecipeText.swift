// Recipes as text: YAML, overrides such as `training.steps=4000` laid over it, and strict decoding
// whose errors name the key, what was found and what is allowed.
import Foundation
import KymoNumerics
import Yams

/// A recipe before it is decoded: a tree of YAML, onto which presets and overrides are laid.
package struct RecipeText {
  private var root: Node
  /// Where the text came from, for error messages.
  private let source: String

  /// Reads YAML; `source` is the file's name in error messages.
  package init(yaml: String, source: String) throws {
    self.source = source
    do {
      root = try Yams.compose(yaml: yaml) ?? Node.mapping(.init([]))
    } catch {
      throw ConfigurationError(
        source, found: "no YAML (\(RecipeText.words(for: error)))",
        allowed: "YAML with lines of the form 'key: value'",
        remedy: "Indent with spaces, two for each level.")
    }
    // A file of comments only.
    if case .scalar(let scalar) = root, scalar.string.isEmpty { root = .mapping(.init([])) }
    guard root.mapping != nil else {
      throw ConfigurationError(
        source, found: RecipeText.words(for: root), allowed: "lines of the form 'key: value'",
        remedy: "Start from one of the files in Recipes.")
    }
  }

  /// The settings of `value` as a tree, every default visible.
  package init(settings value: some Encodable, source: String) throws {
    try self.init(yaml: RecipeText.yaml(of: value), source: source)
  }

  /// YAML of settings, in the order in which they are declared, every digit of a number kept.
  package static func yaml(of value: some Encodable) throws -> String {
    let rounded = try Yams.compose(yaml: YAMLEncoder().encode(value)) ?? Node("")
    let exact = try JSONSerialization.jsonObject(
      with: JSONEncoder().encode(value), options: .fragmentsAllowed)
    return try Yams.serialize(
      node: exactly(rounded, exact), width: -1, allowUnicode: true)
  }

  /// Yams writes 15 digits of a number, which is not enough to read the same number again; JSON has
  /// them all but not the order of keys.
  private static func exactly(_ node: Node, _ value: Any) -> Node {
    switch (node, value) {
    case (.mapping(var mapping), let values as [String: Any]):
      for (key, inner) in mapping {
        if let name = key.string, let value = values[name] { mapping[key] = exactly(inner, value) }
      }
      return .mapping(mapping)
    case (.sequence(let sequence), let values as [Any]):
      let entries = zip(sequence, values).map { exactly($0, $1) }
      let isFlat = entries.allSatisfy { $0.scalar != nil }
      return .sequence(.init(entries, sequence.tag, isFlat ? .flow : .any))
    case (.scalar(var scalar), let number as NSNumber)
    where scalar.style == .plain && Int(scalar.string) == nil && Double(scalar.string) != nil:
      scalar.string = "\(number.doubleValue)"
      return .scalar(scalar)
    default: return node
    }
  }

  /// The word at a key of the outermost level; nil where there is none.
  package func word(at key: String) -> String? { root.mapping?[Node(key)]?.scalar?.string }

  /// Lays another tree over this one: its values win, groups of settings are joined.
  package mutating func lay(_ other: RecipeText) {
    root = RecipeText.joined(root, under: other.root)
  }

  /// Lays one override of the form `key.sub=value` over the tree; the value is YAML.
  package mutating func override(_ text: String) throws {
    let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let keys = (halves.first ?? "").split(separator: ".", omittingEmptySubsequences: false)
    guard halves.count == 2, !keys.isEmpty, keys.allSatisfy({ !$0.isEmpty }) else {
      throw ConfigurationError(
        text, found: "not an override", allowed: "of the form key.sub=value",
        remedy: "For example: training.steps=4000")
    }
    let value: Node
    do {
      value = try Yams.compose(yaml: String(halves[1])) ?? Node("")
    } catch {
      throw ConfigurationError(
        String(halves[0]), found: "'\(halves[1])' (\(RecipeText.words(for: error)))",
        allowed: "a YAML value", remedy: "Numbers, words, lists as [1, 2]; quote the argument.")
    }
    root = try RecipeText.setting(value, at: keys.map(String.init)[...], in: root, path: "")
  }

  /// Decodes the tree; every error is a `ConfigurationError` that names the key.
  package func decode<Settings: Decodable>(_ type: Settings.Type) throws -> Settings {
    do {
      return try YAMLDecoder().decode(type, from: root)
    } catch let error as DecodingError {
      throw configurationError(for: error)
    }
  }

  /// The first setting, in the order of this recipe, that another one has otherwise, as lines of both; nil when
  /// they are the same.
  package func firstDifference(from other: RecipeText) throws -> (own: String, others: String)? {
    let (own, others) = (RecipeText.leaves(root), RecipeText.leaves(other.root))
    func value(_ path: String, in leaves: [(path: String, value: Node)]) -> Node? {
      leaves.first { $0.path == path }?.value
    }
    func line(_ path: String, _ value: Node?) throws -> String {
      guard let value else { return "no \(path)" }
      let text =
        switch value {
        // Alone in a document, a word would be followed by the mark of its end.
        case .scalar(let word): word.string
        case .sequence(let list):
          try Yams.serialize(
            node: .sequence(.init(Array(list), list.tag, .flow)), width: -1, allowUnicode: true)
        default: try Yams.serialize(node: value, width: -1, allowUnicode: true)
        }
      return "\(path): \(text.trimmingCharacters(in: .whitespacesAndNewlines))"
    }
    for path in own.map(\.path) + others.map(\.path) {
      let (mine, its) = (value(path, in: own), value(path, in: others))
      if mine != its { return (try line(path, mine), try line(path, its)) }
    }
    return nil
  }

  // MARK: Trees

  /// The values that are no groups of settings, with their paths.
  private static func leaves(_ node: Node, path: String = "") -> [(path: String, value: Node)] {
    guard case .mapping(let group) = node, !group.isEmpty else { return [(path, node)] }
    return group.flatMap { key, value in
      leaves(value, path: [path, key.string ?? ""].filter { !$0.isEmpty }.joined(separator: "."))
    }
  }

  private static func joined(_ below: Node, under above: Node) -> Node {
    guard case .mapping(var result) = below, case .mapping(let upper) = above else { return above }
    for (key, value) in upper {
      result[key] = result[key].map { joined($0, under: value) } ?? value
    }
    return .mapping(result)
  }

  private static func setting(
    _ value: Node, at keys: ArraySlice<String>, in node: Node, path: String
  ) throws -> Node {
    guard let key = keys.first else { return value }
    guard case .mapping(var group) = node else {
      throw ConfigurationError(
        path + "." + key, found: "an unknown setting",
        allowed: "'\(path)' alone, since that is a single value", remedy: "Write \(path)=value.")
    }
    let place = path.isEmpty ? key : path + "." + key
    let inner = group[Node(key)] ?? (keys.count > 1 ? .mapping(.init([])) : value)
    group[Node(key)] = try setting(value, at: keys.dropFirst(), in: inner, path: place)
    return .mapping(group)
  }

  // MARK: Words

  private func configurationError(for error: DecodingError) -> ConfigurationError {
    switch error {
    case .typeMismatch(let type, let context):
      return mismatch(at: context.codingPath, allowed: RecipeText.words(for: type))
    case .valueNotFound(let type, let context):
      return mismatch(at: context.codingPath, allowed: RecipeText.words(for: type))
    case .keyNotFound(let key, let context):
      return ConfigurationError(
        RecipeText.path(context.codingPath + [key]), found: "missing", allowed: "given",
        remedy: "Add it to \(source).")
    case .dataCorrupted(let context):
      if let inner = context.underlyingError as? ConfigurationError { return inner }
      return mismatch(
        at: context.codingPath, allowed: "one of the values that the documentation names")
    @unknown default:
      return ConfigurationError(
        source, found: "unreadable", allowed: "a recipe", remedy: "\(error)")
    }
  }

  private func mismatch(at path: [any CodingKey], allowed: String) -> ConfigurationError {
    var found: Node? = root
    for key in path {
      if let index = key.intValue, let sequence = found?.sequence {
        found = sequence.indices.contains(index) ? sequence[index] : nil
      } else {
        found = found?.mapping?[Node(key.stringValue)]
      }
    }
    return ConfigurationError(
      path.isEmpty ? source : RecipeText.path(path),
      found: found.map { RecipeText.words(for: $0) } ?? "missing", allowed: allowed,
      remedy: "Change it in \(source) or with key=value.")
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
      .replacingOccurrences(of: ".[", with: "[")
  }

  private static func words(for node: Node) -> String {
    switch node {
    case .scalar(let scalar):
      scalar.string.isEmpty || scalar.string == "null" ? "empty" : "'\(scalar.string)'"
    case .sequence(let sequence): "a list of \(sequence.count)"
    case .mapping: "a group of settings"
    case .alias: "an alias"
    }
  }

  private static func words(for type: any Any.Type) -> String {
    if type is any BinaryInteger.Type {
      return type is any UnsignedInteger.Type
        ? "a whole number, not negative" : "a whole number"
    }
    if type is any BinaryFloatingPoint.Type { return "a number" }
    if type == Bool.self { return "true or false" }
    if type == String.self { return "a word" }
    if type == Node.Sequence.self || "\(type)".hasPrefix("Array<") {
      return "a list such as [1, 2]"
    }
    if type == Node.Scalar.self { return "a single value" }
    return "a group of settings, one in each line below it"
  }

  private static func words(for error: any Error) -> String {
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return "line \(mark.line): \(problem)"
    case .duplicatedKeysInMapping(let duplicates, _):
      return "the key \(duplicates.joined(separator: ", ")) occurs twice"
    default: return "\(error)".replacingOccurrences(of: "\n", with: " ")
    }
  }
}
