// The force on a cylinder by integrals over its surface: fields whose force is known, and flows whose
// penalty says it.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

@Suite("The force by integrals over the surface") struct SurfaceForceTests {
  private func settings(_ columns: Int) -> CylinderConfiguration {
    var configuration = CylinderConfiguration()
    (configuration.columns, configuration.rows) = (columns, columns / 2)
    (configuration.diameter, configuration.offset) = (0.15, 0.01)
    return configuration
  }

  /// The frame of fields of the place, seen from the body's centre.
  private func frame(
    _ configuration: CylinderConfiguration, _ fields: (Double, Double) -> [Double]
  ) -> [Double] {
    let (columns, rows) = (configuration.columns, configuration.rows)
    var frame = [Double](repeating: 0, count: 4 * rows * columns)
    for cell in 0..<rows * columns {
      let x = (Double(cell % columns) + 0.5) * configuration.spacing - configuration.centre[0]
      let y = (Double(cell / columns) + 0.5) * configuration.spacing - configuration.centre[1]
      for (channel, value) in fields(x, y).enumerated() {
        frame[channel * rows * columns + cell] = value
      }
    }
    return frame
  }

  @Test("is 0 for a uniform pressure and gπR² for a linear one") func pressure() {
    let configuration = settings(128)
    let force = SurfaceForce(configuration: configuration)
    let uniform = force(frame(configuration) { _, _ in [3] })
    let rounding = Tolerance(absolute: 1e-9, because: "rounding in units of U²")
    expectClose([uniform.drag, uniform.lift], [0, 0], rounding)
    let linear = force(frame(configuration) { x, y in [-2 * x + y] })
    let unit = 0.5 * configuration.speed * configuration.speed * configuration.diameter
    let area = Double.pi * configuration.diameter * configuration.diameter / 4
    expectClose([linear.drag, linear.lift], [2 * area / unit, -area / unit], rounding)
  }

  @Test("is the torqueless friction of a shear that grows from the surface") func friction() {
    // u_θ = a (r − R) sin θ: the slope is a sin θ everywhere, the force −ν a π R along x.
    let configuration = settings(256)
    let (radius, rate) = (0.5 * configuration.diameter, 3.0)
    let found = SurfaceForce(configuration: configuration)(
      frame(configuration) { x, y in
        let r = (x * x + y * y).squareRoot()
        let along = rate * (r - radius) * y / r
        return [0, -along * y / r, along * x / r]
      })
    let unit = 0.5 * configuration.speed * configuration.speed * configuration.diameter
    expectClose(
      [found.viscousDrag], [-configuration.viscosity * rate * .pi * radius / unit],
      Tolerance(relative: 5e-3, because: "fields are linear between cells; measured 1e-3"))
    #expect(found.pressureDrag == 0)
  }

  @Test("is the force of the penalty") func penalty() throws {
    var configuration = settings(256)
    configuration.re = 40
    let flow = try CylinderFlow(configuration: configuration, threads: 2)
    flow.addVortex(speed: 0.05, at: [0.4, 0.29], width: 0.05)
    flow.advance(by: 3)
    let surface = SurfaceForce(configuration: configuration)(flow.frame())
    let (drag, lift) = flow.coefficients
    #expect((surface.drag - drag).magnitude < 0.05 * drag, "\(surface), \(drag)")
    #expect((surface.lift - lift).magnitude < 0.05 * drag, "\(surface), \(lift)")
    #expect(surface.viscousDrag > 0.2 * drag && surface.pressureDrag > 0.3 * drag)
  }
}
