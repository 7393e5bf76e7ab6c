// Recordings of the FitzHugh-Nagumo equations by a lattice Boltzmann method, from random fronts.
import Foundation
public import KymoNumerics

/// Makes recordings of the FitzHugh–Nagumo equations.
///
/// Recording i is a function of the seed and of i. Its first frame is taken after
/// `settlingSteps` time steps, which is 1 for the paper's recordings.
public struct FitzHughNagumo: RecordingSimulator {
  /// The settings.
  public let configuration: FitzHughNagumoConfiguration

  /// Creates a simulator; throws the first setting that cannot work.
  public init(
    configuration: FitzHughNagumoConfiguration = FitzHughNagumoConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// One: the nodes of a single recording fill the lanes of a vector.
  public var laneCount: Int { 1 }

  /// An initial front.
  public struct Draw: Sendable {
    /// Where u changes sign.
    public var place: Double
    /// Whether v falls along x instead of rising.
    public var isReversed: Bool

    /// A front at a place.
    public init(place: Double, isReversed: Bool) {
      (self.place, self.isReversed) = (place, isReversed)
    }
  }

  /// The front of one draw: first its distance from an end, then the end, then the sign of v.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    let (low, high) = (configuration.frontMinimum, configuration.frontMaximum)
    let distance = low + (high - low) * stream.uniform()
    let isFar = stream.uniform() < 0.5
    return Draw(
      place: isFar ? configuration.length - distance : distance,
      isReversed: stream.uniform() < 0.5)
  }

  /// No parameters.
  public func parameters(of draw: Draw) -> [Float] { [] }

  /// The fields of a front: u at every node, then v.
  public func fields(of draw: Draw) -> [Double] {
    let spacing = configuration.length / Double(configuration.pointCount - 1)
    let offsets = (0..<configuration.pointCount).map { Double($0) * spacing - draw.place }
    let sign = draw.isReversed ? -0.1 : 0.1
    return offsets.map { 0.95 * tanh($0 / 2) } + offsets.map { sign * tanh($0 / 5) }
  }

  /// Simulates one draw.
  public func run(
    _ draws: [Draw], into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32 {
    guard let draw = draws.first else { return 0 }
    let (frames, points) = (configuration.frameCount, configuration.pointCount)
    var lattice = FitzHughNagumoLattice(
      configuration: configuration, densities: fields(of: draw)[...], start: .equilibrium)
    lattice.advance(configuration.spinUpFrames * configuration.substeps)
    lattice.advance(configuration.settlingSteps)
    var blewUp = false
    for frame in 0..<frames {
      if frame > 0 { lattice.advance(configuration.substeps) }
      for channel in 0..<2 {
        let row = unsafe recordings + (channel * frames + frame) * points
        for node in 0..<points {
          let density = lattice.density(channel, node)
          unsafe row[node] = Float(density)
          // NaN is beyond the bound too.
          if !(density.magnitude <= 1e3) { blewUp = true }
        }
      }
    }
    return blewUp ? 1 : 0
  }
}
