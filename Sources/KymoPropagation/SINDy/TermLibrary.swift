// The terms of SINDy: all monomials of the variables up to a degree, in graded order (1, z0, z1,
// z0², z0 z1, z1², …), then sin(m z_j), cos(m z_j). There are C(L + degree, degree) monomials of L
// variables.
import CKernels
import KymoNumerics

/// The terms of a sparse model, in their order.
struct TermLibrary {
  let variableCount: Int
  /// Each monomial but the first, 1, is an earlier one times a variable.
  private(set) var products: [(parent: Int, factor: Int)] = []
  private(set) var harmonics: [(variable: Int, multiple: Int)] = []
  /// The variables of each monomial, in rising order.
  private var monomials: [[Int]] = [[]]

  init(variableCount: Int, degree: Int, harmonicCount: Int) {
    self.variableCount = variableCount
    var previous = [0]
    for _ in 0..<degree {
      var current: [Int] = []
      for parent in previous {
        for factor in (monomials[parent].last ?? 0)..<variableCount {
          products.append((parent, factor))
          current.append(monomials.count)
          monomials.append(monomials[parent] + [factor])
        }
      }
      previous = current
    }
    for multiple in 1..<harmonicCount + 1 {
      for variable in 0..<variableCount { harmonics.append((variable, multiple)) }
    }
  }

  /// Number of terms.
  var count: Int { monomials.count + 2 * harmonics.count }

  /// The terms as text: "1", "z0", "z0 z1", "z1^2", "sin(2 z0)".
  var names: [String] {
    let products = monomials.map { factors in
      let powers = Set(factors).sorted().map { variable in
        let power = factors.count { $0 == variable }
        return power == 1 ? "z\(variable)" : "z\(variable)^\(power)"
      }
      return powers.isEmpty ? "1" : powers.joined(separator: " ")
    }
    return products
      + harmonics.flatMap { variable, multiple in
        let argument = multiple == 1 ? "z\(variable)" : "\(multiple) z\(variable)"
        return ["sin(\(argument))", "cos(\(argument))"]
      }
  }

  /// The values of all terms for each row of `[n, L]`: `[n, terms]`.
  func values(of rows: [Double]) -> [Double] {
    let plan = SparseTerms(self, coefficients: [])
    let count = rows.count / variableCount
    return unsafe [Double](unsafeUninitializedCapacity: count * self.count) { values, initialized in
      unsafe rows.withUnsafeBufferPointer { rows in
        unsafe plan.withPlan { plan in
          guard let rows = rows.baseAddress, let out = values.baseAddress else {
            return
          }
          for row in 0..<count {
            // In bounds: row `row` of `count` rows of variables and terms.
            unsafe kk_terms_values(plan, rows + row * variableCount, out + row * self.count)
          }
        }
      }
      initialized = count * self.count
    }
  }
}

/// Sums of terms as the kernels want them, without the terms that no sum needs.
struct SparseTerms: Sendable {
  let variableCount: Int
  private var parents: [Int32] = []
  private var factors: [Int32] = []
  private var arguments: [Int32] = []
  private var multiples: [Double] = []
  private var starts: [Int32] = [0]
  private var terms: [Int32] = []
  private var coefficients: [Double] = []

  /// - Parameters:
  ///   - library: The terms.
  ///   - rows: One list of coefficients of all terms for each variable; no rows keep all terms.
  init(_ library: TermLibrary, coefficients rows: [[Double]]) {
    variableCount = library.variableCount
    let monomials = 1 + library.products.count
    var isNeeded = [Bool](repeating: rows.isEmpty, count: library.count)
    for row in rows {
      for (term, value) in row.enumerated() where value != 0 { isNeeded[term] = true }
    }
    // A pair of sine and cosine is computed together; a monomial needs its parents.
    for pair in library.harmonics.indices {
      let place = monomials + 2 * pair
      if isNeeded[place] || isNeeded[place + 1] {
        (isNeeded[place], isNeeded[place + 1]) = (true, true)
      }
    }
    for index in library.products.indices.reversed() where isNeeded[index + 1] {
      isNeeded[library.products[index].parent] = true
    }
    var place = [Int32](repeating: 0, count: library.count)
    for (index, product) in library.products.enumerated() where isNeeded[index + 1] {
      parents.append(place[product.parent])
      factors.append(Int32(product.factor))
      place[index + 1] = Int32(parents.count)
    }
    for (pair, harmonic) in library.harmonics.enumerated() where isNeeded[monomials + 2 * pair] {
      let first = Int32(1 + parents.count + 2 * arguments.count)
      (place[monomials + 2 * pair], place[monomials + 2 * pair + 1]) = (first, first + 1)
      arguments.append(Int32(harmonic.variable))
      multiples.append(Double(harmonic.multiple))
    }
    for variable in 0..<variableCount {
      if rows.indices.contains(variable) {
        for (term, value) in rows[variable].enumerated() where value != 0 {
          terms.append(place[term])
          coefficients.append(value)
        }
      }
      starts.append(Int32(terms.count))
    }
  }

  /// Calls `body` with the sums as the kernels want them.
  func withPlan<Result>(_ body: (UnsafePointer<kk_terms>) throws -> Result) rethrows -> Result {
    unsafe try parents.withUnsafeBufferPointer { parents in
      unsafe try factors.withUnsafeBufferPointer { factors in
        unsafe try arguments.withUnsafeBufferPointer { arguments in
          unsafe try multiples.withUnsafeBufferPointer { multiples in
            unsafe try starts.withUnsafeBufferPointer { starts in
              unsafe try terms.withUnsafeBufferPointer { terms in
                unsafe try coefficients.withUnsafeBufferPointer { coefficients in
                  var plan = unsafe kk_terms(
                    variables: Int32(variableCount), products: Int32(parents.count),
                    harmonics: Int32(arguments.count), parents: parents.baseAddress,
                    factors: factors.baseAddress, arguments: arguments.baseAddress,
                    multiples: multiples.baseAddress, starts: starts.baseAddress,
                    terms: terms.baseAddress, coefficients: coefficients.baseAddress)
                  return unsafe try body(&plan)
                }
              }
            }
          }
        }
      }
    }
  }
}
