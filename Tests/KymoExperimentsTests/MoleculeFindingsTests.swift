// What an evaluation of forecasts of alanine dipeptide finds, on trajectories made by hand.
import Foundation
import KymoData
import KymoNumerics
import KymoResults
import KymoSolvers
import Testing

@testable import KymoExperiments

/// Frames `[B, H, 24, 1]` that stay for a while in one of C5, PII and αR, or of the first two, and go
/// on to another; bonds and angles as set-up's structure has them within a percent.
private func frames(
  seed: UInt64, dwell: Int, stretch: Double = 1, states: Int = 3
) -> HostArray<Float> {
  var random = RandomStream(seed: seed, purpose: .testing)
  let rest: [Double] = [
    0.145, 0.134, 0.152, 0.123, 0.145, 0.153, 0.134, 0.152, 0.123,
    2.13, 2.04, 2.1, 1.94, 1.9, 2.13, 2.04, 2.1,
    3.1, 3.1, 0, 2.1, 0, 3.1, 3.1,
  ]
  let places = [(-155.0, 155.0), (-75, 150), (-75, -20)]
  let (batch, steps) = (4, 2000)
  var values: [Float] = []
  for item in 0..<batch {
    var state = item % states
    for _ in 0..<steps {
      if random.uniform() < 1 / Double(dwell) {
        state = (state + 1 + random.index(below: states - 1)) % states
      }
      for (index, value) in rest.enumerated() {
        switch index {
        case AlanineDipeptide.phi, AlanineDipeptide.psi:
          let degrees =
            index == AlanineDipeptide.phi ? places[state].0 : places[state].1
          values.append(Float(degrees * .pi / 180 + 0.1 * random.normal()))
        default:
          values.append(Float(value * (1 + 0.01 * random.normal()) * (index == 0 ? stretch : 1)))
        }
      }
    }
  }
  return HostArray(values, shape: [batch, steps, 24, 1])
}

@Suite("Findings about molecules") struct MoleculeFindingsTests {
  private func values(
    _ truth: HostArray<Float>, _ forecast: HostArray<Float>
  ) throws -> (VectorFindings.Values, RunResults) {
    func latents(_ frames: HostArray<Float>) -> HostArray<Double> {
      HostArray(
        (0..<frames.shape[0] * frames.shape[1]).map {
          Double(frames.elements[24 * $0 + AlanineDipeptide.psi])
        }, shape: [frames.shape[0], frames.shape[1], 1])
    }
    let findings = VectorFindings(
      truth: truth, forecast: forecast, trueLatents: latents(truth), latents: latents(forecast),
      secondsPerFrame: 1e-6, latentSecondsPerFrame: 5e-7, solverSecondsPerFrame: 4e-3,
      names: AlanineDipeptide.componentNames,
      frameInterval: 0.1, timeUnit: "ps", systemName: AlanineDipeptide.systemName)
    let results = try findings.results(
      DataProvenance(
        system: AlanineDipeptide.systemName, file: "test.npz", recordingCount: 4,
        isTrainingData: false))
    struct Written: Decodable { var values: VectorFindings.Values }
    return (try RunResults.decoder.decode(Written.self, from: results.json()).values, results)
  }

  @Test("a forecast with the dynamics of the truth is at the floor") func same() throws {
    let (values, results) = try values(frames(seed: 1, dwell: 60), frames(seed: 2, dwell: 60))
    #expect(values.jensenShannonDistance < 2 * values.jensenShannonFloor)
    #expect(try #require(values.passageTimeError) < 0.35)
    #expect((try #require(values.speedUp) - 4000).magnitude < 1)
    #expect((try #require(values.latentSpeedUp) - 8000).magnitude < 1)
    #expect(values.passageTimesSeen == 6)
    #expect(values.soundStructures == ["forecast": 1, "truth": 1])
    let populations = try #require(values.populations["forecast"])
    #expect(populations.count == 6 && populations[..<3].allSatisfy { $0 > 0.2 && $0 < 0.5 })
    #expect(results.sections.contains { $0.id == "latent-free-energy" })
    #expect(results.sections.contains { $0.id == "latent-phi" })
  }

  @Test("passages that were never seen are said to be so, and left out of the mean")
  func unseen() throws {
    // The truth never comes to αR.
    let (values, results) = try values(
      frames(seed: 1, dwell: 60, states: 2), frames(seed: 2, dwell: 60))
    #expect(values.passageTimesSeen == 2)
    #expect(try #require(values.passageTimeError).isFinite)
    let rows = try #require(results.scores["states"]).rows
    let notes = rows.filter { $0.name.hasPrefix("passage time, ") }.map(\.note)
    #expect(notes.filter { $0 == "not seen in the truth" }.count == 4, "\(notes)")
    #expect(rows.last?.note == "2 of 6")
    #expect(rows.compactMap { $0.scores[0] }.contains { $0.unit == "ps" })
  }

  @Test("slow transitions and stretched bonds are noticed") func different() throws {
    let (values, _) = try values(
      frames(seed: 1, dwell: 60), frames(seed: 2, dwell: 240, stretch: 1.2))
    #expect(try #require(values.passageTimeError) > 1)
    #expect(try #require(values.soundStructures?["forecast"]) == 0)
    #expect(values.soundStructures?["truth"] == 1)
  }
}
