// Recordings of a particle on the Müller–Brown potential.
public import KymoNumerics

/// Makes recordings of Langevin dynamics on the Müller–Brown potential.
///
/// Recording i is a function of the seed and of i alone. It starts at a point drawn from
/// [−1.5, 1.2] × [−0.2, 2] with an energy below that of the highest barrier.
public struct MuellerBrown: RecordingSimulator {
  /// The settings.
  public let configuration: MuellerBrownConfiguration

  /// Creates a simulator; throws the first setting that cannot work.
  public init(
    configuration: MuellerBrownConfiguration = MuellerBrownConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// One.
  public var laneCount: Int { 1 }

  /// A start.
  public struct Draw: Sendable {
    /// Where the particle is.
    var position: (x: Double, y: Double)
    /// What its velocity and noise are drawn from.
    var stream: RandomStream
  }

  /// The place of a start; what follows it in the stream is velocity and noise.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    var position = (x: 0.0, y: 0.0)
    repeat {
      position = (-1.5 + 2.7 * stream.uniform(), -0.2 + 2.2 * stream.uniform())
    } while MuellerBrownPotential.energy(position.x, position.y) > Self.highestStart
    return Draw(position: position, stream: stream)
  }

  /// The energy of the barrier between the deep wells.
  private static let highestStart = -40.7

  /// No parameters.
  public func parameters(of draw: Draw) -> [Float] { [] }

  /// Simulates one draw.
  public func run(_ draws: [Draw], into recordings: UnsafeMutablePointer<Float>) -> UInt32 {
    guard let draw = draws.first else { return 0 }
    let frames = configuration.frameCount
    var particle = LangevinParticle(configuration, at: draw.position, stream: draw.stream)
    particle.advance(configuration.spinUpFrames * configuration.substeps)
    for frame in 0..<frames {
      if frame > 0 { particle.advance(configuration.substeps) }
      unsafe recordings[frame] = Float(particle.position.x)
      unsafe recordings[frames + frame] = Float(particle.position.y)
    }
    return particle.position.x.isFinite && particle.position.y.isFinite ? 0 : 1
  }
}
