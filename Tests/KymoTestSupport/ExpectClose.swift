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
  var (worst, index) = (0.0, 0)
  for i in observed.indices {
    let reference = Double(expected[i])
    let allowed = max(tolerance.absolute, tolerance.relative * reference.magnitude)
    let ratio = (Double(observed[i]) - reference).magnitude / max(allowed, .leastNormalMagnitude)
    let misfit = ratio.isNaN ? .infinity : ratio
    if misfit > worst { (worst, index) = (misfit, i) }
  }
  if worst > 1 {
    Issue.record(
      """
      entry \(index) is \(observed[index]), expected \(expected[index]): \(worst) times what is \
      allowed (\(tolerance.because))
      """, sourceLocation: sourceLocation)
  }
}
