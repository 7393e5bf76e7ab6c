// The force on a cylinder from a frame alone, by integrals over its surface (Vlachas et al. 2022,
// eqs. 24 to 28): F = −∮ p n dS + ν ∮ (∇u + ∇uᵀ) n dS. Fields at the surface are those of rings
// around it: inside them frames mix fluid and body.
import Foundation

/// Drag and lift of frames `[4, rows, columns]` of pressure, velocities and vorticity.
///
/// The pressure at the surface is extrapolated linearly from the distances 2h and 4h. There is no
/// slip, so the gradient of the velocity is that of its part along the surface, ∂u_θ/∂r: the
/// slope at 0 of the parabola through 0 and the values at 2h and 4h. Frames of other sources, such as
/// decoded ones, have no other force: the penalty would multiply their errors by λ.
public struct SurfaceForce: Sendable {
  /// Coefficients of drag and lift, `2F/(U²D)`, and their parts.
  public struct Coefficients: Hashable, Sendable {
    /// Drag by pressure.
    public var pressureDrag = 0.0
    /// Drag by friction.
    public var viscousDrag = 0.0
    /// Lift by pressure.
    public var pressureLift = 0.0
    /// Lift by friction.
    public var viscousLift = 0.0

    /// Drag by both.
    public var drag: Double { pressureDrag + viscousDrag }
    /// Lift by both.
    public var lift: Double { pressureLift + viscousLift }
  }

  /// What one number of a frame adds to the four coefficients: they are linear in the frame.
  private struct Weight {
    var place: Int
    /// Pressure drag, viscous drag, pressure lift, viscous lift.
    var factors: SIMD4<Double>
  }

  private let frameLength: Int
  private let weights: [Weight]
  /// Points of the surface.
  private static let pointCount = 1440

  /// Takes body, stream and cells from the settings of a flow.
  public init(configuration: CylinderConfiguration) {
    let cells = configuration.rows * configuration.columns
    let (h, radius) = (configuration.spacing, 0.5 * configuration.diameter)
    var sums: [Int: SIMD4<Double>] = [:]
    /// Adds a factor times a channel between the middles of cells, linear in both directions.
    func add(_ channel: Int, _ x: Double, _ y: Double, _ factors: SIMD4<Double>) {
      let (a, b) = (x / h - 0.5, y / h - 0.5)
      let i = min(max(Int(a.rounded(.down)), 0), configuration.columns - 2)
      let j = min(max(Int(b.rounded(.down)), 0), configuration.rows - 2)
      let (s, t) = (a - Double(i), b - Double(j))
      for (right, up, part) in [
        (0, 0, (1 - s) * (1 - t)), (1, 0, s * (1 - t)), (0, 1, (1 - s) * t), (1, 1, s * t),
      ] {
        let place = channel * cells + (j + up) * configuration.columns + i + right
        sums[place, default: .zero] += part * factors
      }
    }
    let unit = 0.5 * configuration.speed * configuration.speed * configuration.diameter
    let piece = 2 * Double.pi * radius / Double(Self.pointCount) / unit
    let friction = piece * configuration.viscosity / (4 * h)
    for point in 0..<Self.pointCount {
      let angle = 2 * Double.pi * Double(point) / Double(Self.pointCount)
      let (normalX, normalY) = (cos(angle), sin(angle))
      let pressing = -piece * SIMD4(normalX, 0, normalY, 0)
      let rubbing = friction * SIMD4(0, -normalY, 0, normalX)
      for (distance, pressure, slope) in [(2.0, 2.0, 4.0), (4.0, -1.0, -1.0)] {
        let x = configuration.centre[0] + (radius + distance * h) * normalX
        let y = configuration.centre[1] + (radius + distance * h) * normalY
        add(0, x, y, pressure * pressing)
        add(1, x, y, -slope * normalY * rubbing)
        add(2, x, y, slope * normalX * rubbing)
      }
    }
    frameLength = 4 * cells
    weights = sums.sorted { $0.key < $1.key }.map { Weight(place: $0.key, factors: $0.value) }
  }

  /// The coefficients of a frame `[4, rows, columns]`; entries beside p, u and v are not used.
  public func callAsFunction<Number: BinaryFloatingPoint>(
    _ frame: some RandomAccessCollection<Number>
  ) -> Coefficients {
    precondition(frame.count == frameLength, "SurfaceForce: a frame of \(frame.count) numbers")
    let sum = weights.reduce(SIMD4<Double>.zero) {
      $0 + Double(frame[frame.index(frame.startIndex, offsetBy: $1.place)]) * $1.factors
    }
    return Coefficients(
      pressureDrag: sum[0], viscousDrag: sum[1], pressureLift: sum[2], viscousLift: sum[3])
  }
}
