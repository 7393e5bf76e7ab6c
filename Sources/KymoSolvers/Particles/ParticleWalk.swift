// Steps of Brownian particles by Euler and Maruyama, in this order (Vlachas et al. 2022): noise,
// drift at the beginning of the step, reflection by folding. The arithmetic is in CKernels
// (kymo_particles.h).
import CKernels
import Foundation
import KymoNumerics

/// Advances particles of any number of trajectories.
struct ParticleWalk: Sendable {
  let configuration: ParticlesConfiguration

  /// Particles that take all steps of a frame before the next ones do.
  private static let chunk = 4 * Int(KK_PARTICLE_STRIP)

  /// Advances sets of particles frame by frame.
  ///
  /// The noise of a step is a function of the seed, the number of the trajectory, coordinate and
  /// particle, and the time in steps, whatever the threads and whoever else is advanced.
  ///
  /// - Parameters:
  ///   - states: `[B, C, P]`; on return the states after the last frame.
  ///   - first: The number of the first trajectory.
  ///   - time: The absolute time of the states.
  ///   - frames: Number of coarse steps, T.
  ///   - threads: Number of threads; it does not change the result.
  /// - Returns: The states after each coarse step, `[B, T, C, P]`.
  func advance(
    _ states: inout [Double], first: Int, time: Double, frames: Int, threads: Int
  ) -> [Double] {
    let (axes, particles) = (configuration.amplitudes.count, configuration.particleCount)
    let size = axes * particles
    let chunks = (particles + Self.chunk - 1) / Self.chunk
    let rows = states.count / particles
    var result = [Double](repeating: 0, count: states.count * frames)
    let drifts = (0..<axes).map { drift($0, from: time, steps: frames * configuration.substeps) }
    unsafe states.withUnsafeMutableBufferPointer { states in
      unsafe result.withUnsafeMutableBufferPointer { result in
        // Each part of a coordinate of a trajectory is touched by one iteration.
        nonisolated(unsafe) let states = unsafe states
        nonisolated(unsafe) let result = unsafe result
        parallelFor(rows * chunks, threads: threads) { index in
          guard let start = unsafe states.baseAddress, let output = unsafe result.baseAddress
          else { return }
          let (row, part) = (index / chunks, index % chunks * Self.chunk)
          let (trajectory, axis) = (row / axes, row % axes)
          let count = min(Self.chunk, particles - part)
          let positions = unsafe start + row * particles + part
          for frame in 0..<frames {
            unsafe step(
              positions, first: part, count: count, axis: axis, trajectory: first + trajectory,
              time: time, frame: frame, drift: drifts[axis])
            unsafe (output + (trajectory * frames + frame) * size + axis * particles + part)
              .update(from: positions, count: count)
          }
        }
      }
    }
    return result
  }

  /// Takes the steps of a coarse step.
  private func step(
    _ positions: UnsafeMutablePointer<Double>, first: Int, count: Int, axis: Int, trajectory: Int,
    time: Double, frame: Int, drift: [Double]
  ) {
    let (steps, done) = (configuration.substeps, frame * configuration.substeps)
    var walk = kk_particle_walk(
      deviation: (configuration.diffusivity * configuration.timeStep).squareRoot(),
      box: configuration.boxLength, seed: configuration.seed,
      stream: RandomPurpose.dynamics.rawValue | UInt32(axis) << 8,
      trajectory: UInt32(truncatingIfNeeded: trajectory))
    let number = Int64((time / configuration.timeStep).rounded()) + Int64(done)
    unsafe drift[done..<done + steps].withUnsafeBufferPointer { drift in
      // In bounds: `count` positions, and a displacement for each step.
      unsafe kk_walk_particles(
        &walk, drift.baseAddress, UInt32(truncatingIfNeeded: number), Int32(steps), Int32(first),
        Int32(count), positions)
    }
  }

  /// The displacement A cos(ωt) δt of every step.
  ///
  /// Times are counted in steps, so that a run that is started again sees the same ones.
  private func drift(_ axis: Int, from time: Double, steps: Int) -> [Double] {
    let (amplitude, frequency) = (configuration.amplitudes[axis], configuration.frequencies[axis])
    let interval = configuration.timeStep
    let first = (time / interval).rounded()
    let rest = time - first * interval
    let shift = rest.magnitude < 1e-9 * interval ? 0 : rest
    return (0..<steps).map { step in
      amplitude * cos(frequency * ((first + Double(step)) * interval + shift)) * interval
    }
  }
}
