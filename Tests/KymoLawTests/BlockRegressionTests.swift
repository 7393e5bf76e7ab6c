// Errors from blocks of rows against errors that are known.
import KymoNumerics
import Testing

@testable import KymoLaw

struct BlockRegressionTests {
  /// Four blocks of which one holds most of what is known: variances are right on average, where a
  /// jackknife gives 1.6 times as much.
  @Test func variancesAreRightWhereOneBlockWeighsMost() {
    var random = RandomStream(seed: 2, purpose: .testing)
    let grams = [6.0, 1, 2, 1]
    var (estimates, squares) = ([Double](), [Double]())
    for _ in 0..<4000 {
      let blocks = grams.map { gram in
        (matrix: [gram], right: [3 * gram + gram.squareRoot() * random.normal()])
      }
      let fit = BlockRegression(blocks)
      estimates.append(fit.covariance[0])
      squares.append((fit.solution[0] - 3) * (fit.solution[0] - 3))
    }
    #expect(abs(Statistics.mean(squares) - 0.1) < 0.01)
    #expect(abs(Statistics.mean(estimates) - 0.1) < 0.01)
  }

  @Test func theSolutionIsThatOfTheSum() {
    let fit = BlockRegression([
      (matrix: [2, 1, 1, 3], right: [4, 1]), (matrix: [1, 0, 0, 1e6], right: [2, 3e6]),
    ])
    // 3x + y = 6, x + 1000003 y = 3000001.
    let y = (3_000_001 - 2.0) / (1_000_003 - 1.0 / 3)
    #expect(abs(fit.solution[1] - y) < 1e-9)
    #expect(abs(fit.solution[0] - (6 - y) / 3) < 1e-9)
  }
}
