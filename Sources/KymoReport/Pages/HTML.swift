// Text that is known to be safe in a page: literals are markup, everything interpolated is escaped.

/// A piece of HTML; strings that are put into it are escaped, pieces of HTML are not.
struct HTML: Hashable, Sendable, ExpressibleByStringInterpolation, Encodable {
  /// The markup.
  private(set) var source: String

  init(stringLiteral value: String) { source = value }

  init(stringInterpolation: StringInterpolation) { source = stringInterpolation.source }

  /// Escapes a text that may hold anything.
  init(escaping text: some StringProtocol) {
    source = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": source += "&amp;"
      case "<": source += "&lt;"
      case ">": source += "&gt;"
      case "\"": source += "&quot;"
      case "'": source += "&#39;"
      case "\n", "\t": source.unicodeScalars.append(character)
      // Control characters are not allowed in HTML, nor of any use in it.
      case "\u{0}"..<"\u{20}", "\u{7f}"..<"\u{a0}": source += "\u{fffd}"
      default: source.unicodeScalars.append(character)
      }
    }
  }

  /// Takes markup as it is; for text that this module itself wrote or made safe.
  init(trusting markup: String) { source = markup }

  func encode(to encoder: any Encoder) throws { try source.encode(to: encoder) }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var source = ""

    init(literalCapacity: Int, interpolationCount: Int) { source.reserveCapacity(literalCapacity) }

    mutating func appendLiteral(_ literal: String) { source += literal }
    mutating func appendInterpolation(_ text: some StringProtocol) {
      source += HTML(escaping: text).source
    }
    mutating func appendInterpolation(_ number: Int) { source += String(number) }
    mutating func appendInterpolation(_ piece: HTML) { source += piece.source }
    mutating func appendInterpolation(_ pieces: [HTML]) {
      source += pieces.map(\.source).joined(separator: "\n")
    }
  }

  static func + (first: HTML, second: HTML) -> HTML {
    HTML(trusting: first.source + second.source)
  }
}
