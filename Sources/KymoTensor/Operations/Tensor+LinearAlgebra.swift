// Factorisations and solutions of dense matrices by LAPACK, behind libtorch; 32- and 64-bit floats.
// What a matrix can be guilty of (entries that are not finite) is thrown; shapes that do not fit are a mistake of the caller and stop the process.
import CTorch

/// A matrix that cannot be factored.
public enum LinearAlgebraError: Error, Hashable, Sendable, CustomStringConvertible {
  /// An entry is infinite or NaN.
  case notFinite(operation: String)
  /// The iteration did not converge, or the library refused the matrix.
  case failed(operation: String, message: String)

  /// What is wrong and how to mend it, in one line.
  public var description: String {
    switch self {
    case .notFinite(let operation):
      "\(operation): the matrix has entries that are infinite or NaN. Look for them in its source."
    case .failed(let operation, let message):
      "\(operation): \(message). Check the scale of the entries: they may span too many decades."
    }
  }
}

extension Tensor {
  /// Eigenvalues and eigenvectors of a symmetric matrix.
  ///
  /// - Returns: `values` of shape `[n]` in rising order; `vectors` of shape `[n, n]`, one in each
  ///   column, orthonormal.
  /// - Throws: ``LinearAlgebraError``. Only the lower triangle of the matrix is looked at.
  public func symmetricEigen() throws(LinearAlgebraError) -> (values: Tensor, vectors: Tensor) {
    let name = "symmetricEigen"
    try requireFinite(name)
    var (values, vectors): (kt_tensor?, kt_tensor?) = (nil, nil)
    let status = unsafe read { unsafe kt_symmetric_eigen(&values, &vectors, $0) }
    return (
      unsafe try Tensor(adopting: values, status, name),
      unsafe try Tensor(adopting: vectors, status, name)
    )
  }

  /// The lower triangular L with L Lᵀ equal to this symmetric matrix, `[n, n]`; nil when it is not
  /// positive definite.
  ///
  /// - Throws: ``LinearAlgebraError`` when entries are not finite. Only the lower triangle of the
  ///   matrix is looked at.
  public func choleskyFactorIfDefinite() throws(LinearAlgebraError) -> Tensor? {
    try requireFinite("cholesky")
    var factor: kt_tensor?
    // The order of the minor at which LAPACK stopped; 0 for none.
    var order: Int64 = 0
    let status = unsafe read { unsafe kt_cholesky(&factor, &order, $0) }
    let tensor = unsafe try Tensor(adopting: factor, status, "cholesky")
    return order == 0 ? tensor : nil
  }

  /// The solution x, `[n, k]`, of L Lᵀ x = b, where this tensor is the factor L.
  public func choleskySolve(_ rightHandSide: Tensor) throws(LinearAlgebraError) -> Tensor {
    var solution: kt_tensor?
    let status = withExtendedLifetime((storage, rightHandSide.storage)) { operands in
      unsafe kt_cholesky_solve(&solution, operands.1.handle, operands.0.handle)
    }
    return unsafe try Tensor(adopting: solution, status, "choleskySolve")
  }

  /// The orthonormal factor q of q r, `[m, k]` for a matrix `[m, n]`, k = min(m, n).
  ///
  /// - Throws: ``LinearAlgebraError``.
  public func orthonormalColumns() throws(LinearAlgebraError) -> Tensor {
    let name = "orthonormalColumns"
    try requireFinite(name)
    var factor: kt_tensor?
    let status = unsafe read { unsafe kt_orthonormal_columns(&factor, $0) }
    return unsafe try Tensor(adopting: factor, status, name)
  }

  /// The singular value decomposition u diag(s) vᵀ of a matrix `[m, n]`, k = min(m, n).
  ///
  /// - Returns: `u` of shape `[m, k]`, `s` of shape `[k]` in falling order, `vt` of shape `[k, n]`.
  /// - Throws: ``LinearAlgebraError``.
  public func singularValues() throws(LinearAlgebraError) -> (u: Tensor, s: Tensor, vt: Tensor) {
    let name = "singularValues"
    try requireFinite(name)
    var (u, s, vt): (kt_tensor?, kt_tensor?, kt_tensor?) = (nil, nil, nil)
    let status = unsafe read { unsafe kt_svd(&u, &s, &vt, $0) }
    return (
      unsafe try Tensor(adopting: u, status, name), unsafe try Tensor(adopting: s, status, name),
      unsafe try Tensor(adopting: vt, status, name)
    )
  }

  /// The x of least norm, `[n, k]`, that minimises |a x − b| for this matrix a, `[m, n]`.
  ///
  /// - Parameters:
  ///   - target: b, `[m, k]`.
  ///   - cutoff: Singular values below this part of the largest count as zero; by default the unit
  ///     roundoff times max(m, n).
  /// - Returns: x.
  /// - Throws: ``LinearAlgebraError``.
  public func leastSquares(
    _ target: Tensor, cutoff: Double? = nil
  ) throws(LinearAlgebraError) -> Tensor {
    let name = "leastSquares"
    try requireFinite(name)
    try target.requireFinite(name)
    var solution: kt_tensor?
    let status = withExtendedLifetime((storage, target.storage)) { operands in
      unsafe kt_least_squares(
        &solution, operands.0.handle, operands.1.handle, cutoff ?? -1)
    }
    return unsafe try Tensor(adopting: solution, status, name)
  }

  /// The eigenvalues of a general square matrix, in no order.
  ///
  /// - Returns: `[n, 2]`: real and imaginary parts.
  /// - Throws: ``LinearAlgebraError``.
  public func eigenvalues() throws(LinearAlgebraError) -> Tensor {
    try requireFinite("eigenvalues")
    var values: kt_tensor?
    let status = unsafe read { unsafe kt_eigenvalues(&values, $0) }
    return unsafe try Tensor(adopting: values, status, "eigenvalues")
  }

  /// Adds the product of two matrices to this one, in its memory; it may be a view of a larger one.
  public func addMatmulInPlace(_ a: Tensor, _ b: Tensor) {
    withExtendedLifetime((storage, a.storage, b.storage)) { operands in
      _ = unsafe succeeded(
        kt_add_matmul_in_place(operands.0.handle, operands.1.handle, operands.2.handle),
        "addMatmulInPlace")
    }
  }

  private func requireFinite(_ operation: String) throws(LinearAlgebraError) {
    guard isFinite else { throw .notFinite(operation: operation) }
  }

  /// Takes over what a factorisation wrote; throws when it failed.
  private init(
    adopting handle: kt_tensor?, _ status: kt_status, _ operation: String
  ) throws(LinearAlgebraError) {
    guard status == KT_OK, let handle = unsafe handle else {
      let error = TensorError(status, operation: operation)
      throw .failed(operation: operation, message: error.message)
    }
    unsafe self.init(adopting: handle)
  }
}
