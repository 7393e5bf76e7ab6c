// Normal equations of the weak form: the Gram matrix of all columns, terms and targets together,
// summed apart over blocks of rows. With it every fit, residual and error is small linear algebra.
import KymoData
import KymoNumerics

/// What one draw of further noise did to a recording's columns A: their changes are D.
struct NoiseDraw: Sendable {
  /// AᵀD, `[size, size]`.
  let cross: [Double]
  /// What the draw says that noise added to AᵀA.
  let added: [Double]
}

/// The Gram matrices of one recording's columns.
struct NormalEquations: Sendable {
  /// Number of columns: terms, then targets.
  let size: Int
  /// The Gram matrix of every block, `[size, size]`, corrected for noise.
  let blocks: [[Double]]
  /// What noise added, of all blocks together.
  let noise: [Double]
  /// What further noise did, draw by draw; empty where there is none.
  let draws: [NoiseDraw]
  /// The sum over blocks.
  let total: [Double]

  init(size: Int, blocks: [[Double]], noise: [Double], draws: [NoiseDraw] = []) {
    (self.size, self.blocks, self.noise, self.draws) = (size, blocks, noise, draws)
    total = NormalEquations.sum(blocks)
  }

  /// The sum of matrices.
  static func sum(_ matrices: [[Double]]) -> [Double] {
    var total = matrices[0]
    for matrix in matrices.dropFirst() {
      for i in total.indices { total[i] += matrix[i] }
    }
    return total
  }

  /// The sum of all blocks but those in `left`.
  func without(_ left: some Sequence<Int>) -> [Double] {
    var rest = total
    for block in left {
      for i in rest.indices { rest[i] -= blocks[block][i] }
    }
    return rest
  }
}

extension WeakForm {
  /// The normal equations in the file's units.
  func physical(_ equations: NormalEquations) -> NormalEquations {
    let units = (0..<columnCount).map { unit(ofColumn: $0) }
    func scaled(_ matrix: [Double]) -> [Double] {
      var result = matrix
      for i in units.indices {
        for j in units.indices { result[i * units.count + j] *= units[i] * units[j] }
      }
      return result
    }
    return NormalEquations(
      size: equations.size, blocks: equations.blocks.map(scaled), noise: scaled(equations.noise),
      draws: equations.draws.map { NoiseDraw(cross: scaled($0.cross), added: scaled($0.added)) })
  }

  /// The normal equations of a recording.
  ///
  /// - Parameters:
  ///   - recordings: The recordings.
  ///   - index: Which.
  ///   - noise: Standard deviation of white noise in every channel; 0 for none.
  ///   - draws: How often further noise is drawn to measure what noise adds.
  /// - Returns: The Gram matrices of its columns, in the units of the weak form.
  func equations(
    _ recordings: Recordings, _ index: Int, noise: [Double], draws: Int
  ) -> NormalEquations {
    let variance = noise.map { $0 * $0 }
    // A file larger than memory is read once.
    defer { recordings.letGo(of: index) }
    return unsafe recordings.withRecording(index) { numbers in
      let columns = unsafe self.columns(numbers, noise: variance)
      var blocks = columns.map { gram($0) }
      var added = [Double](repeating: 0, count: columnCount * columnCount)
      guard noise.contains(where: { $0 > 0 }) else {
        return NormalEquations(size: columnCount, blocks: blocks, noise: added)
      }
      // F(b), the mean Gram matrix under noise of variance b, is a polynomial in b; F(0) is wanted.
      // Further noise changes the columns A₁ to A₂ and A₃ by D₁ and D₂, which are uncorrelated with
      // what was before (the polynomials of `FrameProducts` are martingales), so that
      // F(2σ²) − F(σ²) = ⟨D₁ᵀD₁⟩ and F(0) ≈ F(σ²) − 2⟨D₁ᵀD₁⟩ + ⟨D₂ᵀD₂⟩, exact for terms to degree 2.
      // The idea is that of simulation–extrapolation: Cook and Stefanski, J. Am. Stat. Assoc. 89
      // (1994).
      var seen: [NoiseDraw] = []
      for draw in 0..<draws {
        var before = columns
        var (cross, own) = (added.map { _ in 0.0 }, added.map { _ in 0.0 })
        for (level, weight) in [(2, 2.0), (3, -1.0)] {
          let after = unsafe self.columns(numbers, noise: variance.map { Double(level) * $0 }) {
            values, channel, frame in
            for part in 1..<level {
              unsafe addNoise(
                to: values, count: frameCells, seed: noiseSeed &+ UInt64(4 * draw + part),
                place: (index, channel, frame, 0), deviation: noise[channel])
            }
          }
          for block in blocks.indices {
            let change = zip(after[block], before[block]).map { $0 - $1 }
            let square = gram(change)
            for i in square.indices {
              blocks[block][i] -= weight / Double(draws) * square[i]
              own[i] += weight * square[i]
            }
            guard level == 2 else { continue }
            let product = gram(columns[block], change)
            for i in product.indices { cross[i] += product[i] }
          }
          before = after
        }
        for i in own.indices { added[i] += own[i] / Double(draws) }
        seen.append(NoiseDraw(cross: cross, added: own))
      }
      return NormalEquations(size: columnCount, blocks: blocks, noise: added, draws: seen)
    }
  }

  private func gram(_ columns: [Double]) -> [Double] {
    let rows = columns.count / columnCount
    var matrix = [Double](repeating: 0, count: columnCount * columnCount)
    for i in 0..<columnCount {
      for j in 0...i {
        let value = dot(columns, i * rows, columns, j * rows, rows)
        matrix[i * columnCount + j] = value
        matrix[j * columnCount + i] = value
      }
    }
    return matrix
  }

  /// Products of columns with others, `[size, size]`.
  private func gram(_ columns: [Double], _ others: [Double]) -> [Double] {
    let rows = columns.count / columnCount
    return (0..<columnCount * columnCount).map { place in
      dot(columns, place / columnCount * rows, others, place % columnCount * rows, rows)
    }
  }
}

/// Seed of the noise that is drawn; the same file gives the same law.
private let noiseSeed: UInt64 = 0x6C61_7700
