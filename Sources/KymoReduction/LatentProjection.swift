// The restriction that fits the lifting: latents z* whose field is nearest to a state s,
//   z* = argmin over z of Σ over c, x of ((D(z) − s)_cx / scale_c)²,
// by one step of Gauss–Newton from the encoding. An encoder errs along the trajectory too, and in rounds with a
// solver such an error is a shift of the phase that adds up; what D(z*) still misses is at right angles to all that
// latents can change.
//
// Letters: R rows, L latents, C X states.
package import KymoNumerics

/// One step of Gauss–Newton towards the latents whose field is nearest.
package struct LatentProjection: Codable, Hashable, Sendable {
  /// Width of the differences that stand for derivatives, in units of a latent's spread: with numbers of
  /// 32 bits rounding and curvature then both make errors of 10⁻⁴.
  private static let width = 0.01

  /// Weight of a channel's squared error.
  private let weights: [Double]
  /// Half the distance of two lifted latents, for each of them.
  private let steps: [Double]
  /// Fields lifted for a row: of its latents and of a pair for each of them.
  private var pieces: Int { 1 + 2 * steps.count }

  /// Prepares projections.
  ///
  /// - Parameters:
  ///   - channelScale: What counts as one unit in each channel, `[C]`.
  ///   - latentSpread: What counts as one unit in each latent, `[L]`.
  package init(channelScale: [Double], latentSpread: [Double]) {
    weights = channelScale.map { 1 / ($0 * $0) }
    steps = latentSpread.map { Self.width * ($0 > 0 ? $0 : 1) }
  }

  /// Better latents, `[R, L]`, for states `[R, C, X…]`; a row stays where the step gains nothing.
  ///
  /// - Parameters:
  ///   - first: Where the step starts, `[R, L]`.
  ///   - states: What the latents stand for.
  ///   - lift: The fields of latents.
  /// - Throws: What `lift` throws.
  /// - Returns: The latents after the step.
  package func improve(
    _ first: HostArray<Double>, for states: HostArray<Double>,
    lift: (HostArray<Double>) throws -> HostArray<Double>
  ) rethrows -> HostArray<Double> {
    let rows = first.shape[0]
    let length = states.shape.dropFirst().reduce(1, *)
    // Some rows at a time: 4 MB of fields.
    let most = max(1, 500_000 / max(1, length * pieces))
    var latents: [Double] = []
    for start in stride(from: 0, to: rows, by: most) {
      let part = start..<min(start + most, rows)
      latents += try moved(
        Self.rows(part, of: first), for: Self.rows(part, of: states), lift: lift
      ).elements
    }
    return HostArray(latents, shape: first.shape)
  }

  private static func rows(
    _ range: Range<Int>, of array: HostArray<Double>
  ) -> HostArray<Double> {
    let length = array.shape.dropFirst().reduce(1, *)
    return HostArray(
      Array(array.elements[range.lowerBound * length..<range.upperBound * length]),
      shape: [range.count] + array.shape.dropFirst())
  }

  private func moved(
    _ first: HostArray<Double>, for states: HostArray<Double>,
    lift: (HostArray<Double>) throws -> HostArray<Double>
  ) rethrows -> HostArray<Double> {
    let (rows, width) = (first.shape[0], steps.count)
    let length = states.shape.dropFirst().reduce(1, *)
    let weights = self.weights.flatMap { [count = self.weights.count] in
      Array(repeating: $0, count: length / count)
    }
    // Each row's latents, and pairs to both sides of them.
    var tried: [Double] = []
    tried.reserveCapacity(rows * pieces * width)
    for row in 0..<rows {
      let latents = Array(first.elements[row * width..<(row + 1) * width])
      tried += latents
      for latent in 0..<width {
        for sign in [1.0, -1.0] {
          var moved = latents
          moved[latent] += sign * steps[latent]
          tried += moved
        }
      }
    }
    let fields = try lift(HostArray(tried, shape: [rows * pieces, width]))
    var changes = [Double](repeating: 0, count: rows * width)
    for row in 0..<rows {
      let base = row * pieces * length
      let error = (0..<length).map {
        fields.elements[base + $0] - states.elements[row * length + $0]
      }
      let slopes = (0..<width).map { latent in
        let place = base + (1 + 2 * latent) * length
        return (0..<length).map {
          (fields.elements[place + $0] - fields.elements[place + length + $0]) / (2 * steps[latent])
        }
      }
      func weighted(_ first: [Double], _ second: [Double]) -> Double {
        var sum = 0.0
        for i in 0..<length { sum += weights[i] * first[i] * second[i] }
        return sum
      }
      let matrix = slopes.map { a in slopes.map { weighted(a, $0) } }
      if let change = solveLinearSystem(matrix, slopes.map { weighted($0, error) }) {
        changes.replaceSubrange(row * width..<(row + 1) * width, with: change)
      }
    }
    func squaredError(_ made: HostArray<Double>, _ place: Int, _ row: Int) -> Double {
      var sum = 0.0
      for i in 0..<length {
        let error = made.elements[place * length + i] - states.elements[row * length + i]
        sum += weights[i] * error * error
      }
      return sum
    }
    // Where the fields bend too much for the whole step a part of it may do; else the encoding stays.
    var moved = first
    var waiting = Array(0..<rows)
    for part in [1, 0.5, 0.25] where !waiting.isEmpty {
      let tried = waiting.flatMap { row in
        (row * width..<(row + 1) * width).map { first.elements[$0] - part * changes[$0] }
      }
      let made = try lift(HostArray(tried, shape: [waiting.count, width]))
      var left: [Int] = []
      for (place, row) in waiting.enumerated() {
        if squaredError(made, place, row) < squaredError(fields, row * pieces, row) {
          moved.elements.replaceSubrange(
            row * width..<(row + 1) * width, with: tried[place * width..<(place + 1) * width])
        } else {
          left.append(row)
        }
      }
      waiting = left
    }
    return moved
  }
}
