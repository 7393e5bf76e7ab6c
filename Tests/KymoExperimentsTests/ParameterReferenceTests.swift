// When a trained model does not hold for a recording.
import Foundation
import KymoData
import KymoExtraction
import KymoMetrics
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoExperiments

@Suite("What extracted parameters are measured against") struct ParameterReferenceTests {
  @Test("doubts an error above twice the training's, and a relevant latent beyond its range")
  func doubts() throws {
    let folder = try TemporaryFolder()
    try Data(#"{"latentRanges": [[-2, 2], [-0.1, 0.1]], "errors": [0.1, 0.2, 0.3, 0.4]}"#.utf8)
      .write(to: folder.path("reference.json"))
    let reference = try #require(try ParameterReference.read(from: folder.url, latents: 2))
    func doubt(_ first: Double, _ second: Double = 0, error: Double = 0.25) -> String? {
      reference.doubt(
        ExtractedLatents(
          recording: 0, mean: [first, second], standardDeviation: [0.1, 0.1], parameters: []),
        error: error, relevant: [true, false])
    }
    #expect(doubt(2.3) == nil && doubt(-2.3) == nil && doubt(0, error: 0.79) == nil)
    #expect(doubt(0, 5) == nil, "a latent that carries nothing may be anywhere")
    #expect(doubt(2.5)?.hasPrefix("latent 1 is 2.5") == true)
    #expect(doubt(0, error: 0.81)?.hasPrefix("the decoder's error is 0.81") == true)
    #expect(doubt(.nan) != nil && doubt(0, error: .nan) != nil)
    #expect(throws: ModelDataError.self) {
      try ParameterReference.read(from: folder.url, latents: 3)
    }
    #expect([0.05, 0.25, 0.5].map(reference.percentile) == [0, 50, 100])
    #expect(reference.percentile(of: .nan) == 100)
  }

  @Test("a description of training data with a part missing ends in a sentence")
  func damaged() throws {
    let folder = try TemporaryFolder()
    for (range, isWhole) in [("[0, 1]", true), ("[]", false)] {
      try Data(
        """
        {"boundary": ["periodic"], "spacings": [1], "axisUnits": [], "channels":
          [{"name": "u", "unit": "", "range": \(range), "deviations": [1, 2]}]}
        """.utf8
      ).write(to: folder.path("data.json"))
      if isWhole {
        #expect(try TrainedData.read(from: folder.url)?.channels.first?.range == [0, 1])
      } else {
        #expect(throws: ModelDataError.self) { try TrainedData.read(from: folder.url) }
      }
    }
  }

  @Test("the one-crop error is that of the rollout, over the spread of what it should be")
  func oneCrop() throws {
    var metadata = RecordingsMetadata()
    metadata.boundary = [.periodic]
    let (frames, points) = (40, 32)
    let values = (0..<frames * points).map { place in
      Float(sin(0.1 * Double(place / points) + 2 * .pi * Double(place % points) / Double(points)))
    }
    let recordings = Recordings(
      x: HostArray(values, shape: [1, 1, frames, points]), metadata: metadata)
    let model = try ParameterVAE(
      configuration: ParameterModelConfiguration(), field: FieldDescription(recordings), seed: 1)
    model.trainedFrames = 5
    let latents = ExtractedLatents(
      recording: 0, mean: [Double](repeating: 0, count: model.configuration.latents),
      standardDeviation: [], parameters: [])
    let predicted = try model.rollout(
      recordings, range: 0..<1, latents: [latents.mean], frames: 5, halo: .periodic)
    let truth = Array(values[points..<6 * points])
    let error = zip(predicted.elements, truth).reduce(0) { sum, pair in
      sum + Double(pair.0 - pair.1) * Double(pair.0 - pair.1)
    }
    let mean = truth.reduce(0) { $0 + Double($1) } / Double(truth.count)
    let spread = truth.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    let found = try model.oneCropErrors(recordings, [latents])
    #expect(abs(found[0] - (error / spread).squareRoot()) < 1e-6 * found[0])
  }
}
