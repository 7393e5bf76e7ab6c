// What an evaluation does with latents before it scores them.
import KymoData
import KymoExtraction
import KymoMetrics
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoExperiments

@Suite("An evaluation") struct ExtractionEvaluationTests {
  @Test("fits relevant latents, and what the others say does not count")
  func idleLatents() throws {
    var configuration = ModelConfiguration()
    (configuration.latents, configuration.kernelUnits) = (3, 8)
    configuration.incrementScale = 1e-2
    let points = 64
    var random = RandomStream(seed: 1, purpose: .testing)
    var metadata = RecordingsMetadata()
    metadata.boundary = [.periodic]
    let recordings = Recordings(
      x: HostArray(
        (0..<2 * 40 * points).map { _ in Float(random.normal()) }, shape: [2, 1, 40, points]),
      params: nil, metadata: metadata)
    let model = try ParameterVAE(
      configuration: configuration, field: FieldDescription(recordings), seed: 1)
    var settings = EvaluationSettings()
    func fit(_ idle: Double) throws -> [ExtractionResults.RecordingLatents] {
      let read = (0..<2).map { index in
        ExtractionResults.RecordingLatents(
          recording: index, mean: [0.1, idle, -idle], standardDeviation: [0.2, 1, 1],
          parameters: [])
      }
      return try ExtractionEvaluation(model, settings: settings)
        .fit(recordings, read, relevant: [0], "fitting")
    }
    #expect(try fit(3)[0].mean == [0.1, 3, -3], "nothing is fitted")
    settings.fitCrops = 2
    let fitted = try fit(3)
    #expect(try fitted.map(\.mean) == fit(0).map(\.mean))
    for latents in fitted {
      #expect(latents.mean[1...].allSatisfy { $0 == 0 })
      #expect(latents.standardDeviation[0] > 0.2 && latents.standardDeviation[1] == 1)
    }
  }
}
