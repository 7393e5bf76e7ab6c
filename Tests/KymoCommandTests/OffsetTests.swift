// Fields that change by little beside their mean, 101325 ± 0.01, through both methods, against the
// same fields without the mean.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Fields with a large mean", .serialized) struct OffsetTests {
  private let temporary: TemporaryFolder
  private let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
    for (name, mean) in [("small", 0.0), ("large", 101_325)] {
      for (file, count, phase) in [("train", 6, 0.0), ("test", 2, 0.3)] {
        let writer = try NPZWriter(tool.file("\(name)-\(file).npz"))
        var values: [Double] = []
        for n in 0..<count {
          for t in 0..<64 {
            for i in 0..<48 {
              let angle =
                Double.pi * Double(i) / 12 - (0.1 + 0.02 * Double(n)) * Double(t) + phase
                + Double(n)
              values.append(mean + 0.01 * (sin(angle) + 0.3 * cos(2 * angle)))
            }
          }
        }
        try writer.add("x", HostArray(values, shape: [count, 1, 64, 48]))
        try writer.add("dt", 0.5)
        try writer.add("extent", HostArray([24.0], shape: [1]))
        try writer.add("boundary", ["periodic"])
        try writer.finish()
      }
      try Data(
        """
        name: offset
        data: {train: \(name)-train.npz, test: \(name)-test.npz}
        model: {latents: 2, dataStart: true}
        training:
          phases: {joint: {steps: 8}}
          batchSize: 4
          inputCrop: [40, 48]
          targetCrop: [4, 28]
        evaluation: {rolloutRecordings: 2}
        """.utf8
      ).write(to: tool.file("\(name)-parameters.yaml"))
      try Data(
        """
        method: dynamics
        name: offset
        data: {train: \(name)-train.npz, test: \(name)-test.npz}
        reduction: {principalComponents: {latentCount: 4}}
        propagator: {reservoir: {unitCount: 20, washOutSteps: 5}}
        forecast: {warmUpSteps: 10, horizonSteps: 10, initialConditions: 2}
        """.utf8
      ).write(to: tool.file("\(name)-dynamics.yaml"))
    }
  }

  private func succeed(
    _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let outcome = try tool.run(arguments + ["--threads", "1"])
    #expect(outcome.status == 0, "\(outcome.words)", sourceLocation: sourceLocation)
    return outcome
  }

  private func losses(_ run: String) throws -> [Double] {
    try tool.text("\(run)/metrics.jsonl").split(separator: "\n").map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return try #require(object?["loss"] as? Double)
    }
  }

  @Test(
    "train, evaluate, are extracted from and forecast as without the mean",
    arguments: ["parameters", "dynamics"])
  func sameAsWithout(_ method: String) throws {
    for name in ["small", "large"] {
      _ = try succeed("train", "\(name)-\(method).yaml", "-o", name)
      _ = try succeed("evaluate", name)
      _ = try succeed("forecast", name, "\(name)-test.npz", "-o", "\(name)-forecast.npz")
    }
    let (small, large) = (try losses("small"), try losses("large"))
    #expect(small.count == large.count && !small.isEmpty)
    // Files differ by roundings of 1.5e-11 in 0.01, scaled fields in Float by 6e-8, and with them
    // the first loss. Every step divides gradients by their own size, so that those near zero
    // differ in full. Reductions without a rest have losses of rounding alone.
    let rest = 1e-10
    #expect(abs(small[0] - large[0]) < 1e-5 * small[0] + rest, "\(small[0]), \(large[0])")
    for (one, other) in zip(small, large) {
      #expect(abs(one - other) < 1e-3 * one + rest, "\(one), \(other)")
    }
    let file = try NPZFile(tool.file("large-forecast.npz"))
    #expect(try file.array("x").element == .number(.float64))
    let (with, without) = (
      try file.doubles("x").elements,
      try NPZFile(tool.file("small-forecast.npz")).doubles("x").elements
    )
    let worst = zip(with, without).map { abs($0 - 101_325 - $1) }.max() ?? .infinity
    // Float alone would be off by up to 0.004.
    #expect(worst < 1e-5, "\(worst)")
    if method == "parameters" {
      for name in ["small", "large"] {
        let words = try succeed("extract", name, "\(name)-test.npz", "-o", "\(name)-latents").words
        #expect(!words.contains("lie outside"), "\(words)")
      }
      let means = try ["small", "large"].map {
        try NPZFile(tool.file("\($0)-latents.npz")).doubles("mu").elements
      }
      for (one, other) in zip(means[0], means[1]) { #expect(abs(one - other) < 1e-2) }
    } else {
      let refused = try tool.run(
        "forecast", "large", "large-test.npz", "--macro", "2", "--micro", "2", "--solver", "cat",
        "-o", "mixed.npz")
      #expect(refused.status == 2 && refused.words.contains("101325"), "\(refused.words)")
    }
  }
}
