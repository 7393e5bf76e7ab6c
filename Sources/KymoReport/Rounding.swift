// Rounded numbers, which keep figure files small.
import Foundation

extension Double {
  /// The nearest number with `digits` significant decimal digits; keeps figure files small.
  func rounded(toSignificant digits: Int) -> Double {
    guard isFinite, self != 0 else { return self }
    return rounded(toDecimals: digits - 1 - Int(log10(magnitude).rounded(.down)))
  }

  /// The nearest multiple of 10^(−decimals).
  func rounded(toDecimals decimals: Int) -> Double {
    guard isFinite, decimals < 300 else { return self }
    // Multiplying by an exact power of ten leaves a number that prints with few digits.
    let power = pow(10, Double(abs(decimals)))
    return decimals >= 0 ? (self * power).rounded() / power : (self / power).rounded() * power
  }
}

extension [Double] {
  /// The largest finite entry; 0 without any.
  var finiteMax: Double { filter(\.isFinite).max() ?? 0 }
}

extension Array {
  /// At most `count` entries, evenly spread.
  func thinned(to count: Int) -> [Element] {
    self.count <= count ? self : (0..<count).map { self[$0 * self.count / count] }
  }

  /// The entry at an index; nil past the ends.
  subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
