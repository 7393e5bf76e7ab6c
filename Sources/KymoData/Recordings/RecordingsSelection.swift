// A part of recordings for a new file: some channels, a range of frames and points, every k-th of them.
// Nothing is copied before it is written.
import Foundation
public import KymoNumerics

/// Which part of recordings is taken.
public struct RecordingsSelection: Hashable, Sendable {
  /// Indices of the channels, in the order wanted; nil means all.
  public var channels: [Int]?
  /// The frames that are kept, then points along every axis of space; nil means all of an axis.
  public var ranges: [Range<Int>?]
  /// Every k-th frame, then every k-th point along every axis of space, from the first one kept.
  public var steps: [Int]

  /// Takes everything.
  public init(spaceRank: Int) {
    ranges = Array(repeating: nil, count: 1 + spaceRank)
    steps = Array(repeating: 1, count: 1 + spaceRank)
  }
}

/// Recordings of which a part is read.
public struct SelectedRecordings: Sendable {
  /// The recordings, all of them.
  public let recordings: Recordings
  /// The part as it was asked for.
  public let selection: RecordingsSelection
  private let channels: [Int]
  private let ranges: [Range<Int>]

  /// Checks that the part is one of the recordings.
  ///
  /// - Throws: ``ConfigurationError`` that names the option.
  public init(
    _ recordings: Recordings, _ selection: RecordingsSelection
  ) throws(ConfigurationError) {
    (self.recordings, self.selection) = (recordings, selection)
    channels = selection.channels ?? Array(0..<recordings.channelCount)
    let lengths = [recordings.frameCount] + recordings.spaceShape
    let names = recordings.axisNames
    precondition(
      selection.ranges.count == lengths.count && selection.steps.count == lengths.count,
      "SelectedRecordings: \(selection) of axes \(lengths)")
    var ranges: [Range<Int>] = []
    for (axis, length) in lengths.enumerated() {
      let range = selection.ranges[axis] ?? 0..<length
      try require(
        !range.isEmpty && range.lowerBound >= 0 && range.upperBound <= length, "--crop",
        found: "\(names[axis])=\(range.lowerBound):\(range.upperBound)",
        allowed: "a part of 0:\(length)", remedy: "The end is the first index left out.")
      let step = selection.steps[axis]
      try require(
        (1...range.count).contains(step), "--every", found: "\(names[axis])=\(step)",
        allowed: "from 1 to \(range.count)", remedy: "2 takes every second one.")
      if axis > 0, step > 1 {
        let ends = recordings.boundary[axis - 1]
        let isWhole = range.count == length
        try require(
          ends == .periodic && isWhole
            ? length % step == 0 : !isWhole || ends.lower != .wall && ends.upper != .wall,
          "--every", found: "\(names[axis])=\(step) of \(length) points with ends \(ends.rawValue)",
          allowed: ends == .periodic ? "a divisor of \(length)" : "points without walls",
          remedy: "Others would not close the axis, or not stand for cells.")
      }
      ranges.append(range)
    }
    self.ranges = ranges
  }

  /// Recordings, channels, frames, then points, of the part.
  public var shape: [Int] {
    [recordings.count, channels.count]
      + zip(ranges, selection.steps).map { ($0.count + $1 - 1) / $1 }
  }

  /// What is known of the part: an axis of which an end is cut off is open there.
  public var metadata: RecordingsMetadata {
    var metadata = recordings.metadata
    func chosen(_ list: [String]) -> [String] { list.isEmpty ? [] : channels.map { list[$0] } }
    metadata.channelNames = chosen(metadata.channelNames)
    metadata.channelUnits = chosen(metadata.channelUnits)
    metadata.frameInterval = metadata.frameInterval.map { $0 * Double(selection.steps[0]) }
    var extents: [Double] = []
    for (axis, old) in recordings.grid.axes.enumerated() {
      let (range, step) = (ranges[axis + 1], selection.steps[axis + 1])
      let isWhole = range.count == recordings.spaceShape[axis]
      if !isWhole { metadata.boundary[axis] = .open }
      extents.append(
        Grid.Axis(
          shape[3 + axis], spacing: old.spacing * Double(step), isWhole ? old.ends : .open
        ).extent)
    }
    metadata.extents = recordings.extents.map { _ in extents }
    return metadata
  }

  /// One recording of the part, shape `[C, T, X…]`, in the units of the file.
  public func recording(_ index: Int) -> HostArray<Float> {
    let whole = recordings.crop(
      CropPlace(
        recording: index, timeOffset: ranges[0].lowerBound,
        spaceOffsets: ranges.dropFirst().map(\.lowerBound), size: ranges.map(\.count)))
    let (target, steps) = (Array(shape.dropFirst()), selection.steps)
    let strides = NPYHeader(element: .number(.float32), shape: whole.shape).strides
    // Entries of one channel of the part, in the order of the part.
    let places = zip(target.dropFirst(), [strides[0]] + strides.dropFirst(2)).enumerated()
      .reduce(into: [0]) { places, next in
        let (axis, (length, stride)) = next
        places = places.flatMap { start in
          (0..<length).map { start + $0 * steps[axis] * stride }
        }
      }
    return HostArray(
      channels.flatMap { channel in
        places.map { whole.elements[channel * strides[1] + $0] }
      }, shape: target)
  }

  /// Known parameters of a recording.
  public func parameters(_ index: Int) -> [Float] {
    let width = recordings.parameterCount
    return recordings.params.map { Array($0.elements[index * width..<(index + 1) * width]) } ?? []
  }
}
