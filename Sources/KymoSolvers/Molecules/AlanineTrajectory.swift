// One trajectory of alanine dipeptide, frame by frame. The noise of a frame is a function of seed,
// trajectory and frame, so a trajectory goes on from a kept state with the same bits.
package import KymoNumerics

/// A trajectory of alanine dipeptide.
package final class AlanineTrajectory {
  private let configuration: AlanineConfiguration
  private let system: MolecularSystem
  private let dynamics: MolecularDynamics

  /// Prepares a trajectory.
  package init(
    _ configuration: AlanineConfiguration, _ system: MolecularSystem
  ) throws(OpenMMError) {
    (self.configuration, self.system) = (configuration, system)
    // The reference platform is the fastest one for few atoms.
    dynamics = try system.dynamics(
      platform: configuration.water == .implicit ? "Reference" : "CPU",
      timeStep: configuration.timeStep, temperature: configuration.temperature,
      friction: configuration.friction)
  }

  /// Positions and velocities of all atoms.
  package var state: MolecularDynamics.State { dynamics.state }
  /// The kinetic energy in kJ/mol.
  var kineticEnergy: Double { dynamics.energies.kinetic }
  /// Whether it diverged.
  package var hasDiverged: Bool { dynamics.hasDiverged }

  /// Starts from the structure of set-up with thermal velocities.
  package func start(using random: inout RandomStream) {
    dynamics.start(
      system.positions, temperature: configuration.temperature, using: &random)
  }

  /// Goes on from a state that was kept.
  package func resume(from state: MolecularDynamics.State) { dynamics.resume(from: state) }

  /// Starts from internal coordinates: hydrogen as in the structure of set-up, a few steps
  /// downhill, then thermal velocities and some steps of the dynamics.
  func start(components: [Double], using random: inout RandomStream) {
    let tree = AlanineDipeptide.tree
    let heavy = InternalCoordinates(components: components, atoms: AlanineDipeptide.heavyCount)
    let all = tree.internalCoordinates(of: system.positions).beginning(with: heavy)
    dynamics.start(
      tree.positions(of: all), temperature: configuration.temperature, using: &random)
    dynamics.minimise(iterations: 20)
    dynamics.advance(configuration.relaxationSteps, using: &random)
  }

  /// Advances by a coarse step.
  package func advance(using random: inout RandomStream) {
    dynamics.advance(configuration.substeps, using: &random)
  }

  /// The internal coordinates of the atoms but hydrogen; NaN after the trajectory diverged.
  package var components: [Double] {
    let tree = AlanineDipeptide.tree.prefix(AlanineDipeptide.heavyCount)
    let components = tree.internalCoordinates(of: dynamics.state.positions).components
    return hasDiverged ? components.map { _ in .nan } : components
  }
}
