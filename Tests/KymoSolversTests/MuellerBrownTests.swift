// Langevin dynamics on the Müller-Brown potential: known wells, forces, equipartition and the
// Boltzmann density.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

/// Cells of a histogram over the wells.
private struct Cells {
  let columns = 26
  let rows = 24

  func index(_ x: Double, _ y: Double) -> Int? {
    let (column, row) = (
      Int(((x + 1.6) / 0.12).rounded(.down)), Int(((y + 0.6) / 0.12).rounded(.down))
    )
    guard (0..<columns).contains(column), (0..<rows).contains(row) else { return nil }
    return row * columns + column
  }

  func shares(_ points: [(x: Double, y: Double)]) -> [Double] {
    var shares = [Double](repeating: 0, count: columns * rows)
    for point in points {
      if let cell = index(point.x, point.y) { shares[cell] += 1 / Double(points.count) }
    }
    return shares
  }
}

private func distance(_ first: [Double], _ second: [Double]) -> Double {
  zip(first, second).reduce(0) { $0 + ($1.0 - $1.1).magnitude }
}

/// Points of the Boltzmann distribution, by rejection.
private func boltzmann(
  _ count: Int, temperature: Double, seed: UInt64
) -> [(x: Double, y: Double)] {
  var random = RandomStream(seed: seed, purpose: .testing)
  var points: [(x: Double, y: Double)] = []
  while points.count < count {
    let (x, y) = (-1.8 + 3.2 * random.uniform(), -0.7 + 3 * random.uniform())
    let energy = MuellerBrownPotential.energy(x, y)
    if random.uniform() < exp(-(energy + 147) / temperature) { points.append((x, y)) }
  }
  return points
}

@Suite("Müller-Brown potential") struct MuellerBrownTests {
  @Test("has the wells and saddles of the paper") func wells() {
    // Müller and Brown 1979, Table I: energy, then the place.
    for (energy, x, y) in [
      (-146.700, -0.558, 1.442), (-108.167, 0.623, 0.028), (-80.768, -0.050, 0.467),
      (-40.665, -0.822, 0.624), (-72.249, 0.212, 0.293),
    ] {
      #expect((MuellerBrownPotential.energy(x, y) - energy).magnitude < 2e-2)
      let force = MuellerBrownPotential.force(x, y)
      #expect(hypot(force.x, force.y) < 1, "places have three digits: \(force)")
    }
  }

  @Test("forces are the slope of the energy") func forces() {
    var random = RandomStream(seed: 1, purpose: .testing)
    for _ in 0..<50 {
      let (x, y) = (-1.5 + 2.5 * random.uniform(), -0.3 + 2 * random.uniform())
      let force = MuellerBrownPotential.force(x, y)
      let step = 1e-5
      func energy(_ u: Double, _ v: Double) -> Double { MuellerBrownPotential.energy(x + u, y + v) }
      expectClose(
        [force.x, force.y],
        [
          (energy(-step, 0) - energy(step, 0)) / (2 * step),
          (energy(0, -step) - energy(0, step)) / (2 * step),
        ],
        Tolerance(absolute: 1e-4, relative: 1e-6, because: "central differences of size 1e-5"))
    }
  }

  @Test("kinetic energy is shared equally, positions keep the Boltzmann density") func equilibrium()
    throws
  {
    // Started in equilibrium, it stays there: no rare jump need be waited for. BAOAB takes from ⟨v²⟩
    // a part of (ωδt)²/4, below 0.5 % for the stiffest ω = 65 of the wells at this step.
    var settings = MuellerBrownConfiguration()
    (settings.frameInterval, settings.substeps) = (0.5, 250)
    let count = 3000
    var particles = boltzmann(count, temperature: 15, seed: 7).enumerated().map { index, point in
      LangevinParticle(
        settings, at: point,
        stream: RandomStream(seed: 2, purpose: .testing, index: UInt64(index)))
    }
    for index in particles.indices { particles[index].advance(500) }
    for squares in [
      particles.map { $0.velocity.x * $0.velocity.x },
      particles.map { $0.velocity.y * $0.velocity.y },
    ] {
      let error = 15 * (2 / Double(count)).squareRoot()
      #expect((Statistics.mean(squares) - 15).magnitude < 3 * error + 0.005 * 15)
    }
    let cells = Cells()
    let exact = boltzmann(200_000, temperature: 15, seed: 8)
    let found = cells.shares(particles.map(\.position))
    let floor = distance(
      cells.shares(boltzmann(count, temperature: 15, seed: 9)), cells.shares(exact))
    let misfit = distance(found, cells.shares(exact))
    #expect(misfit < 1.15 * floor, "L1 \(misfit), of an independent sample \(floor)")
    // Negative control: another temperature is noticed.
    let warm = distance(
      cells.shares(boltzmann(count, temperature: 20, seed: 9)), cells.shares(exact))
    #expect(warm > 1.3 * floor)
  }

  @Test("the solver draws velocities anew, relaxes, and keeps its clock; threads do not matter")
  func solver() throws {
    let starts = HostArray([-0.55, 1.44, 0.6, 0.05], shape: [2, 2, 1])
    func run(
      threads: Int, time: Double = 4, _ change: (inout MuellerBrownConfiguration) -> Void = { _ in }
    )
      throws -> HostArray<Double>
    {
      var settings = MuellerBrownConfiguration()
      change(&settings)
      let solver = try MuellerBrownSolver(configuration: settings, threads: threads)
      try solver.restart(from: starts, time: time)
      let frames = try solver.advance(frames: 3)
      #expect(solver.time == time + 1.5)
      return frames
    }
    let frames = try run(threads: 1)
    #expect(frames.shape == [2, 3, 2, 1] && frames.elements.allSatisfy(\.isFinite))
    #expect(try run(threads: 3) == frames)
    #expect(try run(threads: 1, time: 5) != frames)
    #expect(try run(threads: 1) { $0.relaxationSteps = 0 } != frames)
  }

  @Test("recordings are a function of seed and number, and begin in a well") func recordings()
    throws
  {
    var settings = MuellerBrownConfiguration()
    (settings.frameCount, settings.spinUpFrames, settings.recordings) = (20, 50, 3)
    let simulator = try settings.makeSimulator()
    let all = try simulator.simulate(0..<3, threads: 2)
    #expect(Array(all.x[80...]) == (try simulator.simulate(2..<3, threads: 1)).x)
    for recording in 0..<3 {
      let (x, y) = (Double(all.x[40 * recording]), Double(all.x[40 * recording + 20]))
      #expect(MuellerBrownPotential.energy(x, y) < -20)
    }
  }
}
