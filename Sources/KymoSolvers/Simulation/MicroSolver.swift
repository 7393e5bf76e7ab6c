// What a forecast needs of a solver of the full dynamics: start from a field, advance by whole
// coarse steps, keep its own clock.
//
// Letters: B trajectories side by side, C channels, T frames, X (Y) space or particles.
public import KymoNumerics

/// A solver of the full ("micro") dynamics that can be started from fields at any time.
///
/// It takes many time steps of its own in one coarse step Δt, after which a frame is given. A field
/// that diverges is a result: its frames hold NaN from there on, and the other
/// trajectories go on.
public protocol MicroSolver: AnyObject {
  /// Shape of one state, `[C, X…]`.
  var stateShape: [Int] { get }
  /// The coarse step Δt, in the solver's unit of time.
  var frameInterval: Double { get }
  /// The present time, the same for all trajectories.
  var time: Double { get }

  /// Says which recordings of the data the trajectories of later starts are of, for solvers whose
  /// parameters differ between recordings; others need not know.
  ///
  /// - Parameter recordings: The recording of every trajectory.
  /// - Throws: An error of a solver that does not know one of them.
  func choose(recordings: [Int]) throws
  /// Starts trajectories from fields.
  ///
  /// - Parameters:
  ///   - states: Fields in physical units, `[B, C, X…]`; B may differ from call to call.
  ///   - time: The absolute time at which they hold; explicit functions of time count from here.
  /// - Throws: ``SimulationError`` or an error of an external solver when it cannot start.
  func restart(from states: HostArray<Double>, time: Double) throws
  /// Advances by whole coarse steps.
  ///
  /// - Parameter frames: Number of coarse steps, T.
  /// - Throws: ``SimulationError`` before a start; an error of an external solver when it fails.
  /// - Returns: The states after each of them, `[B, T, C, X…]`; the start is not part of it.
  func advance(frames: Int) throws -> HostArray<Double>
}

extension MicroSolver {
  /// Parameters do not differ.
  public func choose(recordings: [Int]) throws {}
}
