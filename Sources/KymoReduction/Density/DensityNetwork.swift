// The trainable part of a reduction to a density: z = g((1/P) Σ_p φ(x_p)), and latents to mixtures.
// φ and g share nothing with the order or the number of particles.
//
// Letters: B states, P particles, W numbers that the network sees of a particle (an angle is two of
// them, its cosine and its sine), L latents, K kernels.
import Foundation
package import KymoNN
import KymoNumerics
package import KymoTensor

/// Encoder of particle sets and decoder to mixtures, on scaled particles.
package final class DensityNetwork: Module {
  private let configuration: DensityConfiguration
  private let components: Components
  private let particle: DenseStack
  private let set: DenseStack
  private let decoder: DenseStack
  /// Means and factors of the mixture where they do not depend on the latents, `[1, n]`.
  package let kernels: Tensor?

  /// How many components of a state are numbers and angles.
  struct Components {
    var numbers: Int
    var angles: Int
    /// W.
    var width: Int { numbers + 2 * angles }

    /// Numbers that a mixture of so many kernels has.
    func parameterCount(_ kernels: Int) -> Int {
      angles == 0
        ? GaussianMixture.parameterCount(kernels: kernels, dimensions: numbers)
        : ProductMixture.parameterCount(kernels: kernels, numbers: numbers, angles: angles)
    }
  }

  /// Creates a network with random weights.
  init(
    _ configuration: DensityConfiguration, components: Components,
    using random: inout RandomStream, device: Device
  ) {
    (self.configuration, self.components) = (configuration, components)
    let hidden = [Int](repeating: configuration.hiddenWidth, count: configuration.hiddenLayers)
    func stack(_ inputs: Int, _ outputs: Int, last: Activation) -> DenseStack {
      DenseStack(
        widths: [inputs] + hidden + [outputs], activation: configuration.activation,
        lastActivation: last, skips: false, using: &random, device: device)
    }
    let width = configuration.pooledWidth
    particle = stack(components.width, width, last: configuration.activation)
    set = stack(width, configuration.latentCount, last: .identity)
    let count = configuration.kernelCount
    let parameters = components.parameterCount(count)
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

  /// The latents of scaled particles, `[B, P, W]` to `[B, L]`, as part of the graph.
  package func encode(_ particles: Tensor) -> Tensor {
    let (batch, count) = (particles.shape[0], particles.shape[1])
    let features = particle(particles.reshaped([batch * count, components.width]))
    return set(features.reshaped([batch, count, configuration.pooledWidth]).mean(axes: [1]))
  }

  /// The latents of scaled particles in host memory, outside the graph.
  package func encode(host particles: [Float], count: Int) -> [Float] {
    let width = configuration.pooledWidth
    let rows = particles.count / components.width
    let features = particle.apply(particles, count: rows)
    let each = rows / max(1, count)
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
  package func mixture(_ latents: Tensor) -> any StateMixture {
    mixture(output: decoder(latents))
  }

  /// The mixtures of weights alone, of shared kernels, `[B, K]`.
  package func mixture(output: Tensor) -> any StateMixture {
    var output = output
    if let kernels {
      let shared = kernels.expanded([output.shape[0], kernels.shape[1]])
      output = Tensor.concatenated([output, shared], axis: 1)
    }
    let (kernels, numbers) = (configuration.kernelCount, components.numbers)
    return components.angles == 0
      ? GaussianMixture(output, kernels: kernels, dimensions: numbers)
      : ProductMixture(output, kernels: kernels, numbers: numbers, angles: components.angles)
  }

  /// Spreads the kernels over points of the training data, `[n, W]`: means at the centres of
  /// clusters, as wide as these.
  ///
  /// Angles alone decide the clusters where there are any: other components
  /// of molecules hardly differ between conformations.
  func start(from points: [Double], using random: inout RandomStream) {
    let (count, width, numbers) = (configuration.kernelCount, components.width, components.numbers)
    let chosen = components.angles == 0 ? 0..<width : numbers..<width
    let rows = points.count / width
    let clusters = ClusterCentres(
      of: (0..<rows).flatMap { row in chosen.map { points[row * width + $0] } },
      dimensions: chosen.count, count: count, using: &random)
    var means = [Double](repeating: 0, count: count * width)
    var squares = means
    var sizes = [Double](repeating: 0, count: count)
    for (row, cluster) in clusters.members.enumerated() {
      sizes[cluster] += 1
      for axis in 0..<width { means[cluster * width + axis] += points[row * width + axis] }
    }
    for place in means.indices { means[place] /= max(1, sizes[place / width]) }
    for (row, cluster) in clusters.members.enumerated() {
      for axis in 0..<width {
        let distance = points[row * width + axis] - means[cluster * width + axis]
        squares[cluster * width + axis] += distance * distance
      }
    }
    /// Before softplus, the deviation of a cluster from the sum of its squares.
    func deviation(_ sum: Double, _ cluster: Int) -> Double {
      inverseSoftplus(max(0.05, (sum / (sizes[cluster] + 1)).squareRoot()))
    }
    func entries(_ axes: Range<Int>, _ values: [Double]) -> [Double] {
      (0..<count).flatMap { cluster in axes.map { values[cluster * width + $0] } }
    }
    let deviations = (0..<count).flatMap { cluster in
      (0..<numbers).map { deviation(squares[cluster * width + $0], cluster) }
    }
    let rest: [Double] =
      components.angles == 0
      ? [Double](repeating: 0, count: count * numbers * (numbers - 1) / 2)
      : entries(numbers..<width, means)
        + (0..<count).flatMap { cluster in
          (0..<components.angles).map { angle in
            let place = cluster * width + numbers + 2 * angle
            return deviation(squares[place] + squares[place + 1], cluster)
          }
        }
    let values = entries(0..<numbers, means) + deviations + rest
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
