// The parameter VAE from the first step of training to a rollout: fused kernels on the processor against
// tensor operations, there and on a CUDA device where there is one.
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
    configuration.training.decoderOptimizer = optimizer
    configuration.training.assimilatedFrames = assimilatedFrames
    configuration.training.propagationNoise = assimilatedFrames > 0 ? 0.01 : 0
    (configuration.training.fitCrops, configuration.training.decoderSteps) = (2, 3)
    (configuration.training.straightenings, configuration.training.encoderSteps) = (1, 2)
    if spaceAxes == 2 {
      configuration.training.inputCrop = [33, 34, 36]
      configuration.training.targetCrop = [6, 20, 22]
    }
    return configuration
  }
}

/// What a training and its model give.
private struct Outcome {
  var losses: [Double] = []
  var means: [Double] = []
  var deviations: [Double] = []
  var rollouts: [Float] = []

  init(_ test: Case, device: Device = .cpu, path: ComputePath? = nil, seed: UInt64 = 1) throws {
    let recordings = try test.recordings
    let trainer = try ExtractionTrainer(
      configuration: test.configuration, recordings: recordings, seed: seed, device: device,
      path: path)
    for _ in 0..<trainer.totalSteps { losses.append(try trainer.step().loss) }
    let model = trainer.finishedModel()
    let read = try model.extract(recordings, range: 0..<4)
    (means, deviations) = (read.flatMap(\.mean), read.flatMap(\.standardDeviation))
    for halo in Halo.allCases {
      rollouts += try model.rollout(
        recordings, range: 0..<4, latents: read.map(\.mean), frames: 5, halo: halo
      ).elements
    }
  }

  /// Relative to the largest number of each kind.
  func expectClose(to expected: Outcome, relative: Double, because reason: String) {
    func tolerance(_ values: [some BinaryFloatingPoint]) -> Tolerance {
      let largest = values.map { Double($0.magnitude) }.max() ?? 0
      return Tolerance(absolute: relative * largest, because: reason)
    }
    KymoTestSupport.expectClose(losses, expected.losses, tolerance(expected.losses))
    KymoTestSupport.expectClose(means, expected.means, tolerance(expected.means))
    KymoTestSupport.expectClose(deviations, expected.deviations, tolerance(expected.deviations))
    KymoTestSupport.expectClose(rollouts, expected.rollouts, tolerance(expected.rollouts))
  }
}

@Suite("The parameter VAE on every device", .serialized) struct DeviceTests {
  @Test("is the same by kernels and by tensor operations", arguments: Case.all)
  fileprivate func operations(_ test: Case) throws {
    let expected = try Outcome(test)
    try Outcome(test, path: .operations).expectClose(
      to: expected, relative: 1e-3, because: "float32, optimisers divide by small gradients")
    let other = try Outcome(test, seed: 2)
    expectFar(
      other.losses, expected.losses, Tolerance(absolute: 1e-6, because: "far above rounding"))
  }

  @Test(
    "is the same on a CUDA device", .enabled(if: Device.cudaCount > 0, "needs a CUDA device"),
    arguments: Case.all)
  fileprivate func cuda(_ test: Case) throws {
    try Outcome(test, device: .cuda(0)).expectClose(
      to: Outcome(test), relative: 0.02, because: "convolutions with 10 bits of mantissa (TF32)")
  }

  @Test("is not loaded onto a device that is not there, nor trained from one on another")
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
