// Recordings into a file, NPZ or HDF5 by its name, one after the other, so that they need not be in memory together.
public import Foundation
public import KymoNumerics

/// Writes recordings one by one into a new file that NumPy or h5py reads and `Recordings` maps: HDF5
/// where its name ends with .h5 or .hdf5, else NPZ.
///
/// The file appears under its name only at `finish()`. The field starts at a multiple of 64 bytes.
public final class RecordingsWriter {
  private let writer: any ArrayWriter
  private let recordingShape: [Int]
  /// Whether a file has the numbers of a frame particle by particle, as of anything but fields.
  private let isByParticle: Bool
  private let count: Int
  private let parameterCount: Int
  private let metadata: RecordingsMetadata
  /// Number of frames when spectra are written in their place.
  private let spectralFrames: Int?
  private var params: [Float] = []
  private var observables: [Float] = []
  private var written = 0
  /// Frames of the recording that is written frame by frame.
  private var framesWritten = 0

  /// Starts a file; throws at once when the disk has no room for it.
  ///
  /// - Parameters:
  ///   - url: The file; one that exists is replaced at the end.
  ///   - shape: Recordings, channels, frames, then mesh points on one or two axes.
  ///   - parameterCount: Known parameters of each recording, 0 for none.
  ///   - metadata: What else the file says; missing names are filled in.
  /// - Throws: `FileError` when the file cannot be made.
  public convenience init(
    _ url: URL, shape: [Int], parameterCount: Int, metadata: RecordingsMetadata
  ) throws(FileError) {
    try self.init(
      url, shape: shape, parameterCount: parameterCount, metadata: metadata, alwaysWide: false)
  }

  /// Starts a file of 2D convection–diffusion that holds spectra instead of frames.
  ///
  /// Each recording that is appended is the half plane of `numpy.fft.rfft2(u) / (X Y)` of its first
  /// frame, shape `[X, Y/2 + 1, 2]`, its parameters D, v_x, v_y.
  ///
  /// - Parameters:
  ///   - url: The file; one that exists is replaced at the end.
  ///   - shape: Recordings, 1, frames, X, Y: the shape of the recordings that it stands for.
  ///   - metadata: What else the file says; time between frames and extents must be given.
  /// - Throws: `FileError` when the file cannot be made.
  public convenience init(
    _ url: URL, spectraOf shape: [Int], metadata: RecordingsMetadata
  ) throws(FileError) {
    precondition(
      shape.count == 5 && shape[1] == 1 && metadata.frameInterval != nil
        && metadata.extents != nil, "RecordingsWriter: spectra of \(shape)")
    try self.init(
      url, shape: shape, parameterCount: 3, metadata: metadata, alwaysWide: false, isSpectral: true)
  }

  init(
    _ url: URL, shape: [Int], parameterCount: Int, metadata: RecordingsMetadata, alwaysWide: Bool,
    isSpectral: Bool = false
  ) throws(FileError) {
    precondition(
      (4...5).contains(shape.count) && shape.allSatisfy { $0 > 0 } && parameterCount >= 0,
      "RecordingsWriter: shape \(shape), expected [N, C, T, X] or [N, C, T, X, Y]")
    count = shape[0]
    recordingShape = isSpectral ? [shape[3], shape[4] / 2 + 1, 2] : Array(shape[1...])
    spectralFrames = isSpectral ? shape[2] : nil
    isByParticle = metadata.stateKind != .field
    self.parameterCount = parameterCount
    self.metadata = metadata.completed(
      channelCount: shape[1], spaceRank: shape.count - 3, parameterCount: parameterCount)
    let stored =
      switch metadata.stateKind {
      case .field: recordingShape
      case .particles: [shape[2], shape[3], shape[1]]
      case .vector: [shape[2], shape[1]]
      }
    let header = NPYHeader(element: .number(.float32), shape: [count] + stored)
    let expected =
      header.byteCount + 4 * count * parameterCount
      + 4 * count * shape[2] * metadata.observableNames.count
      + 4 * metadata.provenance.unicodeScalars.count
    writer =
      alwaysWide
      ? try NPZWriter(url, expectedBytes: expected, alwaysWide: true)
      : try ArrayFiles.writer(url, expectedBytes: expected)
    try writer.beginArray(
      isSpectral ? RecordingKey.spectra : RecordingKey.field, shape: header.shape)
  }

  /// Adds the next recording, shape `[C, T, X…]` in C order, with its known parameters.
  public func append(
    _ recording: UnsafeBufferPointer<Float>, parameters: [Float]
  ) throws(FileError) {
    precondition(
      recording.count == recordingShape.reduce(1, *) && parameters.count == parameterCount
        && written < count,
      "RecordingsWriter: recording \(written) of \(count) has \(recording.count) numbers and "
        + "\(parameters.count) parameters, expected \(recordingShape) and \(parameterCount)")
    if isByParticle {
      let ordered = HostArray(unsafe Array(recording), shape: recordingShape)
        .exchanged(0).exchanged(1).elements
      try unsafe ordered.withBytes { bytes throws(FileError) in try unsafe writer.appendBlock(bytes)
      }
    } else {
      try unsafe writer.appendBlock(UnsafeRawBufferPointer(recording))
    }
    params += parameters
    written += 1
  }

  /// Adds the next recording, shape `[C, T, X…]`, with its known parameters.
  public func append(_ recording: [Float], parameters: [Float]) throws(FileError) {
    try unsafe recording.withUnsafeBufferPointer { numbers throws(FileError) in
      try unsafe append(numbers, parameters: parameters)
    }
  }

  /// Adds the next frame, shape `[C, X…]`, of the next recording, for recordings that do not fit into
  /// memory.
  ///
  /// - Parameters:
  ///   - frame: The numbers of the frame.
  ///   - parameters: The known parameters of its recording, the same in each frame.
  ///   - observables: What was observed beside it, a number for each of the metadata's names.
  /// - Throws: `FileError` when the file cannot be written.
  public func append(
    frame: [Float], parameters: [Float], observables: [Float] = []
  ) throws(FileError) {
    let (channels, frames) = (recordingShape[0], recordingShape[1])
    let cells = recordingShape[2...].reduce(1, *)
    precondition(
      frame.count == channels * cells && parameters.count == parameterCount && written < count
        && observables.count == metadata.observableNames.count && spectralFrames == nil,
      "RecordingsWriter: a frame of \(frame.count) numbers")
    let size = 4 * cells
    self.observables += observables
    if isByParticle {
      let ordered = HostArray(frame, shape: [channels, cells]).exchanged(0).elements
      try unsafe ordered.withBytes { bytes throws(FileError) in try unsafe writer.appendBlock(bytes)
      }
      return countFrame(of: frames, parameters)
    }
    if framesWritten == 0 { try writer.beginParts(channels, bytes: frames * size) }
    try unsafe frame.withBytes { bytes throws(FileError) in
      for channel in 0..<channels {
        let part = unsafe bytes[channel * size..<(channel + 1) * size]
        try unsafe writer.appendBlock(UnsafeRawBufferPointer(rebasing: part), toPart: channel)
      }
    }
    countFrame(of: frames, parameters)
  }

  private func countFrame(of frames: Int, _ parameters: [Float]) {
    framesWritten += 1
    guard framesWritten == frames else { return }
    params += parameters
    (written, framesWritten) = (written + 1, 0)
  }

  /// Writes what belongs to the recordings and gives the file its name.
  public func finish() throws(FileError) {
    precondition(written == count, "RecordingsWriter: \(written) of \(count) recordings written")
    if parameterCount > 0 {
      try writer.add(
        RecordingKey.parameters, HostArray(params, shape: [count, parameterCount]))
    }
    if !observables.isEmpty {
      let names = metadata.observableNames
      try writer.add(
        RecordingKey.observables,
        HostArray(observables, shape: [count, recordingShape[1], names.count]))
      try writer.add(RecordingKey.observableNames, names)
    }
    if let spectralFrames {
      try writer.add(RecordingKey.frames, Double(spectralFrames))
      try writer.add(RecordingKey.law, RecordingsMetadata.convectionDiffusion)
    }
    try writer.add(metadata)
    try writer.finish()
  }
}

extension ArrayWriter {
  /// Adds what a file says about its recordings beside the numbers, as other verbs read it.
  package func add(_ metadata: RecordingsMetadata) throws(FileError) {
    if let interval = metadata.frameInterval { try add(RecordingKey.frameInterval, interval) }
    if let extents = metadata.extents {
      try add(RecordingKey.extents, HostArray(extents, shape: [extents.count]))
    }
    if metadata.stateKind == .field {
      try add(RecordingKey.boundary, metadata.boundary.map(\.rawValue))
    } else {
      try add(RecordingKey.kind, metadata.stateKind.rawValue)
    }
    let axes = metadata.stateKind == .vector ? 1 : metadata.axisNames.count
    for (key, texts) in [
      (RecordingKey.channelNames, metadata.channelNames),
      (RecordingKey.channelUnits, metadata.channelUnits),
      (RecordingKey.axisNames, Array(metadata.axisNames.prefix(axes))),
      (RecordingKey.axisUnits, Array(metadata.axisUnits.prefix(axes))),
      (RecordingKey.parameterNames, metadata.parameterNames),
      (RecordingKey.parameterUnits, metadata.parameterUnits),
    ] where !texts.isEmpty {
      try add(key, texts)
    }
    for (key, text) in [
      (RecordingKey.system, metadata.systemName), (RecordingKey.provenance, metadata.provenance),
    ] where !text.isEmpty {
      try add(key, text)
    }
  }
}

extension Recordings {
  /// Writes all recordings into a new file, HDF5 or NPZ by its name.
  public func write(to url: URL) throws(FileError) {
    let writer = try RecordingsWriter(
      url, shape: shape, parameterCount: parameterCount, metadata: metadata)
    for index in 0..<count {
      let width = parameterCount
      let row = params.map { Array($0.elements[index * width..<(index + 1) * width]) } ?? []
      try unsafe withRecording(index) { numbers throws(FileError) in
        try unsafe writer.append(numbers, parameters: row)
      }
    }
    try writer.finish()
  }
}
