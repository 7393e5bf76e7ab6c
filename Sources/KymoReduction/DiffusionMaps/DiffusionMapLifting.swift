// From diffusion coordinates back to a state: the combination of the k training states that are
// nearest in latent space,
//
//   x = Σ_m c_m x_m,   c ∈ [0, 1]^k minimises |R(x) − z|² + (Σ_m c_m − 1)²,   from c = 1/k,
//
// with R the restriction (in the manner of Chin, Coifman and others; geometric harmonics are
// another way). The minimum is sought by Levenberg's and Marquardt's method, steps being cut back
// to the box; the Jacobian is exact,
//
//   ∂R_j/∂c_m = 2/(λ_j ε²) Σ_i w_i (x_i·x_m − Σ_l w_l x_l·x_m) ψ_j(x_i).
import Foundation
import KymoData
public import KymoNumerics
import KymoTensor

extension DiffusionMapReduction {
  /// A field for each row of latents, `[B, L]` to `[B, C, X…]`; NaN for latents that are not
  /// finite.
  ///
  /// - Complexity: For each row n k D operations once and n k (L + 2) in each of some tens of
  ///   steps.
  public func decode(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    try requireShape(latents, [nil, latentCount], "decoding by diffusion maps")
    let dimension = states.shape[1]
    var fields = HostArray(repeating: Double.nan, shape: [latents.shape[0]] + stateShape)
    unsafe fields.elements.withUnsafeMutableBufferPointer { fields in
      let fields = unsafe fields
      torchParallelFor(latents.shape[0]) { row in
        let target = latents.slice(row).elements
        guard target.allSatisfy(\.isFinite) else { return }
        let neighbours = nearest(to: target)
        let combination = combination(of: neighbours, towards: target)
        // In bounds: row `row` of the fields belongs to this index alone.
        for component in 0..<dimension {
          unsafe fields[row * dimension + component] =
            zip(neighbours, combination).reduce(0) {
              $0 + $1.1 * states.elements[$1.0 * dimension + component]
            }
        }
      }
    }
    return HostArray<Float>(scaler.unscale(fields))
  }

  /// Positions of the training states that are nearest in latent space.
  private func nearest(to target: [Double]) -> [Int] {
    let count = states.shape[0]
    let distances = squaredDistances(target, trainingLatents.elements, length: latentCount)
    let order = (0..<count).sorted { distances[$0] < distances[$1] }
    return Array(order.prefix(min(configuration.neighbourCount, count)))
  }

  private func combination(of neighbours: [Int], towards target: [Double]) -> [Double] {
    let problem = LiftingProblem(self, neighbours: neighbours, target: target)
    var weights = [Double](repeating: 1 / Double(neighbours.count), count: neighbours.count)
    var (cost, gradient, curvature) = problem.linearized(weights)
    var damping = 1e-3
    for _ in 0..<100 where cost > 1e-26 && damping < 1e12 {
      // At a bound that the gradient pushes against, a coefficient stays.
      let free = weights.indices.filter {
        !(weights[$0] <= 0 && gradient[$0] > 0) && !(weights[$0] >= 1 && gradient[$0] < 0)
      }
      guard !free.isEmpty else { break }
      let size = free.count
      let scale = free.reduce(0) { $0 + curvature[$1 * weights.count + $1] } / Double(size)
      var matrix = free.flatMap { i in free.map { curvature[i * weights.count + $0] } }
      for i in 0..<size { matrix[i * size + i] += damping * scale }
      let step = solvePositive(matrix, free.map { -gradient[$0] })
      var trial = weights
      for (place, index) in free.enumerated() {
        trial[index] = min(1, max(0, weights[index] + step[place]))
      }
      let next = problem.linearized(trial)
      if next.cost < cost {
        let gain = cost - next.cost
        (weights, cost, gradient, curvature) = (trial, next.cost, next.gradient, next.curvature)
        damping = max(1e-12, damping / 5)
        if gain < 1e-14 * cost { break }
      } else {
        damping *= 4
      }
    }
    return weights
  }
}

/// |R(Σ c_m x_m) − z|² + (Σ c_m − 1)² as a function of c, through inner products alone.
private struct LiftingProblem {
  let reduction: DiffusionMapReduction
  let target: [Double]
  let neighbours: [Int]
  /// (x_i − a)·(x_m − a), `[n, k]`, relative to the first neighbour a: distances lose no digits
  /// then.
  let products: [Double]
  /// |x_i − a|² of all training states.
  let fromFirst: [Double]
  /// (x_i − a)·a of all training states.
  let anchor: [Double]
  /// |a|².
  let anchorSquare: Double

  init(_ reduction: DiffusionMapReduction, neighbours: [Int], target: [Double]) {
    (self.reduction, self.neighbours, self.target) = (reduction, neighbours, target)
    let dimension = reduction.states.shape[1]
    let rows = neighbours.flatMap {
      reduction.states.elements[$0 * dimension..<($0 + 1) * dimension]
    }
    // |x_m − x_i|² for every neighbour m in a row of n.
    let distances = squaredDistances(rows, reduction.states.elements, length: dimension)
    let (count, width) = (reduction.states.shape[0], neighbours.count)
    var products = [Double](repeating: 0, count: count * width)
    for i in 0..<count {
      for m in 0..<width {
        // 2 (x_i − a)·(x_m − a) = |x_i − a|² + |x_m − a|² − |x_i − x_m|².
        products[i * width + m] =
          (distances[i] + distances[neighbours[m]] - distances[m * count + i]) / 2
      }
    }
    self.products = products
    fromFirst = Array(distances[0..<count])
    let first = rows[0..<dimension]
    anchor = (0..<count).map { i in
      zip(reduction.states.elements[i * dimension..<(i + 1) * dimension], first).reduce(0) {
        $0 + ($1.0 - $1.1) * $1.1
      }
    }
    anchorSquare = first.reduce(0) { $0 + $1 * $1 }
  }

  /// The cost, its gradient and Gauss's and Newton's approximation of its second derivatives, both
  /// halved.
  func linearized(
    _ weights: [Double]
  ) -> (cost: Double, gradient: [Double], curvature: [Double]) {
    let (count, width) = (fromFirst.count, weights.count)
    let latents = reduction.latentCount
    let excess = weights.reduce(0, +) - 1
    // x − a = Σ c_m (x_m − a) + (Σ c − 1) a; the inner products with a are in `anchor`.
    var squares = [Double](repeating: 0, count: count)
    var length = 0.0
    for (m, neighbour) in neighbours.enumerated() {
      for l in 0..<width { length += weights[m] * weights[l] * products[neighbour * width + l] }
      length += 2 * excess * weights[m] * anchor[neighbour]
    }
    length += excess * excess * anchorSquare
    for i in 0..<count {
      var inner = excess * anchor[i]
      for m in 0..<width { inner += weights[m] * products[i * width + m] }
      squares[i] = fromFirst[i] - 2 * inner + length
    }
    let (values, shares) = reduction.restrict(squaredDistances: squares)
    let residuals = zip(values, target).map { $0 - $1 } + [excess]
    // x_i·x_m up to a part that does not depend on i, which drops out of the Jacobian.
    var means = [Double](repeating: 0, count: width)
    func product(_ i: Int, _ m: Int) -> Double { products[i * width + m] + anchor[i] }
    for i in 0..<count where shares[i] > 1e-20 {
      for m in 0..<width { means[m] += shares[i] * product(i, m) }
    }
    var jacobian = [Double](repeating: 0, count: (latents + 1) * width)
    for i in 0..<count where shares[i] > 1e-20 {
      for j in 0..<latents {
        let factor = shares[i] * reduction.trainingLatents.elements[i * latents + j]
        for m in 0..<width { jacobian[j * width + m] += factor * (product(i, m) - means[m]) }
      }
    }
    let width2 = reduction.kernelWidth * reduction.kernelWidth
    for j in 0..<latents {
      for m in 0..<width { jacobian[j * width + m] *= 2 / (reduction.eigenvalues[j] * width2) }
    }
    for m in 0..<width { jacobian[latents * width + m] = 1 }
    var gradient = [Double](repeating: 0, count: width)
    var curvature = [Double](repeating: 0, count: width * width)
    for (j, residual) in residuals.enumerated() {
      for m in 0..<width {
        gradient[m] += jacobian[j * width + m] * residual
        for l in 0..<width {
          curvature[m * width + l] += jacobian[j * width + m] * jacobian[j * width + l]
        }
      }
    }
    return (residuals.reduce(0) { $0 + $1 * $1 }, gradient, curvature)
  }
}

/// The solution of a small system with a symmetric positive matrix, by Cholesky's factor.
private func solvePositive(_ matrix: [Double], _ rightHandSide: [Double]) -> [Double] {
  let size = rightHandSide.count
  var (l, x) = (matrix, rightHandSide)
  for i in 0..<size {
    for j in 0...i {
      var sum = l[i * size + j]
      for k in 0..<j { sum -= l[i * size + k] * l[j * size + k] }
      // Damping keeps pivots positive; rounding must not make one zero.
      l[i * size + j] =
        i == j ? max(sum, .leastNormalMagnitude).squareRoot() : sum / l[j * size + j]
    }
    for k in 0..<i { x[i] -= l[i * size + k] * x[k] }
    x[i] /= l[i * size + i]
  }
  for i in stride(from: size - 1, through: 0, by: -1) {
    for k in i + 1..<max(i + 1, size) { x[i] -= l[k * size + i] * x[k] }
    x[i] /= l[i * size + i]
  }
  return x
}
