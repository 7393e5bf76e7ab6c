// What the colours of a map stand for: around zero for fields of both signs, from the least value
// to the largest for those of one.
import Foundation

/// Colours and the values that they reach from and to.
struct ColourScale: Sendable {
  var colours: [ColourStop]
  var limits: ClosedRange<Double>

  /// The scale of a map with these values, for a field of one sign or of both.
  init(field values: some Sequence<Double>, isOfOneSign: Bool) {
    if isOfOneSign, let range = Self.range(values), range.lowerBound < range.upperBound {
      (colours, limits) = (Style.oneSignColours, range)
    } else {
      let largest = Self.range(values).map { max(-$0.lowerBound, $0.upperBound) } ?? 0
      let limit = largest > 0 ? largest : 1
      (colours, limits) = (Style.fieldColours, -limit...limit)
    }
  }

  /// The scale of errors up to a limit.
  init(errorsTo limit: Double) {
    (colours, limits) = (Style.errorColours, -limit...limit)
  }

  /// Whether a field is of one sign, but for values below a twentieth of its largest magnitude.
  static func isOfOneSign(_ values: some Sequence<Double>) -> Bool {
    guard let range = range(values) else { return false }
    let (below, above) = (-range.lowerBound, range.upperBound)
    return min(below, above) < max(below, above) / 20
  }

  /// From the least finite value to the largest.
  private static func range(_ values: some Sequence<Double>) -> ClosedRange<Double>? {
    var (least, most) = (Double.infinity, -Double.infinity)
    for value in values where value.isFinite {
      (least, most) = (min(least, value), max(most, value))
    }
    return least <= most ? least...most : nil
  }

  /// A map of `values`, one row for each position on the vertical axis; a thousandth of the range
  /// is kept.
  func heatmap(x: Coordinates, y: Coordinates, values: [[Double?]]) -> Trace {
    let range = limits.upperBound - limits.lowerBound
    let decimals = Int((-log10(range / 1000)).rounded(.up))
    var trace = Trace(.heatmap, x: x, y: y)
    trace.z = values.map { row in
      row.map { $0.flatMap { $0.isFinite ? $0.rounded(toDecimals: decimals) : nil } }
    }
    trace.colorscale = colours
    (trace.zmin, trace.zmax) = (
      limits.lowerBound.rounded(toDecimals: decimals),
      limits.upperBound.rounded(toDecimals: decimals)
    )
    return trace
  }
}
