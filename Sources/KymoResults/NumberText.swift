// Numbers in words and figures: as many digits as mean something, the same on every machine.
import Foundation

/// Writes numbers for people.
package enum NumberText {
  /// `value` with `digits` significant digits; powers of ten outside 10⁻⁴ … 10⁶.
  package static func significant(_ value: Double, digits: Int = 3) -> String {
    guard value.isFinite else { return value.isNaN ? "not a number" : "infinite" }
    guard value != 0 else { return "0" }
    // The exponent is read from the rounded number: 0.09996 with three digits is 0.100.
    let scientific = String(format: "%.\(digits - 1)e", value.magnitude)
    let parts = scientific.split(separator: "e")
    let exponent = parts.count == 2 ? Int(parts[1]) ?? 0 : 0
    let sign = value < 0 ? "−" : ""
    if (-4..<6).contains(exponent) {
      let decimals = max(0, digits - 1 - exponent)
      return sign + grouped(String(format: "%.\(decimals)f", value.magnitude))
    }
    return sign + parts[0] + " × 10" + String(exponent).map(superscript).joined()
  }

  /// A published value with the digits that it was published with.
  package static func published(_ value: Double) -> String {
    let text = significant(value, digits: 4)
    let parts = text.split(separator: " × ", maxSplits: 1)
    guard let number = parts.first, number.contains(".") else { return text }
    let trimmed = String(number.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed())
    return ([trimmed] + parts.dropFirst().map(String.init)).joined(separator: " × ")
  }

  /// A count with thousands apart: 1,000.
  package static func count(_ value: Int) -> String {
    (value < 0 ? "−" : "") + grouped(String(value.magnitude))
  }

  /// "1 recording", "1,000 recordings".
  package static func count(_ value: Int, _ noun: String) -> String {
    "\(count(value)) \(noun)\(value == 1 ? "" : "s")"
  }

  /// R² with three decimals, more where three would round it to 1.
  package static func rSquared(_ value: Double) -> String {
    guard value.isFinite else { return "not a number" }
    let decimals = value < 1 ? (3...6).first { 1 - value >= 0.5 * pow(10, -Double($0)) } ?? 6 : 3
    return String(format: "%.\(decimals)f", value).replacing("-", with: "−")
  }

  /// 0.912 as "91.2 %".
  package static func percent(_ fraction: Double) -> String {
    fraction.isFinite ? String(format: "%.1f %%", 100 * fraction) : "not a number"
  }

  /// Seconds as "41 s", "12 min 5 s", "3 h 20 min".
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "an unknown time" }
    if seconds < 10 { return significant(seconds, digits: 2) + " s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(count(whole / 3600)) h \(whole % 3600 / 60) min"
  }

  /// A small count in words, as in a sentence.
  package static func word(_ value: Int) -> String {
    let words = [
      "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
      "eleven", "twelve",
    ]
    return words.indices.contains(value) ? words[value] : count(value)
  }

  /// "a", "a and b", "a, b and c".
  package static func list(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }

  private static func grouped(_ digits: String) -> String {
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    let whole = Array(parts[0])
    var result = ""
    for (place, digit) in whole.enumerated() {
      if place > 0, (whole.count - place).isMultiple(of: 3) { result += "," }
      result.append(digit)
    }
    return parts.count > 1 ? result + "." + parts[1] : result
  }

  private static func superscript(_ character: Character) -> String {
    let digits: [Character] = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"]
    guard let digit = character.wholeNumberValue, digits.indices.contains(digit) else { return "⁻" }
    return String(digits[digit])
  }
}
