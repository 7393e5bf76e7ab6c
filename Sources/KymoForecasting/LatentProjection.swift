// The restriction that fits the lifting: latents z* whose field is nearest to a state s,
//   z* = argmin over z of Σ over c, x of ((D(z) − s)_cx / scale_c)²,
// by one step of Gauss–Newton from the encoding. An encoder errs along the trajectory too, and in rounds with a
// solver such an error is a shift of the phase that adds up; what D(z*) still misses is at right angles to all that
// latents can change.
//
// Letters: R rows, L latents, C X states.
import KymoNumerics
import KymoReduction

/// One step of Gauss–Newton towards the latents whose field is nearest.
struct LatentProjection {
  /// Width of the differences that stand for derivatives, in units of a latent's spread: with numbers of
  /// 32 bits rounding and curvature then both make errors of 10⁻⁴.
  private static let width = 0.01

  /// Weight of a channel's squared error.
  private let weights: [Double]
  /// Half the distance of two lifted latents, for each of them.
  private let steps: [Double]
  /// States of a row, and those of one channel.
  private let (length, cells): (Int, Int)
  /// Fields lifted for a row: of its latents and of a pair for each of them.
  private var pieces: Int { 1 + 2 * steps.count }

  init(_ reduction: any Reduction, spread: (Int) -> Double) {
    weights = reduction.channelScale.map { 1 / ($0 * $0) }
    steps = (0..<reduction.latentCount).map { Self.width * spread($0) }
    length = reduction.stateShape.reduce(1, *)
    cells = reduction.stateShape.dropFirst().reduce(1, *)
  }

  /// Better latents, `[R, L]`, for states `[R, C, X…]`; a row stays where the step gains nothing.
  ///
  /// - Parameters:
  ///   - first: Where the step starts, `[R, L]`.
  ///   - states: What the latents stand for.
  ///   - lift: The fields of latents.
  /// - Throws: What `lift` throws.
  /// - Returns: The latents after the step.
  func improve(
    _ first: HostArray<Double>, for states: HostArray<Double>,
    lift: (HostArray<Double>) throws -> HostArray<Double>
  ) rethrows -> HostArray<Double> {
    let rows = first.shape[0]
    // Some rows at a time: 32 MB of fields.
    let most = max(1, 4_000_000 / max(1, length * pieces))
    var latents: [Double] = []
    for start in stride(from: 0, to: rows, by: most) {
      let part = Array(start..<min(start + most, rows))
      latents += try moved(first.rows(part), for: states.rows(part), lift: lift).elements
    }
    return HostArray(latents, shape: first.shape)
  }

  private func moved(
    _ first: HostArray<Double>, for states: HostArray<Double>,
    lift: (HostArray<Double>) throws -> HostArray<Double>
  ) rethrows -> HostArray<Double> {
    let (rows, width) = (first.shape[0], steps.count)
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
    var moved = first
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
      let matrix = slopes.map { a in slopes.map { weighted(a, $0) } }
      guard let change = solveLinearSystem(matrix, slopes.map { weighted($0, error) }) else {
        continue
      }
      for latent in 0..<width { moved.elements[row * width + latent] -= change[latent] }
    }
    // Where the fields bend too much for one step, the encoding stays.
    let after = try lift(moved)
    for row in 0..<rows {
      let (old, new) = (
        squaredError(fields, row * pieces, states, row), squaredError(after, row, states, row)
      )
      if !(new < old) {
        let range = row * width..<(row + 1) * width
        moved.elements.replaceSubrange(range, with: first.elements[range])
      }
    }
    return moved
  }

  private func weighted(_ first: [Double], _ second: [Double]) -> Double {
    var sum = 0.0
    for i in first.indices { sum += weights[i / cells] * first[i] * second[i] }
    return sum
  }

  private func squaredError(
    _ fields: HostArray<Double>, _ row: Int, _ states: HostArray<Double>, _ other: Int
  ) -> Double {
    let error = (0..<length).map {
      fields.elements[row * length + $0] - states.elements[other * length + $0]
    }
    return weighted(error, error)
  }
}
