// Steps of Brownian particles against NumPy and against what arithmetic allows.
import Foundation
import KymoNumerics
import KymoSolvers

func benchmarkParticles() throws {
  let peer = try peer(["Benchmarks/peers/particles_numpy.py"])
  let peerSeconds = try number(peer, "secondsPerStep")
  var configuration = ParticlesConfiguration()
  let entries = Double(3 * configuration.particleCount)
  // Counted in kymo_particles.h; a vector holds twice as many numbers in single precision.
  let arithmetic = (77 / 2.0 + 14) * entries / corePeak()
  for workers in Set([1, threads]).sorted() {
    let solver = try ParticlesSolver(configuration: configuration, threads: workers)
    try solver.restart(from: HostArray(repeating: 0, shape: [1] + solver.stateShape), time: 0)
    let timing = try Timing(100, warmUp: 2) { _ = try solver.advance(frames: 2) }
    let seconds = timing.fastest / Double(2 * configuration.substeps)
    line(
      "particle step, threads: \(workers)",
      """
      \(format(seconds * 1e6, 2)) µs for \(configuration.particleCount) particles in 3D; NumPy \
      \(format(peerSeconds * 1e6)) µs: \(format(peerSeconds / seconds, 0))× faster; floor \
      \(format(arithmetic / Double(workers) * 1e6, 2)) µs
      """)
  }
  configuration.diffusivity = 0
  let solver = try ParticlesSolver(configuration: configuration)
  let places = (0..<1000).map { -0.49 + 0.98 * Double($0) / 999 }
  try solver.restart(
    from: HostArray(places + places.reversed() + places, shape: [1, 3, 1000]), time: 0)
  try difference(
    "300 steps without noise",
    distance(try solver.advance(frames: 3).slice(0).slice(2).elements, numbers(peer, "positions")),
    atMost: 1e-11)
}
