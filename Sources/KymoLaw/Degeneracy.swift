// Columns of a library that are combinations of others, and columns that hold nothing: they are
// dropped before the search, the less simple term each time, and named.

extension WeakForm {
  /// The terms that are left, and those that depend on simpler ones in most recordings.
  ///
  /// Each recording is looked at by itself: a conserved mass makes a channel depend on another there
  /// though not over all recordings together.
  func independentTerms(_ equations: [NormalEquations]) -> (kept: [Int], dropped: [Int]) {
    let rest = equations.map { unexplained($0) }
    let isDropped = terms.indices.map { term in
      let values = rest.map { $0[term] }.sorted()
      return values[values.count / 2] < WeakForm.leastUnexplained
    }
    return (terms.indices.filter { !isDropped[$0] }, terms.indices.filter { isDropped[$0] })
  }

  /// Part of a column's square that simpler ones must leave; single precision leaves 10⁻¹⁴.
  private static let leastUnexplained = 1e-11

  /// The part of each column's square that those before it do not explain, by Cholesky's
  /// factorisation without the columns that are explained.
  private func unexplained(_ equations: NormalEquations) -> [Double] {
    // With its noise, since without it what is left may be anything.
    let matrix = zip(equations.total, equations.noise).map { $0 + $1 }
    let (n, size) = (terms.count, equations.size)
    let largest = (0..<n).map { matrix[$0 * size + $0] }.max() ?? 0
    var l = [Double](repeating: 0, count: n * n)
    var rest = [Double](repeating: 0, count: n)
    var used: [Int] = []
    for i in 0..<n {
      let norm = matrix[i * size + i]
      guard norm > 1e-24 * largest else { continue }
      var value = norm
      for j in used {
        var entry = matrix[i * size + j]
        for k in used where k < j { entry -= l[i * n + k] * l[j * n + k] }
        l[i * n + j] = entry / l[j * n + j]
        value -= l[i * n + j] * l[i * n + j]
      }
      rest[i] = value / norm
      guard rest[i] > WeakForm.leastUnexplained else { continue }
      l[i * n + i] = value.squareRoot()
      used.append(i)
    }
    return rest
  }
}
