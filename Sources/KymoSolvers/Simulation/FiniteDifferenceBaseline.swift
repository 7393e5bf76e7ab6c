// Second-order finite differences on the same recordings, given the true
// parameters: the baseline of Figure 5 of Lu, Kim and Soljačić, Phys. Rev. X 10, 031056 (2020). On
// the mesh of the data, one step from frame to frame.
import CKernels
import KymoNumerics

/// A plain solver that predicts recordings from their first frames and true parameters.
public protocol FiniteDifferenceBaseline: Sendable {
  /// Shape of a frame: channels, then points.
  var frameShape: [Int] { get }
  /// Recordings that one call of `run` takes.
  var laneCount: Int { get }

  /// Predicts up to `laneCount` recordings.
  ///
  /// - Parameters:
  ///   - fields: The first frame of every recording, shape `frameShape`.
  ///   - parameters: The true parameters of every recording.
  ///   - frameCount: Number of frames wanted, the given one being the first.
  ///   - recordings: Room for the frames, each recording of shape `(channels, frames, points…)`.
  /// - Returns: A mask with bit i set where recording i diverged (not finite, or beyond 10³).
  func run(
    _ fields: [[Float]], parameters: [[Float]], frameCount: Int,
    into recordings: UnsafeMutablePointer<Float>
  ) -> UInt32
}

extension FiniteDifferenceBaseline {
  /// As many as a vector of the processor has lanes.
  public var laneCount: Int { ETDStepper.laneCount(level: kk_processor_level()) }

  /// Predicts frames from given ones.
  ///
  /// - Parameters:
  ///   - fields: Fields at the first frame, shape `(recordings, channels, points…)`.
  ///   - parameters: The true parameters, shape `(recordings, parameters)`.
  ///   - frameCount: Number of frames wanted, the given one being the first.
  ///   - threads: Number of threads; it does not change the result.
  /// - Returns: The frames, shape `(recordings, channels, frames, points…)`, and which recordings
  ///   diverged.
  public func predict(
    fields: [Float], parameters: [Float], frameCount: Int, threads: Int
  ) -> (frames: [Float], diverged: [Bool]) {
    let frameSize = frameShape.reduce(1, *)
    let count = fields.count / frameSize
    precondition(
      fields.count == count * frameSize && count > 0 && parameters.count % count == 0,
      "baseline: \(fields.count) values are not fields of shape \(frameShape)")
    var frames = [Float](repeating: 0, count: fields.count * frameCount)
    var diverged = [Bool](repeating: false, count: count)
    unsafe frames.withUnsafeMutableBufferPointer { frames in
      unsafe diverged.withUnsafeMutableBufferPointer { diverged in
        // Recordings write to entries of their own.
        nonisolated(unsafe) let frames = unsafe frames
        nonisolated(unsafe) let diverged = unsafe diverged
        parallelFor((count + laneCount - 1) / laneCount, threads: threads) { batch in
          let members = batch * laneCount..<min((batch + 1) * laneCount, count)
          guard let start = unsafe frames.baseAddress else { return }
          let mask = unsafe run(
            members.map { Array(fields[$0 * frameSize..<($0 + 1) * frameSize]) },
            parameters: members.map { row(parameters, $0, of: count) }, frameCount: frameCount,
            into: start + members.lowerBound * frameSize * frameCount)
          for (lane, recording) in members.enumerated() {
            unsafe diverged[recording] = mask & (1 << UInt32(lane)) != 0
          }
        }
      }
    }
    return (frames, diverged)
  }

  private func row(_ parameters: [Float], _ recording: Int, of count: Int) -> [Float] {
    let width = parameters.count / count
    return Array(parameters[recording * width..<(recording + 1) * width])
  }
}
