// The dynamics encoder: four dilated convolutions over time and space together and two heads,
// pooled by inverse variance to one distribution for each latent (Lu, Kim and Soljacic 2020,
// section II).
//
// Letters: B batch, C data channels, T frames, X (Y) space, H 64 features, P latents.
import Foundation
package import KymoNN
package import KymoNumerics
package import KymoTensor

/// Mean and log-variance of every latent, each of shape `[B, P]`.
struct LatentDistribution {
  var mean: Tensor
  var logVariance: Tensor
}

/// Positions at which the encoder is evaluated: all of them, or every second or fourth.
///
/// Dilations 8 and 4 are multiples of the spacing, so deeper layers need their inputs on the same
/// lattice only: strides move to the first layers and dilations shrink. The values at common
/// positions are the same.
package enum EncoderLattice: Int, CaseIterable {
  /// All.
  case dense = 1
  /// Every second along every axis.
  case second = 2
  /// Every fourth along every axis.
  case fourth = 4

  /// Of the four layers.
  package var strides: [Int] {
    switch self {
    case .dense: [1, 1, 1, 1]
    case .second: [2, 1, 1, 1]
    case .fourth: [2, 2, 1, 1]
    }
  }

  /// Of the four layers.
  package var dilations: [Int] {
    switch self {
    case .dense: [1, 2, 4, 8]
    case .second: [1, 1, 2, 4]
    case .fourth: [1, 1, 1, 2]
    }
  }
}

/// The convolutional encoder.
package final class DynamicsEncoder {
  /// Cells that one output sees along every axis, minus one: 2·(1+2+4+8).
  static let shrinkage = 30
  static let features = 64

  /// The convolutions, first to last.
  package let layers: [(weight: Tensor, bias: Tensor)]
  let meanHead: (weight: Tensor, bias: Tensor)
  let varianceHead: (weight: Tensor, bias: Tensor)
  let axes: Int
  /// How it is computed.
  let path: ComputePath

  /// Draws the weights; time is one more axis of the convolutions beside `spaceAxes` (1 or 2).
  package init(
    channels: Int, spaceAxes: Int, latents: Int, device: Device = .cpu, path: ComputePath? = nil,
    using random: inout RandomStream
  ) {
    self.path = path ?? ComputePath(device: device)
    axes = spaceAxes + 1
    let widths = spaceAxes == 1 ? [channels, 4, 16, 64, 64] : [channels, 8, 64, 64, 64]
    var layers: [(weight: Tensor, bias: Tensor)] = []
    for (incoming, outgoing) in zip(widths, widths.dropFirst()) {
      layers.append(
        uniformLayer(
          [outgoing, incoming] + [Int](repeating: 3, count: axes), bias: outgoing,
          device: device, using: &random))
    }
    self.layers = layers
    meanHead = uniformLayer(
      [latents, Self.features], bias: latents, device: device, using: &random)
    varianceHead = uniformLayer(
      [latents, Self.features], bias: latents, device: device, using: &random)
  }

  /// An encoder of given weights.
  init(
    layers: [(weight: Tensor, bias: Tensor)], meanHead: (weight: Tensor, bias: Tensor),
    varianceHead: (weight: Tensor, bias: Tensor)
  ) {
    axes = layers[0].weight.shape.count - 2
    path = ComputePath(for: layers.flatMap { [$0.weight, $0.bias] })
    (self.layers, self.meanHead, self.varianceHead) = (layers, meanHead, varianceHead)
  }

  /// Whether a whole map is encoded by one kernel, pooling included: in one axis of space.
  var isFused: Bool { path == .fused && axes == 2 }

  var namedParameters: [(name: String, tensor: Tensor)] {
    layers.enumerated().flatMap { index, layer in
      [
        ("encoder.convolution\(index + 1).weight", layer.weight),
        ("encoder.convolution\(index + 1).bias", layer.bias),
      ]
    } + [
      ("encoder.mean.weight", meanHead.weight), ("encoder.mean.bias", meanHead.bias),
      ("encoder.logVariance.weight", varianceHead.weight),
      ("encoder.logVariance.bias", varianceHead.bias),
    ]
  }

  /// Features at every lattice position, `[B, positions, H]`, from `[B, C, T, X…]`; by the fused
  /// kernel where it is faster.
  package func features(_ input: Tensor, lattice: EncoderLattice) -> Tensor {
    path == .fused && FusedFeatures.isFaster(recordings: input.shape[0])
      ? FusedFeatures.features(input, layers: layers, lattice: lattice)
      : plainFeatures(input, lattice: lattice)
  }

  /// The same by libtorch's convolutions.
  private func plainFeatures(_ input: Tensor, lattice: EncoderLattice) -> Tensor {
    var maps = input.contiguous(.channelsLast)
    for (index, layer) in layers.enumerated() {
      maps = Tensor.convolution(
        maps, layer.weight, layer.bias,
        stride: [Int](repeating: lattice.strides[index], count: axes),
        padding: [Int](repeating: 0, count: axes),
        dilation: [Int](repeating: lattice.dilations[index], count: axes)
      ).relu()
    }
    let shape = maps.shape
    let channelsLast = maps.permuted([0] + Array(2..<shape.count) + [1])
    return channelsLast.reshaped([shape[0], shape.dropFirst(2).reduce(1, *), Self.features])
  }

  /// The distribution of the latents, `[B, P]` each.
  ///
  /// With `wᵢ = softmax(−sᵢ)` over positions: `μ = Σ wᵢ mᵢ` and
  /// `log σ² = −logsumexp(−sᵢ) + log max(1, Π min(31, n_a) · part)`, where n_a is the size of the
  /// dense output map and `part` the share of its positions that enter (eqs. 5 to 7).
  ///
  /// For averaging dropout, which the fused encoder does not know, `kept` is true where a position
  /// enters, `[B, positions, P]`.
  func encode(
    _ input: Tensor, lattice: EncoderLattice, kept: (Tensor, probability: Double)? = nil
  ) -> LatentDistribution {
    if isFused, kept == nil { return FusedEncoder.encode(self, input, lattice: lattice) }
    let pooled = pool(input, lattice: lattice, kept: kept?.0)
    var independent = Self.independentPositions(
      inputShape: Array(input.shape.dropFirst(2)), evaluated: pooled.positions)
    if let kept { independent = max(1, independent * (1 - kept.probability)) }
    return LatentDistribution(
      mean: pooled.mean, logVariance: log(independent) - pooled.logPrecision)
  }

  /// Sums over the positions of one map or of a part of it.
  struct Pooled {
    /// `Σ wᵢ mᵢ`, `[B, P]`.
    var mean: Tensor
    /// `logsumexp(−sᵢ)`, `[B, P]`.
    var logPrecision: Tensor
    var positions: Int
  }

  /// Pools the positions of `input`'s map.
  func pool(_ input: Tensor, lattice: EncoderLattice, kept: Tensor? = nil) -> Pooled {
    let features = features(input, lattice: lattice)
    let localMean = Tensor.linear(features, meanHead.weight, meanHead.bias)
    var precision = -Tensor.linear(features, varianceHead.weight, varianceHead.bias)
    if let kept {
      let never = Tensor.full([1], -.infinity, device: input.device)
      precision = Tensor.where(kept, precision, never)
    }
    return Pooled(
      mean: (precision.softmax(axis: 1) * localMean).sum(axes: [1]),
      logPrecision: precision.logSumExp(axes: [1]), positions: features.shape[1])
  }

  /// The distribution from the parts of a map that do not overlap: the pooled sums are sums over
  /// positions, so this is exact.
  static func combine(_ parts: [Pooled], inputShape: [Int]) -> LatentDistribution {
    let precisions = Tensor.stacked(parts.map(\.logPrecision), axis: 0)
    let means = Tensor.stacked(parts.map(\.mean), axis: 0)
    let independent = independentPositions(
      inputShape: inputShape, evaluated: parts.reduce(0) { $0 + $1.positions })
    return LatentDistribution(
      mean: (precisions.softmax(axis: 0) * means).sum(axes: [0]),
      logVariance: log(independent) - precisions.logSumExp(axes: [0]))
  }

  /// Floats of the largest map and the one that it is made of, for one recording with `input`
  /// frames and cells: what an evaluation needs in memory.
  func workingSize(input: [Int], lattice: EncoderLattice) -> Int {
    var (size, largest, before) = (input, 0, 0)
    for (index, layer) in layers.enumerated() {
      size = size.map {
        ($0 - 1 - 2 * lattice.dilations[index]) / lattice.strides[index] + 1
      }
      let floats = size.reduce(layer.bias.count, *)
      largest = max(largest, floats + before)
      before = floats
    }
    return largest
  }

  /// Number of positions among `evaluated` that count as independent estimates.
  static func independentPositions(inputShape: [Int], evaluated: Int) -> Double {
    let map = inputShape.map { $0 - shrinkage }
    let patches = map.reduce(1.0) { $0 * Double(min(31, $1)) }
    return max(1, patches * Double(evaluated) / Double(map.reduce(1, *)))
  }
}

/// Weight and bias drawn uniformly from ±1/√(fan-in), the default of PyTorch.
func uniformLayer(
  _ shape: [Int], bias: Int, device: Device, using random: inout RandomStream
) -> (weight: Tensor, bias: Tensor) {
  let bound = 1 / Float(shape.dropFirst().reduce(1, *)).squareRoot()
  return (
    Tensor.uniform(shape, in: -bound...bound, using: &random, device: device).requiringGradient(),
    Tensor.uniform([bias], in: -bound...bound, using: &random, device: device).requiringGradient()
  )
}
