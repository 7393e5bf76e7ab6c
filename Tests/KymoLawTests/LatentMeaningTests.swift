// What latents multiply: fits whose answer is known.
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoLaw

@Suite("Meaning of latents") struct LatentMeaningTests {
  /// A law with one parameter in every recording, and latents of which the second one makes it.
  private func made(
    _ count: Int, noise: Double, _ parameter: (Double) -> Double
  ) -> (law: Law, latents: [[Double]]) {
    var random = RandomStream(seed: 3, purpose: .testing)
    let latents = (0..<count).map { _ in [random.normal(), random.normal(), random.normal()] }
    var law = Law(
      system: "made", refusal: nil, equations: [],
      parameters: [LawParameter(name: "θ₁", meaning: "u_xx in u_t", mean: 1, spread: 0.2)],
      recordings: [], scores: [], window: TestWindow(time: 4, space: 4), noise: [0], librarySize: 1,
      degenerate: [], derived: [], searched: count, seconds: 0)
    law.recordings = latents.enumerated().map { index, z in
      LawRecording(
        recording: index, parameters: [parameter(z[1]) + noise * random.normal()], errors: [0],
        residuals: [0], noise: [0])
    }
    return (law, latents)
  }

  @Test("A curved map is found, with the latent that it is of") func curved() throws {
    let (law, latents) = made(200, noise: 0.001) { 1 + 0.2 * $0 + 0.03 * $0 * $0 }
    let meaning = try #require(
      try law.meanings(ofLatents: latents, relevant: [true, true, false]).first)
    #expect(meaning.products == [[2], [2, 2]])
    expectClose(
      [meaning.intercept] + meaning.slopes, [1, 0.2, 0.03],
      Tolerance(absolute: 5e-4, because: "noise of 0.001"))
    #expect((0.0008...0.0012).contains(meaning.error), "\(meaning.error)")
    #expect(abs(meaning.value([9, 0.5, 9]) - 1.1075) < 1e-3)
    #expect(meaning.holds([9, 0.5, 9]) && !meaning.holds([0, 6, 0]))
    #expect(meaning.isSound(latents: 3) && !meaning.isSound(latents: 1))
  }

  @Test("A linear map stays linear, and its error is that of new recordings") func linear() throws {
    let (law, latents) = made(200, noise: 0.01) { 1 - 0.2 * $0 }
    let meaning = try #require(
      try law.meanings(ofLatents: latents, relevant: [true, true, true]).first)
    #expect(meaning.products == [[2]])
    #expect((0.008...0.012).contains(meaning.error), "\(meaning.error)")
    let fresh = made(2_000, noise: 0.01) { 1 - 0.2 * $0 }
    let inside = zip(fresh.law.recordings, fresh.latents).filter { recording, z in
      abs(recording.parameters[0] - meaning.value(z)) <= 1.96 * meaning.error
    }
    #expect((0.92...0.98).contains(Double(inside.count) / 2_000), "\(inside.count)")
  }

  @Test("Without a relevant latent there is no meaning") func none() throws {
    let (law, latents) = made(20, noise: 0) { 1 + $0 }
    #expect(try law.meanings(ofLatents: latents, relevant: [false, false, false]).isEmpty)
  }
}
