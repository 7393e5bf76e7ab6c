// A setting that is one word of a few: decoding an unknown word names the words that exist.

/// A setting that is one word of a few; decoding any other word throws a ``ConfigurationError``.
public protocol SettingChoice: RawRepresentable, CaseIterable, Codable, Hashable, Sendable
where RawValue == String {}

extension SettingChoice {
  /// Decodes the word; an unknown one is an error that names the nearest.
  public init(from decoder: any Decoder) throws {
    let word = try decoder.singleValueContainer().decode(String.self)
    guard let choice = Self(rawValue: word) else {
      let words = Self.allCases.map(\.rawValue)
      throw ConfigurationError(
        settingPath(decoder.codingPath), found: "'\(word)'",
        allowed: "one of: \(words.joined(separator: ", "))",
        remedy: nearestName(to: word, among: words).map { "Did you mean '\($0)'?" }
          ?? "Write one of these words.")
    }
    self = choice
  }
}
