// Weighted least squares whose rows come in blocks that hardly know of each other: the solution, the
// covariance of its errors, and how well that covariance is known.
//
// With normal matrices M = Σ M_b, right-hand sides q = Σ q_b and x = M⁻¹q, the score of a block is
// s_b = q_b − M_b x, and the errors have the covariance M⁻¹ (Σ s_b s_bᵀ) M⁻¹ whatever the rows of a
// block have in common. A block pulls x towards itself, so its score is too small: with
// H_b = M^−½ M_b M^−½ the scores M^−½ s_b have a covariance near H_b − H_b², not H_b. They are
// multiplied by (1 − H_b)^−½, which makes the estimate unbiased where rows have equal errors (CR2:
// Bell and McCaffrey, Survey Methodology 28, 2002). A jackknife multiplies by (1 − H_b)⁻¹ and is too
// large where few blocks hold most of what is known.
import KymoNumerics

/// The fit of a few numbers to blocks of rows.
struct BlockRegression {
  /// The solution.
  let solution: [Double]
  /// The inverse of the normal matrix, `[n, n]`.
  let inverse: [Double]
  /// Covariance of its errors, `[n, n]`.
  let covariance: [Double]
  /// Degrees of freedom of each variance: the effective number of blocks, less one.
  let freedom: [Double]

  /// A block may know this part of everything at most; the rest is noise's correction.
  private static let largestShare = 0.9

  /// Fits blocks of normal equations, `[n, n]` and `[n]` each.
  init(_ blocks: [(matrix: [Double], right: [Double])]) {
    let n = blocks[0].right.count
    let total = NormalEquations.sum(blocks.map(\.matrix))
    let right = NormalEquations.sum(blocks.map(\.right))
    // Rows have different units.
    let scales = (0..<n).map { max(total[$0 * n + $0].magnitude, 1e-300).squareRoot() }
    func balanced(_ matrix: [Double]) -> [Double] {
      (0..<n * n).map { matrix[$0] / scales[$0 / n] / scales[$0 % n] }
    }
    // M^−½. What noise's correction left indefinite is about as large as its errors.
    let (values, vectors) = symmetricEigen(balanced(total), size: n)
    let sizes = values.map(\.magnitude)
    let least = max(1e-13 * (sizes.max() ?? 0), .leastNormalMagnitude)
    let root = Self.rebuilt(vectors, sizes.map { 1 / max($0, least).squareRoot() })
    func whitened(_ vector: [Double]) -> [Double] {
      Self.product(root, zip(vector, scales).map { $0 / $1 })
    }
    func unscaled(_ vector: [Double]) -> [Double] {
      zip(Self.product(root, vector), scales).map { $0 / $1 }
    }
    let solution = unscaled(whitened(right))
    self.solution = solution
    let square = Self.product(root, root, n)
    inverse = (0..<n * n).map { square[$0] / scales[$0 / n] / scales[$0 % n] }
    var covariance = [Double](repeating: 0, count: n * n)
    var (sum, squares) = (
      [Double](repeating: 0, count: n), [Double](repeating: 0, count: n)
    )
    for block in blocks where blocks.count > 1 {
      let score = zip(block.right, Self.product(block.matrix, solution)).map { $0 - $1 }
      let share = Self.product(Self.product(root, balanced(block.matrix), n), root, n)
      let (parts, axes) = symmetricEigen(share, size: n)
      let factors = parts.map { 1 / (1 - min(max($0, 0), Self.largestShare)).squareRoot() }
      let adjusted = unscaled(Self.product(Self.rebuilt(axes, factors), whitened(score)))
      for i in 0..<n { for j in 0..<n { covariance[i * n + j] += adjusted[i] * adjusted[j] } }
      // What the block would add to each variance if all rows had equal errors.
      let model = Self.product(Self.product(root, share, n), root, n)
      for i in 0..<n {
        let part = max(0, model[i * n + i])
        sum[i] += part
        squares[i] += part * part
      }
    }
    self.covariance = covariance
    freedom = (0..<n).map { squares[$0] > 0 ? max(2, sum[$0] * sum[$0] / squares[$0] - 1) : 2 }
  }

  /// Σ value · axis axisᵀ.
  private static func rebuilt(_ axes: [[Double]], _ values: [Double]) -> [Double] {
    let n = values.count
    return (0..<n * n).map { place in
      (0..<n).reduce(0) { $0 + values[$1] * axes[$1][place / n] * axes[$1][place % n] }
    }
  }

  private static func product(_ matrix: [Double], _ vector: [Double]) -> [Double] {
    let n = vector.count
    return (0..<n).map { row in (0..<n).reduce(0) { $0 + matrix[row * n + $1] * vector[$1] } }
  }

  private static func product(_ a: [Double], _ b: [Double], _ n: Int) -> [Double] {
    (0..<n * n).map { place in
      (0..<n).reduce(0) { $0 + a[place / n * n + $1] * b[$1 * n + place % n] }
    }
  }
}

/// The 97.5 % quantile of Student's distribution over the normal one's, by Cornish and Fisher's
/// expansion (Abramowitz and Stegun, 26.7.5).
func studentFactor(freedom: Double) -> Double {
  let (x, n) = (1.959964, max(freedom, 2))
  return 1 + ((x * x + 1) / 4 + (5 * x * x * x * x + 16 * x * x + 3) / (96 * n)) / n
}
