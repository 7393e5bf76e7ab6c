// Flow past a cylinder for forecasts that alternate with its solver.
public import KymoNumerics

/// Solves the flow past a cylinder, started from frames of pressure, velocities and vorticity.
///
/// A start interpolates the velocities to the faces of cells, brings the body to rest and projects
/// once; the pressure of the frame is the first guess, the vorticity is not used.
///
/// **Good values.** The defaults, 256 × 128 cells, suit Re 100; Re 1000 wants 1024 × 512.
public final class CylinderSolver: MicroSolver {
  /// The settings; those of recordings are not used.
  public let configuration: CylinderConfiguration
  /// Threads that share each flow; they do not change the result.
  public let threads: Int
  private var flows: [CylinderFlow] = []
  private var clock: SolverClock

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: CylinderConfiguration = CylinderConfiguration(), threads: Int = 1
  ) throws(ConfigurationError) {
    try configuration.validate()
    (self.configuration, self.threads) = (configuration, threads)
    clock = SolverClock(interval: configuration.frameInterval)
  }

  /// p, u, v and ω in every cell.
  public var stateShape: [Int] { [4] + configuration.spaceShape }
  /// The coarse step Δt.
  public var frameInterval: Double { configuration.frameInterval }
  /// The present time.
  public var time: Double { clock.time }

  /// Starts trajectories from frames `[B, 4, rows, columns]`.
  public func restart(from states: HostArray<Double>, time: Double) throws {
    try checkStates(states.shape)
    let size = stateShape.reduce(1, *)
    while flows.count > states.shape[0] { flows.removeLast() }
    while flows.count < states.shape[0] {
      flows.append(try CylinderFlow(configuration: configuration, threads: threads))
    }
    for (index, flow) in flows.enumerated() {
      flow.start(from: states.elements[index * size..<(index + 1) * size], time: time)
    }
    clock.start(at: time)
  }

  /// Advances by coarse steps; see ``MicroSolver``.
  public func advance(frames: Int) throws(SimulationError) -> HostArray<Double> {
    try checkStarted(trajectories: flows.count, frames: frames)
    let size = stateShape.reduce(1, *)
    var result = [Double](repeating: 0, count: flows.count * frames * size)
    unsafe result.withUnsafeMutableBufferPointer { result in
      guard let base = result.baseAddress else { return }
      for (index, flow) in flows.enumerated() {
        for frame in 0..<frames {
          let state = unsafe base + (index * frames + frame) * size
          flow.advance(by: frameInterval)
          unsafe flow.writeFrame(to: UnsafeMutableBufferPointer(start: state, count: size))
          unsafe loseUnlessFinite(state, count: size)
        }
      }
    }
    clock.advance(frames)
    return HostArray(result, shape: [flows.count, frames] + stateShape)
  }
}
