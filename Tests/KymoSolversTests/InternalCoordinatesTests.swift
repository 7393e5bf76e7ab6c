// Internal coordinates: known angles, their sign, and the way there and back.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

private let tolerance = Tolerance(
  absolute: 1e-11, because: "rounding of some twenty atoms placed one by the other")

@Suite("Internal coordinates") struct InternalCoordinatesTests {
  private let four = AtomTree([[0], [1, 0], [2, 1, 0], [3, 2, 1, 0]])

  @Test("have the angles of structures drawn by hand; a clockwise turn is positive") func known() {
    // Looking along the bond from 1 to 2 (along +x), 0 is up (+y); clockwise from there is +z.
    func dihedral(_ last: [Double]) -> Double {
      four.internalCoordinates(of: [0, 1, 0, 0, 0, 0, 1.5, 0, 0] + last).dihedrals[0]
    }
    expectClose([dihedral([1.5, 1, 0])], [0], tolerance)
    expectClose([dihedral([1.5, -1, 0]).magnitude], [.pi], tolerance)
    expectClose([dihedral([1.5, 0, 1])], [.pi / 2], tolerance)
    expectClose([dihedral([1.5, 0, -1])], [-.pi / 2], tolerance)
    let coordinates = four.internalCoordinates(of: [0, 1, 0, 0, 0, 0, 1.5, 0, 0, 2.5, 0, 1])
    expectClose(coordinates.bonds, [1, 1.5, 2.0.squareRoot()], tolerance)
    expectClose(coordinates.angles, [.pi / 2, 3 * .pi / 4], tolerance)
  }

  @Test("give positions with the same coordinates", arguments: [1, 2, 3] as [UInt64])
  func roundTrip(_ seed: UInt64) {
    var random = RandomStream(seed: seed, purpose: .testing)
    let tree = AlanineDipeptide.tree
    let count = tree.count
    let components =
      (1..<count).map { _ in 0.1 + 0.1 * random.uniform() }
      + (2..<count).map { _ in 0.3 + 2.5 * random.uniform() }
      + (3..<count).map { _ in .pi * (2 * random.uniform() - 1) }
    let coordinates = InternalCoordinates(components: components, atoms: count)
    let positions = tree.positions(of: coordinates)
    expectClose(tree.internalCoordinates(of: positions).components, components, tolerance)
    // Turned and moved they are the same, mirrored they are not: dihedrals change their signs.
    var moved: [Double] = []
    for atom in 0..<count {
      moved.append(positions[3 * atom + 1] + 1)
      moved.append(positions[3 * atom + 2] - 2)
      moved.append(positions[3 * atom] + 0.5)
    }
    expectClose(tree.internalCoordinates(of: moved).components, components, tolerance)
    let mirrored = positions.enumerated().map { $0.offset % 3 == 0 ? -$0.element : $0.element }
    expectClose(
      tree.internalCoordinates(of: mirrored).dihedrals, coordinates.dihedrals.map { -$0 },
      tolerance)
  }

  @Test("of alanine dipeptide: 24 of the atoms but hydrogen, φ and ψ of the backbone")
  func alanine() {
    #expect(AlanineDipeptide.componentNames.count == 24)
    #expect(AlanineDipeptide.componentNames[AlanineDipeptide.phi] == "φ")
    #expect(
      AlanineDipeptide.heavyAtoms.map(\.name)
        == ["CH3", "C", "O", "N", "CA", "C", "O", "CB", "N", "C"])
    let rows = AlanineDipeptide.heavyTree.rows
    // C–N–CA–C and N–CA–C–N, from either end.
    #expect(rows[AlanineDipeptide.phi - 14] == [1, 3, 4, 5])
    #expect(rows[AlanineDipeptide.psi - 14] == [3, 4, 5, 8])
  }

  @Test("structures survive a PDB file to its three digits") func file() throws {
    var random = RandomStream(seed: 5, purpose: .testing)
    let positions = (0..<30).map { _ in random.normal() }
    let atoms = AlanineDipeptide.heavyAtoms
    let text = PDBFile.text(atoms, models: [positions])
    let found = try #require(PDBFile.read(text))
    #expect(found.atoms == atoms)
    expectClose(
      found.positions, positions, Tolerance(absolute: 5.1e-5, because: "0.001 Å, rounded"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    #expect(PDBFile.read("ATOM   broken") == nil)
  }
}
