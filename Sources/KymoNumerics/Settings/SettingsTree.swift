// Settings before they are decoded: a tree that knows neither YAML nor JSON, onto which presets and
// overrides are laid. Keys keep their order, numbers keep every digit.
package import Foundation

/// Settings as they are written.
package enum SettingsTree: Hashable, Sendable {
  /// No value.
  case null
  /// True or false.
  case bool(Bool)
  /// A number as it is written.
  case number(String)
  /// Text.
  case string(String)
  /// Several values in order.
  case list([SettingsTree])
  /// Settings by name, in order.
  case group([Entry])

  /// A setting of a group.
  package struct Entry: Hashable, Sendable {
    /// Its name.
    package var key: String
    /// Its value.
    package var value: SettingsTree

    /// Creates an entry.
    package init(_ key: String, _ value: SettingsTree) { (self.key, self.value) = (key, value) }
  }

  /// The setting of a group; nil where there is none, also in what is no group.
  package subscript(key: String) -> SettingsTree? {
    guard case .group(let entries) = self else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// What is written, for a sentence.
  package var words: String {
    switch self {
    case .null: "empty"
    case .bool(let value): "'\(value)'"
    case .number(let text): "'\(text)'"
    case .string(let text): text.isEmpty ? "empty" : "'\(text)'"
    case .list(let entries): "a list of \(entries.count)"
    case .group: "a group of settings"
    }
  }
}

// MARK: - Laying one tree over another

extension SettingsTree {
  /// This tree over another: its values win, groups of settings are joined.
  package func laid(over below: SettingsTree) -> SettingsTree {
    guard case .group(let own) = self, case .group(var entries) = below else { return self }
    for entry in own {
      if let index = entries.firstIndex(where: { $0.key == entry.key }) {
        entries[index].value = entry.value.laid(over: entries[index].value)
      } else {
        entries.append(entry)
      }
    }
    return .group(entries)
  }

  /// Replaces the value at a path of keys, making groups on the way.
  ///
  /// - Throws: ``ConfigurationError`` when a value on the way is no group.
  package mutating func set(
    _ value: SettingsTree, at keys: ArraySlice<String>, path: String = ""
  ) throws(ConfigurationError) {
    guard let key = keys.first else {
      self = value
      return
    }
    guard case .group(var entries) = self else {
      throw ConfigurationError(
        path + "." + key, found: "an unknown setting",
        allowed: "'\(path)' alone, since that is a single value", remedy: "Write \(path)=value.")
    }
    let index = entries.firstIndex { $0.key == key } ?? entries.endIndex
    if index == entries.endIndex { entries.append(Entry(key, .group([]))) }
    // A key without a value is a group that takes all defaults.
    if entries[index].value == .null { entries[index].value = .group([]) }
    try entries[index].value.set(
      value, at: keys.dropFirst(), path: path.isEmpty ? key : path + "." + key)
    self = .group(entries)
  }

  /// The values that are no groups of settings, with their paths.
  package func leaves(path: String = "") -> [(path: String, value: SettingsTree)] {
    guard case .group(let entries) = self, !entries.isEmpty else { return [(path, self)] }
    return entries.flatMap {
      $0.value.leaves(path: path.isEmpty ? $0.key : path + "." + $0.key)
    }
  }
}

// MARK: - JSON

extension SettingsTree {
  /// Reads JSON, such as the model.json of a model.
  package init(json: Data) throws { self = try JSONDecoder().decode(SettingsTree.self, from: json) }

  /// The tree as JSON with sorted keys.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}

extension SettingsTree: Codable {
  /// Reads any value; keys of a JSON object have no order.
  package init(from decoder: any Decoder) throws {
    if let group = try? decoder.container(keyedBy: SettingKey.self) {
      self = .group(
        try group.allKeys.sorted { $0.stringValue < $1.stringValue }.map {
          Entry($0.stringValue, try group.decode(SettingsTree.self, forKey: $0))
        })
      return
    }
    if var list = try? decoder.unkeyedContainer() {
      var entries: [SettingsTree] = []
      while !list.isAtEnd { entries.append(try list.decode(SettingsTree.self)) }
      self = .list(entries)
      return
    }
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let number = try? value.decode(Int.self) {
      self = .number("\(number)")
    } else if let number = try? value.decode(UInt64.self) {
      self = .number("\(number)")
    } else if let number = try? value.decode(Double.self) {
      self = .number("\(number)")
    } else {
      self = .string(try value.decode(String.self))
    }
  }

  /// Writes the value.
  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .group(let entries):
      var group = encoder.container(keyedBy: SettingKey.self)
      for entry in entries { try group.encode(entry.value, forKey: SettingKey(entry.key)) }
    case .list(let entries):
      var list = encoder.unkeyedContainer()
      for entry in entries { try list.encode(entry) }
    default:
      var value = encoder.singleValueContainer()
      switch self {
      case .bool(let bool): try value.encode(bool)
      case .string(let text): try value.encode(text)
      case .number(let text):
        if let number = Int(text) {
          try value.encode(number)
        } else if let number = UInt64(text) {
          try value.encode(number)
        } else {
          try value.encode(Double(text))
        }
      default: try value.encodeNil()
      }
    }
  }
}

/// A key that is not known before: a name in a group, or a place in a list.
package struct SettingKey: CodingKey {
  package let stringValue: String
  package let intValue: Int?

  /// The key of this name.
  package init(_ name: String) { (stringValue, intValue) = (name, nil) }
  /// A place in a list.
  init(_ index: Int) { (stringValue, intValue) = ("\(index)", index) }
  package init(stringValue: String) { self.init(stringValue) }
  package init(intValue: Int) { self.init(intValue) }
}

/// A path as in `forecast.adaptive[0].microSteps`.
func settingPath(_ keys: [any CodingKey]) -> String {
  keys.reduce("") { path, key in
    key.intValue.map { "\(path)[\($0)]" }
      ?? (path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)")
  }
}
