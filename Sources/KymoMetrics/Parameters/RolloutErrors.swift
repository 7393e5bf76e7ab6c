// The error of predicted recordings against the frame: Figure 5 of Lu, Kim and Soljacic,
// Phys. Rev. X 10, 031056 (2020). Per recording the root of the mean squared error over channels
// and cells, then the mean over recordings.
public import KymoNumerics

/// Root-mean-square errors of predicted frames, recording by recording.
public struct RolloutErrors: Hashable, Sendable {
  /// One row for each recording that stayed bounded, one entry for each predicted frame.
  public private(set) var rows: [[Double]] = []
  /// Recordings left out because the prediction diverged.
  public private(set) var divergedCount = 0

  /// Creates errors of no recording yet.
  public init() {}

  /// Adds recordings.
  ///
  /// A prediction that is not finite, or anywhere ten times as large as the largest value of the
  /// true recording, has diverged: it is counted and left out.
  ///
  /// - Parameters:
  ///   - prediction: Shape `[recordings, channels, time, space…]`; entry 0 of the time axis is the
  ///     first predicted frame.
  ///   - truth: The same frames as recorded, same shape.
  public mutating func add(prediction: HostArray<Float>, truth: HostArray<Float>) {
    precondition(
      prediction.shape == truth.shape && truth.rank >= 3,
      "RolloutErrors: prediction \(prediction.shape), truth \(truth.shape)")
    let (channels, frames) = (truth.shape[1], truth.shape[2])
    let cells = truth.shape.dropFirst(3).reduce(1, *)
    for recording in 0..<truth.shape[0] {
      let start = recording * channels * frames * cells
      let end = start + channels * frames * cells
      let bound = 10 * truth.elements[start..<end].reduce(0) { max($0, $1.magnitude) }
      var squares = [Double](repeating: 0, count: frames)
      var isBounded = true
      for position in start..<end {
        let (predicted, recorded) = (prediction.elements[position], truth.elements[position])
        // NaN fails this comparison too.
        guard predicted.magnitude <= bound else {
          isBounded = false
          break
        }
        let miss = Double(predicted) - Double(recorded)
        squares[(position - start) / cells % frames] += miss * miss
      }
      if isBounded {
        rows.append(squares.map { ($0 / Double(channels * cells)).squareRoot() })
      } else {
        divergedCount += 1
      }
    }
  }

  /// The curve over recordings: mean, 10 % and 90 % quantiles at every frame; without entries when
  /// every recording diverged.
  public var curve: ErrorCurve {
    let columns = (rows.first ?? []).indices.map { frame in rows.map { $0[frame] } }
    let deciles = columns.map { Statistics.quantiles($0, [0.1, 0.9]) }
    return ErrorCurve(
      mean: columns.map(Statistics.mean), lowerDecile: deciles.map { $0[0] },
      upperDecile: deciles.map { $0[1] }, recordingCount: rows.count,
      divergedCount: divergedCount)
  }
}

/// Root-mean-square error against the frame, over recordings.
public struct ErrorCurve: Hashable, Sendable {
  /// Mean over recordings at each predicted frame; entry 0 is the first prediction.
  public var mean: [Double]
  /// 10 % quantile over recordings.
  public var lowerDecile: [Double]
  /// 90 % quantile over recordings.
  public var upperDecile: [Double]
  /// Recordings that entered.
  public var recordingCount: Int
  /// Recordings left out because the rollout diverged.
  public var divergedCount: Int
}
