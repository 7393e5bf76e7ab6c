// Files that models are judged on pass the checks of a training, in both methods: gaps cost a
// recording, marks and damaged numbers the evaluation.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Files of an evaluation", .serialized) struct CheckedFilesTests {
  private let temporary: TemporaryFolder
  private let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
    try write("train", recordings: 6)
    try write("test", recordings: 3)
    try Data(
      """
      name: checked
      data: {train: train.npz, test: test.npz}
      model: {latents: 2, dataStart: true}
      training:
        phases: {joint: {steps: 3}}
        batchSize: 4
        inputCrop: [40, 48]
        targetCrop: [4, 28]
      evaluation: {rolloutRecordings: 2}
      """.utf8
    ).write(to: tool.file("parameters.yaml"))
    try Data(
      """
      method: dynamics
      name: checked
      data: {train: train.npz, test: test.npz}
      reduction: {principalComponents: {latentCount: 4}}
      propagator: {reservoir: {unitCount: 20, washOutSteps: 5}}
      forecast: {warmUpSteps: 10, horizonSteps: 10, initialConditions: 2}
      """.utf8
    ).write(to: tool.file("dynamics.yaml"))
  }

  private func write(
    _ name: String, recordings: Int, times: [Double]? = nil,
    _ change: (inout HostArray<Double>) -> Void = { _ in }
  ) throws {
    var x = HostArray<Double>(repeating: 0, shape: [recordings, 1, 64, 48])
    for n in 0..<recordings {
      for t in 0..<64 {
        for i in 0..<48 {
          let angle = Double.pi * Double(i) / 12 - (0.1 + 0.02 * Double(n)) * Double(t) + Double(n)
          x[n, 0, t, i] = sin(angle) + 0.3 * cos(2 * angle)
        }
      }
    }
    change(&x)
    let writer = try NPZWriter(tool.file("\(name).npz"))
    try writer.add("x", x)
    if let times {
      try writer.add("t", HostArray(times, shape: [times.count]))
    } else {
      try writer.add("dt", 0.5)
    }
    try writer.add("extent", HostArray([24.0], shape: [1]))
    try writer.add("boundary", ["periodic"])
    try writer.finish()
  }

  /// What is made of the test recordings is as without the one with a gap, which has no numbers.
  private func leavesOut(_ method: String) throws {
    let others = try Recordings.load(tool.file("test.npz")).leavingOut([1])
    try others.write(to: tool.file("others.npz"))
    let isExtraction = method == "parameters"
    let (verb, name) = isExtraction ? ("extract", "mu") : ("forecast", "x")
    for file in ["test", "others"] {
      let made = try tool.run(
        verb, "run", "\(file).npz", "-o", "\(file)-made.npz", "--force", "--threads", "1")
      #expect(made.status == 0, "\(made.words)")
      let named = made.words.contains("the first in recording 1, channel u, frame 30, cell 5")
      #expect(named == (file == "test"), "\(made.words)")
      #expect(!made.output.contains("nan"), "\(made.output)")
    }
    let all = try NPZFile(tool.file("test-made.npz")).doubles(name)
    let some = try NPZFile(tool.file("others-made.npz")).doubles(name)
    #expect(all.slice(1).elements.allSatisfy { $0.isNaN })
    #expect(all.slice(0) == some.slice(0) && all.slice(2) == some.slice(1))
  }

  @Test(
    "lose recordings with gaps; marks, 1e39 and uneven times are refused",
    arguments: ["parameters", "dynamics"])
  func evaluations(_ method: String) throws {
    let trained = try tool.run("train", "\(method).yaml", "-o", "run", "--threads", "1")
    #expect(trained.status == 0, "\(trained.words)")
    func evaluate() throws -> Outcome { try tool.run("evaluate", "run", "--threads", "1") }
    func refuses(_ words: String) throws {
      let refused = try evaluate()
      #expect(refused.status != 0 && refused.words.contains(words), "\(refused.words)")
      #expect(!refused.words.contains("fill"), "\(refused.words)")
    }

    try write("test", recordings: 3) { $0[1, 0, 30, 5] = .nan }
    let gaps = try evaluate()
    #expect(gaps.words.contains("the first in recording 1, channel u, frame 30, cell 5"))
    try leavesOut(method)
    #expect(gaps.status == 0, "\(gaps.words)")
    for words in [gaps.words, try tool.text("run/results.json")] {
      #expect(
        words.contains("Left out, since they hold values that are NaN or infinite: 1 of 3"),
        "\(words)")
    }

    try write("test", recordings: 3) { x in for t in 9..<12 { x[1, 0, t, 5] = -9999 } }
    try refuses("the value -9999 appears 3 times")
    try write("test", recordings: 3) { x in x[2, 0, 9, 5] = 1e39 }
    try refuses("1e+39")
    var times = (0..<64).map { 0.5 * Double($0) }
    times[20] += 0.2
    try write("test", recordings: 3, times: times)
    try refuses("not at even times")

    try write("test", recordings: 3) { x in
      for n in 0..<3 { for t in 0..<64 { for i in 20..<25 { x[n, 0, t, i] = 0.5 } } }
    }
    let obstacle = try evaluate()
    #expect(
      obstacle.status == 0 && obstacle.words.contains("5 cells of 48"), "\(obstacle.words)")
  }

  @Test("of the validation are checked before a training") func validation() throws {
    try write("validation", recordings: 3) { x in for t in 9..<12 { x[1, 0, t, 5] = 1e20 } }
    let refused = try tool.run(
      "train", "dynamics.yaml", "data.validation=validation.npz", "-o", "run", "--threads", "1")
    #expect(refused.status != 0 && refused.words.contains("the value 1e+20"), "\(refused.words)")
  }

  @Test("whole numbers beyond 2^53 are named and refused; large ones below it train as others do")
  func wholeNumbers() throws {
    try python(
      """
      for name in ['train', 'test']:
          d = dict(np.load(f'{name}.npz')); x = np.round(1000 * d.pop('x')).astype('int64')
          np.savez(f'{name}-large.npz', x=x + 10**15, **d); np.savez(f'{name}-small.npz', x=x, **d)
          np.savez(f'{name}-beyond.npz', x=x + 2**53, **d)
      """, in: temporary.url)
    func train(_ kind: String) throws -> Outcome {
      try tool.run(
        "train", "dynamics.yaml", "data.train=train-\(kind).npz", "data.test=test-\(kind).npz",
        "-o",
        kind, "--threads", "1")
    }
    let beyond = try train("beyond")
    #expect(beyond.status != 0 && beyond.words.contains("beyond 2^53"), "\(beyond.words)")
    let looked = try tool.run("inspect", "train-beyond.npz")
    #expect(looked.output.contains("beyond 2^53"), "\(looked.output)")
    func scores(_ kind: String) throws -> [Substring] {
      let trained = try train(kind)
      #expect(trained.status == 0, "\(trained.words)")
      let evaluated = try tool.run("evaluate", kind, "--threads", "1")
      return evaluated.output.split(separator: "\n").filter {
        $0.hasPrefix("reservoir") || $0.hasPrefix("last known")
      }.map { $0.prefix(60) }
    }
    let small = try scores("small")
    #expect(try small.count == 2 && small == scores("large"))
  }
}
