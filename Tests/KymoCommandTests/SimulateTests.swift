// Recordings without hidden parameters, through the built program: what the files hold and say.
import Foundation
import KymoData
import KymoNumerics
import KymoSolvers
import KymoTestSupport
import Testing

@Suite("Recordings of one system without parameters", .serialized) struct SimulateTests {
  let temporary: TemporaryFolder
  let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
  }

  private func frames(_ arguments: [String]) throws -> HostArray<Double> {
    let outcome = try tool.run(["simulate"] + arguments + ["-q", "--force", "-o", "x.npz"])
    #expect(outcome.status == 0, "\(outcome.words)")
    return try NPZFile(tool.file("x.npz")).doubles("x")
  }

  @Test("FitzHugh-Nagumo: two channels on a line with open ends") func fitzHughNagumo() throws {
    let whole = try frames(["fhn", "recordings=3", "frameCount=6", "seed=4"])
    #expect(whole.shape == [3, 2, 6, 101])
    let seen = try tool.run("inspect", "x.npz", "--json")
    #expect(seen.output.contains("FitzHugh–Nagumo") && seen.output.contains("\"open\""))
    // Skipped time only shifts the frames; a seed that differs gives other fronts.
    let later = try frames(["fhn", "recordings=3", "frameCount=4", "spinUpFrames=2", "seed=4"])
    for recording in 0..<3 {
      for channel in 0..<2 {
        let (long, short) = (
          whole.slice(recording).slice(channel), later.slice(recording).slice(channel)
        )
        for frame in 0..<4 { #expect(short.slice(frame) == long.slice(frame + 2)) }
      }
    }
    #expect(try frames(["fhn", "recordings=3", "frameCount=6", "seed=5"]) != whole)
  }

  @Test("Kuramoto-Sivashinsky: long recordings on the attractor") func attractor() throws {
    let short = try frames(["ks22", "recordings=2", "frameCount=400"])
    #expect(short.shape == [2, 1, 400, 64])
    let size = Statistics.rootMeanSquare(short.elements)
    // Per-frame sizes lie between 0.9 and 1.75; the transient starts at 0.003.
    #expect(size > 0.9 && size < 1.75, "\(size)")
  }

  @Test("flow past a cylinder: frame by frame, whatever the threads") func cylinder() throws {
    let order = ["cylinder", "columns=64", "rows=32", "spinUpFrames=3", "diameter=0.1", "seed=2"]
    let small = ["recordings=2", "frameCount=5"]
    let plan = try tool.run(["simulate"] + order + small + ["--dry-run"])
    #expect(plan.words.contains("4 × 5 × 32 × 64"), "\(plan.words)")
    let whole = try frames(order + small + ["--threads", "1"])
    #expect(whole.shape == [2, 4, 5, 32, 64] && whole.slice(0) != whole.slice(1))
    #expect(try frames(order + small + ["--threads", "2"]) == whole)
    let seen = try tool.run("inspect", "x.npz", "--json")
    #expect(seen.output.contains("omega") && seen.output.contains("Flow past a cylinder"))
    // Drag and lift beside the fields, a number in every frame.
    let forces = try Recordings.load(tool.file("x.npz")).observables
    #expect(forces?.shape == [2, 5, 2] && forces?.elements.allSatisfy(\.isFinite) == true)
    let later = try frames(order.map { $0 == "spinUpFrames=3" ? "spinUpFrames=5" : $0 } + small)
    for channel in 0..<4 {
      let (first, second) = (whole.slice(0).slice(channel), later.slice(0).slice(channel))
      for frame in 0..<3 { #expect(second.slice(frame) == first.slice(frame + 2)) }
    }
  }

  @Test("a flow that was stopped goes on to the file of an unbroken simulation")
  func resumed() throws {
    let order = [
      "simulate", "cylinder", "columns=128", "rows=64", "spinUpFrames=2", "frameCount=60",
      "noiseDeviation=0.01", "-q",
    ]
    #expect(try tool.run(order + ["-o", "whole.npz"]).status == 0)
    let running = try tool.start(order + ["-o", "broken.npz"])
    let unfinished = tool.file("broken.npz.unfinished")
    let frames = unfinished.appending(path: "frames-0")
    // Three frames of 4 × 64 × 128 numbers are there.
    for _ in 0..<3000 {
      let size = try? frames.resourceValues(forKeys: [.fileSizeKey]).fileSize
      if (size ?? 0) > 400_000 || !running.process.isRunning { break }
      Thread.sleep(forTimeInterval: 0.01)
    }
    // Two processes would write into each other's frames.
    running.send(SIGSTOP)
    let second = try tool.run(order + ["-o", "broken.npz"])
    #expect(
      second.status != 0
        && second.words.contains("broken.npz.unfinished is being written by another"),
      "\(second.words)")
    running.send(SIGTERM)
    running.send(SIGCONT)
    let stopped = try running.wait()
    #expect(stopped.status != 0 && !tool.has("broken.npz"))
    #expect(stopped.words.contains("the same command goes on"), "\(stopped.words)")
    // What cannot be gone on from is not begun anew without a word.
    let state = unfinished.appending(path: "recording-0")
    let (kept, keptFrames) = (try Data(contentsOf: state), try Data(contentsOf: frames))
    func refused(_ order: [String]) throws -> String {
      let end = try tool.run(order + ["-o", "broken.npz"])
      #expect(end.status != 0 && !tool.has("broken.npz"))
      return end.words
    }
    #expect(try refused(order + ["noiseDeviation=0.02"]).contains("other settings"))
    var fields = try #require(
      unsafe try PropertyListSerialization.propertyList(from: kept, format: nil) as? [String: Any])
    fields["frames"] = -1
    let negative = try PropertyListSerialization.data(
      fromPropertyList: fields, format: .binary, options: 0)
    for (file, damaged, words) in [
      (state, kept.prefix(kept.count / 2), "recording-0: it cannot be read"),
      (state, negative, "recording-0: it cannot be read"),
      (frames, keptFrames.prefix(99), "frames-0: 99 bytes"),
    ] {
      let whole = try Data(contentsOf: file)
      try damaged.write(to: file)
      let said = try refused(order)
      #expect(said.contains(words) && said.contains("Remove broken.npz.unfinished"), "\(said)")
      try whole.write(to: file)
    }
    #expect(try tool.run(order + ["-o", "broken.npz"]).status == 0)
    #expect(!tool.has("broken.npz.unfinished"))
    #expect(
      try Data(contentsOf: tool.file("broken.npz")) == Data(contentsOf: tool.file("whole.npz")))
  }
  @Test(
    "molecules that were stopped go on to the file of an unbroken simulation",
    .enabled(
      if: MolecularSystem.isInstalled,
      "OpenMM is not installed; run: scripts/setup --with-openmm"))
  func molecules() throws {
    let order = [
      "simulate", "alanine", "recordings=3", "frameInterval=0.02", "substeps=10",
      "spinUpFrames=150", "frameCount=2500", "noiseDeviation=0.01", "-q",
    ]
    #expect(try tool.run(order + ["--threads", "1", "-o", "whole.npz"]).status == 0)
    let running = try tool.start(order + ["--threads", "2", "-o", "broken.npz"])
    let frames = tool.file("broken.npz.unfinished").appending(path: "frames-0")
    // At least 300 frames of 24 numbers are there.
    for _ in 0..<3000 {
      let size = try? frames.resourceValues(forKeys: [.fileSizeKey]).fileSize
      if (size ?? 0) > 28_800 || !running.process.isRunning { break }
      Thread.sleep(forTimeInterval: 0.01)
    }
    running.send(SIGTERM)
    let stopped = try running.wait()
    #expect(stopped.status != 0 && !tool.has("broken.npz"))
    #expect(stopped.words.contains("the same command goes on"), "\(stopped.words)")
    // A kept state that does not fit is refused, not gone on from.
    let file = tool.file("broken.npz.unfinished").appending(path: "recording-0")
    let kept = try Data(contentsOf: file)
    for (key, value) in [("attempt", -1 as Any), ("frame", -9999), ("state", 0)] {
      var all = try #require(
        unsafe try PropertyListSerialization.propertyList(from: kept, format: nil)
          as? [String: Any])
      var progress = try #require(all["progress"] as? [String: Any])
      progress[key] = key == "state" ? ["positions": [1.0], "velocities": [1.0]] : value
      all["progress"] = progress
      try PropertyListSerialization.data(fromPropertyList: all, format: .binary, options: 0)
        .write(to: file)
      let refused = try tool.run(order + ["-o", "broken.npz"])
      #expect(refused.status != 0 && refused.words.contains("recording-0"), "\(refused.words)")
    }
    try kept.write(to: file)
    #expect(try tool.run(order + ["--threads", "2", "-o", "broken.npz"]).status == 0)
    #expect(!tool.has("broken.npz.unfinished"))
    #expect(
      try Data(contentsOf: tool.file("broken.npz")) == Data(contentsOf: tool.file("whole.npz")))
  }
}
