// The potential of K. Müller and L. D. Brown, "Location of saddle points and minimum energy paths by a
// constrained simplex optimization procedure", Theor. Chim. Acta 53 (1979), doi:10.1007/BF00547608,
//
//   V(x, y) = Σ_i A_i exp(a_i (x − x_i)² + b_i (x − x_i)(y − y_i) + c_i (y − y_i)²),
//
// with three wells, of which the two deepest are far apart.
import Foundation

/// The Müller–Brown potential.
public enum MuellerBrownPotential {
  private static let terms: [(A: Double, a: Double, b: Double, c: Double, x: Double, y: Double)] = [
    (-200, -1, 0, -10, 1, 0), (-100, -1, 0, -10, 0, 0.5), (-170, -6.5, 11, -6.5, -0.5, 1.5),
    (15, 0.7, 0.6, 0.7, -1, 1),
  ]

  /// The energy at a point.
  public static func energy(_ x: Double, _ y: Double) -> Double {
    terms.reduce(0) { sum, term in
      let (u, v) = (x - term.x, y - term.y)
      return sum + term.A * exp(term.a * u * u + term.b * u * v + term.c * v * v)
    }
  }

  /// The force −∇V at a point.
  public static func force(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    var force = (x: 0.0, y: 0.0)
    for term in terms {
      let (u, v) = (x - term.x, y - term.y)
      let energy = term.A * exp(term.a * u * u + term.b * u * v + term.c * v * v)
      force.x -= energy * (2 * term.a * u + term.b * v)
      force.y -= energy * (term.b * u + 2 * term.c * v)
    }
    return force
  }
}
