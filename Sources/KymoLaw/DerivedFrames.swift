// Recordings with further channels, which are computed when frames are read.
import KymoData
import KymoNumerics

extension Recordings {
  /// The recordings with further channels behind their own; all axes must be periodic.
  ///
  /// Up to 256 MB they are kept in memory; beyond that they are made whenever they are looked at.
  func deriving(_ channels: [DerivedChannel], threads: Int) -> Recordings {
    let source = DerivedFrames(base: self, channels: channels, mesh: PeriodicMesh(grid))
    var metadata = metadata
    metadata.channelNames += channels.map(\.name)
    metadata.channelUnits = []
    let shape = [count, channelCount + channels.count, frameCount] + spaceShape
    let derived = Recordings(source: source, shape: shape, params: params, metadata: metadata)
    guard shape.reduce(1, *) <= 1 << 26 else { return derived }
    let fields = parallelMap(count, threads: threads) { index in
      unsafe derived.withRecording(index) { unsafe Array($0) }
    }
    return Recordings(
      x: HostArray(fields.flatMap(\.self), shape: shape), params: params, metadata: metadata)
  }
}

/// Frames of some recordings with derived channels.
private struct DerivedFrames: FrameSource {
  let base: Recordings
  let channels: [DerivedChannel]
  let mesh: PeriodicMesh

  func copyCrop(_ place: CropPlace, into output: UnsafeMutablePointer<Float>) {
    let (space, own) = (base.spaceShape, base.channelCount)
    let columns = space.count == 2 ? place.size[2] : 1
    let width = place.size[1] * columns
    var frame = [Float](repeating: 0, count: own * mesh.cells)
    for time in 0..<place.size[0] {
      unsafe frame.withUnsafeMutableBufferPointer { buffer in
        guard let start = buffer.baseAddress else { return }
        unsafe base.copyCrop(
          recording: place.recording, timeOffset: place.timeOffset + time,
          spaceOffsets: space.map { _ in 0 }, size: [1] + space, into: start)
      }
      var values = (0..<own).map { channel in
        frame[channel * mesh.cells..<(channel + 1) * mesh.cells].map { Double($0) }
      }
      for channel in channels { values.append(channel.expression.values(values, mesh)) }
      for (channel, field) in values.enumerated() {
        for cell in 0..<width {
          let x = (place.spaceOffsets[0] + cell / columns) % space[0]
          let source =
            space.count == 2
            ? x * space[1] + (place.spaceOffsets[1] + cell % columns) % space[1] : x
          // In bounds: the caller has room for all frames and channels of the crop.
          unsafe output[(time * values.count + channel) * width + cell] = Float(field[source])
        }
      }
    }
  }

  func withOrigin(of recording: Int, _ body: (UnsafeBufferPointer<Float>) -> Void) {
    unsafe base.withRecording(recording) { unsafe body($0) }
  }
}
