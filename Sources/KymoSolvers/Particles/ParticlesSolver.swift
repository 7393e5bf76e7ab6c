// Brownian particles in a box for forecasts that alternate with their solver.
public import KymoNumerics

/// Moves particles under advection and diffusion, started from any set of them at any time.
///
/// The drift knows the absolute time of a start. Starts at one time see the same noise, so that a
/// run which is interrupted and started again goes on with the same bits; another seed gives other
/// noise than that of the recordings.
///
/// **Good values.** The default settings are those of Vlachas et al. (2022): 1,000 particles, 100
/// steps of 0.01 in one coarse step of 1.
public final class ParticlesSolver: MicroSolver {
  /// The settings; those of recordings are not used, but for the seed.
  public let configuration: ParticlesConfiguration
  /// Threads over which particles are spread; they do not change the result.
  public var threads: Int
  private let walk: ParticleWalk
  private var states: [Double] = []
  private var clock: SolverClock

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: ParticlesConfiguration = ParticlesConfiguration(), threads: Int = 1
  ) throws(ConfigurationError) {
    try configuration.validate()
    (self.configuration, self.threads) = (configuration, threads)
    walk = ParticleWalk(configuration: configuration)
    clock = SolverClock(interval: configuration.frameInterval)
  }

  /// The coordinates of all particles, `[C, P]`.
  public var stateShape: [Int] { [configuration.amplitudes.count, configuration.particleCount] }
  /// The coarse step Δt.
  public var frameInterval: Double { configuration.frameInterval }
  /// The present time.
  public var time: Double { clock.time }

  /// Starts trajectories from particles `[B, C, P]`.
  public func restart(from states: HostArray<Double>, time: Double) throws(SimulationError) {
    try checkStates(states.shape)
    self.states = states.elements
    clock.start(at: time)
  }

  /// Advances by coarse steps; see ``MicroSolver``.
  public func advance(frames: Int) throws(SimulationError) -> HostArray<Double> {
    let size = stateShape.reduce(1, *)
    let count = states.count / size
    try checkStarted(trajectories: count, frames: frames)
    var result = walk.advance(
      &states, first: 0, time: time, frames: frames, threads: threads)
    unsafe result.withUnsafeMutableBufferPointer { result in
      guard let base = result.baseAddress else { return }
      for state in 0..<count * frames { unsafe loseUnlessFinite(base + state * size, count: size) }
    }
    clock.advance(frames)
    return HostArray(result, shape: [count, frames] + stateShape)
  }
}
