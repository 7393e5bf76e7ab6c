// A user's own solver: a program in any language that answers on its standard output what it is
// asked on its standard input. The protocol, with examples: docs/external-solvers.md.
public import KymoNumerics

/// A solver of the full dynamics that runs as a program of its own.
///
/// The program announces the shape of its states and its coarse step, is started from states at a
/// time and asked for frames; numbers are little-endian float64. Nothing waits for ever: a program
/// that is silent, crashes, writes anything else or frames of a wrong size ends in a
/// ``ProcessSolverError`` that says so, with the last lines of its standard error. After an error
/// the program is gone; the next restart starts it anew.
///
/// A program may take any number of trajectories at once, or announce how many (`batch`); then as
/// many programs run side by side as are needed.
///
/// **Source.** docs/external-solvers.md.
public final class ProcessSolver: MicroSolver {
  /// The settings.
  public let configuration: ProcessSolverConfiguration
  /// Shape of one state, `[C, X…]`, as the program announced it.
  public let stateShape: [Int]
  /// The coarse step Δt, as the program announced it.
  public let frameInterval: Double
  private let batch: Int
  private let log: (String) -> Void
  private let stopSignal: () -> Int32?
  private var programs: [SolverProcess] = []
  private var clock: SolverClock
  private var trajectoryCount = 0
  /// Trajectories that a program computes; the others were lost.
  private var running: [Int] = []

  /// Starts the program and reads what it announces.
  ///
  /// - Parameters:
  ///   - configuration: The command and its limits.
  ///   - log: Is told every line of the program's standard error, on the thread that uses the
  ///     solver.
  ///   - stopSignal: The signal that asks to stop, if any has come; it ends every wait.
  /// - Throws: `ConfigurationError` for settings that cannot work; ``ProcessSolverError`` when the
  ///   program does not start or announces something else than wanted.
  public init(
    configuration: ProcessSolverConfiguration, log: @escaping (String) -> Void = { _ in },
    stopSignal: @escaping () -> Int32? = { nil }
  ) throws {
    try configuration.validate()
    (self.configuration, self.log, self.stopSignal) = (configuration, log, stopSignal)
    let (program, announcement) = try ProcessSolver.start(configuration, log, stopSignal)
    (stateShape, frameInterval) = (announcement.stateShape, announcement.frameInterval)
    batch = announcement.batch
    clock = SolverClock(interval: frameInterval)
    programs = [program]
  }

  deinit { close() }

  /// The present time.
  public var time: Double { clock.time }

  /// Starts trajectories from states `[B, C, X…]`; see ``MicroSolver``.
  public func restart(
    from states: HostArray<Double>, time: Double
  ) throws(ProcessSolverError) {
    guard states.rank == stateShape.count + 1, Array(states.shape.dropFirst()) == stateShape,
      states.shape[0] > 0
    else { throw error(.startShape(found: states.shape, stateShape: stateShape)) }
    trajectoryCount = 0
    running = try finite(states)
    try bringPrograms(to: (running.count + batch - 1) / batch)
    let size = stateShape.reduce(1, *)
    for (program, members) in parts {
      var message = Array("restart \(members.count) \(time)\n".utf8)
      message.reserveCapacity(message.count + 8 * members.count * size)
      for trajectory in members {
        for value in states.elements[trajectory * size..<(trajectory + 1) * size] {
          unsafe withUnsafeBytes(of: value.bitPattern.littleEndian) { unsafe message += $0 }
        }
      }
      try attempt(.readiness, program) { () throws(SolverProcess.Failure) in
        try program.send(message, seconds: configuration.frameSeconds)
      }
    }
    for (program, _) in parts {
      let words = try answer(.readiness, program, "after which nothing else follows")
      guard words == ["ready"] else {
        throw surprise(.readiness, program, words, "after which nothing else follows")
      }
    }
    trajectoryCount = states.shape[0]
    clock.start(at: time)
  }

  /// Advances by coarse steps; see ``MicroSolver``.
  public func advance(frames: Int) throws(ProcessSolverError) -> HostArray<Double> {
    precondition(frames >= 0, "advance: \(frames) frames")
    guard trajectoryCount > 0 else { throw error(.notStarted) }
    let size = stateShape.reduce(1, *)
    var result = [Double](repeating: .nan, count: trajectoryCount * frames * size)
    // All are asked before one is waited for: programs work at the same time.
    for (program, _) in parts {
      try attempt(.frame(1), program) { () throws(SolverProcess.Failure) in
        try program.send(Array("advance \(frames)\n".utf8), seconds: configuration.frameSeconds)
      }
    }
    var lost: Set<Int> = []
    for frame in 0..<frames {
      for (program, members) in parts {
        let values = try self.frame(frame + 1, program, count: members.count * size)
        for (place, trajectory) in members.enumerated() where !lost.contains(trajectory) {
          let state = values[place * size..<(place + 1) * size]
          if let wrong = state.firstIndex(where: { !$0.isFinite }) {
            guard configuration.nonFinite == .keep else {
              throw failed(
                .notFinite(
                  trajectory: trajectory, frame: frame + 1,
                  index: indices(of: wrong - place * size)), program)
            }
            lost.insert(trajectory)
          } else {
            let row = (trajectory * frames + frame) * size
            result.replaceSubrange(row..<row + size, with: state)
          }
        }
      }
    }
    clock.advance(frames)
    return HostArray(result, shape: [trajectoryCount, frames] + stateShape)
  }

  /// Asks the programs to stop, then stops them; a later restart starts them anew.
  public func close() {
    for program in programs {
      program.stop(farewell: "quit\n", seconds: configuration.stopSeconds)
    }
    programs = []
    trajectoryCount = 0
  }

  // MARK: - Programs

  /// Every program with its trajectories.
  private var parts: [(SolverProcess, ArraySlice<Int>)] {
    zip(programs, stride(from: 0, to: running.count, by: batch)).map { program, first in
      (program, running[first..<min(first + batch, running.count)])
    }
  }

  /// Starts or stops programs until there are `count`.
  private func bringPrograms(to count: Int) throws(ProcessSolverError) {
    while programs.count > max(1, count) {
      programs.removeLast().stop(farewell: "quit\n", seconds: configuration.stopSeconds)
    }
    while programs.count < count {
      let (program, announcement) = try ProcessSolver.start(configuration, log, stopSignal)
      programs.append(program)
      guard announcement.stateShape == stateShape else {
        throw failed(
          .stateShape(found: announcement.stateShape, expected: stateShape), program)
      }
      guard announcement.frameInterval == frameInterval else {
        throw failed(
          .frameInterval(found: announcement.frameInterval, expected: frameInterval), program)
      }
    }
  }

  private static func start(
    _ configuration: ProcessSolverConfiguration, _ log: @escaping (String) -> Void,
    _ stopSignal: @escaping () -> Int32?
  ) throws(ProcessSolverError) -> (SolverProcess, Announcement) {
    let name = configuration.command[0]
    let program: SolverProcess
    do {
      program = try SolverProcess(
        command: configuration.command, folder: configuration.folder,
        environment: configuration.environment, log: log, stopSignal: stopSignal)
    } catch {
      throw ProcessSolverError(program: name, problem: .cannotStart(reason: "\(error)"))
    }
    do {
      let line = try program.line(seconds: configuration.startSeconds)
      guard let line, let announcement = Announcement(line) else {
        throw ProcessSolverError.Problem.unexpected(
          .announcement, found: excerpt(line.map { $0[...] } ?? program.unread),
          expected: "'kymo-solver 1 interval DT shape C X'")
      }
      let (shape, interval) = (configuration.stateShape, configuration.frameInterval)
      guard shape.isEmpty || shape == announcement.stateShape else {
        throw ProcessSolverError.Problem.stateShape(
          found: announcement.stateShape, expected: shape)
      }
      guard interval == 0 || (interval - announcement.frameInterval).magnitude <= 1e-9 * interval
      else {
        throw ProcessSolverError.Problem.frameInterval(
          found: announcement.frameInterval, expected: interval)
      }
      return (program, announcement)
    } catch {
      let problem =
        (error as? ProcessSolverError.Problem)
        ?? problem(error as? SolverProcess.Failure, .announcement, configuration.startSeconds)
      program.end(within: 0)
      throw ProcessSolverError(program: name, problem: problem, lastWords: program.lastWords)
    }
  }

  // MARK: - Answers

  /// The words of the next line; throws when the program says that it cannot.
  private func answer(
    _ awaited: ProcessSolverError.Awaited, _ program: SolverProcess, _ expected: String
  ) throws(ProcessSolverError) -> [String] {
    let line = try attempt(awaited, program) { () throws(SolverProcess.Failure) in
      try program.line(seconds: configuration.frameSeconds)
    }
    guard let line else {
      throw failed(
        .unexpected(awaited, found: Self.excerpt(program.unread), expected: expected), program)
    }
    let text = String(decoding: line, as: UTF8.self)
    let words = text.split(separator: " ").map(String.init)
    guard words.first != "error" else {
      throw failed(
        .refused(awaited, words: Self.excerpt(line.dropFirst(6), limit: 900)), program)
    }
    return words
  }

  /// The numbers of one frame.
  private func frame(
    _ frame: Int, _ program: SolverProcess, count: Int
  ) throws(ProcessSolverError) -> [Double] {
    let expected = "'frame \(count)' and \(count) float64 numbers"
    let words = try answer(.frame(frame), program, expected)
    guard words.count == 2, words[0] == "frame", let announced = Int(words[1]) else {
      throw surprise(.frame(frame), program, words, expected)
    }
    guard announced == count else {
      throw failed(.frameSize(.frame(frame), found: announced, expected: count), program)
    }
    var (bits, filled) = ([UInt64](repeating: 0, count: count), 0)
    do {
      try attempt(.frame(frame), program) { () throws(SolverProcess.Failure) in
        try program.read(into: &bits, filled: &filled, seconds: configuration.frameSeconds)
      }
    } catch {
      guard filled == 4 * count, !error.isStop else { throw error }
      var error = error
      error.problem = .numberFormat(.frame(frame), .float32)
      throw error
    }
    if let format = NumberFormat(shownBy: bits) {
      throw failed(.numberFormat(.frame(frame), format), program)
    }
    return bits.map { Double(bitPattern: UInt64(littleEndian: $0)) }
  }

  /// Indices of the states that can be handed to a program.
  private func finite(_ states: HostArray<Double>) throws(ProcessSolverError) -> [Int] {
    let size = stateShape.reduce(1, *)
    var result: [Int] = []
    for trajectory in 0..<states.shape[0] {
      let state = states.elements[trajectory * size..<(trajectory + 1) * size]
      if let wrong = state.firstIndex(where: { !$0.isFinite }) {
        guard configuration.nonFinite == .keep else {
          throw error(
            .notFinite(
              trajectory: trajectory, frame: 0, index: indices(of: wrong - trajectory * size)))
        }
      } else {
        result.append(trajectory)
      }
    }
    return result
  }

  /// The indices `[C, X…]` of an entry of a state.
  private func indices(of entry: Int) -> [Int] {
    var rest = entry
    var indices: [Int] = []
    for length in stateShape.reversed() {
      indices.insert(rest % length, at: 0)
      rest /= length
    }
    return indices
  }

  // MARK: - Errors

  private func attempt<Value>(
    _ awaited: ProcessSolverError.Awaited, _ program: SolverProcess,
    _ body: () throws(SolverProcess.Failure) -> Value
  ) throws(ProcessSolverError) -> Value {
    do {
      return try body()
    } catch {
      let found = Self.excerpt(program.unread)
      guard case .flooded = error else {
        throw failed(Self.problem(error, awaited, configuration.frameSeconds), program)
      }
      throw failed(
        .unexpected(awaited, found: found, expected: "and had not yet asked for it"), program)
    }
  }

  private static func problem(
    _ failure: SolverProcess.Failure?, _ awaited: ProcessSolverError.Awaited, _ seconds: Double
  ) -> ProcessSolverError.Problem {
    switch failure {
    case .ended(let end): .ended(awaited, end)
    case .stopped(let signal): .stopped(signal: signal)
    default: .timedOut(awaited, seconds: seconds)
    }
  }

  private func surprise(
    _ awaited: ProcessSolverError.Awaited, _ program: SolverProcess, _ words: [String],
    _ expected: String
  ) -> ProcessSolverError {
    failed(
      .unexpected(
        awaited, found: Self.excerpt(Array(words.joined(separator: " ").utf8)[...]),
        expected: expected), program)
  }

  /// An error of this solver.
  private func error(_ problem: ProcessSolverError.Problem) -> ProcessSolverError {
    ProcessSolverError(program: configuration.command[0], problem: problem)
  }

  /// Ends all programs, since none is where the others are, and gives the error.
  private func failed(
    _ problem: ProcessSolverError.Problem, _ program: SolverProcess
  ) -> ProcessSolverError {
    for each in programs { each.end(within: 0) }
    programs = []
    trajectoryCount = 0
    var error = error(problem)
    error.lastWords = program.lastWords
    return error
  }

  /// Bytes as a person can read them.
  private static func excerpt(_ bytes: ArraySlice<UInt8>, limit: Int = 60) -> String {
    let text = String(decoding: bytes.prefix(limit), as: UTF8.self).map { character in
      character.isASCII && (character.asciiValue ?? 0) >= 32 && character != "\u{7f}"
        ? character : "·"
    }
    return String(text) + (bytes.count > limit ? "…" : "")
  }
}

/// What a program says of itself in its first line.
private struct Announcement {
  var stateShape: [Int]
  var frameInterval: Double
  var batch = 1 << 30

  /// Reads `kymo-solver 1 interval DT [batch N] shape C X…`; nil when it is something else.
  init?(_ line: [UInt8]) {
    let words = String(decoding: line, as: UTF8.self).split(separator: " ")
    guard words.starts(with: ["kymo-solver", "1"]), let shape = words.firstIndex(of: "shape")
    else { return nil }
    let lengths = words[(shape + 1)...].map { Int($0) ?? 0 }
    guard (2...4).contains(lengths.count), lengths.allSatisfy({ $0 > 0 && $0 <= 1 << 24 }),
      lengths.reduce(1.0, { $0 * Double($1) }) <= 0x1p30
    else { return nil }
    stateShape = lengths
    var interval = 0.0
    var settings = words[2..<shape]
    while let name = settings.popFirst() {
      guard let value = settings.popFirst() else { return nil }
      switch name {
      case "interval": interval = Double(value) ?? 0
      case "batch": batch = min(Int(value) ?? 0, batch)
      default: return nil
      }
    }
    guard interval > 0, interval.isFinite, batch > 0 else { return nil }
    frameInterval = interval
  }
}

extension ProcessSolverError.Problem: Error {}
