// Which terms a law has: backward elimination with one support for all recordings and coefficients
// of each recording's own, on normal equations.
//
// From the whole library the term goes whose loss raises the residual least, over all recordings
// together, until one is left. Every support on the way is judged on rows that its coefficients
// were not fitted to. The law is the smallest support that no larger one beats by more than chance.
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
  /// What noise added to it, on average; it has been taken off.
  let noise: Double
  /// The mean of it.
  var mean: Double { Statistics.mean(heldOut) }
  /// The standard error of the mean.
  var error: Double { standardError(heldOut) }

  /// Whether no term need be missing.
  func isComplete(_ tolerance: Double) -> Bool {
    SupportSearch.isComplete(mean, error: error, noise: noise, tolerance: tolerance)
  }

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
  /// What noise added to each recording's matrix.
  private let noises: [[Double]]
  private let folds: [[(train: [Double], test: [Double])]]
  private let size: Int
  /// The column of the rate.
  private let target: Int

  /// Prepares the search.
  ///
  /// Noise's correction leaves weak combinations of columns with eigenvalues of either sign. For
  /// the search a small part of what noise added is put back on the diagonal: `factor` times its
  /// scatter. `folds` are the blocks that are held out together; pieces in time where there are
  /// some, else in space, when nil.
  init(
    _ equations: [NormalEquations], target: Int, form: WeakForm, ridge factor: Double,
    folds held: [[Int]]? = nil
  ) {
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
    noises = equations.map { scaled($0.noise, nil) }
    let held = held ?? form.pieces(inTime: form.blocks.time > 1)
    folds = equations.map { recording in
      guard held.count > 1 else {
        return [(scaled(recording.total, recording.noise), scaled(recording.total, nil))]
      }
      return held.map { held in
        (
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
        rises(matrices[index], terms)
      }
      var losses = [Double](repeating: 0, count: terms.count)
      for own in parts { for k in own.indices { losses[k] += own[k] } }
      let least = losses.indices.min { losses[$0] < losses[$1] } ?? 0
      steps.append(step(terms, next: terms[least], threads: threads))
      support.remove(at: least)
    }
    return steps
  }

  /// The terms that a forward search takes first, each the one that lowers the residual most.
  ///
  /// Small supports are well conditioned even where noise leaves the whole library indefinite; a
  /// path from here backwards finds what one from the library misses.
  func forward(among terms: [Int], count: Int, threads: Int) -> [Int] {
    var support: [Int] = []
    while support.count < min(count, terms.count) {
      let (taken, candidates) = (support, terms.filter { !support.contains($0) })
      let parts = parallelMap(matrices.count, threads: threads) { index in
        let matrix = matrices[index]
        let norm = max(matrix[target * size + target], .leastNormalMagnitude)
        return candidates.map { term in
          let trial = taken + [term]
          let system = SymmetricSystem(part(matrix, trial), right(matrix, trial))
          return residual(matrix, trial, system.solution) / norm
        }
      }
      let sums = candidates.indices.map { k in parts.reduce(0) { $0 + $1[k] } }
      guard let best = sums.indices.min(by: { sums[$0] < sums[$1] }) else { break }
      support.append(candidates[best])
    }
    return support.sorted()
  }

  /// What a support leaves on held-out rows.
  func step(_ support: [Int], next: Int = 0, threads: Int) -> SupportStep {
    let parts = parallelMap(matrices.count, threads: threads) { heldOut($0, support) }
    return SupportStep(
      terms: support, next: next, heldOut: parts.flatMap(\.left),
      noise: Statistics.mean(parts.map(\.noise)))
  }

  /// Whether a residual could be that of the true law: a test of its mean against zero.
  ///
  /// Of a complete law the corrected residual R of a recording has the mean 0, but for what
  /// quadrature leaves, `tolerance`, and for the error of the noise's variance, `noiseDoubt` of
  /// what noise adds. The mean over recordings must lie within that and 2.58 of its standard
  /// errors, which chance breaks in 1 % of complete laws at most. Where the standard error is so
  /// large that a term could hide in it, nothing is claimed either.
  ///
  /// - Parameters:
  ///   - residual: Squared residual over the square of the rate, corrected for noise.
  ///   - error: Its standard error.
  ///   - noise: What noise adds to it.
  ///   - tolerance: What quadrature may leave.
  /// - Returns: Whether no term need be missing.
  static func isComplete(
    _ residual: Double, error: Double, noise: Double, tolerance: Double = tolerance
  ) -> Bool {
    isNearZero(residual, error: error, noise: noise, tolerance: tolerance)
      && 2.58 * error <= max(tolerance, 0.5 * noise)
  }

  /// The first half of ``isComplete(_:error:noise:tolerance:)``: whether the mean is 0 but for
  /// chance, quadrature and the doubt about the noise, and these are too small for the dynamics to
  /// hide in.
  static func isNearZero(
    _ residual: Double, error: Double, noise: Double, tolerance: Double
  ) -> Bool {
    let doubt = tolerance + noiseDoubt * noise + 2.58 * error
    return abs(residual) <= doubt && doubt <= largestDoubt
  }

  /// The largest doubt about the residual with which a law is claimed, over the square of the rate.
  private static let largestDoubt = 0.1

  /// The part by which the variance of noise may be wrong.
  private static let noiseDoubt = 0.1

  /// The smallest support on a path that no larger one beats, among those that could be the law.
  static func choice(
    _ path: [SupportStep], tolerance: Double = tolerance
  ) -> SupportStep? {
    let able = path.filter { $0.isComplete(tolerance) }
    return able.last { step in
      !able.contains { $0.terms.count > step.terms.count && step.isBeaten(by: $0) }
    }
  }

  /// Squared residual of a complete law, over the square of the rate: 0.3 % of the rate.
  static let tolerance = 1e-5

  /// By how much the residual rises when each term is dropped, over the square of the rate.
  private func rises(_ matrix: [Double], _ support: [Int]) -> [Double] {
    let system = SymmetricSystem(part(matrix, support), right(matrix, support))
    let norm = max(matrix[target * size + target], .leastNormalMagnitude)
    return zip(system.solution, system.inverseDiagonal).map { $0 * $0 / $1 / norm }
  }

  private func heldOut(_ index: Int, _ support: [Int]) -> (left: [Double], noise: Double) {
    let count = Double(folds[index].count)
    let norm = max(matrices[index][target * size + target] / count, .leastNormalMagnitude)
    var noise = 0.0
    let left = folds[index].map { fold in
      let system = SymmetricSystem(part(fold.train, support), right(fold.train, support))
      noise += residual(noises[index], support, system.solution) / (norm * count * count)
      return residual(fold.test, support, system.solution) / norm
    }
    return (left, max(0, noise))
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
