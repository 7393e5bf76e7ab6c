// Numbers of NumPy, written by Golden/metrics.py.
import Foundation
import KymoMetrics

struct Golden: Decodable {
  struct Fit: Decodable {
    var coefficients: [Double]
    var rSquared: Double
    var rSquaredOfTrainingFit: Double
    var coverage95: Double
    var single: [Double]
  }

  var latents: [[Double]]
  var deviations: [[Double]]
  var parameters: [[Double]]
  var trainingLatents: [[Double]]
  var trainingDeviations: [[Double]]
  var trainingParameters: [[Double]]
  var varianceOfMean: [Double]
  var meanVariance: [Double]
  var fits: [Fit]
  var shape: [Int]
  var truth: [Float]
  var prediction: [Float]
  var errorRows: [[Double]]
  var errorMean: [Double]
  var errorLower: [Double]
  var errorUpper: [Double]

  static func load() throws -> Golden {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/metrics.json")
    return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
  }

  var recordings: [ExtractedLatents] {
    Self.recordings(latents, deviations, parameters)
  }

  var trainingRecordings: [ExtractedLatents] {
    Self.recordings(trainingLatents, trainingDeviations, trainingParameters)
  }

  private static func recordings(
    _ latents: [[Double]], _ deviations: [[Double]], _ parameters: [[Double]]
  ) -> [ExtractedLatents] {
    latents.indices.map {
      ExtractedLatents(
        recording: $0, mean: latents[$0], standardDeviation: deviations[$0],
        parameters: parameters[$0])
    }
  }
}
