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
  /// Copies a crop, shape `[time, C, x…]` in C order.
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
    unsafe copyStored(
      CropPlace(
        recording: recording, timeOffset: timeOffset, spaceOffsets: spaceOffsets, size: size),
      less: offsetLeft, into: output)
    if let scaling {
      let frame = channelCount * size[1...].reduce(1, *)
      for time in 0..<size[0] {
        unsafe scaling.scale(output + time * frame, cells: frame / channelCount)
      }
    }
  }

  /// Copies a crop that is known to lie in the recordings, less an offset of every channel, without
  /// their scaling.
  private func copyStored(
    _ place: CropPlace, less offset: [Double]?, into output: UnsafeMutablePointer<Float>
  ) {
    let cells = channelCount * place.size[1...].reduce(1, *)
    var stored = place
    stored.recording = storedIndex(place.recording)
    switch storage {
    case .onDemand(let source):
      unsafe source.copyCrop(stored, into: output)
      if let offset {
        for index in 0..<place.size[0] * cells {
          let channel = index % cells / (cells / channelCount)
          unsafe output[index] = Float(Double(output[index]) - offset[channel])
        }
      }
    case .composed(let composition):
      let frames = place.timeOffset..<place.timeOffset + place.size[0]
      composition.forEach(of: stored.recording, frames: frames) { stretch, target in
        let part = CropPlace(
          recording: stretch.recording, timeOffset: stretch.frames.lowerBound,
          spaceOffsets: place.spaceOffsets,
          size: [stretch.frames.count] + place.size.dropFirst())
        unsafe composition.members[stretch.member].copyStored(
          part, less: offset, into: output + target * cells)
      }
    case .parts(let array, let axes):
      if let offset {
        unsafe copyParts(of: array, axes, stored, into: output) { (number: Double, channel) in
          Float(number - offset[channel])
        }
      } else {
        unsafe copyParts(of: array, axes, stored, into: output) { (number: Float, _) in number
        }
      }
    case .mapped, .owned, .wide:
      unsafe storage.withBytes { bytes in
        unsafe copyBlock(from: bytes, place, less: offset, into: output)
      }
    }
  }

  /// Copies a crop, shape `[time, C, x…]` in C order, as the pointer version does.
  public func crop(_ place: CropPlace) -> HostArray<Float> {
    let shape = [place.size[0], channelCount] + place.size.dropFirst()
    let values = unsafe filled(count: shape.reduce(1, *)) { target in
      unsafe copyCrop(
        recording: place.recording, timeOffset: place.timeOffset,
        spaceOffsets: place.spaceOffsets, size: place.size, into: target)
    }
    return HostArray(values, shape: shape)
  }

  /// Copies a crop less an offset of every channel; space indices wrap.
  ///
  /// The caller has checked that the frames and, where an axis is not periodic, the points exist.
  private func copyBlock(
    from bytes: UnsafeRawBufferPointer, _ place: CropPlace, less offset: [Double]?,
    into output: UnsafeMutablePointer<Float>
  ) {
    guard let base = bytes.baseAddress else { return }
    let (size, origin) = (place.size, [place.timeOffset] + place.spaceOffsets)
    let type = storage.type
    let (rowAxis, rowLength) = (shape.count - 1, size[size.count - 1])
    let (meshLength, rowStride) = (shape[rowAxis], strides[rowAxis])
    let rowStart = origin[origin.count - 1]
    // One loop for both ranks: with one space axis the middle loop has one pass.
    let is2D = spaceRank == 2
    let middleCount = is2D ? size[1] : 1
    let isCopy = type == .float32 && rowStride == 1 && offset == nil
    let (channelStride, frameStride) = (strides[1], strides[2])
    let (middleStride, middleLength) = is2D ? (strides[3], shape[3]) : (0, 1)
    let middleStart = is2D ? origin[1] : 0
    let firstFrame = firstEntry + place.recording * strides[0] + origin[0] * frameStride
    var target = unsafe output
    for frame in 0..<size[0] {
      for channel in 0..<channelCount {
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
                type, at: source, stride: rowStride, count: count,
                less: offset?[channel] ?? 0, to: target)
            }
            unsafe target += count
            left -= count
            position = 0
          }
        }
      }
    }
  }

  /// Reads a crop from a file that hands out parts; a periodic axis is read once for every time
  /// around.
  func copyParts<Number: ArrayNumber, Copy: ArrayNumber>(
    of array: PatientArray, _ axes: [Int?], _ place: CropPlace,
    into output: UnsafeMutablePointer<Copy>, _ number: (Number, _ channel: Int) -> Copy
  ) {
    func ranges(_ axis: Int) -> [(source: Range<Int>, target: Int)] {
      var (start, done): (Int, Int) = (place.spaceOffsets[axis], 0)
      var found: [(Range<Int>, Int)] = []
      while done < place.size[1 + axis] {
        let count = min(place.size[1 + axis] - done, shape[3 + axis] - start)
        found.append((start..<start + count, done))
        (start, done) = (0, done + count)
      }
      return found
    }
    let is2D = spaceRank == 2
    let rowLength = place.size[place.size.count - 1]
    for x in ranges(0) {
      for y in is2D ? ranges(1) : [(0..<1, 0)] {
        // What is read, in the order of files, and the same in the order of the array.
        let wanted = [
          place.recording..<place.recording + 1, 0..<channelCount,
          place.timeOffset..<place.timeOffset + place.size[0], x.source, y.source,
        ]
        var part = array.shape.map { 0..<$0 }
        for (letter, axis) in axes.enumerated() { if let axis { part[axis] = wanted[letter] } }
        let counts = part.map(\.count)
        let read = unsafe filled(count: counts.reduce(1, *)) {
          (target: UnsafeMutablePointer<Number>) in
          unsafe array.fill(part, target)
        }
        let own = NPYHeader(element: .number(.float32), shape: counts).strides
        let strides = axes.map { $0.map { own[$0] } ?? 0 }
        // In bounds: every index is below the count of its axis.
        for time in 0..<place.size[0] {
          for channel in 0..<channelCount {
            for row in x.source.indices {
              for column in y.source.indices {
                let (i, j) = (row - x.source.lowerBound, column - y.source.lowerBound)
                let plane = (time * channelCount + channel) * place.size[1...].reduce(1, *)
                let cell =
                  is2D ? (x.target + i) * rowLength + y.target + j : x.target + i
                unsafe output[plane + cell] = number(
                  read[
                    channel * strides[1] + time * strides[2] + i * strides[3]
                      + (is2D ? j * strides[4] : 0)], channel)
              }
            }
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
