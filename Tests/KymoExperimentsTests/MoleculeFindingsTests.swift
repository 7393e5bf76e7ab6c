// What an evaluation of forecasts of alanine dipeptide finds, on trajectories made by hand.
import Foundation
import KymoData
import KymoNumerics
import KymoResults
import KymoSolvers
import Testing

@testable import KymoExperiments

/// Frames `[B, H, 24, 1]` that stay for a while in C5, PII or αR and go on to the next one, bonds and angles
/// as set-up's structure has them within a percent.
private func frames(seed: UInt64, dwell: Int, stretch: Double = 1) -> HostArray<Float> {
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
    var state = item % 3
    for _ in 0..<steps {
      if random.uniform() < 1 / Double(dwell) { state = (state + 1 + random.index(below: 2)) % 3 }
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
      secondsPerFrame: 1e-6, solverSecondsPerFrame: 4e-3, names: AlanineDipeptide.componentNames,
      frameInterval: 0.1, systemName: AlanineDipeptide.systemName)
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
    #expect(values.soundStructures == ["forecast": 1, "truth": 1])
    let populations = try #require(values.populations["forecast"])
    #expect(populations.count == 6 && populations[..<3].allSatisfy { $0 > 0.2 && $0 < 0.5 })
    #expect(results.sections.contains { $0.id == "latent-free-energy" })
    #expect(results.sections.contains { $0.id == "latent-phi" })
  }

  @Test("slow transitions and stretched bonds are noticed") func different() throws {
    let (values, _) = try values(
      frames(seed: 1, dwell: 60), frames(seed: 2, dwell: 240, stretch: 1.2))
    #expect(try #require(values.passageTimeError) > 1)
    #expect(try #require(values.soundStructures?["forecast"]) == 0)
    #expect(values.soundStructures?["truth"] == 1)
  }
}
