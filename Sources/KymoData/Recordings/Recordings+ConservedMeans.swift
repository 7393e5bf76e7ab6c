// Means over space that every recording conserves and that differ between recordings. A decoder may
// gain by knowing them, so that a latent carries them as it does a parameter of the equations.
import KymoNumerics

extension Recordings {
  /// Frames of a recording whose means are compared.
  private static let comparedFrames = 5
  /// A mean that moves within recordings by more than this part of its spread between them is not
  /// conserved.
  private static let largestDrift = 0.01
  /// A spread below this part of the field's is rounding.
  private static let leastSpread = 1e-4

  /// The mean over space of every recording, for each channel where it is conserved and differs
  /// between recordings.
  ///
  /// - Parameter threads: How many recordings are read at the same time.
  /// - Returns: One entry for each channel: the means of all recordings, or nil.
  public func conservedMeans(threads: Int = 2) -> [[Double]?] {
    guard count > 1, frameCount > 1 else { return channelNames.map { _ in nil } }
    let frames = Set(
      (0..<Self.comparedFrames).map { $0 * (frameCount - 1) / (Self.comparedFrames - 1) }
    ).sorted()
    let moments = parallelMap(count, threads: threads) { recording in
      frames.map { self.frameMoments(recording, frame: $0) }
    }
    return channelNames.indices.map { channel in
      let means = moments.map { $0.map { $0[channel].mean } }
      let own = means.map { $0.reduce(0, +) / Double(frames.count) }
      let drift = zip(means, own).map { means, own in
        means.reduce(0) { $0 + ($1 - own) * ($1 - own) }
      }.reduce(0, +)
      let all = own.reduce(0, +) / Double(count)
      let spread = own.reduce(0) { $0 + ($1 - all) * ($1 - all) } / Double(count)
      let field = moments.joined().reduce(0) { $0 + $1[channel].variance }
      let points = Double(count * frames.count)
      let isConserved =
        (drift / points).squareRoot() < Self.largestDrift * spread.squareRoot()
        && spread > Self.leastSpread * Self.leastSpread * (field / points + spread)
      return isConserved ? own : nil
    }
  }

  /// Mean and variance over space of every channel in one frame.
  private func frameMoments(_ recording: Int, frame: Int) -> [(mean: Double, variance: Double)] {
    let origin = spaceShape.map { _ in 0 }
    let values = crop(
      CropPlace(
        recording: recording, timeOffset: frame, spaceOffsets: origin, size: [1] + spaceShape)
    ).elements
    let cells = spaceShape.reduce(1, *)
    return (0..<channelCount).map { channel in
      let part = values[channel * cells..<(channel + 1) * cells]
      let mean = part.reduce(0) { $0 + Double($1) } / Double(cells)
      let squares = part.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
      return (mean, squares / Double(cells))
    }
  }
}
