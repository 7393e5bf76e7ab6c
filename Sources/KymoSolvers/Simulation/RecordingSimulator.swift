// How recordings are simulated, whatever the system: each is a function of the seed and its index,
// several run side by side in the lanes of a vector, and what diverges is drawn again.
import CKernels
public import KymoNumerics

/// Consecutive recordings of a simulated data set.
public struct SimulatedBlock: Sendable {
  /// Index of the first recording in the whole data set.
  public var firstRecording: Int
  /// Number of recordings in this block.
  public var recordingCount: Int
  /// The fields, shape `(recordings, channels, frames, points…)`, last axis fastest.
  public var x: [Float]
  /// The hidden parameters, shape `(recordings, parameters)`.
  public var parameters: [Float]
  /// How many draws diverged and were replaced.
  public var redrawn: Int
}

/// A simulation that cannot produce what was asked of it.
public enum SimulationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A recording diverged with every draw of its parameters.
  case everyDrawBlewUp(recording: Int, attempts: Int)
  /// What simulates a recording cannot be prepared, in its words.
  case unavailable(recording: Int, words: String)
  /// A solver was started from states of another shape than its own.
  case stateShape(expected: [Int], found: [Int])
  /// A solver was to advance before it was started.
  case notStarted

  /// One sentence for the person who asked.
  public var description: String {
    switch self {
    case .everyDrawBlewUp(let recording, let attempts):
      """
      Recording \(recording) diverged with each of \(attempts) draws of its parameters. Take more \
      substeps or a larger mesh factor, or narrow the range of the parameters.
      """
    case .unavailable(let recording, let words):
      "Recording \(recording) cannot be simulated: \(words)"
    case .stateShape(let expected, let found):
      """
      The solver starts from states of shape [trajectories, \
      \(expected.map(String.init).joined(separator: ", "))] with at least one trajectory, got \(found).
      """
    case .notStarted: "The solver cannot advance before it was started from a state."
    }
  }
}

/// A system whose recordings can be simulated.
///
/// Recording i is a function of the seed and of i: the number of threads and the recordings
/// computed beside it do not matter.
public protocol RecordingSimulator: Sendable {
  /// The settings.
  associatedtype Configuration: SimulationConfiguration
  /// The parameters and the initial state of one recording.
  associatedtype Draw: Sendable

  /// The settings.
  var configuration: Configuration { get }
  /// Recordings that one call of `run` takes.
  var laneCount: Int { get }

  /// Creates a simulator; throws the first setting that cannot work.
  init(configuration: Configuration) throws(ConfigurationError)
  /// The parameters and the initial state of one draw of a recording.
  ///
  /// - Parameters:
  ///   - recording: The recording.
  ///   - attempt: How many draws of this recording diverged already.
  /// - Returns: What `run` takes.
  func draw(recording: Int, attempt: Int) -> Draw
  /// The hidden parameters of a draw, as they are stored.
  func parameters(of draw: Draw) -> [Float]
  /// Simulates up to `laneCount` draws.
  ///
  /// - Parameters:
  ///   - draws: The draws.
  ///   - recordings: Room for them, each of shape `(channels, frames, points…)`.
  /// - Throws: ``SimulationError`` when they cannot be simulated at all.
  /// - Returns: A mask with bit i set where draw i diverged; its numbers are not used.
  func run(
    _ draws: [Draw], into recordings: UnsafeMutablePointer<Float>
  ) throws(SimulationError) -> UInt32
}

/// Draws with which a recording may diverge before the simulation gives up.
let attemptLimit = 20

extension RecordingSimulator {
  /// As many as a vector of the processor has lanes.
  public var laneCount: Int { ETDStepper.laneCount(level: kk_processor_level()) }

  /// Simulates all recordings, a block at a time, and hands each block to `deliver` in order.
  ///
  /// - Parameters:
  ///   - threads: Number of threads; it does not change the result.
  ///   - blockSize: Recordings of a block; at most two blocks are in memory.
  ///   - deliver: Takes a block, writes it, say, and reports progress. What it throws stops the
  ///     simulation and is thrown on, so cancelling is throwing `CancellationError`.
  /// - Throws: What `deliver` throws; ``SimulationError`` when a recording diverges with every
  ///   draw.
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
  /// A draw that diverges (not finite, or beyond 10³) is replaced by the recording's next draw and
  /// counted.
  public func simulate(
    _ recordings: Range<Int>, threads: Int
  ) throws(SimulationError) -> SimulatedBlock {
    precondition(recordings.lowerBound >= 0, "simulate: no recording before 0")
    let size = configuration.recordingShape.reduce(1, *)
    var block = SimulatedBlock(
      firstRecording: recordings.lowerBound, recordingCount: recordings.count,
      x: [Float](repeating: 0, count: recordings.count * size),
      parameters: [Float](
        repeating: 0, count: recordings.count * Configuration.parameterNames.count), redrawn: 0)
    var pending = Array(recordings)
    var attempt = 0
    while !pending.isEmpty {
      guard attempt < attemptLimit else {
        throw .everyDrawBlewUp(recording: pending[0], attempts: attempt)
      }
      let failed = try fill(&block, recordings: pending, attempt: attempt, threads: threads)
      block.redrawn += failed.count
      pending = failed
      attempt += 1
    }
    return block
  }

  /// The random numbers of one draw of a recording; draws after a divergence are streams of their
  /// own.
  func stream(recording: Int, attempt: Int) -> RandomStream {
    RandomStream(
      seed: configuration.seed, purpose: .data,
      index: UInt64(recording) | UInt64(attempt) << 48)
  }

  /// Simulates one draw of every recording listed; returns those that diverged.
  private func fill(
    _ block: inout SimulatedBlock, recordings: [Int], attempt: Int, threads: Int
  ) throws(SimulationError) -> [Int] {
    let size = configuration.recordingShape.reduce(1, *)
    let width = Configuration.parameterNames.count
    let (lanes, first) = (laneCount, block.firstRecording)
    let batchCount = (recordings.count + lanes - 1) / lanes
    var found = [Result<UInt32, SimulationError>](repeating: .success(0), count: batchCount)
    unsafe block.x.withUnsafeMutableBufferPointer { x in
      unsafe block.parameters.withUnsafeMutableBufferPointer { stored in
        unsafe found.withUnsafeMutableBufferPointer { found in
          // Batches write to the places of their own recordings and to their own result.
          nonisolated(unsafe) let x = unsafe x
          nonisolated(unsafe) let stored = unsafe stored
          nonisolated(unsafe) let found = unsafe found
          parallelFor(batchCount, threads: threads) { batch in
            let members = recordings[batch * lanes..<min((batch + 1) * lanes, recordings.count)]
            let draws = members.map { draw(recording: $0, attempt: attempt) }
            let rows = UnsafeMutablePointer<Float>.allocate(capacity: members.count * size)
            defer { unsafe rows.deallocate() }
            let mask: UInt32
            do throws(SimulationError) {
              mask = try unsafe run(draws, into: rows)
            } catch {
              unsafe found[batch] = .failure(error)
              return
            }
            unsafe found[batch] = .success(mask)
            for (lane, recording) in members.enumerated() where mask & (1 << UInt32(lane)) == 0 {
              let row = unsafe UnsafeBufferPointer(start: rows + lane * size, count: size)
              let place = recording - first
              _ = unsafe x[place * size..<(place + 1) * size].update(fromContentsOf: row)
              for (column, value) in parameters(of: draws[lane]).enumerated() {
                unsafe stored[place * width + column] = value
              }
              unsafe addNoise(to: x, from: place * size, count: size, recording: recording)
            }
          }
        }
      }
    }
    let blewUp = try found.map { result throws(SimulationError) in try result.get() }
    return recordings.indices.filter { blewUp[$0 / lanes] & (1 << UInt32($0 % lanes)) != 0 }
      .map { recordings[$0] }
  }

  /// The noise of a recording, which depends on nothing but seed, recording and sample.
  package func noise(recording: Int) -> RecordingNoise {
    RecordingNoise(
      deviation: configuration.noiseDeviation,
      stream: RandomStream(
        seed: configuration.seed, purpose: .noise, index: UInt64(recording)))
  }

  private func addNoise(
    to x: UnsafeMutableBufferPointer<Float>, from start: Int, count: Int, recording: Int
  ) {
    var noise = noise(recording: recording)
    unsafe noise.add(to: UnsafeMutableBufferPointer(rebasing: x[start..<start + count]))
  }
}

/// Normal noise on the samples of one recording, in the order in which they come.
package struct RecordingNoise {
  let deviation: Double
  var stream: RandomStream

  /// Adds noise to the next samples.
  package mutating func add(to samples: inout [Float]) {
    unsafe samples.withUnsafeMutableBufferPointer { unsafe add(to: $0) }
  }

  mutating func add(to samples: UnsafeMutableBufferPointer<Float>) {
    guard deviation > 0 else { return }
    for index in samples.indices {
      let noisy = unsafe Double(samples[index]) + deviation * stream.normal()
      unsafe samples[index] = Float(noisy)
    }
  }
}
