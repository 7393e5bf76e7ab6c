// Alanine dipeptide by OpenMM: energy, temperature, reproducibility, starts from internal
// coordinates. Without OpenMM these tests are skipped; what is said then is tested everywhere.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

private let isInstalled = MolecularSystem.isInstalled
private let words: Comment = "OpenMM is not installed; run: scripts/setup --with-openmm"

@Suite("Alanine dipeptide") struct AlanineTests {
  @Test("without OpenMM one sentence says what to do") func absent() {
    #expect(OpenMMError.absent.description.contains("scripts/setup --with-openmm"))
    guard !isInstalled else { return }
    #expect(throws: ConfigurationError.self) { try Alanine() }
  }

  @Test("without friction the energy is conserved", .enabled(if: isInstalled, words))
  func energy() throws {
    let system = try MolecularSystem(named: "alanine-implicit")
    // Leapfrog's kinetic energy belongs to half a step earlier; over many steps that is no drift.
    func drift(_ timeStep: Double) throws -> (drift: Double, spread: Double) {
      let dynamics = try system.dynamics(
        platform: "Reference", timeStep: timeStep, temperature: 300, friction: 0)
      var random = RandomStream(seed: 1, purpose: .testing)
      dynamics.start(system.positions, temperature: 300, using: &random)
      let samples = (0..<2000).map { _ in
        dynamics.advance(Int((0.005 / timeStep).rounded()), using: &random)
        return dynamics.energies.potential + dynamics.energies.kinetic
      }
      let half = samples.count / 2
      return (
        Statistics.mean(Array(samples[half...])) - Statistics.mean(Array(samples[..<half])),
        Statistics.sampleStandardDeviation(samples)
      )
    }
    let (fine, coarse) = (try drift(0.0005), try drift(0.001))
    // In 5 ps; the kinetic energy is about 67 kJ/mol.
    #expect(fine.drift.magnitude < 0.3, "\(fine)")
    #expect(coarse.drift.magnitude < 0.6, "\(coarse)")
    #expect(coarse.spread > 1.5 * fine.spread, "fluctuations fall with the step")
  }

  @Test("the temperature is that of the bath", .enabled(if: isInstalled, words))
  func temperature() throws {
    var configuration = AlanineConfiguration()
    configuration.friction = 10
    let trajectory = try AlanineTrajectory(
      configuration, MolecularSystem(named: "alanine-implicit"))
    var random = RandomStream(seed: 2, purpose: .testing)
    trajectory.start(using: &random)
    let samples = (0..<2000).map { _ in
      trajectory.advance(using: &random)
      return trajectory.kineticEnergy
    }
    // 22 atoms, 12 rigid bonds: 54 degrees of freedom.
    let expected = 0.5 * 54 * MolecularDynamics.gasConstant * 300
    let error = expected * (2.0 / 54 / 500).squareRoot()
    #expect(
      (Statistics.mean(Array(samples[200...])) - expected).magnitude < 4 * error,
      "correlated over some four frames: \(Statistics.mean(samples)), expected \(expected)")
  }

  @Test(
    "recordings are the same on any number of threads, and look like the molecule",
    .enabled(if: isInstalled, words))
  func recordings() throws {
    var configuration = AlanineConfiguration()
    (configuration.recordings, configuration.frameCount) = (3, 40)
    configuration.spinUpFrames = 5
    let simulator = try Alanine(configuration: configuration)
    let block = try simulator.simulate(0..<3, threads: 2)
    #expect(block.redrawn == 0)
    #expect(try simulator.simulate(1..<2, threads: 1).x == Array(block.x[960..<1920]))
    #expect(Set(block.x).count > 2000)
    let system = try MolecularSystem(named: "alanine-implicit")
    let rest = AlanineDipeptide.tree.prefix(10).internalCoordinates(of: system.positions)
    for bond in AlanineDipeptide.bonds {
      for frame in 0..<40 {
        let length = Double(block.x[bond * 40 + frame])
        #expect((length / rest.bonds[bond] - 1).magnitude < 0.2)
      }
    }
    // L-alanine starts at φ < 0; its improper dihedral at CA keeps its sign.
    #expect((0..<40).allSatisfy { block.x[20 * 40 + $0] * Float(rest.dihedrals[3]) > 0 })
  }

  @Test(
    "a system that OpenMM refuses is an error, no recording that diverged",
    .enabled(if: isInstalled, words))
  func refused() throws {
    let system = try MolecularSystem(named: "alanine-implicit")
    let damaged = Alanine(
      AlanineConfiguration(),
      MolecularSystem(
        atoms: system.atoms, positions: system.positions, xml: "<System/>", file: "damaged.xml"))
    let error = try #require(throws: SimulationError.self) {
      try damaged.simulate(0..<2, threads: 2)
    }
    guard case .unavailable(_, let words) = error else { throw error }
    #expect(words.hasPrefix("damaged.xml cannot be simulated"), "\(words)")
  }

  @Test(
    "a solver starts from internal coordinates and does not diverge",
    .enabled(if: isInstalled, words))
  func solver() throws {
    let system = try MolecularSystem(named: "alanine-implicit")
    var state = AlanineDipeptide.tree.prefix(10).internalCoordinates(of: system.positions)
      .components
    // Another conformation, with bonds as a decoder may draw them.
    (state[AlanineDipeptide.phi], state[AlanineDipeptide.psi]) = (-1.3, -0.4)
    for bond in AlanineDipeptide.bonds { state[bond] *= bond % 2 == 0 ? 1.05 : 0.95 }
    let states = HostArray(state + state, shape: [2, 24, 1])
    let (one, two) = (try AlanineSolver(threads: 1), try AlanineSolver(threads: 2))
    try one.restart(from: states, time: 3)
    try two.restart(from: states, time: 3)
    let frames = try one.advance(frames: 20)
    let others = try two.advance(frames: 20)
    #expect(frames == others)
    #expect((one.time - 5).magnitude < 1e-12)
    #expect(frames.elements.allSatisfy { $0.isFinite })
    #expect(frames.slice(0) != frames.slice(1), "noise differs between trajectories")
    // The conformation survives the relaxation.
    #expect((frames[0, 0, AlanineDipeptide.phi, 0] + 1.3).magnitude < 0.8)
    #expect((frames[0, 0, AlanineDipeptide.psi, 0] + 0.4).magnitude < 0.9)
    for bond in AlanineDipeptide.bonds {
      #expect((frames[1, 19, bond, 0] / state[bond] - 1).magnitude < 0.25)
    }
    #expect(throws: ConfigurationError.self) {
      var configuration = AlanineConfiguration()
      configuration.water = .explicit
      _ = try AlanineSolver(configuration: configuration)
    }
  }
}
