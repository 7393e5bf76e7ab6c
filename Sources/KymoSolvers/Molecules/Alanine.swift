// Recordings of alanine dipeptide.
public import KymoNumerics

/// Makes recordings of alanine dipeptide by OpenMM.
///
/// Recording i is a function of the seed and of i alone. All start from one structure with φ < 0,
/// with velocities of their own, and run for ``AlanineConfiguration/spinUpFrames`` before the first
/// frame.
public struct Alanine: RecordingSimulator {
  /// The settings.
  public let configuration: AlanineConfiguration
  private let system: MolecularSystem

  /// Creates a simulator; throws the first setting that cannot work, and where OpenMM is not here.
  public init(
    configuration: AlanineConfiguration = AlanineConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.init(configuration, try configuration.system())
  }

  init(_ configuration: AlanineConfiguration, _ system: MolecularSystem) {
    (self.configuration, self.system) = (configuration, system)
  }

  /// One.
  public var laneCount: Int { 1 }

  /// Which recording it is.
  public struct Draw: Sendable {
    var recording: Int
    var attempt: Int
  }

  /// Nothing but velocities and noise is drawn.
  public func draw(recording: Int, attempt: Int) -> Draw {
    Draw(recording: recording, attempt: attempt)
  }

  /// No parameters.
  public func parameters(of draw: Draw) -> [Float] { [] }

  /// Simulates one draw.
  ///
  /// - Throws: ``SimulationError`` when OpenMM refuses the system.
  public func run(
    _ draws: [Draw], into recordings: UnsafeMutablePointer<Float>
  ) throws(SimulationError) -> UInt32 {
    guard let draw = draws.first else { return 0 }
    let trajectory: AlanineTrajectory
    do {
      trajectory = try self.trajectory(of: draw)
    } catch {
      throw .unavailable(recording: draw.recording, words: error.description)
    }
    let frames = configuration.frameCount
    for frame in -configuration.spinUpFrames..<frames {
      if frame > -configuration.spinUpFrames { advance(trajectory, of: draw, to: frame) }
      guard frame >= 0 else { continue }
      for (component, value) in trajectory.components.enumerated() {
        unsafe recordings[component * frames + frame] = Float(value)
      }
    }
    return trajectory.hasDiverged ? 1 : 0
  }

  /// The trajectory of a recording at its start, the first frame of the spin-up.
  package func trajectory(of draw: Draw) throws(OpenMMError) -> AlanineTrajectory {
    let trajectory = try AlanineTrajectory(configuration, system)
    var random = stream(recording: draw.recording, attempt: draw.attempt)
    trajectory.start(using: &random)
    return trajectory
  }

  /// Advances a trajectory by the coarse step that ends in a frame, negative in the spin-up.
  package func advance(_ trajectory: AlanineTrajectory, of draw: Draw, to frame: Int) {
    let place = UInt64(draw.recording) << 40 | UInt64(draw.attempt) << 32
    var random = RandomStream(
      seed: configuration.seed, purpose: .dynamics,
      index: place | UInt64(frame + configuration.spinUpFrames))
    trajectory.advance(using: &random)
  }
}

extension AlanineConfiguration {
  /// The molecule in its water.
  func system() throws(ConfigurationError) -> MolecularSystem {
    do {
      return try MolecularSystem(named: "alanine-\(water.rawValue)")
    } catch {
      throw ConfigurationError(
        Self.identifier, found: "not possible here", allowed: "simulated by OpenMM",
        remedy: error.description)
    }
  }
}
