// The coefficients of a law whose terms are known, over all recordings: which are common to all,
// which vary, and how many hidden parameters make them vary.
//
// A coefficient varies when its spread over recordings is larger than its own errors, which come
// from blocks of rows (`BlockRegression`: rows overlap, blocks hardly do). The number of
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
  /// Covariance of the errors of the common coefficients, `[coefficient, coefficient]`.
  private(set) var commonCovariance: [Double]
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
  /// Their standard errors, and what of these is the recording's own.
  private(set) var errors: [[Double]] = []
  private(set) var ownErrors: [[Double]] = []
  /// Squared residual of every recording and equation over the square of the rate, corrected for
  /// noise, and what of it is noise's.
  private(set) var residuals: [[(left: Double, noise: Double)]] = []

  /// By how much of its mean a coefficient may differ between recordings and count as the same.
  private static let notableSpread = 1e-3

  /// The square of what rounding to single precision changes numbers by, 2⁻²⁴ / √3 of themselves.
  ///
  /// No residual is believed below it.
  private static let rounding = 1.2e-15

  private var equations: [NormalEquations]
  /// Every coefficient's mean.
  private var means: [Double]
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
    commonCovariance = [Double](repeating: 0, count: count * count)
    slopes = [[Double]](repeating: [], count: count)
    varies = [Bool](repeating: false, count: count)
    means = offsets
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
    let count = places.count
    commonCovariance = [Double](repeating: 0, count: count * count)
    for (place, coefficient) in coefficients.enumerated() {
      let error = coefficient.error ?? 0
      commonCovariance[place * count + place] = error * error
    }
    varies = coefficients.map(\.varies)
    representatives = Array(places.indices.prefix(law.parameters.count))
    means = coefficients.map(\.mean)
    if law.parameters.isEmpty {
      holdWithoutParameters()
    } else {
      fitParameters(start: equations.map { _ in means }, threads: threads)
    }
  }

  /// Standard error of a common coefficient.
  func error(ofCommon place: Int) -> Double {
    commonCovariance[place * places.count + place].squareRoot()
  }

  /// The same ties, fitted to other normal equations of the same columns.
  func refitted(_ equations: [NormalEquations], threads: Int) -> LawFit {
    var other = self
    other.equations = equations
    other.fitParameters(start: equations.map { _ in means }, threads: threads)
    return other
  }

  // MARK: What varies

  /// Fits each recording by itself, says which coefficients vary, and fits the others to all.
  private mutating func findCommon(threads: Int) {
    let (free, covariances) = ownFits(fixed: nil, threads: threads)
    let count = Double(free.count)
    for place in places.indices {
      let values = free.map { $0[place] }
      let mean = Statistics.mean(values)
      let floor = Self.notableSpread * mean
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
        parts.append(part)
      }
      // Recordings are the blocks; of one, its own. Few say little of how large the errors are.
      let fit = BlockRegression(parts)
      let factors = fit.freedom.map { studentFactor(freedom: $0) }
      for (i, a) in common.enumerated() {
        offsets[a] = fit.solution[i]
        for (j, b) in common.enumerated() {
          commonCovariance[a * places.count + b] =
            parts.count > 1
            ? factors[i] * factors[j] * fit.covariance[i * n + j]
            : covariances[0][a * places.count + b]
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
    self.means = places.indices.map { place in Statistics.mean(fits.map { $0[place] }) }
    let means = moving.map { self.means[$0] }
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
      let floor = Self.notableSpread * means[i]
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
    (errors, ownErrors) = (parameters, parameters)
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
  ///
  /// With noise a draw of further noise changes the columns A by D, so it moves θ by
  /// M⁻¹ Aᵀ(D_b − D θ), as the noise in the recording did, and what was subtracted is known to the
  /// spread of its draws. Their mean square over all recordings, in units of M⁻¹, makes the errors of
  /// each.
  ///
  /// Without noise what is left comes from quadrature, products beyond the mesh, rounding and the
  /// time steps of what made the data. It need not differ between rows, so that blocks of rows do not
  /// show it. If all rows erred together as much as they can, θ would be off by the root of M⁻¹ with
  /// weights of the whole residual. A quantity of which a bound is all that is known has that bound
  /// over √3 as its standard error ("Guide to the expression of uncertainty in measurement", JCGM
  /// 100:2008, 4.3.7). Where blocks show more, that counts.
  private mutating func fitParameters(start: [[Double]], threads: Int) {
    let tied = self
    let fits = parallelMap(equations.count, threads: threads) { tied.tiedFit($0, start[$0]) }
    (parameters, residuals) = (fits.map(\.values), fits.map(\.residuals))
    let draws = equations[0].draws.count
    // A mean of few draws is not well known itself.
    let factor = studentFactor(freedom: Double(draws * fits.count))
    let ratios = representatives.indices.map { k in
      factor * factor * Statistics.mean(fits.map { $0.noise[k] / $0.inverse[k] })
    }
    ownErrors = fits.map { fit in
      representatives.indices.map { k in
        draws > 0
          ? (ratios[k] * fit.inverse[k]).squareRoot()
          : max(
            (fit.inverse[k] / 3).squareRoot(),
            fit.blocks[k].squareRoot() * studentFactor(freedom: fit.freedom[k]))
      }
    }
    errors = zip(fits, ownErrors).map { fit, own in
      representatives.indices.map { k in
        (own[k] * own[k] + fit.common[k]).squareRoot()
      }
    }
  }

  /// The parameters of a recording and variances of their errors.
  private struct TiedFit {
    let values: [Double]
    /// The diagonal of M⁻¹.
    let inverse: [Double]
    /// By blocks of rows, with their degrees of freedom.
    let blocks: [Double]
    let freedom: [Double]
    /// By draws of noise.
    let noise: [Double]
    /// By the errors of the common coefficients, which move the parameters of all recordings.
    let common: [Double]
    let residuals: [(left: Double, noise: Double)]
  }

  private func tiedFit(_ index: Int, _ start: [Double]) -> TiedFit {
    let (recording, rank) = (equations[index], representatives.count)
    // Equations are weighted by what the recording's own coefficients leave of them.
    func weights(_ coefficients: [Double]) -> [Double] {
      (0..<channels).map { 1 / rawResidual(recording, $0, coefficients) }
    }
    let (matrix, right) = tiedEquations(recording.total, weights(start))
    let weights = weights(self.coefficients(BlockRegression([(matrix, right)]).solution))
    let fit = BlockRegression(recording.blocks.map { tiedEquations($0, weights) })
    let found = coefficients(fit.solution)
    func moved(_ side: [Double], _ k: Int) -> Double {
      (0..<rank).reduce(0) { $0 + fit.inverse[k * rank + $1] * side[$1] }
    }
    let count = Double(recording.draws.count)
    let pushes = recording.draws.map { push($0.cross, found, weights) }
    let doubts = recording.draws.map { push($0.added, found, weights) }
    let common = places.indices.filter { !varies[$0] }
    let pulls = common.map { pull(of: $0, recording.total, weights) }
    return TiedFit(
      values: fit.solution, inverse: (0..<rank).map { fit.inverse[$0 * rank + $0] },
      blocks: (0..<rank).map { fit.covariance[$0 * rank + $0] }, freedom: fit.freedom,
      noise: (0..<rank).map { k in
        guard count > 0 else { return 0 }
        let square = pushes.reduce(0) { $0 + moved($1, k) * moved($1, k) } / count
        return square + Statistics.sampleVariance(doubts.map { moved($0, k) }) / count
      },
      common: (0..<rank).map { k in
        var variance = 0.0
        let shifts = pulls.map { moved($0, k) }
        for (i, a) in common.enumerated() {
          for (j, b) in common.enumerated() {
            variance += shifts[i] * commonCovariance[a * places.count + b] * shifts[j]
          }
        }
        return max(0, variance)
      },
      residuals: (0..<channels).map { residual(recording, $0, found) })
  }

  /// The right-hand side of the parameters that products of columns with changes make.
  private func push(
    _ products: [Double], _ coefficients: [Double], _ weights: [Double]
  ) -> [Double] {
    var side = [Double](repeating: 0, count: representatives.count)
    for (a, one) in places.enumerated() {
      var value = products[one.term * size + target + one.channel]
      for (b, other) in places.enumerated() where other.channel == one.channel {
        value -= coefficients[b] * products[one.term * size + other.term]
      }
      for k in side.indices { side[k] += weights[one.channel] * slopes[a][k] * value }
    }
    return side
  }

  /// The normal equations of the parameters, every equation with its weight.
  private func tiedEquations(
    _ gram: [Double], _ weights: [Double]
  ) -> (matrix: [Double], right: [Double]) {
    let rank = representatives.count
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
    return (matrix, right)
  }

  /// By what the right-hand side of the parameters falls with a common coefficient.
  private func pull(of place: Int, _ gram: [Double], _ weights: [Double]) -> [Double] {
    let (channel, term) = (places[place].channel, places[place].term)
    return representatives.indices.map { k in
      places.indices.filter { places[$0].channel == channel }.reduce(0) {
        $0 + weights[channel] * slopes[$1][k] * gram[places[$1].term * size + term]
      }
    }
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
    let all = places.count
    let free = places.indices.filter { fixed == nil || varies[$0] }
    let fits = parallelMap(equations.count, threads: threads) { index in
      let fit = BlockRegression(
        equations[index].blocks.map { ownEquations($0, free, fixed: fixed) })
      var (values, covariance) = (
        fixed ?? places.map { _ in 0 }, [Double](repeating: 0, count: all * all)
      )
      for (i, a) in free.enumerated() {
        values[a] = fit.solution[i]
        for (j, b) in free.enumerated() {
          covariance[a * all + b] = fit.covariance[i * free.count + j]
        }
      }
      return (values, covariance)
    }
    return (fits.map(\.0), fits.map(\.1))
  }

  /// The normal equations of some coefficients; the others are held.
  private func ownEquations(
    _ gram: [Double], _ free: [Int], fixed: [Double]?
  ) -> (matrix: [Double], right: [Double]) {
    let matrix = free.flatMap { a in
      free.map {
        places[a].channel == places[$0].channel
          ? gram[places[a].term * size + places[$0].term] : 0
      }
    }
    let right = free.map { a -> Double in
      let channel = places[a].channel
      let rate = gram[places[a].term * size + target + channel]
      guard let fixed else { return rate }
      return places.indices.filter { places[$0].channel == channel && !varies[$0] }
        .reduce(rate) { $0 - gram[places[a].term * size + places[$1].term] * fixed[$1] }
    }
    return (matrix, right)
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
    return (abs(part.left) + max(part.noise, 0) + Self.rounding) * norm
  }
}
