// Frames of 2D fields under convection and diffusion, from their Fourier modes, wherever and
// whenever they are wanted; the arithmetic is in CKernels (kymo_plane.h).
import CKernels
import Foundation

/// How derivatives are taken.
public enum DerivativeKind: Sendable, Hashable {
  /// Exactly, by wavenumber; the first derivative of the highest mode is zero.
  case spectral
  /// By central differences of second order between neighbouring points.
  case centralDifferences
}

/// Fields `u(x, y, t)` on a periodic mesh under `uₜ = D(u_xx + u_yy) − v·∇u`, solved exactly in
/// time.
///
/// The plan is made once for a mesh; D and v differ from call to call. Spectra are half planes of
/// real fields: `u(x, y, 0) = Σ v_k exp(ik·(x, y))`, mode numbers (first axis, second axis), shape
/// `[X, Y/2 + 1]`, real and imaginary parts alternating.
@safe public final class LinearPlane: @unchecked Sendable {
  // Unchecked: the plan is written once, before any other thread can see the object.
  private let plane: OpaquePointer
  /// Mesh points along both axes.
  public let shape: [Int]

  /// What a recording's equation is.
  public struct Law: Sendable, Hashable {
    /// Diffusion coefficient D; at least 0.
    public var diffusivity: Double
    /// Velocity along both axes.
    public var velocity: [Double]
    /// Creates a law.
    public init(diffusivity: Double, velocity: [Double]) {
      (self.diffusivity, self.velocity) = (diffusivity, velocity)
    }
  }

  /// Makes a plan; nil for a mesh that has no transform.
  ///
  /// - Parameters:
  ///   - grid: Two periodic axes, each of an even number of points, at least 4, and otherwise a
  ///     product of 2, 3 and 5.
  ///   - derivatives: How derivatives are taken.
  public init?(_ grid: Grid, derivatives: DerivativeKind = .spectral) {
    precondition(grid.axes.count == 2 && grid.isPeriodic, "LinearPlane: two periodic axes")
    let shape = grid.shape
    guard shape.allSatisfy({ $0 >= 4 && $0 <= 1 << 19 }) else { return nil }
    let symbols = grid.axes.map { axis in
      (0..<axis.points).map { LinearPlane.symbols($0, axis.points, axis.extent, derivatives) }
    }
    guard
      let plane = unsafe kk_plane_create(
        Int32(shape[0]), Int32(shape[1]), symbols[0].map(\.second), symbols[0].map(\.first),
        symbols[1].map(\.second), symbols[1].map(\.first), kk_processor_level())
    else { return nil }
    unsafe self.plane = plane
    self.shape = shape
  }

  deinit { unsafe kk_plane_release(plane) }

  /// Symbols of the first derivative, divided by i, and of the second.
  private static func symbols(
    _ index: Int, _ points: Int, _ length: Double, _ derivatives: DerivativeKind
  ) -> (first: Double, second: Double) {
    let mode = 2 * index <= points ? index : index - points
    let isHighest = 2 * index == points
    switch derivatives {
    case .spectral:
      let k = 2 * Double.pi * Double(mode) / length
      return (isHighest ? 0 : k, -k * k)
    case .centralDifferences:
      return differenceSymbols(mode: mode, count: points, spacing: length / Double(points))
    }
  }

  /// Writes part of some frames, shape `[frames, x, y]`; both axes wrap.
  ///
  /// - Parameters:
  ///   - spectrum: The modes at time 0; `X · (Y/2 + 1) · 2` numbers.
  ///   - law: The recording's D and v.
  ///   - times: Time of the first frame and between frames.
  ///   - origin: First frame's mesh point along both axes.
  ///   - size: Frames, then mesh points along both axes.
  ///   - output: Room for the numbers.
  ///
  /// **Accuracy.** `Double` inside; modes that together add less than 10⁻⁹ to any point are left
  /// out.
  public func copyFrames(
    of spectrum: UnsafePointer<Float>, law: Law, times: (first: Double, interval: Double),
    origin: [Int], size: [Int], into output: UnsafeMutablePointer<Float>
  ) {
    precondition(
      origin.count == 2 && size.count == 3 && zip(origin, shape).allSatisfy { $0 >= 0 && $0 < $1 },
      "LinearPlane: origin \(origin), size \(size)")
    let crop = kk_plane_crop(
      first_time: times.first, interval: times.interval, frames: Int32(size[0]),
      row: Int32(origin[0]), row_count: Int32(size[1]), column: Int32(origin[1]),
      column_count: Int32(size[2]))
    let law = kk_plane_law(
      diffusivity: law.diffusivity, row_velocity: law.velocity[0],
      column_velocity: law.velocity[1])
    // In bounds: the caller's promise about both buffers.
    let status = unsafe kk_plane_frames(plane, spectrum, law, crop, 1e-9, output)
    precondition(status == 0, "LinearPlane: no memory for \(size)")
  }
}
