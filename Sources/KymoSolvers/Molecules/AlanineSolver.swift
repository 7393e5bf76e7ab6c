// Alanine dipeptide for forecasts that alternate with molecular dynamics.
public import KymoNumerics

/// Langevin dynamics of alanine dipeptide in implicit water, started from internal coordinates.
///
/// A start places hydrogen, goes a few steps downhill, draws velocities from the thermal
/// distribution and takes ``AlanineConfiguration/relaxationSteps`` steps before the clock runs.
public final class AlanineSolver: MicroSolver {
  /// The settings; those of recordings are not used, but for the seed.
  public let configuration: AlanineConfiguration
  /// Threads over which trajectories are spread; they do not change the result.
  public var threads: Int
  private let system: MolecularSystem
  private var trajectories: [(dynamics: AlanineTrajectory, random: RandomStream)] = []
  private var clock: SolverClock

  /// Creates a solver; throws the first setting that cannot work, and where OpenMM is not here.
  public init(
    configuration: AlanineConfiguration = AlanineConfiguration(), threads: Int = 1
  ) throws(ConfigurationError) {
    try configuration.validate()
    try require(
      configuration.water == .implicit, "alanine.water", found: configuration.water.rawValue,
      allowed: "implicit for a solver that forecasts alternate with",
      remedy: "Decoded structures have no water around them.")
    (self.configuration, self.threads) = (configuration, threads)
    system = try configuration.system()
    clock = SolverClock(interval: configuration.frameInterval)
  }

  /// 24 internal coordinates.
  public var stateShape: [Int] { [AlanineDipeptide.componentNames.count, 1] }
  /// The coarse step Δt.
  public var frameInterval: Double { configuration.frameInterval }
  /// The present time.
  public var time: Double { clock.time }

  /// Starts trajectories from internal coordinates `[B, 24, 1]`.
  public func restart(from states: HostArray<Double>, time: Double) throws {
    try checkStates(states.shape)
    let (count, width) = (states.shape[0], stateShape[0])
    while trajectories.count < count {
      let dynamics = try AlanineTrajectory(configuration, system)
      trajectories.append((dynamics, RandomStream(seed: 0, purpose: .dynamics)))
    }
    trajectories.removeLast(trajectories.count - count)
    // Streams of starts at different times are different.
    let frame = UInt64(truncatingIfNeeded: Int64((time / configuration.frameInterval).rounded()))
    let seed = configuration.seed
    each { index, trajectory in
      trajectory.random = RandomStream(
        seed: seed, purpose: .dynamics, index: frame << 24 | UInt64(index))
      trajectory.dynamics.start(
        components: Array(states.elements[index * width..<(index + 1) * width]),
        using: &trajectory.random)
    }
    clock.start(at: time)
  }

  /// Advances by coarse steps; see ``MicroSolver``.
  public func advance(frames: Int) throws(SimulationError) -> HostArray<Double> {
    try checkStarted(trajectories: trajectories.count, frames: frames)
    let (count, width) = (trajectories.count, stateShape[0])
    var result = [Double](repeating: 0, count: count * frames * width)
    unsafe result.withUnsafeMutableBufferPointer { result in
      // Every trajectory has rows of its own.
      nonisolated(unsafe) let result = unsafe result
      each { index, trajectory in
        for frame in 0..<frames {
          trajectory.dynamics.advance(using: &trajectory.random)
          let row = (index * frames + frame) * width
          for (column, value) in trajectory.dynamics.components.enumerated() {
            unsafe result[row + column] = value
          }
        }
      }
    }
    clock.advance(frames)
    return HostArray(result, shape: [count, frames] + stateShape)
  }

  private func each(
    _ body: @Sendable (Int, inout (dynamics: AlanineTrajectory, random: RandomStream)) -> Void
  ) {
    let count = trajectories.count
    unsafe trajectories.withUnsafeMutableBufferPointer { trajectories in
      // A trajectory is touched by one iteration.
      nonisolated(unsafe) let trajectories = unsafe trajectories
      parallelFor(count, threads: threads) { index in
        unsafe body(index, &trajectories[index])
      }
    }
  }
}
