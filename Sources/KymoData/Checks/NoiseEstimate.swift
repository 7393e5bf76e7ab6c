// White noise of recordings, from differences of neighbours.
//
// A difference of order p, Δᵖu = Σ_k (−1)ᵏ C(p, k) u_{i+k}, takes a wave of wavenumber κ (per
// point) times (2 sin(κ/2))ᵖ: next to nothing of what is resolved by several points. Of white noise
// of variance σ² it leaves C(2p, p) σ². So along an axis on which the field is resolved, √(mean
// (Δᵖu)² / C(2p, p)) falls with p until it is σ, and stays there.
import KymoNumerics

extension Recordings {
  /// Standard deviation of white noise in every channel, in the units of the file, from some
  /// recordings; nil where none shows.
  public func noiseDeviations(of sample: [Int]) -> [Double?] { whiteNoise(of: sample) }

  /// Standard deviation of white noise in every channel, from some recordings; nil where
  /// differences along no axis end in a plateau.
  func whiteNoise(of sample: [Int]) -> [Double?] {
    let shape = [frameCount] + spaceShape
    let parts = sample.map { index in
      defer { letGo(of: index) }
      return unsafe withRecording(index) { numbers -> [[[SquareMean]]] in
        let length = numbers.count / channelCount
        return (0..<channelCount).map { channel in
          let field = unsafe UnsafeBufferPointer(
            rebasing: numbers[channel * length..<(channel + 1) * length])
          return shape.indices.map { axis in
            differenceOrders.map { unsafe SquareMean(field, shape, axis, order: $0) }
          }
        }
      }
    }
    return (0..<channelCount).map { channel in
      let levels = shape.indices.compactMap { axis -> Double? in
        let noise = differenceOrders.indices.compactMap { place in
          parts.reduce(SquareMean()) { $0 + $1[channel][axis][place] }.root
        }
        guard noise.count == 2, noise[1] > 0, (noise[0] / noise[1] - 1).magnitude < plateau else {
          return nil
        }
        return noise[1]
      }
      return levels.min()
    }
  }
}

/// Two orders that agree when they see noise alone.
private let differenceOrders = [6, 8]
/// By how much they may differ.
private let plateau = 0.1

/// Mean of (Δᵖu)² / C(2p, p) along an axis.
private struct SquareMean {
  var sum = 0.0
  var count = 0

  var root: Double? { count > 0 ? (sum / Double(count)).squareRoot() : nil }

  init() {}

  /// Differences of a field of some shape, in row-major order.
  init(_ field: UnsafeBufferPointer<Float>, _ shape: [Int], _ axis: Int, order: Int) {
    let length = shape[axis]
    guard length > order else { return }
    let stride = shape[(axis + 1)...].reduce(1, *)
    var coefficients = [1.0]
    for _ in 0..<order {
      coefficients = zip(coefficients + [0], [0] + coefficients).map { $0 - $1 }
    }
    let norm = coefficients.reduce(0) { $0 + $1 * $1 }
    // Long lines of points are looked at in part.
    let lines = field.count / length
    let step = max(1, lines / 4096)
    for line in Swift.stride(from: 0, to: lines, by: step) {
      let first = line / stride * stride * length + line % stride
      for start in 0..<length - order {
        var difference = 0.0
        for (place, coefficient) in coefficients.enumerated() {
          difference += unsafe coefficient * Double(field[first + (start + place) * stride])
        }
        // One that meets a value that is not finite says nothing.
        guard difference.isFinite else { continue }
        sum += difference * difference / norm
        count += 1
      }
    }
  }

  static func + (left: SquareMean, right: SquareMean) -> SquareMean {
    var total = left
    total.sum += right.sum
    total.count += right.count
    return total
  }
}
