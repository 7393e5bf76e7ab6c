// Structures of molecules as files of the Protein Data Bank, format 3.3
// (https://www.wwpdb.org/documentation/file-format): columns of fixed width, lengths in ångström.
import Foundation

/// An atom of a molecule.
public struct PDBAtom: Hashable, Sendable {
  /// Its name, unique in its residue; elements of one letter alone occur.
  public var name: String
  /// The residue's name.
  public var residue: String
  /// The residue's number, from 1.
  public var number: Int

  /// Describes an atom.
  public init(_ name: String, residue: String, number: Int) {
    (self.name, self.residue, self.number) = (name, residue, number)
  }
}

/// Reading and writing of structures.
public enum PDBFile {
  /// The atoms of a file and their positions in nm; nil for lines that are no atoms of a PDB file.
  public static func read(_ text: String) -> (atoms: [PDBAtom], positions: [Double])? {
    var (atoms, positions): ([PDBAtom], [Double]) = ([], [])
    for line in text.split(separator: "\n") {
      guard line.hasPrefix("ATOM  ") || line.hasPrefix("HETATM") else { continue }
      let columns = Array(line)
      guard columns.count >= 54 else { return nil }
      func word(_ range: Range<Int>) -> String {
        String(columns[range]).trimmingCharacters(in: .whitespaces)
      }
      let place = [30..<38, 38..<46, 46..<54].compactMap { Double(word($0)) }
      guard place.count == 3, let number = Int(word(22..<26)) else { return nil }
      atoms.append(PDBAtom(word(12..<16), residue: word(17..<20), number: number))
      positions += place.map { 0.1 * $0 }
    }
    return (atoms, positions)
  }

  /// The text of a file with one model for each structure, positions in nm.
  public static func text(_ atoms: [PDBAtom], models: [[Double]]) -> String {
    var lines: [String] = []
    for (model, positions) in models.enumerated() {
      lines.append("MODEL     " + String(format: "%4d", (model + 1) % 10_000))
      for (index, atom) in atoms.enumerated() {
        let place = (0..<3).map { String(format: "%8.3f", 10 * positions[3 * index + $0]) }.joined()
        let name = (" " + atom.name).padding(toLength: 4, withPad: " ", startingAt: 0)
        lines.append(
          "HETATM" + String(format: "%5d", index + 1) + " " + name + " " + atom.residue + " A"
            + String(format: "%4d", atom.number) + "    " + place + "  1.00  0.00          "
            + " " + String(atom.name.prefix(1)))
      }
      lines.append("ENDMDL")
    }
    return (lines + ["END"]).joined(separator: "\n") + "\n"
  }
}
