// How sure the number of relevant latents is, on latents made for the case.
import Foundation
import KymoMetrics
import KymoNumerics
import Testing

@Suite("Certainty of the number of parameters") struct RelevanceCertaintyTests {
  /// The certainty of latents that are the columns of `values`, with the given σ², and one
  /// collapsed.
  private func certainty(
    _ values: [[Double]], noise: [Double], conservedMeans: [ConservedMean] = [],
    removalCosts: [Int: Double] = [0: 2, 1: 2, 2: 2]
  ) -> RelevanceCertainty {
    let recordings = values[0].indices.map { index in
      ExtractedLatents(
        recording: index, mean: values.map { $0[index] } + [0.001 * Double(index % 2)],
        standardDeviation: noise.map { $0.squareRoot() } + [0.2], parameters: [])
    }
    return RelevanceCertainty(
      of: latentSummaries(of: recordings, collapsedVariance: 0.04), recordings,
      collapsedVariance: 0.04, conservedMeans: conservedMeans,
      removalCosts: removalCosts)
  }

  private func normals(_ index: UInt64) -> [Double] {
    var random = RandomStream(seed: 3, purpose: .testing, index: index)
    return (0..<200).map { _ in random.normal() }
  }

  @Test("independent and precise latents are clear") func clear() throws {
    let found = certainty([normals(1), normals(2)], noise: [0.001, 0.002])
    #expect(found.isClear && found.possibleCount == 2...2)
    #expect(try #require(found.weakestSignal) > 300)
  }

  @Test("a bent copy of a latent is found, the noisier of the two") func repetition() {
    let first = normals(1)
    let copy = first.map { 0.8 * $0 + 0.2 * $0 * $0 }
    let found = certainty([copy, first, normals(2)], noise: [0.002, 0.001, 0.001])
    #expect(found.repeated.map(\.latent) == [0])
    #expect(!found.isClear)
  }

  @Test("a sum of two latents is found") func sum() {
    let (first, second) = (normals(1), normals(2))
    let sum = zip(first, second).map { 0.7 * ($0 + $1) }
    let found = certainty([first, second, sum], noise: [0.001, 0.001, 0.002])
    #expect(found.repeated.map(\.latent) == [2])
  }

  @Test("a latent near the bounds is in doubt, one that clearly fails is not") func doubt() {
    let weak = normals(2).map { 0.4 * $0 }
    let near = certainty([normals(1), weak], noise: [0.001, 0.008])
    #expect(near.doubtful == [1])
    let fails = certainty([normals(1), weak.map { 0.1 * $0 }], noise: [0.001, 0.008])
    #expect(fails.doubtful.isEmpty)
  }

  @Test("two bent and noisy readings of one parameter are in doubt between one and two")
  func related() throws {
    let parameter = normals(1)
    // Correlated with the parameter by about 0.91 and 0.94, with each other by less than 0.9.
    func reading(_ noise: [Double], _ size: Double) -> [Double] {
      zip(parameter, noise).map { 0.9 * $0 + 0.05 * $0 * $0 * $0 + size * $1 }
    }
    let found = certainty(
      [reading(normals(2), 0.42), reading(normals(3), 0.34)], noise: [0.002, 0.001])
    let repetition = try #require(found.repeated.first)
    #expect(repetition.latent == 0 && (0.5...0.9).contains(repetition.rSquared))
    #expect(!repetition.isCertain && !found.isClear && found.possibleCount == 1...2)
  }

  @Test("a relation that no polynomial has is found by nearest neighbours")
  func oscillation() {
    let first = normals(1)
    let found = certainty(
      [first, first.map { 1.2 * sin(4 * $0) }], noise: [0.001, 0.002])
    #expect(found.repeated.map(\.latent) == [1])
  }

  @Test("parameters that are independent but rotated in the latents stay clear")
  func rotated() {
    var random = RandomStream(seed: 5, purpose: .testing)
    let plane = (0..<200).map { _ in (random.uniform() - 0.5, random.uniform() - 0.5) }
    let found = certainty(
      [plane.map { 2.4 * ($0.0 + $0.1) }, plane.map { 2.4 * ($0.0 - $0.1) }],
      noise: [0.001, 0.002])
    #expect(found.isClear)
  }

  @Test("a latent that is neither relevant nor collapsed is named") func grey() {
    let half = certainty([normals(1), normals(2).map { 0.1 * $0 }], noise: [0.001, 0.025])
    #expect(half.grey == [1] && half.possibleCount == 1...2 && !half.isClear)
    let beyond = certainty([normals(1), normals(2)], noise: [0.001, 0.2])
    #expect(beyond.grey == [1])
    let collapsed = certainty([normals(1), normals(2).map { 0.15 * $0 }], noise: [0.001, 0.041])
    #expect(collapsed.grey.isEmpty && collapsed.isClear)
  }

  @Test("a latent that predictions hardly need is named, and what was not tested")
  func removal() {
    let latents = [normals(1), normals(2)]
    let little = certainty(latents, noise: [0.001, 0.002], removalCosts: [0: 3, 1: 0.01])
    #expect(little.dispensable.map(\.latent) == [1] && little.possibleCount == 1...2)
    let untested = certainty(latents, noise: [0.001, 0.002], removalCosts: [:])
    #expect(untested.untested.count == 1 && !untested.isClear && untested.possibleCount == 2...2)
    let few = certainty(latents.map { Array($0.prefix(10)) }, noise: [0.001, 0.002])
    #expect(few.untested.count == 1 && !few.isClear)
  }

  @Test("of two latents that say the same, predictions need one") func removalCosts() {
    let (first, second) = (normals(1), normals(2))
    let recordings = first.indices.map { index in
      ExtractedLatents(
        recording: index, mean: [first[index], -first[index], second[index], 0.001],
        standardDeviation: [0.05, 0.04, 0.03, 0.2], parameters: [])
    }
    let summaries = latentSummaries(of: recordings, collapsedVariance: 0.04)
    // A decoder that reads the mean of both copies, and nothing of the third latent.
    let costs = RelevanceCertainty.removalCosts(summaries, recordings) { changed in
      Statistics.mean(
        zip(changed, first).map { (($0.mean[0] - $0.mean[1]) / 2 - $1).magnitude + 0.1 })
    }
    #expect(costs[2] == 0)
    #expect(costs[0].map { $0 < 0.05 } == true && costs[1].map { $0 > 1 } == true)
  }

  @Test("a latent that follows from a mean that recordings keep is found") func conserved() {
    let (first, second) = (normals(1), normals(2))
    let found = certainty(
      [first, second], noise: [0.001, 0.001],
      conservedMeans: [
        .init(channel: "u", values: normals(3)),
        .init(channel: "v", values: second.map { 0.2 * $0 + 0.02 * $0 * $0 * $0 + 5 }),
      ])
    #expect(found.conserved.map(\.latent) == [1])
    #expect(found.conserved.map(\.channel) == ["v"])
    #expect(!found.isClear && found.repeated.isEmpty)
  }
}
