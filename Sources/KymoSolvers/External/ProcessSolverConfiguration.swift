// How a user's own solver is started and how long it may take: docs/external-solvers.md.
public import KymoNumerics

/// What becomes of a trajectory whose field holds a number that is not finite.
public enum NonFiniteFields: String, SettingChoice {
  /// The solver stops with an error that says where the first one is.
  case stop
  /// The trajectory's frames are NaN from there on, and the others go on.
  case keep
}

/// The settings of a solver that runs as a program of its own.
public struct ProcessSolverConfiguration: Settings {
  /// The program and its arguments; a name without a slash is looked for on PATH.
  public var command: [String] = []
  /// The folder in which it runs; the present one when empty.
  public var folder = ""
  /// Environment variables that it gets beside those of Kymo.
  public var environment: [String: String] = [:]
  /// Shape of one state, `[C, X…]`, that the solver must announce; empty takes any.
  public var stateShape: [Int] = []
  /// The coarse step Δt that the solver must announce; 0 takes any.
  public var frameInterval = 0.0
  /// Seconds until it must have announced itself.
  public var startSeconds = 30.0
  /// Seconds until it must have taken a state, and until each frame.
  public var frameSeconds = 60.0
  /// Seconds that it has for stopping when asked, before it is made to.
  public var stopSeconds = 2.0
  /// What becomes of a trajectory whose field is not finite.
  public var nonFinite = NonFiniteFields.stop

  /// Creates the default settings, in which the command is missing.
  public init() {}

  /// Creates the default settings for a command.
  public init(command: [String]) { self.command = command }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "solver") throws(ConfigurationError) {
    let program = command.first ?? ""
    try require(
      !program.isEmpty, "\(path).command", found: "empty",
      allowed: "a program and its arguments",
      remedy: "For a Python script write [python3, my_solver.py].")
    try require(
      stateShape.allSatisfy { $0 > 0 }, "\(path).stateShape", found: stateShape,
      allowed: "channels and points, or empty", remedy: "Leave it out to take any shape.")
    try require(
      frameInterval.isFinite && frameInterval >= 0, "\(path).frameInterval", found: frameInterval,
      allowed: "a positive number, or 0 for any", remedy: "Leave it out to take any interval.")
    for (name, seconds) in [
      ("startSeconds", startSeconds), ("frameSeconds", frameSeconds), ("stopSeconds", stopSeconds),
    ] {
      try require(
        seconds > 0 && seconds <= 1e6, "\(path).\(name)", found: seconds,
        allowed: "above 0 and at most 1000000", remedy: "Leave it out if unsure.")
    }
  }
}
