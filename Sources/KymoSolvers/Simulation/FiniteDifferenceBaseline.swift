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

/// Errors of the rollouts of many recordings.
public struct BaselineErrors: Sendable, Hashable {
  /// Root-mean-square error of each frame after the first, averaged over the recordings that
  /// did not diverge; entry 0 is the first predicted frame.
  public var rootMeanSquare: [Double]
  /// Number of recordings.
  public var recordingCount: Int
  /// Number of recordings whose rollout diverged in the end.
  public var divergedCount: Int
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

  /// Predicts all frames of recordings from their first ones and compares.
  ///
  /// - Parameters:
  ///   - x: The recordings, shape `(recordings, channels, frames, points…)`, last axis fastest.
  ///   - parameters: The true parameters, shape `(recordings, parameters)`.
  ///   - frameCount: Frames of a recording, at least 2.
  ///   - threads: Number of threads; it does not change the result.
  /// - Returns: The error of every frame, and how many rollouts diverged.
  public func errors(
    x: [Float], parameters: [Float], frameCount: Int, threads: Int
  ) -> BaselineErrors {
    let (channels, cells) = (frameShape[0], frameShape.dropFirst().reduce(1, *))
    let size = frameCount * channels * cells
    let count = x.count / size
    precondition(
      frameCount >= 2 && count > 0 && x.count == count * size,
      "baseline: \(x.count) values are not recordings of \(frameCount) frames \(frameShape)")
    var perRecording = [Double](repeating: 0, count: count * (frameCount - 1))
    var diverged = [Bool](repeating: false, count: count)
    unsafe perRecording.withUnsafeMutableBufferPointer { perRecording in
      unsafe diverged.withUnsafeMutableBufferPointer { diverged in
        // Recordings write to entries of their own.
        nonisolated(unsafe) let perRecording = unsafe perRecording
        nonisolated(unsafe) let diverged = unsafe diverged
        parallelFor((count + laneCount - 1) / laneCount, threads: threads) { batch in
          let members = batch * laneCount..<min((batch + 1) * laneCount, count)
          let rows = UnsafeMutablePointer<Float>.allocate(capacity: members.count * size)
          defer { unsafe rows.deallocate() }
          let fields = members.map { recording in
            (0..<channels).flatMap { channel in
              let first = recording * size + channel * frameCount * cells
              return x[first..<first + cells]
            }
          }
          let mask = unsafe run(
            fields, parameters: members.map { row(parameters, $0, of: count) },
            frameCount: frameCount, into: rows)
          for (lane, recording) in members.enumerated() {
            unsafe diverged[recording] = mask & (1 << UInt32(lane)) != 0
            for frame in 1..<frameCount {
              var sum = 0.0
              for channel in 0..<channels {
                let first = (channel * frameCount + frame) * cells
                for cell in first..<first + cells {
                  let miss = unsafe Double(rows[lane * size + cell] - x[recording * size + cell])
                  sum += miss * miss
                }
              }
              unsafe perRecording[recording * (frameCount - 1) + frame - 1] =
                (sum / Double(channels * cells)).squareRoot()
            }
          }
        }
      }
    }
    let kept = (0..<count).filter { !diverged[$0] }
    let mean = (0..<(frameCount - 1)).map { frame in
      kept.map { perRecording[$0 * (frameCount - 1) + frame] }.reduce(0, +) / Double(kept.count)
    }
    return BaselineErrors(
      rootMeanSquare: mean, recordingCount: count, divergedCount: count - kept.count)
  }

  private func row(_ parameters: [Float], _ recording: Int, of count: Int) -> [Float] {
    let width = parameters.count / count
    return Array(parameters[recording * width..<(recording + 1) * width])
  }
}
