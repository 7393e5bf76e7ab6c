// Recordings of flow past a cylinder; the flow itself is CylinderFlow.
public import KymoNumerics

/// Makes recordings of flow past a cylinder.
///
/// Recording i is a function of the seed and of i alone. One recording runs on all threads.
public struct Cylinder: RecordingSimulator {
  /// The settings.
  public let configuration: CylinderConfiguration

  /// Creates a simulator; throws the first setting that cannot work.
  public init(
    configuration: CylinderConfiguration = CylinderConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// Flows do not share vectors.
  public var laneCount: Int { 1 }

  /// The vortex that starts the shedding.
  public struct Draw: Sendable {
    /// Its speed in units of the stream's, with the sign of its turn.
    var speed: Double
    /// Its height above the body's centre, in diameters.
    var height: Double
  }

  /// First the vortex's sense and strength, then its height.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    let strength = 0.5 + 0.5 * stream.uniform()
    let sign = stream.uniform() < 0.5 ? -1.0 : 1.0
    return Draw(
      speed: sign * strength * configuration.perturbation, height: stream.uniform() - 0.5)
  }

  /// No parameters.
  public func parameters(of draw: Draw) -> [Float] { [] }

  /// Simulates a draw on all threads and shows its frames one by one.
  ///
  /// - Parameters:
  ///   - draw: What to simulate.
  ///   - threads: Number of threads; it does not change the result.
  ///   - place: The last coarse step that is done, with its fields and their time; nil starts anew.
  ///   - visit: Takes the number of a coarse step, negative before the first stored frame, and the
  ///     flow after it. What it throws stops the simulation.
  /// - Throws: What `visit` throws.
  /// - Returns: Whether every number was finite.
  package func run(
    _ draw: Draw, threads: Int,
    after place: (frame: Int, state: CylinderFlow.State, time: Double)? = nil,
    visit: (_ frame: Int, CylinderFlow) throws -> Void
  ) throws -> Bool {
    let flow = try CylinderFlow(configuration: configuration, threads: threads)
    if let place {
      flow.resume(from: place.state, time: place.time)
    } else {
      start(flow, draw)
      try visit(-configuration.spinUpFrames, flow)
    }
    let first = (place?.frame ?? -configuration.spinUpFrames) + 1
    for frame in first..<max(first, configuration.frameCount) {
      flow.advance(by: configuration.frameInterval)
      try visit(frame, flow)
    }
    return flow.isFinite
  }

  /// Adds the vortex of a draw.
  private func start(_ flow: CylinderFlow, _ draw: Draw) {
    let (diameter, centre) = (configuration.diameter, configuration.centre)
    if draw.speed != 0 {
      flow.addVortex(
        speed: draw.speed * configuration.speed,
        at: [centre[0] + 1.5 * diameter, centre[1] + draw.height * diameter], width: 0.5 * diameter)
    }
  }

  /// Simulates one draw; ``run(_:threads:visit:)`` needs no memory for its frames.
  public func run(_ draws: [Draw], into recordings: UnsafeMutablePointer<Float>) -> UInt32 {
    let cells = configuration.rows * configuration.columns
    let frames = configuration.frameCount
    var mask: UInt32 = 0
    for (lane, draw) in draws.enumerated() {
      let start = unsafe recordings + lane * 4 * frames * cells
      let isFinite = try? run(draw, threads: 1) { frame, flow in
        guard frame >= 0 else { return }
        let numbers = flow.frame()
        for channel in 0..<4 {
          let part = unsafe start + (channel * frames + frame) * cells
          for cell in 0..<cells { unsafe part[cell] = numbers[channel * cells + cell] }
        }
      }
      if isFinite != true { mask |= 1 << UInt32(lane) }
    }
    return mask
  }
}
