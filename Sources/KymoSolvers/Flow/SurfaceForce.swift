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

  private let configuration: CylinderConfiguration
  /// Points of the surface.
  private static let pointCount = 1440

  /// Takes body, stream and cells from the settings of a flow.
  public init(configuration: CylinderConfiguration) { self.configuration = configuration }

  /// The coefficients of a frame `[4, rows, columns]`; entries beside p, u and v are not used.
  public func callAsFunction<Number: BinaryFloatingPoint>(
    _ frame: some RandomAccessCollection<Number>
  ) -> Coefficients {
    let cells = configuration.rows * configuration.columns
    precondition(frame.count == 4 * cells, "SurfaceForce: a frame of \(frame.count) numbers")
    let (h, radius) = (configuration.spacing, 0.5 * configuration.diameter)
    /// A channel between the middles of cells, linear in both directions.
    func value(_ channel: Int, _ x: Double, _ y: Double) -> Double {
      let (a, b) = (x / h - 0.5, y / h - 0.5)
      let i = min(max(Int(a.rounded(.down)), 0), configuration.columns - 2)
      let j = min(max(Int(b.rounded(.down)), 0), configuration.rows - 2)
      func cell(_ right: Int, _ up: Int) -> Double {
        let place = channel * cells + (j + up) * configuration.columns + i + right
        return Double(frame[frame.index(frame.startIndex, offsetBy: place)])
      }
      let (s, t) = (a - Double(i), b - Double(j))
      let (low, high) = (
        (1 - s) * cell(0, 0) + s * cell(1, 0), (1 - s) * cell(0, 1) + s * cell(1, 1)
      )
      return (1 - t) * low + t * high
    }
    var sum = Coefficients()
    let unit = 0.5 * configuration.speed * configuration.speed * configuration.diameter
    let piece = 2 * Double.pi * radius / Double(Self.pointCount) / unit
    for point in 0..<Self.pointCount {
      let angle = 2 * Double.pi * Double(point) / Double(Self.pointCount)
      let normal = (cos(angle), sin(angle))
      func ring(_ distance: Double) -> (pressure: Double, along: Double) {
        let x = configuration.centre[0] + (radius + distance * h) * normal.0
        let y = configuration.centre[1] + (radius + distance * h) * normal.1
        return (value(0, x, y), value(2, x, y) * normal.0 - value(1, x, y) * normal.1)
      }
      let (near, far) = (ring(2), ring(4))
      let pressure = 2 * near.pressure - far.pressure
      let friction = configuration.viscosity * (4 * near.along - far.along) / (4 * h)
      sum.pressureDrag -= piece * pressure * normal.0
      sum.pressureLift -= piece * pressure * normal.1
      sum.viscousDrag -= piece * friction * normal.1
      sum.viscousLift += piece * friction * normal.0
    }
    return sum
  }
}
