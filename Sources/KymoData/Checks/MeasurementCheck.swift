// Numbers that are no measurements: values that stand for "missing", frames that repeat, channels
// that never change, and digits that single precision does not hold.
import KymoNumerics

/// What a look at every number of some recordings found.
struct MeasurementCheck: Sendable {
  /// A value that stands for something else, with how often and where it first appears.
  struct Sentinel: Hashable, Sendable {
    var value: Float
    var channel: Int
    var count: Int
    var place: [Int]
  }

  /// Values that look like marks for "missing".
  let sentinels: [Sentinel]
  /// Frames that repeat the one before though later ones differ: recording, first such frame, how
  /// many.
  let repeated: [(recording: Int, frame: Int, count: Int)]
  /// Channels that have the same value everywhere.
  let constantChannels: [Int]
  /// Channels whose values have fewer than 64 steps to a standard deviation: of single precision,
  /// less the offset, or of the file's double precision.
  let coarseChannels: [Int]

  /// Looks at recordings, after their statistics.
  init(_ recordings: Recordings, _ statistics: RecordingsStatistics, threads: Int) {
    let parts = parallelMap(statistics.sample.count, threads: threads) {
      Part(recordings, statistics.sample[$0])
    }
    repeated = zip(statistics.sample, parts).compactMap { index, part in
      part.repeated.first.map { (index, $0, part.repeated.count) }
    }
    var sentinels: [Sentinel] = []
    for channel in statistics.channels.indices {
      let extremes = parts.map { $0.extremes[channel] }
      for isLow in [true, false] {
        let all = extremes.map { isLow ? $0.low : $0.high }
        let outermost = isLow ? all.map(\.value).min() : all.map(\.value).max()
        guard let value = outermost, value.isFinite else { continue }
        let count = all.reduce(0) { $0 + ($1.value == value ? $1.count : 0) }
        // The range of all that is not this value.
        let others = all.map { $0.value == value ? $0.next : $0.value }.filter(\.isFinite)
        let opposite = extremes.map { isLow ? $0.high.value : $0.low.value }
        guard count >= 2, let inner = isLow ? others.min() : others.max(),
          let outer = isLow ? opposite.max() : opposite.min()
        else { continue }
        // In Double: the difference of extremes may be infinite in Float.
        let width = abs(Double(outer) - Double(inner))
        guard width > 0, abs(Double(value) - Double(inner)) > Self.gap * width else { continue }
        let first = zip(statistics.sample, all).first { $0.1.value == value }
        guard let first else { continue }
        let entry = first.1.first
        sentinels.append(
          Sentinel(
            value: value, channel: channel, count: count, place: [first.0, entry.frame, entry.cell])
        )
      }
    }
    self.sentinels = sentinels
    constantChannels = statistics.channels.indices.filter {
      statistics.channels[$0].minimum != nil
        && statistics.channels[$0].minimum == statistics.channels[$0].maximum
    }
    coarseChannels = statistics.channels.indices.filter { channel in
      let found = statistics.channels[channel]
      guard let low = found.minimum, let high = found.maximum, low < high,
        let spread = found.standardDeviation
      else { return false }
      let offset = recordings.offset?[channel] ?? 0
      let (size, left) = (max(abs(low), abs(high)), max(abs(low - offset), abs(high - offset)))
      return spread < 64 * max(size.ulp, Double(Float(left).ulp))
    }
  }

  /// A repeated extreme lies this many ranges of the other values away from them.
  private static let gap = 3.0
}

/// An outermost value of a channel, how often it appears and where first, and the next one.
private struct Extreme: Sendable {
  var value: Float
  var next: Float
  var count = 0
  var first = (frame: 0, cell: 0)
}

private struct Extremes: Sendable {
  var low = Extreme(value: .infinity, next: .infinity)
  var high = Extreme(value: -.infinity, next: -.infinity)
}

/// What one recording shows.
private struct Part: Sendable {
  var extremes: [Extremes]
  var repeated: [Int] = []

  init(_ recordings: Recordings, _ index: Int) {
    let (channels, frames) = (recordings.channelCount, recordings.frameCount)
    let cells = recordings.recordingLength / (channels * frames)
    extremes = [Extremes](repeating: Extremes(), count: channels)
    // A field at rest everywhere, such as before a start, repeats too and is none of ours.
    var (repeats, varies) = (
      [Bool](repeating: true, count: frames), [Bool](repeating: false, count: frames)
    )
    unsafe recordings.withRecording(index) { numbers in
      for channel in 0..<channels {
        var found = Extremes()
        for frame in 0..<frames {
          // In bounds: channels · frames · cells numbers.
          let start = (channel * frames + frame) * cells
          var (low, high) = (Float.infinity, -Float.infinity)
          for cell in start..<start + cells {
            let value = unsafe numbers[cell]
            low = value < low ? value : low
            high = value > high ? value : high
          }
          if low < high { varies[frame] = true }
          if frame == 0 {
            repeats[0] = false
          } else if repeats[frame] {
            for cell in start..<start + cells where unsafe numbers[cell] != numbers[cell - cells] {
              repeats[frame] = false
              break
            }
          }
          // Few frames reach the outermost value; only those are counted.
          if low <= found.low.value || low < found.low.next || high >= found.high.value
            || high > found.high.next
          {
            for cell in start..<start + cells {
              let value = unsafe numbers[cell]
              found.low.take(
                value, value < found.low.value, value < found.low.next, frame, cell - start)
              found.high.take(
                value, value > found.high.value, value > found.high.next, frame, cell - start)
            }
          }
        }
        extremes[channel] = found
      }
    }
    if let last = repeats.lastIndex(of: false) {
      repeated = (0..<last).filter { repeats[$0] && varies[$0] }
    }
  }
}

extension Extreme {
  /// Takes a value that may lie further out than the outermost, or than the next one.
  mutating func take(
    _ value: Float, _ isOutermost: Bool, _ isNext: Bool, _ frame: Int, _ cell: Int
  ) {
    guard value.isFinite else { return }
    if value == self.value {
      count += 1
    } else if isOutermost {
      self = Extreme(value: value, next: self.value, count: 1, first: (frame, cell))
    } else if isNext {
      next = value
    }
  }
}

extension Recordings {
  /// What is no measurement, in words; errors where a training would be spoilt.
  func measurementFindings(_ check: MeasurementCheck) -> [Finding] {
    var findings = check.sentinels.map { sentinel in
      let (value, name) = (
        short(Double(sentinel.value) + (offset?[sentinel.channel] ?? 0)),
        channelNames[sentinel.channel]
      )
      return Finding(
        .error,
        "the value \(value) appears \(counted(sentinel.count, "time")) in channel \(name), far from "
          + "all others, first in recording \(sentinel.place[0]), frame \(sentinel.place[1]), cell "
          + "\(sentinel.place[2]): it stands for something that was not measured",
        remedy: "Remove those recordings or frames, or interpolate there: "
          + "x = np.where(x == \(value), np.nan, x), then fill.")
    }
    if let first = check.repeated.first {
      let count = check.repeated.reduce(0) { $0 + $1.count }
      let isMany = 100 * count > frameCount * check.repeated.count
      findings.append(
        Finding(
          isMany ? .error : .warning,
          "\(counted(count, "frame")) in \(counted(check.repeated.count, "recording")) "
            + "\(count == 1 ? "repeats" : "repeat") the one before exactly, the first in recording "
            + "\(first.recording), frame \(first.frame), though later ones differ: the recording "
            + "was frozen or its frames are doubled",
          remedy: "Remove doubled frames (x[:, :, ::2] if every frame is twice there, and correct "
            + "dt), or the recordings with frozen ones."))
    }
    if check.constantChannels.count < channelCount {
      findings += check.constantChannels.map {
        Finding(
          .warning, "channel \(channelNames[$0]) has the same value everywhere",
          remedy: "Leave it out: x = np.delete(x, \($0), axis=1).")
      }
    }
    findings += check.coarseChannels.map {
      Finding(
        .error,
        "channel \(channelNames[$0]) changes by little beside its mean: "
          + "\(storage.type.exceedsFloat ? "double" : "single") precision, in which the file has "
          + "it, holds fewer than 64 steps of its standard deviation",
        remedy: "Save what was computed in double precision, x.astype('float64'): then the mean is "
          + "subtracted before anything is rounded. Or subtract it yourself before you round: "
          + "x = (x - x.mean()).astype('float32').")
    }
    return findings
  }
}
