// Values to trees of settings, in the order in which settings are declared. A choice with settings
// of its own, an enum with payloads, is one key with the settings below it.

extension SettingsTree {
  /// The settings of a value, every default visible.
  package init(encoding value: some Encodable) throws {
    let encoder = SettingsEncoder(codingPath: [])
    try encoder.write(value)
    self = encoder.tree
  }
}

/// Swift's name for the payload of an enum's case: it is no level of its own in settings.
let payloadKey = "_0"

/// One node of a tree that is being made.
private final class SettingsEncoder: Encoder {
  private enum Content {
    case value(SettingsTree)
    case group([(key: String, value: SettingsEncoder)])
    case list([SettingsEncoder])
  }

  let codingPath: [any CodingKey]
  let userInfo: [CodingUserInfoKey: Any] = [:]
  private var content = Content.group([])

  init(codingPath: [any CodingKey]) { self.codingPath = codingPath }

  var tree: SettingsTree {
    switch content {
    case .value(let tree): tree
    case .group(let entries): .group(entries.map { .init($0.key, $0.value.tree) })
    case .list(let entries): .list(entries.map(\.tree))
    }
  }

  func write(_ value: some Encodable) throws {
    if let scalar = value as? any SettingScalar {
      content = .value(scalar.tree)
    } else {
      try value.encode(to: self)
    }
  }

  func writeNull() { content = .value(.null) }

  /// The node of a key of this group.
  func member(_ key: any CodingKey) -> SettingsEncoder {
    if key.stringValue == payloadKey { return self }
    let member = SettingsEncoder(codingPath: codingPath + [key])
    if case .group(let entries) = content {
      content = .group(entries + [(key.stringValue, member)])
    } else {
      content = .group([(key.stringValue, member)])
    }
    return member
  }

  var count: Int { if case .list(let entries) = content { entries.count } else { 0 } }

  /// The node of one more entry of this list.
  func entry() -> SettingsEncoder {
    let entry = SettingsEncoder(codingPath: codingPath + [SettingKey(count)])
    if case .list(let entries) = content {
      content = .list(entries + [entry])
    } else {
      content = .list([entry])
    }
    return entry
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(Group(encoder: self))
  }
  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    if count == 0 { content = .list([]) }
    return List(encoder: self)
  }
  func singleValueContainer() -> any SingleValueEncodingContainer { Single(encoder: self) }
}

private struct Group<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: SettingsEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil(forKey key: Key) { encoder.member(key).writeNull() }
  func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    try (value is any InlinedSetting ? encoder : encoder.member(key)).write(value)
  }
  func nestedContainer<Inner: CodingKey>(
    keyedBy type: Inner.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Inner> {
    encoder.member(key).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    encoder.member(key).unkeyedContainer()
  }
  func superEncoder() -> any Encoder { encoder.member(SettingKey("super")) }
  func superEncoder(forKey key: Key) -> any Encoder { encoder.member(key) }
}

private struct List: UnkeyedEncodingContainer {
  let encoder: SettingsEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }
  var count: Int { encoder.count }

  func encodeNil() { encoder.entry().writeNull() }
  func encode<Value: Encodable>(_ value: Value) throws { try encoder.entry().write(value) }
  func nestedContainer<Inner: CodingKey>(
    keyedBy type: Inner.Type
  ) -> KeyedEncodingContainer<Inner> {
    encoder.entry().container(keyedBy: type)
  }
  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    encoder.entry().unkeyedContainer()
  }
  func superEncoder() -> any Encoder { encoder.entry() }
}

private struct Single: SingleValueEncodingContainer {
  let encoder: SettingsEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil() { encoder.writeNull() }
  func encode<Value: Encodable>(_ value: Value) throws { try encoder.write(value) }
}
