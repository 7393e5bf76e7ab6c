// The restriction that fits the lifting: latents z* whose field is nearest to a state s,
//   z* = argmin over z of Σ over c, x of ((D(z) − s)_cx / scale_c)²,
// by one Gauss–Newton step from the encoding. An encoder has errors along the trajectory too, and
// in rounds with a solver such an error is a shift of the phase that adds up; what remains of D(z*)
// − s is orthogonal to all that latents can change.
//
// Letters: R rows, L latents, C X states.
package import KymoNumerics

/// One step of Gauss–Newton towards the latents whose field is nearest.
package struct LatentProjection: Codable, Hashable, Sendable {
  /// Width of the differences that stand for derivatives, in units of a latent's spread.
  ///
  /// With numbers of 32 bits rounding makes errors of 10⁻⁴. Curvature makes errors of a hundredth
  /// of the step, so that a hundredth of the encoder's error is left.
  private static let width = 0.01

  /// Inverse unit of each channel.
  private let weights: [Double]
  /// Distance of two lifted latents, for each of them.
  private let steps: [Double]
  /// Fields lifted for a row: of its latents and beside each of them.
  private var pieces: Int { 1 + steps.count }

  /// Prepares projections.
  ///
  /// - Parameters:
  ///   - channelScale: What counts as one unit in each channel, `[C]`.
  ///   - latentSpread: What counts as one unit in each latent, `[L]`.
  package init(channelScale: [Double], latentSpread: [Double]) {
    weights = channelScale.map { 1 / $0 }
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
    let cells = length / weights.count
    var tried: [Double] = []
    tried.reserveCapacity(rows * pieces * width)
    for row in 0..<rows {
      for piece in 0..<pieces {
        tried += first.elements[row * width..<(row + 1) * width]
        if piece > 0 { tried[tried.count - width + piece - 1] += steps[piece - 1] }
      }
    }
    let fields = try lift(HostArray(tried, shape: [rows * pieces, width])).elements
    /// Row `place` of `values` less row `other` of `from`, in units of the channels.
    func difference(
      _ values: [Double], _ place: Int, _ from: [Double], _ other: Int, _ factor: Double = 1
    ) -> [Double] {
      unsafe [Double](unsafeUninitializedCapacity: length) { target, count in
        unsafe values.withUnsafeBufferPointer { a in
          unsafe from.withUnsafeBufferPointer { b in
            // In bounds: rows of `length` numbers, channel by channel.
            for channel in weights.indices {
              let weight = weights[channel] * factor
              for i in channel * cells..<(channel + 1) * cells {
                unsafe target[i] = (a[place * length + i] - b[other * length + i]) * weight
              }
            }
          }
        }
        count = length
      }
    }
    var changes = [Double](repeating: 0, count: rows * width)
    var errors = [Double](repeating: 0, count: rows)
    for row in 0..<rows {
      let base = row * pieces
      let error = difference(fields, base, states.elements, row)
      let slopes = (0..<width).map {
        difference(fields, base + 1 + $0, fields, base, 1 / steps[$0])
      }
      errors[row] = dot(error, error)
      let matrix = slopes.map { a in slopes.map { dot(a, $0) } }
      if let change = solveLinearSystem(matrix, slopes.map { dot($0, error) }) {
        changes.replaceSubrange(row * width..<(row + 1) * width, with: change)
      }
    }
    // Where the decoder is too nonlinear for the whole step a part of it may do; else the encoding
    // stays.
    var moved = first
    var waiting = Array(0..<rows)
    for part in [1, 0.5, 0.25] where !waiting.isEmpty {
      let tried = waiting.flatMap { row in
        (row * width..<(row + 1) * width).map { first.elements[$0] - part * changes[$0] }
      }
      let made = try lift(HostArray(tried, shape: [waiting.count, width])).elements
      var left: [Int] = []
      for (place, row) in waiting.enumerated() {
        let error = difference(made, place, states.elements, row)
        if dot(error, error) < errors[row] {
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

  /// Inner product, eight sums side by side.
  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count, "LatentProjection: \(a.count) and \(b.count) numbers")
    let whole = a.count / 8 * 8
    let sums = unsafe a.withUnsafeBytes { a in
      unsafe b.withUnsafeBytes { b in
        // In bounds: both have as many numbers.
        stride(from: 0, to: whole * 8, by: 64).reduce(into: SIMD8<Double>.zero) {
          unsafe $0 +=
            a.loadUnaligned(fromByteOffset: $1, as: SIMD8.self)
            * b.loadUnaligned(fromByteOffset: $1, as: SIMD8.self)
        }
      }
    }
    return (whole..<a.count).reduce(sums.sum()) { $0 + a[$1] * b[$1] }
  }
}
