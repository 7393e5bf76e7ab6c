// A particle on the Müller–Brown potential for forecasts that alternate with its solver.
public import KymoNumerics

/// Langevin dynamics on the Müller–Brown potential, started from positions.
///
/// A start draws velocities anew from the thermal distribution and takes
/// ``MuellerBrownConfiguration/relaxationSteps`` steps, in which decoded positions relax, before the
/// clock runs. Velocities are kept between starts.
public final class MuellerBrownSolver: MicroSolver {
  /// The settings; those of recordings are not used, but for the seed.
  public let configuration: MuellerBrownConfiguration
  /// Threads over which trajectories are spread; they do not change the result.
  public var threads: Int
  private var particles: [LangevinParticle] = []
  private var clock: SolverClock

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: MuellerBrownConfiguration = MuellerBrownConfiguration(), threads: Int = 1
  ) throws(ConfigurationError) {
    try configuration.validate()
    (self.configuration, self.threads) = (configuration, threads)
    clock = SolverClock(interval: configuration.frameInterval)
  }

  /// x and y.
  public var stateShape: [Int] { [2, 1] }
  /// The coarse step Δt.
  public var frameInterval: Double { configuration.frameInterval }
  /// The present time.
  public var time: Double { clock.time }

  /// Starts trajectories from positions `[B, 2, 1]`.
  public func restart(from states: HostArray<Double>, time: Double) throws(SimulationError) {
    try checkStates(states.shape)
    // Streams of starts at different times are different.
    let frame = UInt64(truncatingIfNeeded: Int64((time / configuration.frameInterval).rounded()))
    particles = (0..<states.shape[0]).map { index in
      LangevinParticle(
        configuration, at: (states.elements[2 * index], states.elements[2 * index + 1]),
        stream: RandomStream(
          seed: configuration.seed, purpose: .dynamics, index: frame << 24 | UInt64(index)))
    }
    let steps = configuration.relaxationSteps
    _ = advance(frames: 1, steps: steps)
    clock.start(at: time)
  }

  /// Advances by coarse steps; see ``MicroSolver``.
  public func advance(frames: Int) throws(SimulationError) -> HostArray<Double> {
    try checkStarted(trajectories: particles.count, frames: frames)
    defer { clock.advance(frames) }
    return HostArray(
      advance(frames: frames, steps: configuration.substeps),
      shape: [particles.count, frames] + stateShape)
  }

  private func advance(frames: Int, steps: Int) -> [Double] {
    let count = particles.count
    var result = [Double](repeating: 0, count: count * frames * 2)
    unsafe result.withUnsafeMutableBufferPointer { result in
      unsafe particles.withUnsafeMutableBufferPointer { particles in
        // Trajectories and their rows are touched by one iteration each.
        nonisolated(unsafe) let particles = unsafe particles
        nonisolated(unsafe) let result = unsafe result
        parallelFor(count, threads: threads) { index in
          guard let base = unsafe result.baseAddress else { return }
          for frame in 0..<frames {
            unsafe particles[index].advance(steps)
            let (state, position) = unsafe (
              base + 2 * (index * frames + frame), particles[index].position
            )
            unsafe (state[0], state[1]) = (position.x, position.y)
            unsafe loseUnlessFinite(state, count: 2)
          }
        }
      }
    }
    return result
  }
}
