// Mean first passage times between metastable states by a Markov model of the trajectories: with P
// the matrix of transitions in a lag τ, the time from i to j is the solution of
//
//   t_i = τ + Σ_{k ≠ j} P_ik t_k   for i ≠ j.
//
// Frames outside of all states are one more state. Errors come from drawing trajectories anew, with
// repetition. J.-H. Prinz et al., "Markov models of molecular kinetics", J. Chem. Phys. 134 (2011),
// doi:10.1063/1.3565032. P is counted as it is, without detailed balance imposed.
import KymoNumerics

/// Mean first passage times with their errors, in the unit of the lag.
public struct PassageTimes: Hashable, Sendable {
  /// From the row's state to the column's; 0 on the diagonal, NaN where it was never seen.
  public var means: [[Double]]
  /// Standard deviation over repeated draws of the trajectories; NaN where none was made.
  public var deviations: [[Double]]

  /// Estimates passage times.
  ///
  /// - Parameters:
  ///   - labels: The state of each frame of each trajectory, the number of states for outside.
  ///   - stateCount: Number of states.
  ///   - lag: Frames of a transition.
  ///   - frameInterval: Time between frames.
  ///   - draws: How many times trajectories are drawn for the error; 0 for no error.
  ///   - seed: Seed of these draws.
  public init(
    _ labels: [[Int]], stateCount: Int, lag: Int, frameInterval: Double, draws: Int = 32,
    seed: UInt64 = 0
  ) {
    precondition(lag >= 1 && stateCount >= 1, "PassageTimes: lag \(lag), \(stateCount) states")
    let counts = labels.map { Self.counts($0, stateCount: stateCount, lag: lag) }
    func times(of chosen: [Int]) -> [[Double]] {
      var all = [Double](repeating: 0, count: (stateCount + 1) * (stateCount + 1))
      for index in chosen { for place in all.indices { all[place] += counts[index][place] } }
      return Self.times(all, stateCount: stateCount, lag: Double(lag) * frameInterval)
    }
    means = times(of: Array(labels.indices))
    var random = RandomStream(seed: seed, purpose: .evaluation)
    let drawn = (0..<draws).map { _ in
      times(of: labels.indices.map { _ in random.index(below: labels.count) })
    }
    deviations = (0..<stateCount).map { row in
      (0..<stateCount).map { column in
        Statistics.sampleStandardDeviation(drawn.map { $0[row][column] }.filter(\.isFinite))
      }
    }
  }

  /// Transitions of a trajectory, every frame being a start.
  private static func counts(_ labels: [Int], stateCount: Int, lag: Int) -> [Double] {
    let size = stateCount + 1
    var counts = [Double](repeating: 0, count: size * size)
    for frame in 0..<max(0, labels.count - lag) {
      counts[labels[frame] * size + labels[frame + lag]] += 1
    }
    return counts
  }

  private static func times(_ counts: [Double], stateCount: Int, lag: Double) -> [[Double]] {
    let size = stateCount + 1
    let sums = (0..<size).map { row in counts[row * size..<(row + 1) * size].reduce(0, +) }
    return (0..<stateCount).map { from in
      (0..<stateCount).map { to in
        guard from != to else { return 0 }
        let others = (0..<size).filter { $0 != to && sums[$0] > 0 }
        guard let place = others.firstIndex(of: from) else { return .nan }
        let matrix = others.map { row in
          others.map { column in
            (row == column ? 1 : 0) - counts[row * size + column] / sums[row]
          }
        }
        let times = solveLinearSystem(matrix, others.map { _ in lag })
        guard let time = times?[place], time.isFinite, time > 0 else { return .nan }
        return time
      }
    }
  }
}
