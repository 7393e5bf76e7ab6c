// The Jensen–Shannon distance of two distributions over the same cells,
//
//   JS = √(½ Σ p ln(p/m) + ½ Σ q ln(q/m)),   m = (p + q)/2,
//
// from 0 (alike) to √(ln 2) = 0.8326 (nowhere together). It is a metric, and needs no cell in which
// both have mass. J. Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory
// 37 (1991), doi:10.1109/18.61115; used for torsions of molecules with 50 × 50 cells.
import Foundation
public import KymoNumerics

/// The Jensen–Shannon distance of two distributions, in natural units.
///
/// - Parameters:
///   - first: Parts of the mass in each cell; they are divided by their sum.
///   - second: Likewise, in the same cells.
/// - Returns: The distance; NaN when one has no mass.
public func jensenShannonDistance(_ first: [Double], _ second: [Double]) -> Double {
  precondition(
    first.count == second.count, "jensenShannonDistance: \(first.count), \(second.count) cells")
  let (p, q) = (first.reduce(0, +), second.reduce(0, +))
  guard p > 0, q > 0 else { return .nan }
  let divergence = zip(first, second).reduce(0.0) { sum, cell in
    let (a, b) = (cell.0 / p, cell.1 / q)
    let middle = 0.5 * (a + b)
    func term(_ value: Double) -> Double { value > 0 ? value * log(value / middle) : 0 }
    return sum + 0.5 * (term(a) + term(b))
  }
  // Rounding may take it below 0.
  return max(0, divergence).squareRoot()
}

/// The Jensen–Shannon distance of two samples `[n, d]` on a grid.
public func jensenShannonDistance(
  _ first: HostArray<Double>, _ second: HostArray<Double>, grid: HistogramGrid
) -> Double {
  jensenShannonDistance(grid.fractions(of: first), grid.fractions(of: second))
}

extension HistogramGrid {
  /// Cells of two dihedral angles in radians, φ and ψ on [−π, π].
  public static func ramachandran(bins: Int = 50) -> HistogramGrid {
    HistogramGrid(low: [-.pi, -.pi], high: [.pi, .pi], bins: [bins, bins])
  }
}
