// A run folder with plausible contents, made without a model: waves whose speed depends on γ, a
// latent that is linear in γ with a little noise, and a prediction that slowly loses phase.
import Foundation
import KymoMetrics
import KymoNumerics

struct SyntheticRun {
  /// What the synthetic results hold.
  struct Contents {
    var parameterNames = ["γ"]
    var relevantLatents = [2]
    var recordingCount = 400
    var fieldCount = 2
    var frames = 255
    var side = 256
    var dataDescription = "Test recordings of Kuramoto–Sivashinsky"
    var curveName = "propagating decoder"
    var planeCount = 0
  }

  /// A new folder; removed by `remove()`.
  let folder: URL

  init(_ name: String = "ks-demo") throws {
    folder = FileManager.default.temporaryDirectory
      .appending(path: "kymo-report-\(UUID().uuidString)").appending(path: name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }

  /// Writes every file that a run has.
  func writeAll(_ contents: Contents = Contents()) throws {
    try write(JSONEncoder().encode(Self.results(contents)), to: "results.json")
    try write(Data(Self.training().utf8), to: "metrics.jsonl")
    try write(Data(Self.recipe.utf8), to: "recipe.yaml")
    try write(Data(Self.environment.utf8), to: "environment.json")
  }

  func write(_ data: Data, to file: String) throws {
    try data.write(to: folder.appending(path: file))
  }

  static func results(_ contents: Contents = Contents()) -> ExtractionResults {
    var stream = RandomStream(seed: 11, purpose: .testing)
    let recordings = (0..<contents.recordingCount).map { index in
      let parameters = contents.parameterNames.map { _ in
        stream.truncatedNormal(mean: 1, standardDeviation: 0.125, in: 0.5...1.5)
      }
      let truth =
        parameters.isEmpty
        ? contents.relevantLatents.map { _ in 1 + 0.125 * stream.normal() } : parameters
      let latents = (0..<5).map { latent -> (Double, Double) in
        guard let place = contents.relevantLatents.firstIndex(of: latent) else {
          return (0.005 * stream.normal(), 0.0376.squareRoot() * (1 + 0.02 * stream.normal()))
        }
        let scaled = (truth[place % truth.count] - 1) / 0.125
        let bent = 0.95 * scaled - 0.018 * scaled * scaled * scaled
        let sigma = 0.035 * (1 + 0.4 * stream.uniform()) * exp(0.15 * scaled)
        return (-bent + sigma * 1.3 * stream.normal(), sigma)
      }
      return ExtractionResults.RecordingLatents(
        recording: index, mean: latents.map(\.0), standardDeviation: latents.map(\.1),
        parameters: parameters)
    }
    let latents = ExtractionResults.latentSummaries(of: recordings, collapsedVariance: 0.0376)
    let relevant = latents.indices.filter { latents[$0].isRelevant }
    let paper = PaperNumbers.kuramotoSivashinsky
    let interval = Double.pi / 8
    var results = ExtractionResults(
      dataDescription: contents.dataDescription, parameterNames: contents.parameterNames,
      latents: latents, collapsedVariance: 0.0376,
      scores: ExtractionResults.parameterScores(
        parameterNames: contents.parameterNames, recordings: recordings,
        relevantLatents: relevant, trainingRecordings: recordings, paper: paper),
      recordings: recordings,
      errorCurves: [
        curve(
          contents.curveName, start: 0.005, rate: 0.082, frames: contents.frames,
          paper.decoderErrors),
        curve(
          "finite differences, advective", start: 0.012, rate: 0.115, frames: contents.frames,
          paper.finiteDifferenceErrors),
        curve(
          "finite differences, conservative", start: 0.007, rate: 0.11, frames: contents.frames,
          []),
      ],
      frameInterval: interval, trainedFrames: 31,
      fields: (0..<contents.fieldCount).map { field(index: $0, side: contents.side) },
      paperRelevantCount: 1)
    if contents.planeCount > 0 {
      results.planes = (0..<contents.planeCount).map { plane(index: $0, side: contents.side) }
    }
    return results
  }

  private static func plane(index: Int, side: Int) -> ExtractionResults.PlaneComparison {
    let positions = (0..<side).map { Double($0) }
    let times = [0.2, 3.1, 12.4]
    func field(_ t: Double, _ drift: Double) -> [[Float]] {
      positions.map { x in
        positions.map { y in
          Float(sin(0.2 * x + t * (1 + drift)) * cos(0.3 * y - Double(index)))
        }
      }
    }
    return ExtractionResults.PlaneComparison(
      recording: index, caption: "D = 0.108", times: times, positions: [positions, positions],
      truth: times.map { field($0, 0) }, prediction: times.map { field($0, 0.01) },
      trainedTime: 3.1)
  }

  private static func curve(
    _ name: String, start: Double, rate: Double, frames: Int,
    _ points: [ExtractionResults.PaperPoint]
  ) -> ExtractionResults.ErrorCurve {
    let mean = (0..<frames).map { 1.88 / (1 + (1.88 / start - 1) * exp(-rate * Double($0))) }
    return ExtractionResults.ErrorCurve(
      name: name, mean: mean, lowerDecile: mean.map { $0 * 0.6 / (0.6 + 0.2 * $0) },
      upperDecile: mean.map { $0 * (1.6 - 0.25 * $0) }, recordingCount: 400, divergedCount: 0,
      paperPoints: points)
  }

  private static func field(index: Int, side: Int) -> ExtractionResults.FieldComparison {
    let times = (0..<side).map { Double($0) * .pi / 8 }
    let positions = (0..<side).map { Double($0) * 64 * .pi / Double(side) }
    var stream = RandomStream(seed: 4, purpose: .testing, index: UInt64(index))
    let waves = (1...24).map { mode in Wave(mode: mode, stream: &stream) }
    func value(_ x: Double, _ t: Double, _ drift: Double) -> Float {
      var sum = 0.0
      for wave in waves { sum += wave.value(x, t, drift) }
      return Float(sum)
    }
    return ExtractionResults.FieldComparison(
      recording: 7 * index, caption: index == 0 ? "γ = 1.08" : "γ = 0.91", times: times,
      positions: positions,
      truth: times.map { t in positions.map { value($0, t, 0) } },
      prediction: times.map { t in positions.map { value($0, t, 0.0004 * t) } },
      trainedTime: 31 * .pi / 8)
  }

  private struct Wave {
    let number: Double
    let phase: Double
    let rate: Double
    let size: Double

    init(mode: Int, stream: inout RandomStream) {
      number = Double(mode) / 32
      phase = 2 * .pi * stream.uniform()
      rate = 0.25 * stream.normal()
      size = 1.1 * exp(-abs(Double(mode) - 16) / 6)
    }

    func value(_ x: Double, _ t: Double, _ drift: Double) -> Double {
      let angle: Double = number * x + phase + rate * t * (1 + drift)
      let swell: Double = 1 + 0.3 * sin(0.05 * t * rate + phase)
      return size * cos(angle) * swell
    }
  }

  static func training(lines: Int = 400) -> String {
    var stream = RandomStream(seed: 6, purpose: .testing)
    return (1...lines).map { line in
      let progress = Double(line) / Double(lines)
      let found = 1 / (1 + exp(-(progress - 0.2) * 40))
      let reconstruction = 0.9 * exp(-6 * progress) + 0.004 + 0.01 * stream.uniform()
      let divergence = 2.2 * found + 0.02 * stream.uniform()
      let fall = 0.5 * (1 + cos(.pi * (progress - 0.2) / 0.8))
      let rate = 2e-3 * (progress < 0.2 ? progress / 0.2 : fall)
      let spread = (0..<5).map { $0 == 2 ? 0.95 * found + 0.02 : 0.02 * (1 - found) + 0.001 }
      let noise = (0..<5).map { $0 == 2 ? 1 - 0.97 * found : 0.97 + 0.03 * stream.uniform() }
      return """
        {"step":\(line * 10),"seconds":\(Double(line) * 0.41),"loss":\(reconstruction + 0.002 * divergence),\
        "reconstruction":\(reconstruction),"divergence":\(divergence),"learningRate":\(rate),\
        "gradientNorm":\(0.5 * stream.uniform()),"latentVariance":\(spread),"latentSigma2":\(noise)}

        """
    }.joined()
  }

  static let recipe = """
    experiment: pde-vae/ks
    data:
      train: ks-train.npz
    model:
      latents: 5
      encoder: { stride: 4 }
    training:
      steps: 4000
      batch: 50
      beta: 0.002
    seed: 1

    """

  static let environment = """
    {"version": "0.1.0", "commit": "0123abcd", "libtorch": "2.9.0", "device": "cpu", "threads": 2,
     "seed": 1, "dataHash": "sha256:3f5a", "machine": "x86-64, 2 cores, AVX-512",
     "startedAt": "2026-01-01T12:00:00Z", "trainingSeconds": 164.2, "presets": ["quick"]}
    """

  /// The plotting library of the development environment.
  static func plotly() throws -> URL {
    let libraries = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".deps/venv/lib")
    let versions = try FileManager.default.contentsOfDirectory(atPath: libraries.path).sorted()
    return libraries.appending(
      path: "\(versions.first ?? "python3")/site-packages/plotly/package_data/plotly.min.js")
  }
}
