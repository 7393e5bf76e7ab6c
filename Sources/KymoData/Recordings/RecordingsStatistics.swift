// Statistics of recordings in one pass over the numbers: moments, changes from frame to frame,
// jumps between neighbours and across the seam of every axis, values that are not finite, equal
// recordings.
import KymoNumerics

/// Statistics of one channel over all recordings, frames and points that were looked at.
public struct ChannelStatistics: Codable, Hashable, Sendable {
  /// The channel's name.
  public var name: String
  /// Smallest finite value; nil when there is none, as for all that follow.
  public var minimum: Double?
  /// Largest finite value.
  public var maximum: Double?
  /// Mean of the finite values.
  public var mean: Double?
  /// Standard deviation of the finite values.
  public var standardDeviation: Double?
  /// Root of the mean square of the finite values.
  public var rootMeanSquare: Double?
  /// Root mean square of the change from one frame to the next, as a fraction of
  /// `standardDeviation`.
  public var relativeFrameChange: Double?
  /// Number of values that are NaN or infinite.
  public var nonFiniteCount: Int
}

/// How the two ends of a space axis fit together.
public struct SeamStatistics: Codable, Hashable, Sendable {
  /// The axis' name.
  public var axis: String
  /// Root mean square of the jump between neighbours inside.
  public var typicalJump: Double
  /// Root mean square of the jump from the last point to the first.
  public var seamJump: Double
  /// The jump across the seam in units of the jump between neighbours: about 1 when the axis is
  /// periodic; nil when the field does not vary along the axis.
  public var ratio: Double? { typicalJump > 0 ? seamJump / typicalJump : nil }
}

/// Where a number is.
struct NumberPlace: Hashable, Sendable, Comparable {
  var recording: Int
  var channel: Int
  var frame: Int
  var cell: Int

  static func < (left: NumberPlace, right: NumberPlace) -> Bool {
    (left.recording, left.channel, left.frame, left.cell)
      < (right.recording, right.channel, right.frame, right.cell)
  }
}

/// Frames that are looked at together: at least 4096 numbers of a channel.
struct FrameBlock: Sendable {
  var low = Float.infinity
  var high = -Float.infinity

  static func length(frameSize: Int) -> Int { max(1, 4096 / frameSize) }
}

/// What one pass over recordings found.
struct RecordingsStatistics: Sendable {
  /// The recordings that were looked at.
  let sample: [Int]
  /// What was found in each of them.
  let parts: [RecordingMoments]
  let channels: [ChannelStatistics]
  let seams: [SeamStatistics]
  /// The first value in every recording that has one, with the number of them in the recording, and
  /// the frame from which on nothing is finite, where everything before it is.
  let nonFinite: [(place: NumberPlace, count: Int, paddedFrom: Int?)]
  /// Recordings whose numbers are all equal.
  let constant: [Int]
  /// Recordings that repeat an earlier one, with that one.
  let duplicates: [(first: Int, second: Int)]

  /// Looks at all recordings, or at an even sample when they have more than `bytes` bytes.
  init(_ recordings: Recordings, bytes: Int = .max, threads: Int) {
    let sample = recordings.sampledIndices(bytes: bytes)
    // Values are measured from one of them, so that a large mean does not cost the variance its
    // digits.
    let shifts = recordings.referenceValues()
    let parts = parallelMap(sample.count, threads: threads) {
      RecordingMoments(recordings, sample[$0], shifts)
    }
    (self.sample, self.parts) = (sample, parts)
    channels = recordings.channelNames.indices.map { channel in
      ChannelMoments.total(parts.map { $0.channels[channel] })
        .statistics(
          name: recordings.channelNames[channel], shift: Double(shifts[channel]),
          offset: recordings.offset?[channel] ?? 0)
    }
    seams = (0..<recordings.spaceRank).map { axis in
      let total = parts.reduce(into: JumpMoments()) { $0.add($1.jumps[axis]) }
      return SeamStatistics(
        axis: recordings.axisNames[1 + axis],
        typicalJump: total.inside.rootMeanSquare, seamJump: total.seam.rootMeanSquare)
    }
    nonFinite = parts.compactMap { part in
      part.firstNonFinite.map { ($0, part.nonFiniteCount, part.paddedFrom(in: recordings)) }
    }
    constant = zip(sample, parts).filter { part in
      part.1.channels.allSatisfy { $0.minimum >= $0.maximum && $0.nonFiniteCount == 0 }
    }.map(\.0)
    var firstOf: [UInt64: Int] = [:]
    var duplicates: [(Int, Int)] = []
    for (index, part) in zip(sample, parts) {
      if let first = firstOf[part.hash] {
        duplicates.append((first, index))
      } else {
        firstOf[part.hash] = index
      }
    }
    self.duplicates = duplicates.map { (first: $0.0, second: $0.1) }
  }
}

extension Recordings {
  /// The first finite value of every channel in the first recording, 0 when there is none.
  fileprivate func referenceValues() -> [Float] {
    unsafe withRecording(0) { numbers in
      let length = numbers.count / channelCount
      return (0..<channelCount).map { channel in
        for index in channel * length..<(channel + 1) * length {
          let value = unsafe numbers[index]
          if value.isFinite { return value }
        }
        return 0
      }
    }
  }
}

/// A sum of squares and how many.
struct SquareSum: Sendable {
  var sum = 0.0
  var count = 0

  mutating func add(_ sum: Double, _ count: Int) {
    // A jump from or to a value that is not finite says nothing.
    guard sum.isFinite else { return }
    self.sum += sum
    self.count += count
  }

  var rootMeanSquare: Double { count == 0 ? 0 : (sum / Double(count)).squareRoot() }
}

struct JumpMoments: Sendable {
  var inside = SquareSum()
  var seam = SquareSum()

  mutating func add(_ other: JumpMoments) {
    inside.add(other.inside.sum, other.inside.count)
    seam.add(other.seam.sum, other.seam.count)
  }
}

/// Sums over one channel.
struct ChannelMoments: Sendable {
  var minimum = Float.infinity
  var maximum = -Float.infinity
  /// Sums of the values and squares, both measured from the shift.
  var sum = 0.0
  var squares = 0.0
  var count = 0
  var change = SquareSum()
  var nonFiniteCount = 0
  var firstNonFiniteFrame: Int?

  /// The standard deviation of the finite values; 0 where there are none.
  var deviation: Double {
    guard count > 0 else { return 0 }
    let own = sum / Double(count)
    return max(0, squares / Double(count) - own * own).squareRoot()
  }

  static func total(_ parts: [ChannelMoments]) -> ChannelMoments {
    parts.reduce(into: ChannelMoments()) { total, part in
      total.minimum = min(total.minimum, part.minimum)
      total.maximum = max(total.maximum, part.maximum)
      total.sum += part.sum
      total.squares += part.squares
      total.count += part.count
      total.change.add(part.change.sum, part.change.count)
      total.nonFiniteCount += part.nonFiniteCount
    }
  }

  func statistics(name: String, shift: Double, offset: Double) -> ChannelStatistics {
    guard count > 0 else { return ChannelStatistics(name: name, nonFiniteCount: nonFiniteCount) }
    let own = sum / Double(count)
    let variance = max(0, squares / Double(count) - own * own)
    let mean = offset + (shift + own)
    let spread = variance.squareRoot()
    return ChannelStatistics(
      name: name, minimum: offset + Double(minimum), maximum: offset + Double(maximum), mean: mean,
      standardDeviation: spread, rootMeanSquare: (variance + mean * mean).squareRoot(),
      relativeFrameChange: spread > 0 && change.count > 0 ? change.rootMeanSquare / spread : nil,
      nonFiniteCount: nonFiniteCount)
  }
}

/// What one recording shows: moments, and what may be no measurement.
struct RecordingMoments: Sendable {
  var channels: [ChannelMoments]
  var jumps: [JumpMoments]
  var hash: UInt64
  /// Extremes of blocks of frames, for every channel.
  var blocks: [[FrameBlock]]
  /// Frames that repeat the one before though later ones differ.
  var repeated: [Int] = []
  /// The first frame of those that repeat to the end, where the motion before did not fade.
  var frozenFrom: Int?
  /// Channels that repeat frames while others go on.
  var held: [HeldChannel] = []
  /// Cells that repeat their number over many frames while their neighbours go on.
  var frozenCells: [FrozenCell] = []
  /// Values that are NaN or infinite in the file, in which `ChannelMoments` counts those beyond
  /// Float too.
  var nonFiniteCount = 0
  var firstNonFinite: NumberPlace?
  /// Numbers beyond the range of Float.
  var beyondFloat: BeyondRange?
  /// Whole numbers beyond 2⁵³.
  var beyondDouble: BeyondRange?

  init(_ recordings: Recordings, _ index: Int, _ shifts: [Float]) {
    channels = [ChannelMoments](repeating: ChannelMoments(), count: shifts.count)
    jumps = [JumpMoments](repeating: JumpMoments(), count: recordings.spaceRank)
    hash = 0
    let frameCount = recordings.frameCount
    var (unusualFrames, first) = (Set<Int>(), NumberPlace?.none)
    let rowLength = recordings.shape[recordings.shape.count - 1]
    let rowCount = recordings.spaceRank == 2 ? recordings.shape[3] : 1
    let frameLength = rowLength * rowCount
    let blockLength = FrameBlock.length(frameSize: frameLength)
    var motion = [ChannelMotion](
      repeating: ChannelMotion(frameCount: frameCount, cells: frameLength), count: shifts.count)
    var runs = RepeatRuns(cells: frameLength)
    blocks = [[FrameBlock]](
      repeating: [FrameBlock](
        repeating: FrameBlock(), count: (frameCount + blockLength - 1) / blockLength),
      count: shifts.count)
    // Of a file larger than memory only what is looked at stays.
    defer { recordings.letGo(of: index) }
    unsafe recordings.withRecording(index) { numbers in
      var contentHash = ContentHash()
      unsafe contentHash.add(UnsafeRawBufferPointer(numbers))
      hash = contentHash.value
      guard var frame = numbers.baseAddress else { return }
      // In bounds: a recording is channels · frames · frameLength numbers, walked in this order.
      for channel in channels.indices {
        runs.restart()
        for time in 0..<frameCount {
          let moments = unsafe addFrame(frame, frameLength, channel, shifts[channel])
          let block = time / blockLength
          blocks[channel][block].low = min(blocks[channel][block].low, moments.minimum)
          blocks[channel][block].high = max(blocks[channel][block].high, moments.maximum)
          if moments.finiteCount < frameLength {
            unusualFrames.insert(time)
            channels[channel].firstNonFiniteFrame = channels[channel].firstNonFiniteFrame ?? time
            if first == nil {
              let cell = unsafe UnsafeBufferPointer(start: frame, count: frameLength)
                .firstIndex { !$0.isFinite }
              first = NumberPlace(
                recording: index, channel: channel, frame: time, cell: cell ?? 0)
            }
          }
          var (changed, distance) = (0, 0.0)
          if time > 0 {
            distance = unsafe StatisticsKernels.squaredDistance(
              frame - frameLength, frame, frameLength)
            channels[channel].change.add(distance, frameLength)
            changed = unsafe runs.add(frame - frameLength, frame, time)
          }
          motion[channel].add(
            time, changed: changed, distance: distance, minimum: moments.minimum,
            maximum: moments.maximum)
          unsafe addJumps(frame, rowCount, rowLength)
          unsafe frame += frameLength
        }
        let outlying = runs.outlying
        if !outlying.isEmpty {
          unsafe frozenCells += recordings.frozenCells(outlying, channel, numbers)
        }
      }
    }
    let together = FrameMotion(motion)
    (repeated, frozenFrom) = (together.repeated, together.frozenFrom)
    held = HeldChannel.all(motion, repeated: repeated, frozenFrom: frozenFrom)
    let type = recordings.storage.fileType
    if type.kind != .float, type.width == 8 { unusualFrames = Set(0..<frameCount) }
    if type.exceedsFloat, !recordings.isMadeOnDemand {
      lookAtFile(recordings, index, unusualFrames.sorted(), isWhole: type.kind != .float)
    } else {
      firstNonFinite = first
      nonFiniteCount = channels.reduce(0) { $0 + $1.nonFiniteCount }
    }
  }

  /// What numbers are in the file that Float or Double do not hold.
  private mutating func lookAtFile(
    _ recordings: Recordings, _ index: Int, _ frames: [Int], isWhole: Bool
  ) {
    for frame in frames {
      let values = recordings.wideFrame(index, frame)
      let cells = values.count / channels.count
      for (position, value) in values.enumerated() {
        let place = NumberPlace(
          recording: index, channel: position / cells, frame: frame, cell: position % cells)
        if !value.isFinite {
          nonFiniteCount += 1
          firstNonFinite = min(firstNonFinite ?? place, place)
        } else if isWhole, abs(value) >= 0x1p53 {
          BeyondRange.note(value, place, in: &beyondDouble)
        } else if abs(value) > Double(Float.greatestFiniteMagnitude) {
          BeyondRange.note(value, place, in: &beyondFloat)
        }
      }
    }
  }

  /// The frame from which on no value of any channel is finite, where all before are.
  func paddedFrom(in recordings: Recordings) -> Int? {
    let cells = recordings.spaceShape.reduce(1, *)
    guard let frame = channels.first?.firstNonFiniteFrame, frame > 0,
      channels.allSatisfy({
        $0.firstNonFiniteFrame == frame
          && $0.nonFiniteCount == (recordings.frameCount - frame) * cells
      })
    else { return nil }
    return frame
  }

  private mutating func addFrame(
    _ frame: UnsafePointer<Float>, _ count: Int, _ channel: Int, _ shift: Float
  ) -> StatisticsKernels.Moments {
    let moments = unsafe StatisticsKernels.moments(frame, count, shift)
    channels[channel].sum += moments.sum
    channels[channel].squares += moments.squares
    channels[channel].count += moments.finiteCount
    channels[channel].minimum = min(channels[channel].minimum, moments.minimum)
    channels[channel].maximum = max(channels[channel].maximum, moments.maximum)
    channels[channel].nonFiniteCount += count - moments.finiteCount
    return moments
  }

  private mutating func addJumps(
    _ frame: UnsafePointer<Float>, _ rowCount: Int, _ rowLength: Int
  ) {
    let last = jumps.count - 1
    for row in 0..<rowCount {
      let start = unsafe frame + row * rowLength
      unsafe jumps[last].inside.add(
        StatisticsKernels.squaredDistance(start, start + 1, rowLength - 1), rowLength - 1)
      unsafe jumps[last].seam.add(
        StatisticsKernels.squaredDistance(start + (rowLength - 1), start, 1), 1)
    }
    guard last == 1 else { return }
    let inside = rowLength * (rowCount - 1)
    unsafe jumps[0].inside.add(
      StatisticsKernels.squaredDistance(frame, frame + rowLength, inside), inside)
    unsafe jumps[0].seam.add(
      StatisticsKernels.squaredDistance(frame + inside, frame, rowLength), rowLength)
  }
}

/// The loops over numbers.
///
/// Sums run in eight lanes of Float over at most `blockLength` numbers and
/// then in Double.
enum StatisticsKernels {
  private typealias Lanes = SIMD8<Float>
  private static let blockLength = 2048

  /// Σ (aᵢ − bᵢ)².
  static func squaredDistance(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, _ count: Int
  ) -> Double {
    var total = 0.0
    var start = 0
    while start < count {
      let end = min(count, start + blockLength)
      var lanes = Lanes.zero
      var index = start
      while index + 8 <= end {
        let difference = unsafe load(first + index) - load(second + index)
        lanes += difference * difference
        index += 8
      }
      var sum = lanes.sum()
      while index < end {
        let difference = unsafe first[index] - second[index]
        sum += difference * difference
        index += 1
      }
      total += Double(sum)
      start = end
    }
    return total
  }

  struct Moments {
    var minimum = Float.infinity
    var maximum = -Float.infinity
    var sum = 0.0
    var squares = 0.0
    var finiteCount = 0
  }

  /// Extrema, Σ (xᵢ − shift) and Σ (xᵢ − shift)² over the finite values.
  static func moments(_ values: UnsafePointer<Float>, _ count: Int, _ shift: Float) -> Moments {
    var result = Moments()
    var start = 0
    while start < count {
      let end = min(count, start + blockLength)
      unsafe addBlock(values + start, end - start, shift, &result)
      start = end
    }
    return result
  }

  private static func addBlock(
    _ values: UnsafePointer<Float>, _ count: Int, _ shift: Float, _ result: inout Moments
  ) {
    var (sums, squares) = (Lanes.zero, Lanes.zero)
    var (low, high) = (Lanes(repeating: .infinity), Lanes(repeating: -.infinity))
    var index = 0
    while index + 8 <= count {
      let value = unsafe load(values + index)
      let offset = value - shift
      sums += offset
      squares += offset * offset
      low = low.replacing(with: value, where: value .< low)
      high = high.replacing(with: value, where: value .> high)
      index += 8
    }
    var part = Moments(
      minimum: low.min(), maximum: high.max(), sum: Double(sums.sum()),
      squares: Double(squares.sum()), finiteCount: index)
    // An infinity or NaN, or numbers too large for squares in Float, end in the sum of squares.
    if !part.squares.isFinite { (part, index) = (Moments(), 0) }
    while index < count {
      let value = unsafe values[index]
      if value.isFinite {
        let offset = Double(value) - Double(shift)
        part.sum += offset
        part.squares += offset * offset
        part.minimum = min(part.minimum, value)
        part.maximum = max(part.maximum, value)
        part.finiteCount += 1
      }
      index += 1
    }
    result.minimum = min(result.minimum, part.minimum)
    result.maximum = max(result.maximum, part.maximum)
    result.sum += part.sum
    result.squares += part.squares
    result.finiteCount += part.finiteCount
  }

  @inline(__always)
  private static func load(_ values: UnsafePointer<Float>) -> Lanes {
    unsafe UnsafeRawPointer(values).loadUnaligned(as: Lanes.self)
  }
}
