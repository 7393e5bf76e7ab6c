// What a number among settings may be: the condition and its words in one.

/// The numbers that a setting may have.
package struct Bound<Number: Comparable & Sendable> {
  /// In words, such as "at least 1".
  let words: String
  /// Whether a number is one of them.
  let holds: (Number) -> Bool

  /// A number and all above.
  package static func atLeast(_ least: Number) -> Bound {
    Bound(words: "at least \(text(least))") { $0 >= least }
  }

  /// All above a number.
  package static func above(_ end: Number) -> Bound {
    Bound(words: "above \(text(end))") { $0 > end }
  }

  /// A number and all below.
  package static func atMost(_ most: Number) -> Bound {
    Bound(words: "at most \(text(most))") { $0 <= most }
  }

  /// From one number to another, both included.
  package static func within(_ range: ClosedRange<Number>) -> Bound {
    Bound(
      words: "from \(text(range.lowerBound)) to \(text(range.upperBound))", holds: range.contains)
  }

  /// From one number to below another.
  package static func within(_ range: Range<Number>) -> Bound {
    Bound(
      words: "at least \(text(range.lowerBound)) and below \(text(range.upperBound))",
      holds: range.contains)
  }

  /// Between two numbers, both excluded.
  package static func between(_ low: Number, _ high: Number) -> Bound {
    Bound(words: "above \(text(low)) and below \(text(high))") { $0 > low && $0 < high }
  }

  private static func text(_ number: Number) -> String {
    let digits = "\(number)"
    return digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits
  }
}

/// Throws `ConfigurationError` unless a setting is a finite number within a bound.
package func require<Number>(
  _ value: Number, _ bound: Bound<Number>, _ path: String, remedy: String
) throws(ConfigurationError) {
  let isFinite = (value as? any BinaryFloatingPoint)?.isFinite ?? true
  try require(
    isFinite && bound.holds(value), path, found: "\(value)", allowed: bound.words, remedy: remedy)
}
