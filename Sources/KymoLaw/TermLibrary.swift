// The terms that a law is sought among: all monomials of the channels up to a degree, under
// derivatives up to an order.
public import KymoNumerics

extension LawTerm {
  /// The terms that are tried: the constant, monomials to degree 2 under derivatives, and monomials
  /// of degree 3; simplest first.
  ///
  /// In one dimension derivatives go to `order`. In two they are those along the axes, the Laplacian
  /// and its square: laws are taken to be isotropic but for drift. Products under a derivative
  /// stand for those beside one, as (u²)_x for u u_x; both would be the same column.
  ///
  /// - Parameters:
  ///   - channels: Number of channels.
  ///   - spaceRank: Number of space axes, 1 or 2.
  ///   - order: Highest derivative, 1 to 6.
  ///   - degree: Highest degree, 1 to 3.
  /// - Returns: The terms, no two the same.
  public static func library(
    channels: Int, spaceRank: Int, order: Int = 4, degree: Int = 3
  ) -> [LawTerm] {
    var derivatives = [SpaceDerivative()]
    if spaceRank == 1 {
      derivatives += (0..<order).map { SpaceDerivative(x: $0 + 1) }
    } else {
      derivatives += [SpaceDerivative(x: 1), SpaceDerivative(y: 1)]
      derivatives += (0..<order / 2).map { SpaceDerivative(laplacians: $0 + 1) }
    }
    return (0...degree).flatMap { degree in
      monomials(channels: channels, degree: degree).flatMap { powers in
        (degree == 0 || degree > 2 ? [SpaceDerivative()] : derivatives).map {
          LawTerm(powers: powers, derivative: $0)
        }
      }
    }
  }

  /// Powers of every channel whose sum is `degree`.
  static func monomials(channels: Int, degree: Int) -> [[Int]] {
    guard channels > 1 else { return [[degree]] }
    return (0...degree).reversed().flatMap { first in
      monomials(channels: channels - 1, degree: degree - first).map { [first] + $0 }
    }
  }
}
