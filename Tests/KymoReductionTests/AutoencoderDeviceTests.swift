// Autoencoders by kernels and by tensor operations on every device.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoReduction

@Suite("Autoencoders on every device", .serialized) struct AutoencoderDeviceTests {
  private static let kinds = [
    "feedForward", "variational", "convolutional", "normalized", "variationalConvolutional",
  ]
  private static let states = fronts(300)

  private func untrained(
    _ name: String, device: Device = .cpu, path: ComputePath? = nil, seed: UInt64 = 1
  ) throws -> AutoencoderReduction {
    var (dense, stages) = (smallAutoencoder(latents: 2), smallConvolutionalAutoencoder())
    dense.isVariational = name == "variational"
    stages.isVariational = name == "variationalConvolutional"
    stages.isBatchNormalized = name == "normalized"
    return try AutoencoderReduction(
      name == "feedForward" || name == "variational" ? .feedForward(dense) : .convolutional(stages),
      stateShape: [2, 16],
      scaler: ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(Self.states)), seed: seed,
      device: device, path: path)
  }

  /// The losses of a short training, after which the reduction is a trained one.
  private func losses(_ reduction: AutoencoderReduction) throws -> [Double] {
    let trainer = try ReductionTrainer(
      reduction, training: fixedTraining(8), states: FrameSet(states: Self.states),
      validation: FrameSet(states: fronts(40, seed: 2)), seed: 1)
    let losses = try (0..<8).map { _ in try trainer.step().loss }
    _ = trainer.finishedReduction()
    return losses
  }

  private func expectSame(
    _ found: AutoencoderReduction, _ expected: AutoencoderReduction, _ tolerance: Tolerance
  ) throws {
    let latents = try expected.encode(Self.states)
    expectClose(try found.encode(Self.states).elements, latents.elements, tolerance)
    expectClose(
      try found.decode(latents).elements, try expected.decode(latents).elements, tolerance)
  }

  @Test("are the same by kernels and by tensor operations", arguments: kinds)
  func operations(_ name: String) throws {
    let (trained, plain) = (try untrained(name), try untrained(name, path: .operations))
    let expected = try losses(trained)
    // Steps are gradients over their size, so that rounding in small ones grows.
    expectClose(
      try losses(plain), expected, Tolerance(relative: 2e-3, because: "float32 over eight steps"))
    expectFar(
      try losses(untrained(name, seed: 2)), expected,
      Tolerance(relative: 2e-5, because: "far above rounding"))
    let twin = try untrained(name, path: .operations, seed: 3)
    try twin.network.state.load(trained.network.state, from: name)
    try expectSame(
      twin, trained, Tolerance(absolute: 2e-5, relative: 2e-5, because: "float32 sums"))
  }

  @Test(
    "are the same on a CUDA device", .enabled(if: Device.cudaCount > 0, "needs a CUDA device"),
    arguments: kinds)
  func cuda(_ name: String) throws {
    let trained = try untrained(name)
    let expected = try losses(trained)
    let tolerance = Tolerance(
      absolute: 0.02, relative: 0.02, because: "convolutions with 10 bits of mantissa (TF32)")
    expectClose(try losses(untrained(name, device: .cuda(0))), expected, tolerance)
    let folder = try TemporaryFolder()
    try trained.save(to: folder.url)
    try expectSame(
      AutoencoderReduction(from: folder.url, device: .cuda(0)), trained, tolerance)
  }

  @Test("are not loaded onto a device that is not there") func elsewhere() throws {
    let folder = try TemporaryFolder()
    try untrained("feedForward").save(to: folder.url)
    let error = #expect(throws: TensorError.self) {
      try AutoencoderReduction(from: folder.url, device: .cuda(97))
    }
    #expect(error?.message.contains("'cuda:97' is not here") == true)
  }
}
