// The FitzHugh-Nagumo equations for forecasts that alternate with their solver.
public import KymoNumerics

/// Solves the FitzHugh–Nagumo equations by the D1Q3 lattice Boltzmann method, started from fields.
///
/// `uₜ = D_u uₓₓ + u − u³ − v`, `vₜ = D_v vₓₓ + ε (u − α₁v − α₀)` without flux through the ends. A
/// start knows the densities alone; ``FitzHughNagumoConfiguration/restart`` says how populations
/// follow from them. Between starts they are kept.
///
/// **Good values.** The default settings are those of Vlachas et al. (2022): 101 nodes, 200 steps
/// of 0.005 in one coarse step of 1. The limit cycle has period 186.19.
///
/// **Cost.** One step of one trajectory takes about 0.1 µs on a core with AVX-512.
public final class FitzHughNagumoSolver: MicroSolver {
  /// The settings; those of recordings are not used.
  public let configuration: FitzHughNagumoConfiguration
  /// Threads over which trajectories are spread; they do not change the result.
  public var threads: Int
  private var lattices: [FitzHughNagumoLattice] = []
  private var clock: SolverClock

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: FitzHughNagumoConfiguration = FitzHughNagumoConfiguration(), threads: Int = 1
  ) throws(ConfigurationError) {
    try configuration.validate()
    (self.configuration, self.threads) = (configuration, threads)
    clock = SolverClock(interval: configuration.frameInterval)
  }

  /// u and v at every node.
  public var stateShape: [Int] { [2, configuration.pointCount] }
  /// The coarse step Δt.
  public var frameInterval: Double { configuration.frameInterval }
  /// The present time.
  public var time: Double { clock.time }

  /// Starts trajectories from densities `[B, 2, X]`.
  public func restart(
    from states: HostArray<Double>, time: Double
  ) throws(SimulationError) {
    try checkStates(states.shape)
    let size = 2 * configuration.pointCount
    lattices = (0..<states.shape[0]).map { index in
      FitzHughNagumoLattice(
        configuration: configuration,
        densities: states.elements[index * size..<(index + 1) * size],
        start: configuration.restart)
    }
    clock.start(at: time)
  }

  /// Advances by coarse steps; see ``MicroSolver``.
  public func advance(frames: Int) throws(SimulationError) -> HostArray<Double> {
    try checkStarted(trajectories: lattices.count, frames: frames)
    let (points, steps) = (configuration.pointCount, configuration.substeps)
    let size = 2 * points
    let result = unsafe advancingInParallel(&lattices, frames: frames, size: size, threads) {
      lattice, row in
      lattice.advance(steps)
      for species in 0..<2 {
        for node in 0..<points {
          unsafe row[species * points + node] = lattice.density(species, node)
        }
      }
    }
    clock.advance(frames)
    return HostArray(result, shape: [lattices.count, frames] + stateShape)
  }

  /// Takes single time steps between frames and returns the state after them, `[B, 2, X]`.
  ///
  /// The clock of coarse steps does not move: this is for recordings whose first frame is not a
  /// whole coarse step after their start.
  public func settle(steps: Int) throws(SimulationError) -> HostArray<Double> {
    try checkStarted(trajectories: lattices.count, frames: steps)
    let points = configuration.pointCount
    for index in lattices.indices { lattices[index].advance(steps) }
    return HostArray(
      lattices.flatMap { lattice in
        (0..<2).flatMap { species in (0..<points).map { lattice.density(species, $0) } }
      }, shape: [lattices.count] + stateShape)
  }
}

/// Advances trajectories frame by frame, several at a time; a frame with a number that is not
/// finite becomes NaN.
private func advancingInParallel(
  _ lattices: inout [FitzHughNagumoLattice], frames: Int, size: Int, _ threads: Int,
  _ step: @Sendable (inout FitzHughNagumoLattice, UnsafeMutablePointer<Double>) -> Void
) -> [Double] {
  let count = lattices.count
  var result = [Double](repeating: 0, count: count * frames * size)
  unsafe result.withUnsafeMutableBufferPointer { result in
    unsafe lattices.withUnsafeMutableBufferPointer { lattices in
      // Trajectories and their rows are touched by one iteration each.
      nonisolated(unsafe) let lattices = unsafe lattices
      nonisolated(unsafe) let result = unsafe result
      parallelFor(count, threads: threads) { index in
        guard let base = unsafe result.baseAddress else { return }
        for frame in 0..<frames {
          let row = unsafe base + (index * frames + frame) * size
          unsafe step(&lattices[index], row)
          unsafe loseUnlessFinite(row, count: size)
        }
      }
    }
  }
  return result
}
