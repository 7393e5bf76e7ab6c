// Eigenvalues and eigenvectors of a small symmetric matrix by Jacobi's rotations (Golub and Van
// Loan, "Matrix computations", section 8.5).

/// The eigenvalues of a symmetric matrix, largest first, and the eigenvectors as rows.
///
/// - Parameters:
///   - matrix: Entries of the symmetric matrix, row by row.
///   - size: Number of rows.
/// - Returns: Eigenvalues in falling order; row `i` of `vectors` belongs to eigenvalue `i`.
/// - Complexity: A few sweeps of `size`³ operations; meant for sizes up to a few hundred.
public func symmetricEigen(
  _ matrix: [Double], size: Int
) -> (values: [Double], vectors: [[Double]]) {
  precondition(matrix.count == size * size, "symmetricEigen: not a square matrix")
  var a = matrix
  var v = [Double](repeating: 0, count: size * size)
  for i in 0..<size { v[i * size + i] = 1 }
  let scale = matrix.reduce(0) { $0 + $1 * $1 }
  for _ in 0..<60 {
    var offDiagonal = 0.0
    for p in 0..<size { for q in 0..<p { offDiagonal += a[p * size + q] * a[p * size + q] } }
    if offDiagonal <= 1e-30 * scale { break }
    for p in 0..<size {
      for q in p + 1..<max(p + 1, size) where a[p * size + q] != 0 {
        let theta = (a[q * size + q] - a[p * size + p]) / (2 * a[p * size + q])
        let t = (theta < 0 ? -1.0 : 1.0) / (theta.magnitude + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in 0..<size {
          let (kp, kq) = (a[k * size + p], a[k * size + q])
          (a[k * size + p], a[k * size + q]) = (c * kp - s * kq, s * kp + c * kq)
        }
        for k in 0..<size {
          let (pk, qk) = (a[p * size + k], a[q * size + k])
          (a[p * size + k], a[q * size + k]) = (c * pk - s * qk, s * pk + c * qk)
          let (vp, vq) = (v[p * size + k], v[q * size + k])
          (v[p * size + k], v[q * size + k]) = (c * vp - s * vq, s * vp + c * vq)
        }
      }
    }
  }
  let order = (0..<size).sorted { a[$0 * size + $0] > a[$1 * size + $1] }
  return (
    order.map { a[$0 * size + $0] }, order.map { row in Array(v[row * size..<(row + 1) * size]) }
  )
}
