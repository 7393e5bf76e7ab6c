// Metastable states as regions of the plane, the states of trajectories, and how often each is met.
import Foundation

/// An ellipse of two coordinates that stands for a metastable state.
public struct StateRegion: Hashable, Codable, Sendable {
  /// Its name.
  public var name: String
  /// Its centre.
  public var centre: [Double]
  /// Its half axes.
  public var semiAxes: [Double]
  /// By how much the first half axis is turned against the first coordinate, in radians.
  public var angle: Double
  /// After what both coordinates repeat, such as 2π; nil for never.
  public var period: Double?

  /// Describes an ellipse.
  public init(
    _ name: String, centre: [Double], semiAxes: [Double], angle: Double = 0, period: Double? = nil
  ) {
    precondition(
      centre.count == 2 && semiAxes.count == 2 && semiAxes.allSatisfy { $0 > 0 },
      "StateRegion: \(centre), \(semiAxes)")
    (self.name, self.centre, self.semiAxes) = (name, centre, semiAxes)
    (self.angle, self.period) = (angle, period)
  }

  /// Whether a point is inside.
  public func contains(_ x: Double, _ y: Double) -> Bool {
    var (u, v) = (x - centre[0], y - centre[1])
    if let period { (u, v) = (u.wrapped(period), v.wrapped(period)) }
    let along = cos(angle) * u + sin(angle) * v
    let across = -sin(angle) * u + cos(angle) * v
    let (a, b) = (along / semiAxes[0], across / semiAxes[1])
    return a * a + b * b <= 1
  }

  /// Conformations of alanine dipeptide in the plane of φ and ψ, in radians: C5, PII, αR, αL, C7ax.
  ///
  /// **Source.** Centres of Vlachas and others (2022), arXiv 2102.08810, with the larger of their
  /// radii, 20°; of C7ax their two circles as one ellipse.
  public static let alanine = [
    ("C5", -155.0, 155.0, 20.0), ("PII", -75, 150, 20), ("αR", -75, -20, 20), ("αL", 67, 5, 20),
    ("C7ax", 70, 180, 40),
  ].map { name, phi, psi, height in
    StateRegion(
      name, centre: [phi * .pi / 180, psi * .pi / 180],
      semiAxes: [20 * .pi / 180, height * .pi / 180], period: 2 * .pi)
  }

  /// The two deep wells of the Müller–Brown potential.
  ///
  /// **Source.** The code of Vlachas and others (2022), arXiv 2102.08810.
  public static let muellerBrown = [
    StateRegion("upper", centre: [-0.57, 1.45], semiAxes: [0.15, 0.3], angle: -.pi / 4),
    StateRegion("lower", centre: [0.45, 0.05], semiAxes: [0.35, 0.15]),
  ]
}

extension Double {
  fileprivate func wrapped(_ period: Double) -> Double {
    self - period * (self / period).rounded()
  }
}

/// The state of every frame of trajectories: the first region that it is in, or one more than all
/// regions for outside.
///
/// - Parameters:
///   - trajectories: For each trajectory both coordinates of its frames.
///   - regions: The states.
/// - Returns: For each trajectory the number of the state of each frame.
public func stateLabels(
  _ trajectories: [(x: [Double], y: [Double])], regions: [StateRegion]
) -> [[Int]] {
  trajectories.map { trajectory in
    zip(trajectory.x, trajectory.y).map { x, y in
      regions.firstIndex { $0.contains(x, y) } ?? regions.count
    }
  }
}

/// The part of the frames that each state has; the last entry is outside of all.
public func statePopulations(_ labels: [[Int]], stateCount: Int) -> [Double] {
  var counts = [Double](repeating: 0, count: stateCount + 1)
  for trajectory in labels { for label in trajectory { counts[label] += 1 } }
  let total = counts.reduce(0, +)
  return counts.map { $0 / total }
}
