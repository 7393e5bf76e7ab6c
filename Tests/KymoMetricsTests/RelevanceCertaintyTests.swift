// How sure the number of relevant latents is, on latents made for the case.
import Foundation
import KymoMetrics
import KymoNumerics
import Testing

@Suite("Certainty of the number of parameters") struct RelevanceCertaintyTests {
  /// The certainty of latents that are the columns of `values`, with the given σ², and one
  /// collapsed.
  private func certainty(
    _ values: [[Double]], noise: [Double], conservedMeans: [ConservedMean] = []
  ) -> RelevanceCertainty {
    let recordings = values[0].indices.map { index in
      ExtractedLatents(
        recording: index, mean: values.map { $0[index] } + [0.001 * Double(index % 2)],
        standardDeviation: noise.map { $0.squareRoot() } + [0.2], parameters: [])
    }
    return RelevanceCertainty(
      of: latentSummaries(of: recordings, collapsedVariance: 0.04), recordings,
      collapsedVariance: 0.04, conservedMeans: conservedMeans)
  }

  private func normals(_ index: UInt64) -> [Double] {
    var random = RandomStream(seed: 3, purpose: .testing, index: index)
    return (0..<200).map { _ in random.normal() }
  }

  @Test("independent and precise latents are clear") func clear() throws {
    let found = certainty([normals(1), normals(2)], noise: [0.001, 0.002])
    #expect(found.isClear)
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
