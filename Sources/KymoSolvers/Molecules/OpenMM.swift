// Molecular dynamics by OpenMM (P. Eastman et al., "OpenMM 8", J. Phys. Chem. B 128 (2024),
// doi:10.1021/acs.jpcb.3c06662), loaded when it is needed. `scripts/setup --with-openmm` puts it
// into `.deps/openmm`, with the systems that Kymo knows.
//
// Units: nm, ps, Dalton, K, kJ/mol.
import COpenMM
import Foundation
public import KymoNumerics

/// What keeps molecules from being simulated.
public enum OpenMMError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no OpenMM.
  case absent
  /// It does not load, in its words.
  case broken(folder: String, words: String)
  /// A system's file is not as set-up wrote it.
  case system(file: String, words: String)

  /// One sentence for the person who asked.
  public var description: String {
    switch self {
    case .absent:
      "Molecules are simulated by OpenMM, which is not in .deps/openmm. Run: scripts/setup --with-openmm"
    case .broken(let folder, let words):
      "OpenMM in \(folder) does not load: \(words). Run: scripts/setup --with-openmm"
    case .system(let file, let words):
      "\(file) cannot be simulated: \(words). Run: scripts/setup --with-openmm"
    }
  }
}

/// A system of atoms with its force field.
public struct MolecularSystem: Sendable {
  /// All atoms, those of the molecule first.
  public let atoms: [PDBAtom]
  /// A minimum of the energy.
  public let positions: [Double]
  private let file: String
  private let xml: String

  /// Reads a system that set-up wrote, such as `alanine-implicit`, and loads OpenMM.
  public init(named name: String) throws(OpenMMError) {
    let folder = try Self.load()
    let (xml, pdb) = (
      folder.appending(path: name + ".xml"), folder.appending(path: name + ".pdb")
    )
    guard let system = try? String(contentsOf: xml, encoding: .utf8),
      let words = try? String(contentsOf: pdb, encoding: .utf8),
      let structure = PDBFile.read(words)
    else { throw .system(file: pdb.relativePath, words: "it is not there, or damaged") }
    self.init(
      atoms: structure.atoms, positions: structure.positions, xml: system, file: xml.relativePath)
  }

  /// A system from what a file of OpenMM's would say of it.
  init(atoms: [PDBAtom], positions: [Double], xml: String, file: String) {
    (self.atoms, self.positions) = (atoms, positions)
    (self.xml, self.file) = (xml, file)
  }

  /// Whether OpenMM and its systems are here.
  public static var isInstalled: Bool { (try? load()) != nil }

  /// Its dynamics; without friction the energy is conserved.
  ///
  /// - Parameters:
  ///   - platform: OpenMM's platform, `Reference` or `CPU`.
  ///   - timeStep: δt in ps.
  ///   - temperature: In K.
  ///   - friction: In 1/ps.
  /// - Throws: ``OpenMMError`` when OpenMM refuses the system.
  /// - Returns: A trajectory that is not started yet.
  public func dynamics(
    platform: String, timeStep: Double, temperature: Double, friction: Double
  ) throws(OpenMMError) -> MolecularDynamics {
    var message = [CChar](repeating: 0, count: 400)
    let made = unsafe ko_make(
      xml, platform, timeStep, temperature, friction, &message, message.count)
    guard let made = unsafe made else { throw .system(file: file, words: text(message)) }
    let dynamics = unsafe MolecularDynamics(made)
    guard 3 * dynamics.atomCount == positions.count else {
      throw .system(
        file: file, words: "its \(dynamics.atomCount) atoms are not those of the PDB file")
    }
    return dynamics
  }

  private static func load() throws(OpenMMError) -> URL {
    guard let folder = installedFolder() else { throw .absent }
    var message = [CChar](repeating: 0, count: 400)
    guard unsafe ko_load(folder.path, &message, message.count) == 0 else {
      throw .broken(folder: folder.path, words: text(message))
    }
    return folder
  }

  /// `.deps/openmm` in the working folder or above the program, or what $KYMO_OPENMM names.
  private static func installedFolder() -> URL? {
    var folders = [URL(filePath: FileManager.default.currentDirectoryPath)]
    if var folder = Bundle.main.executableURL?.resolvingSymlinksInPath() {
      while folder.pathComponents.count > 1 {
        folder.deleteLastPathComponent()
        folders.append(folder)
      }
    }
    var places = folders.map { $0.appending(path: ".deps/openmm") }
    if let given = ProcessInfo.processInfo.environment["KYMO_OPENMM"] {
      places.insert(URL(filePath: given), at: 0)
    }
    return places.first {
      FileManager.default.fileExists(atPath: $0.appending(path: "lib/libOpenMM.so").path)
    }
  }
}

/// One trajectory of a system of atoms; not to be used by two threads at once.
@safe public final class MolecularDynamics {
  private let handle: OpaquePointer
  /// Number of atoms.
  public let atomCount: Int
  /// Masses of the atoms.
  public let masses: [Double]

  fileprivate init(_ handle: OpaquePointer) {
    unsafe self.handle = handle
    let count = unsafe ko_count(handle)
    atomCount = Int(count)
    masses = (0..<count).map { unsafe ko_mass(handle, $0) }
  }

  deinit { unsafe ko_free(handle) }

  /// A state: positions and velocities, x, y, z of one atom after the other.
  public struct State: Hashable, Sendable, Codable {
    /// In nm.
    public var positions: [Double]
    /// In nm/ps.
    public var velocities: [Double]

    /// Creates a state.
    public init(positions: [Double], velocities: [Double]) {
      (self.positions, self.velocities) = (positions, velocities)
    }
  }

  /// The present state, and the potential and kinetic energy.
  ///
  /// Velocities are those of the middle of the step before, as leapfrog has them.
  public var state: State {
    var state = State(positions: zeros, velocities: zeros)
    unsafe check { unsafe ko_state(handle, &state.positions, &state.velocities, nil, $0, $1) }
    return state
  }
  /// Potential and kinetic energy.
  public var energies: (potential: Double, kinetic: Double) {
    var energies = [0.0, 0.0]
    unsafe check { unsafe ko_state(handle, nil, nil, &energies, $0, $1) }
    return (energies[0], energies[1])
  }
  private var zeros: [Double] { [Double](repeating: 0, count: 3 * atomCount) }

  /// Whether the trajectory diverged since it was started; what follows is meaningless then.
  public private(set) var hasDiverged = false

  /// Starts from a state; constraints are applied.
  public func start(_ state: State) { set(state, constrained: true) }

  /// Goes on from a ``state``, with the same bits as if it had not been stopped: constraints, which
  /// it fulfils to their tolerance, are not applied again.
  public func resume(from state: State) { set(state, constrained: false) }

  private func set(_ state: State, constrained: Bool) {
    precondition(
      state.positions.count == 3 * atomCount && state.velocities.count == 3 * atomCount,
      "MolecularDynamics: \(state.positions.count / 3) atoms instead of \(atomCount)")
    hasDiverged = false
    unsafe check {
      unsafe ko_start(handle, state.positions, state.velocities, constrained ? 1 : 0, $0, $1)
    }
  }

  /// Starts from positions with velocities of the thermal distribution.
  public func start(
    _ positions: [Double], temperature: Double, using random: inout RandomStream
  ) {
    let velocities = masses.flatMap { mass in
      (0..<3).map { _ in
        (Self.gasConstant * temperature / mass).squareRoot() * random.normal()
      }
    }
    start(State(positions: positions, velocities: velocities))
  }

  /// Goes downhill to about a minimum of the energy; velocities stay.
  public func minimise(iterations: Int) {
    unsafe check { unsafe ko_minimise(handle, Int32(iterations), $0, $1) }
  }

  /// Takes time steps.
  public func advance(_ steps: Int, using random: inout RandomStream) {
    // So many steps at once that the numbers stay in the cache.
    let block = max(1, 4096 / (3 * atomCount))
    for first in stride(from: 0, to: steps, by: block) {
      let count = min(block, steps - first)
      var noise = [Double]()
      noise.reserveCapacity(count * 3 * atomCount)
      for _ in 0..<count * 3 * atomCount { noise.append(random.normal()) }
      unsafe check { unsafe ko_step(handle, noise, Int32(count), $0, $1) }
    }
  }

  /// The gas constant in kJ/(mol K).
  public static let gasConstant = 0.008_314_462_618

  /// What OpenMM refuses is a trajectory that diverged.
  private func check(_ body: (UnsafeMutablePointer<CChar>?, Int) -> Int32) {
    guard !hasDiverged else { return }
    hasDiverged = body(nil, 0) != 0
  }
}

private func text(_ message: [CChar]) -> String {
  String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
