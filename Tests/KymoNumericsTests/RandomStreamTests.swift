// Random streams against the published vectors of Philox and against exact moments.
import Foundation
import KymoTestSupport
import Testing

@testable import KymoNumerics

@Suite("Random streams") struct RandomStreamTests {
  /// The known answers published with Random123, the library of the method's authors (kat_vectors).
  @Test(
    "reproduce the published vectors of Philox4x32-10",
    arguments: [
      (
        [0, 0, 0, 0], [0, 0],
        [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
      ),
      (
        [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ] as [([UInt32], [UInt32], [UInt32])])
  func knownAnswers(_ counter: [UInt32], _ key: [UInt32], _ expected: [UInt32]) {
    let result = RandomStream.philox(
      (counter[0], counter[1], counter[2], counter[3]), (key[0], key[1]))
    #expect([result.0, result.1, result.2, result.3] == expected)
  }

  @Test("start from the block that seed, purpose and index name") func addressing() {
    var stream = RandomStream(seed: 0x1_0000_0002, purpose: .noise, index: 0x3_0000_0004)
    let first = RandomStream.philox((0, 7, 4, 3), (2, 1))
    let second = RandomStream.philox((1, 7, 4, 3), (2, 1))
    let numbers = (0..<5).map { _ in stream.next32() }
    #expect(numbers == [first.0, first.1, first.2, first.3, second.0])
  }

  @Test("repeat, and differ by seed, purpose and index") func independence() {
    func take(_ seed: UInt64, _ purpose: RandomPurpose, _ index: UInt64) -> [Double] {
      var stream = RandomStream(seed: seed, purpose: purpose, index: index)
      return (0..<4000).map { _ in stream.normal() }
    }
    let base = take(5, .data, 9)
    #expect(base == take(5, .data, 9))
    for other in [take(6, .data, 9), take(5, .noise, 9), take(5, .data, 10)] {
      let correlation = zip(base, other).reduce(0) { $0 + $1.0 * $1.1 } / 4000
      // Five standard deviations of the mean of 4,000 products of independent normals.
      #expect(correlation.magnitude < 5 / 4000.0.squareRoot())
    }
  }

  @Test("have the moments of uniform and normal numbers") func moments() {
    var stream = RandomStream(seed: 11, purpose: .testing)
    let count = 200_000
    let uniform = (0..<count).map { _ in stream.uniform() }
    #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
    let normal = (0..<count).map { _ in stream.normal() }
    func moment(_ values: [Double], _ power: Int) -> Double {
      values.reduce(0) { $0 + pow($1, Double(power)) } / Double(values.count)
    }
    // Each tolerance is five standard deviations of the mean of 200,000 powers.
    let n = Double(count).squareRoot()
    #expect((moment(uniform, 1) - 1 / 2.0).magnitude < 5 * (1 / 12.0).squareRoot() / n)
    #expect((moment(uniform, 2) - 1 / 3.0).magnitude < 5 * (4 / 45.0).squareRoot() / n)
    #expect(moment(normal, 1).magnitude < 5 / n)
    #expect((moment(normal, 2) - 1).magnitude < 5 * 2.0.squareRoot() / n)
    #expect(moment(normal, 3).magnitude < 5 * 15.0.squareRoot() / n)
    #expect((moment(normal, 4) - 3).magnitude < 5 * 96.0.squareRoot() / n)
  }

  @Test("truncate the normal to a range, with the moments of the cut distribution")
  func truncatedNormal() {
    var stream = RandomStream(seed: 12, purpose: .testing)
    let count = 100_000
    let values = (0..<count).map { _ in
      stream.truncatedNormal(mean: 2, standardDeviation: 0.5, in: 1.5...2.5)
    }
    #expect(values.allSatisfy { $0 >= 1.5 && $0 <= 2.5 })
    // Cut at one standard deviation: variance 1 - 2 φ(1) / (2 Φ(1) - 1) of σ².
    let density = exp(-0.5) / (2 * Double.pi).squareRoot()
    let inside = erf(1 / 2.0.squareRoot())
    let variance = 0.25 * (1 - 2 * density / inside)
    let spread = (variance / Double(count)).squareRoot()
    #expect((Statistics.mean(values) - 2).magnitude < 5 * spread)
    // The relative spread of a variance estimate is below that of a normal, √(2/n).
    let relative = 5 * (2 / Double(count)).squareRoot()
    #expect((Statistics.sampleVariance(values) / variance - 1).magnitude < relative)
    // Without truncation the variance would be 0.25: the check can fail.
    #expect((0.25 / variance - 1).magnitude > relative)
  }

  @Test("draw integers evenly") func integers() {
    var stream = RandomStream(seed: 13, purpose: .testing)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[stream.index(below: 7)] += 1 }
    let chiSquare = counts.reduce(0.0) { $0 + pow(Double($1) - 10_000, 2) / 10_000 }
    // Six degrees of freedom: above 30 with probability 4e-5.
    #expect(chiSquare < 30, "counts \(counts)")
  }
}
