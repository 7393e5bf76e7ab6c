// One FitzHugh-Nagumo trajectory on a D1Q3 lattice: populations f₋, f₀, f₊ of both species on every
// node. Specification: Vlachas et al. (2022), arXiv 2006.13431; the arithmetic is in CKernels
// (kymo_fitzhugh_nagumo.h).
import CKernels
import KymoNumerics

/// The populations of one trajectory.
struct FitzHughNagumoLattice: Sendable {
  private let configuration: FitzHughNagumoConfiguration
  /// `[u, v][f₋, f₀, f₊][node]`.
  private(set) var populations: [Double]

  /// A lattice in local equilibrium: a third of the density (u at every node, then v) in each
  /// population.
  init(configuration: FitzHughNagumoConfiguration, densities: ArraySlice<Double>) {
    self.configuration = configuration
    let (count, start) = (configuration.pointCount, densities.startIndex)
    precondition(
      densities.count == 2 * count, "FitzHughNagumoLattice: \(densities.count) densities")
    populations = (0..<2).flatMap { species in
      let density = densities[start + species * count..<start + (species + 1) * count]
      let third = density.map { $0 / 3 }
      return third + third + third
    }
  }

  /// Takes time steps.
  mutating func advance(_ steps: Int, level: kk_level = kk_processor_level()) {
    let spacing = configuration.length / Double(configuration.pointCount - 1)
    let step = configuration.timeStep
    func relaxation(_ diffusivity: Double) -> Double {
      2 / (1 + 3 * diffusivity * step / (spacing * spacing))
    }
    var rule = kk_fhn_rule(
      relaxation_u: relaxation(configuration.activatorDiffusivity),
      relaxation_v: relaxation(configuration.inhibitorDiffusivity), step: step,
      epsilon: configuration.epsilon, alpha0: configuration.alpha0, alpha1: configuration.alpha1,
      symmetric: configuration.symmetricEnds ? 1 : 0)
    let nodes = Int32(configuration.pointCount)
    unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: kk_fhn_scratch_count(nodes)) {
      scratch in
      unsafe populations.withUnsafeMutableBufferPointer { populations in
        // In bounds: six rows of nodes, and the scratch that the kernel asks for.
        unsafe kk_fhn_advance(
          level, &rule, nodes, populations.baseAddress, scratch.baseAddress, Int64(steps))
      }
    }
  }

  /// The density of a species (0: u, 1: v) at a node.
  func density(_ species: Int, _ node: Int) -> Double {
    let (count, first) = (configuration.pointCount, 3 * species * configuration.pointCount + node)
    return populations[first] + populations[first + count] + populations[first + 2 * count]
  }
}
