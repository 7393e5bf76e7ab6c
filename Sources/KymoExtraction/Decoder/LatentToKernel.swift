// The hypernetworks (kernel networks) of the propagating decoder: a perceptron for each kernel (Lu,
// Kim and Soljacic 2020, section II), or a polynomial of first or second order.
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor

/// Which kernels one recording has, and where they lie in its kernel vector.
///
/// A layer has five taps along every space axis, `taps` in all; the linear path likewise.
package struct KernelLayout {
  /// Name and shape of one kernel or bias.
  package struct Piece {
    var name: String
    /// Taps, channels in, channels out; of a bias, its channels.
    package var shape: [Int]
    /// Hidden units of the paper's perceptron.
    var paperUnits: Int
    var count: Int { shape.reduce(1, *) }
    /// Whether it is the kernel of the linear path.
    var isLinearPath: Bool { name == "linear" }
  }

  /// Taps of a layer along one axis.
  static let width = 5
  let spaceAxes: Int
  let channels: Int
  let hidden: Int
  let middleLayers: Int
  let linearWidth: Int
  /// The parts, in the order in which they lie there.
  package let pieces: [Piece]

  /// The order is that of the fused kernels (`kymo_rollout.h`, `kymo_plane_rollout.h`): slowest to
  /// fastest (tap, in, out), where the taps of a plane are rows of columns.
  package init(
    channels: Int, hidden: Int, middleLayers: Int, linearWidth: Int, spaceAxes: Int = 1
  ) {
    (self.channels, self.hidden, self.middleLayers) = (channels, hidden, middleLayers)
    (self.linearWidth, self.spaceAxes) = (linearWidth, spaceAxes)
    let (c, h) = (channels, hidden)
    let taps = KernelLayout.volume(KernelLayout.width, spaceAxes)
    let linearTaps = linearWidth > 0 ? KernelLayout.volume(linearWidth, spaceAxes) : 0
    // Units for each pair of channels: 4 in one dimension, 16 in two; biases have 4 in both.
    let units = KernelLayout.volume(4, spaceAxes)
    var pieces = [
      Piece(name: "in", shape: [taps, c, h], paperUnits: units * c * h),
      Piece(name: "inBias", shape: [h], paperUnits: 4 * h),
    ]
    for layer in 0..<middleLayers {
      let suffix = middleLayers == 1 ? "" : "\(layer + 1)"
      pieces += [
        Piece(name: "middle" + suffix, shape: [taps, h, h], paperUnits: units * h * h),
        Piece(name: "middleBias" + suffix, shape: [h], paperUnits: 4 * h),
      ]
    }
    pieces += [
      Piece(name: "out", shape: [taps, h, c], paperUnits: units * c * h),
      Piece(name: "outBias", shape: [c], paperUnits: 4 * c),
    ]
    if linearWidth > 0 {
      pieces.append(
        Piece(name: "linear", shape: [linearTaps, c, c], paperUnits: units * c * c))
    }
    self.pieces = pieces
  }

  /// Floats in one recording's kernel vector.
  package var count: Int { pieces.reduce(0) { $0 + $1.count } }

  /// Cells of halo on each side of a rollout: two for each of the layers.
  package var halo: Int { KernelLayout.width / 2 * (2 + middleLayers) }

  private static func volume(_ width: Int, _ axes: Int) -> Int {
    (0..<axes).reduce(1) { volume, _ in volume * width }
  }
}

/// The two layers from latents to the kernel of one piece, and the factor on what they give.
struct KernelMap {
  var first: (weight: Tensor, bias: Tensor)
  var last: (weight: Tensor, bias: Tensor)
  var gain: Double
  var parameters: [Tensor] { [first.weight, first.bias, last.weight, last.bias] }
}

/// The map from latents `[B, P]` to kernel vectors `[B, layout.count]`.
final class LatentToKernel {
  let layout: KernelLayout
  private let kind: KernelNetwork
  /// One for each piece.
  private let networks: [KernelMap]
  /// All of them by the fused kernels; nil where tensor operations compute.
  private let fused: FusedKernelNetworks?

  init(
    layout: KernelLayout, configuration: ParameterModelConfiguration, device: Device = .cpu,
    path: ComputePath? = nil, using random: inout RandomStream
  ) {
    self.layout = layout
    kind = configuration.kernelNetwork
    let latents = configuration.latents
    var networks: [KernelMap] = []
    for piece in layout.pieces {
      let units = configuration.kernelUnits > 0 ? configuration.kernelUnits : piece.paperUnits
      var first = uniformLayer([units, latents], bias: units, device: device, using: &random)
      if kind == .quadratic {
        // Products have no weight at first: the map starts as an affine one.
        let products = Tensor.zeros([units, latents * (latents + 1) / 2], device: device)
        first.weight = Tensor.concatenated([first.weight.detached(), products], axis: 1)
          .detached().requiringGradient()
      }
      var last = uniformLayer(
        [piece.count, units], bias: piece.count, device: device, using: &random)
      var gain = 1.0
      if piece.isLinearPath {
        // The decoder's increment has a small factor. Three layers in a row grow until their
        // product compensates for it; a single one would take a million steps. With this factor a
        // step of the optimizer moves an entry by about an eighth of the learning rate, whatever
        // the number of units (docs/decisions/0004-training-recipe.md).
        gain = 1 / (4 * configuration.incrementScale * Double(units))
        // Without effect at first, as everything else.
        last.weight = Tensor.zeros(last.weight.shape, device: device).requiringGradient()
        last.bias = Tensor.zeros(last.bias.shape, device: device).requiringGradient()
      }
      networks.append(KernelMap(first: first, last: last, gain: gain))
    }
    self.networks = networks
    let path = path ?? ComputePath(device: device)
    fused =
      path == .fused ? FusedKernelNetworks(networks, bends: kind == .perceptron) : nil
  }

  var namedParameters: [(name: String, tensor: Tensor)] {
    zip(layout.pieces, networks).flatMap { piece, network in
      [network.first, network.last].enumerated().flatMap { index, layer in
        [
          ("kernels.\(piece.name).\(index).weight", layer.weight),
          ("kernels.\(piece.name).\(index).bias", layer.bias),
        ]
      }
    }
  }

  /// Takes another's kernels for the channels that it has, so that both decoders predict the same:
  /// nothing leads from new channels to old ones yet, while those from old to new ones stay as they
  /// are.
  ///
  /// - Returns: Whether the other one fits: of one kind and at most as wide in channels and units.
  func adopt(_ narrower: LatentToKernel) -> Bool {
    let (wide, narrow) = (layout.pieces, narrower.layout.pieces)
    guard kind == narrower.kind, wide.map(\.name) == narrow.map(\.name) else { return false }
    let maps = zip(networks, narrower.networks)
    let fits =
      zip(wide, narrow).allSatisfy { own, given in
        // Taps are the same; inputs and outputs may be more.
        (own.shape.count == 1 || own.shape[0] == given.shape[0])
          && zip(own.shape, given.shape).allSatisfy { $0 >= $1 }
      }
      && maps.allSatisfy { own, given in
        own.first.weight.shape[0] >= given.first.weight.shape[0]
          && own.first.weight.shape[1] == given.first.weight.shape[1]
      }
    guard fits else { return false }
    withoutGradients {
      for ((piece, given), (own, other)) in zip(zip(wide, narrow), maps) {
        Self.corner(of: own.first.weight, as: other.first.weight)
          .copyInPlace(from: other.first.weight)
        Self.corner(of: own.first.bias, as: other.first.bias).copyInPlace(from: other.first.bias)
        // Outputs that the other has, under all inputs and units.
        let units = own.last.weight.shape[1]
        let lastAxis = piece.shape.count - 1
        let weight = own.last.weight.reshaped(piece.shape + [units])
          .sliced(axis: lastAxis, from: 0, to: given.shape[lastAxis])
        let bias = own.last.bias.reshaped(piece.shape)
          .sliced(axis: lastAxis, from: 0, to: given.shape[lastAxis])
        let otherWeight = other.last.weight.reshaped(given.shape + [other.last.weight.shape[1]])
        let otherBias = other.last.bias.reshaped(given.shape)
        weight.zeroInPlace()
        bias.zeroInPlace()
        let scale = other.gain / own.gain
        Self.corner(of: weight, as: otherWeight).copyInPlace(from: otherWeight * scale)
        Self.corner(of: bias, as: otherBias).copyInPlace(from: otherBias * scale)
      }
    }
    return true
  }

  /// The entries of a tensor that a smaller one has.
  private static func corner(of tensor: Tensor, as smaller: Tensor) -> Tensor {
    smaller.shape.indices.reduce(tensor) {
      $0.sliced(axis: $1, from: 0, to: smaller.shape[$1])
    }
  }

  /// Kernel vectors `[B, layout.count]` of latents `[B, P]`.
  func kernels(_ latents: Tensor) -> Tensor {
    let inputs = kind == .quadratic ? LatentToKernel.withProducts(latents) : latents
    if let fused { return fused(inputs) }
    let parts = networks.map { network in
      let hidden = Tensor.linear(inputs, network.first.weight, network.first.bias)
      // Without the activation function the two layers are an affine map of their inputs, trained
      // as a product.
      let kernel = Tensor.linear(
        kind == .perceptron ? hidden.relu() : hidden, network.last.weight, network.last.bias)
      return network.gain == 1 ? kernel : kernel * network.gain
    }
    return Tensor.concatenated(parts, axis: 1)
  }

  /// The latents and their products, `[B, P]` to `[B, P + P (P + 1) / 2]`: z₁ … z_P, z₁z₁, z₁z₂ …
  /// z_P z_P.
  static func withProducts(_ latents: Tensor) -> Tensor {
    let products = (0..<latents.size(1)).map { index in
      latents.sliced(axis: 1, from: index) * latents.sliced(axis: 1, from: index, to: index + 1)
    }
    return Tensor.concatenated([latents] + products, axis: 1)
  }
}
