// What can be wrong with a data file, with the place and the way to mend it.

/// A data file that cannot be read, with the way to mend it.
public struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of trouble; tests and callers compare this, people read the sentence.
  public enum Kind: Hashable, Sendable {
    /// The file cannot be opened or is no regular file.
    case unreadable
    /// The bytes are not of this format.
    case wrongFormat
    /// The file ends before what it announces.
    case truncated
    /// Parts of the file contradict each other, or a checksum does not fit.
    case damaged
    /// A legal file that uses something that is not supported.
    case unsupported
    /// Reading it would run code or reach outside the file.
    case unsafeContent
    /// More than the limits or the memory of the machine allow.
    case tooLarge
    /// The array that was asked for is not there.
    case missing
    /// An array has the wrong number of axes or the wrong lengths.
    case wrongShape
    /// The array can be read in more than one way.
    case ambiguous
    /// Values that cannot be worked with, such as NaN.
    case wrongContent
  }

  /// The kind of trouble.
  public var kind: Kind
  /// The file's name, without its folder.
  public var file: String
  /// Where in the file: an array, an entry, a byte; empty when it is the whole file.
  public var place: String
  /// What was found.
  public var found: String
  /// What is allowed.
  public var allowed: String
  /// What to do about it.
  public var remedy: String

  /// Creates an error about a place in a file.
  public init(
    _ kind: Kind, file: String, place: String = "", found: String, allowed: String, remedy: String
  ) {
    (self.kind, self.file, self.place) = (kind, file, place)
    (self.found, self.allowed, self.remedy) = (found, allowed, remedy)
  }

  /// One or two sentences for the person whose file it is.
  ///
  /// Names come from the file; characters that would act on a terminal are replaced.
  public var description: String {
    let text =
      "\(file)\(place.isEmpty ? "" : ", \(place)"): \(found); expected \(allowed). \(remedy)"
    return String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
  }
}

/// A file and a place in it, so that a parser deep inside says where it was.
package struct FormatPlace: Sendable {
  package var file: String
  package var place = ""

  package init(file: String, place: String = "") { (self.file, self.place) = (file, place) }

  package func at(_ place: String) -> FormatPlace { FormatPlace(file: file, place: place) }

  package func error(
    _ kind: FormatError.Kind, found: String, allowed: String, remedy: String
  ) -> FormatError {
    FormatError(
      kind, file: file, place: place, found: found, allowed: allowed, remedy: remedy)
  }

  /// An incomplete file, said the same way everywhere.
  package func truncated(_ what: String) -> FormatError {
    error(
      .truncated, found: "the file ends inside \(what)", allowed: "a complete file",
      remedy: "Copy or write the file again; it was cut short.")
  }

  package func damaged(_ found: String, allowed: String) -> FormatError {
    error(
      .damaged, found: found, allowed: allowed,
      remedy: "Copy or write the file again; it is damaged or was edited.")
  }
}

/// A shape as Python prints it, such as "(100, 1, 256, 256)".
package func describeShape(_ shape: [Int]) -> String {
  shape.count == 1 ? "(\(shape[0]),)" : "(" + shape.map(String.init).joined(separator: ", ") + ")"
}
