// Latent series, scaled, from which sequences of a training are cut.
//
// Letters: B sequences, T frames of a series, L latents.
import KymoNumerics
import KymoTensor

/// Scaled series from which sequences of equal length are cut.
package struct SeriesWindows {
  private let series: [(values: [Float], frames: Int)]
  private let width: Int
  /// Frames of a sequence: its inputs and one more.
  private let frameCount: Int
  /// How many sequences can start before those of a series.
  private let startsBefore: [Int]

  /// Prepares series of frames of `width` numbers; each has at least `frameCount` frames.
  package init(_ series: [(values: [Float], frames: Int)], width: Int, frameCount: Int) {
    (self.series, self.width, self.frameCount) = (series, width, frameCount)
    startsBefore = series.reduce(into: [0]) { starts, one in
      starts.append(starts[starts.count - 1] + one.frames - frameCount + 1)
    }
  }

  /// Frames that have a frame after them.
  var inputCount: Int { series.reduce(0) { $0 + $1.frames - 1 } }

  /// Throws unless these are finite series `[T, L]` that hold a sequence; returns L.
  static func check(
    _ series: [HostArray<Double>], _ training: PropagatorTraining, _ name: String
  ) throws(ModelDataError) -> Int {
    guard let latents = series.first?.shape.last, series.first?.rank == 2, latents >= 1 else {
      throw ModelDataError(
        name, found: series.isEmpty ? "no series" : "of shape \(series[0].shape)",
        allowed: "at least one series [time, latents]", remedy: "Encode a recording first.")
    }
    let frames = training.sequenceLength + 1
    for (index, one) in series.enumerated() {
      try requireShape(one, [nil, latents], "\(name), series \(index)")
      guard one.shape[0] >= frames else {
        throw ModelDataError(
          "\(name), series \(index)", found: "\(one.shape[0]) frames long",
          allowed: "at least \(frames) frames long: training.windowLength times "
            + "training.windowsPerSequence, and one target",
          remedy: "Use fewer windows per sequence, or leave the series out.")
      }
      try requireFinite(one, "\(name), series \(index)")
    }
    return latents
  }

  /// Sequences at random places, `[B, frames, L]`; all places are equally likely.
  ///
  /// - Parameters:
  ///   - count: Number of sequences, B.
  ///   - beginnings: Part of them that starts in the first frames of a series instead.
  ///   - length: How many frames those are.
  ///   - random: Draws the places.
  /// - Returns: The sequences.
  func draw(
    _ count: Int, beginnings: Double = 0, within length: Int = 1, using random: inout RandomStream
  ) -> Tensor {
    let total = startsBefore[startsBefore.count - 1]
    return tensor(
      (0..<count).map { _ in
        if beginnings > 0, random.uniform() < beginnings {
          let index = random.index(below: series.count)
          let room = startsBefore[index + 1] - startsBefore[index]
          return (index, random.index(below: min(length, room)))
        }
        let place = random.index(below: total)
        let index = startsBefore.lastIndex { $0 <= place } ?? 0
        return (index, place - startsBefore[index])
      })
  }

  /// All series in sequences that do not overlap, `[B, frames, L]`, but for a last frame each.
  func all(device: Device) -> Tensor {
    tensor(
      series.enumerated().flatMap { index, one in
        stride(from: 0, through: one.frames - frameCount, by: frameCount - 1).map { (index, $0) }
      }
    ).to(device)
  }

  private func tensor(_ places: [(series: Int, start: Int)]) -> Tensor {
    var values: [Float] = []
    values.reserveCapacity(places.count * frameCount * width)
    for (index, start) in places {
      values += series[index].values[start * width..<(start + frameCount) * width]
    }
    return Tensor(values, shape: [places.count, frameCount, width])
  }
}
