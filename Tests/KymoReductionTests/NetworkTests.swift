// The networks of reductions against PyTorch, central differences, and the counts of the paper's
// tables.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoReduction

/// Values from PyTorch; `Golden/networks.py` made them.
private func golden() throws -> SafeTensors.Contents {
  let contents = try SafeTensors.read(
    URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/networks.safetensors"))
  try #require(contents.metadata["format_version"] == "1")
  return contents
}

/// The named network of the golden values, with its weights.
private func network(
  _ name: String, _ golden: SafeTensors.Contents
) throws -> any LatentNetwork {
  let shape = Array(try #require(golden["\(name).x"]).shape.dropFirst())
  let latents = try #require(golden["\(name).latents"]).shape[1]
  let configuration: AutoencoderConfiguration
  if name == "dense" {
    var settings = FeedForwardAutoencoder()
    (settings.latentCount, settings.hiddenWidth, settings.hiddenLayers) = (latents, 7, 2)
    settings.precision = .double
    configuration = .feedForward(settings)
  } else {
    var settings = ConvolutionalAutoencoder()
    settings.latentCount = latents
    settings.channels = name == "plain" ? [3, 4, 5, 2] : [3, 4, 2]
    settings.padding = name == "circular" ? .circular : .zero
    settings.isBatchNormalized = name == "normalised"
    settings.precision = .double
    configuration = .convolutional(settings)
  }
  let reduction = try AutoencoderReduction(
    configuration, stateShape: shape,
    scaler: ChannelScaler(
      kind: .none, offset: shape.prefix(1).flatMap { [Double](repeating: 0, count: $0) },
      scale: shape.prefix(1).flatMap { [Double](repeating: 1, count: $0) }), seed: 1)
  let prefix = "\(name).parameter."
  try reduction.network.namedParameters().load(
    golden.tensors.filter { $0.name.hasPrefix(prefix) }
      .map { (String($0.name.dropFirst(prefix.count)), $0.tensor) }, from: "golden values")
  return reduction.network
}

private let double = Tolerance(
  absolute: 1e-12, relative: 1e-11, because: "double precision, sums of up to 100 terms")

@Suite("Networks of reductions") struct NetworkTests {
  @Test(
    "latents, fields and gradients are PyTorch's",
    arguments: ["dense", "plain", "padded", "circular", "normalised"])
  func golden(_ name: String) throws {
    let golden = try KymoReductionTests.golden()
    let network = try network(name, golden)
    network.isTraining = true
    let x = try #require(golden["\(name).x"])
    let latents = network.encode(x)
    let output = network.decode(latents)
    (output - x).square().mean().backward()
    expectClose(latents.doubles, try #require(golden["\(name).latents"]).doubles, double)
    expectClose(output.doubles, try #require(golden["\(name).output"]).doubles, double)
    for (key, tensor) in network.namedParameters() {
      expectClose(
        try #require(tensor.gradient).doubles,
        try #require(golden["\(name).gradient.\(key)"]).doubles, double)
    }
    for (key, tensor) in network.namedBuffers {
      expectClose(tensor.doubles, try #require(golden["\(name).buffer.\(key)"]).doubles, double)
    }
    if let inUse = golden["\(name).latentsInUse"] {
      network.isTraining = false
      expectClose(network.encode(x).doubles, inUse.doubles, double)
      expectFar(latents.doubles, inUse.doubles, double)
    }
  }

  @Test("zeros beyond the ends differ from a periodic axis") func paddings() throws {
    let golden = try KymoReductionTests.golden()
    let network = try network("plain", golden)
    let x = try #require(golden["plain.x"])
    let turned = Tensor.concatenated(
      [x.sliced(axis: 2, from: 8), x.sliced(axis: 2, from: 0, to: 8)], axis: 2)
    expectFar(network.encode(turned).doubles, network.encode(x).doubles, double)
  }

  @Test("a ring turned by a whole stage gives latents of the turned map") func equivariance() throws
  {
    // With one stage and 8 cells a turn by 2 cells turns the map in front of the dense layer by
    // one.
    var settings = ConvolutionalAutoencoder()
    (settings.latentCount, settings.channels) = (4, [1])
    (settings.padding, settings.precision) = (.circular, .double)
    let reduction = try AutoencoderReduction(
      .convolutional(settings), stateShape: [1, 8],
      scaler: ChannelScaler(kind: .none, offset: [0], scale: [1]), seed: 3)
    let head = try #require(
      reduction.network.namedParameters().first { $0.name == "encoder.head.weight" }
    ).tensor
    let identity = Tensor(doubles: (0..<16).map { $0 % 5 == 0 ? 1 : 0 }, shape: [4, 4])
    withoutGradients { head.copyInPlace(from: identity) }
    var random = RandomStream(seed: 4, purpose: .testing)
    let values = (0..<8).map { _ in Float(random.normal()) }
    let turned = (0..<8).map { values[($0 + 6) % 8] }
    let latents = try reduction.encode(HostArray(values, shape: [1, 1, 8])).elements
    let moved = try reduction.encode(HostArray(turned, shape: [1, 1, 8])).elements
    expectClose(moved, (0..<4).map { latents[($0 + 3) % 4] }, double)
  }

  @Test("parameter counts are those of the paper's tables") func counts() throws {
    func counts(
      _ configuration: AutoencoderConfiguration, _ shape: [Int]
    ) throws -> (encoder: Int, decoder: Int) {
      let ones = [Double](repeating: 1, count: shape[0])
      let reduction = try AutoencoderReduction(
        configuration, stateShape: shape,
        scaler: ChannelScaler(kind: .none, offset: ones, scale: ones), seed: 1)
      func count(_ prefix: String) -> Int {
        reduction.network.namedParameters().filter { $0.name.hasPrefix(prefix) }
          .reduce(0) { $0 + $1.tensor.count }
      }
      #expect(reduction.parameterCount == count("encoder.") + count("decoder."))
      return (count("encoder."), count("decoder."))
    }
    let kuramoto = try counts(.convolutional(.vlachas2022KuramotoSivashinsky), [1, 64])
    #expect(kuramoto == (15_824, 15_841))
    // 86,278 with the long short-term memory of 32 units, 4,608, and its output layer, 66.
    let front = try counts(.feedForward(.vlachas2022FitzHughNagumo), [2, 101])
    #expect(front.encoder + front.decoder == 86_278 - 4_608 - 66)
    let padded = try counts(.convolutional(.vlachas2022FitzHughNagumo), [2, 101])
    let layers = [(2, 8), (8, 16), (16, 32), (32, 4)]
    #expect(padded.encoder == layers.reduce(32 * 2 + 2) { $0 + $1.0 * $1.1 * 5 + $1.1 })
    #expect(padded.decoder == layers.reduce(2 * 32 + 32) { $0 + $1.0 * $1.1 * 5 + $1.0 })
    let cylinder = try counts(.convolutional(.vlachas2022Cylinder), [4, 512, 1024])
    #expect(cylinder.encoder == 13_540 + 4 * 67_620 + 6_762 + 64 * 4 + 4)
    #expect(cylinder.decoder == 6_780 + 4 * 67_620 + 13_524 + 4 * 64 + 64)
  }

  @Test("with all weights zero the latents are the function of the bias") func zeroWeights() throws
  {
    for configuration in [
      AutoencoderConfiguration.feedForward(.init()), .convolutional(.init()),
    ] {
      let reduction = try AutoencoderReduction(
        configuration, stateShape: [1, 64],
        scaler: ChannelScaler(kind: .none, offset: [0], scale: [1]), seed: 1)
      let last = "encoder.\(configuration.latentCount == 2 ? "3" : "head").bias"
      withoutGradients {
        for (name, tensor) in reduction.network.namedParameters() {
          tensor.fillInPlace(name == last ? -0.5 : 0)
        }
      }
      let latents = try reduction.encode(HostArray(repeating: 0.3, shape: [3, 1, 64]))
      #expect(latents.shape == [3, configuration.latentCount])
      expectClose(
        latents.elements, latents.elements.map { _ in Foundation.exp(-0.5) - 1 },
        Tolerance(absolute: 1e-6, because: "float32"))
    }
  }

  @Test("the KL divergence is PyTorch's, zero for the prior, half the square for a shifted one")
  func divergence() throws {
    let golden = try KymoReductionTests.golden()
    let mean = try #require(golden["divergence.mean"])
    let found = VariationalNetwork.klDivergence(
      mean: mean, logVariance: try #require(golden["divergence.logVariance"]))
    expectClose([found.item], try #require(golden["divergence"]).doubles, double)
    let zero = Tensor.zeros([2, 3])
    #expect(VariationalNetwork.klDivergence(mean: zero, logVariance: zero).item == 0)
    let shifted = Tensor([1, 2, -3, 0, 0, 4], shape: [2, 3])
    #expect(
      VariationalNetwork.klDivergence(mean: shifted, logVariance: zero).item == 7.5)
  }

  @Test("variational latents in use are the means; the scale is a head of its own")
  func variational() throws {
    for convolutional in [false, true] {
      var dense = FeedForwardAutoencoder()
      dense.isVariational = true
      var stages = ConvolutionalAutoencoder()
      stages.isVariational = true
      let configuration: AutoencoderConfiguration =
        convolutional ? .convolutional(stages) : .feedForward(dense)
      let reduction = try AutoencoderReduction(
        configuration, stateShape: [1, 16],
        scaler: ChannelScaler(kind: .none, offset: [0], scale: [1]), seed: 1)
      let network = try #require(reduction.network as? VariationalNetwork)
      let x = HostArray((0..<48).map { Float($0 % 7) / 7 }, shape: [3, 1, 16])
      let found = network.distribution(Tensor(x.elements, shape: [3, 1, 16]))
      expectClose(
        try reduction.encode(x).elements, found.mean.doubles,
        Tolerance(absolute: 1e-6, because: "float32"))
      #expect(found.logVariance.doubles != found.mean.doubles)
      let count = configuration.latentCount
      let plain: AutoencoderConfiguration =
        convolutional ? .convolutional(.init()) : .feedForward(.init())
      let other = try AutoencoderReduction(
        plain, stateShape: [1, 16],
        scaler: ChannelScaler(kind: .none, offset: [0], scale: [1]), seed: 1)
      #expect(reduction.parameterCount == other.parameterCount + 2 * count * (count + 1))
    }
  }

  @Test("the KL weight grows from nearly 0 through a half to 1") func betaSchedule() {
    // The half is where exp(e / k) = k: e = k log k, with k = 25 / W(25).
    let w = 2.3601500619  // 2.36015 exp 2.36015 = 25.0000
    let k = 25 / w
    expectClose(
      [divergenceWeight(epoch: k * Foundation.log(k), of: 100)], [0.5],
      Tolerance(absolute: 1e-6, because: "digits of W"))
    expectClose(
      [divergenceWeight(epoch: 0, of: 100)], [1 / (k + 1)],
      Tolerance(absolute: 1e-6, because: "digits of W"))
    #expect(divergenceWeight(epoch: 100, of: 100) > 0.99)
    #expect(divergenceWeight(epoch: 10_000, of: 10_000).isFinite)
  }
}
