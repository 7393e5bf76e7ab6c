// Fields in two space dimensions through the whole model: encoder, tiles of whole recordings,
// training in small, the saved model.
import Foundation
import KymoData
import KymoMetrics
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoExtraction

/// Travelling waves on a plane whose velocity differs from recording to recording.
func planeWaves(
  _ count: Int = 16, frames: Int = 36, points: [Int] = [20, 24],
  boundary: [Grid.Ends] = [.periodic, .periodic]
) -> Recordings {
  var values: [Float] = []
  var speeds: [Float] = []
  for index in 0..<count {
    var random = RandomStream(seed: 3, purpose: .testing, index: UInt64(index))
    let speed = [0.4 * random.normal(), 0.4 * random.normal()]
    let mode = [1, Double(random.index(below: 2))]
    let phase = 2 * Double.pi * random.uniform()
    for frame in 0..<frames {
      for x in 0..<points[0] {
        for y in 0..<points[1] {
          let turn =
            mode[0] * (Double(x) - speed[0] * Double(frame)) / Double(points[0])
            + mode[1] * (Double(y) - speed[1] * Double(frame)) / Double(points[1])
          values.append(Float(cos(2 * .pi * turn + phase)))
        }
      }
    }
    speeds += speed.map(Float.init)
  }
  var metadata = RecordingsMetadata()
  metadata.boundary = boundary
  return Recordings(
    x: HostArray(values, shape: [count, 1, frames] + points),
    params: HostArray(speeds, shape: [count, 2]), metadata: metadata)
}

private func small(steps: Int) -> ExtractionConfiguration {
  var configuration = ExtractionConfiguration()
  configuration.model.latents = 2
  configuration.model.kernelUnits = 16
  configuration.model.linearWidth = 5
  configuration.training.phases.joint.steps = steps
  configuration.training.batchSize = 8
  configuration.training.inputCrop = [33, 34, 36]
  configuration.training.targetCrop = [6, 20, 22]
  return configuration
}

@Suite("Fields in two space dimensions", .serialized) struct PlaneTests {
  @Test("the encoder on a lattice equals the dense map at the common positions", arguments: [2, 4])
  func lattice(_ spacing: Int) throws {
    var weights = RandomStream(seed: 1, purpose: .weights)
    let network = DynamicsEncoder(channels: 1, spaceAxes: 2, latents: 5, using: &weights)
    var random = RandomStream(seed: 5, purpose: .testing)
    let input = Tensor.normal([2, 1, 35, 37, 42], using: &random)
    let dense = network.features(input, lattice: .dense).reshaped([2, 5, 7, 12, 64])
    let common = (1...3).reduce(dense) { $0.sliced(axis: $1, step: spacing) }.contiguous()
    let lattice = try #require(EncoderLattice(rawValue: spacing))
    let scale = Double(common.abs().max().item)
    expectClose(
      network.features(input, lattice: lattice).floats, common.floats,
      Tolerance(absolute: 1e-6 * scale, because: "sums of up to 1728 float32 products, reordered"))
  }

  @Test(
    "tiles of a recording pool to the same latents as the whole",
    arguments: [1, 2, 4], [[Grid.Ends.periodic, .periodic], [.wall, .periodic]])
  func tiles(_ spacing: Int, _ boundary: [Grid.Ends]) throws {
    let recordings = planeWaves(2, frames: 37, points: [35, 14], boundary: boundary)
    let model = try ParameterVAE(
      configuration: small(steps: 1).model, field: FieldDescription(recordings), seed: 1)
    let lattice = try #require(EncoderLattice(rawValue: spacing))
    let whole = model.encoderTile(recordings, lattice: lattice)
    #expect(whole == [7, boundary[0] == .periodic ? 35 : 5, 14])
    let (expected, found) = withoutGradients {
      (
        model.wholeDistribution(recordings, 0..<2, lattice: lattice, tile: whole),
        model.wholeDistribution(recordings, 0..<2, lattice: lattice, tile: [4, 8, 8])
      )
    }
    let tolerance = Tolerance(absolute: 1e-5, because: "float32 sums in another order")
    expectClose(found.mean.doubles, expected.mean.doubles, tolerance)
    expectClose(found.logVariance.doubles, expected.logVariance.doubles, tolerance)
    // Waves along the first axis alone would not notice a shift along the second.
    guard spacing == 4, boundary[0] == .periodic else { return }
    let shifted = withoutGradients {
      model.wholeDistribution(recordings, 0..<2, lattice: lattice, tile: [4, 7, 7])
    }
    // Tiles off the lattice are noticed (negative control).
    expectFar(shifted.mean.doubles, expected.mean.doubles, tolerance, factor: 10)
  }

  @Test("a recording of the paper's size is evaluated in bounded memory")
  func memory() throws {
    let recordings = Recordings(
      x: HostArray(repeating: Float(0), shape: [1, 1, 64, 256, 256]), metadata: periodic)
    let model = try ParameterVAE(
      configuration: small(steps: 1).model, field: FieldDescription(recordings), seed: 1)
    for lattice in EncoderLattice.allCases {
      let tile = model.encoderTile(recordings, lattice: lattice)
      let floats = model.encoder.workingSize(input: tile.map { $0 + 30 }, lattice: lattice)
      #expect(floats <= 40_000_000, "\(tile)")
      #expect(lattice != .fourth || tile == [34, 256, 256])
    }
  }

  @Test("a collapsed latent reads 0.01425 on whole recordings of the paper's size")
  func collapsed() throws {
    var random = RandomStream(seed: 6, purpose: .testing)
    let values = (0..<64 * 256 * 256).map { _ in Float(random.uniform() - 0.5) }
    let recordings = Recordings(
      x: HostArray(values, shape: [1, 1, 64, 256, 256]), metadata: periodic)
    var configuration = small(steps: 1).model
    configuration.normalizedMeans = false
    let model = try ParameterVAE(
      configuration: configuration, field: FieldDescription(recordings), seed: 1)
    // σ² = 1 on a training crop of 45 × 62 × 62: local variance 15360/14415.
    model.trainedMap = [15, 32, 32]
    withoutGradients {
      model.encoder.varianceHead.weight.zeroInPlace()
      model.encoder.varianceHead.bias.fillInPlace(log(15360.0 / 14415))
    }
    let latents = try model.extract(recordings, range: 0..<1, encoderStride: 4)
    let expected = model.collapsedVariance(for: recordings)
    #expect((expected - 0.01425).magnitude < 5e-6)
    expectClose(
      latents[0].standardDeviation.map { $0 * $0 }, [expected, expected],
      Tolerance(relative: 1e-5, because: "float32 logarithms"))
  }

  @Test("training lowers the reconstruction error to less than 0.6 of it")
  func learns() throws {
    var configuration = small(steps: 300)
    configuration.training.propagationNoise = 0.001
    let trainer = try ExtractionTrainer(
      configuration: configuration, recordings: planeWaves(), seed: 1)
    let reports = try (0..<300).map { _ in try trainer.step() }
    let first = reports.prefix(10).reduce(0) { $0 + $1.reconstruction }
    let last = reports.suffix(10).reduce(0) { $0 + $1.reconstruction }
    #expect(last < 0.6 * first, "from \(first / 10) to \(last / 10)")
  }

  @Test("the saved model gives the trained model's latents and rollouts")
  func savedModel() throws {
    let recordings = planeWaves(3)
    let trainer = try ExtractionTrainer(
      configuration: small(steps: 3), recordings: recordings, seed: 2)
    for _ in 0..<3 { _ = try trainer.step() }
    let model = trainer.finishedModel()
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "kymo-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try model.save(to: folder)
    let loaded = try ParameterVAE.load(from: folder)
    let latents = try model.extract(recordings, range: 0..<3)
    #expect(try loaded.extract(recordings, range: 0..<3).map(\.mean) == latents.map(\.mean))
    for halo in [Halo.periodic, .groundTruth] {
      let found = try [model, loaded].map {
        try $0.rollout(
          recordings, range: 0..<3, latents: latents.map(\.mean), frames: 7, halo: halo)
      }
      #expect(found[0].shape == [3, 7, 1, 20, 24])
      #expect(found[0] == found[1])
      // Six cells at each end are the recording's where that is the halo, and predicted elsewhere.
      let isGiven = [5, 6].map { found[0][1, 3, 0, $0, 10] == recordings[1][4, 0, $0, 10] }
      #expect(isGiven == [halo == .groundTruth, false])
    }
  }

  private var periodic: RecordingsMetadata {
    var metadata = RecordingsMetadata()
    metadata.boundary = [.periodic, .periodic]
    return metadata
  }
}
