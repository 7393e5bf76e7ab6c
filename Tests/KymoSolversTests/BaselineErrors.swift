// Errors of a baseline against the recordings that it predicts.
import KymoSolvers

/// Errors of the rollouts of many recordings.
struct BaselineErrors {
  /// Root-mean-square error of each frame after the first, averaged over the recordings that did
  /// not diverge; entry 0 is the first predicted frame.
  var rootMeanSquare: [Double]
  var recordingCount: Int
  var divergedCount: Int

  /// Predicts all frames of recordings `(recordings, channels, frames, points…)` from their first
  /// ones and compares.
  init(_ baseline: some FiniteDifferenceBaseline, _ block: SimulatedBlock, frameCount: Int) {
    let (channels, cells) = (
      baseline.frameShape[0], baseline.frameShape.dropFirst().reduce(1, *)
    )
    let (size, count) = (frameCount * channels * cells, block.recordingCount)
    precondition(block.x.count == count * size, "recordings of another shape")
    let rows = (0..<count * channels).map { $0 * frameCount * cells }
    let (frames, diverged) = baseline.predict(
      fields: rows.flatMap { block.x[$0..<$0 + cells] }, parameters: block.parameters,
      frameCount: frameCount, threads: 2)
    let kept = (0..<count).filter { !diverged[$0] }
    rootMeanSquare = (1..<frameCount).map { frame in
      kept.reduce(0.0) { total, recording in
        let squares = (0..<channels).reduce(0.0) { sum, channel in
          let first = (recording * channels + channel) * frameCount * cells + frame * cells
          return sum
            + (first..<first + cells).reduce(0.0) {
              let miss = Double(frames[$1] - block.x[$1])
              return $0 + miss * miss
            }
        }
        return total + (squares / Double(channels * cells)).squareRoot()
      } / Double(kept.count)
    }
    (recordingCount, divergedCount) = (count, count - kept.count)
  }
}
