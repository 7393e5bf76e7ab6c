// The normal equations of a reservoir's read-out, (Φ Φᵀ + β) Wᵀ = Φ Yᵀ, gathered over chunks of
// reservoir states, so that only N² numbers are kept however long the series are. The matrix is
// symmetric: only blocks on and below the diagonal are summed.
import CKernels
import KymoTensor

/// Sums of products of reservoir features with each other and with targets.
struct NormalEquations {
  private static let chunkRows = 1024
  private static let blockColumns = 512
  private let unitCount: Int
  private let targetCount: Int
  /// Φ Φᵀ on and below the diagonal, `[N, N]`.
  private let products: Tensor
  /// Φ Yᵀ, `[N, L]`.
  private let targetProducts: Tensor
  /// Number of reservoir states so far.
  private(set) var count = 0

  init(unitCount: Int, targets: Int) {
    (self.unitCount, targetCount) = (unitCount, targets)
    products = .zeros([unitCount, unitCount], dtype: .float64)
    targetProducts = .zeros([unitCount, targets], dtype: .float64)
  }

  /// Drives the reservoir, at rest at first, with inputs `[T, L]`; the state after input t, φ, goes
  /// with entry t + 1 of the targets `[T, L]`.
  mutating func add(
    inputs: [Double], targets: [Double], reservoir: SparseReservoir, washOut: Int
  ) {
    let frames = inputs.count / targetCount
    var h = [Double](repeating: 0, count: unitCount)
    var next = h
    unsafe reservoir.withPlan { plan in
      unsafe inputs.withUnsafeBufferPointer { inputs in
        guard let inputs = inputs.baseAddress else { return }
        var frame = 0
        while frame < frames - 1 {
          // The wash-out, then chunks of rows.
          let end = min(frames - 1, frame < washOut ? washOut : frame + Self.chunkRows)
          let rows = frame < washOut ? 0 : end - frame
          let features = Tensor.empty([max(rows, 1), unitCount], dtype: .float64)
          let first = frame
          unsafe features.withUnsafeMutablePointer(of: Double.self) { features in
            while frame < end {
              // In bounds: input `frame` is one of `frames`, row `frame - first` one of `rows`.
              unsafe kk_reservoir_step(plan, 1, inputs + frame * targetCount, h, &next)
              swap(&h, &next)
              if rows > 0 {
                let row = unsafe features + (frame - first) * unitCount
                for unit in 0..<unitCount {
                  unsafe row[unit] = unit % 2 == 0 ? h[unit] * h[unit] : h[unit]
                }
              }
              frame += 1
            }
          }
          guard rows > 0 else { continue }
          let following = Tensor(
            doubles: Array(targets[(first + 1) * targetCount..<(first + 1 + rows) * targetCount]),
            shape: [rows, targetCount])
          accumulate(features, following)
          count += rows
        }
      }
    }
  }

  private func accumulate(_ features: Tensor, _ targets: Tensor) {
    let transposed = features.transposed(0, 1)
    targetProducts.addMatmulInPlace(transposed, targets)
    for first in stride(from: 0, to: unitCount, by: Self.blockColumns) {
      let end = min(unitCount, first + Self.blockColumns)
      products.sliced(axis: 0, from: first, to: end).sliced(axis: 1, to: end).addMatmulInPlace(
        transposed.sliced(axis: 0, from: first, to: end), features.sliced(axis: 1, to: end))
    }
  }

  /// W, `[L, N]`, and the way it was found.
  func solve(ridgePenalty: Double) throws -> (readOut: [Double], ReservoirPropagator.Solver) {
    unsafe products.withUnsafeMutablePointer(of: Double.self) { entries in
      for unit in 0..<unitCount { unsafe entries[unit * unitCount + unit] += ridgePenalty }
    }
    // A β below the rounding of Φ Φᵀ leaves no factor.
    if ridgePenalty > 0, let factor = try products.choleskyFactorIfDefinite() {
      return (try factor.choleskySolve(targetProducts).transposed(0, 1).doubles, .cholesky)
    }
    let (values, vectors) = try products.symmetricEigen()
    let numbers = values.doubles
    let cutoff = 1e-15 * (numbers.last ?? 0) * Double(unitCount)
    let inverse = Tensor(
      doubles: numbers.map { $0 > cutoff ? 1 / $0 : 0 }, shape: [unitCount, 1])
    let coordinates = vectors.transposed(0, 1).matmul(targetProducts) * inverse
    return (vectors.matmul(coordinates).transposed(0, 1).doubles, .pseudoInverse)
  }
}
