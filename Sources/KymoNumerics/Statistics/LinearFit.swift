// Ordinary least squares with an intercept, by Householder's QR decomposition of the centred
// regressors: Golub and Van Loan, Matrix Computations, 5.3. Small systems of equations ride on it.

/// A linear function of several regressors, fitted by ordinary least squares.
public struct LinearFit: Codable, Hashable, Sendable {
  /// The value where all regressors are zero.
  public var intercept: Double
  /// One slope for each regressor.
  public var slopes: [Double]
  /// The fraction of the variance of the fitted data that the fit explains.
  public var rSquared: Double

  /// Creates a fit from its numbers.
  public init(intercept: Double, slopes: [Double], rSquared: Double) {
    (self.intercept, self.slopes, self.rSquared) = (intercept, slopes, rSquared)
  }

  /// Fits `target` as a linear function of `regressors`.
  ///
  /// A regressor that is constant, or a linear function of those before it, gets slope 0.
  ///
  /// - Parameters:
  ///   - regressors: One list for each regressor, each as long as `target`; none fits the mean.
  ///   - target: At least one value.
  public init(regressors: [[Double]], target: [Double]) {
    precondition(!target.isEmpty, "LinearFit: no values to fit")
    precondition(
      regressors.allSatisfy { $0.count == target.count },
      "LinearFit: regressors of \(regressors.map(\.count)) values for \(target.count) targets")
    let means = regressors.map(Statistics.mean)
    let targetMean = Statistics.mean(target)
    let columns = zip(regressors, means).map { column, mean in column.map { $0 - mean } }
    slopes = leastSquares(columns: columns, target: target.map { $0 - targetMean })
    intercept = targetMean - zip(slopes, means).reduce(0) { $0 + $1.0 * $1.1 }
    rSquared = .nan
    rSquared = score(regressors: regressors, target: target)
  }

  /// The fitted function at one point, with one value for each regressor.
  public func callAsFunction(_ regressors: [Double]) -> Double {
    precondition(
      regressors.count == slopes.count,
      "LinearFit: \(regressors.count) values for \(slopes.count) regressors")
    return zip(slopes, regressors).reduce(intercept) { $0 + $1.0 * $1.1 }
  }

  /// The fitted function at many points; one list for each regressor.
  public func predict(regressors: [[Double]]) -> [Double] {
    precondition(
      regressors.count == slopes.count,
      "LinearFit: \(regressors.count) lists for \(slopes.count) regressors")
    guard let count = regressors.first?.count else { return [] }
    return (0..<count).map { row in self(regressors.map { $0[row] }) }
  }

  /// R² = 1 − Σ(target − fit)² / Σ(target − mean)² of this fit on these data, which may be others
  /// than the fitted ones; then it may be negative.
  ///
  /// - Returns: NaN when all targets are equal.
  public func score(regressors: [[Double]], target: [Double]) -> Double {
    let residuals =
      slopes.isEmpty
      ? target.map { $0 - intercept }
      : zip(target, predict(regressors: regressors)).map { $0 - $1 }
    let scatter = Statistics.sumOfSquaredDeviations(target)
    return scatter > 0 ? 1 - residuals.reduce(0) { $0 + $1 * $1 } / scatter : .nan
  }

  /// How much each value of a target draws a fit on these regressors to itself.
  ///
  /// - Parameters:
  ///   - regressors: As of ``init(regressors:target:)``.
  ///   - count: Number of values, n.
  /// - Returns: h of each value, between 1/n and 1: residual / (1 − h) is the error of a fit
  ///   without the value (Allen, Technometrics 16, 1974).
  public static func leverages(regressors: [[Double]], count: Int) -> [Double] {
    var directions: [[Double]] = []
    for regressor in regressors {
      let mean = Statistics.mean(regressor)
      var rest = regressor.map { $0 - mean }
      let size = norm(rest)
      // Twice: what rounding leaves of the first time.
      for direction in directions + directions {
        let part = zip(rest, direction).reduce(0) { $0 + $1.0 * $1.1 }
        rest = zip(rest, direction).map { $0 - part * $1 }
      }
      let length = norm(rest)
      guard length > 1e-12 * size else { continue }
      directions.append(rest.map { $0 / length })
    }
    return (0..<count).map { row in
      directions.reduce(1 / Double(count)) { $0 + $1[row] * $1[row] }
    }
  }

  private static func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}

/// The coefficients c that make Σ c_j columns[j] closest to `target`.
///
/// Columns that depend linearly on those before them, to rounding, get 0.
package func leastSquares(columns: [[Double]], target: [Double]) -> [Double] {
  var columns = columns
  var target = target
  let rows = target.count
  var pivots: [(column: Int, diagonal: Double)] = []
  for index in columns.indices {
    let top = pivots.count
    let size = columns[index].reduce(0) { $0 + $1 * $1 }.squareRoot()
    let rest = columns[index].dropFirst(top).reduce(0) { $0 + $1 * $1 }.squareRoot()
    guard top < rows, rest > 1e-12 * size else { continue }
    // The reflection that turns the rest of the column into its first entry.
    var mirror = Array(columns[index].dropFirst(top))
    let diagonal = mirror[0] > 0 ? -rest : rest
    mirror[0] -= diagonal
    let square = mirror.reduce(0) { $0 + $1 * $1 }
    func reflect(_ values: inout [Double]) {
      var product = 0.0
      for row in mirror.indices { product += mirror[row] * values[top + row] }
      let factor = 2 * product / square
      for row in mirror.indices { values[top + row] -= factor * mirror[row] }
    }
    for later in columns.indices where later > index { reflect(&columns[later]) }
    reflect(&target)
    pivots.append((index, diagonal))
  }
  var coefficients = [Double](repeating: 0, count: columns.count)
  for row in pivots.indices.reversed() {
    let known = pivots[(row + 1)...].reduce(0) { sum, pivot in
      sum + columns[pivot.column][row] * coefficients[pivot.column]
    }
    coefficients[pivots[row].column] = (target[row] - known) / pivots[row].diagonal
  }
  return coefficients
}

/// Solves a square system of equations, given the rows of its matrix; nil when it is singular to
/// rounding.
package func solveLinearSystem(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
  precondition(
    matrix.count == right.count && matrix.allSatisfy { $0.count == right.count },
    "solveLinearSystem: the matrix must be square, with a row for each of \(right.count) values")
  let columns = right.indices.map { column in matrix.map { $0[column] } }
  let solution = leastSquares(columns: columns, target: right)
  // A column without a pivot got 0, and then the equations do not hold in general.
  let sizes = matrix.map { row in zip(row, solution).reduce(0) { $0 + ($1.0 * $1.1).magnitude } }
  for (row, values) in matrix.enumerated() {
    let left = zip(values, solution).reduce(0) { $0 + $1.0 * $1.1 }
    let scale = max(sizes[row], right[row].magnitude)
    guard (left - right[row]).magnitude <= 1e-9 * scale else { return nil }
  }
  return solution
}
