// What can go wrong with a solver that runs as a program of its own: facts here, sentences at the
// end.

/// How a program ended.
public enum ProgramEnd: Hashable, Sendable, CustomStringConvertible {
  /// By itself, with this status.
  case exited(Int)
  /// By this signal.
  case killed(signal: Int)
  /// It still runs, but has closed its standard input or output.
  case closedStream

  /// What it did, as the rest of a sentence.
  public var description: String {
    switch self {
    case .exited(let status): "ended with status \(status)"
    case .killed(let signal): "was killed by signal \(signal)\(Self.names[signal] ?? "")"
    case .closedStream: "closed its standard input or output"
    }
  }

  private static let names = [
    4: " (illegal instruction)", 6: " (abort)", 8: " (arithmetic error)",
    9: " (SIGKILL, perhaps for lack of memory)", 11: " (segmentation fault)", 15: " (SIGTERM)",
  ]
}

/// A user's own solver that did not do what ``ProcessSolver`` asked of it.
public struct ProcessSolverError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was being waited for.
  public enum Awaited: Hashable, Sendable {
    /// The line with which a solver announces itself.
    case announcement
    /// The answer to a start from states.
    case readiness
    /// A frame, counted from 1.
    case frame(Int)
  }

  /// What went wrong.
  public enum Problem: Hashable, Sendable {
    /// The program could not be started.
    case cannotStart(reason: String)
    /// Nothing, or not enough, came in time.
    case timedOut(Awaited, seconds: Double)
    /// The program ended or closed its output instead of answering.
    case ended(Awaited, ProgramEnd)
    /// What came is not what the protocol says.
    case unexpected(Awaited, found: String, expected: String)
    /// The solver announced another shape than wanted.
    case stateShape(found: [Int], expected: [Int])
    /// The solver announced another coarse step than wanted.
    case frameInterval(found: Double, expected: Double)
    /// A frame has another number of numbers than its states.
    case frameSize(Awaited, found: Int, expected: Int)
    /// The bytes of a frame are numbers of another form than the protocol's.
    case numberFormat(Awaited, NumberFormat)
    /// A number of a frame, or of a state to start from (frame 0), is not finite.
    case notFinite(trajectory: Int, frame: Int, index: [Int])
    /// The solver said that it cannot.
    case refused(Awaited, words: String)
    /// States of another shape were handed to the solver.
    case startShape(found: [Int], stateShape: [Int])
    /// The solver was to advance before it was started, or after an error.
    case notStarted
    /// A signal asked to stop while the solver was at work.
    case stopped(signal: Int32)
  }

  /// The program.
  public var program: String
  /// What went wrong.
  public var problem: Problem
  /// The last lines that it wrote to its standard error.
  public var lastWords: [String] = []

  /// One sentence or a few for the person who wrote the solver.
  public var description: String {
    let end =
      lastWords.isEmpty
      ? "" : " The last lines of its standard error:\n  " + lastWords.joined(separator: "\n  ")
    return "The solver '\(program)' \(sentence)\(end)"
  }

  /// Whether a signal asked to stop.
  var isStop: Bool { if case .stopped = problem { true } else { false } }

  private var sentence: String {
    switch problem {
    case .cannotStart(let reason):
      "could not be started: \(reason). Is the program on PATH, or its path right, and executable?"
    case .timedOut(let awaited, let seconds):
      """
      was silent for \(seconds.formatted) s; Kymo was waiting for \(awaited). Does it flush its \
      standard output after every answer? If it only takes longer, raise \
      \(awaited == .announcement ? "startSeconds" : "frameSeconds").
      """
    case .ended(let awaited, let end): "\(end); Kymo was waiting for \(awaited)."
    case .unexpected(let awaited, let found, let expected):
      """
      wrote '\(found)' where Kymo was waiting for \(awaited), \(expected). Only answers may go to \
      standard output, messages go to standard error; and an answer before this one may have been \
      longer than announced.
      """
    case .stateShape(let found, let expected):
      "has states of shape \(found), but \(expected) are needed (channels, then points)."
    case .frameInterval(let found, let expected):
      "has a coarse step of \(found), but \(expected) is needed."
    case .frameSize(let awaited, let found, let expected):
      """
      announced \(found) numbers as \(awaited), but the states of all trajectories together have \
      \(expected).
      """
    case .numberFormat(let awaited, let format):
      """
      seems to write \(format.rawValue): \
      \(format == .float32
        ? "\(awaited) has half as many bytes as announced"
        : "the numbers of \(awaited) make sense only with their bytes in reverse order"). Numbers are \
      little-endian float64, 8 bytes each: x.astype('<f8').tobytes() in NumPy, double in C, real(8) \
      in Fortran.
      """
    case .notFinite(let trajectory, 0, let index):
      """
      was to start from a state that is not finite: trajectory \(trajectory), entry \(index). Set \
      nonFinite to 'keep' to go on with the other trajectories.
      """
    case .notFinite(let trajectory, let frame, let index):
      """
      gave a number that is not finite: trajectory \(trajectory), frame \(frame), entry \(index). \
      Perhaps its time step is too long for a decoded state; set nonFinite to 'keep' to go on with \
      the other trajectories.
      """
    case .refused(let awaited, let words): "said instead of \(awaited): \(words)"
    case .startShape(let found, let stateShape):
      """
      starts from states of shape [trajectories, \
      \(stateShape.map(String.init).joined(separator: ", "))] with at least one trajectory, got \
      \(found).
      """
    case .notStarted: "cannot advance before it was started from a state."
    case .stopped: "was stopped."
    }
  }
}

extension ProcessSolverError.Awaited: CustomStringConvertible {
  /// What it is, as a part of a sentence.
  public var description: String {
    switch self {
    case .announcement: "the line that announces it"
    case .readiness: "the line 'ready'"
    case .frame(let frame): "frame \(frame)"
    }
  }
}

extension Double {
  /// Without a fraction where there is none.
  fileprivate var formatted: String { self == rounded() ? "\(Int(self))" : "\(self)" }
}
