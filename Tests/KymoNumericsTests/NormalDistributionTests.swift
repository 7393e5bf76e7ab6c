// The normal distribution against SciPy's.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Normal distribution") struct NormalDistributionTests {
  // scipy.special.ndtri of 1e-300, 1e-9, …
  private static let quantiles: [(p: Double, x: Double)] = [
    (1e-300, -37.0470962993612), (1e-9, -5.9978070150076865), (1e-6, -4.753424308822899),
    (0.001, -3.090232306167813), (0.02, -2.053748910631823), (0.3, -0.5244005127080409), (0.5, 0),
    (0.7, 0.5244005127080407), (0.975, 1.959963984540054), (0.999999, 4.753424308817087),
  ]

  @Test("quantiles and probabilities are SciPy's") func quantiles() {
    for (p, x) in Self.quantiles {
      let found = NormalDistribution.quantile(p)
      expectClose(
        [found], [x],
        Tolerance(absolute: 1e-9, relative: 1e-9, because: "one step of Halley's method"))
      expectClose(
        [NormalDistribution.probability(below: x)], [p],
        Tolerance(absolute: 1e-12, relative: 1e-12, because: "rounding"))
    }
    // scipy.special.ndtr
    expectClose(
      [-5, 1.25].map(NormalDistribution.probability), [2.866515718791933e-7, 0.8943502263331446],
      Tolerance(relative: 1e-13, because: "rounding"))
  }

  @Test("the density is the slope of the probability") func density() {
    for x in [-3.0, -0.5, 0, 2] {
      let slope =
        (NormalDistribution.probability(below: x + 1e-5)
          - NormalDistribution.probability(below: x - 1e-5)) / 2e-5
      expectClose(
        [NormalDistribution.density(x)], [slope], Tolerance(absolute: 1e-9, because: "differences"))
    }
  }
}
