// The test functions of the weak form, products of bumps (1 − s²)^p: compact, smooth, and with
// derivatives that are polynomials (Messenger and Bortz, "Weak SINDy for partial differential
// equations", J. Comput. Phys. 443, 2021).

/// A bump (1 − s²)^p on [−1, 1] at mesh points, with its derivatives.
///
/// Sums over mesh points stand for integrals. A wave of the field beyond the mesh, at 2π − κ for one
/// at κ, is seen by the bump's transform there, 2ᵖ p! / (m (2π − κ))^(p+1) for a half width m. With
/// p = 8 and m = 8 this gives fourth derivatives a part of lower ones, 4·10⁻⁴ of γ in
/// Kuramoto–Sivashinsky; high powers are smooth enough, and m is chosen larger by as much.
enum TestFunction {
  /// The power in space.
  static let spacePower = 16
  /// The power in time.
  static let timePower = 12

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
