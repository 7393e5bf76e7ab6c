// Steps of the solvers that forecasts alternate with, on one core, against NumPy and SciPy; the solver
// of any law against the kernels that are written for one.
import CKernels
import Foundation
import KymoNumerics
import KymoSolvers

/// Operations a second of one core in double precision: half of what it does in single precision.
func corePeak() -> Double {
  let rounds: Int64 = 20_000
  let timing = Timing(300, warmUp: 0) { _ = kk_multiply_add_rounds(rounds) }
  return kk_multiply_add_rounds(1) * Double(rounds) / timing.fastest / 2
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
  let timing = try Timing(100, warmUp: 1) { _ = try solver.advance(frames: frames) }
  return timing.fastest / Double(count * frames * substeps)
}

func benchmarkSolvers() throws {
  let peak = corePeak()
  try benchmarkFitzHughNagumo(peak: peak)
  try benchmarkKuramotoSivashinsky(peak: peak)
  // Starts are rounded to single precision, and the kernels have meshes and steps of their own.
  try benchmarkLaw(KuramotoSivashinskyConfiguration(), frames: 33, atMost: 1e-4)
  try benchmarkLaw(BurgersConfiguration(), frames: 128, atMost: 1e-5)
  var wide = GrayScottConfiguration()
  (wide.diffusivityU, wide.diffusivityV, wide.frameCount) = (0.64, 0.32, 8)
  try benchmarkLaw(wide, frames: 8, atMost: 1e-5)
}

/// Seconds of a recording by the solver of any law beside the kernel of the system.
private func benchmarkLaw<Configuration: LawfulConfiguration>(
  _ settings: Configuration, frames: Int, atMost bound: Double
) throws {
  let simulator = try Configuration.Simulator(configuration: settings)
  let (count, recordings) = (settings.frameCount, 8)
  var block = try simulator.simulate(0..<recordings, threads: 1)
  let own = try Timing(5, warmUp: 0) { block = try simulator.simulate(0..<recordings, threads: 1) }
  let truth = HostArray<Double>(
    HostArray(
      block.x, shape: [recordings, Configuration.channelNames.count, count] + settings.grid.shape)
  ).exchanged(1)
  let width = Configuration.parameterNames.count
  let parameters = (0..<recordings).map { row in
    (0..<width).map { Double(block.parameters[row * width + $0]) }
  }
  let solver = try LawStepper(
    settings.law(parameters), on: settings.grid, frameInterval: settings.frameInterval)
  let starts = HostArray(
    (0..<recordings).flatMap { truth.slice($0).slice(0).elements },
    shape: [recordings] + solver.stateShape)
  var made = truth
  let law = try Timing(5, warmUp: 1) {
    try solver.restart(from: starts, time: 0)
    made = try solver.advance(frames: count - 1)
  }
  line(
    "law of \(Configuration.systemName)",
    """
    \(format(law.fastest / Double(recordings) * 1e3)) ms a recording of \(count) frames, \
    \(solver.stepsPerFrame ?? 0) steps in each; its own kernel \
    \(format(own.fastest / Double(recordings) * 1e3)) ms: \(format(law.fastest / own.fastest, 2))× its time
    """)
  let size = solver.stateShape.reduce(1, *)
  let worst =
    (0..<recordings).map { row in
      relativeDistance(
        Array(made.slice(row).elements[..<((frames - 1) * size)]),
        Array(truth.slice(row).elements[size..<frames * size]))
    }.max() ?? .infinity
  try difference("after \(frames - 1) frames", worst, atMost: bound)
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

private typealias Restart = FitzHughNagumoConfiguration.Restart

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
  // Populations start from densities alone, in both of the ways in which a solver can start.
  // Rounding of 4,001 steps is 1.5e-13; the ways themselves are 1.2e-4 apart.
  for (start, key) in [(Restart.equilibrium, "frame"), (.gradient, "frameFromGradient")] {
    var configuration = FitzHughNagumoConfiguration()
    configuration.restart = start
    let solver = try FitzHughNagumoSolver(configuration: configuration)
    try solver.restart(from: HostArray(front, shape: [1, 2, 101]), time: 0)
    _ = try solver.settle(steps: 1)
    let ours = try solver.advance(frames: 20).slice(0).slice(19).elements
    try difference(
      "4,001 steps from \(start)", distance(ours, try numbers(peer, key)), atMost: 1e-11)
  }
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
  try difference(
    "difference at t = 10", distance(ours, try numbers(peer, "frame")), atMost: 1e-12)
}
