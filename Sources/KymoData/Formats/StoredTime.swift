// NumPy's dates and lengths of time, as numbers of seconds.
// Format: numpy.datetime64 and numpy.timedelta64, 64-bit whole numbers of a unit.
import Foundation
import KymoNumerics

/// The type of stored dates (`datetime64`) or lengths of time (`timedelta64`).
public struct TimeType: Hashable, Sendable {
  /// Whether they are dates, counted from the beginning of 1970 on, or lengths of time.
  public var isDate: Bool
  /// The unit as NumPy writes it, such as "ns" or "25s".
  public var unit: String
  /// Whether the first byte is the most significant one.
  public var isBigEndian: Bool
  /// Seconds of one unit, as a fraction in lowest terms.
  private var seconds: (numerator: Int, denominator: Int) {
    let digits = unit.prefix { $0.isNumber }
    let count = digits.isEmpty ? 1 : Int(digits) ?? 1
    let (numerator, denominator) = Self.units[String(unit.dropFirst(digits.count))] ?? (1, 1)
    let divisor = greatestCommonDivisor(count * numerator, denominator)
    return (count * numerator / divisor, denominator / divisor)
  }

  /// NumPy's units of a fixed length.
  private static let units: [String: (Int, Int)] = [
    "W": (604_800, 1), "D": (86_400, 1), "h": (3600, 1), "m": (60, 1), "s": (1, 1),
    "ms": (1, 1000), "us": (1, 1_000_000), "ns": (1, 1_000_000_000), "ps": (1, 1_000_000_000_000),
    "fs": (1, 1_000_000_000_000_000), "as": (1, 1_000_000_000_000_000_000),
  ]

  /// A type with a unit of NumPy, at most nine digits before it; nil for months, years, and no unit.
  public init?(isDate: Bool, unit: String, isBigEndian: Bool = false) {
    let digits = unit.prefix { $0.isASCII && $0.isNumber }
    guard Self.units[String(unit.dropFirst(digits.count))] != nil, digits.count <= 9,
      digits.isEmpty || (Int(digits) ?? 0) > 0
    else { return nil }
    (self.isDate, self.unit, self.isBigEndian) = (isDate, unit, isBigEndian)
  }

  /// NumPy's name, such as "datetime64[ns]".
  public var name: String { "\(isDate ? "datetime64" : "timedelta64")[\(unit)]" }

  /// A number of units in seconds: the nearest Double wherever the units are below 2⁵³.
  func seconds(_ count: Int64) -> Double {
    let (numerator, denominator) = seconds
    let (product, overflow) = count.multipliedReportingOverflow(by: Int64(numerator))
    guard !overflow else { return Double(count) * Double(numerator) / Double(denominator) }
    guard product.magnitude > 1 << 53 else { return Double(product) / Double(denominator) }
    let (whole, rest) = product.quotientAndRemainder(dividingBy: Int64(denominator))
    return Double(whole) + Double(rest) / Double(denominator)
  }

  /// A date as text, to the second; empty where it is thousands of years away.
  func text(_ count: Int64) -> String {
    let seconds = seconds(count)
    guard isDate, seconds.magnitude < 1e11 else { return "" }
    return Date(timeIntervalSince1970: seconds.rounded(.down)).formatted(.iso8601)
  }
}

private func greatestCommonDivisor(_ first: Int, _ second: Int) -> Int {
  second == 0 ? first : greatestCommonDivisor(second, first % second)
}

/// Times of frames, or the time between them, in the unit of the file or in seconds.
struct FrameTimes: Hashable {
  /// The times; those of dates are counted from the first.
  var values: [Double]
  /// Whether they are seconds because the file has dates or lengths of time.
  var areSeconds = false
  /// The date of the first frame and the type of the dates; nil where there are none.
  var firstDate: String?

  /// Reads an array of numbers, dates or lengths of time.
  init(_ array: any StoredArray, _ place: FormatPlace) throws(FormatError) {
    guard case .time(let type) = array.element else {
      values = try array.hostArray(place).elements
      return
    }
    let counts = try array.timeCounts()
    guard !counts.contains(.min) else {
      throw place.error(
        .wrongContent, found: "a time that is missing (NaT)", allowed: "times everywhere",
        remedy: "Remove the frames without a time, or leave 't' out and give dt.")
    }
    let first = type.isDate ? counts.first ?? 0 : 0
    values = counts.map { count in
      let (difference, overflow) = count.subtractingReportingOverflow(first)
      return overflow ? type.seconds(count) - type.seconds(first) : type.seconds(difference)
    }
    areSeconds = true
    if type.isDate {
      firstDate = [type.text(first), "(\(type.name))"].filter { !$0.isEmpty }
        .joined(separator: " ")
    }
  }
}
