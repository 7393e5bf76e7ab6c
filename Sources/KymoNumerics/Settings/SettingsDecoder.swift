// Trees of settings to values, strictly: a missing key takes the default of the type that is
// decoded, any key that the type does not ask for is an error with its path and the nearest name.
//
// A setting's way: its name is asked for by the code that Swift writes for a `Codable` type; its
// value is in the tree, else in the encoded defaults: those of its place, where a type that holds
// it has other ones than its own, else those of `init()`. An enum with payloads asks which of its
// cases is there: it must be exactly one, and the payload lies directly below the case's name.
// Types that are neither, such as what a model file says beside its settings, ignore keys that they
// do not know.

extension SettingsTree {
  /// Decodes the tree; every error is a ``ConfigurationError`` that names the key.
  ///
  /// - Parameters:
  ///   - type: What is decoded.
  ///   - source: Where the settings were written, such as the name of a file, for what errors say.
  /// - Throws: ``ConfigurationError`` about the first setting that cannot be decoded.
  /// - Returns: The value, with defaults for what is not in the tree.
  package func decode<Value: Decodable>(
    _ type: Value.Type, source: String = "the settings"
  ) throws -> Value {
    try Reader(source: source).value(type, of: self, at: [])
  }
}

extension Decoder {
  /// Decodes settings onto other defaults than those of their type.
  package func decode<Value: Settings>(onto defaults: Value) throws -> Value {
    guard let decoder = self as? SettingsDecoder else { return try Value(from: self) }
    return try decoder.reader.value(
      Value.self, of: decoder.tree, at: decoder.codingPath, onto: SettingsTree(encoding: defaults))
  }
}

/// Reads values; what is said about where they come from.
private struct Reader {
  let source: String

  func value<Value: Decodable>(
    _ type: Value.Type, of tree: SettingsTree, at path: [any CodingKey],
    onto defaults: SettingsTree? = nil
  ) throws -> Value {
    if let scalar = type as? any SettingScalar.Type {
      guard let value = scalar.init(tree) as? Value else {
        throw mismatch(tree, path, allowed: scalar.words)
      }
      return value
    }
    let settings = type as? any Settings.Type
    let decoder = SettingsDecoder(
      // A key with nothing below it is a group that takes all defaults.
      tree: settings != nil && tree == .null ? .group([]) : tree, path: path, reader: self,
      defaults: try settings.map { try defaults ?? SettingsTree(encoding: $0.init()) },
      placeDefaults: defaults,
      formerKeys: (type as? any FormerSettings.Type)?.formerKeys ?? [:])
    do {
      let value = try type.init(from: decoder)
      try decoder.refuseUnknownKeys()
      return value
    } catch let error as DecodingError {
      try decoder.refuseUnknownKeys()
      throw decoder.choiceError() ?? configurationError(error, tree, path)
    }
  }

  func mismatch(
    _ tree: SettingsTree?, _ path: [any CodingKey], allowed: String
  ) -> ConfigurationError {
    ConfigurationError(
      path.isEmpty ? source : settingPath(path), found: tree?.words ?? "missing", allowed: allowed,
      remedy: tree == nil
        ? "Add it to \(source)." : "Change it in \(source) or with key=value.")
  }

  /// An error of Swift's own types in our words.
  private func configurationError(
    _ error: DecodingError, _ tree: SettingsTree, _ path: [any CodingKey]
  ) -> ConfigurationError {
    switch error {
    case .keyNotFound(let key, let context):
      return mismatch(nil, context.codingPath + [key], allowed: "given")
    case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context):
      if let inner = context.underlyingError as? ConfigurationError { return inner }
      return mismatch(
        tree, context.codingPath.isEmpty ? path : context.codingPath,
        allowed: "one of the values that the documentation names")
    @unknown default: return mismatch(tree, path, allowed: "a setting")
    }
  }
}

/// Decodes one value of a tree, noting what it asks for.
private final class SettingsDecoder: Decoder {
  let tree: SettingsTree
  let codingPath: [any CodingKey]
  let userInfo: [CodingUserInfoKey: Any] = [:]
  let reader: Reader
  private let defaults: SettingsTree?
  /// Defaults of the place, also for what has none of its own, such as the payload of a choice.
  private let placeDefaults: SettingsTree?
  private let formerKeys: [String: String]
  /// Names that were asked for.
  private var known: [String] = []
  /// Names of the kinds of a choice; nil for what is none.
  private var choices: [String]?
  /// Values of enums' cases, which are checked with this one.
  private var cases: [SettingsDecoder] = []
  /// Whether other keys than those that are asked for are refused.
  private var isStrict: Bool

  init(
    tree: SettingsTree, path: [any CodingKey], reader: Reader, defaults: SettingsTree? = nil,
    placeDefaults: SettingsTree? = nil, formerKeys: [String: String] = [:]
  ) {
    (self.tree, codingPath, self.reader) = (tree, path, reader)
    self.placeDefaults = placeDefaults
    (self.defaults, self.formerKeys, isStrict) = (defaults, formerKeys, defaults != nil)
  }

  /// The value of a key, or its default; nil where there is neither.
  func member(_ key: any CodingKey, orDefault isDefault: Bool = false) -> SettingsTree? {
    known.append(key.stringValue)
    let given = tree[key.stringValue]
    return given == nil || isDefault && given == .null ? defaults?[key.stringValue] ?? given : given
  }

  /// The defaults of what lies below a key, or of this payload; nil where the place has none.
  func defaults(below key: any CodingKey) -> SettingsTree? {
    let below =
      key.stringValue == payloadKey ? placeDefaults : (defaults ?? placeDefaults)?[key.stringValue]
    if case .group = below { return below }
    return nil
  }

  /// Notes that one of several kinds is asked for.
  func choose<Key: CodingKey>(among type: Key.Type) -> [Key] {
    func names<Kind: CaseIterable>(_ type: Kind.Type) -> [String] {
      type.allCases.compactMap { ($0 as? any CodingKey)?.stringValue }
    }
    isStrict = true
    choices = (type as? any CaseIterable.Type).map { names($0) } ?? []
    for case .group(let entries)? in [tree, defaults] {
      let keys = entries.compactMap { Key(stringValue: $0.key) }
      if !keys.isEmpty { return keys }
    }
    return []
  }

  /// A decoder of what is written below a key.
  func inner(_ key: any CodingKey) -> SettingsDecoder {
    known.append(key.stringValue)
    return SettingsDecoder(
      tree: tree[key.stringValue] ?? .null, path: codingPath + [key], reader: reader,
      placeDefaults: defaults(below: key))
  }

  /// A decoder of what lies below the name of an enum's case.
  func payload(_ key: any CodingKey) -> SettingsDecoder {
    let payload = SettingsDecoder(
      tree: member(key) ?? .null, path: codingPath + [key], reader: reader,
      placeDefaults: defaults(below: key))
    payload.isStrict = true
    cases.append(payload)
    return payload
  }

  /// Throws for the first key that was not asked for.
  func refuseUnknownKeys() throws {
    if isStrict, case .group(let entries) = tree, !known.contains(payloadKey) {
      let names = Set(known + (choices ?? [])).sorted()
      for key in entries.map(\.key) where !names.contains(key) {
        let nearest = nearestName(to: key, among: names)
        throw ConfigurationError(
          settingPath(codingPath + [SettingKey(key)]), found: "an unknown setting",
          allowed: names.isEmpty ? "left out" : "one of: \(names.joined(separator: ", "))",
          remedy: formerKeys[key] ?? nearest.map { "Did you mean '\($0)'?" } ?? "Remove it.")
      }
    }
    for inner in cases { try inner.refuseUnknownKeys() }
  }

  /// What is wrong with a choice: not one kind, but none or several.
  func choiceError() -> ConfigurationError? {
    guard let choices else { return nil }
    guard case .group(let entries) = tree else {
      return reader.mismatch(tree, codingPath, allowed: groupWords)
    }
    let kinds = entries.map(\.key).filter(choices.contains).sorted()
    guard kinds.count != 1 else { return nil }
    let found = kinds.joined(separator: " and ")
    return ConfigurationError(
      codingPath.isEmpty ? reader.source : settingPath(codingPath),
      found: found.isEmpty ? "of no kind" : found,
      allowed: "one of: \(choices.joined(separator: ", "))",
      remedy: found.isEmpty
        ? "Write the kind with its settings below it, or {} for its defaults."
        : "Keep one of them.")
  }

  private let groupWords = "a group of settings, one in each line below it"

  func container<Key: CodingKey>(
    keyedBy type: Key.Type
  ) throws -> KeyedDecodingContainer<Key> {
    guard case .group = tree else {
      throw reader.mismatch(tree, codingPath, allowed: groupWords)
    }
    return KeyedDecodingContainer(Group(decoder: self))
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .list(let entries) = tree else {
      throw reader.mismatch(tree, codingPath, allowed: "a list such as [1, 2]")
    }
    return List(decoder: self, entries: entries)
  }
  func singleValueContainer() -> any SingleValueDecodingContainer { Single(decoder: self) }
}

private struct Group<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: SettingsDecoder
  var codingPath: [any CodingKey] { decoder.codingPath }
  var allKeys: [Key] { decoder.choose(among: Key.self) }

  func contains(_ key: Key) -> Bool { decoder.member(key) != nil }
  func decodeNil(forKey key: Key) -> Bool { decoder.member(key) == .null }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    if type is any InlinedSetting.Type {
      do { return try type.init(from: decoder) } catch let error as DecodingError {
        throw decoder.choiceError() ?? error
      }
    }
    guard let value = decoder.member(key, orDefault: true) else {
      guard key.stringValue == payloadKey else {
        throw decoder.reader.mismatch(nil, codingPath + [key], allowed: "given")
      }
      return try decoder.reader.value(
        type, of: decoder.tree, at: codingPath, onto: decoder.defaults(below: key))
    }
    return try decoder.reader.value(
      type, of: value, at: codingPath + [key], onto: decoder.defaults(below: key))
  }

  func nestedContainer<Inner: CodingKey>(
    keyedBy type: Inner.Type, forKey key: Key
  ) -> KeyedDecodingContainer<Inner> {
    KeyedDecodingContainer(Group<Inner>(decoder: decoder.payload(key)))
  }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try decoder.inner(key).unkeyedContainer()
  }
  func superDecoder() -> any Decoder { decoder.inner(SettingKey("super")) }
  func superDecoder(forKey key: Key) -> any Decoder { decoder.inner(key) }
}

private struct List: UnkeyedDecodingContainer {
  let decoder: SettingsDecoder
  let entries: [SettingsTree]
  var currentIndex = 0
  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { entries.count }
  var isAtEnd: Bool { currentIndex == entries.count }

  init(decoder: SettingsDecoder, entries: [SettingsTree]) {
    (self.decoder, self.entries) = (decoder, entries)
  }

  /// The next entry with its path.
  private mutating func next() throws -> (SettingsTree, [any CodingKey]) {
    let path = codingPath + [SettingKey(currentIndex)]
    guard !isAtEnd else { throw decoder.reader.mismatch(nil, path, allowed: "given") }
    defer { currentIndex += 1 }
    return (entries[currentIndex], path)
  }

  mutating func decodeNil() -> Bool {
    guard !isAtEnd, entries[currentIndex] == .null else { return false }
    currentIndex += 1
    return true
  }
  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let (tree, path) = try next()
    return try decoder.reader.value(type, of: tree, at: path)
  }
  mutating func nestedContainer<Inner: CodingKey>(
    keyedBy type: Inner.Type
  ) throws -> KeyedDecodingContainer<Inner> {
    try superDecoder().container(keyedBy: type)
  }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try superDecoder().unkeyedContainer()
  }
  mutating func superDecoder() throws -> any Decoder {
    let (tree, path) = try next()
    return SettingsDecoder(tree: tree, path: path, reader: decoder.reader)
  }
}

private struct Single: SingleValueDecodingContainer {
  let decoder: SettingsDecoder
  var codingPath: [any CodingKey] { decoder.codingPath }

  func decodeNil() -> Bool { decoder.tree == .null }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try decoder.reader.value(type, of: decoder.tree, at: codingPath)
  }
}
