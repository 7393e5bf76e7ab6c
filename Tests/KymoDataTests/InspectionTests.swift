// What an inspection says of files whose every property is known.
import Foundation
import KymoNumerics
import Testing

@testable import KymoData

@Suite("An inspection") struct InspectionTests {
  static func inspect(
    _ recordings: Recordings, _ bench: Workbench? = nil
  ) throws -> Inspection {
    let bench = try bench ?? Workbench()
    try recordings.write(to: bench.url("w.npz"))
    return try Inspection(bench.url("w.npz"))
  }

  @Test("says what was understood, and nothing suspicious of good data") func good() throws {
    let bench = try Workbench()
    let inspection = try InspectionTests.inspect(waves([60, 1, 64, 128]), bench)
    #expect(inspection.findings.map(\.severity) == [.ok])
    #expect(inspection.severity == .ok)
    #expect(inspection.recordingCount == 60 && inspection.spaceShape == [128])
    #expect(inspection.parameters.map(\.name) == ["c"])
    #expect(inspection.parameters[0].minimum == Double(Float(0.2)))
    let text = inspection.text
    for words in [
      "'x' as (N, C, T, X) = (60, 1, 64, 128), float32, mapped from the file",
      "64 frames, 0.5 apart, 31.5 in all", "128 points, length 10, spacing 0.07812, periodic",
      inspection.contentHash, "nothing suspicious",
    ] {
      #expect(text.contains(words), "\(words) is not in:\n\(text)")
    }
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 }, "\(text)")
  }

  @Test("does not warn about arrays that Kymo has written beside") func ours() throws {
    let bench = try Workbench()
    try bench.python(
      """
      z = np.cumsum(np.random.default_rng(1).normal(size=(40, 3)), 0)
      one = dict(sigma=z, relevant=np.ones(3), in_doubt=np.zeros(40), fit=np.ones(40))
      np.savez("latents.npz", mu=z, theta=z, theta_sigma=z[0], theta_names=["a"], dt=1.0, **one)
      np.savez("other.npz", mu=z, dt=1.0, sigma=z)
      """)
    func unused(_ name: String) throws -> [String] {
      let file = try DataFiles(bench.url(name))
      return try Inspection(file, FieldLayout(key: "mu", axes: "T,C")).findings.map(\.message)
        .filter { $0.contains("is not used") }
    }
    #expect(try unused("latents.npz").isEmpty)
    #expect(try unused("other.npz") == ["the array 'sigma' is not used"])
    let refused = #expect(throws: FormatError.self) {
      try Recordings.load(bench.url("latents.npz"))
    }
    #expect(refused?.found.contains("kymo extract wrote") == true)
  }

  @Test("goes through JSON and back") func json() throws {
    let inspection = try InspectionTests.inspect(
      waves([3, 1, 40, 40]) { for i in $0.elements.indices { $0.elements[i] = .nan } })
    let data = try JSONEncoder().encode(inspection)
    #expect(try JSONDecoder().decode(Inspection.self, from: data) == inspection)
    #expect(inspection.channels[0].mean == nil && inspection.severity == .error)
    #expect(inspection.findings[0].severity == .error)
  }

  @Test(
    "compares the declared ends of an axis with the numbers",
    arguments: [
      (Grid.Ends.periodic, false, "is declared periodic, but the jump"),
      (.open, true, "is declared open, but looks periodic"),
      (.wall, true, "is declared dirichlet, but looks periodic"),
      (.unknown, true, "It looks periodic"), (.unknown, false, "It does not look periodic"),
    ])
  func boundaries(_ declared: Grid.Ends, _ isPeriodic: Bool, _ words: String) throws {
    let recordings = waves([60, 1, 64, 128], boundary: [declared]) { x in
      guard !isPeriodic else { return }
      for n in 0..<60 {
        for t in 0..<64 { for i in 0..<128 { x[n, 0, t, i] += 0.02 * Float(i) - 1.28 } }
      }
    }
    let findings = try InspectionTests.inspect(recordings).findings
    #expect(findings.count == 1, "\(findings)")
    #expect((findings[0].message + " " + findings[0].remedy).contains(words), "\(findings)")
  }

  @Test("finds a last point that repeats the first, and is silent about noise") func seams() throws
  {
    let repeated = waves([60, 1, 64, 128]) { x in
      for n in 0..<60 { for t in 0..<64 { x[n, 0, t, 127] = x[n, 0, t, 0] } }
    }
    let findings = try InspectionTests.inspect(repeated).findings
    #expect(findings.map(\.message).contains { $0.contains("last point repeats the first") })
    var metadata = RecordingsMetadata()
    metadata.boundary = [.open]
    let noisy = try InspectionTests.inspect(
      Recordings(x: noise([60, 1, 40, 64], seed: 2), metadata: metadata))
    #expect(!noisy.findings.contains { $0.message.contains("periodic") })
  }

  @Test("finds white noise, its size, and what to do", arguments: [0, 0.01, 0.1, 0.5])
  func whiteNoise(_ deviation: Float) throws {
    // Uniform on −1 … 1.
    let values = noise([60, 2, 64, 128], seed: 5).elements
    let recordings = waves([60, 2, 64, 128]) { x in
      for i in x.elements.indices { x.elements[i] += deviation * Float(3).squareRoot() * values[i] }
    }
    let inspection = try InspectionTests.inspect(recordings)
    let findings = inspection.findings.filter { $0.message.contains("white noise") }
    let recipe = inspection.starterRecipe(for: "w.npz")
    if deviation < 0.03 {
      #expect(findings.isEmpty && !recipe.contains("assimilatedFrames"))
    } else {
      #expect(findings.count == 2 && recipe.contains("assimilatedFrames: 8"))
    }
    for noise in inspection.noise where deviation > 0 {
      #expect((try #require(noise) / Double(deviation) - 1).magnitude < 0.03, "\(noise ?? 0)")
    }
    if deviation == 0 { #expect(inspection.noise.allSatisfy { ($0 ?? 0) < 1e-4 }) }
  }

  @Test("names arrays that are not used, with the nearest name that would be") func arrays() throws
  {
    let bench = try Workbench()
    try bench.python("np.savez('a.npz', x=np.ones((3, 1, 40, 40)), parms=np.ones(3), zz=[1])")
    let findings = try Inspection(bench.url("a.npz")).findings
    #expect(findings.contains { $0.message.contains("'parms'") && $0.remedy.contains("'params'") })
    #expect(findings.contains { $0.message.contains("'zz'") })
    #expect(findings.contains { $0.message.contains("how much time lies between frames") })
    #expect(findings.contains { $0.message.contains("how long the space axes are") })
  }

  @Test("looks at a sample of a large file and says so") func sample() throws {
    let bench = try Workbench()
    try waves([60, 1, 64, 128]).write(to: bench.url("w.npz"))
    let inspection = try Inspection(
      DataFiles(bench.url("w.npz")), FieldLayout(), threads: 2, sampledBytes: 10 * 64 * 128 * 4)
    #expect(inspection.sampledRecordingCount == 10)
    #expect(inspection.text.contains("of 10 recordings at even distances"))
  }

  @Test("compares the checksum of fields that are too large to be compared at loading")
  func checksum() throws {
    let bench = try Workbench()
    let recordings = Recordings(x: noise([17, 1, 1 << 10, 1 << 10], seed: 3))
    try recordings.write(to: bench.url("w.npz"))
    let file = try FileHandle(forUpdating: bench.url("w.npz"))
    try file.seek(toOffset: 50 << 20)
    try file.write(contentsOf: [1, 2, 3, 4, 5])
    try file.close()
    #expect(try Recordings.load(bench.url("w.npz")).count == 17)
    let error = try formatError { try Inspection(bench.url("w.npz")) }
    #expect(error.kind == .damaged)
  }
}

@Suite("A starter recipe") struct StarterRecipeTests {
  /// The recipe as Python's view of it: keys and values, comments removed.
  static func settings(_ recipe: String) -> [String] {
    recipe.split(separator: "\n").map(String.init)
      .filter { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("#") }
  }

  @Test("takes the published crops where the data are large enough") func large() throws {
    let recipe = try InspectionTests.inspect(waves([60, 1, 256, 256])).starterRecipe(for: "d/w.npz")
    #expect(
      StarterRecipeTests.settings(recipe) == [
        "name: \"w\"", "seed: 1", "data:", "  train: \"d/w.npz\"", "  normalize: standard",
        "model:",
        "  latents: 5", "  kernelUnits: 0", "training:", "  inputCrop: [64, 94]",
        "  targetCrop: [32, 76]", "  phases:", "    joint: {steps: 10000}",
        "    decoder: {steps: 20000}", "  fitCrops: 8",
        "  batchSize: 50", "  beta: 0.01", "  betaStart: 1",
        "  batchNormalizedPart: 1", "evaluation:", "  fitCrops: 8",
      ])
    let many = try InspectionTests.inspect(waves([100, 1, 256, 256])).starterRecipe(for: "d/w.npz")
    #expect(many.contains("    encoder: {steps: 2000}\n") && !many.contains("evaluation:"))
    #expect(!recipe.contains("usual"))
  }

  @Test("takes smaller crops for smaller data, says why, and wraps where it may") func small()
    throws
  {
    let open = waves([60, 1, 40, 48], boundary: [.open])
    let recipe = try InspectionTests.inspect(open).starterRecipe(for: "w.npz")
    #expect(recipe.contains("inputCrop: [40, 48]") && recipe.contains("targetCrop: [32, 48]"))
    #expect(recipe.contains("# The usual input crop has 64 frames; the data have 40."))
    #expect(!recipe.contains("MEND FIRST"))
    let periodic = try InspectionTests.inspect(waves([60, 1, 40, 24]))
    #expect(periodic.starterRecipe(for: "w.npz").contains("inputCrop: [40, 31]"))
  }

  @Test("says what must be mended first") func impossible() throws {
    let open = try InspectionTests.inspect(waves([60, 1, 12, 24], boundary: [.open]))
    #expect(open.severity == .error && open.methods.map(\.isPossible) == [false, false])
    let recipe = open.starterRecipe(for: "w.npz")
    #expect(recipe.contains("# MEND FIRST: no method can be trained on these data (parameters: "))
    #expect(recipe.contains("there are 12 frames, but the encoder needs 31"))
    #expect(recipe.contains("there are 24 points on axis x, but the encoder needs"))
    #expect(recipe.contains("there are 12 frames, but forecasts need 16"))
    let single = try InspectionTests.inspect(waves([1, 1, 19, 128]))
    #expect(single.starterRecipe(for: "w").contains("there is a single recording"))
    #expect(single.severity == .error)
  }

  @Test(
    "is one of the method that can be trained, and says why the other cannot",
    arguments: [
      ([60, 1, 20, 24], Grid.Ends.open, "there are 24 points on axis x"),
      ([1, 1, 64, 128], .periodic, "there is a single recording"),
      ([1, 3, 500, 1], .unknown, "there is a single recording"),
    ])
  func methods(_ shape: [Int], _ ends: Grid.Ends, _ why: String) throws {
    let inspection = try InspectionTests.inspect(waves(shape, boundary: [ends]))
    #expect(inspection.severity != .error, "\(inspection.findings)")
    #expect(inspection.methods.map(\.isPossible) == [false, true])
    #expect(inspection.text.contains("    parameters   cannot be trained: "))
    #expect(inspection.text.contains("    dynamics     learns effective dynamics"))
    let recipe = inspection.starterRecipe(for: "w.npz")
    #expect(recipe.contains("\nmethod: dynamics\n") && !recipe.contains("MEND"))
    let reason = try #require(recipe.split(separator: "\n").first { $0.hasPrefix("# Not for") })
    #expect(reason.hasPrefix("# Not for method: parameters: "), "\(reason)")
    #expect(reason.lowercased().contains(why), "\(reason)")
    let both = try InspectionTests.inspect(waves([60, 1, 64, 128]))
    #expect(both.methods.map(\.isPossible) == [true, true])
    #expect(!both.starterRecipe(for: "w").contains("method:"))
  }

  @Test("fits fields over a plane") func plane() throws {
    var metadata = RecordingsMetadata()
    metadata.boundary = [.periodic, .open]
    let recordings = Recordings(x: noise([3, 1, 50, 64, 48], seed: 6), metadata: metadata)
    let recipe = try InspectionTests.inspect(recordings).starterRecipe(for: "w.npz")
    #expect(
      recipe.contains("inputCrop: [45, 62, 48]") && recipe.contains("targetCrop: [16, 44, 44]"))
  }

  @Test("is one YAML document whatever the path and the names are") func quoting() throws {
    let bench = try Workbench()
    var inspection = try InspectionTests.inspect(waves([60, 1, 40, 24]), bench)
    inspection.file = "a\nname: evil"
    inspection.key = "k\rseed: 2"
    let recipe = inspection.starterRecipe(for: "C:\\dir \"q\"\n\u{7}.npz")
    #expect(recipe.contains("train: \"C:\\\\dir \\\"q\\\"\\x0a\\x07.npz\""))
    #expect(recipe.contains("  key: \"k\\x0dseed: 2\"\n"))
    let lines = StarterRecipeTests.settings(recipe)
    for key in ["name:", "seed:"] { #expect(lines.filter { $0.hasPrefix(key) }.count == 1) }
  }
}
