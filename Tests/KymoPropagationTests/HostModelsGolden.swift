// Values from NumPy and SciPy; `Golden/host_models.py` made them.
import Foundation
import KymoNumerics
import Testing

struct HostModelsGolden: Decodable {
  var formatVersion: Int
  var adjacency, inputWeights, firstSeries, secondSeries: [Double]
  var radius: Double
  var ridgeReadOut, pseudoInverseFit, activity, freeRun: [Double]
  var theta, targets, sparse, sparseBiased, sparseStrict: [Double]
  var noisy, smoothed, refined, derivatives: [Double]

  static func load() throws -> HostModelsGolden {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/host_models.json")
    let golden = try JSONDecoder().decode(HostModelsGolden.self, from: Data(contentsOf: file))
    try #require(golden.formatVersion == 1)
    return golden
  }

  var series: [HostArray<Double>] {
    [HostArray(firstSeries, shape: [120, 2]), HostArray(secondSeries, shape: [90, 2])]
  }
}
