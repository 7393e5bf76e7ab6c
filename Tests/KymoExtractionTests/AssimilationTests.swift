// Starts of rollouts on noisy recordings of a decoder that errs in nothing.
import KymoData
import KymoNumerics
import KymoTensor
import Testing

@testable import KymoExtraction

@Suite("Assimilation of noisy frames") struct AssimilationTests {
  private let noise = 0.3
  private let frames = 4

  /// Crops of the known decoder's recordings, every fourth of them from a first frame, and what is
  /// assimilated from them.
  private func assimilated(noise: Double) throws -> (recorded: Tensor, crops: Tensor) {
    let model = try knownDecoder(bend: 0)
    let halo = model.kernelNetwork.layout.halo
    let (recordings, latents) = try ownRecordings(
      model, count: 40, bend: 0, noise: noise, points: 768)
    let assimilation = try #require(Assimilation(frames: frames, halo: halo))
    let size = assimilation.size(for: [9, 600])
    #expect(size == [13, 600 + 2 * halo])
    let places = (0..<40).map {
      CropPlace(recording: $0, timeOffset: $0 % 4, spaceOffsets: [0], size: size)
    }
    let z = Tensor(latents.flatMap { $0.map(Float.init) }, shape: [40, 3])
    let crops = assimilation.starts(
      recordings.batch(places), atFirstFrame: places.map { $0.timeOffset == 0 }, latents: z,
      model: model)
    // What was recorded where the assimilated crops lie.
    let recorded = recordings.batch(
      places.map {
        CropPlace(
          recording: $0.recording, timeOffset: $0.timeOffset == 0 ? 0 : $0.timeOffset + frames,
          spaceOffsets: [halo], size: [9, 600])
      })
    return (recorded, crops)
  }

  private func isFirst(_ value: Bool, _ crops: Tensor) -> Tensor {
    .stacked((0..<40).filter { ($0 % 4 == 0) == value }.map { crops.selected(axis: 0, index: $0) })
  }

  @Test("without noise nothing changes")
  func clean() throws {
    let (recorded, crops) = try assimilated(noise: 0)
    #expect(crops.shape == [40, 1, 9, 600])
    #expect((crops - recorded).square().mean().item < 1e-10)
    #expect(Assimilation(frames: 0, halo: 6) == nil)
  }

  @Test("recordings that are too small for it are fitted as they are")
  func small() throws {
    let model = try knownDecoder(bend: 0)
    let start = LatentEstimate(mean: [1, 0.3, 0], standardDeviation: [9, 9, 9])
    for (frames, points, isFitted) in [(6, 29, false), (5, 40, false), (6, 30, true)] {
      var metadata = RecordingsMetadata()
      metadata.boundary = [.open]
      var random = RandomStream(seed: 3, purpose: .testing)
      let values = Tensor.normal([1, 1, frames, points], using: &random)
      let recordings = Recordings(x: values.hostArray, params: nil, metadata: metadata)
      let assimilation = try #require(Assimilation(frames: 4, halo: 6))
      #expect(assimilation.fits(recordings) == isFitted)
      func fit(_ assimilated: Int) -> LatentEstimate {
        model.fit(
          recordings, 0, from: start, latents: [0, 1], crops: 2, assimilatedFrames: assimilated)
      }
      #expect((fit(4) != fit(0)) == isFitted)
    }
  }

  @Test("a start has no more than 1/(m + 1) of a frame's variance, and targets stay as recorded")
  func variance() throws {
    let (recorded, crops) = try assimilated(noise: noise)
    let clean = try assimilated(noise: 0).crops
    // Far from the halo, where frames enter as they are.
    let error = PlainRollout.inner(isFirst(false, crops - clean), cut: 60, firstAxis: 3)
      .selected(axis: 2, index: 0).square().mean().item
    // Diffusion takes a part of the noise of earlier frames.
    #expect(error < noise * noise / Double(frames + 1), "\(error)")
    #expect(error > 0.1 * noise * noise / Double(frames + 1), "\(error)")
    // Near it the noise is that of few frames.
    let edge = isFirst(false, crops - clean).sliced(axis: 3, from: 0, to: 3).selected(
      axis: 2, index: 0)
    #expect(edge.square().mean().item < noise * noise)
    let targets = PlainRollout.inner(
      (crops - recorded).sliced(axis: 2, from: 1), cut: 6, firstAxis: 3)
    #expect(targets.square().sum().item == 0)
    // Nothing comes before the first frame.
    let first = isFirst(true, crops - recorded).selected(axis: 2, index: 0)
    #expect(first.square().sum().item == 0)
  }
}
