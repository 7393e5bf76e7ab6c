// What an evaluation does with latents before it scores them.
import Foundation
import KymoData
import KymoExtraction
import KymoMetrics
import KymoNumerics
import KymoResults
import KymoRuns
import KymoTestSupport
import Testing

@testable import KymoExperiments

@Suite("An evaluation") struct ExtractionEvaluationTests {
  @Test("fits relevant latents, and what the others say does not count")
  func idleLatents() throws {
    var configuration = ParameterModelConfiguration()
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
    var settings = ParameterEvaluationSettings()
    func fit(_ idle: Double) throws -> [ExtractedLatents] {
      let read = (0..<2).map { index in
        ExtractedLatents(
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

  @Test("takes what is known of unusual recordings, without looking again") func known() throws {
    let folder = try TemporaryFolder()
    var random = RandomStream(seed: 3, purpose: .testing)
    let recordings = Recordings(
      x: HostArray((0..<2 * 40 * 40).map { _ in Float(random.normal()) }, shape: [2, 1, 40, 40]))
    let model = try ParameterVAE(
      configuration: ParameterModelConfiguration(), field: FieldDescription(recordings), seed: 1)
    let directory = RunDirectory(folder.url)
    try FileManager.default.createDirectory(
      at: directory.model, withIntermediateDirectories: true)
    try TrainedData(recordings).write(to: directory.model)
    let run = ParameterRun(
      directory: directory,
      recipe: try ParameterRecipe(yaml: "name: a\ndata: {train: a.npz}", source: "a.yaml"),
      model: model)
    let latents = (0..<2).map {
      ExtractedLatents(recording: $0, mean: [0], standardDeviation: [1], parameters: [])
    }
    func doubts(_ unusual: [Int: String]) throws -> [String] {
      try run.trust(
        in: latents, of: recordings, relevant: [true], unusual: unusual, WorkHooks()
      ).doubts
    }
    #expect(try doubts([:]) == ["", ""])
    #expect(try doubts([1: "marked"]) == ["", "marked"])
  }

  @Test(
    "scores and shows recordings with open ends, whose halo is given",
    arguments: [[40], [34, 37]])
  func openEnds(_ points: [Int]) throws {
    var configuration = ParameterModelConfiguration()
    (configuration.latents, configuration.kernelUnits) = (2, 8)
    var random = RandomStream(seed: 2, purpose: .testing)
    var metadata = RecordingsMetadata()
    metadata.boundary = points.map { _ in .open }
    (metadata.axisNames, metadata.axisUnits) = (["t", "depth", "width"], ["ms", "m", ""])
    (metadata.channelNames, metadata.channelUnits) = (["pressure"], ["Pa"])
    // N points of an axis with open ends have the spacing L / (N − 1).
    metadata.extents = points.map { 2 * Double($0 - 1) }
    let (frames, cells) = (33, points.reduce(1, *))
    // Every frame is the first one times its number: without weights nothing moves in a rollout.
    let recordings = Recordings(
      x: HostArray(
        (0..<2).flatMap { _ in
          let first = (0..<cells).map { _ in Float(random.normal()) }
          return (0..<frames).flatMap { frame in first.map { $0 * Float(frame + 1) } }
        }, shape: [2, 1, frames] + points),
      params: nil, metadata: metadata)
    configuration.incrementScale = 1e-12
    let model = try ParameterVAE(
      configuration: configuration, field: FieldDescription(recordings), seed: 1)
    var settings = ParameterEvaluationSettings()
    (settings.fieldRecordings, settings.baselines) = (1, false)
    var evaluation = ExtractionEvaluation(model, settings: settings)
    nonisolated(unsafe) var said: [String] = []
    evaluation.hooks.progress = { _, words in unsafe said.append(words) }
    let results = try evaluation.evaluate(
      recordings, name: "test.npz", training: nil, isTrainingData: true)
    #expect(
      unsafe said.contains { $0.hasPrefix("reading training recordings") }
        && !said.contains { $0.contains("test recordings") })
    let still = try #require(results.predictions.last)
    #expect(still.name == ParameterFindings.persistence && results.fieldDeviation != nil)
    let curve = try #require(results.predictions.first).curve
    #expect(curve.recordingCount == 2 && curve.mean.count == frames - 1)
    // The inside is off by one first frame more with each frame; the halo by nothing, and is not
    // counted.
    let halo = model.givenCells(.groundTruth)
    let inner = (0..<2).map { index in
      let values = recordings[index].elements.prefix(cells).indices.filter { cell in
        var rest = cell
        return points.reversed().allSatisfy { length in
          defer { rest /= length }
          return (halo..<length - halo).contains(rest % length)
        }
      }.map { Double(recordings[index].elements[$0]) }
      return (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
    }
    let size = (inner[0] + inner[1]) / 2
    // The decoder without weights keeps the first frame too.
    expectClose(
      still.curve.mean, curve.mean,
      Tolerance(relative: 1e-4, because: "fields are in single precision"))
    expectClose(
      curve.mean, (1..<frames).map { Double($0) * size },
      Tolerance(relative: 1e-5, because: "fields are in single precision"))
    let forecast = try ExtractionEvaluation(model, settings: settings)
      .rollOut(recordings, horizon: nil)
    let growth = Statistics.rootMeanSquare((1..<frames).map { Double($0) })
    #expect(forecast.frames.shape == [2, frames - 1, 1] + points)
    expectClose(
      [try #require(forecast.summary.rootMeanSquareError)], [growth * size],
      Tolerance(relative: 1e-5, because: "fields are in single precision"))
    let shown = try #require(results.pictures.first).fields
    #expect(
      shown.axisNames?.prefix(1 + points.count)
        == ["time (ms)", "depth (m)", "width"].prefix(1 + points.count))
    #expect(shown.channels[0].name == "pressure (Pa)")
    let way = forecast.words
    #expect(
      way.hasPrefix("32 frames of 2 recordings in ") && way.contains("s, by the decoder\n")
        && !way.contains("latent"))
    #expect(results.pictures.count == 1 && shown.positions.map(\.count) == points)
    #expect(shown.positions.map { $0[1] } == points.map { _ in 2 })
    #expect(shown.positions.map(\.last) == metadata.extents)
    if points.count == 1 {
      let (truth, prediction) = (shown.channels[0].truth, shown.channels[0].prediction ?? [])
      #expect(prediction[5 * 40] == truth[5 * 40], "the halo is the recording's")
      #expect(prediction[5 * 40 + 20] == truth[20], "the inside is predicted")
    }
  }
}
