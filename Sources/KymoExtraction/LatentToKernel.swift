// From latents to the kernels of the propagating decoder: a perceptron for each kernel (Lu, Kim and
// Soljacic 2020, section II), or an affine map.
import Foundation
import KymoNumerics
import KymoTensor

/// Which kernels one recording has, and where they lie in its kernel vector.
struct KernelLayout {
  /// Name, shape, and number of inputs that one entry's output sums.
  struct Piece {
    var name: String
    var shape: [Int]
    var fanIn: Int
    /// Hidden units of the paper's perceptron in one space dimension.
    var paperUnits: Int
    var count: Int { shape.reduce(1, *) }
  }

  static let taps = 5
  let channels: Int
  let hidden: Int
  let middleLayers: Int
  let linearWidth: Int
  let pieces: [Piece]

  /// The order is that of the fused kernel (`kymo_rollout.h`): slowest to fastest (tap, in, out).
  init(channels: Int, hidden: Int, middleLayers: Int, linearWidth: Int) {
    (self.channels, self.hidden, self.middleLayers) = (channels, hidden, middleLayers)
    self.linearWidth = linearWidth
    let (c, h, taps) = (channels, hidden, KernelLayout.taps)
    var pieces = [
      Piece(name: "in", shape: [taps, c, h], fanIn: taps * c, paperUnits: 4 * c * h),
      Piece(name: "inBias", shape: [h], fanIn: taps * c, paperUnits: 4 * h),
    ]
    for layer in 0..<middleLayers {
      let suffix = middleLayers == 1 ? "" : "\(layer + 1)"
      pieces += [
        Piece(
          name: "middle" + suffix, shape: [taps, h, h], fanIn: taps * h, paperUnits: 4 * h * h),
        Piece(name: "middleBias" + suffix, shape: [h], fanIn: taps * h, paperUnits: 4 * h),
      ]
    }
    pieces += [
      Piece(name: "out", shape: [taps, h, c], fanIn: taps * h, paperUnits: 4 * c * h),
      Piece(name: "outBias", shape: [c], fanIn: taps * h, paperUnits: 4 * c),
    ]
    if linearWidth > 0 {
      pieces.append(
        Piece(
          name: "linear", shape: [linearWidth, c, c], fanIn: linearWidth * c, paperUnits: 4 * c * c
        ))
    }
    self.pieces = pieces
  }

  /// Floats in one recording's kernel vector.
  var count: Int { pieces.reduce(0) { $0 + $1.count } }
}

/// The map from latents `[B, P]` to kernel vectors `[B, layout.count]`.
final class LatentToKernel {
  let layout: KernelLayout
  private let kind: KernelNetwork
  /// Two layers of weight and bias for each piece.
  private let networks: [[(weight: Tensor, bias: Tensor)]]

  init(
    layout: KernelLayout, configuration: ModelConfiguration, device: Device = .cpu,
    using random: inout RandomStream
  ) {
    self.layout = layout
    kind = configuration.kernelNetwork
    let latents = configuration.latents
    var networks: [[(weight: Tensor, bias: Tensor)]] = []
    for piece in layout.pieces {
      let units = configuration.kernelUnits > 0 ? configuration.kernelUnits : piece.paperUnits
      networks.append([
        uniformLayer([units, latents], bias: units, device: device, using: &random),
        uniformLayer([piece.count, units], bias: piece.count, device: device, using: &random),
      ])
    }
    self.networks = networks
  }

  var namedParameters: [(name: String, tensor: Tensor)] {
    zip(layout.pieces, networks).flatMap { piece, layers in
      layers.enumerated().flatMap { index, layer in
        [
          ("kernels.\(piece.name).\(index).weight", layer.weight),
          ("kernels.\(piece.name).\(index).bias", layer.bias),
        ]
      }
    }
  }

  func kernels(_ latents: Tensor) -> Tensor {
    let parts = networks.map { layers in
      layers.dropFirst().reduce(Tensor.linear(latents, layers[0].weight, layers[0].bias)) {
        // Without the bend the two layers are an affine map, trained as a product.
        Tensor.linear(kind == .perceptron ? $0.relu() : $0, $1.weight, $1.bias)
      }
    }
    return Tensor.concatenated(parts, axis: 1)
  }
}
