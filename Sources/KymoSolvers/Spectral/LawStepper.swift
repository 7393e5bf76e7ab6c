// One solver for every law of polynomial and trigonometric terms on periodic axes: u_t = L u + N(u),
// pseudo-spectral in space, ETDRK4 in time (Cox and Matthews, J. Comput. Phys. 176, 430, 2002), with
// L a matrix over coupled channels at every mode. Products are formed on a mesh so much finer that
// no mode of theirs falls onto one that is kept. The arithmetic is in CKernels (kymo_law.h).
//
// Letters: B trajectories side by side, C channels, T frames, X (Y) space.
import CKernels
public import KymoNumerics

/// Solves any ``SpectralLaw``, started from fields.
///
/// **Accuracy.** Spectral in space, fourth order in time. The number of steps in a frame is doubled
/// at the first start until the first frame changes by less than a tolerance. A field that diverges
/// is NaN from there on.
///
/// **Cost.** A step of Kuramoto–Sivashinsky with 256 points, on a mesh of 384, takes a trajectory 2.5
/// µs with AVX-512, one and a half times as long as the kernel that is written for it.
public final class LawStepper: MicroSolver {
  /// The law.
  public let law: SpectralLaw
  /// The periodic mesh.
  public let grid: Grid
  /// Time between frames.
  public let frameInterval: Double
  /// Steps in a frame; nil before the first start, if they are to be found.
  public private(set) var stepsPerFrame: Int?
  /// Relative change of the first frame by a doubling of the steps that is small enough.
  public var tolerance = 1e-6
  /// Threads over which trajectories are spread; they do not change the result.
  public var threads: Int
  private let plan: LawPlan
  private var groups: [LawLanes] = []
  private var trajectoryCount = 0
  private var clock: SolverClock

  private static let mostSteps = 1 << 14
  /// Steps at which the search for them ends: what needs more is better told so.
  private static let mostFoundSteps = 1 << 10

  /// Creates a solver.
  ///
  /// - Parameters:
  ///   - law: The equations.
  ///   - grid: One or two periodic axes, of even numbers of points without prime factors above 5.
  ///   - frameInterval: Time between frames.
  ///   - stepsPerFrame: Steps in a frame; nil finds them at the first start.
  ///   - threads: Threads over which trajectories are spread.
  /// - Throws: `ConfigurationError` for another grid, and for a step that cannot be.
  public convenience init(
    _ law: SpectralLaw, on grid: Grid, frameInterval: Double, stepsPerFrame: Int? = nil,
    threads: Int = 1
  ) throws(ConfigurationError) {
    try self.init(
      law, on: grid, frameInterval: frameInterval, stepsPerFrame: stepsPerFrame, threads: threads,
      level: kk_processor_level())
  }

  init(
    _ law: SpectralLaw, on grid: Grid, frameInterval: Double, stepsPerFrame: Int? = nil,
    threads: Int = 1, level: kk_level
  ) throws(ConfigurationError) {
    try grid.validate()
    try require(
      grid.axes.count <= 2 && grid.isPeriodic && grid.obstacles == nil, "grid",
      found: grid.ends.map(\.rawValue).joined(separator: ", "),
      allowed: "one or two periodic axes without obstacles",
      remedy: "Laws on other grids are not solved here: give --solver a program.")
    try require(
      LawPlan.exists(grid.shape), "grid",
      found: grid.shape.map(String.init).joined(separator: " × ") + " points",
      allowed: "even numbers of points without prime factors above 5",
      remedy: "Resample the fields, with scipy.signal.resample for instance.")
    try require(
      frameInterval > 0 && frameInterval.isFinite, "dt", found: frameInterval,
      allowed: "a positive number", remedy: "It is the time between frames.")
    try require(
      stepsPerFrame.map { (1...Self.mostSteps).contains($0) } ?? true, "stepsPerFrame",
      found: stepsPerFrame ?? 0, allowed: "from 1 to \(Self.mostSteps)",
      remedy: "Leave it out to find them.")
    (self.law, self.grid, self.frameInterval) = (law, grid, frameInterval)
    (self.stepsPerFrame, self.threads) = (stepsPerFrame, threads)
    plan = LawPlan(law, grid, level: level)
    clock = SolverClock(interval: frameInterval)
  }

  /// Shape of one state, `[C, X…]`.
  public var stateShape: [Int] { [law.equations.count] + grid.shape }
  /// The present time.
  public var time: Double { clock.time }

  /// Starts trajectories from fields `[B, C, X…]`.
  public func restart(from states: HostArray<Double>, time: Double) throws {
    try checkStates(states.shape)
    let counts = Set(law.equations.joined().map(\.coefficients.count)).subtracting([1])
    try require(
      counts.isSubset(of: [states.shape[0]]), "trajectories", found: states.shape[0],
      allowed:
        "\(counts.sorted().map(String.init).joined(separator: ", ")), as the law's coefficients",
      remedy: "Give each trajectory its coefficients, or all the same.")
    if states.shape[0] != trajectoryCount {
      trajectoryCount = states.shape[0]
      let lanes = ETDStepper.laneCount(level: plan.level)
      groups = stride(from: 0, to: trajectoryCount, by: lanes).map { first in
        LawLanes(plan: plan, first..<min(first + lanes, trajectoryCount))
      }
    }
    let steps = stepsPerFrame ?? foundSteps(states)
    stepsPerFrame = steps
    let step = frameInterval / Double(steps)
    let fields = states.elements
    forEach(groups) { group in
      group.prepare(step: step)
      group.start(fields)
    }
    clock.start(at: time)
  }

  /// Advances by whole coarse steps; `[B, T, C, X…]`.
  public func advance(frames: Int) throws -> HostArray<Double> {
    try checkStarted(trajectories: trajectoryCount, frames: frames)
    let size = stateShape.reduce(1, *)
    var result = HostArray<Double>(
      repeating: 0, shape: [trajectoryCount, frames] + stateShape)
    let steps = stepsPerFrame ?? 1
    unsafe result.elements.withUnsafeMutableBufferPointer { result in
      // Groups write to the places of their own trajectories.
      nonisolated(unsafe) let result = unsafe result
      forEach(groups) { group in
        for frame in 0..<frames {
          group.advance(steps)
          unsafe group.write { member in
            unsafe result.baseAddress.unsafelyUnwrapped + (member * frames + frame) * size
          }
        }
      }
    }
    clock.advance(frames)
    return result
  }

  /// Steps in a frame after which another doubling changes the first frame by less than the
  /// tolerance, in every trajectory that stays finite.
  private func foundSteps(_ states: HostArray<Double>) -> Int {
    // A few trajectories from all over the set.
    let count = min(groups.count, 2)
    let tried = (0..<count).map { groups[$0 * (groups.count - 1) / max(1, count - 1)] }
    let size = stateShape.reduce(1, *)
    let members = tried.flatMap { $0.members }
    let interval = frameInterval
    func frame(_ steps: Int) -> [Double] {
      var frame = [Double](repeating: 0, count: members.count * size)
      unsafe frame.withUnsafeMutableBufferPointer { frame in
        // Groups write to the places of their own trajectories.
        nonisolated(unsafe) let frame = unsafe frame
        forEach(tried) { group in
          group.prepare(step: interval / Double(steps))
          group.start(states.elements)
          group.advance(steps)
          unsafe group.write { member in
            let row = members.firstIndex(of: member) ?? 0
            return unsafe frame.baseAddress.unsafelyUnwrapped + row * size
          }
        }
      }
      return frame
    }
    var (steps, last) = (1, frame(1))
    while steps < Self.mostFoundSteps {
      let next = frame(2 * steps)
      // The largest change, in tolerances; a field that is lost is no answer.
      let change = members.indices.reduce(0.0) { worst, row in
        let place = row * size..<(row + 1) * size
        let (gap, whole) = zip(last[place], next[place]).reduce((0.0, 0.0)) { sums, pair in
          (sums.0 + (pair.0 - pair.1) * (pair.0 - pair.1), sums.1 + pair.1 * pair.1)
        }
        let own = gap == 0 ? 0 : (gap / whole).squareRoot() / tolerance
        return own.isFinite ? max(worst, own) : .infinity
      }
      // The finer of the two has a sixteenth of the coarser one's error; the fewest steps are taken
      // that have a fifteenth of the tolerance.
      if change <= 1 {
        return max(steps, Int((2 * Double(steps) * change.squareRoot().squareRoot()).rounded(.up)))
      }
      (steps, last) = (2 * steps, next)
    }
    return steps
  }

  private func forEach(_ groups: [LawLanes], _ body: @Sendable (LawLanes) -> Void) {
    // No two threads take the same group.
    nonisolated(unsafe) let groups = groups
    unsafe parallelFor(groups.count, threads: threads) { index in unsafe body(groups[index]) }
  }
}
