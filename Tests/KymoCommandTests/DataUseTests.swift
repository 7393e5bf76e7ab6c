// A trained model meets data that it was not made for: other steps, spacings, ends, units, sizes.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Data at use", .serialized) struct DataUseTests {
  private let temporary: TemporaryFolder
  private let tool: Tool

  /// Two tiny runs on the same recordings, one of each method.
  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
    try simulate("train", 1, 8)
    try simulate("test", 2, 3)
    try Data(
      """
      name: tiny
      data: {train: train.npz, test: test.npz}
      model: {latents: 2, dataStart: true}
      training:
        phases: {joint: {steps: 5}}
        batchSize: 4
        inputCrop: [40, 48]
        targetCrop: [4, 28]
      """.utf8
    ).write(to: tool.file("vae.yaml"))
    try Data(
      """
      method: dynamics
      name: tiny
      data: {train: train.npz, test: test.npz}
      reduction: {principalComponents: {latentCount: 4}}
      propagator: {reservoir: {unitCount: 20, washOutSteps: 5}}
      forecast: {warmUpSteps: 10, horizonSteps: 10, initialConditions: 2}
      """.utf8
    ).write(to: tool.file("led.yaml"))
    for name in ["vae", "led"] {
      let trained = try tool.run("train", "\(name).yaml", "-o", name, "--threads", "1")
      #expect(trained.status == 0, "\(trained.words)")
    }
  }

  private func simulate(_ name: String, _ seed: Int, _ count: Int, _ more: String...) throws {
    let outcome = try tool.run(
      [
        "simulate", "ks", "recordings=\(count)", "frameCount=64", "pointCount=64",
        "length=50.26548", "seed=\(seed)", "-o", "\(name).npz",
      ] + more)
    #expect(outcome.status == 0, "\(outcome.words)")
  }

  /// The test recordings, changed and written under a name.
  private func write(
    _ name: String, of file: String = "test", scale: Float = 1, times: [Double]? = nil,
    _ change: (inout RecordingsMetadata) -> Void = { _ in }
  ) throws {
    let recordings = try Recordings.load(tool.file(file + ".npz"))
    var metadata = recordings.metadata
    change(&metadata)
    let values = (0..<recordings.count).flatMap { recordings[$0].exchanged(0).elements }
    let writer = try NPZWriter(tool.file(name + ".npz"))
    try writer.add("x", HostArray(values.map { $0 * scale }, shape: recordings.shape))
    if let interval = metadata.frameInterval { try writer.add("dt", interval) }
    if let extents = metadata.extents {
      try writer.add("extent", HostArray(extents, shape: [extents.count]))
    }
    let ends = metadata.boundary.map(\.rawValue)
    if ends != ["unknown"] { try writer.add("boundary", ends) }
    for (key, texts) in [
      ("channel_units", metadata.channelUnits), ("channel_names", metadata.channelNames),
      ("axis_units", metadata.axisUnits),
    ] where !texts.isEmpty { try writer.add(key, texts) }
    if let times { try writer.add("t", HostArray(times, shape: [times.count])) }
    try writer.finish()
  }

  private func use(_ file: String, _ more: String...) throws -> [Outcome] {
    [
      try tool.run(
        ["extract", "vae", file + ".npz", "-o", "vae-\(file)", "--threads", "1"] + more),
      try tool.run(
        ["forecast", "led", file + ".npz", "-o", "led-\(file).npz", "--threads", "1"] + more),
    ]
  }

  private func refuses(
    _ file: String, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let evaluated = try ["vae", "led"].map {
      try tool.run("evaluate", $0, file + ".npz", "--threads", "1")
    }
    for outcome in try use(file) + evaluated {
      #expect(outcome.status == 2, "\(outcome.words)", sourceLocation: sourceLocation)
      for word in words + ["--as-trained"] {
        #expect(outcome.words.contains(word), "\(outcome.words)", sourceLocation: sourceLocation)
      }
    }
    #expect(!tool.has("vae-\(file).csv") && !tool.has("led-\(file).npz"))
    for outcome in try use(file, "--as-trained") {
      #expect(outcome.status == 0, "\(outcome.words)", sourceLocation: sourceLocation)
      #expect(
        outcome.words.contains("Warning: \(file).npz"), "\(outcome.words)",
        sourceLocation: sourceLocation)
    }
  }

  @Test("the training's own kind passes without a word")
  func same() throws {
    for outcome in try use("test") {
      #expect(outcome.status == 0 && !outcome.words.contains("arning"), "\(outcome.words)")
    }
    // The file of latents says how well the model follows each recording.
    let header = try #require(tool.text("vae-test.csv").split(separator: "\n").first)
    #expect(header.hasSuffix(",fit,doubt"), "\(header)")
    let latents = try NPZFile(tool.file("vae-test.npz"))
    #expect(latents.names.contains("fit") && latents.names.contains("in_doubt"))
  }

  @Test("another step, spacing, end or unit is refused with both values and the way out")
  func refusals() throws {
    try write("step") { $0.frameInterval? *= 0.5 }
    try refuses("step", "step.npz: dt", "0.1963", "0.3927", "1 of 2")
    try write("odd") { $0.frameInterval? *= 0.7 }
    try refuses("odd", "dt", "scipy.interpolate")
    try write("spacing") { $0.extents = [20] }
    try refuses("spacing", "spacing of x", "0.3125", "0.7854")
    try write("ends") { $0.boundary = [.wall] }
    try refuses("ends", "boundary of x", "dirichlet", "periodic")
    try write("silent") { ($0.boundary, $0.frameInterval) = ([.unknown], nil) }
    try refuses("silent", "absent", "np.savez")
    // The step of a forecast is the model's, whatever its input says.
    let step = try Recordings.load(tool.file("test.npz")).frameInterval
    #expect(try Recordings.load(tool.file("led-step.npz")).frameInterval == step)
  }

  @Test(
    "missing ends are named, not the spacing that they would change; insisting takes the trained")
  func ends() throws {
    try write("open") { $0.boundary = [.open] }
    try refuses("open", "boundary of x", "is open")
    try write("none") { $0.boundary = [.unknown] }
    try refuses("none", "boundary of x", "periodic")
    let usual = try tool.run("evaluate", "vae", "test.npz", "--threads", "1")
    let insisted = try tool.run("evaluate", "vae", "none.npz", "--as-trained", "--threads", "1")
    #expect(usual.status == 0 && insisted.status == 0)
    // The evaluation too takes them as periodic.
    func numbers(_ outcome: Outcome) -> [Substring]? {
      outcome.output.split(separator: "\n").first { $0.hasPrefix("propagating decoder") }?
        .split(separator: " ")
    }
    #expect(numbers(usual) != nil && numbers(usual) == numbers(insisted))
  }

  @Test("units that are not given, and channels of another name, are refused")
  func units() throws {
    for name in ["train", "test"] {
      try write("units-\(name)", of: name) {
        ($0.channelNames, $0.channelUnits, $0.axisUnits) = (["speed"], ["m/s"], ["s", "m"])
      }
    }
    let trained = try tool.run(
      "train", "led.yaml", "data.train=units-train.npz", "data.test=units-test.npz", "-o", "units",
      "--threads", "1")
    #expect(trained.status == 0, "\(trained.words)")
    func use(_ file: String) throws -> Outcome {
      try tool.run("forecast", "units", file + ".npz", "-o", "units-\(file)-out.npz")
    }
    let parameters = try tool.run(
      "train", "vae.yaml", "data.train=units-train.npz", "data.test=units-test.npz", "-o",
      "units-vae", "--threads", "1")
    #expect(parameters.status == 0, "\(parameters.words)")
    let evaluated = try tool.run("evaluate", "units-vae", "--threads", "1")
    #expect(evaluated.output.contains("RMSE (m/s) at index"), "\(evaluated.output)")
    let same = try use("units-test")
    #expect(same.status == 0 && !same.words.contains("Warning:"), "\(same.words)")
    // A forecast says of its axes and channels what its input said.
    let made = try Recordings.load(tool.file("units-units-test-out.npz"))
    #expect(made.boundary == [.periodic] && made.metadata.channelUnits == ["m/s"])
    #expect(made.channelNames == ["speed"] && made.extents != nil)
    try write("bare") { $0.channelNames = ["speed"] }
    let bare = try use("bare")
    #expect(bare.status == 2 && bare.words.contains("unit of t' is absent"), "\(bare.words)")
    try write("other") {
      ($0.channelNames, $0.channelUnits, $0.axisUnits) = (["pressure"], ["m/s"], ["s", "m"])
    }
    let other = try use("other")
    #expect(other.status == 2 && other.words.contains("is 'pressure'"), "\(other.words)")
  }

  @Test("files of a recipe are compared with its training data too")
  func recipes() throws {
    try write("half") { $0.frameInterval? *= 0.5 }
    try write("large", scale: 1000)
    for name in ["vae", "led"] {
      let run = try tool.run(
        "train", "\(name).yaml", "data.test=half.npz", "-o", "half-\(name)", "--threads", "1")
      #expect(run.status == 0, "\(run.words)")
      let evaluated = try tool.run("evaluate", "half-\(name)", "--threads", "1")
      #expect(
        evaluated.status == 2 && evaluated.words.contains("dt' is 0.1963"), "\(evaluated.words)")
      let insisted = try tool.run("evaluate", "half-\(name)", "--as-trained", "--threads", "1")
      #expect(insisted.status == 0 && insisted.words.contains("Warning"), "\(insisted.words)")
    }
    let marked = try tool.run("evaluate", "led", "large.npz", "--threads", "1")
    #expect(marked.status == 0, "\(marked.words)")
    #expect(try tool.text("led/results.json").contains("3 of 3 recordings lie outside"))
    let trained = try tool.run("train", "led.yaml", "data.validation=half.npz", "-o", "v")
    #expect(
      trained.status == 2 && trained.words.contains("data.validation: dt"), "\(trained.words)")
  }

  @Test("numbers that are no measurements are refused by every verb")
  func measurements() throws {
    var times = (0..<64).map { 0.39269908 * Double($0) }
    times[30] += 0.15
    try write("uneven", times: times)
    for outcome in try use("uneven") {
      #expect(outcome.status == 1 && outcome.words.contains("even times"), "\(outcome.words)")
    }
  }

  @Test("forecasts that no memory holds are refused before anything is computed")
  func memory() throws {
    for run in ["vae", "led"] {
      let outcome = try tool.run(
        "forecast", run, "test.npz", "--horizon", "100000000000", "-o", "long.npz")
      #expect(outcome.status == 2 && outcome.words.contains("memory suffices"), "\(outcome.words)")
    }
  }

  @Test("every second frame of recordings with half the step is what the model knows")
  func resampling() throws {
    try simulate("fine", 2, 3, "frameInterval=0.19634954", "frameCount=127")
    try simulate("coarse", 2, 3)
    #expect(try tool.run("extract", "vae", "fine.npz", "-o", "no").status == 2)
    for outcome in try use("fine", "--resample") {
      #expect(outcome.status == 0 && outcome.words.contains("1 of 2 frames"), "\(outcome.words)")
    }
  }

  @Test("fields of another size are marked, and their bars are not given")
  func sizes() throws {
    try write("large", scale: 1000)
    try write("small", scale: 1e-3)
    for file in ["large", "small"] {
      for outcome in try use(file) {
        #expect(
          outcome.status == 0 && outcome.words.contains("3 of 3 recordings"), "\(outcome.words)")
      }
      let rows = try tool.text("vae-\(file).csv").split(separator: "\n").dropFirst()
      #expect(rows.count == 3 && rows.allSatisfy { $0.contains("in training from") }, "\(rows)")
    }
  }
}

@Suite("Every k-th frame and point") struct EveryTests {
  @Test("a view equals the numbers picked one by one, and says its step and lengths")
  func view() throws {
    let shape = [2, 2, 7, 6]
    let x = HostArray((0..<168).map(Float.init), shape: shape)
    var metadata = RecordingsMetadata()
    (metadata.frameInterval, metadata.extents, metadata.boundary) = (0.5, [3], [.periodic])
    let recordings = Recordings(x: x, metadata: metadata)
    let few = try recordings.every(frames: 3, points: [2])
    #expect(few.shape == [2, 2, 3, 3])
    for recording in 0..<2 {
      let found = few[recording].exchanged(0).elements
      let wanted = (0..<2).flatMap { channel in
        [0, 3, 6].flatMap { frame in
          [0, 2, 4].map { Float(((recording * 2 + channel) * 7 + frame) * 6 + $0) }
        }
      }
      #expect(found == wanted)
    }
    #expect(few.frameInterval == 1.5 && few.grid.spacings == [1] && few.extents == [3])
    #expect(throws: ConfigurationError.self) { try recordings.every(frames: 1, points: [4]) }
    metadata.boundary = [.open]
    let open = try Recordings(x: x, metadata: metadata).every(frames: 1, points: [3])
    #expect(open.spaceShape == [2] && abs(open.grid.spacings[0] - 1.8) < 1e-12)
  }
}
