// Steps of the solvers that forecasts alternate with, on one core, against NumPy and SciPy.
import CKernels
import Foundation
import KymoNumerics
import KymoSolvers

/// Operations a second of one core in double precision: half of what it does in single precision.
private func corePeak() -> Double {
  let rounds: Int64 = 20_000
  let clock = ContinuousClock()
  let fastest = (0..<300).map { _ in
    clock.measure { _ = kk_multiply_add_rounds(rounds) } / .seconds(1)
  }.reduce(.infinity, min)
  return kk_multiply_add_rounds(1) * Double(rounds) / fastest / 2
}

/// Seconds of one time step of a trajectory in a batch of `count`.
///
/// The fastest of many short runs, like the peak: a busy machine slows some of them.
private func timeStep(
  _ solver: some MicroSolver, from state: [Double], count: Int, substeps: Int, frames: Int
) throws -> Double {
  let states = HostArray(
    Array(repeating: state, count: count).flatMap(\.self), shape: [count] + solver.stateShape)
  try solver.restart(from: states, time: 0)
  _ = try solver.advance(frames: frames)
  let clock = ContinuousClock()
  let fastest = try (0..<100).map { _ in
    try clock.measure { _ = try solver.advance(frames: frames) } / .seconds(1)
  }.reduce(.infinity, min)
  return fastest / Double(count * frames * substeps)
}

private func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  zip(a, b).map { ($0 - $1).magnitude }.max() ?? .nan
}

func benchmarkSolvers() throws {
  let peak = corePeak()
  try benchmarkFitzHughNagumo(peak: peak)
  try benchmarkKuramotoSivashinsky(peak: peak)
}

private func report(
  _ name: String, _ seconds: Double, _ peerName: String, _ peer: Double, operations: Double,
  peak: Double
) {
  let floor = operations / peak
  line(
    name,
    """
    \(format(seconds * 1e6, 3)) µs; \(peerName) \(format(peer * 1e6, 1)) µs: \
    \(format(peer / seconds, 0))× faster; floor \(format(floor * 1e6, 3)) µs (\
    \(format(operations, 0)) operations), \(format(seconds / floor))× above it
    """)
}

private func benchmarkFitzHughNagumo(peak: Double) throws {
  let peer = try peer(["Benchmarks/peers/fhn_numpy.py", "--frame", "20"])
  let solver = try FitzHughNagumoSolver()
  let front = try FitzHughNagumo().fields(
    of: FitzHughNagumo.Draw(place: 4.25, isReversed: false))
  // Counted in kymo_fitzhugh_nagumo.h.
  let operations = 26.0 * 101
  for count in [1, 32] {
    report(
      "FitzHugh–Nagumo step, B = \(count)",
      try timeStep(solver, from: front, count: count, substeps: 200, frames: 5), "NumPy",
      try number(peer, "secondsPerStep"), operations: operations, peak: peak)
  }
  try solver.restart(from: HostArray(front, shape: [1, 2, 101]), time: 0)
  _ = try solver.settle(steps: 1)
  let ours = try solver.advance(frames: 20).slice(0).slice(19).elements
  line(
    "  difference after 4,001 steps",
    scientific(largestDifference(ours, try numbers(peer, "frame"))))
}

private func benchmarkKuramotoSivashinsky(peak: Double) throws {
  let peer = try peer(["Benchmarks/peers/ks22_scipy.py", "--time", "10"])
  let solver = try KuramotoSivashinskySolver()
  let wave = (0..<64).map { point in
    let angle = 2 * Double.pi * Double(point) / 64
    return cos(angle) * (1 + sin(angle))
  }
  // Four products of two transforms of 32 complex points (5 N log2 N), N squares, 7 N operations to
  // split and pack, and 5.5 N for the stages, as counted in kymo_etd.h.
  let operations = 4 * (2 * 5 * 32 * 5 + 64 + 7 * 64) + 4 * 5.5 * 64
  for count in [1, 8, 32] {
    report(
      "Kuramoto–Sivashinsky step, B = \(count)",
      try timeStep(solver, from: wave, count: count, substeps: 5, frames: 40), "SciPy",
      try number(peer, "secondsPerStep"), operations: operations, peak: peak)
  }
  try solver.restart(from: HostArray(wave, shape: [1, 1, 64]), time: 0)
  let ours = try solver.advance(frames: 40).slice(0).slice(39).elements
  line("  difference at t = 10", scientific(largestDifference(ours, try numbers(peer, "frame"))))
}
