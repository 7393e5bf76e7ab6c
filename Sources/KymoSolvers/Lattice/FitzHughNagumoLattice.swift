// One FitzHugh-Nagumo trajectory on a D1Q3 lattice: populations f₋, f₀, f₊ of both species on every
// node. Source: Vlachas et al. (2022), arXiv 2006.13431; the arithmetic is in CKernels
// (kymo_fitzhugh_nagumo.h).
import CKernels
import KymoNumerics

/// The populations of one trajectory.
struct FitzHughNagumoLattice: Sendable {
  private let configuration: FitzHughNagumoConfiguration
  /// `[u, v][f₋, f₀, f₊][node]`.
  private(set) var populations: [Double]

  /// A lattice with these densities, u at every node, then v.
  ///
  /// In equilibrium a population is a third of its density, `f = ρ/3`. A lattice that has run for a
  /// while has `f± = ρ/3 ∓ ρ′ dx / (3ω)` to first order in the gradient ρ′, of which no flux leaves
  /// 0 at the ends.
  init(
    configuration: FitzHughNagumoConfiguration, densities: ArraySlice<Double>,
    start: FitzHughNagumoConfiguration.Restart
  ) {
    self.configuration = configuration
    let (count, first) = (configuration.pointCount, densities.startIndex)
    precondition(
      densities.count == 2 * count, "FitzHughNagumoLattice: \(densities.count) densities")
    populations = (0..<2).flatMap { species in
      let density = Array(densities[first + species * count..<first + (species + 1) * count])
      let third = density.map { $0 / 3 }
      guard start == .gradient else { return third + third + third }
      let relaxation = Self.relaxation(configuration, species: species)
      let flux = (0..<count).map { node in
        guard node > 0, node < count - 1 else { return 0.0 }
        return (density[node + 1] - density[node - 1]) / (6 * relaxation)
      }
      return zip(third, flux).map { $0 + $1 } + third + zip(third, flux).map { $0 - $1 }
    }
  }

  /// The relaxation rate ω of a species (0: u, 1: v), `2 / (1 + 3 D δt / dx²)`.
  private static func relaxation(
    _ configuration: FitzHughNagumoConfiguration, species: Int
  ) -> Double {
    let spacing = configuration.length / Double(configuration.pointCount - 1)
    let diffusivity =
      species == 0 ? configuration.activatorDiffusivity : configuration.inhibitorDiffusivity
    return 2 / (1 + 3 * diffusivity * configuration.timeStep / (spacing * spacing))
  }

  /// Takes time steps.
  mutating func advance(_ steps: Int, level: kk_level = kk_processor_level()) {
    var rule = kk_fhn_rule(
      relaxation_u: Self.relaxation(configuration, species: 0),
      relaxation_v: Self.relaxation(configuration, species: 1), step: configuration.timeStep,
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
