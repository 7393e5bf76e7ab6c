// Sequentially thresholded least squares (STLSQ) for one target y,
//
//   ξ = (Θᵀ Θ + α)⁻¹ Θᵀ y on the columns that are left; leave out those with |ξ| < threshold; repeat
//
// until none is left out, then once more without α ("unbiased"). Columns are not normalised.
// Brunton, Proctor, Kutz, PNAS 113, 3932 (2016); ridge and last fit as in pysindy 1.3.
import KymoTensor

/// The sparse regression of targets on terms.
struct ThresholdedLeastSquares {
  var threshold: Double
  var ridgePenalty: Double
  var maximumRounds: Int
  var isUnbiased: Bool

  /// The coefficients of all terms, one list for each target.
  ///
  /// - Parameters:
  ///   - terms: Θ, `[n, terms]`.
  ///   - targets: y, `[n, targets]`.
  /// - Returns: ξ of each target.
  /// - Throws: `LinearAlgebraError` for numbers that are not finite.
  func fit(terms: Tensor, targets: Tensor) throws -> [[Double]] {
    let termCount = terms.size(1)
    let products = terms.transposed(0, 1).matmul(terms).doubles
    let rightHandSides = terms.transposed(0, 1).matmul(targets).transposed(0, 1).doubles
    return try (0..<targets.size(1)).map { target in
      let right = Array(rightHandSides[target * termCount..<(target + 1) * termCount])
      let column = targets.sliced(axis: 1, from: target, to: target + 1)
      var kept = Array(0..<termCount)
      var values: [Double] = []
      for _ in 0..<maximumRounds where !kept.isEmpty {
        values = try solve(terms, column, products, right, on: kept, termCount)
        let large = kept.indices.filter { values[$0].magnitude >= threshold }
        let isSettled = large.count == kept.count
        (kept, values) = (large.map { kept[$0] }, large.map { values[$0] })
        if isSettled { break }
      }
      if isUnbiased && !kept.isEmpty {
        values = try leastSquares(terms, column, on: kept)
      }
      var row = [Double](repeating: 0, count: termCount)
      for (term, value) in zip(kept, values) { row[term] = value }
      return row
    }
  }

  private func solve(
    _ terms: Tensor, _ target: Tensor, _ products: [Double], _ right: [Double], on kept: [Int],
    _ termCount: Int
  ) throws -> [Double] {
    // Without α the normal equations would lose half the digits of nearly parallel columns.
    guard ridgePenalty > 0 else { return try leastSquares(terms, target, on: kept) }
    let matrix = kept.flatMap { row in
      kept.map { products[row * termCount + $0] + (row == $0 ? ridgePenalty : 0) }
    }
    guard
      let factor = try Tensor(doubles: matrix, shape: [kept.count, kept.count])
        .choleskyFactorIfDefinite()
    else { return try leastSquares(terms, target, on: kept) }
    return try factor.choleskySolve(
      Tensor(doubles: kept.map { right[$0] }, shape: [kept.count, 1])
    ).doubles
  }

  private func leastSquares(_ terms: Tensor, _ target: Tensor, on kept: [Int]) throws -> [Double] {
    let columns = Tensor(integers: kept, shape: [kept.count])
    return try terms.indexSelected(1, columns).leastSquares(target).doubles
  }
}
