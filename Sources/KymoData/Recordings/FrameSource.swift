// Recordings whose frames are not stored but computed when they are read.
public import KymoNumerics

/// Makes frames of recordings on demand.
///
/// The same place always gives the same numbers, whichever part of a recording is asked for.
public protocol FrameSource: Sendable {
  /// Copies a crop, shape `[time, C, x…]` in C order; it wraps along periodic axes.
  ///
  /// Called from several threads at a time; the caller has checked that the place exists.
  func copyCrop(_ place: CropPlace, into output: UnsafeMutablePointer<Float>)
  /// Hands out the float32 numbers that a recording is made from, for hashes and checks.
  func withOrigin(of recording: Int, _ body: (UnsafeBufferPointer<Float>) -> Void)
}

extension Recordings {
  /// Recordings whose frames are made on demand.
  ///
  /// - Parameters:
  ///   - source: What makes them.
  ///   - shape: Recordings, channels, frames, then mesh points on one or two axes.
  ///   - params: Known parameters, shape `[N, k]`.
  ///   - metadata: What is known beside; missing names are filled in.
  public init(
    source: any FrameSource, shape: [Int], params: HostArray<Float>? = nil,
    metadata: RecordingsMetadata = RecordingsMetadata()
  ) {
    precondition(
      (4...5).contains(shape.count) && !shape.contains { $0 < 1 },
      "Recordings: shape \(shape), expected [N, C, T, X] or [N, C, T, X, Y]")
    let header = NPYHeader(element: .number(.float32), shape: shape)
    self.init(
      storage: .onDemand(source), shape: shape, strides: header.strides, firstEntry: 0,
      params: params, times: nil, metadata: metadata)
  }

  /// What makes the frames; nil when they are stored.
  var source: (any FrameSource)? {
    if case .onDemand(let source) = storage { source } else { nil }
  }

  /// Whether frames are computed when they are read and take no memory before.
  public var isMadeOnDemand: Bool { source != nil }

  /// The number of a recording in the storage, of which this may be a part.
  func storedIndex(_ recording: Int) -> Int { firstEntry / strides[0] + recording }

  /// The same recordings with normal noise on every sample, made on demand as well.
  ///
  /// - Parameters:
  ///   - deviation: Standard deviation of the noise.
  ///   - seed: The same seed gives the same noise on every sample.
  /// - Returns: nil when the frames are stored.
  public func noisyOnDemand(deviation: Double, seed: UInt64) -> Recordings? {
    guard let source else { return nil }
    let noisy = NoisyFrames(
      base: source, spaceShape: spaceShape, channelCount: channelCount, deviation: deviation,
      seed: seed)
    return Recordings(
      storage: .onDemand(noisy), shape: shape, strides: strides, firstEntry: firstEntry,
      params: params, times: times, metadata: metadata)
  }
}

/// Frames with noise that is a function of the seed and of the place of every sample.
struct NoisyFrames: FrameSource {
  var base: any FrameSource
  var spaceShape: [Int]
  var channelCount: Int
  var deviation: Double
  var seed: UInt64

  func copyCrop(_ place: CropPlace, into output: UnsafeMutablePointer<Float>) {
    unsafe base.copyCrop(place, into: output)
    let rowLength = spaceShape[spaceShape.count - 1]
    let is2D = spaceShape.count == 2
    let (rows, columns) = (is2D ? place.size[1] : 1, place.size[place.size.count - 1])
    let start = place.spaceOffsets[place.spaceOffsets.count - 1]
    var target = unsafe output
    for frame in 0..<place.size[0] {
      for channel in 0..<channelCount {
        for row in 0..<rows {
          let line = is2D ? (place.spaceOffsets[0] + row) % spaceShape[0] : 0
          var (position, left) = (start, columns)
          while left > 0 {
            let count = min(left, rowLength - position)
            unsafe addNoise(
              to: target, count: count, seed: seed,
              place: (
                place.recording, channel, place.timeOffset + frame, line * rowLength + position
              ), deviation: deviation)
            unsafe target += count
            left -= count
            position = 0
          }
        }
      }
    }
  }

  func withOrigin(of recording: Int, _ body: (UnsafeBufferPointer<Float>) -> Void) {
    unsafe base.withOrigin(of: recording, body)
    unsafe [Float(deviation), Float(truncatingIfNeeded: seed)].withUnsafeBufferPointer(body)
  }
}

extension Float {
  /// A float that tells seeds apart up to 24 bits of a mixture of theirs.
  fileprivate init(truncatingIfNeeded seed: UInt64) {
    self.init((seed &* 0x9E37_79B9_7F4A_7C15) >> 40)
  }
}

/// Frames of 2D fields under convection and diffusion (Lu, Kim and Soljacic 2020), from spectra.
///
/// Parameters of a recording are D, v_x and v_y. A recording of 64 frames of 256 × 256 points takes
/// 16.8 MB; its spectrum takes 264 kB.
struct ConvectionDiffusionFrames: FrameSource {
  /// `[N, X, Y/2 + 1, 2]`.
  let spectra: RecordingStorage
  let plane: LinearPlane
  let laws: [LinearPlane.Law]
  let frameInterval: Double

  private var length: Int { plane.shape[0] * (plane.shape[1] / 2 + 1) * 2 }

  func copyCrop(_ place: CropPlace, into output: UnsafeMutablePointer<Float>) {
    unsafe withOrigin(of: place.recording) { spectrum in
      guard let start = spectrum.baseAddress else { return }
      unsafe plane.copyFrames(
        of: start, law: laws[place.recording],
        times: (Double(place.timeOffset) * frameInterval, frameInterval),
        origin: place.spaceOffsets, size: place.size, into: output)
    }
  }

  func withOrigin(of recording: Int, _ body: (UnsafeBufferPointer<Float>) -> Void) {
    unsafe spectra.withBytes { bytes in
      // Aligned and in bounds: the loader has checked both.
      let part = unsafe UnsafeRawBufferPointer(
        rebasing: bytes[4 * recording * length..<4 * (recording + 1) * length])
      unsafe body(part.assumingMemoryBound(to: Float.self))
    }
  }
}
