// Mixtures of products over components, as what a network gives: Gaussians of numbers and von Mises
// distributions of angles,
//
//   p = Σ_k π_k Π_g N(x_g; μ_kg, σ_kg²) Π_a exp(κ_ka cos(θ_a − μ_ka)) / (2π I₀(κ_ka)).
//
// An angle is given by u = (cos θ, sin θ), its mean direction by a unit vector e, and its width by
// σ with κ = 1/σ², so that κ cos(θ − μ) = κ − |u − e|²/(2σ²): near its mean a Gaussian of the same
// σ. The rest is −log(2π e^{−κ} I₀(κ)), which has its digits at any κ.
//
// Letters: B mixtures, K kernels, G numbers, A angles, P points of each mixture.
import Foundation
public import KymoNumerics
public import KymoTensor

/// Mixtures of products of Gaussians and von Mises distributions, as part of a graph.
///
/// A point is G numbers, then the cosine and the sine of each of A angles.
public struct ProductMixture: StateMixture {
  /// log π, `[B, K]`.
  public let logWeights: Tensor
  /// μ of the numbers, `[B, K, G]`.
  public let means: Tensor
  /// σ of the numbers, `[B, K, G]`.
  public let deviations: Tensor
  /// e of the angles, `[B, K, A, 2]`.
  public let directions: Tensor
  /// σ of the angles, `[B, K, A]`.
  public let widths: Tensor

  /// Numbers that a network gives for one mixture: K logits of the weights, then all means, all
  /// deviations, all directions and all widths.
  public static func parameterCount(kernels: Int, numbers: Int, angles: Int) -> Int {
    kernels * (1 + 2 * numbers + 3 * angles)
  }

  /// Reads mixtures from a network's output `[B, n]`: weights by softmax, deviations and widths by
  /// softplus, directions divided by their length.
  public init(_ output: Tensor, kernels: Int, numbers: Int, angles: Int) {
    let batch = output.shape[0]
    precondition(
      output.shape[1]
        == Self.parameterCount(kernels: kernels, numbers: numbers, angles: angles),
      "ProductMixture: \(output.shape) for \(kernels) kernels of \(numbers) numbers, \(angles) angles"
    )
    var place = 0
    func part(_ shape: [Int]) -> Tensor {
      let width = shape.reduce(1, *)
      defer { place += width }
      return output.sliced(axis: 1, from: place, to: place + width).reshaped([batch] + shape)
    }
    let logits = part([kernels])
    logWeights = (logits - logits.logSumExp(axes: [1], keepDims: true))
      .clamp(low: log(GaussianMixture.leastWeight))
    means = part([kernels, numbers])
    deviations = part([kernels, numbers]).softplus() + GaussianMixture.leastDeviation
    let vectors = part([kernels, angles, 2])
    // A length of nothing has no direction; it stays finite.
    directions = vectors / (vectors.square().sum(axes: [3], keepDims: true) + 1e-12).sqrt()
    widths = part([kernels, angles]).softplus() + GaussianMixture.leastDeviation
  }

  /// The logarithm of the density at points, `[B, P, G + 2A]` to `[B, P]`.
  public func logDensity(at points: Tensor) -> Tensor {
    let (batch, count) = (points.shape[0], points.shape[1])
    let (numbers, angles) = (means.shape[2], widths.shape[2])
    let values = points.sliced(axis: 2, from: 0, to: numbers).unsqueezed(2)
    let scaled = (values - means.unsqueezed(1)) / deviations.unsqueezed(1)
    let turns = points.sliced(axis: 2, from: numbers, to: numbers + 2 * angles)
      .reshaped([batch, count, 1, angles, 2])
    let distances = (turns - directions.unsqueezed(1)).square().sum(axes: [4])
    let inverse = widths.square()
    let squares =
      scaled.square().sum(axes: [3]) + (distances / inverse.unsqueezed(1)).sum(axes: [3])
    let concentrations = 1 / inverse
    let constant = (0.5 * Double(numbers) + Double(angles)) * log(2 * Double.pi)
    let heights =
      logWeights - deviations.log().sum(axes: [2])
      - concentrations.scaledBesselI0().log().sum(axes: [2]) - constant
    return (heights.unsqueezed(1) - squares * 0.5).logSumExp(axes: [2])
  }

  /// The mixtures in host memory, outside the graph.
  public var hostDensities: [any Density] {
    func host(_ tensor: Tensor) -> [Double] { tensor.detached().cast(to: .float64).doubles }
    let (weights, means, deviations) = (host(logWeights), host(self.means), host(self.deviations))
    let (directions, widths) = (host(self.directions), host(self.widths))
    func part<Value>(_ values: [Value], _ item: Int) -> [Value] {
      let size = values.count / logWeights.shape[0]
      return Array(values[item * size..<(item + 1) * size])
    }
    let angles = widths.indices.map { index in
      VonMises(
        mean: atan2(directions[2 * index + 1], directions[2 * index]),
        concentration: 1 / (widths[index] * widths[index]))
    }
    return (0..<logWeights.shape[0]).map { item in
      ProductDensity(
        weights: part(weights, item).map { exp($0) }, means: part(means, item),
        deviations: part(deviations, item), angles: part(angles, item))
    }
  }
}
