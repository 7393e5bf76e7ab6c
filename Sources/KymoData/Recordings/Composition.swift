// Recordings put together from others without a copy: those of several files one after the other, the
// pieces of a run that several files hold, and long recordings cut into shorter ones.
import KymoNumerics

/// Which stretches of which other recordings follow one another in time, recording by recording.
struct Composition: Sendable {
  /// Frames of one recording.
  struct Stretch: Hashable, Sendable {
    /// The recordings that it lies in.
    var member: Int
    /// The recording among them.
    var recording: Int
    /// Its frames.
    var frames: Range<Int>
  }

  /// What recordings are put together from.
  let members: [Recordings]
  /// The stretches of every recording; all recordings have as many frames.
  let recordings: [[Stretch]]

  /// The type of the member whose numbers hold the most digits.
  var fileType: NumberType {
    let types = members.map(\.storage.fileType)
    return types.first(where: \.exceedsFloat) ?? types.first ?? .float32
  }

  /// The one stretch of a recording that is a whole recording of a member; nil for others.
  func whole(_ index: Int) -> Stretch? {
    guard recordings[index].count == 1, let only = recordings[index].first,
      only.frames == 0..<members[only.member].frameCount
    else { return nil }
    return only
  }

  /// Calls `body` for the stretches that frames of a recording lie in, with the place of the first of
  /// them among those that are wanted.
  func forEach(
    of recording: Int, frames: Range<Int>, _ body: (Stretch, _ target: Int) -> Void
  ) {
    var start = 0
    for stretch in recordings[recording] {
      let wanted = frames.clamped(to: start..<start + stretch.frames.count)
      if !wanted.isEmpty {
        var part = stretch
        let first = stretch.frames.lowerBound - start
        part.frames = wanted.lowerBound + first..<wanted.upperBound + first
        body(part, wanted.lowerBound - frames.lowerBound)
      }
      start += stretch.frames.count
    }
  }
}

extension Recordings {
  /// Recordings of stretches of others, which have the same channels and points.
  init(
    _ composition: Composition, frames: Int, params: HostArray<Float>?, times: [Double]?,
    metadata: RecordingsMetadata
  ) {
    precondition(!composition.members.isEmpty, "Recordings: put together from nothing")
    var shape = composition.members[0].shape
    (shape[0], shape[2]) = (composition.recordings.count, frames)
    self.init(
      storage: .composed(composition), shape: shape,
      strides: NPYHeader(element: .number(.float32), shape: shape).strides, firstEntry: 0,
      params: params, times: times, metadata: metadata)
  }

  /// What the recordings are put together from; nil where they are not.
  var composition: Composition? {
    if case .composed(let composition) = storage { composition } else { nil }
  }

  /// Recordings of so many frames: each is cut into as many as it holds; what is left at its end is
  /// left out.
  ///
  /// Shares the numbers. Known parameters are those of the recording that a piece comes from.
  func cut(frames length: Int) -> Recordings {
    precondition((1...frameCount).contains(length), "cut: \(length) of \(frameCount) frames")
    let pieces = frameCount / length
    guard length < frameCount else { return self }
    let stretches = (0..<count).flatMap { recording in
      (0..<pieces).map {
        [
          Composition.Stretch(
            member: 0, recording: recording, frames: $0 * length..<($0 + 1) * length)
        ]
      }
    }
    return Recordings(
      Composition(members: [self], recordings: stretches), frames: length,
      params: params.map { params in
        let width = params.shape[1]
        return HostArray(
          (0..<count).flatMap { row in
            (0..<pieces).flatMap { _ in params.elements[row * width..<(row + 1) * width] }
          }, shape: [count * pieces, width])
      }, times: nil, metadata: metadata)
  }
}
