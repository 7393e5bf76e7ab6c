// What the built-in solvers of the full dynamics share: their clock, the checks at their border,
// and what becomes of a field that is not finite.
import KymoNumerics

/// Counts coarse steps since the last start, so that no rounding adds up.
struct SolverClock: Sendable {
  let interval: Double
  private var start = 0.0
  private var frames = 0

  init(interval: Double) { self.interval = interval }

  var time: Double { start + Double(frames) * interval }

  mutating func start(at time: Double) { (start, frames) = (time, 0) }
  mutating func advance(_ count: Int) { frames += count }
}

extension MicroSolver {
  /// Throws unless `shape` is `[B, C, X…]` with at least one trajectory.
  func checkStates(_ shape: [Int]) throws(SimulationError) {
    guard shape.count == stateShape.count + 1, Array(shape.dropFirst()) == stateShape, shape[0] > 0
    else { throw .stateShape(expected: stateShape, found: shape) }
  }

  /// Throws unless trajectories were started.
  func checkStarted(trajectories: Int, frames: Int) throws(SimulationError) {
    precondition(frames >= 0, "advance: \(frames) frames")
    guard trajectories > 0 else { throw .notStarted }
  }
}

/// Makes a whole state NaN when one of its numbers is not finite.
func loseUnlessFinite(_ state: UnsafeMutablePointer<Double>, count: Int) {
  // A sum of finite numbers times zero is zero, any other NaN.
  var sum = 0.0
  for index in 0..<count { sum += unsafe 0 * state[index] }
  guard sum.isNaN else { return }
  for index in 0..<count { unsafe state[index] = .nan }
}
