// The coefficients of a law whose terms are known, over all recordings: which are common to all,
// which vary, and how many hidden parameters make them vary.
//
// A coefficient varies when its spread over recordings is larger than its own errors, which come
// from leaving out blocks of rows (the jackknife: rows overlap, blocks hardly do). The number of
// hidden parameters is the number of directions in which the varying coefficients spread beyond
// their errors. Coefficients are then tied, c = a + B θ, and θ is fitted to each recording anew, with
// every equation weighted by its residual.
import Foundation
import KymoData
import KymoNumerics

/// A coefficient of an equation: which term in which channel's rate.
struct CoefficientPlace: Hashable, Sendable {
  let term: Int
  let channel: Int
}

/// The fit of one support to all recordings.
struct LawFit: Sendable {
  /// Every coefficient, equation by equation.
  let places: [CoefficientPlace]
  /// Their values where they are tied to the parameters: c = offset + slopes · θ.
  private(set) var offsets: [Double]
  /// `[coefficient][parameter]`.
  private(set) var slopes: [[Double]]
  /// Standard errors of the common coefficients.
  private(set) var offsetErrors: [Double]
  /// Spread of every coefficient over recordings.
  private(set) var spreads: [Double] = []
  /// Which coefficients vary.
  private(set) var varies: [Bool]
  /// The coefficient that stands for each parameter.
  private(set) var representatives: [Int] = []
  /// Squared singular values of the varying coefficients over those of their errors.
  private(set) var strengths: [Double] = []
  /// Parameters of each recording, `[recording][parameter]`.
  private(set) var parameters: [[Double]] = []
  /// Their standard errors.
  private(set) var errors: [[Double]] = []
  /// Squared residual of every recording and equation over the square of the rate, corrected for
  /// noise, and what of it is noise's.
  private(set) var residuals: [[(left: Double, noise: Double)]] = []

  /// By how much of its mean a coefficient may differ between recordings by what the weak form and
  /// the solver left out.
  private static let modelError = 1e-3

  private let equations: [NormalEquations]
  private let target: Int
  private let channels: Int
  private var size: Int { target + channels }

  init(_ equations: [NormalEquations], supports: [[Int]], target: Int, threads: Int) {
    self.equations = equations
    self.target = target
    channels = supports.count
    places = supports.enumerated().flatMap { channel, terms in
      terms.map { CoefficientPlace(term: $0, channel: channel) }
    }
    let count = places.count
    offsets = [Double](repeating: 0, count: count)
    offsetErrors = offsets
    slopes = [[Double]](repeating: [], count: count)
    varies = [Bool](repeating: false, count: count)
    guard count > 0 else { return }
    findCommon(threads: threads)
    tie(threads: threads)
  }

  /// The fit of other recordings under a law that is known: its ties are kept, parameters are new.
  ///
  /// `places` are the law's coefficients in the order of its equations.
  init(
    _ equations: [NormalEquations], of law: Law, places: [CoefficientPlace], target: Int,
    threads: Int
  ) {
    self.equations = equations
    self.target = target
    channels = law.equations.count
    self.places = places
    let coefficients = law.equations.flatMap(\.terms)
    (offsets, slopes) = (coefficients.map(\.offset), coefficients.map(\.slopes))
    offsetErrors = coefficients.map { $0.error ?? 0 }
    varies = coefficients.map(\.varies)
    representatives = Array(places.indices.prefix(law.parameters.count))
    let means = coefficients.map(\.mean)
    if law.parameters.isEmpty {
      holdWithoutParameters()
    } else {
      fitParameters(start: equations.map { _ in means }, threads: threads)
    }
  }

  // MARK: What varies

  /// Fits each recording by itself, says which coefficients vary, and fits the others to all.
  private mutating func findCommon(threads: Int) {
    let (free, covariances) = ownFits(fixed: nil, threads: threads)
    let count = Double(free.count)
    for place in places.indices {
      let values = free.map { $0[place] }
      let mean = Statistics.mean(values)
      let floor = Self.modelError * mean
      let ratio = zip(values, covariances).reduce(0.0) { sum, entry in
        let variance = entry.1[place * places.count + place] + floor * floor
        return sum + (entry.0 - mean) * (entry.0 - mean) / max(variance, .leastNormalMagnitude)
      }
      varies[place] = count > 1 && ratio / (count - 1) > 1 + 5 * (2 / (count - 1)).squareRoot()
    }
    // Common coefficients with those that vary eliminated from each recording, weighted by residual.
    for channel in 0..<channels {
      let own = places.indices.filter { places[$0].channel == channel }
      let (common, other) = (own.filter { !varies[$0] }, own.filter { varies[$0] })
      guard !common.isEmpty else { continue }
      let (column, n) = (target + channel, common.count)
      var (matrix, right) = (
        [Double](repeating: 0, count: n * n), [Double](repeating: 0, count: n)
      )
      var parts: [(matrix: [Double], right: [Double])] = []
      for (index, recording) in equations.enumerated() {
        let weight = 1 / rawResidual(recording, channel, free[index])
        let g = recording.total
        func entry(_ a: Int, _ b: Int) -> Double { g[places[a].term * size + places[b].term] }
        let inner = other.flatMap { a in other.map { entry(a, $0) } }
        // Columns of the common terms, and the rate, without what the varying terms explain.
        let cleaned = (common + [-1]).map { target -> [Double] in
          let side = other.map {
            target < 0 ? g[places[$0].term * size + column] : entry($0, target)
          }
          return other.isEmpty ? [] : SymmetricSystem(inner, side).solution
        }
        var part = (
          matrix: [Double](repeating: 0, count: n * n), right: [Double](repeating: 0, count: n)
        )
        for (i, a) in common.enumerated() {
          for (j, b) in common.enumerated() {
            let explained = zip(other, cleaned[j]).reduce(0) { $0 + entry($1.0, a) * $1.1 }
            part.matrix[i * n + j] = weight * (entry(a, b) - explained)
          }
          let explained = zip(other, cleaned[n]).reduce(0) { $0 + entry($1.0, a) * $1.1 }
          part.right[i] = weight * (g[places[a].term * size + column] - explained)
        }
        for i in matrix.indices { matrix[i] += part.matrix[i] }
        for i in right.indices { right[i] += part.right[i] }
        parts.append(part)
      }
      let solved = Self.balancedSolution(matrix, right)
      for (i, a) in common.enumerated() { offsets[a] = solved[i] }
      // Errors from leaving out a tenth of the recordings each time; of one, from its blocks.
      let groups = min(10, parts.count)
      if groups > 1 {
        let left = (0..<groups).map { group -> [Double] in
          var (m, r) = (matrix, right)
          for index in stride(from: group, to: parts.count, by: groups) {
            for i in m.indices { m[i] -= parts[index].matrix[i] }
            for i in r.indices { r[i] -= parts[index].right[i] }
          }
          return Self.balancedSolution(m, r)
        }
        for (i, a) in common.enumerated() {
          offsetErrors[a] = Self.jackknife(left.map { [$0[i]] })[0].squareRoot()
        }
      } else {
        for a in common {
          offsetErrors[a] = covariances[0][a * places.count + a].squareRoot()
        }
      }
    }
  }

  // MARK: Hidden parameters

  /// Counts the parameters, picks a coefficient for each, ties the others to them, and fits them.
  private mutating func tie(threads: Int) {
    let moving = places.indices.filter { varies[$0] }
    spreads = places.map { _ in 0 }
    if moving.isEmpty { return holdWithoutParameters() }
    let (fits, covariances) = ownFits(fixed: offsets, threads: threads)
    let (count, n, all) = (Double(fits.count), moving.count, places.count)
    let means = moving.map { place in Statistics.mean(fits.map { $0[place] }) }
    var spread = [Double](repeating: 0, count: n * n)
    var noise = spread
    for (fit, covariance) in zip(fits, covariances) {
      for (i, a) in moving.enumerated() {
        for (j, b) in moving.enumerated() {
          spread[i * n + j] += (fit[a] - means[i]) * (fit[b] - means[j]) / (count - 1)
          noise[i * n + j] += covariance[a * all + b] / count
        }
      }
    }
    for i in 0..<n {
      let floor = Self.modelError * means[i]
      noise[i * n + i] += floor * floor
      spreads[moving[i]] = spread[i * n + i].squareRoot()
    }
    strengths = Self.whitened(spread, by: noise, n)
    let edge = (1 + (Double(n) / count).squareRoot())
    let limit = 2 * edge * edge
    let rank = max(1, strengths.filter { $0 > limit }.count)
    representatives = Self.pivots(spread, noise, n, rank)
    // Slopes of the others on the representatives, without what errors add to their spread.
    func signal(_ i: Int, _ j: Int) -> Double { spread[i * n + j] - noise[i * n + j] }
    let chosen = representatives
    let inner = chosen.flatMap { a in
      chosen.map { a == $0 ? spread[a * n + a] : signal(a, $0) }
    }
    let signs = chosen.map { means[$0] < 0 ? -1.0 : 1 }
    for (i, place) in moving.enumerated() {
      if let k = chosen.firstIndex(of: i) {
        slopes[place] = chosen.indices.map { $0 == k ? signs[k] : 0 }
        offsets[place] = 0
        continue
      }
      var tied = SymmetricSystem(inner, chosen.map { signal($0, i) }).solution
      for k in tied.indices { tied[k] *= signs[k] }
      let centre = chosen.indices.map { signs[$0] * means[chosen[$0]] }
      let (own, near) = Self.snapped(
        tied, mean: means[i], at: centre,
        errors: chosen.map {
          ((noise[i * n + i] + noise[$0 * n + $0]) / count / max(signal($0, $0), 1e-300))
            .squareRoot()
        })
      slopes[place] = own
      offsets[place] = own.contains { $0 != 0 } ? near : means[i]
    }
    for place in places.indices where slopes[place].isEmpty {
      slopes[place] = chosen.map { _ in 0 }
    }
    representatives = chosen.map { moving[$0] }
    fitParameters(start: fits, threads: threads)
  }

  /// What the common coefficients alone leave of every recording.
  private mutating func holdWithoutParameters() {
    parameters = equations.map { _ in [] }
    errors = parameters
    residuals = equations.map { recording in
      (0..<channels).map { self.residual(recording, $0, offsets) }
    }
  }

  /// Slopes near −1, 0 or 1 and an offset near 0 are taken as such.
  private static func snapped(
    _ slopes: [Double], mean: Double, at centre: [Double], errors: [Double]
  ) -> ([Double], Double) {
    let near = zip(slopes, errors).map { slope, error in
      let whole = slope.rounded()
      return abs(slope - whole) < max(0.02, 3 * error) && abs(whole) <= 1 ? whole : slope
    }
    let offset = mean - zip(near, centre).reduce(0) { $0 + $1.0 * $1.1 }
    let slack = zip(errors, centre).reduce(0.02 * abs(mean)) { $0 + 3 * $1.0 * abs($1.1) }
    guard abs(offset) < slack else { return (near, offset) }
    // Proportional to one parameter: the ratio of the means is better known than the slope.
    let used = near.indices.filter { near[$0] != 0 }
    if used.count == 1, let k = used.first, near[k] != near[k].rounded(), centre[k] != 0 {
      return (near.indices.map { $0 == k ? mean / centre[k] : 0 }, 0)
    }
    return (near, 0)
  }

  /// The coefficients, best known first, that together span what varies.
  private static func pivots(
    _ spread: [Double], _ noise: [Double], _ n: Int, _ rank: Int
  ) -> [Int] {
    var (rest, chosen) = (spread, [Int]())
    for _ in 0..<rank {
      let ratios = (0..<n).map { chosen.contains($0) ? -1 : rest[$0 * n + $0] / noise[$0 * n + $0] }
      guard let best = ratios.indices.max(by: { ratios[$0] < ratios[$1] }) else { break }
      chosen.append(best)
      let pivot = rest[best * n + best]
      let row = (0..<n).map { rest[best * n + $0] }
      for i in 0..<n { for j in 0..<n { rest[i * n + j] -= row[i] * row[j] / pivot } }
    }
    return chosen.sorted()
  }

  /// Eigenvalues of a covariance in units of another's, largest first.
  private static func whitened(_ matrix: [Double], by noise: [Double], _ n: Int) -> [Double] {
    let scales = (0..<n).map { max(noise[$0 * n + $0], 1e-300).squareRoot() }
    let unit = (0..<n * n).map { noise[$0] / scales[$0 / n] / scales[$0 % n] }
    let (values, vectors) = symmetricEigen(unit, size: n)
    let factors = vectors.enumerated().map { row, vector in
      vector.map { $0 / max(values[row], 1e-3).squareRoot() }
    }
    var result = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0..<n {
        for k in 0..<n {
          for l in 0..<n {
            result[i * n + j] +=
              factors[i][k] * factors[j][l] * matrix[k * n + l] / scales[k] / scales[l]
          }
        }
      }
    }
    return symmetricEigen(result, size: n).values
  }

  /// The parameters of each recording under the ties, with errors.
  private mutating func fitParameters(start: [[Double]], threads: Int) {
    let tied = self
    let fits = parallelMap(equations.count, threads: threads) { tied.tiedFit($0, start[$0]) }
    (parameters, errors, residuals) = (fits.map(\.0), fits.map(\.1), fits.map(\.2))
  }

  /// The parameters of a recording, their errors, and what the law leaves.
  private func tiedFit(
    _ index: Int, _ start: [Double]
  ) -> ([Double], [Double], [(left: Double, noise: Double)]) {
    let (recording, rank) = (equations[index], representatives.count)
    let weights = (0..<channels).map { 1 / rawResidual(recording, $0, start) }
    func solve(_ gram: [Double], _ offsets: [Double]) -> [Double] {
      var (matrix, right) = (
        [Double](repeating: 0, count: rank * rank), [Double](repeating: 0, count: rank)
      )
      for (a, one) in places.enumerated() {
        // What the offsets leave of the rate, seen by this term.
        var side = gram[one.term * size + target + one.channel]
        for (b, other) in places.enumerated() where other.channel == one.channel {
          let entry = gram[one.term * size + other.term]
          side -= entry * offsets[b]
          for k in 0..<rank {
            for l in 0..<rank {
              matrix[k * rank + l] += weights[one.channel] * slopes[a][k] * entry * slopes[b][l]
            }
          }
        }
        for k in 0..<rank { right[k] += weights[one.channel] * slopes[a][k] * side }
      }
      return Self.balancedSolution(matrix, right)
    }
    let values = solve(recording.total, offsets)
    let covariance = Self.jackknife(
      recording.blocks.indices.map { solve(recording.without([$0]), offsets) })
    var variance = (0..<rank).map { covariance[$0 * rank + $0] }
    // The errors of the common coefficients move the parameters of all recordings.
    for place in places.indices where !varies[place] {
      var shifted = offsets
      shifted[place] += offsetErrors[place]
      let moved = solve(recording.total, shifted)
      for k in 0..<rank { variance[k] += (moved[k] - values[k]) * (moved[k] - values[k]) }
    }
    let found = coefficients(values)
    return (
      values, variance.map { $0.squareRoot() },
      (0..<channels).map { residual(recording, $0, found) }
    )
  }

  /// All coefficients of a recording with some parameters.
  func coefficients(_ parameters: [Double]) -> [Double] {
    places.indices.map { place in
      zip(slopes[place], parameters).reduce(offsets[place]) { $0 + $1.0 * $1.1 }
    }
  }

  // MARK: One recording

  /// Coefficients of every recording with the covariance of their errors; with `fixed`, those that
  /// do not vary are taken from there.
  private func ownFits(
    fixed: [Double]?, threads: Int
  ) -> (values: [[Double]], covariances: [[Double]]) {
    let fits = parallelMap(equations.count, threads: threads) { index in
      let recording = equations[index]
      let values = fit(recording.total, fixed: fixed)
      let left = recording.blocks.indices.map { fit(recording.without([$0]), fixed: fixed) }
      return (values, Self.jackknife(left))
    }
    return (fits.map(\.0), fits.map(\.1))
  }

  private func fit(_ gram: [Double], fixed: [Double]?) -> [Double] {
    var result = fixed ?? places.map { _ in 0 }
    for channel in 0..<channels {
      let own = places.indices.filter { places[$0].channel == channel }
      let free = own.filter { fixed == nil || varies[$0] }
      guard !free.isEmpty else { continue }
      let held = own.filter { fixed != nil && !varies[$0] }
      let matrix = free.flatMap { a in
        free.map { gram[places[a].term * size + places[$0].term] }
      }
      let right = free.map { a in
        held.reduce(gram[places[a].term * size + target + channel]) {
          $0 - gram[places[a].term * size + places[$1].term] * result[$1]
        }
      }
      for (a, value) in zip(free, Self.balancedSolution(matrix, right)) { result[a] = value }
    }
    return result
  }

  /// The solution of a symmetric system whose rows have different units.
  private static func balancedSolution(_ matrix: [Double], _ right: [Double]) -> [Double] {
    let n = right.count
    let scales = (0..<n).map { max(abs(matrix[$0 * n + $0]), 1e-300).squareRoot() }
    let balanced = (0..<n * n).map { matrix[$0] / scales[$0 / n] / scales[$0 % n] }
    let solved = SymmetricSystem(balanced, zip(right, scales).map { $0 / $1 }).solution
    return zip(solved, scales).map { $0 / $1 }
  }

  /// The covariance of an estimate from estimates that each lack one block.
  private static func jackknife(_ left: [[Double]]) -> [Double] {
    let (n, count) = (left[0].count, Double(left.count))
    var covariance = [Double](repeating: 0, count: n * n)
    guard left.count > 1 else { return covariance }
    let means = (0..<n).map { k in Statistics.mean(left.map { $0[k] }) }
    for values in left {
      for i in 0..<n {
        for j in 0..<n {
          covariance[i * n + j] +=
            (count - 1) / count * (values[i] - means[i]) * (values[j] - means[j])
        }
      }
    }
    return covariance
  }

  /// The residual of a recording over the square of its rate, and what noise added to both.
  private func residual(
    _ recording: NormalEquations, _ channel: Int, _ coefficients: [Double]
  ) -> (left: Double, noise: Double) {
    let column = target + channel
    let own = places.indices.filter { places[$0].channel == channel }
    func square(_ matrix: [Double]) -> Double {
      var value = matrix[column * size + column]
      for a in own {
        value -= 2 * coefficients[a] * matrix[places[a].term * size + column]
        for b in own {
          value +=
            coefficients[a] * coefficients[b] * matrix[places[a].term * size + places[b].term]
        }
      }
      return value
    }
    let norm = max(recording.total[column * size + column], .leastNormalMagnitude)
    return (square(recording.total) / norm, square(recording.noise) / norm)
  }

  /// The squared residual of a recording with its noise: the inverse weight of its equation.
  private func rawResidual(
    _ recording: NormalEquations, _ channel: Int, _ coefficients: [Double]
  ) -> Double {
    let part = residual(recording, channel, coefficients)
    let norm = max(recording.total[(target + channel) * size + target + channel], 1e-300)
    return max(abs(part.left) + max(part.noise, 0), 1e-12) * norm
  }
}
