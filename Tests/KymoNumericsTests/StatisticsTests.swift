// Moments, quantiles and fits against NumPy and exact cases.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

/// What Golden/numerics.py wrote.
struct GoldenNumerics: Decodable {
  struct Transform: Decodable { var field, real, imaginary: [Double] }
  struct Fit: Decodable {
    var regressors: [[Double]]
    var target, slopes: [Double]
    var intercept, rSquared: Double
  }
  var transforms: [Transform]
  var values, fractions, quantiles: [Double]
  var populationVariance, sampleVariance: Double
  var fits: [Fit]

  static func load() throws -> GoldenNumerics {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "Golden/numerics.json"))
    return try JSONDecoder().decode(GoldenNumerics.self, from: data)
  }
}

@Suite("Statistics") struct StatisticsTests {
  @Test("agree with NumPy") func golden() throws {
    let golden = try GoldenNumerics.load()
    let rounding = Tolerance.rounding(terms: golden.values.count)
    expectClose(
      [
        Statistics.populationVariance(golden.values), Statistics.sampleVariance(golden.values),
      ], [golden.populationVariance, golden.sampleVariance], rounding)
    expectClose(
      Statistics.quantiles(golden.values, golden.fractions), golden.quantiles, rounding)
  }

  @Test("are exact on small lists") func exact() {
    #expect(Statistics.mean([1, 2, 6]) == 3)
    #expect(Statistics.populationVariance([1, 2, 6]) == 14 / 3.0)
    #expect(Statistics.sampleVariance([1, 2, 6]) == 7)
    #expect(Statistics.quantile([5, 1, 9, 3], 0.5) == 4)
    #expect(Statistics.rootMeanSquare([3, -4, 0, 0]) == 2.5)
    #expect(Statistics.quantile([.infinity, 1, 2], 1) == .infinity)
    #expect(Statistics.mean([]).isNaN)
    #expect(Statistics.sampleVariance([1]).isNaN)
    #expect(Statistics.quantile([1, .nan], 0.5).isNaN)
  }

  @Test("keep their digits far from zero") func offset() {
    // The mean of the squares less the square of the mean would have no digit left here.
    let values = [4.0, 7, 13, 16].map { $0 + 1e9 }
    #expect(Statistics.sampleVariance(values) == 30)
  }
}

@Suite("Linear fits") struct LinearFitTests {
  @Test("agree with NumPy", arguments: 0...1) func golden(_ index: Int) throws {
    let golden = try GoldenNumerics.load().fits[index]
    let fit = LinearFit(regressors: golden.regressors, target: golden.target)
    let reason = Tolerance(relative: 1e-12, because: "rounding, condition number below 10")
    expectClose(
      [fit.intercept, fit.rSquared] + fit.slopes,
      [golden.intercept, golden.rSquared] + golden.slopes, reason)
  }

  @Test("find a plane exactly, also with a useless regressor") func plane() {
    let x = [0.0, 1, 2, 3, 4, 5]
    let y = [1.0, 0, 2, -1, 3, 1]
    let target = zip(x, y).map { 3 + 2 * $0 - 0.5 * $1 }
    let fit = LinearFit(regressors: [x, y, [1, 1, 1, 1, 1, 1], x], target: target)
    expectClose(
      [fit.intercept, fit.rSquared] + fit.slopes, [3, 1, 2, -0.5, 0, 0],
      Tolerance(absolute: 1e-14, relative: 1e-14, because: "rounding"))
    #expect(fit.slopes[2] == 0 && fit.slopes[3] == 0)
  }

  @Test("score other data, where R² may be negative") func score() {
    let fit = LinearFit(regressors: [[0, 1, 2]], target: [0, 1, 2])
    #expect((fit.score(regressors: [[0, 1]], target: [0, 1]) - 1).magnitude < 1e-14)
    // Residuals 1 and 1 against a scatter of ½ · (1 − 2)² · … = 0.5: R² = 1 − 2 / 0.5.
    #expect((fit.score(regressors: [[0, 1]], target: [1, 2]) + 3).magnitude < 1e-14)
    #expect(fit.score(regressors: [[0, 1]], target: [1, 1]).isNaN)
    #expect(LinearFit(regressors: [], target: [1, 3]).intercept == 2)
  }

  @Test("without one value lack of it what leverages say, also with useless regressors")
  func leverages() {
    var stream = RandomStream(seed: 3, purpose: .testing)
    let x = (0..<9).map { _ in stream.normal() }
    let y = (0..<9).map { _ in 10 + stream.normal() }
    let target = (0..<9).map { _ in stream.normal() }
    let regressors = [x, y, [Double](repeating: 1, count: 9), zip(x, y).map { $0 - 2 * $1 }]
    let fit = LinearFit(regressors: regressors, target: target)
    let leverages = LinearFit.leverages(regressors: regressors, count: 9)
    for row in 0..<9 {
      func others(_ values: [Double]) -> [Double] {
        values.indices.filter { $0 != row }.map { values[$0] }
      }
      let without = LinearFit(regressors: [x, y].map(others), target: others(target))
      let residual = target[row] - fit(regressors.map { $0[row] })
      expectClose(
        [residual / (1 - leverages[row])], [target[row] - without([x[row], y[row]])],
        Tolerance(absolute: 1e-12, because: "rounding"))
    }
    #expect(LinearFit.leverages(regressors: [], count: 4) == [0.25, 0.25, 0.25, 0.25])
  }

  @Test("solve equations, and refuse singular ones") func equations() throws {
    let matrix = [[0.0, 2, 1], [1, 1e-8, 0], [3, 0, -1]]
    let expected = [1.0, -2, 0.5]
    let right = matrix.map { zip($0, expected).reduce(0) { $0 + $1.0 * $1.1 } }
    let solution = try #require(solveLinearSystem(matrix, right))
    expectClose(solution, expected, Tolerance(relative: 1e-13, because: "rounding"))
    #expect(solveLinearSystem([[1, 2], [2, 4]], [1, 3]) == nil)
  }
}
