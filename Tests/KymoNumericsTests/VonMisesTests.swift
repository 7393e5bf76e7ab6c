// The von Mises distribution: log I₀ of SciPy, the integral of the density, moments of draws.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Von Mises distribution") struct VonMisesTests {
  @Test("log I₀ is SciPy's, over and below the border of the two expansions") func bessel() {
    // log(scipy.special.ive(0, x)) + x, SciPy 1.17.1.
    let golden: [(Double, Double)] = [
      (0, 0), (0.1, 0.0024984392338759653), (1, 0.23591435850717857), (5, 3.3046817758225333),
      (19.9, 17.49214981862135), (20.1, 17.687083876788982), (100, 96.77973268994258),
      (1e4, 9994.475903781433),
    ]
    expectClose(
      golden.map { VonMises.logBesselI0($0.0) }, golden.map(\.1),
      Tolerance(absolute: 1e-14, relative: 1e-12, because: "rounding of some forty terms"))
  }

  @Test("the density integrates to one", arguments: [0, 0.5, 3, 40, 500])
  func integral(_ concentration: Double) {
    let density = VonMises(mean: 1, concentration: concentration)
    let count = 2000
    // The trapezoidal rule of a periodic function is exact to rounding.
    let sum = (0..<count).reduce(0.0) {
      $0 + exp(density.logDensity(2 * Double.pi * Double($1) / Double(count)))
    }
    #expect((sum * 2 * Double.pi / Double(count) - 1).magnitude < 1e-12)
  }

  @Test(
    "draws have the mean direction and the length of the distribution", arguments: [0.2, 2, 30])
  func draws(_ concentration: Double) {
    let density = VonMises(mean: 2.8, concentration: concentration)
    var random = RandomStream(seed: 3, purpose: .testing)
    let count = 40_000
    let angles = (0..<count).map { _ in density.sample(using: &random) }
    #expect(angles.allSatisfy { $0.magnitude <= Double.pi + 1e-12 })
    let (c, s) = (
      angles.reduce(0) { $0 + cos($1 - 2.8) } / Double(count),
      angles.reduce(0) { $0 + sin($1 - 2.8) } / Double(count)
    )
    // I₁/I₀ is the slope of log I₀.
    let step = 1e-5
    let length =
      (VonMises.logBesselI0(concentration + step) - VonMises.logBesselI0(concentration - step))
      / (2 * step)
    let error = 1 / Double(2 * count).squareRoot()
    #expect((c - length).magnitude < 3.5 * error, "\(c), expected \(length)")
    #expect(s.magnitude < 3.5 * error)
  }

  @Test("without concentration every direction is as likely") func uniform() {
    var random = RandomStream(seed: 4, purpose: .testing)
    let density = VonMises(mean: 1, concentration: 0)
    let angles = (0..<10_000).map { _ in density.sample(using: &random) }
    let part = Double(angles.count { $0 > 0 && $0 < Double.pi / 2 }) / 10_000
    #expect((part - 0.25).magnitude < 0.02)
  }
}
