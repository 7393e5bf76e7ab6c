// Files with other names and other orders go the whole way: from inspect to a forecast.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Fields of another name and order", .serialized) struct LayoutTests {
  private let temporary: TemporaryFolder
  private let tool: Tool
  private let given = ["--key", "b", "--axes", "T,N,X"]

  /// Files with arrays a and b; b holds the recordings, time first.
  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
    for (name, seed, count) in [("train", 1, 8), ("test", 2, 3)] {
      let outcome = try tool.run(
        "simulate", "ks", "recordings=\(count)", "frameCount=64", "pointCount=64",
        "length=50.26548", "seed=\(seed)", "-o", "plain-\(name).npz")
      #expect(outcome.status == 0, "\(outcome.words)")
      let plain = try Recordings.load(tool.file("plain-\(name).npz"))
      let all = (0..<count).map { plain[$0].elements }
      let values = (0..<64).flatMap { t in all.flatMap { $0[t * 64..<(t + 1) * 64] } }
      let writer = try NPZWriter(tool.file("\(name).npz"))
      try writer.add("a", HostArray([1.0, 2, 3], shape: [3]))
      try writer.add("b", HostArray(values, shape: [64, count, 64]))
      try writer.add("dt", try #require(plain.frameInterval))
      try writer.add("extent", HostArray(try #require(plain.extents), shape: [1]))
      try writer.add("boundary", ["periodic"])
      try writer.finish()
    }
  }

  private func run(_ arguments: [String]) throws -> Outcome {
    let outcome = try tool.run(arguments + ["--threads", "1"])
    #expect(outcome.status == 0, "\(arguments): \(outcome.words)")
    return outcome
  }

  /// What is read is what the same recordings in the usual file give.
  private func sameLatents(_ run: String) throws {
    let alike = try self.run(["extract", run, "test.npz", "-o", "\(run)-b"])
    #expect(alike.words.contains("read as in training: --key b --axes T,N,X"), "\(alike.words)")
    let said = try self.run(["extract", run, "test.npz", "-o", "\(run)-said"] + given)
    #expect(!said.words.contains("as in training"), "\(said.words)")
    // A file without such an array is read as usual.
    let plain = try self.run(["extract", run, "plain-test.npz", "-o", "\(run)-plain"])
    #expect(!plain.words.contains("as in training"), "\(plain.words)")
    let files = try ["b", "said", "plain"].map { name in
      try NPZFile(tool.file("\(run)-\(name).npz")).doubles("mu")
    }
    #expect(files[0] == files[1] && files[0] == files[2])
  }

  @Test("the recipe that inspect writes trains as it is printed, and the run remembers")
  func starter() throws {
    let unsaid = try tool.run("inspect", "test.npz")
    #expect(unsaid.status == 1 && unsaid.words.contains("--key b"), "\(unsaid.words)")
    let seen = try tool.run(["inspect", "train.npz", "--recipe", "r.yaml"] + given)
    #expect(seen.status == 0, "\(seen.output)\(seen.words)")
    let recipe = try tool.text("r.yaml")
    #expect(recipe.contains("  key: \"b\"\n") && recipe.contains("  axes: \"T,N,X\"\n"))
    #expect(!recipe.contains("MEND"), "\(recipe)")
    let short = [
      "training.phases.joint.steps=2", "training.phases.decoder.steps=2", "training.fitCrops=2",
      "model.latents=2", "data.test=test.npz", "evaluation.fitCrops=0",
    ]
    _ = try run(["train", "r.yaml", "-o", "vae"] + short)
    #expect(try tool.text("vae/recipe.yaml").contains("  axes: T,N,X\n"))
    try sameLatents("vae")
    _ = try run(["evaluate", "vae"])
    let numbers = try tool.text("vae/results.json")
    _ = try run(["evaluate", "vae", "test.npz"])
    #expect(try tool.text("vae/results.json") == numbers)
    _ = try run(["forecast", "vae", "test.npz", "--horizon", "5", "-o", "f.npz"])
    #expect(try Recordings.load(tool.file("f.npz")).shape == [3, 1, 5, 64])
  }

  @Test("the options lay themselves over a recipe, for both methods")
  func options() throws {
    let recipes = [
      "vae": """
      data: {train: train.npz}
      model: {latents: 2, dataStart: true}
      training: {phases: {joint: {steps: 2}}, batchSize: 4, inputCrop: [40, 48], targetCrop: [4, 28]}
      """,
      "led": """
      method: dynamics
      data: {train: train.npz}
      reduction: {principalComponents: {latentCount: 4}}
      propagator: {reservoir: {unitCount: 20, washOutSteps: 5}}
      forecast: {warmUpSteps: 10, horizonSteps: 10, initialConditions: 2}
      """,
    ]
    for (name, text) in recipes {
      try Data(text.utf8).write(to: tool.file("\(name).yaml"))
      let unsaid = try tool.run("train", "\(name).yaml", "-o", "no")
      #expect(unsaid.status == 1 && unsaid.words.contains("--key b"), "\(unsaid.words)")
      _ = try run(["train", "\(name).yaml", "-o", name] + given)
      #expect(try tool.text("\(name)/recipe.yaml").contains("  key: b\n  axes: T,N,X\n"))
      _ = try run(["evaluate", name, "test.npz"])
      _ = try run(["evaluate", name, "plain-test.npz"])
      for more in [[], given] {
        _ = try run(
          ["forecast", name, "test.npz", "--horizon", "5", "-o", "f.npz", "--force"] + more)
        #expect(try Recordings.load(tool.file("f.npz")).shape == [3, 1, 5, 64])
      }
    }
    let odd = try tool.run("train", "vae.yaml", "-o", "no", "--axes", "T,T,X")
    #expect(odd.status == 2 && odd.words.contains("'data.axes' is 'T,T,X'"), "\(odd.words)")
    for verb in [["train", "--resume", "vae"], ["evaluate", "vae"]] {
      let useless = try tool.run(verb + given)
      #expect(useless.status == 2, "\(verb): \(useless.words)")
    }
    // Files that are simulated have a layout of their own.
    let text = "data: {train: t.npz, key: b, simulate: {train: {recordings: 3}}}"
    try Data(text.utf8).write(to: tool.file("made.yaml"))
    let made = try tool.run("train", "made.yaml", "--dry-run")
    #expect(made.status == 2 && made.words.contains("data.simulate=null"), "\(made.words)")
    let own = try tool.run(
      "train", "made.yaml", "data.simulate=null", "--dry-run", "data.train=gone.npz")
    #expect(own.status == 2 && own.words.contains("gone.npz"), "\(own.words)")
  }

  @Test("the same recordings in HDF5, packed in chunks, train and extract as in NPZ") func hdf5()
    throws
  {
    let script = """
      import sys, h5py
      for name in sys.argv[1:]:
          a = np.load(f"plain-{name}.npz")
          # Nobody says that the ends are periodic, so the length is that between the points.
          length = float(a["extent"][0]) * 63 / 64
          np.savez(f"same-{name}.npz", x=a["x"], dt=a["dt"], extent=[length])
          with h5py.File(f"{name}.h5", "w") as f:
              f.create_dataset("tensor", data=a["x"][:, 0], chunks=(1, 16, 64), compression="gzip")
              f["x-coordinate"] = np.arange(64) * float(a["extent"][0]) / 64
              f["t-coordinate"] = np.arange(64) * float(a["dt"])
      """
    try python(script, arguments: ["train", "test"], in: temporary.url)
    let seen = try tool.run("inspect", "train.h5", "--json")
    #expect(seen.output.contains("read as PDEBench: channels u"), "\(seen.output)")
    try Data(
      """
      name: packed
      data: {train: train.h5}
      model: {latents: 2}
      training: {phases: {joint: {steps: 4}}, batchSize: 4, inputCrop: [40, 48], targetCrop: [4, 28]}
      """.utf8
    ).write(to: tool.file("packed.yaml"))
    _ = try run(["train", "packed.yaml", "-o", "run"])
    _ = try run(["extract", "run", "test.h5", "-o", "packed"])
    _ = try run(["extract", "run", "same-test.npz", "-o", "plain"])
    let latents = try ["packed", "plain"].map { try NPZFile(tool.file("\($0).npz")).doubles("mu") }
    #expect(latents[0] == latents[1] && latents[0].shape == [3, 2])
  }
}
