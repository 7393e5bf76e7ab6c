// Small symmetric systems by Cholesky's factorisation.

/// A symmetric positive definite system, factorised.
struct SymmetricSystem {
  /// The solution.
  let solution: [Double]
  /// The diagonal of the inverse.
  let inverseDiagonal: [Double]
  /// What was added to the diagonal, as a part of it, until the matrix was positive definite.
  let ridge: Double

  /// Solves `matrix · x = right`, `[n, n]`.
  ///
  /// A matrix that noise's correction has left indefinite is made definite by adding to its
  /// diagonal, from 10⁻¹² of it on in powers of ten.
  init(_ matrix: [Double], _ right: [Double]) {
    let n = right.count
    var (factor, ridge) = (SymmetricSystem.cholesky(matrix, n, ridge: 0), 0.0)
    while factor == nil, ridge < 10 {
      ridge = ridge == 0 ? 1e-12 : 10 * ridge
      factor = SymmetricSystem.cholesky(matrix, n, ridge: ridge)
    }
    self.ridge = ridge
    guard let l = factor else {
      (solution, inverseDiagonal) = (right.map { _ in 0 }, right.map { _ in .infinity })
      return
    }
    var x = right
    for i in 0..<n {
      for k in 0..<i { x[i] -= l[i * n + k] * x[k] }
      x[i] /= l[i * n + i]
    }
    for i in (0..<n).reversed() {
      for k in i + 1..<max(n, i + 1) { x[i] -= l[k * n + i] * x[k] }
      x[i] /= l[i * n + i]
    }
    solution = x
    // Column j of L⁻¹; its squares are summed over the column.
    var diagonal = [Double](repeating: 0, count: n)
    var column = [Double](repeating: 0, count: n)
    for j in 0..<n {
      for i in j..<n {
        var value = i == j ? 1.0 : 0
        for k in j..<i { value -= l[i * n + k] * column[k] }
        column[i] = value / l[i * n + i]
      }
      for i in j..<n { diagonal[j] += column[i] * column[i] }
    }
    inverseDiagonal = diagonal
  }

  private static func cholesky(_ matrix: [Double], _ n: Int, ridge: Double) -> [Double]? {
    var l = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0...i {
        var value = matrix[i * n + j]
        if i == j { value += ridge * value.magnitude }
        let reference = value.magnitude
        for k in 0..<j { value -= l[i * n + k] * l[j * n + k] }
        if i == j {
          guard value > 1e-14 * reference, value.isFinite else { return nil }
          l[i * n + i] = value.squareRoot()
        } else {
          l[i * n + j] = value / l[j * n + j]
        }
      }
    }
    return l
  }
}
