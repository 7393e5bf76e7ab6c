// Internal coordinates of a molecule: bond lengths, bond angles and dihedral angles along a tree of
// its atoms (a Z-matrix), and Cartesian coordinates from them by the natural extension reference
// frame (J. Parsons et al., "Practical conversion from torsion space to Cartesian space for in
// silico protein synthesis", J. Comput. Chem. 26 (2005), doi:10.1002/jcc.20237).
//
// The dihedral of four atoms is that of IUPAC: 0 for cis, positive when the bond at the back is
// turned clockwise.
import Foundation

/// The internal coordinates of n atoms: n − 1 bonds, n − 2 angles and n − 3 dihedrals.
public struct InternalCoordinates: Hashable, Sendable {
  /// Bond lengths, in the unit of the Cartesian coordinates.
  public var bonds: [Double]
  /// Bond angles in radians, between 0 and π.
  public var angles: [Double]
  /// Dihedral angles in radians, from −π to π.
  public var dihedrals: [Double]

  /// Bonds, then angles, then dihedrals: the components of a vector.
  public var components: [Double] { bonds + angles + dihedrals }

  /// Reads components of so many atoms.
  public init(components: [Double], atoms: Int) {
    precondition(
      atoms >= 3 && components.count == 3 * atoms - 6,
      "InternalCoordinates: \(components.count) components of \(atoms) atoms")
    bonds = Array(components[..<(atoms - 1)])
    angles = Array(components[(atoms - 1)..<(2 * atoms - 3)])
    dihedrals = Array(components[(2 * atoms - 3)...])
  }

  /// The coordinates of a tree, the first ones taken from a tree that it goes on from.
  func beginning(with first: InternalCoordinates) -> InternalCoordinates {
    var all = self
    all.bonds.replaceSubrange(..<first.bonds.count, with: first.bonds)
    all.angles.replaceSubrange(..<first.angles.count, with: first.angles)
    all.dihedrals.replaceSubrange(..<first.dihedrals.count, with: first.dihedrals)
    return all
  }
}

/// By which atoms each atom of a molecule is placed.
public struct AtomTree: Hashable, Sendable {
  /// An atom, then those of its bond, its angle and its dihedral: the first atom has none of them,
  /// the second one a bond, the third one an angle too.
  public let rows: [[Int]]

  /// Creates a tree; each atom refers to ones of earlier rows.
  public init(_ rows: [[Int]]) {
    var known: Set<Int> = []
    for (index, row) in rows.enumerated() {
      precondition(
        row.count == min(index, 3) + 1 && Set(row).count == row.count
          && row.dropFirst().allSatisfy(known.contains) && !known.contains(row[0]),
        "AtomTree: row \(index) is \(row)")
      known.insert(row[0])
    }
    self.rows = rows
  }

  /// Number of atoms.
  public var count: Int { rows.count }

  /// The tree of the first atoms alone.
  public func prefix(_ count: Int) -> AtomTree { AtomTree(Array(rows.prefix(count))) }

  /// The internal coordinates of atoms at positions, x, y, z of one after the other.
  public func internalCoordinates(of positions: [Double]) -> InternalCoordinates {
    func place(_ atom: Int) -> Vector { Vector(positions, atom) }
    var components: (bonds: [Double], angles: [Double], dihedrals: [Double]) = ([], [], [])
    for row in rows {
      let places = row.map(place)
      if row.count > 1 { components.bonds.append((places[0] - places[1]).length) }
      if row.count > 2 { components.angles.append(angle(places[0], places[1], places[2])) }
      if row.count > 3 {
        components.dihedrals.append(dihedral(places[3], places[2], places[1], places[0]))
      }
    }
    return InternalCoordinates(
      components: components.bonds + components.angles + components.dihedrals, atoms: count)
  }

  /// Positions of the atoms: the first at the origin, the second on the x-axis, the third in the
  /// plane of x and y.
  ///
  /// - Returns: x, y, z of atom 0, 1, …; the atoms of a tree are numbered from 0 without gaps.
  public func positions(of coordinates: InternalCoordinates) -> [Double] {
    precondition(
      coordinates.bonds.count == count - 1 && rows.allSatisfy { $0[0] < count },
      "AtomTree: \(coordinates.bonds.count) bonds of \(count) atoms")
    var places = [Vector](repeating: Vector(0, 0, 0), count: count)
    for (index, row) in rows.enumerated() where index > 0 {
      let (bond, at) = (coordinates.bonds[index - 1], places[row[1]])
      guard index > 1 else {
        places[row[0]] = Vector(bond, 0, 0)
        continue
      }
      // The third atom takes any atom off the line, in the plane.
      let before = places[row[2]]
      let first = index > 2 ? places[row[3]] : before + Vector(0, 1, 0)
      let turn = index > 2 ? coordinates.dihedrals[index - 3] : 0
      let bend = coordinates.angles[index - 2]
      let along = (at - before).normalised
      let normal = (before - first).cross(along).normalised
      let across = normal.cross(along)
      let beside = cos(turn) * across + sin(turn) * normal
      let direction = sin(bend) * beside - cos(bend) * along
      places[row[0]] = at + bond * direction
    }
    return places.flatMap { [$0.x, $0.y, $0.z] }
  }
}

/// The angle at the second of three places.
private func angle(_ a: Vector, _ b: Vector, _ c: Vector) -> Double {
  let (u, v) = (a - b, c - b)
  return atan2(u.cross(v).length, u.dot(v))
}

/// The dihedral angle of four places.
private func dihedral(_ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector) -> Double {
  let (first, axis, last) = (b - a, c - b, d - c)
  let (left, right) = (first.cross(axis), axis.cross(last))
  return atan2(axis.length * first.dot(right), left.dot(right))
}

/// A vector in space.
private struct Vector {
  var x, y, z: Double

  init(_ x: Double, _ y: Double, _ z: Double) { (self.x, self.y, self.z) = (x, y, z) }
  init(_ positions: [Double], _ atom: Int) {
    self.init(positions[3 * atom], positions[3 * atom + 1], positions[3 * atom + 2])
  }

  var length: Double { dot(self).squareRoot() }
  var normalised: Vector { (1 / length) * self }
  func dot(_ other: Vector) -> Double { x * other.x + y * other.y + z * other.z }
  func cross(_ other: Vector) -> Vector {
    Vector(
      y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x)
  }
  static func + (a: Vector, b: Vector) -> Vector { Vector(a.x + b.x, a.y + b.y, a.z + b.z) }
  static func - (a: Vector, b: Vector) -> Vector { a + (-1) * b }
  static func * (factor: Double, a: Vector) -> Vector {
    Vector(factor * a.x, factor * a.y, factor * a.z)
  }
}
