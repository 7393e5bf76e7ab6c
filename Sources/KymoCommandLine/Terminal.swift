// What is said on standard error: sentences, log lines and the progress of long work. A bar is
// drawn on a terminal only; elsewhere a plain line comes every ten seconds, so that logs stay
// short.
package import Foundation
import KymoNumerics
package import Logging
import Synchronization

/// Standard error as a place for words.
package final class Terminal: Sendable {
  /// How much is said.
  package enum Manner: Hashable, Sendable {
    /// Errors only.
    case quiet
    /// A plain line every few seconds.
    case plain
    /// A bar that is redrawn in place.
    case bar(color: Bool)
  }

  private struct State {
    var barIsShown = false
    var lastProgress: ContinuousClock.Instant?
  }

  private let manner: Manner
  private let write: @Sendable (String) -> Void
  private let state = Mutex(State())

  /// Speaks in a given manner.
  package init(
    manner: Manner,
    write: @escaping @Sendable (String) -> Void = { Terminal.writeToStandardError($0) }
  ) {
    (self.manner, self.write) = (manner, write)
  }

  /// Speaks as the terminal and the environment ask for.
  package convenience init(quiet: Bool) {
    let environment = ProcessInfo.processInfo.environment
    let isTerminal = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
    let color = (environment["NO_COLOR"] ?? "").isEmpty
    self.init(manner: quiet ? .quiet : isTerminal ? .bar(color: color) : .plain)
  }

  /// Says a sentence.
  package func say(_ line: String) {
    guard manner != .quiet else { return }
    insist(line)
  }

  /// Says a sentence even when it should be quiet: errors.
  package func insist(_ line: String) {
    state.withLock { state in
      if state.barIsShown { write("\r\u{1B}[K") }
      state.barIsShown = false
      write(Words.printable(line) + "\n")
    }
  }

  /// Shows how far long work is: a fraction from 0 to 1 and words.
  package func show(fraction: Double, _ words: @autoclosure () -> String) {
    let now = ContinuousClock.now
    guard manner != .quiet else { return }
    let pause: Duration = manner == .plain ? .seconds(10) : .milliseconds(100)
    state.withLock { state in
      if let last = state.lastProgress, now - last < pause { return }
      state.lastProgress = now
      let percent = "\(Int((100 * min(max(fraction, 0), 1)).rounded(.down))) %"
      let words = Words.printable(words())
      switch manner {
      case .bar(let color):
        let line = Terminal.bar(fraction) + " " + percent + " " + words
        let cut = String(line.prefix(Terminal.width() - 1))
        write("\r\u{1B}[K" + (color ? "\u{1B}[36m\(cut)\u{1B}[0m" : cut))
        state.barIsShown = true
      default: write("\(percent) \(words)\n")
      }
    }
  }

  /// Ends the display of progress.
  package func endProgress() {
    state.withLock { state in
      if state.barIsShown { write("\r\u{1B}[K") }
      state = State()
    }
  }

  /// Writes text to standard error.
  package static func writeToStandardError(_ text: String) {
    // A reader that has gone away must not end the work.
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// Prints lines on standard output.
  package static func print(_ text: String) { Swift.print(Words.printable(text)) }

  private static func bar(_ fraction: Double) -> String {
    let cells = 20.0
    let filled = Int((min(max(fraction, 0), 1) * cells).rounded(.down))
    return "\u{2595}" + String(repeating: "\u{2588}", count: filled)
      + String(repeating: " ", count: Int(cells) - filled) + "\u{258F}"
  }

  private static func width() -> Int {
    var size = winsize()
    let status = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size)
    return status == 0 && size.ws_col > 20 ? Int(size.ws_col) : 80
  }
}

/// Sends log lines to the log file of a run and to the terminal.
package struct RunLogHandler: LogHandler {
  private let file: FileHandle?
  private let terminal: Terminal
  package var metadata: Logger.Metadata = [:]
  package var logLevel = Logger.Level.info

  /// Appends to `file`, which is made when absent.
  package init(file: URL, terminal: Terminal) {
    if !FileManager.default.fileExists(atPath: file.path) {
      _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    }
    self.file = try? FileHandle(forWritingTo: file)
    _ = try? self.file?.seekToEnd()
    self.terminal = terminal
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let word = event.level >= .warning ? "\(event.level): " : ""
    let line = Words.printable("\(Date.now.formatted(.iso8601)) \(word)\(event.message)") + "\n"
    // A log line that finds no room on the disk must not end the work.
    try? file?.write(contentsOf: Data(line.utf8))
    // A failure is told once more when the program ends with it.
    if event.level >= .error { return }
    if event.level == .warning {
      terminal.insist("kymo: \(word)\(event.message)")
    } else {
      terminal.say("\(event.message)")
    }
  }
}
