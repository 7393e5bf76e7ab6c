// Cut-outs of a recording in time and space, wrapping around periodic axes.
public import KymoNumerics

/// Where a crop lies: in which recording, from which frame and mesh points on, how large.
public struct CropPlace: Hashable, Sendable {
  /// The recording.
  public var recording: Int
  /// The first frame.
  public var timeOffset: Int
  /// The first mesh point on every space axis.
  public var spaceOffsets: [Int]
  /// Frames, then mesh points on every space axis.
  public var size: [Int]

  /// Creates a place.
  public init(recording: Int, timeOffset: Int, spaceOffsets: [Int], size: [Int]) {
    (self.recording, self.timeOffset) = (recording, timeOffset)
    (self.spaceOffsets, self.size) = (spaceOffsets, size)
  }
}

extension Recordings {
  /// Copies a crop, shape `[C, time, x…]` in C order.
  ///
  /// Along a periodic axis the crop wraps around, more than once when it is larger than the axis.
  /// Along any other axis it must lie inside.
  ///
  /// - Parameters:
  ///   - recording: The recording.
  ///   - timeOffset: The first frame.
  ///   - spaceOffsets: The first mesh point on every space axis, each below the axis' length.
  ///   - size: Frames, then mesh points on every space axis.
  ///   - output: Room for `channelCount · size.reduce(1, *)` numbers.
  public func copyCrop(
    recording: Int, timeOffset: Int, spaceOffsets: [Int], size: [Int],
    into output: UnsafeMutablePointer<Float>
  ) {
    precondition(recording >= 0 && recording < count, "crop: recording \(recording) of \(count)")
    precondition(
      size.count == 1 + spaceRank && spaceOffsets.count == spaceRank && !size.contains { $0 < 1 },
      "crop: size \(size) and offsets \(spaceOffsets) for \(spaceRank) space axes")
    precondition(
      timeOffset >= 0 && size[0] <= frameCount - timeOffset,
      "crop: \(size[0]) frames from frame \(timeOffset) of \(frameCount)")
    for axis in 0..<spaceRank {
      let (offset, length) = (spaceOffsets[axis], shape[3 + axis])
      precondition(
        offset >= 0 && offset < length
          && (boundary[axis] == .periodic || size[1 + axis] <= length - offset),
        "crop: \(size[1 + axis]) points from \(offset) of \(length), boundary \(boundary[axis])")
    }
    if let source {
      unsafe source.copyCrop(
        CropPlace(
          recording: storedIndex(recording), timeOffset: timeOffset, spaceOffsets: spaceOffsets,
          size: size), into: output)
    } else {
      unsafe storage.withBytes { bytes in
        unsafe copyBlock(
          from: bytes, recording: recording, origin: [timeOffset] + spaceOffsets, size: size,
          into: output)
      }
    }
    if let scaling { unsafe scaling.scale(output, cells: size.reduce(1, *)) }
  }

  /// Copies a crop, shape `[C, time, x…]` in C order, as the pointer version does.
  public func crop(_ place: CropPlace) -> HostArray<Float> {
    let length = channelCount * place.size.reduce(1, *)
    let values = unsafe [Float](unsafeUninitializedCapacity: length) { output, count in
      if let target = output.baseAddress {
        unsafe copyCrop(
          recording: place.recording, timeOffset: place.timeOffset,
          spaceOffsets: place.spaceOffsets, size: place.size, into: target)
      }
      count = length
    }
    return HostArray(values, shape: [channelCount] + place.size)
  }

  /// Copies `size` points from `origin` (time, then space) on; space indices wrap.
  ///
  /// The caller has checked that the frames and, where an axis is not periodic, the points exist.
  func copyBlock(
    from bytes: UnsafeRawBufferPointer, recording: Int, origin: [Int], size: [Int],
    into output: UnsafeMutablePointer<Float>
  ) {
    guard let base = bytes.baseAddress else { return }
    let type = storage.type
    let (rowAxis, rowLength) = (shape.count - 1, size[size.count - 1])
    let (meshLength, rowStride) = (shape[rowAxis], strides[rowAxis])
    let rowStart = origin[origin.count - 1]
    // One loop for both ranks: with one space axis the middle loop has one pass.
    let isPlane = spaceRank == 2
    let middleCount = isPlane ? size[1] : 1
    let isCopy = type == .float32 && rowStride == 1
    let (channelStride, frameStride) = (strides[1], strides[2])
    let (middleStride, middleLength) = isPlane ? (strides[3], shape[3]) : (0, 1)
    let middleStart = isPlane ? origin[1] : 0
    let firstFrame = firstEntry + recording * strides[0] + origin[0] * frameStride
    var target = unsafe output
    for channel in 0..<channelCount {
      for frame in 0..<size[0] {
        let frameEntry = firstFrame + channel * channelStride + frame * frameStride
        for middle in 0..<middleCount {
          let rowEntry = frameEntry + (middleStart + middle) % middleLength * middleStride
          var (position, left) = (rowStart, rowLength)
          while left > 0 {
            let count = min(left, meshLength - position)
            let source = unsafe base + (rowEntry + position * rowStride) * type.width
            if isCopy {
              unsafe UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: 4 * count)
            } else {
              unsafe NumberConversion.convert(
                type, at: source, stride: rowStride, count: count, to: target)
            }
            unsafe target += count
            left -= count
            position = 0
          }
        }
      }
    }
  }
}

/// Draws crops of recordings at random (Lu, Kim and Soljacic 2020, code `run.py`).
///
/// Time offsets are uniform on 0 … frames − depth; space offsets on all mesh points of a periodic
/// axis, and on 0 … length − size of any other. Input and target crops are separate draws.
public struct CropSampler: Hashable, Sendable {
  private let frameCount: Int
  private let spaceShape: [Int]
  private let boundary: [Grid.Ends]

  /// Draws from recordings of this shape and boundary.
  public init(_ recordings: Recordings) {
    frameCount = recordings.frameCount
    (spaceShape, boundary) = (recordings.spaceShape, recordings.boundary)
  }

  /// Draws a place for a crop of `size` (frames, then mesh points), which must fit.
  public func draw(
    recording: Int, size: [Int], using stream: inout RandomStream
  ) -> CropPlace {
    precondition(
      size.count == 1 + spaceShape.count && size[0] <= frameCount,
      "CropSampler: size \(size) for \(frameCount) frames of \(spaceShape) points")
    let time = stream.index(below: frameCount - size[0] + 1)
    var space: [Int] = []
    for (axis, length) in spaceShape.enumerated() {
      let places = boundary[axis] == .periodic ? length : length - size[1 + axis] + 1
      precondition(places > 0, "CropSampler: \(size[1 + axis]) of \(length) points, not periodic")
      space.append(stream.index(below: places))
    }
    return CropPlace(recording: recording, timeOffset: time, spaceOffsets: space, size: size)
  }
}
