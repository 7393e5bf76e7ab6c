// The distance of two distributions by histograms on a common grid (L1-NHD, Vlachas et al. 2022),
//
//   L1 = ∫ |p − q| dx = Σ_cells |n_p / N_p − n_q / N_q|,
//
// from 0 (alike) to 2 (nowhere together), whatever the width of the cells. The sum is exact; no
// quadrature over the centres of cells is put in its place. Samples beyond the grid count in one
// cell of their own, so that mass that leaves the grid is not lost.
import Foundation
public import KymoNumerics

/// Cells of equal width along each of d axes.
public struct HistogramGrid: Hashable, Codable, Sendable {
  /// Lower end of each axis.
  public var low: [Double]
  /// Upper end of each axis; it belongs to the last cell.
  public var high: [Double]
  /// Number of cells along each axis.
  public var bins: [Int]

  /// Creates a grid.
  public init(low: [Double], high: [Double], bins: [Int]) {
    precondition(
      low.count == high.count && low.count == bins.count && zip(low, high).allSatisfy { $0 <= $1 }
        && bins.allSatisfy { $0 >= 1 }, "HistogramGrid: \(low) ... \(high), \(bins) bins")
    (self.low, self.high, self.bins) = (low, high, bins)
  }

  /// The grid from the smallest to the largest value of samples `[n, d]`, along each axis.
  ///
  /// - Parameters:
  ///   - samples: The samples, `[n, d]`; several arrays give a grid that covers all of them.
  ///   - bins: Cells along each axis; by default Rice's rule for the first array.
  public init(covering samples: [HostArray<Double>], bins: Int? = nil) {
    precondition(
      !samples.isEmpty && samples.allSatisfy { $0.rank == 2 && $0.shape[1] == samples[0].shape[1] },
      "HistogramGrid: samples \(samples.map(\.shape)), expected [n, d]")
    let axes = samples[0].shape[1]
    let perAxis = bins ?? riceBinCount(sampleCount: samples[0].shape[0], dimensions: axes)
    var low = [Double](repeating: .infinity, count: axes)
    var high = [Double](repeating: -.infinity, count: axes)
    for array in samples {
      for index in array.elements.indices where array.elements[index].isFinite {
        low[index % axes] = min(low[index % axes], array.elements[index])
        high[index % axes] = max(high[index % axes], array.elements[index])
      }
    }
    self.init(
      low: low.map { $0.isFinite ? $0 : 0 }, high: high.map { $0.isFinite ? $0 : 0 },
      bins: [Int](repeating: perAxis, count: axes))
  }

  /// Number of cells, that beyond the grid included.
  var cellCount: Int { bins.reduce(1, *) + 1 }

  /// The cell of a sample; the last one when it lies beyond the grid or is not a number.
  func cell(_ sample: ArraySlice<Double>) -> Int {
    var cell = 0
    for (axis, value) in sample.enumerated() {
      guard value >= low[axis], value <= high[axis] else { return cellCount - 1 }
      let width = high[axis] - low[axis]
      let place = width > 0 ? (value - low[axis]) / width * Double(bins[axis]) : 0
      cell = cell * bins[axis] + min(Int(place), bins[axis] - 1)
    }
    return cell
  }

  /// The part of the samples `[n, d]` in each cell; the last entry is the part beyond the grid.
  public func fractions(of samples: HostArray<Double>) -> [Double] {
    let axes = bins.count
    precondition(
      samples.rank == 2 && samples.shape[1] == axes,
      "HistogramGrid: samples \(samples.shape) on \(axes) axes")
    var counts = [Double](repeating: 0, count: cellCount)
    for row in 0..<samples.shape[0] {
      counts[cell(samples.elements[row * axes..<(row + 1) * axes])] += 1
    }
    return counts.map { $0 / Double(samples.shape[0]) }
  }
}

/// Cells along each of d axes for n samples by Rice's rule.
///
/// They are ⌈2 ∛m⌉ with m = n^(1/d) rounded, at least 2. In one dimension this is the usual ⌈2 ∛n⌉;
/// 1,000 samples in three give 5 (125 cells).
public func riceBinCount(sampleCount: Int, dimensions: Int) -> Int {
  let perAxis = pow(Double(sampleCount), 1 / Double(dimensions)).rounded()
  // A cube root that is whole up to rounding must not gain a cell.
  return max(2, Int((2 * cbrt(perAxis) - 1e-9).rounded(.up)))
}

/// The L1 distance of the distributions of two samples, from 0 to 2.
///
/// - Parameters:
///   - prediction: Samples `[n, d]`.
///   - truth: Samples `[m, d]`.
///   - grid: The cells; by default Rice's rule on the range of both.
/// - Returns: The distance. Two samples of one distribution do not give 0 but a floor that falls
///   with their size; report it beside the distance.
///
/// **Good values.** Two uniform samples of 1,000 points in 125 cells: about 0.4.
public func histogramDistance(
  _ prediction: HostArray<Double>, _ truth: HostArray<Double>, grid: HistogramGrid? = nil
) -> Double {
  let grid = grid ?? HistogramGrid(covering: [truth, prediction])
  return zip(grid.fractions(of: prediction), grid.fractions(of: truth)).reduce(0) {
    $0 + ($1.0 - $1.1).magnitude
  }
}
