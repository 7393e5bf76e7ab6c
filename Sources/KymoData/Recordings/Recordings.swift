// A set of recordings: fields over time and space, each with its own hidden parameters.
// Layout after Lu, Kim and Soljacic (2020): (recordings, channels, time, space…), float32.
public import KymoNumerics

/// Recordings of one system on a uniform mesh: in memory, mapped from a file, or made on demand.
///
/// Shapes: files hold `[N, C, T, X]` or `[N, C, T, X, Y]`, and `shape` counts so; files of particle
/// sets hold `[N, T, P, C]` and are counted `[N, C, T, P]`, those of vectors `[N, T, C]` and are
/// counted `[N, C, T, 1]`. Crops and frames
/// are handed out as `[T, C, X…]`, the order of all models. `params` is `[N, k]`. Numbers that a
/// file stores in another type, byte order or axis order are converted when they are looked at, as
/// long as every recording is one stretch of the file; otherwise they were put in order at loading.
public struct Recordings: Sendable {
  /// Names, scales and origin.
  public var metadata: RecordingsMetadata
  /// A map of every channel that crops and recordings have gone through; nil for the file's units.
  public private(set) var scaling: ChannelScaler?
  /// What is subtracted from every channel, in Double, before its numbers become Float; nil for
  /// nothing.
  public private(set) var offset: [Double]?
  /// What was subtracted from the numbers of the storage already, where they are a copy.
  private var storedOffset: [Double]?
  /// What is left to subtract when numbers are read.
  private(set) var offsetLeft: [Double]?
  /// Known parameters of each recording, shape `[N, k]`; only for scoring, never for training.
  public let params: HostArray<Float>?
  /// What was observed beside the field in every frame, such as a force, shape `[N, T, k]`.
  public internal(set) var observables: HostArray<Float>?
  /// Length of every axis, in the order of files: recordings, channels, frames, then space.
  public let shape: [Int]
  /// Times of the frames, when the file lists them.
  public let times: [Double]?
  let storage: RecordingStorage
  /// Distance, in entries, between neighbours along every axis of `shape`.
  let strides: [Int]
  /// The entry of the first recording, counted from the start of the storage.
  let firstEntry: Int

  init(
    storage: RecordingStorage, shape: [Int], strides: [Int], firstEntry: Int,
    params: HostArray<Float>?, times: [Double]?, metadata: RecordingsMetadata
  ) {
    (self.storage, self.shape, self.strides) = (storage, shape, strides)
    (self.firstEntry, self.params, self.times) = (firstEntry, params, times)
    self.metadata = metadata.completed(
      channelCount: shape[1], spaceRank: shape.count - 3, parameterCount: params?.shape[1] ?? 0)
  }

  /// Wraps fields in memory.
  ///
  /// - Parameters:
  ///   - x: The fields, shape `[N, C, T, X]` or `[N, C, T, X, Y]`, no axis empty.
  ///   - params: Known parameters, shape `[N, k]`.
  ///   - metadata: What is known beside; missing names are filled in.
  ///   - offset: What was subtracted from every channel.
  public init(
    x: HostArray<Float>, params: HostArray<Float>? = nil,
    metadata: RecordingsMetadata = RecordingsMetadata(), offset: [Double]? = nil
  ) {
    precondition(
      (4...5).contains(x.rank) && !x.shape.contains(0),
      "Recordings: x of shape \(x.shape), expected [N, C, T, X] or [N, C, T, X, Y]")
    if let params {
      precondition(
        params.rank == 2 && params.shape[0] == x.shape[0],
        "Recordings: params of shape \(params.shape) for x of shape \(x.shape)")
    }
    let header = NPYHeader(element: .number(.float32), shape: x.shape)
    self.init(
      storage: .owned(x.elements), shape: x.shape, strides: header.strides, firstEntry: 0,
      params: params, times: nil, metadata: metadata)
    (self.offset, storedOffset) = (offset, offset)
  }

  /// Number of recordings.
  public var count: Int { shape[0] }
  /// Number of channels.
  public var channelCount: Int { shape[1] }
  /// Number of frames of each recording.
  public var frameCount: Int { shape[2] }
  /// Mesh points along every space axis.
  public var spaceShape: [Int] { Array(shape[3...]) }
  /// Number of space axes, 1 or 2.
  public var spaceRank: Int { shape.count - 3 }
  /// Numbers in one recording.
  public var recordingLength: Int { shape.reduce(1, *) / shape[0] }
  /// Number of known parameters.
  public var parameterCount: Int { params?.shape[1] ?? 0 }

  /// Names of the columns of `params`.
  public var parameterNames: [String] { metadata.parameterNames }
  /// Names of the channels.
  public var channelNames: [String] { metadata.channelNames }
  /// Names of the axis that is propagated along and of the space axes.
  public var axisNames: [String] { metadata.axisNames }
  /// Time between frames.
  public var frameInterval: Double? { metadata.frameInterval }
  /// Length of every space axis.
  public var extents: [Double]? { metadata.extents }
  /// What holds at the ends of every space axis.
  public var boundary: [Grid.Ends] { metadata.boundary }
  /// Points, lengths and ends of space; spacing 1 where the lengths are unknown.
  public var grid: Grid {
    Grid(
      zip(spaceShape, boundary).enumerated().map { axis, mesh in
        extents.map { Grid.Axis(mesh.0, extent: $0[axis], mesh.1) }
          ?? Grid.Axis(mesh.0, spacing: 1, mesh.1)
      })
  }
  /// What one state is: a field, a particle set with its particles as points, or a vector with one.
  public var stateKind: StateKind { metadata.stateKind }
  /// The system that made the recordings.
  public var systemName: String { metadata.systemName }

  /// Whether the numbers stay in their file and take no memory of their own.
  public var isMapped: Bool {
    switch storage {
    case .mapped: true
    case .composed(let composition): composition.members.allSatisfy(\.isMapped)
    case .owned, .wide, .parts, .onDemand: false
    }
  }

  /// One recording, shape `[T, C, X…]`.
  public subscript(index: Int) -> HostArray<Float> { crop(whole(index)) }

  /// The place of a whole recording.
  func whole(_ index: Int) -> CropPlace {
    CropPlace(
      recording: index, timeOffset: 0, spaceOffsets: spaceShape.map { _ in 0 },
      size: Array(shape[2...]))
  }

  /// The recordings in `range`; shares the numbers.
  public func subset(_ range: Range<Int>) -> Recordings {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count && !range.isEmpty,
      "Recordings: \(range) of \(count) recordings")
    let part = params.map { params in
      let width = params.shape[1]
      return HostArray(
        Array(params.elements[range.lowerBound * width..<range.upperBound * width]),
        shape: [range.count, width])
    }
    var subset = Recordings(
      storage: storage, shape: [range.count] + shape[1...], strides: strides,
      firstEntry: firstEntry + range.lowerBound * strides[0], params: part, times: times,
      metadata: metadata)
    subset.readAs(self)
    subset.observables = observables.map { all in
      let size = all.shape[1] * all.shape[2]
      return HostArray(
        Array(all.elements[range.lowerBound * size..<range.upperBound * size]),
        shape: [range.count, all.shape[1], all.shape[2]])
    }
    return subset
  }

  /// Columns of `params` that are known, finite, in some recording.
  package var knownParameters: [Int] {
    guard let params else { return [] }
    return (0..<parameterCount).filter { column in
      (0..<count).contains { params[$0, column].isFinite }
    }
  }

  /// These recordings with some of their known parameters only.
  package func keeping(parameters columns: [Int]) -> Recordings {
    // Those that frames are made from stay.
    guard let params, !isMadeOnDemand, columns != Array(0..<parameterCount) else { return self }
    let kept =
      columns.isEmpty
      ? nil
      : HostArray(
        (0..<count).flatMap { row in columns.map { params[row, $0] } },
        shape: [count, columns.count])
    var metadata = metadata
    let units = metadata.parameterUnits
    metadata.parameterNames = columns.map { parameterNames[$0] }
    metadata.parameterUnits = units.isEmpty ? [] : columns.map { units[$0] }
    var recordings = Recordings(
      storage: storage, shape: shape, strides: strides, firstEntry: firstEntry, params: kept,
      times: times, metadata: metadata)
    recordings.readAs(self)
    return recordings
  }

  /// The same numbers as a copy of those that others hand out.
  func copied(from others: Recordings) -> Recordings {
    var copy = self
    (copy.offset, copy.storedOffset) = (others.offset, others.offset)
    return copy
  }

  /// Takes scaling, offset and observables from others of the same storage.
  mutating func readAs(_ others: Recordings) {
    (scaling, observables) = (others.scaling, others.observables)
    (offset, storedOffset, offsetLeft) = (others.offset, others.storedOffset, others.offsetLeft)
  }

  /// The recordings in other units, channel by channel, or for nil in those of the file.
  ///
  /// Shares the numbers, which are mapped when they are looked at; replaces a scaling from before.
  public func scaled(by scaler: ChannelScaler?) -> Recordings {
    precondition(
      scaler == nil || scaler?.offset.count == channelCount,
      "Recordings: a scaling for \(scaler?.offset.count ?? 0) of \(channelCount) channels")
    var recordings = self
    recordings.scaling = scaler
    return recordings
  }

  /// The recordings measured from another value of every channel, or for nil as they are.
  ///
  /// Shares the numbers; the offset is subtracted from them in Double when they are read. Known
  /// parameters, scaling and metadata stay.
  public func less(_ offset: [Double]?) -> Recordings {
    precondition(
      offset.map { $0.count == channelCount } ?? true,
      "Recordings: \(offset?.count ?? 0) offsets for \(channelCount) channels")
    var recordings = self
    recordings.offset = offset
    let zeros = [Double](repeating: 0, count: channelCount)
    let left = zip(offset ?? zeros, storedOffset ?? zeros).map { $0 - $1 }
    recordings.offsetLeft = left.contains { $0 != 0 } ? left : nil
    return recordings
  }

  /// The map that brings each channel to mean 0 and variance 1, estimated on at most 200 recordings
  /// spread evenly over all.
  public func standardScaler() -> ChannelScaler {
    precondition(scaling == nil, "standardScaler: the recordings are scaled already")
    let count = min(Recordings.scaledSample, self.count)
    let cells = shape[2...].reduce(1, *)
    var (sums, squares) = (
      [Double](repeating: 0, count: channelCount), [Double](repeating: 0, count: channelCount)
    )
    for place in 0..<count {
      defer { letGo(of: place * self.count / count) }
      unsafe withRecording(place * self.count / count) { values in
        for channel in 0..<channelCount {
          var (sum, square) = (0.0, 0.0)
          for index in channel * cells..<(channel + 1) * cells {
            let value = unsafe Double(values[index])
            sum += value
            square += value * value
          }
          sums[channel] += sum / Double(count * cells)
          squares[channel] += square / Double(count * cells)
        }
      }
    }
    let deviations = zip(sums, squares).map { max(0, $1 - $0 * $0).squareRoot() }
    return ChannelScaler(
      kind: .standard, offset: sums, scale: deviations.map { $0 > 0 ? $0 : 1 })
  }

  private static let scaledSample = 200

  /// Hands out the numbers of one recording in the order of files, shape `[C, T, X…]`.
  ///
  /// They are the file's own bytes when those are aligned float32 in this order, otherwise a
  /// converted copy, or frames made for the purpose. The pointer is valid inside `body` only.
  public func withRecording<Result, Failure: Error>(
    _ index: Int, _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(index >= 0 && index < count, "Recordings: recording \(index) of \(count)")
    if scaling == nil, offsetLeft == nil, let composition,
      let stretch = composition.whole(storedIndex(index))
    {
      return try unsafe composition.members[stretch.member].withRecording(stretch.recording, body)
    }
    let length = recordingLength
    let first = firstEntry + index * strides[0]
    guard source == nil, scaling == nil, offsetLeft == nil, !storage.isReadInParts else {
      return try unsafe crop(whole(index)).exchanged(0).elements
        .withUnsafeBufferPointer { buffer throws(Failure) in try unsafe body(buffer) }
    }
    return try unsafe storage.withBytes { bytes throws(Failure) in
      guard let base = bytes.baseAddress else { preconditionFailure("Recordings: no numbers") }
      let start = unsafe base + storage.type.width * first
      if isPlain, Int(bitPattern: start) % MemoryLayout<Float>.alignment == 0 {
        return try unsafe body(
          UnsafeBufferPointer(start: start.assumingMemoryBound(to: Float.self), count: length))
      }
      let copy = unsafe filled(count: length) { (output: UnsafeMutablePointer<Float>) in
        unsafe NumberConversion.copy(
          shape[1...].map { 0..<$0 }, of: storage.type, at: start, strides: Array(strides[1...]),
          to: output)
      }
      return try unsafe copy.withUnsafeBufferPointer { buffer throws(Failure) in
        try unsafe body(buffer)
      }
    }
  }

  /// Says that a recording will not be read again soon: what of a mapped file is in memory for it
  /// is given back, so that reading all of a large file once does not fill it.
  package func letGo(of index: Int) {
    for stretch in composition?.recordings[storedIndex(index)] ?? [] {
      composition?.members[stretch.member].letGo(of: stretch.recording)
    }
    guard case .mapped(let file, let range, let type) = storage, source == nil, strides[0] > 0
    else { return }
    let start = range.lowerBound + type.width * (firstEntry + index * strides[0])
    file.letGo(start..<min(start + type.width * strides[0], range.upperBound))
  }

  /// Whether a channel of a frame is one piece of float32 of this machine, in the units of the
  /// file.
  var hasWholeFrames: Bool {
    guard source == nil, scaling == nil, offsetLeft == nil, !storage.isReadInParts,
      storage.type == .float32, strides[strides.count - 1] == 1
    else { return false }
    return spaceRank == 1 || strides[3] == shape[4]
  }

  /// Whether every recording is float32 of this machine in C order.
  private var isPlain: Bool {
    storage.type == .float32
      && strides[1...] == NPYHeader(element: .number(.float32), shape: shape).strides[1...]
  }
}

/// Where the numbers are.
enum RecordingStorage: Sendable {
  /// Numbers of a type in a range of a file.
  case mapped(MappedFile, Range<Int>, NumberType)
  case owned([Float])
  /// In memory in double precision, where single precision would lose what changes.
  case wide([Double], of: NumberType)
  /// In a file that hands out parts; the axis of the array for each of N, C, T, X, Y that there is.
  case parts(PatientArray, axes: [Int?])
  /// Nowhere: frames are computed when they are read.
  case onDemand(any FrameSource)
  /// In other recordings.
  indirect case composed(Composition)

  var type: NumberType {
    switch self {
    case .mapped(_, _, let type): type
    case .wide: .float64
    case .owned, .parts, .onDemand, .composed: .float32
    }
  }

  /// The type that the file has, as far as it is known.
  var fileType: NumberType {
    switch self {
    case .wide(_, let type): return type
    case .parts(let array, _):
      guard case .number(let type) = array.element else { return .float32 }
      return type
    case .composed(let composition): return composition.fileType
    case .mapped, .owned, .onDemand: return type
    }
  }

  /// Whether the numbers are not one stretch of memory or of a file.
  var isReadInParts: Bool {
    switch self {
    case .parts, .composed: true
    case .mapped, .owned, .wide, .onDemand: false
    }
  }

  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch self {
    case .mapped(let file, let range, _): try unsafe file.withBytes(range, body)
    case .owned(let values): try unsafe values.withBytes(body)
    case .wide(let values, _): try unsafe values.withBytes(body)
    case .parts, .onDemand, .composed:
      preconditionFailure("Recordings: there are no bytes to look at")
    }
  }
}
