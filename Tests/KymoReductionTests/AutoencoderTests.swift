// Reductions by autoencoders as users see them: coding, saving, settings.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoReduction

@Suite("Autoencoders as reductions") struct AutoencoderReductionTests {
  @Test(
    "a saved reduction gives the same latents and fields",
    arguments: ["feedForward", "convolutional", "double", "variational", "nearest"])
  func roundTrip(_ name: String) throws {
    var (dense, stages) = (smallAutoencoder(), smallConvolutionalAutoencoder())
    stages.isBatchNormalized = true
    if name == "double" { dense.precision = .double }
    if name == "variational" { dense.isVariational = true }
    let trainer = try ReductionTrainer(
      name == "convolutional" ? .convolutional(stages) : .feedForward(dense),
      training: fixedTraining(20),
      states: FrameSet(states: fronts(64)),
      validation: FrameSet(states: fronts(16, seed: 2)), seed: 1)
    while !trainer.isFinished { _ = try trainer.step() }
    let reduction = trainer.finishedReduction()
    if name == "nearest" { try reduction.projectLatents(fittedTo: FrameSet(states: fronts(64))) }
    let folder = try TemporaryFolder()
    try reduction.save(to: folder.path("model"))
    let loaded = try AutoencoderReduction(from: folder.path("model"))
    #expect(loaded.configuration == reduction.configuration && loaded.scaler == reduction.scaler)
    let states = fronts(40, seed: 5)
    let latents = try reduction.encode(states)
    let found = try loaded.encode(states)
    #expect(found == latents)
    let (fields, again) = (try reduction.decode(latents), try loaded.decode(latents))
    #expect(fields == again && fields.shape == states.shape)
  }

  @Test("latents of the nearest field make up for an encoder that is off") func nearest() throws {
    let trainer = try ReductionTrainer(
      .feedForward(smallAutoencoder()), training: fixedTraining(2000),
      states: FrameSet(states: fronts(64)),
      validation: FrameSet(states: fronts(16, seed: 2)), seed: 1)
    while !trainer.isFinished { _ = try trainer.step() }
    let reduction = trainer.finishedReduction()
    let states = fronts(40, seed: 5)
    func error() throws -> Double { try reduction.reconstructionError(of: states).scaled }
    let trained = try error()
    let spread = try reduction.encode(states)
    let bias = try #require(
      reduction.network.state.last { $0.name.hasPrefix("encoder") && $0.name.hasSuffix("bias") })
    #expect(bias.tensor.shape == [spread.shape[1]])
    withoutGradients { bias.tensor.copyInPlace(from: bias.tensor + 0.02) }
    let shifted = try error()
    #expect(shifted > 20 * trained)
    try reduction.projectLatents(fittedTo: FrameSet(states: fronts(64)))
    #expect(try error() < 1.1 * trained)
    #expect(throws: ModelDataError.self) {
      try reduction.projectLatents(
        fittedTo: FrameSet(states: HostArray(repeating: 0, shape: [2, 1, 16])))
    }
  }

  @Test(
    "blocks and single states agree with one batch", arguments: ["feedForward", "convolutional"])
  func blocks(_ name: String) throws {
    let states = fronts(1100)
    let reduction = try AutoencoderReduction(
      name == "feedForward"
        ? .feedForward(smallAutoencoder(latents: 2))
        : .convolutional(smallConvolutionalAutoencoder()),
      stateShape: [2, 16],
      scaler: ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(states)), seed: 1)
    let latents = try reduction.encode(states)
    let fields = try reduction.decode(latents)
    let close = Tolerance(absolute: 1e-6, relative: 1e-6, because: "float32, other order of sums")
    for index in [0, 1023, 1024, 1099] {
      let state = HostArray(states.slice(index).elements, shape: [1, 2, 16])
      let latent = try reduction.encode(state)
      expectClose(latent.elements, latents.slice(index).elements, close)
      expectClose(try reduction.decode(latent).elements, fields.slice(index).elements, close)
    }
    let none = try reduction.encode(HostArray([], shape: [0, 2, 16]))
    #expect(none.shape == [0, reduction.latentCount])
  }

  @Test("wrong shapes are refused") func shapes() throws {
    let reduction = try AutoencoderReduction(
      .feedForward(smallAutoencoder(latents: 3)), stateShape: [2, 16],
      scaler: ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(fronts(8))), seed: 1)
    #expect(throws: ModelDataError.self) {
      _ = try reduction.encode(HostArray(repeating: 0, shape: [2, 16]))
    }
    #expect(throws: ModelDataError.self) {
      _ = try reduction.decode(HostArray(repeating: 0, shape: [4, 2]))
    }
  }

  @Test("settings are strict, and each that cannot work is named") func settings() throws {
    func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
      try SettingsTree(json: Data(text.utf8)).decode(type)
    }
    let configuration = try decode(
      AutoencoderConfiguration.self, #"{"convolutional": {"latentCount": 3, "channels": [4, 2]}}"#)
    var expected = ConvolutionalAutoencoder()
    (expected.latentCount, expected.channels) = (3, [4, 2])
    #expect(configuration == .convolutional(expected))
    let encoded = try SettingsTree(encoding: configuration)
    #expect(try encoded.decode(AutoencoderConfiguration.self) == configuration)
    for text in [#"{"feedForward": {}, "convolutional": {}}"#, "{}", #"{"dense": {}}"#] {
      #expect(throws: ConfigurationError.self) {
        _ = try decode(AutoencoderConfiguration.self, text)
      }
    }
    let training = try decode(
      ReductionTraining.self,
      #"{"batchSize": 8, "phase": {"steps": 9, "learningRate": {"constant": {}}}}"#)
    var expectedPhase = ReductionTraining().phase
    (expectedPhase.steps, expectedPhase.learningRate) = (9, .constant(.init()))
    #expect(training.batchSize == 8 && training.phase == expectedPhase)
    // What is not written of a choice is as in its place.
    let cycle = try decode(
      ReductionTraining.self, #"{"phase": {"learningRate": {"oneCycle": {"peak": 0.5}}}}"#)
    #expect(cycle.phase.learningRate == .oneCycle(.init(peak: 0.5, warmupFraction: 0.1)))
    let former = #expect(throws: ConfigurationError.self) {
      _ = try decode(ReductionTraining.self, #"{"course": {"rounds": {}}}"#)
    }
    #expect(former?.remedy.contains("phase") == true)

    var dense = FeedForwardAutoencoder()
    dense.scaling = .standard
    let range = #expect(throws: ConfigurationError.self) { try dense.validate() }
    #expect(range?.path == "feedForward.outputActivation")
    for (path, change) in [
      ("latentCount", { (s: inout FeedForwardAutoencoder) in s.latentCount = 0 }),
      ("hiddenWidth", { $0.hiddenWidth = 0 }), ("hiddenLayers", { $0.hiddenLayers = -1 }),
      ("scalingSlack", { $0.scalingSlack = -0.1 }),
    ] {
      var settings = FeedForwardAutoencoder()
      change(&settings)
      let error = #expect(throws: ConfigurationError.self) { try settings.validate() }
      #expect(error?.path == "feedForward.\(path)")
    }
    for (path, change) in [
      ("channels", { (s: inout ConvolutionalAutoencoder) in s.channels = [] }),
      ("kernelWidth", { $0.kernelWidth = 4 }),
    ] {
      var settings = ConvolutionalAutoencoder()
      change(&settings)
      let error = #expect(throws: ConfigurationError.self) { try settings.validate() }
      #expect(error?.path == "convolutional.\(path)")
    }
    for (path, change) in [
      ("batchSize", { (s: inout ReductionTraining) in s.batchSize = 0 }),
      ("inputNoise", { $0.inputNoise = -1 }), ("beta", { $0.beta = .nan }),
    ] {
      var settings = ReductionTraining()
      change(&settings)
      let error = #expect(throws: ConfigurationError.self) { try settings.validate() }
      #expect(error?.path == "training.\(path)")
    }
  }

  @Test(
    "fields that do not suit the stages are refused", arguments: [[1, 8], [1, 4, 4], [1, 12]])
  func stages(_ shape: [Int]) throws {
    var settings = ConvolutionalAutoencoder()
    settings.padding = shape == [1, 12] ? .circular : .zero
    if shape == [1, 12] { settings.channels = [2] }
    #expect(throws: ConfigurationError.self) {
      _ = try AutoencoderReduction(
        .convolutional(settings), stateShape: shape,
        scaler: ChannelScaler(kind: .none, offset: [0], scale: [1]), seed: 1)
    }
  }
}
