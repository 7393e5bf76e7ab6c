// Which solver of the full dynamics a recipe or a command names: a built-in one with its settings,
// a law that was found, or a program of the user's own.
import Foundation
package import KymoData
package import KymoLaw
import KymoNumerics
import KymoRuns
package import KymoSolvers

/// A solver of the full dynamics.
package enum SolverSettings: Codable, Hashable, Sendable {
  /// FitzHugh–Nagumo by lattice Boltzmann.
  case fhn(FitzHughNagumoConfiguration)
  /// Kuramoto–Sivashinsky, periodic.
  case ks22(KuramotoSivashinskyAttractorConfiguration)
  /// Flow past a cylinder.
  case cylinder(CylinderConfiguration)
  /// Brownian particles in a box.
  case particles(ParticlesConfiguration)
  /// Langevin dynamics on the Müller–Brown potential.
  case muellerBrown(MuellerBrownConfiguration)
  /// Alanine dipeptide in implicit water, by OpenMM.
  case alanine(AlanineConfiguration)
  /// A law that `kymo discover` found.
  case law(LawSolverConfiguration)
  /// A program that solves on demand.
  case process(ProcessSolverConfiguration)

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case fhn, ks22, cylinder, particles
    case muellerBrown = "mueller-brown"
    case alanine, law, process
  }

  /// The solver that words of a command line mean: what a recipe has at `solver`, the name of a
  /// built-in one, the file of a law, or a program and its arguments as in a shell.
  package init(words: String) throws {
    let isRecipe =
      words.hasPrefix("{") || CodingKeys.allCases.contains { words.hasPrefix($0.stringValue + ":") }
    guard !isRecipe else {
      self = try RecipeText(yaml: words, source: "--solver").decode(SolverSettings.self)
      try validate(at: "--solver")
      return
    }
    switch words {
    case "fhn": self = .fhn(.init())
    case "ks22": self = .ks22(.init())
    case "cylinder": self = .cylinder(.init())
    case "particles": self = .particles(.init())
    case "mueller-brown": self = .muellerBrown(.init())
    case "alanine": self = .alanine(.init())
    case _ where words.hasSuffix(".json"): self = .law(.init(file: words))
    default:
      // The path of a program may have spaces.
      let isProgram = FileManager.default.isExecutableFile(atPath: words)
      let command = isProgram ? [words] : commandWords(words) ?? []
      try require(
        !command.isEmpty, "--solver", found: words.isEmpty ? "empty" : "'\(words)'",
        allowed:
          "fhn, ks22, cylinder, particles, mueller-brown, alanine, the law.json of kymo discover, a program and "
          + "its arguments, "
          + "or what a recipe has at 'solver'",
        remedy: "For example --solver 'python3 \"my solver.py\"', or "
          + "--solver '{process: {command: [python3, solver.py], frameSeconds: 600}}'.")
      self = .process(ProcessSolverConfiguration(command: command))
    }
  }

  func validate(at path: String) throws {
    switch self {
    case .fhn(let settings): try settings.validate(at: "\(path).fhn")
    case .ks22(let settings): try settings.validate(at: "\(path).ks22")
    case .cylinder(let settings): try settings.validate(at: "\(path).cylinder")
    case .particles(let settings): try settings.validate(at: "\(path).particles")
    case .muellerBrown(let settings): try settings.validate(at: "\(path).mueller-brown")
    case .alanine(let settings): try settings.validate(at: "\(path).alanine")
    case .law(let settings): try settings.validate(at: "\(path).law")
    case .process(let settings): try settings.validate(at: "\(path).process")
    }
  }

  /// Whose solver it is, in words.
  var ownerWords: String { if case .process = self { "your solver" } else { "our solver" } }

  /// Time step of the solver in words.
  var stepWords: String {
    switch self {
    case .fhn(let settings): "δt = \(settings.frameInterval / Double(settings.substeps))"
    case .ks22(let settings): "δt = \(settings.frameInterval / Double(settings.substeps))"
    case .cylinder(let settings): "Courant number \(settings.courant)"
    case .particles(let settings): "δt = \(settings.timeStep)"
    case .muellerBrown(let settings): "δt = \(settings.timeStep)"
    case .alanine(let settings): "δt = \(settings.timeStep) ps"
    case .law(let settings): settings.file
    case .process(let settings): settings.command.joined(separator: " ")
    }
  }

  /// The same system with the time step of the paper, where ours is longer, and what it is called.
  var asInPaper: (settings: SolverSettings, words: String)? {
    guard case .ks22(var settings) = self else { return nil }
    let substeps = Int((settings.frameInterval / 2.5e-4).rounded())
    guard substeps > settings.substeps else { return nil }
    settings.substeps = substeps
    return (.ks22(settings), "our solver with δt = 0.00025")
  }

  /// Makes the solver, not yet started.
  ///
  /// A program is told the shape of one state, `[C, X…]`, and the coarse step; a built-in solver
  /// must have both; a law has the grid, and parameters, of the recordings that are forecast.
  /// States are in single precision, so that none is made for fields that are measured from an
  /// offset.
  package func makeSolver(
    for recordings: Recordings, stateShape: [Int], frameInterval: Double, threads: Int
  ) throws -> any MicroSolver {
    try require(
      recordings.offset == nil, "solver",
      found: "for fields that change by little beside their means, "
        + (recordings.offset ?? []).map { String(format: "%g", $0) }.joined(separator: ", "),
      allowed: "for fields whose digits single precision holds",
      remedy: "Subtract the mean before you save the recordings, and let the solver do so too.")
    let solver: any MicroSolver
    switch self {
    case .fhn(let settings):
      solver = try FitzHughNagumoSolver(configuration: settings, threads: threads)
    case .ks22(let settings):
      solver = try KuramotoSivashinskySolver(configuration: settings, threads: threads)
    case .cylinder(let settings):
      solver = try CylinderSolver(configuration: settings, threads: threads)
    case .particles(var settings):
      // Particles do not see each other: any number of them will do.
      if stateShape.count == 2 { settings.particleCount = stateShape[1] }
      solver = try ParticlesSolver(configuration: settings, threads: threads)
    case .muellerBrown(let settings):
      solver = try MuellerBrownSolver(configuration: settings, threads: threads)
    case .alanine(let settings):
      solver = try AlanineSolver(configuration: settings, threads: threads)
    case .law(let settings):
      solver = try LawSolver(
        settings, for: recordings, frameInterval: frameInterval, threads: threads)
    case .process(var settings):
      if settings.stateShape.isEmpty { settings.stateShape = stateShape }
      if settings.frameInterval == 0 { settings.frameInterval = frameInterval }
      solver = try ProcessSolver(configuration: settings, stopSignal: StopSignal.current)
    }
    try require(
      solver.stateShape == stateShape, "solver", found: "of states \(solver.stateShape)",
      allowed: "of states \(stateShape) as the training data",
      remedy: "Give the solver the resolution of the training data.")
    try require(
      (solver.frameInterval - frameInterval).magnitude <= 1e-6 * frameInterval, "solver",
      found: "of a coarse step of \(solver.frameInterval)",
      allowed: "of the training data's \(frameInterval)",
      remedy: "Set its frameInterval to that of the recordings.")
    return solver
  }
}
