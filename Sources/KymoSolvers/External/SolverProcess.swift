// A program at the other end of three pipes. Nothing here waits without a deadline, no answer of
// the program can end ours (SIGPIPE), and none outlives its owner: it leads a process group, which
// is asked to end, then made to.
import CProcess
import Glibc

/// Runs a program and exchanges bytes with it.
@safe final class SolverProcess {
  /// Why an exchange ended.
  enum Failure: Error {
    case timedOut
    case ended(ProgramEnd)
    /// So much came unasked that it cannot be an answer.
    case flooded
    /// A signal asked to stop.
    case stopped(signal: Int32)
  }

  /// Lines of standard error that are kept for the words of an error.
  private static let keptLines = 10
  /// Bytes that may lie unread.
  private static let capacity = 1 << 16

  private let program: kp_program
  private var process: Int32 { program.process }
  private let stopSignal: () -> Int32?
  private var input: Int32
  private var output: Int32
  private var errors: Int32
  private var received: [UInt8] = []
  private var errorLine: [UInt8] = []
  private(set) var lastWords: [String] = []
  private let log: (String) -> Void
  /// How the program ended, once it is reaped.
  private var ending: ProgramEnd?

  /// Starts a program; throws what the system says when it cannot.
  init(
    command: [String], folder: String, environment: [String: String],
    log: @escaping (String) -> Void, stopSignal: @escaping () -> Int32? = { nil }
  ) throws(SystemError) {
    var program = kp_program()
    let status = unsafe withCStrings(command) { arguments in
      unsafe withCStrings(Self.merged(environment)) { variables in
        unsafe kp_start(&program, arguments, variables, folder.isEmpty ? nil : folder)
      }
    }
    guard status == 0 else { throw SystemError(number: status) }
    (self.program, self.stopSignal) = (program, stopSignal)
    (input, output, errors) = (program.input, program.output, program.errors)
    self.log = log
  }

  deinit { end(within: 0) }

  /// Sends bytes; throws when the program does not take them in time.
  func send(_ bytes: [UInt8], seconds: Double) throws(Failure) {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var sent = 0
    while sent < bytes.count {
      guard received.count < Self.capacity else { throw .flooded }
      sent += try exchange(sending: bytes[sent...], deadline: deadline)
    }
  }

  /// The next line without its end; nil when 1,000 bytes hold none.
  func line(seconds: Double) throws(Failure) -> [UInt8]? {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(received[..<end])
        received.removeFirst(end + 1)
        return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      }
      guard received.count < 1000 else { return nil }
      _ = try exchange(deadline: deadline)
    }
  }

  /// What lies unread, for the words of an error.
  var unread: ArraySlice<UInt8> { received.prefix(100) }

  /// Fills `target` with the bytes that come next, and counts them also when it fails.
  func read(
    into target: inout [UInt64], filled: inout Int, seconds: Double
  ) throws(Failure) {
    let deadline = ContinuousClock.now + .seconds(seconds)
    let total = 8 * target.count
    while filled < total {
      let part = min(received.count, total - filled)
      guard part > 0 else {
        _ = try exchange(deadline: deadline)
        continue
      }
      unsafe target.withUnsafeMutableBytes { bytes in
        // In bounds: `part` bytes are there on both sides.
        unsafe bytes[filled..<filled + part].copyBytes(from: received[..<part])
      }
      received.removeFirst(part)
      filled += part
    }
  }

  /// Asks the program to stop by closing its input after `farewell`, then makes it stop.
  func stop(farewell: String, seconds: Double) {
    if input >= 0 {
      _ = try? send(Array(farewell.utf8), seconds: min(seconds, 0.1))
      closeEnd(&input)
    }
    end(within: seconds)
  }

  /// Waits for the end, then asks by SIGTERM, then uses SIGKILL; returns how it ended.
  ///
  /// Whatever the program started and left behind in its group goes with it.
  @discardableResult func end(within seconds: Double) -> ProgramEnd {
    if let ending { return ending }
    var ended = waitForEnd(seconds: seconds)
    if !ended {
      kill(-process, SIGTERM)
      ended = waitForEnd(seconds: max(seconds, 0.2))
    }
    let status = unsafe withUnsafePointer(to: program) { unsafe kp_reap($0) }
    let ending: ProgramEnd =
      status & 0x7f == 0
      ? .exited(Int(status >> 8 & 0xff)) : .killed(signal: Int(status & 0x7f))
    self.ending = ending
    drain()
    closeEnd(&input)
    closeEnd(&output)
    closeEnd(&errors)
    return ending
  }

  // MARK: - Events

  /// Whether the program has ended; it stays to be reaped.
  private var hasEnded: Bool { kp_has_ended(process) != 0 }

  /// Throws away output until the program ends or the time is over.
  private func waitForEnd(seconds: Double) -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while !hasEnded {
      guard ContinuousClock.now < deadline else { return false }
      received.removeAll()
      _ = poll(sending: false, milliseconds: 10)
      // With all pipes closed, poll returns at once.
      if output < 0 && errors < 0 { usleep(5000) }
    }
    return true
  }

  /// Reads what the program left in its pipes.
  private func drain() {
    received.removeAll()
    for _ in 0..<64 where output >= 0 || errors >= 0 {
      received.removeAll()
      if !poll(sending: false, milliseconds: 0) { break }
    }
    if !errorLine.isEmpty { finishErrorLine() }
  }

  /// Waits for one event; sends what can be sent and returns how much.
  private func exchange(
    sending bytes: ArraySlice<UInt8> = [], deadline: ContinuousClock.Instant
  ) throws(Failure) -> Int {
    let left = ContinuousClock.now.duration(to: deadline)
    guard left > .zero else { throw .timedOut }
    if let signal = stopSignal() { throw .stopped(signal: signal) }
    // Short waits, because an end of the program shows in no pipe that a child of it holds open.
    let milliseconds = Int32(min(100, max(1, left / .milliseconds(1))))
    let happened = poll(sending: !bytes.isEmpty, milliseconds: milliseconds)
    var sent = 0
    if !bytes.isEmpty && input >= 0 { sent = write(bytes) }
    if sent > 0 { return sent }
    let isDeaf = !bytes.isEmpty && input < 0
    if output < 0 || isDeaf || (!happened && hasEnded) {
      // An end follows the closing of a pipe at once, or was no end.
      guard waitForEndKeeping(seconds: 1) else { throw .ended(.closedStream) }
      throw .ended(end(within: 0))
    }
    return 0
  }

  private func waitForEndKeeping(seconds: Double) -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while !hasEnded {
      guard ContinuousClock.now < deadline else { return false }
      usleep(2000)
    }
    return true
  }

  /// Waits until a pipe is ready and reads from those that are; false when none was in time.
  private func poll(sending: Bool, milliseconds: Int32) -> Bool {
    let listens = output >= 0 && received.count < Self.capacity
    // Negative descriptors are passed over.
    var events = [
      pollfd(fd: listens ? output : -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
      pollfd(fd: sending ? input : -1, events: Int16(POLLOUT), revents: 0),
    ]
    guard unsafe Glibc.poll(&events, nfds_t(events.count), milliseconds) > 0 else { return false }
    if events[0].revents != 0, let bytes = readSome(&output) { received += bytes }
    if events[1].revents != 0, let bytes = readSome(&errors) { hear(bytes) }
    return true
  }

  /// What lies in a pipe; nil, and the pipe closed, at its end.
  private func readSome(_ pipe: inout Int32) -> [UInt8]? {
    let descriptor = pipe
    var wrong: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.capacity) { buffer, count in
      let got = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      wrong = got < 0 ? errno : 0
      count = max(0, got)
    }
    guard bytes.isEmpty else { return bytes }
    if wrong == EAGAIN || wrong == EINTR { return [] }
    closeEnd(&pipe)
    return nil
  }

  /// Writes what fits; a pipe that nobody reads from is closed.
  private func write(_ bytes: ArraySlice<UInt8>) -> Int {
    let written = unsafe bytes.withUnsafeBytes {
      unsafe kp_write(input, $0.baseAddress, $0.count)
    }
    if written < 0 && written != -Int64(EAGAIN) && written != -Int64(EINTR) { closeEnd(&input) }
    return max(0, Int(written))
  }

  /// Hands whole lines of standard error to the log.
  private func hear(_ bytes: [UInt8]) {
    for byte in bytes {
      if byte == UInt8(ascii: "\n") || errorLine.count > 4000 { finishErrorLine() }
      if byte != UInt8(ascii: "\n") { errorLine.append(byte) }
    }
  }

  private func finishErrorLine() {
    let line = String(decoding: errorLine, as: UTF8.self)
    errorLine.removeAll()
    lastWords = (lastWords + [line]).suffix(Self.keptLines)
    log(line)
  }

  private func closeEnd(_ end: inout Int32) {
    if end >= 0 { close(end) }
    end = -1
  }

  /// The environment of this process with some variables set.
  private static func merged(_ changes: [String: String]) -> [String] {
    var variables: [String] = []
    var next = unsafe environ
    while let text = unsafe next.pointee {
      let variable = unsafe String(cString: text)
      let name = variable.prefix { $0 != "=" }
      if changes[String(name)] == nil { variables.append(variable) }
      unsafe next += 1
    }
    return variables + changes.map { "\($0)=\($1)" }
  }
}

/// An error number of the system.
struct SystemError: Error, CustomStringConvertible {
  var number: Int32
  var description: String { unsafe String(cString: strerror(number)) }
}

/// Calls `body` with an array of C strings that ends with NULL.
private func withCStrings<Result>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  let copies = unsafe strings.map { unsafe strdup($0) }
  defer { for index in unsafe copies.indices { unsafe free(copies[index]) } }
  return unsafe body(copies + [nil])
}
