// Settings that cannot work.

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
