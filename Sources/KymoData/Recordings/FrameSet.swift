// Frames of recordings as states of a training, and stretches of them as series: views, of which
// only what is asked for is read. Reductions, propagators and forecasts draw their batches from
// here.
//
// Letters: B states, T frames, C channels, X (Y) space.
public import KymoNumerics

/// Some frames of some recordings, in an order of their own.
public struct FrameSet: Sendable {
  /// Frames of one recording that follow each other.
  public struct Series: Hashable, Sendable {
    /// The recording.
    public var recording: Int
    /// Its frames.
    public var frames: Range<Int>

    /// Names frames of a recording.
    public init(recording: Int, frames: Range<Int>) {
      (self.recording, self.frames) = (recording, frames)
    }
  }

  /// What the frames are of.
  public let recordings: Recordings
  /// The stretches of frames, in order.
  public let series: [Series]
  /// How many frames lie before those of each series, and how many there are.
  private let starts: [Int]

  /// All frames of recordings, or of some series of them.
  public init(_ recordings: Recordings, series: [Series]? = nil) {
    self.recordings = recordings
    self.series =
      series
      ?? (0..<recordings.count).map { Series(recording: $0, frames: 0..<recordings.frameCount) }
    starts = self.series.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.frames.count) }
  }

  /// States in memory, `[B, C, X…]`, as one series.
  ///
  /// - Throws: ``ModelDataError`` unless there are states with one or two axes of space.
  public init(states: HostArray<Float>) throws(ModelDataError) {
    try self.init(series: [states])
  }

  /// Series in memory, each `[T, C, X…]`, of one shape of states.
  ///
  /// - Throws: ``ModelDataError`` unless there are states with one or two axes of space, of one
  ///   shape.
  public init(series: [HostArray<Float>]) throws(ModelDataError) {
    guard let first = series.first, (3...4).contains(first.rank), !first.shape.contains(0) else {
      throw ModelDataError(
        "states", found: series.first.map { "of shape \($0.shape)" } ?? "no series",
        allowed: "states [state, channel, space…] with entries",
        remedy: "Put the frames of all series on the first axis.")
    }
    let state = Array(first.shape.dropFirst())
    for one in series { try requireShape(one, [nil] + state, "states") }
    let frames = series.reduce(0) { $0 + $1.shape[0] }
    let cells = state.dropFirst().reduce(1, *)
    let shape = [1, state[0], frames] + state.dropFirst()
    var strides = NPYHeader(element: .number(.float32), shape: shape).strides
    (strides[1], strides[2]) = (cells, state[0] * cells)
    var place = 0
    self.init(
      Recordings(
        storage: .owned(series.count == 1 ? first.elements : series.flatMap(\.elements)),
        shape: shape, strides: strides, firstEntry: 0, params: nil, times: nil,
        metadata: RecordingsMetadata()),
      series: series.map { one in
        defer { place += one.shape[0] }
        return Series(recording: 0, frames: place..<place + one.shape[0])
      })
  }

  /// Number of frames.
  public var count: Int { starts[series.count] }
  /// Shape of one state, `[C, X…]`.
  public var stateShape: [Int] { [recordings.channelCount] + recordings.spaceShape }
  /// Numbers of one state.
  public var stateSize: Int { recordings.channelCount * recordings.spaceShape.reduce(1, *) }

  /// Holds out the last series, or the end of a single one.
  public func split(holdingOut fraction: Double) -> (rest: FrameSet, held: FrameSet) {
    func held(_ count: Int) -> Int {
      min(count - 1, max(1, Int((Double(count) * fraction).rounded())))
    }
    func part(_ series: some Sequence<Series>) -> FrameSet {
      FrameSet(recordings, series: Array(series))
    }
    guard series.count == 1, let only = series.first else {
      let count = held(series.count)
      return (part(series.dropLast(count)), part(series.suffix(count)))
    }
    let middle = only.frames.upperBound - held(only.frames.count)
    return (
      part([Series(recording: only.recording, frames: only.frames.lowerBound..<middle)]),
      part([Series(recording: only.recording, frames: middle..<only.frames.upperBound)])
    )
  }

  /// At most so many frames, spread evenly over all.
  public func thinned(atMost limit: Int) -> FrameSet {
    guard limit < count else { return self }
    return FrameSet(
      recordings,
      series: (0..<limit).map {
        let (series, frame) = locate($0 * count / limit)
        return Series(recording: series.recording, frames: frame..<frame + 1)
      })
  }

  /// What was observed in every frame of the set, `[frames, k]`; nil for nothing.
  public var observables: HostArray<Double>? {
    guard let all = recordings.observables else { return nil }
    let (frames, width) = (all.shape[1], all.shape[2])
    let values = series.flatMap { series in
      let first = (series.recording * frames + series.frames.lowerBound) * width
      return all.elements[first..<first + series.frames.count * width].map { Double($0) }
    }
    return HostArray(values, shape: [count, width])
  }

  // MARK: Reading

  /// States by their indices among all frames, `[B, C, X…]`.
  public func states(_ indices: some Collection<Int>) -> HostArray<Float> {
    let cells = stateSize / recordings.channelCount
    let values = unsafe filled(count: indices.count * stateSize) {
      (target: UnsafeMutablePointer<Float>) in
      unsafe forEachChannel(of: indices) { place, _, channel in
        unsafe UnsafeMutableRawPointer(target + place * cells)
          .copyMemory(from: channel, byteCount: 4 * cells)
      }
    }
    return HostArray(values, shape: [indices.count] + stateShape)
  }

  /// Frames of a series, counted from its beginning, `[T, C, X…]`.
  public func frames(ofSeries index: Int, _ range: Range<Int>) -> HostArray<Float> {
    states(starts[index] + range.lowerBound..<starts[index] + range.upperBound)
  }

  /// Frames of a series as a model sees them, scaled channel by channel.
  ///
  /// The scaling is done in `Double` and then rounded, once.
  public func scaled(
    ofSeries index: Int, _ range: Range<Int>, by scaler: ChannelScaler
  ) -> [Float] {
    scaledFloats(starts[index] + range.lowerBound..<starts[index] + range.upperBound, by: scaler)
  }

  /// States as a model in single precision sees them.
  public func scaledFloats(_ indices: some Collection<Int>, by scaler: ChannelScaler) -> [Float] {
    scaled(indices, by: scaler)
  }

  /// States as a model in double precision sees them.
  public func scaledDoubles(
    _ indices: some Collection<Int>, by scaler: ChannelScaler
  ) -> [Double] {
    scaled(indices, by: scaler)
  }

  /// Some of the numbers of states, counted through their channels, as a model in double precision
  /// sees them, `[B, numbers]`: for sums over all states of more numbers than memory holds.
  public func scaledDoubles(
    _ indices: some Collection<Int>, numbers: Range<Int>, by scaler: ChannelScaler
  ) -> [Double] {
    let cells = stateSize / recordings.channelCount
    return unsafe filled(count: indices.count * numbers.count) {
      (target: UnsafeMutablePointer<Double>) in
      unsafe forEachChannel(of: indices) { place, channel, values in
        let own = (channel * cells..<(channel + 1) * cells).clamped(to: numbers)
        let (offset, scale) = (scaler.offset[channel], scaler.scale[channel])
        // In bounds: a state has a row of `numbers.count` entries, of which a channel fills its own.
        let row = unsafe target + place / recordings.channelCount * numbers.count
        for number in own {
          let value = unsafe values.loadUnaligned(
            fromByteOffset: 4 * (number - channel * cells), as: Float.self)
          unsafe row[number - numbers.lowerBound] = (Double(value) - offset) / scale
        }
      }
    }
  }

  @inline(__always)
  private func scaled<Number: BinaryFloatingPoint & Sendable>(
    _ indices: some Collection<Int>, by scaler: ChannelScaler
  ) -> [Number] {
    let cells = stateSize / recordings.channelCount
    return unsafe filled(count: indices.count * stateSize) {
      (target: UnsafeMutablePointer<Number>) in
      unsafe forEachChannel(of: indices) { place, channel, numbers in
        let (offset, scale) = (scaler.offset[channel], scaler.scale[channel])
        // In bounds: `cells` numbers of each channel of each state.
        let scaled = unsafe target + place * cells
        for cell in 0..<cells {
          let number = unsafe numbers.loadUnaligned(fromByteOffset: 4 * cell, as: Float.self)
          unsafe scaled[cell] = Number((Double(number) - offset) / scale)
        }
      }
    }
  }

  /// Calls `body` for every channel of every state with its place among all of them, the channel
  /// and its numbers: those of the file where they lie in one piece.
  @inline(__always)
  private func forEachChannel(
    of indices: some Collection<Int>, _ body: (Int, Int, UnsafeRawPointer) -> Void
  ) {
    let (channels, size) = (recordings.channelCount, stateSize)
    guard recordings.hasWholeFrames else {
      return unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { state in
        guard let start = state.baseAddress else { return }
        for (position, index) in indices.enumerated() {
          let (series, frame) = locate(index)
          let whole = recordings.whole(series.recording)
          unsafe recordings.copyCrop(
            recording: series.recording, timeOffset: frame, spaceOffsets: whole.spaceOffsets,
            size: [1] + whole.size.dropFirst(), into: start)
          for channel in 0..<channels {
            unsafe body(position * channels + channel, channel, start + channel * size / channels)
          }
        }
      }
    }
    let (first, strides) = (recordings.firstEntry, recordings.strides)
    unsafe recordings.storage.withBytes { all in
      guard let base = all.baseAddress else { return }
      for (position, index) in indices.enumerated() {
        let (series, frame) = locate(index)
        let entry = first + series.recording * strides[0] + frame * strides[2]
        for channel in 0..<channels {
          unsafe body(
            position * channels + channel, channel, base + 4 * (entry + channel * strides[1]))
        }
      }
    }
  }

  /// Calls `body` with the numbers of every state, one after the other.
  func forEachState(_ body: (Int, UnsafeBufferPointer<Float>) -> Void) {
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: stateSize) { state in
      guard let start = state.baseAddress else { return }
      let channels = recordings.channelCount
      let cells = stateSize / channels
      unsafe forEachChannel(of: 0..<count) { place, channel, numbers in
        unsafe UnsafeMutableRawPointer(start + channel * cells)
          .copyMemory(from: numbers, byteCount: 4 * cells)
        if channel == channels - 1 {
          unsafe body(place / channels, UnsafeBufferPointer(state))
        }
      }
    }
  }

  /// The variance of every number of a state over the frames, in two passes.
  public func variances() -> [Double] {
    var (means, variances) = (
      [Double](repeating: 0, count: stateSize), [Double](repeating: 0, count: stateSize)
    )
    let total = Double(count)
    unsafe forEachState { _, state in
      for index in means.indices { means[index] += unsafe Double(state[index]) / total }
    }
    unsafe forEachState { _, state in
      for index in means.indices {
        let deviation = unsafe Double(state[index]) - means[index]
        variances[index] += deviation * deviation / total
      }
    }
    return variances
  }

  /// The series of a frame, and its number in the recording.
  private func locate(_ index: Int) -> (series: Series, frame: Int) {
    precondition(index >= 0 && index < count, "FrameSet: frame \(index) of \(count)")
    // The last series that does not begin behind the frame.
    var (low, high) = (0, series.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= index { low = middle } else { high = middle }
    }
    return (series[low], series[low].frames.lowerBound + index - starts[low])
  }

  /// Throws ``ModelDataError`` unless there are frames and all their numbers are finite.
  public func requireFinite(_ operation: String) throws(ModelDataError) {
    guard count > 0 else {
      throw ModelDataError(
        operation, found: "empty", allowed: "at least one frame", remedy: "Give recordings.")
    }
    var bad: Int?
    unsafe forEachState { index, values in
      if bad == nil, unsafe !values.allSatisfy(\.isFinite) { bad = index }
    }
    guard let bad else { return }
    throw ModelDataError(
      operation, found: "not finite in frame \(bad)", allowed: "finite numbers",
      remedy: "Leave out recordings that diverged, or replace missing values.")
  }
}
