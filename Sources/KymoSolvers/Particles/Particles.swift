// Recordings of Brownian particles in a box, from clouds that are drawn.
import Foundation
public import KymoNumerics

/// Makes recordings of particles under advection and diffusion.
///
/// Recording i is a function of the seed and of i alone; it starts at time 0.
public struct Particles: RecordingSimulator {
  /// The settings.
  public let configuration: ParticlesConfiguration

  /// Creates a simulator; throws the first setting that cannot work.
  public init(
    configuration: ParticlesConfiguration = ParticlesConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// One: the particles of a single recording fill the lanes of a vector.
  public var laneCount: Int { 1 }

  /// The particles at time 0.
  public struct Draw: Sendable {
    /// The number of the recording, which its noise follows from.
    var recording: Int
    /// `[C, P]`.
    var positions: [Double]
  }

  /// First the centre and the width of the cloud, then the particles, coordinate by coordinate.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    let (length, count) = (configuration.boxLength, configuration.particleCount)
    let axes = configuration.amplitudes.indices
    let centres = axes.map { _ in length * (stream.uniform() - 0.5) }
    let width = 0.25 * length * stream.uniform()
    let positions = axes.flatMap { axis in
      (0..<count).map { _ -> Double in
        switch configuration.start {
        case .origin: 0
        case .point: centres[axis]
        case .cloud: folded(centres[axis] + width * stream.normal(), into: length)
        case .uniform: length * (stream.uniform() - 0.5)
        }
      }
    }
    return Draw(recording: recording, positions: positions)
  }

  /// No parameters.
  public func parameters(of draw: Draw) -> [Float] { [] }

  /// Simulates one draw.
  public func run(_ draws: [Draw], into recordings: UnsafeMutablePointer<Float>) -> UInt32 {
    guard let draw = draws.first else { return 0 }
    let (frames, particles) = (configuration.frameCount, configuration.particleCount)
    let axes = configuration.amplitudes.count
    var positions = draw.positions
    let states =
      positions
      + ParticleWalk(configuration: configuration).advance(
        &positions, first: draw.recording, time: 0, frames: frames - 1, threads: 1)
    for frame in 0..<frames {
      for axis in 0..<axes {
        for particle in 0..<particles {
          let position = states[(frame * axes + axis) * particles + particle]
          unsafe recordings[(axis * frames + frame) * particles + particle] = Float(position)
        }
      }
    }
    return states.allSatisfy(\.isFinite) ? 0 : 1
  }
}

/// Mirrors a position back into a box around zero, as often as it takes.
private func folded(_ position: Double, into length: Double) -> Double {
  let copy = (position / length).rounded()
  let inside = position - copy * length
  return copy.truncatingRemainder(dividingBy: 2) == 0 ? inside : -inside
}
