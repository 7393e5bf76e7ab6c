// What inspect advises works as it stands: recipes for data that one method alone can learn from.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("A file that one method can learn from", .serialized) struct StarterTests {
  private let temporary: TemporaryFolder
  private let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
  }

  /// A trajectory of the Lorenz equations, three channels at one point.
  private func writeLorenz() throws {
    var state = SIMD3(1.0, 2, 20)
    func slope(_ s: SIMD3<Double>) -> SIMD3<Double> {
      SIMD3(10 * (s.y - s.x), s.x * (28 - s.z) - s.y, s.x * s.y - 8 / 3 * s.z)
    }
    var x = HostArray<Float>(repeating: 0, shape: [1, 3, 600, 1])
    for frame in 0..<600 {
      for channel in 0..<3 { x[0, channel, frame, 0] = Float(state[channel]) }
      for _ in 0..<4 {
        let middle = state + 0.0025 * slope(state)
        state += 0.005 * slope(middle)
      }
    }
    let writer = try NPZWriter(tool.file("data.npz"))
    try writer.add("x", x)
    try writer.add("dt", 0.02)
    try writer.add("channel_names", ["x", "y", "z"])
    try writer.finish()
  }

  @Test(
    "is no error, and its recipe trains, evaluates and forecasts as it is printed",
    arguments: [[0, 600], [1, 300], [1, 20], [2, 16]])
  func dynamics(_ sizes: [Int]) throws {
    let (count, frames) = (sizes[0], sizes[1])
    if count == 0 {
      try writeLorenz()
    } else {
      let made = try tool.run(
        "simulate", "ks", "recordings=\(count)", "frameCount=\(frames)", "pointCount=64",
        "length=50.26548", "-o", "data.npz")
      #expect(made.status == 0, "\(made.words)")
    }
    let seen = try tool.run("inspect", "data.npz", "--recipe", "r.yaml")
    #expect(seen.status == 0, "\(seen.output)")
    let why = count < 2 ? "there is a single recording" : "there are 16 frames"
    let words = seen.output.replacing(/\s+/, with: " ")
    #expect(words.contains("parameters cannot be trained: "), "\(words)")
    #expect(words.lowercased().contains(why), "\(words)")
    #expect(!seen.output.contains("ERROR"), "\(seen.output)")
    for verb in [
      ["train", "r.yaml", "-o", "run"], ["evaluate", "run"], ["report", "run"],
      ["forecast", "run", "data.npz", "--horizon", "50", "-o", "f.npz"],
    ] {
      let outcome = try tool.run(verb + (verb[0] == "report" ? [] : ["--threads", "1"]))
      #expect(outcome.status == 0, "\(verb): \(outcome.words)")
    }
    let shape = try Recordings.load(tool.file("f.npz")).shape
    #expect(shape == (count == 0 ? [1, 3, 50, 1] : [count, 1, 50, 64]))
  }

  @Test("is an error where no method can, with a sentence for each")
  func none() throws {
    let made = try tool.run(
      "simulate", "ks", "recordings=3", "frameCount=10", "pointCount=64", "length=50.26548", "-o",
      "data.npz")
    #expect(made.status == 0, "\(made.words)")
    let seen = try tool.run("inspect", "data.npz")
    #expect(seen.status == 1)
    for words in ["no method can be trained", "the encoder needs 31", "forecasts need 16"] {
      #expect(seen.output.replacing(/\s+/, with: " ").contains(words), "\(seen.output)")
    }
  }
}
