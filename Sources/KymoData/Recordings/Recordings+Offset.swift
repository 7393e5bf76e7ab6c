// Offsets that cost digits. Models compute in Float, which has 24 bits: of 101325 ± 0.01 it leaves
// one. A file in double precision holds more, so a large mean is subtracted in Double, channel by
// channel, before numbers become Float; see `NumberConversion`. A model keeps the offset
// (`TrainedData`), and forecasts add it back.
import KymoNumerics

extension Recordings {
  /// A mean beyond this many standard deviations is subtracted; below, rounding to Float costs at
  /// most 6e-6 of a standard deviation.
  static let largeOffset = 100.0
  /// Numbers that are looked at for it.
  private static let lookedAtForOffset = 16_000_000

  /// The mean of every channel where it is more than 100 standard deviations, 0 elsewhere.
  ///
  /// Files of Float and of smaller types hold no more digits than models see and are not looked at.
  /// Of others at most 200 recordings and 16 million numbers are, at even distances.
  ///
  /// - Returns: nil when nothing is to be subtracted.
  public func largeOffset(threads: Int = 1) -> [Double]? {
    guard storage.fileType.exceedsFloat else { return nil }
    let frameSize = recordingLength / frameCount
    let recordingsSeen = min(200, count, max(2, Self.lookedAtForOffset / frameSize))
    let framesSeen = min(
      frameCount, max(1, Self.lookedAtForOffset / (recordingsSeen * frameSize)))
    let parts = parallelMap(recordingsSeen, threads: threads) { place in
      (0..<framesSeen).map {
        offsetMoments(place * count / recordingsSeen, frame: $0 * frameCount / framesSeen)
      }
    }
    let offsets = (0..<channelCount).map { channel in
      parts.joined().reduce(into: OffsetMoments()) { $0.add($1[channel]) }.largeMean
    }
    return offsets.contains { $0 != 0 } ? offsets : nil
  }

  private func offsetMoments(_ recording: Int, frame: Int) -> [OffsetMoments] {
    let cells = spaceShape.reduce(1, *)
    let values = wideFrame(recording, frame)
    return (0..<channelCount).map { channel in
      var moments = OffsetMoments()
      for index in channel * cells..<(channel + 1) * cells { moments.add(values[index]) }
      return moments
    }
  }

  /// A frame as the file has it, in Double, `[C, x…]`: neither scaled nor less an offset.
  func wideFrame(_ recording: Int, _ frame: Int) -> [Double] {
    unsafe filled(count: recordingLength / frameCount) { (target: UnsafeMutablePointer<Double>) in
      switch storage {
      case .onDemand: preconditionFailure("wideFrame: frames made on demand are in Float")
      case .composed(let composition):
        composition.forEach(of: storedIndex(recording), frames: frame..<frame + 1) { stretch, _ in
          let member = composition.members[stretch.member]
          let values: [Double] =
            member.isMadeOnDemand
            ? member.crop(
              CropPlace(
                recording: stretch.recording, timeOffset: stretch.frames.lowerBound,
                spaceOffsets: spaceShape.map { _ in 0 }, size: [1] + spaceShape)
            ).elements.map { Double($0) }
            : member.wideFrame(stretch.recording, stretch.frames.lowerBound)
          for (index, value) in values.enumerated() { unsafe target[index] = value }
        }
      case .parts(let array, let axes):
        let place = CropPlace(
          recording: storedIndex(recording), timeOffset: frame,
          spaceOffsets: spaceShape.map { _ in 0 }, size: [1] + spaceShape)
        unsafe copyParts(of: array, axes, place, into: target) { (number: Double, _) in number
        }
      case .mapped, .owned, .wide:
        unsafe storage.withBytes { bytes in
          guard let base = bytes.baseAddress else { return }
          let first = firstEntry + recording * strides[0] + frame * strides[2]
          unsafe NumberConversion.copy(
            ([channelCount] + spaceShape).map { 0..<$0 }, of: storage.type,
            at: base + first * storage.type.width, strides: [strides[1]] + strides[3...],
            to: target)
        }
      }
    }
  }
}

/// Mean and variance of the finite numbers, measured from the first of them.
private struct OffsetMoments: Sendable {
  var first: Double?
  var (sum, squares, count) = (0.0, 0.0, 0.0)

  mutating func add(_ value: Double) {
    guard value.isFinite else { return }
    let shift = first ?? value
    first = shift
    sum += value - shift
    squares += (value - shift) * (value - shift)
    count += 1
  }

  mutating func add(_ other: OffsetMoments) {
    guard let theirs = other.first else { return }
    guard let shift = first else { return self = other }
    let move = theirs - shift
    sum += other.sum + other.count * move
    squares += other.squares + 2 * move * other.sum + other.count * move * move
    count += other.count
  }

  /// The mean where it is large beside the standard deviation, else 0.
  var largeMean: Double {
    guard let first else { return 0 }
    let (mean, own) = (first + sum / count, sum / count)
    let deviation = max(0, squares / count - own * own).squareRoot()
    return deviation > 0 && abs(mean) > Recordings.largeOffset * deviation ? mean : 0
  }
}
