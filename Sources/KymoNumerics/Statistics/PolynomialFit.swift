// Least squares with all monomials of several variables up to a total degree: whether one quantity
// is a smooth function of others.

/// A polynomial of several variables, fitted by least squares.
package struct PolynomialFit: Sendable {
  /// The highest total degree of a term.
  package let degree: Int
  /// Variables enter in units of their spread about their mean.
  private let units: [(center: Double, scale: Double)]
  /// The powers of every variable, for each term but the constant one.
  private let terms: [[Int]]
  private let fit: LinearFit

  /// Fits `target` with as high a degree as the data bear; nil where there are no variables, or too
  /// few values even for a plane.
  ///
  /// - Parameters:
  ///   - variables: One list for each variable, each as long as `target`.
  ///   - target: At least one value.
  ///   - highestDegree: The degree is never higher.
  ///   - valuesPerTerm: Values that each term must have, the constant one included.
  package init?(
    _ variables: [[Double]], target: [Double], highestDegree: Int, valuesPerTerm: Int
  ) {
    // Terms up to degree d, the constant one included: (n + d)! / (n! d!).
    var (degree, count) = (0, 1)
    while degree < highestDegree {
      let next = count * (variables.count + degree + 1) / (degree + 1)
      guard valuesPerTerm * next <= target.count else { break }
      (degree, count) = (degree + 1, next)
    }
    guard !variables.isEmpty, degree > 0 else { return nil }
    (self.degree, terms) = (degree, Self.terms(of: variables.count, upTo: degree))
    units = variables.map { values in
      let spread = Statistics.populationVariance(values).squareRoot()
      return (Statistics.mean(values), spread > 0 ? spread : 1)
    }
    let points = target.indices.map { row in variables.map { $0[row] } }
    let rows = points.map { [units, terms] in Self.values(of: terms, at: $0, units) }
    fit = LinearFit(
      regressors: terms.indices.map { term in rows.map { $0[term] } }, target: target)
  }

  /// Number of terms besides the constant one.
  package var termCount: Int { terms.count }

  /// The fraction of the variance of the fitted data that the polynomial explains.
  package var rSquared: Double { fit.rSquared }

  /// The value at a point.
  package func callAsFunction(_ point: [Double]) -> Double {
    fit(Self.values(of: terms, at: point, units))
  }

  /// The derivative along every variable at a point.
  package func gradient(at point: [Double]) -> [Double] {
    units.indices.map { variable in
      let lowered = terms.map { term in
        var powers = term
        powers[variable] = max(0, powers[variable] - 1)
        return powers
      }
      let values = Self.values(of: lowered, at: point, units)
      return terms.indices.reduce(0) {
        $0 + fit.slopes[$1] * Double(terms[$1][variable]) * values[$1]
      } / units[variable].scale
    }
  }

  private static func values(
    of terms: [[Int]], at point: [Double], _ units: [(center: Double, scale: Double)]
  ) -> [Double] {
    let scaled = zip(point, units).map { ($0 - $1.center) / $1.scale }
    return terms.map { term in
      zip(scaled, term).reduce(1) { product, factor in
        (0..<factor.1).reduce(product) { value, _ in value * factor.0 }
      }
    }
  }

  /// The powers of all monomials of total degree 1 to `degree`.
  private static func terms(of variables: Int, upTo degree: Int) -> [[Int]] {
    // Every monomial with its last variable, so that each comes once.
    var last: [(powers: [Int], place: Int)] = [([Int](repeating: 0, count: variables), 0)]
    var all: [[Int]] = []
    for _ in 0..<degree {
      last = last.flatMap { factor in
        (factor.place..<variables).map { place in
          var powers = factor.powers
          powers[place] += 1
          return (powers, place)
        }
      }
      all += last.map(\.powers)
    }
    return all
  }
}
