// Values that stand for "missing", such as 1e20, −9999 or −999: extremes of a channel that lie far
// from all other values.
//
// The four outermost values at either end are found. Some of them are marks when the innermost of
// these lies farther from the rest than three times the width of the rest; a quarter is enough for
// values that are known as marks, and where the rest is a single value nothing else counts. A value
// that appears only once is a mark where it is known as one and as far away as the rest is wide; any
// other is named from a hundred times that width on.
import KymoNumerics

/// A value that stands for something else, with how often and where it first appears.
struct Mark: Hashable, Sendable {
  var value: Float
  var channel: Int
  var count: Int
  var place: NumberPlace
  /// Whether it stands for something that was not measured; else it is a single number far away.
  var isMissing = true
}

extension Recordings {
  /// The marks of every channel.
  ///
  /// Numbers of one byte have none: 0 and 255 are black and white.
  func marks(_ statistics: RecordingsStatistics, threads: Int) -> [Mark] {
    guard storage.fileType.width > 1 else { return [] }
    let ends = parallelMap(2 * channelCount, threads: threads) {
      outermost(statistics, channel: $0 / 2, isLow: $0 % 2 == 0)
    }
    return (0..<channelCount).flatMap { channel in
      marks(among: ends[2 * channel], ends[2 * channel + 1], offset?[channel] ?? 0)
    }
  }

  private func marks(among low: [Mark], _ high: [Mark], _ offset: Double) -> [Mark] {
    func isKnown(_ mark: Mark) -> Bool { Self.isKnownMark(Double(mark.value) + offset) }
    var best: [Mark] = []
    for lows in low.indices {
      for highs in high.indices {
        let (least, most) = (Double(low[lows].value), Double(high[highs].value))
        guard lows + highs > best.count, least <= most else { continue }
        func isFar(_ marks: ArraySlice<Mark>, from inner: Double) -> Bool {
          guard let nearest = marks.last else { return true }
          let gap = abs(inner - Double(nearest.value))
          let areKnown = marks.allSatisfy(isKnown)
          let factor =
            switch (areKnown, marks.allSatisfy { $0.count > 1 }) {
            case (true, true): 0.25
            case (true, false): 1.0
            case (false, true): 3.0
            case (false, false): 100.0
            }
          return most > least ? gap > factor * (most - least) : areKnown
        }
        if isFar(low[..<lows], from: least), isFar(high[..<highs], from: most) {
          best = (low[..<lows] + high[..<highs]).map { mark in
            var mark = mark
            mark.isMissing = mark.count > 1 || isKnown(mark)
            return mark
          }
        }
      }
    }
    return best
  }

  /// Fill values of NumPy, NetCDF (9.97e36), GRIB, spreadsheets and integer types.
  static func isKnownMark(_ value: Double) -> Bool {
    let size = abs(value)
    return [999, 9999, 99_999, 999_999, 32_767, 32_768, 2_147_483_647, 2_147_483_648].contains {
      abs(size - $0) <= 1e-6 * $0
    }
      || [1e20, 1e30, 1e34, 1e35, 1e36, 1e37, 9.96921e36, Double(Float.greatestFiniteMagnitude)]
        .contains { abs(size / $0 - 1) < 1e-5 }
  }

  /// The outermost values at one end of a channel, at most four, the outermost first.
  ///
  /// Only blocks of frames whose extreme lies far enough out are read again.
  private func outermost(
    _ statistics: RecordingsStatistics, channel: Int, isLow: Bool
  ) -> [Mark] {
    let sign: Float = isLow ? 1 : -1
    let blocks = statistics.parts.enumerated().flatMap { part, moments in
      moments.blocks[channel].enumerated().map { index, range in
        (key: isLow ? range.low : -range.high, part: part, index: index)
      }
    }.sorted { ($0.key, $0.part, $0.index) < ($1.key, $1.part, $1.index) }
    let cells = spaceShape.reduce(1, *)
    let length = FrameBlock.length(frameSize: cells)
    var found: [Mark] = []
    for block in blocks where block.key.isFinite {
      if found.count == Self.outermostCount, block.key > sign * found[found.count - 1].value {
        break
      }
      let frames = block.index * length..<min(frameCount, (block.index + 1) * length)
      let recording = statistics.sample[block.part]
      // Where all blocks are alike, every one is looked at.
      defer { letGo(of: recording) }
      let values = crop(
        CropPlace(
          recording: recording, timeOffset: frames.lowerBound,
          spaceOffsets: spaceShape.map { _ in 0 }, size: [frames.count] + spaceShape))
      for frame in 0..<frames.count {
        let start = (frame * channelCount + channel) * cells
        for cell in 0..<cells {
          let value = values.elements[start + cell]
          guard value.isFinite else { continue }
          if found.count == Self.outermostCount, sign * value > sign * found[found.count - 1].value
          {
            continue
          }
          let place = NumberPlace(
            recording: recording, channel: channel, frame: frames.lowerBound + frame, cell: cell)
          let index = found.firstIndex { sign * value <= sign * $0.value } ?? found.count
          if index < found.count, found[index].value == value {
            found[index].count += 1
            if place < found[index].place { found[index].place = place }
          } else {
            found.insert(Mark(value: value, channel: channel, count: 1, place: place), at: index)
            if found.count > Self.outermostCount { found.removeLast() }
          }
        }
      }
    }
    return found
  }

  private static let outermostCount = 4
}
