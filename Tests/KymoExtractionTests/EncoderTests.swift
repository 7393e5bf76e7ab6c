// The dynamics encoder: lattices against the dense map, pooling against its exact cases, sizes.
import CKernels
import Foundation
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoExtraction

private func encoder(channels: Int = 1, seed: UInt64 = 1) -> DynamicsEncoder {
  var random = RandomStream(seed: seed, purpose: .weights)
  return DynamicsEncoder(channels: channels, spaceAxes: 1, latents: 5, using: &random)
}

private struct FusedCase: Sendable {
  var lattice = EncoderLattice.fourth
  var channels = 1
  var input = [36, 50]
}

@Suite("The dynamics encoder") struct EncoderTests {
  @Test("on a lattice equals the dense map at the common positions", arguments: [2, 4])
  func lattice(_ spacing: Int) throws {
    let network = encoder(channels: 2)
    var random = RandomStream(seed: 5, purpose: .testing)
    let input = Tensor.normal([3, 2, 64, 94], using: &random)
    let lattice = try #require(EncoderLattice(rawValue: spacing))
    let dense = network.features(input, lattice: .dense).reshaped([3, 34, 64, 64])
    let common = dense.sliced(axis: 1, step: spacing).sliced(axis: 2, step: spacing)
    let sparse = network.features(input, lattice: lattice)
    #expect(sparse.shape[1] == common.shape[1] * common.shape[2])
    let scale = Double(common.abs().max().item)
    expectClose(
      sparse.floats, common.contiguous().floats,
      Tolerance(absolute: 1e-6 * scale, because: "sums of up to 576 float32 products, reordered"))
  }

  @Test("a lattice of the wrong phase is noticed (negative control)")
  func latticeControl() {
    let network = encoder()
    var random = RandomStream(seed: 5, purpose: .testing)
    let input = Tensor.normal([1, 1, 64, 94], using: &random)
    let dense = network.features(input, lattice: .dense).reshaped([1, 34, 64, 64])
    let shifted = dense.sliced(axis: 1, from: 1, step: 4).sliced(axis: 2, step: 4)
    let sparse = network.features(input, lattice: .fourth).reshaped([1, 9, 16, 64])
      .sliced(axis: 1, from: 0, to: shifted.shape[1])
    expectFar(
      sparse.contiguous().floats, shifted.contiguous().floats,
      Tolerance(absolute: 1e-6, because: "as above"))
  }

  @Test("pools a constant map to the plain mean and e^s·Πmin(31, n)/n")
  func constantVariance() {
    let network = encoder()
    withoutGradients {
      network.varianceHead.weight.zeroInPlace()
      network.varianceHead.bias.copyInPlace(from: Tensor([0.3, -1, 0, 2, 1], shape: [5]))
    }
    var random = RandomStream(seed: 9, purpose: .testing)
    let input = Tensor.normal([2, 1, 64, 94], using: &random)
    for lattice in EncoderLattice.allCases {
      let found = network.encode(input, lattice: lattice)
      let means = Tensor.linear(
        network.features(input, lattice: lattice), network.meanHead.weight, network.meanHead.bias
      ).mean(axes: [1])
      expectClose(
        found.mean.doubles, means.doubles,
        Tolerance(absolute: 1e-6, because: "float32 means of up to 2176 values"))
      let expected = [0.3, -1, 0, 2, 1].map { $0 + log(961.0 / 2176) }
      expectClose(
        found.logVariance.doubles, expected + expected,
        Tolerance(absolute: 2e-6, because: "float32 logarithms"))
    }
  }

  @Test("averaging dropout is the pooling over the kept positions, times (1 − p)")
  func dropout() {
    let network = encoder()
    var random = RandomStream(seed: 4, purpose: .testing)
    let input = Tensor.normal([1, 1, 31, 40], using: &random)
    let kept = (0..<10).flatMap { p in (0..<5).map { _ in p == 3 || p == 7 } }
    let found = network.encode(
      input, lattice: .dense, kept: (Tensor(booleans: kept, shape: [1, 10, 5]), 0.2))
    let features = network.features(input, lattice: .dense)
    let mean = Tensor.linear(features, network.meanHead.weight, network.meanHead.bias).doubles
    let local = Tensor.linear(features, network.varianceHead.weight, network.varianceHead.bias)
      .doubles
    for latent in 0..<5 {
      let (a, b) = (3 * 5 + latent, 7 * 5 + latent)
      let (wa, wb) = (exp(-local[a]), exp(-local[b]))
      expectClose(
        [found.mean.doubles[latent], found.logVariance.doubles[latent]],
        [(wa * mean[a] + wb * mean[b]) / (wa + wb), log(8) - log(wa + wb)],
        Tolerance(absolute: 1e-5, because: "float32 exponentials"))
    }
  }

  @Test(
    "the fused kernel agrees with libtorch's convolutions in float64, values and gradients",
    arguments: [
      FusedCase(), FusedCase(lattice: .second, channels: 2, input: [35, 41]),
      FusedCase(lattice: .dense, input: [33, 40]), FusedCase(input: [33, 37, 46]),
      FusedCase(lattice: .second, channels: 2, input: [32, 35, 33]),
      FusedCase(lattice: .dense, input: [31, 32, 31]),
    ])
  fileprivate func fused(_ test: FusedCase) {
    var weights = RandomStream(seed: 2, purpose: .weights)
    let network = DynamicsEncoder(
      channels: test.channels, spaceAxes: test.input.count - 1, latents: 5, using: &weights)
    var random = RandomStream(seed: 5, purpose: .testing)
    let batch = max(3, threadCount)
    let input = Tensor.normal([batch, test.channels] + test.input, using: &random)

    // The plain twin with copies of the weights in float64.
    let layers = network.layers.map {
      (
        weight: $0.weight.detached().cast(to: .float64).requiringGradient(),
        bias: $0.bias.detached().cast(to: .float64).requiringGradient()
      )
    }
    let twin = DynamicsEncoder(
      layers: layers, meanHead: network.meanHead, varianceHead: network.varianceHead)
    let expected = twin.features(input.cast(to: .float64), lattice: test.lattice)
    let upstream = Tensor.normal(expected.shape, using: &random)
    (expected * upstream.cast(to: .float64)).sum().backward()

    defer { kk_limit_level(KK_LEVEL_AVX512) }
    for level in [KK_LEVEL_AVX2, KK_LEVEL_AVX512] {
      kk_limit_level(level)
      guard FusedFeatures.isFaster(recordings: batch), kk_processor_level() == level
      else { continue }
      for layer in network.layers {
        layer.weight.zeroGradient()
        layer.bias.zeroGradient()
      }
      let found = FusedFeatures.features(input, layers: network.layers, lattice: test.lattice)
      (found * upstream).sum().backward()
      func compare(_ found: Tensor?, _ expected: Tensor?) {
        guard let found, let expected else {
          Issue.record("no gradient")
          return
        }
        let largest = Double(expected.abs().max().item)
        expectClose(
          found.doubles, expected.doubles,
          Tolerance(absolute: 1e-5 * largest, because: "bound that the kernel must keep"))
      }
      compare(found, expected)
      for (layer, exact) in zip(network.layers, layers) {
        compare(layer.weight.gradient, exact.weight.gradient)
        compare(layer.bias.gradient, exact.bias.gradient)
      }
    }
  }

  @Test("has the published numbers of parameters")
  func parameterCounts() throws {
    for (channels, axes, total) in [(1, 1, 1_379_680), (2, 1, 1_411_401), (1, 2, 26_693_000)] {
      var configuration = ExtractionConfiguration.paper.model
      configuration.normalizedMeans = false
      let model = try ParameterVAE(
        configuration: configuration,
        field: FieldDescription(
          channels: channels, boundary: Array(repeating: .periodic, count: axes), frameInterval: nil
        ),
        seed: 1)
      #expect(model.parameterCount == total)
    }
  }
}
