// Polynomial fits against polynomials, and where there are too few values for one.
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Polynomial fits") struct PolynomialFitTests {
  /// Points of a plane far from the origin, on different scales.
  static func variables(_ count: Int) -> [[Double]] {
    var stream = RandomStream(seed: 3, purpose: .testing)
    let points = (0..<count).map { _ in (50 + stream.normal(), 1e-3 * stream.normal()) }
    return [points.map(\.0), points.map(\.1)]
  }

  @Test("are the polynomial itself, with its derivatives") func exact() throws {
    let variables = Self.variables(300)
    func cubic(_ x: Double, _ y: Double) -> Double {
      let (u, v) = (x - 50, 1e3 * y)
      return 2 - u + 3 * u * v + u * u * v - v * v * v
    }
    let fit = try #require(
      PolynomialFit(
        variables, target: zip(variables[0], variables[1]).map(cubic), highestDegree: 5,
        valuesPerTerm: 10))
    #expect(fit.degree == 5 && fit.termCount == 20)
    #expect(fit.rSquared > 1 - 1e-12)
    let rounding = Tolerance(
      absolute: 1e-8, relative: 1e-8, because: "a factorisation of 20 columns")
    let (u, v) = (0.3, -1.2)
    let point = [50 + u, 1e-3 * v]
    expectClose([fit(point)], [cubic(point[0], point[1])], rounding)
    expectClose(
      fit.gradient(at: point), [-1 + 3 * v + 2 * u * v, 1e3 * (3 * u + u * u - 3 * v * v)],
      rounding)
  }

  @Test("have as many terms as the values bear") func degrees() {
    let variables = Self.variables(60)
    func fit(_ count: Int) -> PolynomialFit? {
      PolynomialFit(
        variables.map { Array($0.prefix(count)) }, target: Array(variables[0].prefix(count)),
        highestDegree: 4, valuesPerTerm: 10)
    }
    // Degrees 1 and 2 have 3 and 6 terms with the constant one.
    #expect(fit(60)?.degree == 2)
    #expect(fit(59)?.degree == 1)
    #expect(fit(30)?.termCount == 2)
    #expect(fit(29)?.degree == nil)
    #expect(PolynomialFit([], target: [1, 2], highestDegree: 2, valuesPerTerm: 1)?.degree == nil)
  }

  @Test("of a variable that does not vary are the mean") func constant() throws {
    let fit = try #require(
      PolynomialFit([[4, 4, 4, 4]], target: [1, 2, 3, 6], highestDegree: 1, valuesPerTerm: 2))
    #expect(fit([4]) == 3 && fit.gradient(at: [4]) == [0])
  }
}
