// What an evaluation of forecasts of alanine dipeptide says beyond other vectors: distances of each
// torsion (100 bins, after the protocol of MDGen, B. Jing et al. 2024, arXiv 2409.17808), whether
// decoded structures are sound, and what the latent means: φ and ψ against it, and the free energy
// −ln p along it (Vlachas et al., J. Chem. Theory Comput. 18, 538 (2022)).
import Foundation
import KymoMetrics
import KymoNumerics
import KymoResults
import KymoSolvers

extension VectorFindings {
  /// Jensen–Shannon distances of the torsions beside the floor of two halves of the truth.
  var torsionRows: [ScoreTable.Row] {
    let half = truth.shape[0] / 2
    let grid = HistogramGrid(low: [-.pi], high: [.pi], bins: [100])
    func fractions(_ paths: some Sequence<[Double]>) -> [Double] {
      let values = paths.flatMap(\.self)
      return grid.fractions(of: HostArray(values, shape: [values.count, 1]))
    }
    return AlanineDipeptide.dihedrals.map { axis in
      let (own, other) = (paths(forecast, axis), paths(truth, axis))
      return ScoreTable.Row(
        "Jensen–Shannon distance of \(names[axis])",
        [
          Score(jensenShannonDistance(fractions(own), fractions(other))),
          half > 0
            ? Score(jensenShannonDistance(fractions(other[..<half]), fractions(other[half...])))
            : nil,
        ])
    }
  }

  /// Whether structures are sound, and the meaning of the latent.
  func moleculeSections(_ values: inout Values) -> [ResultSection] {
    let lengths = AlanineDipeptide.bonds.map { Statistics.mean(paths(truth, $0).flatMap(\.self)) }
    let (own, other) = (soundPart(forecast, lengths), soundPart(truth, lengths))
    values.soundStructures = ["forecast": own, "truth": other]
    let structures = ResultSection(
      "structures", heading: "Structures",
      caption: """
        A structure is sound when every bond is within 10 % of its mean length and no two atoms that are \
        three or more bonds apart are nearer than 0.2 nm.
        """, places: [.report, .terminal],
      .scores(
        ScoreTable(
          "", columns: ["this run", "truth"],
          rows: [ScoreTable.Row("part of sound structures", [Score(own), Score(other)])])))
    guard latents.shape[2] == 1 else { return [structures] }
    return [structures, freeEnergySection] + latentSections
  }

  // MARK: Structures

  private func soundPart(_ frames: HostArray<Float>, _ lengths: [Double]) -> Double {
    let width = frames.shape[2]
    let count = frames.count / width
    // Some ten thousand say it to a tenth of a percent.
    let chosen = stride(from: 0, to: count, by: max(1, count / 20_000))
    let sound = chosen.count { frame in
      let components = frames.elements[frame * width..<(frame + 1) * width].map { Double($0) }
      return isSound(components, lengths)
    }
    return Double(sound) / Double(Array(chosen).count)
  }

  private func isSound(_ components: [Double], _ lengths: [Double]) -> Bool {
    guard zip(components, lengths).allSatisfy({ ($0 / $1 - 1).magnitude <= 0.1 }) else {
      return false
    }
    let tree = AlanineDipeptide.heavyTree
    let positions = tree.positions(
      of: InternalCoordinates(components: components, atoms: tree.count))
    return Self.distantPairs.allSatisfy { first, second in
      let squares = (0..<3).reduce(0.0) {
        let difference = positions[3 * first + $1] - positions[3 * second + $1]
        return $0 + difference * difference
      }
      return squares >= 0.2 * 0.2
    }
  }

  /// Pairs of atoms but hydrogen that are three or more bonds apart.
  private static let distantPairs: [(Int, Int)] = {
    let rows = AlanineDipeptide.heavyTree.rows
    var near: Set<[Int]> = []
    for row in rows.dropFirst() { near.insert([row[0], row[1]].sorted()) }
    let bonds = near
    for first in bonds {
      for second in bonds where first != second {
        let ends = Set(first).symmetricDifference(second)
        if ends.count == 2 { near.insert(ends.sorted()) }
      }
    }
    return rows.indices.flatMap { second in
      (0..<second).filter { !near.contains([$0, second]) }.map { ($0, second) }
    }
  }()

  // MARK: The latent

  private var latentRange: (low: Double, high: Double) {
    (trueLatents.elements.min() ?? 0, trueLatents.elements.max() ?? 1)
  }

  /// −ln p along the latent, of truth and forecast, in units of k_BT.
  private var freeEnergySection: ResultSection {
    let (low, high) = latentRange
    let grid = HistogramGrid(low: [low], high: [high], bins: [60])
    let width = (high - low) / 60
    func series(_ name: String, _ values: [Double]) -> Plot.Series {
      let parts = grid.fractions(of: HostArray(values, shape: [values.count, 1])).prefix(60)
      let energies = parts.enumerated().filter { $0.element > 0 }.map { cell, part in
        (low + (Double(cell) + 0.5) * width, -log(part / max(width, .leastNormalMagnitude)))
      }
      let least = energies.map(\.1).min() ?? 0
      return Plot.Series(name, x: energies.map(\.0), y: energies.map { $0.1 - least })
    }
    return ResultSection(
      "latent-free-energy", heading: "The latent",
      caption: "Free energy −ln p along the latent, above its least value.",
      .plot(
        Plot([
          Plot.Panel(
            x: PlotAxis("z"), y: PlotAxis("free energy / k_BT"),
            [series("truth", trueLatents.elements), series("forecast", latents.elements)])
        ])))
  }

  /// How often angles and latents occur together.
  private var latentSections: [ResultSection] {
    let (low, high) = latentRange
    return [AlanineDipeptide.phi, AlanineDipeptide.psi].map { axis in
      let name = names[axis]
      func rows(_ frames: HostArray<Float>, _ latents: HostArray<Double>) -> [[Double]] {
        let angles = paths(frames, axis).flatMap(\.self)
        let grid = HistogramGrid(low: [-.pi, low], high: [.pi, high], bins: [50, 50])
        let fractions = grid.fractions(
          of: HostArray(
            zip(angles, latents.elements).flatMap { [$0, $1] }, shape: [angles.count, 2]))
        return (0..<50).map { row in (0..<50).map { fractions[$0 * 50 + row] } }
      }
      return ResultSection(
        "latent-\(axis == AlanineDipeptide.phi ? "phi" : "psi")",
        caption: "The latent against \(name).",
        .densities(
          DensityComparison(
            axes: [name + " / °", "z"], low: [-180, low], high: [180, high],
            [.init("truth", rows(truth, trueLatents)), .init("forecast", rows(forecast, latents))]))
      )
    }
  }
}
