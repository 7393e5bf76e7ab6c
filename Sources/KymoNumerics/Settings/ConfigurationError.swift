// Settings that cannot work, and strict decoding of settings: an unknown key is an error.

/// A setting that cannot work, with the way to mend it.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where the setting is, such as `model.encoder.stride`.
  public var path: String
  /// What the setting was.
  public var found: String
  /// What it may be.
  public var allowed: String
  /// What to do about it.
  public var remedy: String

  /// Creates an error about the setting at `path`.
  public init(
    _ path: String, found: some CustomStringConvertible, allowed: String, remedy: String
  ) {
    (self.path, self.found, self.allowed, self.remedy) = (path, "\(found)", allowed, remedy)
  }

  /// One sentence for the person who wrote the setting.
  public var description: String { "'\(path)' is \(found), but must be \(allowed). \(remedy)" }
}

/// Throws `ConfigurationError` unless `condition` holds.
package func require(
  _ condition: Bool, _ path: String, found: some CustomStringConvertible, allowed: String,
  remedy: String
) throws(ConfigurationError) {
  guard condition else {
    throw ConfigurationError(path, found: found, allowed: allowed, remedy: remedy)
  }
}

extension Decoder {
  /// Throws when the container holds a key that `keys` does not name; says the nearest one.
  package func rejectUnknownKeys<Key: CodingKey & CaseIterable>(_ keys: Key.Type) throws {
    let known = Key.allCases.map(\.stringValue).sorted()
    for key in try container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
      let place = (codingPath + [key]).map(\.stringValue).joined(separator: ".")
      let nearest = nearestName(to: key.stringValue, among: known)
      throw ConfigurationError(
        place, found: "an unknown setting", allowed: "one of: \(known.joined(separator: ", "))",
        remedy: nearest.map { "Did you mean '\($0)'?" } ?? "Remove it.")
    }
  }
}

/// The name with the smallest edit distance to `name`, when it is near enough to be meant.
package func nearestName(to name: String, among candidates: [String]) -> String? {
  candidates.map { ($0, editDistance(name.lowercased(), $0.lowercased())) }
    .filter { $0.1 <= max(2, name.count / 3) }.min { $0.1 < $1.1 }?.0
}

/// Levenshtein's distance: insertions, deletions and substitutions.
private func editDistance(_ first: String, _ second: String) -> Int {
  let (first, second) = (Array(first), Array(second))
  var row = Array(0...second.count)
  for i in first.indices {
    var diagonal = row[0]
    row[0] = i + 1
    for j in second.indices {
      let above = row[j + 1]
      row[j + 1] = min(above + 1, row[j] + 1, diagonal + (first[i] == second[j] ? 0 : 1))
      diagonal = above
    }
  }
  return row[second.count]
}

private struct AnyKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
