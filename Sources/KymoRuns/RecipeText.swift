// Recipes as text: YAML, overrides such as `training.batchSize=20` laid over it, and strict
// decoding whose errors name the key, what was found and what is allowed.
import KymoNumerics
import Yams

/// A recipe before it is decoded: a tree of settings from YAML, onto which presets and overrides
/// are laid.
package struct RecipeText {
  private var root: SettingsTree
  /// Where the text came from, for error messages.
  private let source: String

  /// Reads YAML; `source` is the file's name in error messages.
  package init(yaml: String, source: String) throws {
    self.source = source
    do {
      root = try SettingsTree(yaml: yaml)
    } catch {
      throw ConfigurationError(
        source, found: "no YAML (\(words(for: error)))",
        allowed: "YAML with lines of the form 'key: value'",
        remedy: "Indent with spaces, two for each level.")
    }
    // A file of comments only.
    if root == .null { root = .group([]) }
    guard case .group = root else {
      throw ConfigurationError(
        source, found: root.words, allowed: "lines of the form 'key: value'",
        remedy: "Start from one of the files in Recipes.")
    }
  }

  /// The settings of `value`, every default visible.
  package init(settings value: some Encodable, source: String) throws {
    (root, self.source) = (try SettingsTree(encoding: value), source)
  }

  /// YAML of settings, in the order in which they are declared, every digit of a number kept.
  package static func yaml(of value: some Encodable) throws -> String {
    try SettingsTree(encoding: value).yaml
  }

  /// The word at a key of the outermost level; nil where there is none.
  package func word(at key: String) -> String? {
    if case .string(let word)? = root[key] { word } else { nil }
  }

  /// Lays another recipe over this one: its values win, groups of settings are joined.
  package mutating func lay(_ other: RecipeText) { root = other.root.laid(over: root) }

  /// Lays one override of the form `key.sub=value` over the recipe; the value is YAML.
  package mutating func override(_ text: String) throws {
    let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let keys = (halves.first ?? "").split(separator: ".", omittingEmptySubsequences: false)
    guard halves.count == 2, !keys.isEmpty, keys.allSatisfy({ !$0.isEmpty }) else {
      throw ConfigurationError(
        text, found: "not an override", allowed: "of the form key.sub=value",
        remedy: "For example: training.batchSize=20")
    }
    let value: SettingsTree
    do {
      value = try SettingsTree(yaml: String(halves[1]))
    } catch {
      throw ConfigurationError(
        String(halves[0]), found: "'\(halves[1])' (\(words(for: error)))",
        allowed: "a YAML value", remedy: "Numbers, words, lists as [1, 2]; quote the argument.")
    }
    try root.set(value, at: keys.map(String.init)[...])
  }

  /// Decodes the recipe; every error is a `ConfigurationError` that names the key.
  package func decode<Settings: Decodable>(_ type: Settings.Type) throws -> Settings {
    try root.decode(type, source: source)
  }

  /// The recipe without some settings of the outermost level.
  package func without(_ keys: Set<String>) -> RecipeText {
    var rest = self
    if case .group(let entries) = root {
      rest.root = .group(entries.filter { !keys.contains($0.key) })
    }
    return rest
  }

  /// The first setting, in the order of this recipe, that another one has otherwise, as lines of
  /// both; nil when they are the same.
  package func firstDifference(from other: RecipeText) throws -> (own: String, others: String)? {
    let (own, others) = (root.leaves(), other.root.leaves())
    func line(_ path: String, _ value: SettingsTree?) throws -> String {
      try value.map { "\(path): \(try $0.line)" } ?? "no \(path)"
    }
    for path in own.map(\.path) + others.map(\.path) {
      let values = [own, others].map { leaves in leaves.first { $0.path == path }?.value }
      if values[0] != values[1] { return (try line(path, values[0]), try line(path, values[1])) }
    }
    return nil
  }
}

// MARK: - YAML

extension SettingsTree {
  /// Reads YAML; no text at all is no value.
  fileprivate init(yaml: String) throws {
    self = try Yams.compose(yaml: yaml).map { SettingsTree($0) } ?? .null
  }

  private init(_ node: Node) {
    switch node {
    case .mapping(let mapping):
      self = .group(mapping.map { Entry($0.key.string ?? "", SettingsTree($0.value)) })
    case .sequence(let sequence): self = .list(sequence.map { SettingsTree($0) })
    case .scalar(let scalar): self = SettingsTree(scalar)
    case .alias: self = .null
    }
  }

  private init(_ scalar: Node.Scalar) {
    let text = scalar.string
    guard scalar.style == .plain || scalar.style == .any else {
      self = .string(text)
      return
    }
    if let first = text.first, "+-.0123456789".contains(first), Double(text) != nil {
      self = .number(text)
      return
    }
    switch Resolver.default.resolveTag(of: .scalar(scalar)) {
    case .null: self = .null
    case .bool: self = Bool.construct(from: scalar).map { .bool($0) } ?? .string(text)
    case .int: self = Int.construct(from: scalar).map { .number("\($0)") } ?? .string(text)
    case .float: self = Double.construct(from: scalar).map { .number("\($0)") } ?? .string(text)
    default: self = .string(text)
    }
  }

  /// The tree as YAML.
  fileprivate var yaml: String {
    get throws { try Yams.serialize(node: node, width: -1, allowUnicode: true) }
  }

  /// The value in one line.
  fileprivate var line: String {
    get throws {
      switch self {
      case .null: ""
      case .bool(let value): "\(value)"
      case .number(let text), .string(let text): text
      case .list, .group: try yaml.split(separator: "\n").joined(separator: " ")
      }
    }
  }

  private var node: Node {
    switch self {
    case .null: Node("null", Tag(.null))
    case .bool(let value): Node("\(value)", Tag(.bool))
    case .number("inf"): Node(".inf", Tag(.float))
    case .number("-inf"): Node("-.inf", Tag(.float))
    case .number("nan"): Node(".nan", Tag(.float))
    case .number(let text): Node(text)
    case .string(let text):
      // What reads as something else than text is quoted.
      .scalar(
        .init(text, Tag(.str), SettingsTree(.init(text)) == .string(text) ? .any : .singleQuoted))
    case .list(let entries):
      .sequence(
        .init(
          entries.map(\.node), Tag(.seq),
          entries.allSatisfy {
            switch $0 {
            case .list, .group: false
            default: true
            }
          } ? .flow : .any))
    case .group(let entries):
      .mapping(.init(entries.map { (Node($0.key), $0.value.node) }))
    }
  }
}

/// What is wrong with a text that is no YAML.
private func words(for error: any Error) -> String {
  switch error as? YamlError {
  case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
    .composer(_, let problem, let mark, _):
    return "line \(mark.line): \(problem)"
  case .duplicatedKeysInMapping(let duplicates, _):
    return "the key \(duplicates.joined(separator: ", ")) occurs twice"
  default: return "\(error)".replacing("\n", with: " ")
  }
}
