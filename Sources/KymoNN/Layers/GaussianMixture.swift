// Mixtures of Gaussians as what a network gives (mixture density networks: C. Bishop, NCRG/94/004,
// 1994; full covariances as in Vlachas et al., Nature Machine Intelligence 4, 359 (2022), SI):
//
//   p(x) = Σ_k π_k N(x; μ_k, L_k L_kᵀ),
//
// with L_k lower triangular. With y the solution of L y = x − μ, by forward substitution,
//
//   log N = −½ |y|² − Σ_i log L_ii − (D/2) log 2π.
//
// Letters: B mixtures, K kernels, D dimensions, P points of each mixture.
import Foundation
public import KymoNumerics
public import KymoTensor

/// Mixtures that a network gives, as part of a graph.
public protocol StateMixture {
  /// The logarithm of the density at points, `[B, P, W]` to `[B, P]`, W numbers for a point.
  func logDensity(at points: Tensor) -> Tensor
  /// The mixtures in host memory, outside the graph.
  var hostDensities: [any Density] { get }
}

/// Mixtures of Gaussians with full covariances, as part of a graph.
public struct GaussianMixture: StateMixture {
  /// log π, `[B, K]`.
  public let logWeights: Tensor
  /// μ, `[B, K, D]`.
  public let means: Tensor
  /// The diagonals of L, `[B, K, D]`, positive.
  public let diagonals: Tensor
  /// What lies below the diagonals, row by row, `[B, K, D(D − 1)/2]`; nil in one dimension.
  public let lower: Tensor?

  /// Weights below this one count as it.
  static let leastWeight = 1e-15
  /// Smallest entry of a diagonal, so that the density stays bounded.
  public static let leastDeviation = 1e-3

  /// Numbers that a network gives for one mixture: K logits of the weights, then all means, all
  /// diagonals, and what lies below them.
  public static func parameterCount(kernels: Int, dimensions: Int) -> Int {
    kernels * (1 + 2 * dimensions + dimensions * (dimensions - 1) / 2)
  }

  /// Reads mixtures from a network's output `[B, n]`: weights by softmax, diagonals by softplus.
  public init(_ output: Tensor, kernels: Int, dimensions: Int) {
    let batch = output.shape[0]
    precondition(
      output.shape[1] == Self.parameterCount(kernels: kernels, dimensions: dimensions),
      "GaussianMixture: \(output.shape) for \(kernels) kernels in \(dimensions) dimensions")
    var place = 0
    func part(_ width: Int) -> Tensor {
      defer { place += kernels * width }
      return output.sliced(axis: 1, from: place, to: place + kernels * width)
    }
    let logits = part(1)
    logWeights = (logits - logits.logSumExp(axes: [1], keepDims: true))
      .clamp(low: log(Self.leastWeight))
    means = part(dimensions).reshaped([batch, kernels, dimensions])
    diagonals =
      part(dimensions).reshaped([batch, kernels, dimensions]).softplus() + Self.leastDeviation
    let below = dimensions * (dimensions - 1) / 2
    lower = below > 0 ? part(below).reshaped([batch, kernels, below]) : nil
  }

  /// The logarithm of the density at points, `[B, P, D]` to `[B, P]`.
  public func logDensity(at points: Tensor) -> Tensor {
    let dimensions = means.shape[2]
    var solved: [Tensor] = []
    var squares: Tensor?
    for row in 0..<dimensions {
      var rest =
        points.sliced(axis: 2, from: row, to: row + 1)
        - means.selected(axis: 2, index: row).unsqueezed(1)
      if let lower {
        for column in 0..<row {
          let factor = lower.selected(axis: 2, index: row * (row - 1) / 2 + column)
          rest = rest - factor.unsqueezed(1) * solved[column]
        }
      }
      let y = rest / diagonals.selected(axis: 2, index: row).unsqueezed(1)
      squares = squares.map { $0 + y.square() } ?? y.square()
      solved.append(y)
    }
    guard let squares else { preconditionFailure("GaussianMixture: no dimension") }
    let constant = 0.5 * Double(dimensions) * log(2 * Double.pi)
    let heights = logWeights - diagonals.log().sum(axes: [2]) - constant
    return (heights.unsqueezed(1) - squares * 0.5).logSumExp(axes: [2])
  }

  /// The mean of each mixture, `[B, D]`.
  public var mean: Tensor { (logWeights.exp().unsqueezed(2) * means).sum(axes: [1]) }

  /// The mixtures in host memory, outside the graph.
  public var hostDensities: [any Density] { densities }

  /// The mixtures in host memory, outside the graph.
  public var densities: [MixtureDensity] {
    let (batch, kernels, dimensions) = (means.shape[0], means.shape[1], means.shape[2])
    let below = dimensions * (dimensions - 1) / 2
    func host(_ tensor: Tensor) -> [Double] { tensor.detached().cast(to: .float64).doubles }
    let (weights, centres) = (host(logWeights), host(means))
    let (diagonals, lower) = (host(self.diagonals), lower.map(host) ?? [])
    /// L of a kernel, row by row.
    func factor(_ kernel: Int) -> [Double] {
      var factor = [Double](repeating: 0, count: dimensions * dimensions)
      for row in 0..<dimensions {
        for column in 0..<row {
          let place = kernel * below + row * (row - 1) / 2 + column
          factor[row * dimensions + column] = lower[place]
        }
        factor[row * dimensions + row] = diagonals[kernel * dimensions + row]
      }
      return factor
    }
    return (0..<batch).map { item -> MixtureDensity in
      let range = item * kernels..<(item + 1) * kernels
      let entries = range.lowerBound * dimensions..<range.upperBound * dimensions
      return MixtureDensity(
        weights: weights[range].map { exp($0) }, means: Array(centres[entries]),
        factors: range.flatMap { factor($0) })
    }
  }
}
