import KymoMetrics
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Least squares with intercept") struct LeastSquaresFitTests {
  let rounding = Tolerance(absolute: 1e-12, because: "rounding of numbers of order 1")

  @Test("finds an exact plane, whatever the number of predictors", arguments: 0...5)
  func exactPlane(predictorCount: Int) {
    let slopes = (0..<predictorCount).map { Double($0) - 1.5 }
    var stream = RandomStream(seed: 3, purpose: .testing, index: UInt64(predictorCount))
    let rows = (0..<20).map { _ in slopes.map { _ in 5 - 7 * stream.uniform() } }
    let targets = rows.map { row in zip(slopes, row).reduce(0.75) { $0 + $1.0 * $1.1 } }
    let fit = LeastSquaresFit(predictors: rows, targets: targets)
    expectClose(fit.coefficients, [0.75] + slopes, rounding)
    let expected = predictorCount == 0 ? 0.0 : 1.0
    expectClose([fit.rSquared(predictors: rows, targets: targets)], [expected], rounding)
  }

  @Test("gives a constant or repeated predictor no slope")
  func dependentPredictors() {
    let values = [0.1, 0.9, 2.3, 3.1, 4.6]
    let rows = values.map { [1.1, $0, 2 * $0 + 1] }
    let fit = LeastSquaresFit(predictors: rows, targets: values.map { 3 - 2 * $0 })
    expectClose(fit.coefficients, [3, 0, -2, 0], rounding)
  }

  @Test("has R² 0 on targets that do not vary, and below 0 where the mean is better")
  func degenerateScores() {
    let rows = (0..<10_000).map { [Double($0)] }
    let constant = [Double](repeating: 1.1, count: rows.count)
    let fit = LeastSquaresFit(predictors: rows, targets: constant)
    #expect(fit.rSquared(predictors: rows, targets: constant) == 0)
    let wrong = LeastSquaresFit(coefficients: [0, -1])
    #expect(wrong.rSquared(predictors: [[0], [1]], targets: [0, 1]) < 0)
  }

  @Test("sends 1.96 standard deviations through the slopes")
  func halfInterval() {
    let fit = LeastSquaresFit(coefficients: [7, -3, 4])
    expectClose([fit.halfInterval95(standardDeviations: [1, 1])], [1.96 * 5], rounding)
  }
}
