// Recordings of the Kuramoto-Sivashinsky equation, pseudospectral in space (Fourier), ETDRK4 in time:
// Kassam and Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM J. Sci. Comput. 26 (2005),
// doi:10.1137/S1064827502410633; data of Lu, Kim and Soljačić, Phys. Rev. X 10, 031056 (2020).
import Foundation
public import KymoNumerics

/// Consecutive recordings of a simulated data set.
public struct SimulatedBlock: Sendable {
  /// Index of the first recording in the whole data set.
  public var firstRecording: Int
  /// Number of recordings in this block.
  public var recordingCount: Int
  /// The fields, shape `(recordings, 1, frames, points)`, last axis fastest.
  public var x: [Float]
  /// The damping γ of every recording.
  public var parameters: [Float]
  /// How many draws blew up and were replaced.
  public var redrawn: Int
}

/// A simulation that cannot produce what was asked of it.
public enum SimulationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A recording blew up with every draw of its parameters.
  case everyDrawBlewUp(recording: Int, attempts: Int)

  /// One sentence for the person who asked.
  public var description: String {
    switch self {
    case .everyDrawBlewUp(let recording, let attempts):
      """
      Recording \(recording) blew up with each of \(attempts) draws of its parameters. Take more \
      substeps or a larger mesh factor, or narrow the range of the damping.
      """
    }
  }
}

/// Solves the Kuramoto–Sivashinsky equation for many recordings at once.
///
/// `uₜ = −γ uₓₓₓₓ − uₓₓ − u uₓ` on a ring; all quantities are nondimensional. Recording i is a function
/// of the seed and of i: the number of threads and the recordings computed beside it do not matter.
/// The spatial mean of a recording is conserved exactly.
///
/// **Accuracy.** Fourth order in time, spectral in space, in `Double`; frames are rounded to `Float`.
/// With the default settings the error after one frame is below 10⁻⁷ for every γ of the paper.
public struct KuramotoSivashinsky: Sendable {
  /// The settings.
  public let configuration: KuramotoSivashinskyConfiguration

  /// Draws that a recording may blow up with before the simulation gives up.
  static let attemptLimit = 20

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: KuramotoSivashinskyConfiguration = KuramotoSivashinskyConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    self.configuration = configuration
  }

  /// Simulates all recordings, a block at a time, and hands each block to `deliver` in order.
  ///
  /// - Parameters:
  ///   - threads: Number of threads; it does not change the result.
  ///   - blockSize: Recordings of a block; at most two blocks are in memory.
  ///   - deliver: Takes a block, writes it, say, and reports progress. What it throws stops the
  ///     simulation and is thrown on, so cancelling is throwing `CancellationError`.
  /// - Throws: What `deliver` throws; ``SimulationError`` when a recording blows up with every draw.
  public func simulate(
    threads: Int, blockSize: Int = 128, deliver: (SimulatedBlock) throws -> Void
  ) throws {
    for first in stride(from: 0, to: configuration.recordings, by: max(1, blockSize)) {
      let end = min(first + max(1, blockSize), configuration.recordings)
      try deliver(simulate(first..<end, threads: threads))
    }
  }

  /// Simulates the recordings with these indices, which may lie beyond the configured number.
  ///
  /// A draw that blows up (not finite, or beyond 10³) is replaced by the recording's next draw and
  /// counted.
  ///
  /// - Complexity: About 0.3 GFLOP a recording with the default settings.
  public func simulate(
    _ recordings: Range<Int>, threads: Int
  ) throws(SimulationError) -> SimulatedBlock {
    precondition(recordings.lowerBound >= 0, "KuramotoSivashinsky: no recording before 0")
    let size = configuration.frameCount * configuration.pointCount
    var block = SimulatedBlock(
      firstRecording: recordings.lowerBound, recordingCount: recordings.count,
      x: [Float](repeating: 0, count: recordings.count * size),
      parameters: [Float](repeating: 0, count: recordings.count), redrawn: 0)
    let flow = makeFlow()
    var pending = Array(recordings)
    var attempt = 0
    while !pending.isEmpty {
      guard attempt < KuramotoSivashinsky.attemptLimit else {
        throw .everyDrawBlewUp(recording: pending[0], attempts: attempt)
      }
      let failed = fill(
        &block, recordings: pending, attempt: attempt, flow: flow, threads: threads)
      block.redrawn += failed.count
      pending = failed
      attempt += 1
    }
    return block
  }

  /// Takes given fields through time, for restarts and for protocols of one's own.
  ///
  /// - Parameters:
  ///   - fields: Fields at the first frame, shape `(recordings, points)`.
  ///   - dampings: γ of every recording.
  ///   - frameCount: Number of frames wanted, the given one being the first.
  ///   - threads: Number of threads; it does not change the result.
  /// - Returns: The frames, shape `(recordings, frames, points)`; those of a recording that blew up
  ///   hold what it blew up to, up to NaN.
  public func advance(
    fields: [Double], dampings: [Double], frameCount: Int, threads: Int
  ) -> [Double] {
    let points = configuration.pointCount
    precondition(
      fields.count == dampings.count * points,
      "advance: \(fields.count) values are not \(dampings.count) fields of \(points) points")
    let flow = makeFlow()
    let lanes = flow.laneCount
    let size = frameCount * points
    var result = [Double](repeating: 0, count: dampings.count * size)
    unsafe result.withUnsafeMutableBufferPointer { result in
      // Recordings write to parts of their own.
      nonisolated(unsafe) let result = unsafe result
      parallelFor((dampings.count + lanes - 1) / lanes, threads: threads) { batch in
        let indices = batch * lanes..<min((batch + 1) * lanes, dampings.count)
        let starts = indices.map { index in
          FlowStart(
            spectrum: SpectralFlow.spectrum(
              of: Array(fields[index * points..<(index + 1) * points])),
            linear: linearSymbol(damping: dampings[index]))
        }
        flow.run(starts, frameCount: frameCount) { frame, view in
          for (lane, index) in indices.enumerated() {
            for (point, value) in view.field(lane: lane).enumerated() {
              unsafe result[index * size + frame * points + point] = value
            }
          }
          return true
        }
      }
    }
    return result
  }

  /// The damping and the initial spectrum of one draw of a recording.
  ///
  /// First γ, then κ₀, then the spectrum; draws after a blow-up are streams of their own.
  func draw(recording: Int, attempt: Int) -> (damping: Double, spectrum: [Double]) {
    var stream = RandomStream(
      seed: configuration.seed, purpose: .data,
      index: UInt64(recording) | UInt64(attempt) << 48)
    let damping = stream.truncatedNormal(
      mean: configuration.dampingMean, standardDeviation: configuration.dampingDeviation,
      in: configuration.dampingMinimum...configuration.dampingMaximum)
    let (low, high) = (configuration.spectrumWidthMinimum, configuration.spectrumWidthMaximum)
    let width = low + (high - low) * stream.uniform()
    let spectrum = InitialSpectrum.draw(
      width: width, length: configuration.length, highestMode: configuration.pointCount / 2 - 1,
      using: &stream)
    return (damping, spectrum)
  }

  /// The mesh, the derivative and the time step.
  func makeFlow() -> SpectralFlow {
    let count = configuration.internalPointCount
    // The derivative of the highest mode is invisible on the mesh.
    let derivative = (0...count / 2).map { mode in
      mode == count / 2 ? 0 : 2 * Double.pi * Double(mode) / configuration.length
    }
    return SpectralFlow(
      internalPointCount: count, pointCount: configuration.pointCount, derivative: derivative,
      form: .conservative, frameInterval: configuration.frameInterval,
      stepsPerFrame: configuration.substeps)
  }

  /// k² − γk⁴ at every mode of the internal mesh.
  func linearSymbol(damping: Double) -> [Double] {
    (0...configuration.internalPointCount / 2).map { mode in
      let squared = pow(2 * Double.pi * Double(mode) / configuration.length, 2)
      return squared - damping * squared * squared
    }
  }

  /// Simulates one draw of every recording listed; returns those that blew up.
  private func fill(
    _ block: inout SimulatedBlock, recordings: [Int], attempt: Int, flow: SpectralFlow,
    threads: Int
  ) -> [Int] {
    let (frames, points) = (configuration.frameCount, configuration.pointCount)
    let (size, lanes, first) = (frames * points, flow.laneCount, block.firstRecording)
    let batchCount = (recordings.count + lanes - 1) / lanes
    var blewUp = [UInt32](repeating: 0, count: batchCount)
    unsafe block.x.withUnsafeMutableBufferPointer { x in
      unsafe block.parameters.withUnsafeMutableBufferPointer { parameters in
        unsafe blewUp.withUnsafeMutableBufferPointer { blewUp in
          // Batches write to the places of their own recordings and to their own mask.
          nonisolated(unsafe) let x = unsafe x
          nonisolated(unsafe) let parameters = unsafe parameters
          nonisolated(unsafe) let blewUp = unsafe blewUp
          parallelFor(batchCount, threads: threads) { batch in
            let members = recordings[batch * lanes..<min((batch + 1) * lanes, recordings.count)]
            let draws = members.map { draw(recording: $0, attempt: attempt) }
            let starts = draws.map {
              FlowStart(spectrum: $0.spectrum, linear: linearSymbol(damping: $0.damping))
            }
            let rows = UnsafeMutablePointer<Float>.allocate(capacity: members.count * size)
            defer { unsafe rows.deallocate() }
            let all: UInt32 = 1 << UInt32(members.count) - 1
            var mask: UInt32 = 0
            flow.run(starts, frameCount: frames) { frame, view in
              mask |= unsafe view.write(
                to: rows + frame * points, stride: size, laneCount: members.count)
              return mask != all
            }
            unsafe blewUp[batch] = mask
            for (lane, recording) in members.enumerated() where mask & (1 << UInt32(lane)) == 0 {
              let row = unsafe UnsafeBufferPointer(start: rows + lane * size, count: size)
              let place = recording - first
              _ = unsafe x[place * size..<(place + 1) * size].update(fromContentsOf: row)
              unsafe parameters[place] = Float(draws[lane].damping)
              unsafe addNoise(to: x, from: place * size, count: size, recording: recording)
            }
          }
        }
      }
    }
    return recordings.indices.filter { blewUp[$0 / lanes] & (1 << UInt32($0 % lanes)) != 0 }
      .map { recordings[$0] }
  }

  /// Adds the recording's noise, which depends on nothing but seed, recording and sample.
  private func addNoise(
    to x: UnsafeMutableBufferPointer<Float>, from start: Int, count: Int, recording: Int
  ) {
    guard configuration.noiseDeviation > 0 else { return }
    var stream = RandomStream(
      seed: configuration.seed, purpose: .noise, index: UInt64(recording))
    for index in start..<start + count {
      let noisy = unsafe Double(x[index]) + configuration.noiseDeviation * stream.normal()
      unsafe x[index] = Float(noisy)
    }
  }
}
