// A user's own solver: the examples in three languages against the exact solution, and every way in
// which a program can misbehave.
import Foundation
import KymoNumerics
import KymoTestSupport
import Synchronization
import Testing

@testable import KymoSolvers

/// Lines of standard error, from whatever thread.
private final class Lines: Sendable {
  private let lines = Mutex<[String]>([])
  func append(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
  /// The number of the program that wrote `pid N`.
  var pid: Int? {
    all.first { $0.hasPrefix("pid ") }.flatMap { Int($0.dropFirst(4)) }
  }
}

/// Whether a process exists, were it only a zombie.
private func exists(_ pid: Int) -> Bool {
  FileManager.default.fileExists(atPath: "/proc/\(pid)")
}

/// A shell script as a solver with states of shape [1, 2], with short limits.
private func shell(
  _ script: String, announcing: String = "kymo-solver 1 interval 0.5 shape 1 2",
  _ change: (inout ProcessSolverConfiguration) -> Void = { _ in }
) -> ProcessSolverConfiguration {
  var configuration = ProcessSolverConfiguration(command: [
    "sh", "-c", "echo pid $$ >&2; printf '\(announcing)\\n'; \(script)",
  ])
  (configuration.startSeconds, configuration.frameSeconds) = (5, 5)
  configuration.stopSeconds = 0.3
  change(&configuration)
  return configuration
}

/// What a solver of one state does until it is asked for frames.
private let start = "read line; head -c 16 >/dev/null; echo ready; read line; "
/// The bytes of 1 and of NaN, as printf writes them.
private let one = #"\000\000\000\000\000\000\360\077"#
private let notANumber = #"\000\000\000\000\000\000\370\177"#

private let state = HostArray([1.0, 2.0], shape: [1, 1, 2])

/// Runs a solver to its error.
private func failure(
  _ configuration: ProcessSolverConfiguration, frames: Int = 1, states: HostArray<Double> = state
) -> ProcessSolverError? {
  let lines = Lines()
  let begin = ContinuousClock.now
  var found: ProcessSolverError?
  do {
    let solver = try ProcessSolver(configuration: configuration, log: lines.append)
    try solver.restart(from: states, time: 0)
    _ = try solver.advance(frames: frames)
  } catch {
    found = error as? ProcessSolverError
  }
  #expect(ContinuousClock.now - begin < .seconds(15), "that took too long")
  if let pid = lines.pid { #expect(!exists(pid), "process \(pid) was left behind") }
  return found
}

@Suite("Solvers by process, what goes wrong", .serialized) struct ProcessSolverFailureTests {
  typealias Problem = ProcessSolverError.Problem

  @Test("a program that does not exist or may not be run") func missing() {
    let error = failure(ProcessSolverConfiguration(command: ["kymo-no-such-program"]))
    #expect(error?.problem == .cannotStart(reason: "No such file or directory"))
    #expect(error?.description.contains("'kymo-no-such-program' could not be started") == true)
    let folder = failure(ProcessSolverConfiguration(command: ["/tmp"]))
    #expect(folder?.problem == .cannotStart(reason: "Permission denied"))
    var elsewhere = shell("")
    elsewhere.folder = "/no/such/folder"
    #expect(failure(elsewhere)?.problem == .cannotStart(reason: "No such file or directory"))
  }

  @Test("a crash before, between and within answers") func crashes() {
    var early = ProcessSolverConfiguration(command: ["sh", "-c", "echo no licence >&2; exit 3"])
    early.startSeconds = 5
    let error = failure(early)
    #expect(error?.problem == .ended(.announcement, .exited(3)))
    #expect(error?.lastWords == ["no licence"])
    #expect(error?.description.contains("ended with status 3") == true)
    #expect(error?.description.contains("\n  no licence") == true)

    #expect(failure(shell("read line; exit 4"))?.problem == .ended(.readiness, .exited(4)))
    let fault = failure(shell(start + "kill -SEGV $$"))
    #expect(fault?.problem == .ended(.frame(1), .killed(signal: 11)))
    #expect(fault?.description.contains("segmentation fault") == true)
    let part = failure(shell(start + "printf 'frame 2\\n\(one)123'"))
    #expect(part?.problem == .ended(.frame(1), .exited(0)))
    let second = failure(shell(start + "printf 'frame 2\\n\(one)\(one)'; exit 5"), frames: 2)
    #expect(second?.problem == .ended(.frame(2), .exited(5)))
  }

  @Test("a crash while a child holds the pipes open") func orphan() {
    let lines = Lines()
    let error = #expect(throws: ProcessSolverError.self) {
      let solver = try ProcessSolver(
        configuration: shell("sleep 60 & echo child $! >&2; exit 7"), log: lines.append)
      try solver.restart(from: state, time: 0)
    }
    #expect(error?.problem == .ended(.readiness, .exited(7)))
    let child = lines.all.first { $0.hasPrefix("child ") }.flatMap { Int($0.dropFirst(6)) }
    // Killed with its group; what adopts orphans reaps it, in its own time.
    func runs() -> Bool {
      let words = child.flatMap { try? String(contentsOfFile: "/proc/\($0)/stat", encoding: .utf8) }
      return words.map { !$0.contains(") Z") } ?? false
    }
    let begin = ContinuousClock.now
    while runs() && ContinuousClock.now - begin < .seconds(10) { usleep(1000) }
    #expect(child != nil && !runs(), "the child still runs")
  }

  @Test("silence") func silence() {
    var mute = ProcessSolverConfiguration(command: ["sleep", "60"])
    mute.startSeconds = 0.3
    let error = failure(mute)
    #expect(error?.problem == .timedOut(.announcement, seconds: 0.3))
    #expect(error?.description.contains("startSeconds") == true)
    let late = failure(shell(start + "sleep 60") { $0.frameSeconds = 0.3 })
    #expect(late?.problem == .timedOut(.frame(1), seconds: 0.3))
    #expect(late?.description.contains("flush") == true)
    // Less than a frame.
    let short = failure(
      shell(start + "printf 'frame 2\\n\(one)123'; sleep 60") { $0.frameSeconds = 0.3 })
    #expect(short?.problem == .timedOut(.frame(1), seconds: 0.3))
    // States that nobody reads: more than a pipe holds.
    let large = HostArray(repeating: 1.0, shape: [20_000, 1, 2])
    let deaf = failure(shell("sleep 60") { $0.frameSeconds = 0.3 }, states: large)
    #expect(deaf?.problem == .timedOut(.readiness, seconds: 0.3))
  }

  @Test("a signal, which ends the wait for a busy program at once") func signal() {
    let begin = ContinuousClock.now
    let stop = { ContinuousClock.now - begin > .seconds(0.2) ? SIGTERM : nil }
    let error = #expect(throws: ProcessSolverError.self) {
      let solver = try ProcessSolver(configuration: shell("sleep 60"), stopSignal: stop)
      try solver.restart(from: HostArray(repeating: 1.0, shape: [1, 1, 2]), time: 0)
    }
    #expect(error?.problem == .stopped(signal: SIGTERM))
    #expect(ContinuousClock.now - begin < .seconds(3))
  }

  @Test("a number of trajectories that nothing can hold") func batch() throws {
    let solver = try ProcessSolver(
      configuration: shell(
        start, announcing: "kymo-solver 1 interval 0.5 batch 9223372036854775807 shape 1 2"))
    try solver.restart(from: HostArray(repeating: 1.0, shape: [1, 1, 2]), time: 0)
  }

  @Test("a closed input, which must not end Kymo by SIGPIPE") func closedInput() {
    let large = HostArray(repeating: 1.0, shape: [20_000, 1, 2])
    let error = failure(shell("exec <&-; sleep 60"), states: large)
    #expect(error?.problem == .ended(.readiness, .closedStream))
    let gone = failure(shell("exit 0"), states: large)
    #expect(gone?.problem == .ended(.readiness, .exited(0)))
  }

  @Test("rubbish") func rubbish() {
    let announcement = "'kymo-solver 1 interval DT shape C X'"
    for (command, found) in [
      (["echo", "Loading mesh"], "Loading mesh"), (["yes"], "y"),
      (["echo", "kymo-solver 2 interval 1 shape 1 2"], "kymo-solver 2 interval 1 shape 1 2"),
      (["echo", "kymo-solver 1 interval 0 shape 1 2"], "kymo-solver 1 interval 0 shape 1 2"),
      (["echo", "kymo-solver 1 interval 1 shape 1"], "kymo-solver 1 interval 1 shape 1"),
      (["echo", "kymo-solver 1 interval 1 shape 1 -2"], "kymo-solver 1 interval 1 shape 1 -2"),
      (["echo", "kymo-solver 1 shape 1 2"], "kymo-solver 1 shape 1 2"),
      (["cat", "/dev/zero"], String(repeating: "·", count: 60) + "…"),
    ] {
      #expect(
        failure(ProcessSolverConfiguration(command: command))?.problem
          == .unexpected(.announcement, found: found, expected: announcement), "\(command)")
    }
    let chatty = failure(shell("read line; head -c 16 >/dev/null; echo starting up"))
    #expect(
      chatty?.problem
        == .unexpected(
          .readiness, found: "starting up", expected: "after which nothing else follows"))
    #expect(chatty?.description.contains("standard error") == true)
    // Unasked, and without end, before a state was taken.
    let large = HostArray(repeating: 1.0, shape: [20_000, 1, 2])
    guard case .unexpected(.readiness, _, _) = failure(shell("yes"), states: large)?.problem else {
      Issue.record("a flood was not noticed")
      return
    }
    // A frame longer than announced shows in the next answer.
    let long = failure(
      shell(start + "printf 'frame 2\\n\(one)\(one)\(one)'; echo; sleep 9"), frames: 2)
    guard case .unexpected(.frame(2), _, _) = long?.problem else {
      Issue.record("\(String(describing: long))")
      return
    }
  }

  @Test("numbers of four bytes, alone and before the next frame") func float32() {
    // The bytes of 1 and 2 in single precision.
    let pair = #"\000\000\200\077\000\000\000\100"#
    let written = "printf 'frame 2\\n\(pair)'"
    for (script, frames) in [
      (written, 1), (written + "; sleep 60", 1), ("\(written); \(written); sleep 60", 2),
    ] {
      let error = failure(shell(start + script) { $0.frameSeconds = 0.5 }, frames: frames)
      #expect(error?.problem == .numberFormat(.frame(1), .float32), "\(script)")
      #expect(error?.description.contains("seems to write float32: frame 1 has half") == true)
      #expect(error?.description.contains("x.astype('<f8')") == true)
    }
  }

  @Test("numbers with their bytes in reverse order, and none that only look odd")
  func bigEndian() {
    let (bigOne, bigTwo) = (
      #"\077\360\000\000\000\000\000\000"#, #"\100\000\000\000\000\000\000\000"#
    )
    let error = failure(shell(start + "printf 'frame 2\\n\(bigOne)\(bigTwo)'; sleep 60"))
    #expect(error?.problem == .numberFormat(.frame(1), .bigEndian))
    #expect(error?.description.contains("big-endian float64") == true)
    // What a solver may well give, and what is swapped, by the rule itself.
    let fields: [[Double]] = [
      [0, 0], [0, 1], [1e-9, -3], [.nan, 1], [.infinity, .infinity], [1e120, 2e130],
      [Double(bitPattern: 12_345), 0],
      (0..<64).map { sin(Double($0)) }, (0..<64).map { exp(-10 * Double($0)) },
    ]
    for field in fields {
      #expect(NumberFormat(shownBy: field.map(\.bitPattern.littleEndian)) == nil, "\(field)")
    }
    for field in [[0.5, -0.25], [0, 3], (0..<64).map { 100 * sin(Double($0)) }] {
      #expect(NumberFormat(shownBy: field.map(\.bitPattern.bigEndian)) == .bigEndian, "\(field)")
    }
  }

  @Test("frames of a wrong size, other states, another step") func sizes() {
    let error = failure(shell(start + "printf 'frame 3\\n\(one)\(one)\(one)'; sleep 9"))
    #expect(error?.problem == .frameSize(.frame(1), found: 3, expected: 2))
    #expect(
      failure(shell("sleep 9") { $0.stateShape = [2, 101] })?.problem
        == .stateShape(found: [1, 2], expected: [2, 101]))
    #expect(
      failure(shell("sleep 9") { $0.frameInterval = 0.25 })?.problem
        == .frameInterval(found: 0.5, expected: 0.25))
    let other = HostArray([1.0, 2, 3], shape: [1, 1, 3])
    #expect(
      failure(shell("sleep 9"), states: other)?.problem
        == .startShape(found: [1, 1, 3], stateShape: [1, 2]))
  }

  @Test("numbers that are not finite") func notFinite() {
    let error = failure(shell(start + "printf 'frame 2\\n\(one)\(notANumber)'; sleep 9"))
    #expect(error?.problem == .notFinite(trajectory: 0, frame: 1, index: [0, 1]))
    #expect(error?.description.contains("trajectory 0, frame 1, entry [0, 1]") == true)
    let wrong = HostArray([1.0, .infinity], shape: [1, 1, 2])
    let start = failure(shell("sleep 9"), states: wrong)
    #expect(start?.problem == .notFinite(trajectory: 0, frame: 0, index: [0, 1]))
  }

  @Test("a refusal in the solver's own words") func refusal() {
    let error = failure(shell("read line; head -c 16 >/dev/null; echo error no such time"))
    #expect(error?.problem == .refused(.readiness, words: "no such time"))
  }

  @Test("a program that will not stop") func stubborn() throws {
    let lines = Lines()
    var solver: ProcessSolver? = try ProcessSolver(
      configuration: shell("trap '' TERM; while :; do sleep 0.1; done"), log: lines.append)
    let begin = ContinuousClock.now
    solver?.close()
    #expect(ContinuousClock.now - begin < .seconds(5))
    let pid = try #require(lines.pid)
    #expect(!exists(pid))
    solver = nil
    // And one that is only forgotten.
    let others = Lines()
    solver = try ProcessSolver(configuration: shell("sleep 60"), log: others.append)
    solver = nil
    #expect(!exists(try #require(others.pid)))
  }

  @Test("much standard error does not stop the conversation") func noise() throws {
    let lines = Lines()
    let solver = try ProcessSolver(
      configuration: shell(
        "seq 1 50000 >&2; \(start)seq 1 50000 >&2; printf 'frame 2\\n\(one)\(one)'; read line"),
      log: lines.append)
    try solver.restart(from: state, time: 0)
    #expect(try solver.advance(frames: 1).elements == [1, 1])
    solver.close()
    #expect(lines.all.count == 100_001 && lines.all[1] == "1" && lines.all.last == "50000")
  }

  @Test("after an error a restart starts the program anew") func recovery() throws {
    let folder = try TemporaryFolder()
    let mark = folder.path("crashed").path
    let solver = try ProcessSolver(
      configuration: shell(
        "\(start)if [ ! -e '\(mark)' ]; then touch '\(mark)'; exit 1; fi; "
          + "printf 'frame 2\\n\(one)\(one)'; read line"))
    try solver.restart(from: state, time: 0)
    #expect(throws: ProcessSolverError.self) { try solver.advance(frames: 1) }
    let error = #expect(throws: ProcessSolverError.self) { try solver.advance(frames: 1) }
    #expect(error?.problem == .notStarted)
    try solver.restart(from: state, time: 4)
    #expect(try solver.advance(frames: 1).elements == [1, 1])
    #expect(solver.time == 4.5)
  }

  @Test("settings are strict") func settings() throws {
    let text = Data(#"{"command": ["a", "b"], "nonFinite": "keep", "frameSeconds": 2}"#.utf8)
    let decoded = try SettingsTree(json: text).decode(ProcessSolverConfiguration.self)
    var expected = ProcessSolverConfiguration(command: ["a", "b"])
    (expected.nonFinite, expected.frameSeconds) = (.keep, 2)
    #expect(decoded == expected)
    for text in [#"{"comand": ["a"]}"#, #"{"nonFinite": "ignore"}"#] {
      #expect(throws: ConfigurationError.self) {
        try SettingsTree(json: Data(text.utf8)).decode(ProcessSolverConfiguration.self)
      }
    }
    let mistakes: [(String, (inout ProcessSolverConfiguration) -> Void)] = [
      ("command", { $0.command = [] }), ("stateShape", { $0.stateShape = [0] }),
      ("frameInterval", { $0.frameInterval = -1 }), ("startSeconds", { $0.startSeconds = 0 }),
      ("frameSeconds", { $0.frameSeconds = .infinity }), ("stopSeconds", { $0.stopSeconds = .nan }),
    ]
    for (name, change) in mistakes {
      let error = #expect(throws: ConfigurationError.self) {
        try ProcessSolver(configuration: shell("", change))
      }
      #expect(error?.path == "solver.\(name)")
    }
  }
}

@Suite("Solvers by process, trajectories", .serialized) struct ProcessSolverTrajectoryTests {
  @Test("run in as many programs as their batch asks for") func batches() throws {
    let lines = Lines()
    // Each echoes what it is asked, and gives the size of its batch as its frame.
    let script =
      "while read word count rest; do echo $word $count $rest >&2; case $word in "
      + "restart) n=$count; head -c $((16 * n)) >/dev/null; echo ready;; "
      + "advance) printf \"frame $((2 * n))\\n\"; for i in $(seq $((2 * n))); do printf '\(one)'; "
      + "done;; *) exit;; esac; done"
    let solver = try ProcessSolver(
      configuration: shell(script, announcing: "kymo-solver 1 interval 0.5 batch 2 shape 1 2"),
      log: lines.append)
    try solver.restart(from: HostArray(repeating: 3, shape: [5, 1, 2]), time: 1.25)
    let frames = try solver.advance(frames: 1)
    #expect(frames == HostArray(repeating: 1, shape: [5, 1, 1, 2]) && solver.time == 1.75)
    try solver.restart(from: HostArray(repeating: 3, shape: [1, 1, 2]), time: 0)
    solver.close()
    let asked = lines.all.filter { !$0.hasPrefix("pid") }
    #expect(asked.filter { $0 == "restart 2 1.25" }.count == 2)
    #expect(asked.filter { $0 == "restart 1 1.25" }.count == 1)
    #expect(asked.filter { $0 == "advance 1" }.count == 3)
    #expect(asked.filter { $0 == "restart 1 0.0" }.count == 1)
    #expect(asked.filter { $0 == "quit" }.count == 3)
  }

  @Test("that are lost leave the others alone, when asked to") func keeping() throws {
    // The second of three becomes NaN in frame 2; in the end only two states are handed over.
    let frame = "printf 'frame 6\\n"
    let solver = try ProcessSolver(
      configuration: shell(
        "read line; head -c 48 >/dev/null; echo ready; read line; "
          + frame + String(repeating: one, count: 6) + "'; "
          + frame + one + one + one + notANumber + one + one + "'; "
          + frame + String(repeating: one, count: 6) + "'; "
          + "read line; echo $line >&2; head -c 32 >/dev/null; echo ready; read line; "
          + "printf 'frame 4\\n" + String(repeating: one, count: 4) + "'; read line",
        { $0.nonFinite = .keep }))
    try solver.restart(from: HostArray(repeating: 1, shape: [3, 1, 2]), time: 0)
    let frames = try solver.advance(frames: 3)
    #expect(frames.slice(0).elements == [1, 1, 1, 1, 1, 1] && frames.slice(2) == frames.slice(0))
    #expect(frames.slice(1).slice(0).elements == [1, 1])
    // Lost from there on, though the solver came back.
    #expect(frames.slice(1).elements.dropFirst(2).allSatisfy { $0.isNaN })
    try solver.restart(
      from: HostArray([1, 1, .nan, 1, 1, 1], shape: [3, 1, 2]), time: 0)
    let again = try solver.advance(frames: 1)
    #expect(again.slice(0).elements == [1, 1] && again.slice(2).elements == [1, 1])
    #expect(again.slice(1).elements.allSatisfy { $0.isNaN })
  }
}

/// Programs and folders that the examples need.
private enum Examples {
  static let root = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL
  static let solvers = root.appending(path: "Examples/solvers")
  static let python = root.appending(path: ".deps/venv/bin/python").path
  static let hasPython = FileManager.default.isExecutableFile(atPath: python)
  static let cCompiler = find(["cc", "gcc", "clang"])
  static let fortranCompiler = find(["gfortran"])

  private static func find(_ names: [String]) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return names.flatMap { name in folders.map { "\($0)/\(name)" } }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static func compile(_ compiler: String, _ source: String, to program: URL) throws {
    let process = Process()
    process.executableURL = URL(filePath: compiler)
    process.arguments = ["-O2", "-Wall", solvers.appending(path: source).path, "-o", program.path]
    process.arguments?.append("-lm")
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(source) does not compile")
  }
}

@Suite("Solvers by process, the examples", .serialized) struct ExampleSolverTests {
  /// u at the 64 points: a sin x + b sin 2x at the start.
  private static func field(_ a: Double, _ b: Double) -> [Double] {
    (0..<64).map { point in
      let x = 2 * Double.pi * Double(point) / 64
      return a * sin(x) + b * sin(2 * x)
    }
  }

  /// The exact solution of uₜ = 0.1 δ²u + sin(x) cos(t) with the second difference δ².
  private static func exact(
    _ a: Double, _ b: Double, from start: Double, to end: Double
  ) -> [Double] {
    let spacing = 2 * Double.pi / 64
    func rate(_ mode: Double) -> Double {
      0.1 * (2 - 2 * cos(mode * spacing)) / (spacing * spacing)
    }
    func forced(_ time: Double) -> Double {
      (rate(1) * cos(time) + sin(time)) / (rate(1) * rate(1) + 1)
    }
    let elapsed = end - start
    return field(
      exp(-rate(1) * elapsed) * (a - forced(start)) + forced(end), exp(-rate(2) * elapsed) * b)
  }

  private func check(_ command: [String]) throws {
    var configuration = ProcessSolverConfiguration(command: command)
    (configuration.stateShape, configuration.frameInterval) = ([1, 64], 0.1)
    let lines = Lines()
    let solver = try ProcessSolver(configuration: configuration, log: lines.append)
    // The midpoint method with h = 0.005: t h²/24 of the third derivative, measured 3e-6.
    let accuracy = Tolerance(absolute: 1e-5, because: "second order in a step of 0.005")
    // Two trajectories, then one from another time: the forcing knows the absolute time.
    try solver.restart(
      from: HostArray(Self.field(1, 0.5) + Self.field(-0.3, 2), shape: [2, 1, 64]), time: 0)
    let frames = try solver.advance(frames: 10).elements + solver.advance(frames: 5).elements
    expectClose(
      Array(frames[(19 * 64)..<(20 * 64)]), Self.exact(-0.3, 2, from: 0, to: 1), accuracy)
    expectClose(Array(frames[..<64]), Self.exact(1, 0.5, from: 0, to: 0.1), accuracy)
    expectClose(Array(frames.suffix(64)), Self.exact(-0.3, 2, from: 0, to: 1.5), accuracy)
    try solver.restart(from: HostArray(Self.field(1, 0.5), shape: [1, 1, 64]), time: 2.75)
    let later = try solver.advance(frames: 20)
    #expect(later.shape == [1, 20, 1, 64] && (solver.time - 4.75).magnitude < 1e-12)
    expectClose(
      Array(later.elements.suffix(64)), Self.exact(1, 0.5, from: 2.75, to: 4.75), accuracy)
    // Negative control: another start time is another solution.
    expectFar(Array(later.elements.suffix(64)), Self.exact(1, 0.5, from: 0, to: 2), accuracy)
    solver.close()
    #expect(lines.all.isEmpty, "\(lines.all)")
  }

  @Test(
    "in Python solves its equation",
    .enabled(if: Examples.hasPython, "there is no .deps/venv; run: make setup"))
  func python() throws {
    try check([
      Examples.python, Examples.solvers.appending(path: "forced_diffusion.py").path,
    ])
  }

  @Test(
    "in C solves its equation",
    .enabled(if: Examples.cCompiler != nil, "there is no C compiler here"))
  func c() throws {
    let folder = try TemporaryFolder()
    let program = folder.path("solver")
    try Examples.compile(try #require(Examples.cCompiler), "forced_diffusion.c", to: program)
    try check([program.path])
  }

  @Test(
    "in Fortran solves its equation",
    .enabled(
      if: Examples.fortranCompiler != nil,
      "there is no Fortran compiler here; install one: apt-get install gfortran"))
  func fortran() throws {
    let folder = try TemporaryFolder()
    let program = folder.path("solver")
    try Examples.compile(
      try #require(Examples.fortranCompiler), "forced_diffusion.f90", to: program)
    try check([program.path])
  }
}
