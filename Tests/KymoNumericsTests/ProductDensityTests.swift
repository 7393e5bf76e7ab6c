// Mixtures of products of Gaussians and von Mises distributions.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Products of Gaussians and von Mises distributions") struct ProductDensityTests {
  private let density = ProductDensity(
    weights: [0.25, 0.75], means: [-1, 2], deviations: [0.5, 1],
    angles: [VonMises(mean: 3, concentration: 4), VonMises(mean: -1, concentration: 30)])

  @Test("integrate to one") func integral() {
    let (nx, nt) = (400, 200)
    var sum = 0.0
    for i in 0..<nx {
      for j in 0..<nt {
        let point = [-8 + 16 * (Double(i) + 0.5) / Double(nx), 2 * .pi * Double(j) / Double(nt)]
        sum += density.density(at: point) * 16 / Double(nx) * 2 * .pi / Double(nt)
      }
    }
    #expect((sum - 1).magnitude < 1e-6, "\(sum)")
  }

  @Test("draws keep what belongs together") func draws() {
    var random = RandomStream(seed: 1, purpose: .testing)
    let count = 40_000
    let draws = density.samples(count, using: &random)
    let (x, angle) = (draws[..<count], draws[count...])
    #expect(angle.allSatisfy { $0.magnitude <= .pi })
    // E x = 1.25; most of the right kernel is near −1.
    #expect((Statistics.mean(Array(x)) - 1.25).magnitude < 0.04)
    let near = zip(x, angle).filter { cos($0.1 + 1) > 0.8 }
    #expect(near.count > count / 2)
    #expect((Statistics.mean(near.map(\.0)) - 2).magnitude < 0.1)
  }

  @Test("without noise variances are those before it was added") func withoutNoise() {
    let noisy = ProductDensity(
      weights: density.weights, means: density.means,
      deviations: density.deviations.map { hypot($0, 0.3) },
      angles: density.angles.map {
        VonMises(mean: $0.mean, concentration: 1 / (1 / $0.concentration + 0.09))
      })
    let found = noisy.withoutNoise(0.3)
    let rounding = Tolerance(relative: 1e-12, because: "rounding")
    expectClose(found.deviations, density.deviations, rounding)
    expectClose(
      found.angles.map(\.concentration), density.angles.map(\.concentration), rounding)
    // Angles drawn with noise have nearly the direction and the width of that distribution.
    var random = RandomStream(seed: 2, purpose: .testing)
    let mean = (0..<40_000).reduce(0.0) { sum, _ in
      sum + cos(density.angles[1].sample(using: &random) + 0.3 * random.normal() + 1)
    }
    let expected = 1 - 0.5 / noisy.angles[1].concentration
    #expect((mean / 40_000 - expected).magnitude < 0.01, "\(mean / 40_000), \(expected)")
  }
}
