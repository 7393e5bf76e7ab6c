// What can be wrong with a file of results.

/// Results that cannot be read, with the way to mend it.
public enum ResultsError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file is of another version of the schema; nil is from before there were versions.
  case otherSchema(file: String, found: Int?, expected: Int)
  /// The file cannot be understood.
  case unreadable(file: String, reason: String)
  /// Entries of the file contradict each other.
  case inconsistent(file: String, entry: String, found: Int, expected: Int)

  /// One sentence for the person whose file it is.
  public var description: String {
    switch self {
    case .otherSchema(let file, let found, let expected):
      "'\(file)' is of "
        + (found.map { "version \($0) of the schema" } ?? "a time before the schema had versions")
        + ", this kymo reads version \(expected). Write it anew with 'kymo evaluate'."
    case .unreadable(let file, let reason):
      "'\(file)' cannot be read: \(reason). Write it anew with 'kymo evaluate'."
    case .inconsistent(let file, let entry, let found, let expected):
      "'\(file)', entry '\(entry)': \(found) values, expected \(expected). "
        + "Write the file anew with 'kymo evaluate'."
    }
  }

  /// Why decoding failed, in words.
  package static func reason(of error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "the whole file" : "'\(path.map(\.stringValue).joined(separator: "."))'"
    }
    return switch error {
    case DecodingError.keyNotFound(let key, let context):
      "'\((context.codingPath + [key]).map(\.stringValue).joined(separator: "."))' is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      "\(place(context.codingPath)) is not what it should be (\(context.debugDescription))"
    default: "\(error)"
    }
  }
}

/// Compares lengths that must agree and names the entry where they do not.
struct ShapeCheck {
  var file: String
  var entry: String

  /// The check of a part.
  func below(_ part: String) -> ShapeCheck { ShapeCheck(file: file, entry: "\(entry).\(part)") }

  func require(_ found: Int, _ expected: Int, _ part: String) throws(ResultsError) {
    guard found == expected else {
      throw .inconsistent(
        file: file, entry: "\(entry).\(part)", found: found, expected: expected)
    }
  }
}
