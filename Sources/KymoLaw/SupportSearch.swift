// Which terms a law has: backward elimination with one support for all recordings and coefficients
// of each recording's own, on normal equations.
//
// From the whole library the term goes whose loss raises the residual least, over all recordings
// together, until one is left. Every support on the way is judged on rows that its coefficients were
// not fitted to. The law is the smallest support that no larger one beats by more than chance.
import KymoData
import KymoNumerics

/// A support and what it leaves on rows that were held out.
struct SupportStep: Sendable {
  /// The terms, in the library's order.
  let terms: [Int]
  /// The term that goes next.
  let next: Int
  /// Squared residual on held-out rows over the square of the rate, for every recording and fold.
  let heldOut: [Double]
  /// The mean of it.
  var mean: Double { Statistics.mean(heldOut) }
  /// The standard error of the mean.
  var error: Double { standardError(heldOut) }

  /// Whether another support leaves less by more than chance and by more than is looked at.
  func isBeaten(by other: SupportStep) -> Bool {
    let gains = zip(heldOut, other.heldOut).map { $0 - $1 }
    return Statistics.mean(gains) > max(SupportStep.smallest, 3 * standardError(gains))
  }

  /// Parts of the squared rate below which no term is looked for: 0.1 % of the rate.
  static let smallest = 1e-6
}

private func standardError(_ values: [Double]) -> Double {
  guard values.count > 1 else { return 0 }
  return (Statistics.sampleVariance(values) / Double(values.count)).squareRoot()
}

/// Backward elimination for one equation.
struct SupportSearch: Sendable {
  private let matrices: [[Double]]
  private let folds: [[(train: [Double], test: [Double])]]
  private let size: Int
  /// The column of the rate.
  private let target: Int

  /// Prepares the search.
  ///
  /// Noise's correction leaves weak combinations of columns with eigenvalues of either sign. For the
  /// search a small part of what noise added is put back on the diagonal: `factor` times its
  /// scatter.
  init(_ equations: [NormalEquations], target: Int, form: WeakForm, ridge factor: Double) {
    size = equations[0].size
    self.target = target
    let size = size
    let ridge = factor / Double(form.rowCount).squareRoot()
    var scales = [Double](repeating: 0, count: size)
    for recording in equations {
      for k in 0..<size { scales[k] += max(0, recording.total[k * size + k]) }
    }
    let factors = scales.map { $0 > 0 ? (Double(equations.count) / $0).squareRoot() : 1 }
    func scaled(_ matrix: [Double], _ noise: [Double]?) -> [Double] {
      var result = matrix
      if let noise {
        for k in 0..<target { result[k * size + k] += ridge * noise[k * size + k] }
      }
      for i in 0..<size { for j in 0..<size { result[i * size + j] *= factors[i] * factors[j] } }
      return result
    }
    matrices = equations.map { scaled($0.total, $0.noise) }
    let inTime = form.blocks.time > 1
    let count = inTime ? form.blocks.time : form.blocks.space
    folds = equations.map { recording in
      guard count > 1 else {
        return [(scaled(recording.total, recording.noise), scaled(recording.total, nil))]
      }
      return (0..<count).map { fold in
        let held = recording.blocks.indices.filter {
          (inTime ? $0 / form.blocks.space : $0) == fold
        }
        return (
          scaled(recording.without(held), recording.noise),
          scaled(NormalEquations.sum(held.map { recording.blocks[$0] }), nil)
        )
      }
    }
  }

  /// The supports on the way from `start` to one term, largest first.
  func path(from start: [Int], threads: Int) -> [SupportStep] {
    var steps: [SupportStep] = []
    var support = start
    while !support.isEmpty {
      let terms = support
      let parts = parallelMap(matrices.count, threads: threads) { index in
        (rises(matrices[index], terms), heldOut(index, terms))
      }
      var losses = [Double](repeating: 0, count: terms.count)
      for (own, _) in parts { for k in own.indices { losses[k] += own[k] } }
      let least = losses.indices.min { losses[$0] < losses[$1] } ?? 0
      steps.append(
        SupportStep(terms: terms, next: terms[least], heldOut: parts.flatMap(\.1)))
      support.remove(at: least)
    }
    return steps
  }

  /// The residual of the whole library on held-out rows.
  func residual(of support: [Int]) -> Double {
    Statistics.mean(matrices.indices.flatMap { heldOut($0, support) })
  }

  /// Whether a residual could be that of the true law: small, or small beside the noise in the rate.
  ///
  /// - Parameters:
  ///   - residual: Squared residual over the square of the rate, corrected for noise.
  ///   - error: Its standard error.
  ///   - noise: What noise adds to it.
  /// - Returns: Whether no term need be missing.
  static func isComplete(_ residual: Double, error: Double, noise: Double) -> Bool {
    abs(residual) <= max(tolerance, 0.2 * noise, noise > 0 ? 3 * error : 0)
      && error <= max(tolerance, 0.2 * noise)
  }

  /// The smallest support on a path that no larger one beats, among those that could be the law.
  static func choice(_ path: [SupportStep], noise: Double) -> SupportStep? {
    let able = path.filter { isComplete($0.mean, error: $0.error, noise: noise) }
    return able.last { step in
      !able.contains { $0.terms.count > step.terms.count && step.isBeaten(by: $0) }
    }
  }

  /// Squared residual of a complete law, over the square of the rate: 1 % of the rate.
  static let tolerance = 1e-4

  /// By how much the residual rises when each term is dropped, over the square of the rate.
  private func rises(_ matrix: [Double], _ support: [Int]) -> [Double] {
    let system = SymmetricSystem(part(matrix, support), right(matrix, support))
    let norm = max(matrix[target * size + target], .leastNormalMagnitude)
    return zip(system.solution, system.inverseDiagonal).map { $0 * $0 / $1 / norm }
  }

  private func heldOut(_ index: Int, _ support: [Int]) -> [Double] {
    let norm = matrices[index][target * size + target] / Double(folds[index].count)
    return folds[index].map { fold in
      let system = SymmetricSystem(part(fold.train, support), right(fold.train, support))
      return residual(fold.test, support, system.solution) / max(norm, .leastNormalMagnitude)
    }
  }

  private func residual(_ matrix: [Double], _ support: [Int], _ weights: [Double]) -> Double {
    var value = matrix[target * size + target]
    for (i, row) in support.enumerated() {
      value -= 2 * weights[i] * matrix[row * size + target]
      for (j, column) in support.enumerated() {
        value += weights[i] * weights[j] * matrix[row * size + column]
      }
    }
    return value
  }

  private func part(_ matrix: [Double], _ support: [Int]) -> [Double] {
    support.flatMap { row in support.map { matrix[row * size + $0] } }
  }

  private func right(_ matrix: [Double], _ support: [Int]) -> [Double] {
    support.map { matrix[$0 * size + target] }
  }
}
