// Alanine dipeptide, CH₃–CO–NH–CHCH₃–CO–NH–CH₃: its atoms as OpenMM has them, and its internal
// coordinates. Vlachas, Zavadlav, Praprotnik and Koumoutsakos, J. Chem. Theory Comput. 18, 538
// (2022), arXiv 2102.08810, describe the ten heavy atoms by 9 bonds, 8 angles and 7 dihedrals. The
// same tree here, but that atoms beside the backbone have their dihedral against the backbone's
// next atom: with φ and ψ they turn as a whole, so that these dihedrals hardly vary.

/// The atoms of alanine dipeptide and the trees of its internal coordinates.
public enum AlanineDipeptide {
  /// Its name in data files.
  public static let systemName = "Alanine dipeptide"

  /// Atoms as OpenMM's force fields order them: residue, atom.
  public static let atoms: [PDBAtom] =
    residue("ACE", 1, ["CH3", "H1", "H2", "H3", "C", "O"])
    + residue("ALA", 2, ["N", "H", "CA", "HA", "C", "O", "CB", "HB1", "HB2", "HB3"])
    + residue("NME", 3, ["N", "H", "C", "H1", "H2", "H3"])

  /// All 22 atoms, those but hydrogen first.
  public static let tree = AtomTree([
    [18], [16, 18], [10, 16, 18], [8, 10, 16, 18], [11, 10, 16, 8], [6, 8, 10, 16],
    [12, 8, 10, 6], [4, 6, 8, 10], [0, 4, 6, 8], [5, 4, 6, 0],
    [1, 0, 4, 6], [2, 0, 4, 1], [3, 0, 4, 1], [7, 6, 8, 4], [9, 8, 10, 6], [13, 12, 8, 10],
    [14, 12, 8, 13], [15, 12, 8, 13], [17, 16, 10, 18], [19, 18, 16, 10], [20, 18, 16, 19],
    [21, 18, 16, 19],
  ])

  /// Number of atoms but hydrogen.
  public static let heavyCount = 10

  /// The atoms but hydrogen, in the order of the molecule.
  public static let heavyAtoms: [PDBAtom] = heavyNumbers.map { atoms[$0] }

  /// The tree of the atoms but hydrogen, with the numbers of ``heavyAtoms``.
  public static let heavyTree = AtomTree(
    tree.prefix(heavyCount).rows.map { row in
      row.map { atom in heavyNumbers.firstIndex(of: atom) ?? 0 }
    })

  private static let heavyNumbers = tree.rows.prefix(heavyCount).map { $0[0] }.sorted()

  /// Names of the components of a state: the bonds, angles and dihedrals of ``heavyTree``.
  public static let componentNames: [String] = {
    let rows = heavyTree.rows
    func name(_ row: [Int], _ count: Int) -> String {
      row.prefix(count).map(String.init).joined(separator: "-")
    }
    var names =
      rows.dropFirst(1).map { "bond " + name($0, 2) }
      + rows.dropFirst(2).map { "angle " + name($0, 3) }
      + rows.dropFirst(3).map { "dihedral " + name($0, 4) }
    (names[phi], names[psi]) = ("φ", "ψ")
    return names
  }()

  /// Where bonds, angles and dihedrals are among the components.
  public static let bonds = 0..<9
  /// Bond angles.
  public static let angles = 9..<17
  /// Dihedral angles.
  public static let dihedrals = 17..<24
  /// The dihedral C–N–CA–C.
  public static let phi = 21
  /// The dihedral N–CA–C–N.
  public static let psi = 19

  private static func residue(_ name: String, _ number: Int, _ atoms: [String]) -> [PDBAtom] {
    atoms.map { PDBAtom($0, residue: name, number: number) }
  }
}
