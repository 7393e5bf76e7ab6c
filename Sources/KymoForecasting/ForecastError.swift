// What stops a forecast before it starts: parts that do not fit together. A forecast that
// diverges is a result, see ForecastOutcome.
import KymoNumerics

/// Parts of a forecast that do not fit together.
public enum ForecastError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The frames to start from have the wrong shape.
  case frames(found: [Int], expected: String)
  /// There are fewer known frames than the warm-up needs.
  case warmUpTooShort(found: Int, needed: Int)
  /// A propagator advances another number of latents than the reduction makes.
  case latents(reduction: Int, propagator: Int)
  /// The solver's states are not those of the reduction.
  case solverShape(reduction: [Int], solver: [Int])
  /// The schedule needs a solver and there is none.
  case noSolver(schedule: String)
  /// There is no propagator at all.
  case noPropagator

  /// One sentence with the way to mend it.
  public var description: String {
    switch self {
    case .frames(let found, let expected):
      "A forecast starts from frames of shape \(expected), got \(found). Give the axes in the "
        + "order trajectories, time, channels, space."
    case .warmUpTooShort(let found, let needed):
      "A warm-up needs \(counted(needed, "frame")), \(found) given. Give longer recordings "
        + "or a shorter warm-up."
    case .latents(let reduction, let propagator):
      "The reduction has \(counted(reduction, "latent")), but the propagator advances "
        + "\(propagator). Train them together."
    case .solverShape(let reduction, let solver):
      "The model was trained on states of shape \(reduction), but the solver has \(solver). Use "
        + "the solver and the resolution of the training data."
    case .noSolver(let schedule):
      "\(schedule) needs a solver of the full dynamics. Name one, or forecast without micro steps."
    case .noPropagator: "A forecast needs at least one propagator."
    }
  }
}
