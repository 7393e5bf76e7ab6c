// Underdamped Langevin dynamics, m dv = (F − mγv) dt + √(2 m γ k_BT) dW, dx = v dt, by the
// splitting BAOAB of B. Leimkuhler and C. Matthews, "Rational construction of stochastic numerical
// methods for molecular sampling", Appl. Math. Res. Express 2013, doi:10.1093/amrx/abs010: kick,
// drift, the exact solution of friction and noise, drift, kick. Positions in a harmonic well have
// their exact distribution at any step that is stable.
import Foundation
import KymoNumerics

/// One particle in two dimensions on the Müller–Brown potential.
struct LangevinParticle: Sendable {
  private(set) var position: (x: Double, y: Double)
  private(set) var velocity: (x: Double, y: Double)
  private var force: (x: Double, y: Double)
  private var stream: RandomStream
  private let step: Double
  private let inverseMass: Double
  private let (kept, kicked): (Double, Double)

  /// A particle at a place, its velocity drawn from the thermal distribution.
  init(
    _ configuration: MuellerBrownConfiguration, at position: (x: Double, y: Double),
    stream: RandomStream
  ) {
    (self.position, self.stream) = (position, stream)
    step = configuration.timeStep
    inverseMass = 1 / configuration.mass
    let thermal = (configuration.temperature * inverseMass).squareRoot()
    kept = exp(-configuration.friction * step)
    kicked = thermal * (1 - kept * kept).squareRoot()
    velocity = (thermal * self.stream.normal(), thermal * self.stream.normal())
    force = MuellerBrownPotential.force(position.x, position.y)
  }

  /// Takes time steps.
  mutating func advance(_ steps: Int) {
    let (half, kick) = (0.5 * step, 0.5 * step * inverseMass)
    for _ in 0..<steps {
      velocity.x += kick * force.x
      velocity.y += kick * force.y
      position.x += half * velocity.x
      position.y += half * velocity.y
      velocity.x = kept * velocity.x + kicked * stream.normal()
      velocity.y = kept * velocity.y + kicked * stream.normal()
      position.x += half * velocity.x
      position.y += half * velocity.y
      force = MuellerBrownPotential.force(position.x, position.y)
      velocity.x += kick * force.x
      velocity.y += kick * force.y
    }
  }
}
