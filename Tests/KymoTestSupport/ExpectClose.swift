// Comparison of numbers in tests: a tolerance is a value with a reason, and NaN never passes.
import Foundation
public import Testing

/// How far two results may differ, and why that far.
public struct Tolerance: Sendable {
  /// Allowed distance, whatever the size of the expected value.
  public var absolute = 0.0
  /// Allowed distance as a fraction of the expected value.
  public var relative = 0.0
  /// Where the tolerance comes from: derived or measured.
  public var because: String

  /// Creates a tolerance with its reason.
  public init(absolute: Double = 0, relative: Double = 0, because: String) {
    (self.absolute, self.relative, self.because) = (absolute, relative, because)
  }

  /// For sums of `n` terms in `Double` that differ only in rounding.
  public static func rounding(terms n: Int) -> Tolerance {
    Tolerance(relative: 4 * Double(n).squareRoot() * .ulpOfOne, because: "rounding of \(n) terms")
  }
}

/// The distance of the worst entry, as a multiple of what the tolerance allows; NaN counts as
/// infinity.
///
/// At most 1 is within the tolerance. Arrays of different lengths are infinitely apart.
public func deviation<Value: BinaryFloatingPoint>(
  of observed: [Value], from expected: [Value], _ tolerance: Tolerance
) -> Double {
  worst(observed, expected, tolerance).ratio
}

/// Records an issue unless every entry of `observed` is within the tolerance of `expected`.
public func expectClose<Value: BinaryFloatingPoint>(
  _ observed: [Value], _ expected: [Value], _ tolerance: Tolerance,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard observed.count == expected.count else {
    Issue.record(
      "\(observed.count) values, expected \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  let (ratio, index) = worst(observed, expected, tolerance)
  if ratio > 1 {
    Issue.record(
      """
      entry \(index) is \(observed[index]), expected \(expected[index]): \(ratio) times what is \
      allowed (\(tolerance.because))
      """, sourceLocation: sourceLocation)
  }
}

/// The negative control of ``expectClose(_:_:_:sourceLocation:)``: records an issue unless an entry
/// is off by more than `factor` times what the tolerance allows.
///
/// Numbers that are not finite, or another count of them, are no control: they would be noticed
/// with any tolerance.
public func expectFar<Value: BinaryFloatingPoint>(
  _ observed: [Value], _ expected: [Value], _ tolerance: Tolerance, factor: Double = 100,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let ratio = deviation(of: observed, from: expected, tolerance)
  if !(ratio > factor && ratio.isFinite) {
    Issue.record(
      """
      off by \(ratio) times what is allowed (\(tolerance.because)), expected more than \
      \(factor) times
      """, sourceLocation: sourceLocation)
  }
}

private func worst<Value: BinaryFloatingPoint>(
  _ observed: [Value], _ expected: [Value], _ tolerance: Tolerance
) -> (ratio: Double, index: Int) {
  guard observed.count == expected.count else { return (.infinity, 0) }
  var (worst, index) = (0.0, 0)
  for i in observed.indices {
    let reference = Double(expected[i])
    let allowed = max(tolerance.absolute, tolerance.relative * reference.magnitude)
    let ratio = (Double(observed[i]) - reference).magnitude / max(allowed, .leastNormalMagnitude)
    let misfit = ratio.isNaN ? .infinity : ratio
    if misfit > worst { (worst, index) = (misfit, i) }
  }
  return (worst, index)
}
