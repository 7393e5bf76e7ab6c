// The weak form of a library on the recordings of one file: for a test function w around a centre,
//
//     −∫ u ∂t w = Σ_k θ_k (−1)^|α_k| ∫ g_k(u) ∂^α_k w,
//
// one row for each centre of a lattice (Messenger and Bortz 2021; Reinbold, Gurevich and Grigoriev,
// "Using noisy or incomplete data to discover models of spatiotemporal dynamics", Phys. Rev. E 101,
// 2020). No derivative of the data is taken. All rows of a term are one separable correlation.
//
// Units: a channel is divided by its scale, lengths are counted in the half width along x, times in
// the half width in time; then all columns are of order one.
import Foundation
import KymoData
import KymoNumerics

/// Half widths of the test functions, in mesh steps.
public struct TestWindow: Codable, Hashable, Sendable {
  /// Along time.
  public var time: Int
  /// Along every space axis.
  public var space: Int

  /// Creates a window.
  public init(time: Int, space: Int) { (self.time, self.space) = (time, space) }
}

/// Turns recordings into normal equations of a library.
struct WeakForm: Sendable {
  /// The right-hand sides' terms.
  let terms: [LawTerm]
  let window: TestWindow
  /// Number of channels.
  let channels: Int
  /// How many of them, from the first on, have an equation.
  let targets: Int
  /// What each channel is divided by.
  let scales: [Double]
  private let frames: Int
  private let points: [Int]
  /// The half width along y over that along x.
  private let aspect: Double
  private let centres: (time: [Int], space: [[Int]])
  /// Number of pieces along each space axis in which rows are summed apart.
  private let tiles: [Int]
  private let isPeriodic: [Bool]
  private let monomials: [LawTerm]
  /// Of each term: its monomial and the correlations that make it up.
  private let parts: [(monomial: Int, sum: [(weight: Double, x: Int, y: Int)])]
  /// Number of pieces in time and in space in which rows are summed apart.
  let blocks: (time: Int, space: Int)
  /// The time half width and the length half width along x, in the file's units.
  let units: (time: Double, length: Double)

  /// Columns of the normal equations: terms, then targets.
  var columnCount: Int { terms.count + targets }
  /// Mesh points of a frame.
  var frameCells: Int { points.reduce(1, *) }
  /// Number of pieces in which rows are summed apart.
  var blockCount: Int { blocks.time * blocks.space }
  /// Number of rows of each recording.
  var rowCount: Int { centres.time.count * centres.space.reduce(1) { $0 * $1.count } }

  /// The blocks of each piece in time, or in space.
  func pieces(inTime: Bool) -> [[Int]] {
    (0..<(inTime ? blocks.time : blocks.space)).map { piece in
      (0..<blockCount).filter { (inTime ? $0 / blocks.space : $0 % blocks.space) == piece }
    }
  }

  init(
    _ recordings: Recordings, terms: [LawTerm], window: TestWindow, scales: [Double], targets: Int
  ) {
    self.targets = targets
    (self.terms, self.window, self.scales) = (terms, window, scales)
    (channels, frames, points) = (
      recordings.channelCount, recordings.frameCount, recordings.spaceShape
    )
    let spacings = recordings.grid.spacings
    units = (
      Double(window.time) * (recordings.frameInterval ?? 1), Double(window.space) * spacings[0]
    )
    aspect = (spacings.last ?? 1) / spacings[0]
    isPeriodic = recordings.boundary.map { $0 == .periodic }
    // Rows that overlap more say little more; in two dimensions there are enough.
    let overlap = recordings.spaceRank == 1 ? 4 : 3
    func lattice(_ count: Int, _ half: Int, wraps: Bool) -> [Int] {
      let step = max(1, half / overlap)
      return wraps
        ? Array(stride(from: 0, to: count, by: step))
        : Array(stride(from: half, through: max(half, count - 1 - half), by: step))
    }
    centres = (
      lattice(frames, window.time, wraps: false),
      zip(points, isPeriodic).map { lattice($0, window.space, wraps: $1) }
    )
    // Of a half width at least: rows of neighbouring blocks then hardly overlap.
    func pieces(_ centres: [Int]) -> Int { max(1, min(4, centres.count / overlap)) }
    tiles = centres.space.map(pieces)
    blocks = (pieces(centres.time), tiles.reduce(1, *))
    var monomials: [LawTerm] = []
    parts = terms.map { term in
      let monomial = term.monomial
      let place =
        monomials.firstIndex(of: monomial)
        ?? {
          monomials.append(monomial)
          return monomials.count - 1
        }()
      let sign = term.derivative.order % 2 == 0 ? 1.0 : -1.0
      return (place, term.derivative.expansion.map { (sign * $0.weight, $0.x, $0.y) })
    }
    self.monomials = monomials
  }

  /// What columns in the file's units are of those here: of a term, or of a target.
  func unit(ofColumn column: Int) -> Double {
    if column >= terms.count { return scales[column - terms.count] / units.time }
    var value = 1.0
    for _ in 0..<terms[column].derivative.order { value /= units.length }
    for (power, scale) in zip(terms[column].powers, scales) {
      for _ in 0..<power { value *= scale }
    }
    return value
  }

  /// The columns of one recording, block by block: `[block][column][row of the block]`.
  ///
  /// - Parameters:
  ///   - numbers: The recording, shape `[C, T, X…]`.
  ///   - noise: Variance of white noise in every channel, whose mean effect on products is removed.
  ///   - addition: Changes a frame of a channel before it is used.
  /// - Returns: For each block, one column after the other.
  func columns(
    _ numbers: UnsafeBufferPointer<Float>, noise: [Double],
    addition: ((UnsafeMutablePointer<Float>, _ channel: Int, _ frame: Int) -> Void)? = nil
  ) -> [[Double]] {
    let cells = points.reduce(1, *)
    let times = centres.time.count
    var sums = [[Double]](
      repeating: [Double](repeating: 0, count: times * cells), count: monomials.count)
    var rates = [[Double]](
      repeating: [Double](repeating: 0, count: times * cells), count: targets)
    let bump = TestFunction.values(
      power: TestFunction.timePower, halfWidth: window.time, derivative: 0)
    let slope = TestFunction.values(
      power: TestFunction.timePower, halfWidth: window.time, derivative: 1)
    let products = FrameProducts(monomials, scales: scales, noise: noise, cells: cells)
    var frameBuffer = [Float](repeating: 0, count: cells)
    for frame in 0..<frames {
      for channel in 0..<channels {
        // In bounds: channels · frames · cells numbers.
        let start = unsafe numbers.baseAddress.map {
          unsafe $0 + (channel * frames + frame) * cells
        }
        guard let start = unsafe start else { continue }
        if let addition = unsafe addition {
          unsafe frameBuffer.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe base.update(from: start, count: cells)
            unsafe addition(base, channel, frame)
            unsafe products.set(channel, base)
          }
        } else {
          unsafe products.set(channel, start)
        }
      }
      for (place, centre) in centres.time.enumerated() {
        let tap = frame - centre + window.time
        guard tap >= 0, tap < bump.count else { continue }
        for monomial in monomials.indices where bump[tap] != 0 {
          products.add(bump[tap], monomial: monomial, to: &sums[monomial], at: place * cells)
        }
        for channel in 0..<targets where slope[tap] != 0 {
          products.add(-slope[tap], channel: channel, to: &rates[channel], at: place * cells)
        }
      }
    }
    return inSpace(sums, rates)
  }

  /// Correlates along space and sorts rows by blocks.
  private func inSpace(_ sums: [[Double]], _ rates: [[Double]]) -> [[Double]] {
    let times = centres.time.count
    func kernel(_ order: Int, scale: Double) -> [Double] {
      var factor = 1.0
      for _ in 0..<order { factor /= scale }
      return TestFunction.values(
        power: TestFunction.spacePower, halfWidth: window.space, derivative: order
      ).map { $0 * factor }
    }
    func correlated(_ field: [Double], _ wanted: Set<[Int]>) -> [[Int]: [Double]] {
      var found: [[Int]: [Double]] = [:]
      for x in Set(wanted.map { $0[0] }) {
        let inner = points.count == 2 ? points[1] : 1
        let along = Correlation(
          kernel(x, scale: 1), points: points[0], centres: centres.space[0],
          wraps: isPeriodic[0])
        let first = along(field, outer: times, inner: inner)
        for order in wanted where order[0] == x {
          guard points.count == 2 else {
            found[order] = first
            continue
          }
          found[order] = Correlation(
            kernel(order[1], scale: aspect), points: points[1], centres: centres.space[1],
            wraps: isPeriodic[1])(first, outer: times * centres.space[0].count, inner: 1)
        }
      }
      return found
    }
    var columns = [[Double]](repeating: [], count: columnCount)
    for monomial in monomials.indices {
      let own = parts.indices.filter { parts[$0].monomial == monomial }
      let wanted = Set(own.flatMap { parts[$0].sum.map { [$0.x, $0.y] } })
      let found = correlated(sums[monomial], wanted)
      for term in own {
        var column = [Double](repeating: 0, count: rowCount)
        for part in parts[term].sum {
          guard let values = found[[part.x, part.y]] else { continue }
          for row in column.indices { column[row] += part.weight * values[row] }
        }
        columns[term] = column
      }
    }
    for channel in 0..<targets {
      columns[terms.count + channel] = correlated(rates[channel], [[0, 0]])[[0, 0]] ?? []
    }
    return sorted(columns)
  }

  private func sorted(_ columns: [[Double]]) -> [[Double]] {
    let places = centres.space.map(\.count) + (centres.space.count == 1 ? [1] : [])
    let tiles = tiles + (tiles.count == 1 ? [1] : [])
    func range(_ piece: Int, _ pieces: Int, _ count: Int) -> Range<Int> {
      piece * count / pieces..<(piece + 1) * count / pieces
    }
    return (0..<blockCount).map { block in
      let tile = block % blocks.space
      let times = range(block / blocks.space, blocks.time, centres.time.count)
      let rows = range(tile / tiles[1], tiles[0], places[0])
      let span = range(tile % tiles[1], tiles[1], places[1])
      var result = [Double]()
      result.reserveCapacity(columns.count * times.count * rows.count * span.count)
      for column in columns {
        for time in times {
          for row in rows {
            let start = (time * places[0] + row) * places[1]
            result += column[start + span.lowerBound..<start + span.upperBound]
          }
        }
      }
      return result
    }
  }
}

/// The monomials of one frame.
///
/// With noise of variance σ² a power is a Hermite polynomial, u² − σ² for u², u³ − 3σ²u for u³,
/// whose mean over the noise is the power of the field without it; a sine or cosine grows by
/// exp(σ²/2).
private final class FrameProducts {
  private let monomials: [LawTerm]
  private let scales: [Double]
  private let noise: [Double]
  private let cells: Int
  private var values: [[Double]]
  private var products: [[Double]]
  private var isFresh: [Bool]

  init(_ monomials: [LawTerm], scales: [Double], noise: [Double], cells: Int) {
    (self.monomials, self.scales, self.noise, self.cells) = (monomials, scales, noise, cells)
    values = [[Double]](repeating: [Double](repeating: 0, count: cells), count: scales.count)
    products = [[Double]](repeating: [Double](repeating: 0, count: cells), count: monomials.count)
    isFresh = monomials.map { _ in false }
  }

  /// Takes a channel of a frame.
  func set(_ channel: Int, _ start: UnsafePointer<Float>) {
    let factor = 1 / scales[channel]
    unsafe values[channel].withUnsafeMutableBufferPointer { buffer in
      for cell in 0..<cells { unsafe buffer[cell] = Double(start[cell]) * factor }
    }
    for monomial in isFresh.indices { isFresh[monomial] = false }
  }

  /// Adds a multiple of a channel to a sum.
  func add(_ weight: Double, channel: Int, to sum: inout [Double], at start: Int) {
    axpy(weight, values[channel], 0, &sum, start, cells)
  }

  /// Adds a multiple of a monomial to a sum.
  func add(_ weight: Double, monomial: Int, to sum: inout [Double], at start: Int) {
    if !isFresh[monomial] {
      compute(monomial)
      isFresh[monomial] = true
    }
    axpy(weight, products[monomial], 0, &sum, start, cells)
  }

  private func compute(_ place: Int) {
    let monomial = monomials[place]
    unsafe products[place].withUnsafeMutableBufferPointer { product in
      for cell in 0..<cells { unsafe product[cell] = 1 }
      for (channel, power) in monomial.powers.enumerated() where power > 0 {
        let variance = noise[channel] / (scales[channel] * scales[channel])
        unsafe values[channel].withUnsafeBufferPointer { value in
          for cell in 0..<cells {
            var (last, current) = unsafe (1.0, value[cell])
            for degree in 1..<max(power, 1) {
              let next = unsafe value[cell] * current - Double(degree) * variance * last
              (last, current) = (current, next)
            }
            unsafe product[cell] *= current
          }
        }
      }
      if let wave = monomial.wave {
        let channel = monomial.waveChannel
        let growth = exp(noise[channel] / 2)
        for cell in 0..<cells {
          let value = values[channel][cell] * scales[channel]
          unsafe product[cell] *= growth * (wave == .sin ? sin(value) : cos(value))
        }
      }
    }
  }
}
