// The trainable part of a reduction to a density: z = g((1/P) Σ_p φ(x_p)), and latents to mixtures.
// φ and g share nothing with the order or the number of particles.
//
// Letters: B states, P particles, D coordinates, L latents, K kernels.
import Foundation
package import KymoNN
import KymoNumerics
package import KymoTensor

/// Encoder of particle sets and decoder to mixtures, on scaled particles.
package final class DensityNetwork: Module {
  private let configuration: DensityConfiguration
  private let dimensions: Int
  private let particle: DenseStack
  private let set: DenseStack
  private let decoder: DenseStack
  /// Means and factors of the mixture where they do not depend on the latents, `[1, n]`.
  package let kernels: Tensor?

  /// Creates a network with random weights.
  init(
    _ configuration: DensityConfiguration, dimensions: Int, using random: inout RandomStream,
    device: Device
  ) {
    (self.configuration, self.dimensions) = (configuration, dimensions)
    let hidden = [Int](repeating: configuration.hiddenWidth, count: configuration.hiddenLayers)
    func stack(_ inputs: Int, _ outputs: Int, last: Activation) -> DenseStack {
      DenseStack(
        widths: [inputs] + hidden + [outputs], activation: configuration.activation,
        lastActivation: last, skips: false, using: &random, device: device)
    }
    let width = configuration.pooledWidth
    particle = stack(dimensions, width, last: configuration.activation)
    set = stack(width, configuration.latentCount, last: .identity)
    let count = configuration.kernelCount
    let parameters = GaussianMixture.parameterCount(kernels: count, dimensions: dimensions)
    let isShared = configuration.kernels == .shared
    decoder = stack(
      configuration.latentCount, isShared ? count : parameters, last: .identity)
    kernels =
      isShared ? InitialWeights.constant([1, parameters - count], 0, device: device) : nil
  }

  /// Where the weights are.
  package var device: Device { decoder.layers[0].weight.device }

  package func namedParameters() -> [NamedTensor] {
    encoderParameters + decoderParameters + (kernels.map { [(name: "kernels", tensor: $0)] } ?? [])
  }

  /// All weights but the shared kernels.
  package var dependentParameters: [NamedTensor] { encoderParameters + decoderParameters }

  private var encoderParameters: [NamedTensor] {
    particle.namedParameters().prefixed("particle") + set.namedParameters().prefixed("set")
  }
  private var decoderParameters: [NamedTensor] { decoder.namedParameters().prefixed("decoder") }

  /// The latents of scaled particles, `[B, P, D]` to `[B, L]`, as part of the graph.
  package func encode(_ particles: Tensor) -> Tensor {
    let (batch, count) = (particles.shape[0], particles.shape[1])
    let features = particle(particles.reshaped([batch * count, dimensions]))
    return set(features.reshaped([batch, count, configuration.pooledWidth]).mean(axes: [1]))
  }

  /// The latents of scaled particles in host memory, outside the graph.
  package func encode(host particles: [Float], count: Int) -> [Float] {
    let width = configuration.pooledWidth
    let features = particle.apply(particles, count: particles.count / dimensions)
    let each = particles.count / dimensions / max(1, count)
    var means = [Float](repeating: 0, count: count * width)
    var sums = [Double](repeating: 0, count: width)
    for state in 0..<count {
      for index in sums.indices { sums[index] = 0 }
      for row in state * each..<(state + 1) * each {
        for index in sums.indices { sums[index] += Double(features[row * width + index]) }
      }
      for index in sums.indices { means[state * width + index] = Float(sums[index] / Double(each)) }
    }
    return set.apply(means, count: count)
  }

  /// The mixtures of latents `[B, L]`, as part of the graph.
  package func mixture(_ latents: Tensor) -> GaussianMixture {
    mixture(output: decoder(latents))
  }

  /// The mixtures of weights alone, of shared kernels, `[B, K]`.
  package func mixture(output: Tensor) -> GaussianMixture {
    var output = output
    if let kernels {
      let shared = kernels.expanded([output.shape[0], kernels.shape[1]])
      output = Tensor.concatenated([output, shared], axis: 1)
    }
    return GaussianMixture(
      output, kernels: configuration.kernelCount, dimensions: dimensions)
  }

  /// Spreads the kernels over points of the training data, `[n, D]`: means at the centres of
  /// clusters, as wide as these.
  func start(from points: [Double], using random: inout RandomStream) {
    let count = configuration.kernelCount
    let clusters = ClusterCentres(
      of: points, dimensions: dimensions, count: count, using: &random)
    var (squares, sizes) = (
      [Double](repeating: 0, count: count * dimensions), [Double](repeating: 1, count: count)
    )
    for (point, cluster) in clusters.members.enumerated() {
      sizes[cluster] += 1
      for axis in 0..<dimensions {
        let distance =
          points[point * dimensions + axis] - clusters.centres[cluster * dimensions + axis]
        squares[cluster * dimensions + axis] += distance * distance
      }
    }
    let diagonals = squares.indices.map { index in
      let deviation = max(0.05, (squares[index] / sizes[index / dimensions]).squareRoot())
      return inverseSoftplus(deviation)
    }
    let below = [Double](repeating: 0, count: count * dimensions * (dimensions - 1) / 2)
    let values = clusters.centres + diagonals + below
    withoutGradients {
      if let kernels {
        kernels.copyInPlace(from: Tensor(doubles: values, shape: [1, values.count]))
        return
      }
      let last = decoder.layers[decoder.layers.count - 1]
      // Latents say little at first, so that kernels stay where the data are.
      last.weight.mulInPlace(0.1)
      let all = [Double](repeating: 0, count: count) + values
      last.bias.copyInPlace(from: Tensor(doubles: all, shape: [all.count]))
    }
  }
}

/// The number whose softplus is `value`.
private func inverseSoftplus(_ value: Double) -> Double { value + log(-expm1(-value)) }
