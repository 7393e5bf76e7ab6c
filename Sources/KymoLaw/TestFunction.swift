// The test functions of the weak form, products of bumps (1 − s²)^p: compact, smooth, and with
// derivatives that are polynomials (Messenger and Bortz, "Weak SINDy for partial differential
// equations", J. Comput. Phys. 443, 2021).

/// A bump (1 − s²)^p on [−1, 1] at mesh points, with its derivatives.
enum TestFunction {
  /// The power in space.
  static let spacePower = 8
  /// The power in time.
  static let timePower = 5
  // Terms have at most SpaceDerivative.largestOrder = 6: the bump stays continuous at its ends.

  /// The derivative of the bump with respect to s at s = −1, …, 1 in steps of 1 / `halfWidth`.
  static func values(power: Int, halfWidth: Int, derivative: Int) -> [Double] {
    // Coefficients of s⁰, s¹, …
    var coefficients = [1.0]
    for _ in 0..<power {
      coefficients = zip(coefficients + [0, 0], [0, 0] + coefficients).map { $0 - $1 }
    }
    for _ in 0..<derivative {
      coefficients = coefficients.enumerated().dropFirst().map { Double($0) * $1 }
    }
    return (-halfWidth...halfWidth).map { step in
      let s = Double(step) / Double(halfWidth)
      return coefficients.reversed().reduce(0) { $0 * s + $1 }
    }
  }
}
