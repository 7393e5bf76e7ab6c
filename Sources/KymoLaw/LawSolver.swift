// A law as a solver: for recordings that are simulated with it, and for forecasts that alternate.
import Foundation
public import KymoData
public import KymoNumerics
public import KymoSolvers

/// The settings of a law as a solver.
public struct LawSolverConfiguration: Settings {
  /// The law: law.json in the folder that `kymo discover FILE -o FOLDER` wrote.
  public var file = ""
  /// Values of the hidden parameters, the same for all trajectories; empty takes those that were
  /// found in the recording that a trajectory starts from.
  public var theta: [Double] = []
  /// Time steps in a frame; 0 finds them at the first start.
  public var substeps = 0

  /// Creates the default settings, in which the file is missing.
  public init() {}

  /// Creates the default settings for a file.
  public init(file: String) { self.file = file }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "solver.law") throws(ConfigurationError) {
    try require(
      !file.isEmpty, "\(path).file", found: "empty", allowed: "the law.json of kymo discover",
      remedy: "Write one: kymo discover FILE -o FOLDER")
    try require(
      theta.allSatisfy(\.isFinite), "\(path).theta", found: theta, allowed: "numbers",
      remedy: "Leave it out to take those that were found.")
    try require(
      (0...16_384).contains(substeps), "\(path).substeps", found: substeps,
      allowed: "from 0 to 16384", remedy: "Leave it out to find them.")
  }
}

extension Law {
  /// The hidden parameters of recordings.
  ///
  /// - Parameters:
  ///   - theta: Values for all; empty takes those that were found.
  ///   - count: Number of recordings.
  ///   - source: What the recordings are called in an error.
  /// - Throws: `ConfigurationError` for other numbers of values or recordings than the law's.
  /// - Returns: An entry for each recording, or one that holds for all.
  public func parameterValues(
    theta: [Double], recordings count: Int, source: String
  ) throws(ConfigurationError) -> [[Double]] {
    if !theta.isEmpty {
      try require(
        theta.count == parameters.count && theta.allSatisfy(\.isFinite), "theta",
        found: counted(theta.count, "number"),
        allowed: "\(parameters.count), one for each hidden parameter",
        remedy: "The law's text names them.")
    }
    if !theta.isEmpty || parameters.isEmpty { return [theta] }
    try require(
      recordings.count == count, source, found: counted(count, "recording"),
      allowed: "the \(recordings.count) that the law was found in",
      remedy: "Give the hidden parameters for others: theta=[…]")
    return recordings.map(\.parameters)
  }
}

/// Solves a law that was found, each trajectory with the hidden parameters of its recording.
public final class LawSolver: MicroSolver {
  private let law: Law
  private let parameters: [[Double]]
  private let grid: Grid
  private let threads: Int
  private var stepper: LawStepper
  /// The recordings of the trajectories; not used where all have the same parameters.
  private var chosen: [Int] = [0]

  /// Creates a solver.
  ///
  /// - Parameters:
  ///   - law: The law.
  ///   - parameters: The hidden parameters of every recording, or one entry for all.
  ///   - grid: One or two periodic axes.
  ///   - frameInterval: Time between frames.
  ///   - stepsPerFrame: Steps in a frame; nil finds them at the first start.
  ///   - threads: Threads over which trajectories are spread; they do not change the result.
  /// - Throws: `ConfigurationError` for a law or a grid that is not solved here.
  public init(
    _ law: Law, parameters: [[Double]], on grid: Grid, frameInterval: Double,
    stepsPerFrame: Int? = nil, threads: Int = 1
  ) throws(ConfigurationError) {
    precondition(!parameters.isEmpty, "LawSolver: no parameters")
    (self.law, self.parameters, self.grid, self.threads) = (law, parameters, grid, threads)
    stepper = try LawStepper(
      law.equationsOfMotion(with: [parameters[0]], spaceRank: grid.axes.count), on: grid,
      frameInterval: frameInterval, stepsPerFrame: stepsPerFrame, threads: threads)
  }

  /// Creates a solver for recordings and their trajectories.
  ///
  /// - Throws: `ConfigurationError` for a file that is no law, other recordings than the law's where
  ///   their parameters are asked for, and a law or a grid that is not solved here.
  public convenience init(
    _ configuration: LawSolverConfiguration, for recordings: Recordings, frameInterval: Double,
    threads: Int
  ) throws {
    let law = try Law(contentsOf: URL(filePath: configuration.file))
    try self.init(
      law,
      parameters: law.parameterValues(
        theta: configuration.theta, recordings: recordings.count, source: "the file"),
      on: recordings.grid, frameInterval: frameInterval,
      stepsPerFrame: configuration.substeps > 0 ? configuration.substeps : nil, threads: threads)
  }

  /// Shape of one state, `[C, X…]`.
  public var stateShape: [Int] { stepper.stateShape }
  /// Time between frames.
  public var frameInterval: Double { stepper.frameInterval }
  /// The present time.
  public var time: Double { stepper.time }
  /// Steps in a frame; nil before the first start, if they are to be found.
  public var stepsPerFrame: Int? { stepper.stepsPerFrame }

  /// Takes the parameters of these recordings for the trajectories of later starts.
  public func choose(recordings: [Int]) throws {
    guard parameters.count > 1, recordings != chosen else { return }
    try require(
      recordings.allSatisfy(parameters.indices.contains), "recordings", found: recordings,
      allowed: "from 0 to \(parameters.count - 1)",
      remedy: "The law knows the parameters of no others.")
    chosen = recordings
    stepper = try LawStepper(
      law.equationsOfMotion(
        with: recordings.map { parameters[$0] }, spaceRank: grid.axes.count),
      on: grid, frameInterval: frameInterval, stepsPerFrame: stepsPerFrame, threads: threads)
  }

  /// Starts trajectories from fields `[B, C, X…]`, those of the recordings that were chosen.
  public func restart(from states: HostArray<Double>, time: Double) throws {
    try stepper.restart(from: states, time: time)
  }

  /// Advances by whole coarse steps; `[B, T, C, X…]`.
  public func advance(frames: Int) throws -> HostArray<Double> {
    try stepper.advance(frames: frames)
  }
}
