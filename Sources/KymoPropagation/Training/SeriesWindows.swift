// Series, scaled, from which sequences of a training are cut: of latents in memory, or of fields
// that are read when a sequence is drawn.
//
// Letters: B sequences, T frames of a series, L latents or numbers of a field.
import KymoNumerics
import KymoTensor

/// Scaled series from which sequences of equal length are cut.
package struct SeriesWindows {
  /// Frames of each series.
  private let frames: [Int]
  private let width: Int
  /// Frames of a sequence: its inputs and one more.
  private let frameCount: Int
  /// How many sequences can start before those of a series.
  private let startsBefore: [Int]
  private let read: (_ series: Int, _ frames: Range<Int>) -> [Float]

  /// Prepares series of frames of `width` numbers that `read` hands out; each has at least
  /// `frameCount` frames.
  package init(
    frames: [Int], width: Int, frameCount: Int,
    read: @escaping (_ series: Int, _ frames: Range<Int>) -> [Float]
  ) {
    (self.frames, self.width, self.frameCount, self.read) = (frames, width, frameCount, read)
    startsBefore = frames.reduce(into: [0]) { starts, count in
      starts.append(starts[starts.count - 1] + count - frameCount + 1)
    }
  }

  /// Prepares series in memory.
  package init(_ series: [(values: [Float], frames: Int)], width: Int, frameCount: Int) {
    self.init(frames: series.map(\.frames), width: width, frameCount: frameCount) {
      Array(series[$0].values[$1.lowerBound * width..<$1.upperBound * width])
    }
  }

  /// Frames that have a frame after them.
  var inputCount: Int { frames.reduce(0) { $0 + $1 - 1 } }

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
          let index = random.index(below: frames.count)
          let room = startsBefore[index + 1] - startsBefore[index]
          return (index, random.index(below: min(length, room)))
        }
        let place = random.index(below: total)
        let index = startsBefore.lastIndex { $0 <= place } ?? 0
        return (index, place - startsBefore[index])
      })
  }

  /// Where the sequences of all series begin that do not overlap, but for a last frame each, in
  /// blocks that are read at a time: of 16 MB.
  var blocks: [[(series: Int, start: Int)]] {
    let places = frames.enumerated().flatMap { index, count in
      stride(from: 0, through: count - frameCount, by: frameCount - 1).map { (index, $0) }
    }
    let size = max(1, 4_000_000 / (frameCount * width))
    return stride(from: 0, to: places.count, by: size).map {
      Array(places[$0..<min($0 + size, places.count)])
    }
  }

  /// Sequences from given places on, `[B, frames, L]`.
  func tensor(_ places: [(series: Int, start: Int)]) -> Tensor {
    var values: [Float] = []
    values.reserveCapacity(places.count * frameCount * width)
    for (index, start) in places {
      values += read(index, start..<start + frameCount)
    }
    return Tensor(values, shape: [places.count, frameCount, width])
  }
}
