// Help, wrong usage and errors: what goes where, with which exit status, in one sentence.
import Foundation
import KymoTestSupport
import Testing

@Suite("The command line") struct UsageTests {
  let temporary: TemporaryFolder
  let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
  }

  static let verbs = [
    "simulate", "inspect", "convert", "discover", "train", "extract", "forecast", "evaluate",
    "report", "export", "reproduce", "doctor",
  ]

  @Test("has help with an example to copy for every verb", arguments: verbs)
  func help(_ verb: String) throws {
    let outcome = try tool.run(verb, "--help")
    #expect(outcome.status == 0)
    #expect(outcome.words.isEmpty)
    #expect(outcome.output.contains("\n  kymo \(verb)"), "\(outcome.output)")
  }

  @Test("names every verb in its help, which comes at once")
  func rootHelp() throws {
    var best = Double.infinity
    for _ in 0..<5 {
      let start = ContinuousClock.now
      let outcome = try tool.run("--help")
      let duration = start.duration(to: .now).components
      best = min(best, Double(duration.seconds) + Double(duration.attoseconds) * 1e-18)
      for verb in Self.verbs { #expect(outcome.output.contains("  \(verb) ")) }
    }
    // The promise is 0.3 s; loading libtorch alone takes longer, so this fails if help loads it.
    #expect(best < 0.3, "the fastest of five took \(best) s")
  }

  @Test("says its version")
  func version() throws {
    let outcome = try tool.run("--version")
    #expect(outcome.status == 0)
    #expect(outcome.output.hasPrefix("kymo 0."))
  }

  @Test(
    "ends with status 2 and a sentence on standard error when it is used wrongly",
    arguments: [
      (["trian"], "Did you mean 'kymo train'?"),
      (["frobnicate"], "Verbs: simulate"),
      (["train"], "--resume RUN"),
      (["train", "x.yaml"], "-o RUN"),
      (["train", "--resume", "a", "-o", "b"], "Give it alone"),
      (["train", "--resume", "a", "--device", "cpu"], "Give it alone"),
      (["train", "nowhere.yaml", "-o", "r"], "There is no such file"),
      (["train", "--resume", "nowhere"], "nowhere is not a run"),
      (["evaluate", "nowhere"], "nowhere is not a run"),
      (["extract", "nowhere", "x.npz"], "nowhere is not a run"),
      (["report", "nowhere"], "nowhere is not a run"),
      (["simulate", "kdv", "-o", "x.npz"], "Systems: ks"),
      (["simulate", "ks", "recordigns=3", "-o", "x.npz"], "'recordings'"),
      (["simulate", "ks", "recordings=-3", "-o", "x.npz"], "at least 1"),
      (["simulate", "ks", "recordings=many", "-o", "x.npz"], "a whole number"),
      (["simulate", "ks"], "--output"),
      (["reproduce", "pde-vae/kss"], "Did you mean 'pde-vae/ks'?"),
      (["reproduce", "pde-vae/ks", "--seeds", "1,x"], "1,2,3"),
      (["doctor", "--threads", "0"], "from 1 to 1024"),
      (["inspect"], "<file>"),
      (["simulate", "ks", "--device", "cpu", "-o", "x.npz"], "Unknown option '--device'"),
      (["inspect", "x.npz", "--device", "cpu"], "Unknown option '--device'"),
      (["report", "r", "--device", "cpu"], "Unknown option '--device'"),
    ])
  func wrongUsage(_ arguments: [String], _ part: String) throws {
    let outcome = try tool.run(arguments)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty)
    #expect(outcome.words.contains(part), "\(outcome.words)")
    #expect(!tool.has("x.npz") && !tool.has("r"))
  }

  @Test("refuses a file that is no recordings with status 1 and one line")
  func badData() throws {
    try Data("no data".utf8).write(to: tool.file("x.npz"))
    let outcome = try tool.run("inspect", "x.npz")
    #expect(outcome.status == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.words.hasPrefix("kymo: "))
    #expect(outcome.words.split(separator: "\n").count == 1)
  }

  @Test("examines the machine")
  func doctor() throws {
    let outcome = try tool.run("doctor", "--json", "--threads", "1")
    #expect(outcome.status == 0, "\(outcome.words)\(outcome.output)")
    let checks = try #require(
      JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: String]])
    let names = checks.compactMap { $0["name"] }
    for name in ["kymo", "libtorch", "device", "convolution", "fused rollout", "disk", "zlib"] {
      #expect(names.contains(name))
    }
    let found = try #require(checks.first { $0["name"] == "fused rollout" }?["found"])
    let speed = try #require(Double(found.split(separator: " ").first ?? ""))
    // Any processor does more than 0.1 and none does 10,000 GFLOP/s on one thread.
    #expect((0.1...10_000).contains(speed))
  }

  @Test("says which device is not there")
  func noSuchDevice() throws {
    let outcome = try tool.run("doctor", "--device", "cuda:97")
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("cuda:97"))
  }

  @Test("says nothing on standard error when it should be quiet")
  func quiet() throws {
    let outcome = try tool.run("simulate", "ks", "recordings=2", "-q", "-o", "x.npz")
    #expect(outcome.status == 0)
    #expect(outcome.words.isEmpty)
    #expect(outcome.output.isEmpty)
    #expect(tool.has("x.npz"))
  }

  @Test("closed standard streams leave results as they are")
  func closedStreams() throws {
    let program = try Tool.program.path
    for streams in ["2>&-", ">&- 2>&- <&-"] {
      let shell = Process()
      shell.executableURL = URL(filePath: "/bin/sh")
      shell.currentDirectoryURL = tool.folder
      shell.arguments = ["-c", "'\(program)' simulate ks recordings=2 -o a.npz --force \(streams)"]
      try shell.run()
      shell.waitUntilExit()
      #expect(shell.terminationStatus == 0)
      #expect(try tool.run("inspect", "a.npz", "--json").output.contains("\"recordingCount\" : 2"))
    }
  }

  @Test("the folder in which it was started may be gone, a name may command terminals")
  func places() throws {
    let program = try Tool.program.path
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.currentDirectoryURL = tool.folder
    shell.arguments = [
      "-c", "mkdir gone && cd gone && rmdir ../gone && '\(program)' inspect x.npz 2>../words",
    ]
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 2)
    #expect(try tool.text("words").contains("has been removed"))
    let name = try tool.run("inspect", "\u{1B}[2J\u{9B}x.npz")
    // Shown as codes, or replaced as in every error about a file.
    #expect(name.words.contains("x.npz") && !name.words.contains { "\u{1B}\u{9B}".contains($0) })
  }

  @Test(
    "numbers beyond what can work end in a sentence",
    arguments: [
      "recordings=9223372036854775807", "frameCount=4611686018427387904", "substeps=1e18",
      "recordings=2147483647",
    ])
  func numbers(_ setting: String) throws {
    let outcome = try tool.run("simulate", "ks", setting, "-o", "x.npz", "-q")
    #expect(outcome.status != 0 && !outcome.wasKilled && outcome.status < 128, "\(outcome.words)")
    #expect(outcome.words.hasPrefix("kymo: ") && !tool.has("x.npz"), "\(outcome.words)")
  }
}
