// The parameter VAE from the first step of training to a rollout: fused kernels on the processor
// against tensor operations, there and on a CUDA device where there is one.
import KymoData
import KymoMetrics
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoExtraction

private struct Case: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var spaceAxes = 1
  var kernels = KernelNetwork.perceptron
  var dropout = 0.0
  var assimilatedFrames = 0
  var optimizer = OptimizerChoice.adam

  static let all = [
    Case(testDescription: "one axis"),
    Case(
      testDescription: "one axis, noisy", kernels: .quadratic, dropout: 0.2, assimilatedFrames: 2,
      optimizer: .soap),
    Case(testDescription: "two axes", spaceAxes: 2, kernels: .affine),
  ]

  var recordings: Recordings {
    get throws { try spaceAxes == 1 ? travellingWaves(12) : planeWaves(8) }
  }

  /// All parts of a training.
  var configuration: ExtractionConfiguration {
    var configuration = smallExtraction(steps: 4)
    configuration.model.kernelNetwork = kernels
    configuration.model.linearWidth = 5
    configuration.model.averagingDropout = dropout
    configuration.training.phases.decoder.optimizer = optimizer
    configuration.training.assimilatedFrames = assimilatedFrames
    configuration.training.propagationNoise = assimilatedFrames > 0 ? 0.01 : 0
    (configuration.training.fitCrops, configuration.training.straightenings) = (2, 1)
    configuration.training.phases.decoder.steps = 3
    configuration.training.phases.encoder.steps = 2
    if spaceAxes == 2 {
      configuration.training.inputCrop = [33, 34, 36]
      configuration.training.targetCrop = [6, 20, 22]
    }
    return configuration
  }
}

/// What a model finds in recordings and makes of them.
private struct Findings {
  var means: [Double]
  var deviations: [Double]
  var rollouts: [Float] = []

  init(_ model: ParameterVAE, _ recordings: Recordings) throws {
    let read = try model.extract(recordings, range: 0..<4)
    (means, deviations) = (read.flatMap(\.mean), read.flatMap(\.standardDeviation))
    let latents = [[Double]](repeating: [0.3, -0.7], count: 4)
    for halo in Halo.allCases {
      rollouts += try model.rollout(
        recordings, range: 0..<4, latents: latents, frames: 5, halo: halo
      ).elements
    }
  }

  func expectClose(to expected: Findings, relative: Double, because reason: String) {
    func tolerance(_ values: [some BinaryFloatingPoint]) -> Tolerance {
      let largest = values.map { Double($0.magnitude) }.max() ?? 0
      return Tolerance(absolute: relative * largest, because: reason)
    }
    KymoTestSupport.expectClose(means, expected.means, tolerance(expected.means))
    KymoTestSupport.expectClose(deviations, expected.deviations, tolerance(expected.deviations))
    KymoTestSupport.expectClose(rollouts, expected.rollouts, tolerance(expected.rollouts))
  }
}

@Suite("The parameter VAE on every device", .serialized) struct DeviceTests {
  /// The losses of a training with all its parts, and its model.
  private func trained(
    _ test: Case, device: Device = .cpu, path: ComputePath? = nil, seed: UInt64 = 1
  ) throws -> (losses: [Double], model: ParameterVAE) {
    let trainer = try ExtractionTrainer(
      configuration: test.configuration, recordings: test.recordings, seed: seed, device: device,
      path: path)
    let losses = try (0..<trainer.totalSteps).map { _ in try trainer.step().loss }
    return (losses, trainer.finishedModel())
  }

  @Test("is the same by kernels and by tensor operations", arguments: Case.all)
  fileprivate func operations(_ test: Case) throws {
    let (expected, model) = try trained(test)
    // Steps are gradients over their size, so that rounding in small ones grows.
    expectClose(
      try trained(test, path: .operations).losses, expected,
      Tolerance(absolute: 2e-4, relative: 5e-3, because: "float32 over all parts"))
    expectFar(
      try trained(test, seed: 2).losses, expected,
      Tolerance(relative: 5e-5, because: "far above rounding"))
    let twin = try ParameterVAE(
      configuration: model.configuration, field: model.field, seed: 3, path: .operations)
    twin.normalizes = false
    try twin.namedParameters.load(model.namedParameters, from: test.testDescription)
    let recordings = try test.recordings
    try Findings(twin, recordings).expectClose(
      to: Findings(model, recordings), relative: 2e-5, because: "float32 sums in another order")
  }

  @Test(
    "is the same on a CUDA device", .enabled(if: Device.cudaCount > 0, "needs a CUDA device"),
    arguments: Case.all)
  fileprivate func cuda(_ test: Case) throws {
    let (expected, model) = try trained(test)
    let reason = "convolutions with 10 bits of mantissa (TF32)"
    expectClose(
      try trained(test, device: .cuda(0)).losses, expected,
      Tolerance(absolute: 0.01, relative: 0.05, because: reason))
    let folder = try TemporaryFolder()
    try model.save(to: folder.url)
    let recordings = try test.recordings
    try Findings(ParameterVAE.load(from: folder.url, device: .cuda(0)), recordings).expectClose(
      to: Findings(model, recordings), relative: 0.01, because: reason)
  }

  @Test("is not loaded onto a device that is not there")
  func elsewhere() throws {
    let recordings = try travellingWaves(2)
    let model = try ParameterVAE(
      configuration: smallExtraction(steps: 1).model, field: FieldDescription(recordings), seed: 1)
    model.foldNormalization()
    let folder = try TemporaryFolder()
    try model.save(to: folder.url)
    let error = #expect(throws: TensorError.self) {
      try ParameterVAE.load(from: folder.url, device: .cuda(97))
    }
    #expect(error?.message.contains("'cuda:97' is not here") == true)
  }
}
