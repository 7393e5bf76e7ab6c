// The functions that exponential integrators are made of, of small complex matrices: φ₀(A) = exp A
// and φ_k(A) = (φ_{k−1}(A) − 1/(k−1)!) / A, without the cancellation of the fraction. By Taylor
// series of A/2^s and s doublings (Skaflestad and Wright, Appl. Numer. Math. 59, 783, 2009):
// φ_k(2A) = 2^{−k} [φ₀(A) φ_k(A) + Σ_{j=1…k} φ_j(A) / (k − j)!].

/// A square complex matrix of a few rows, real and imaginary parts alternating.
package struct SmallMatrix: Sendable {
  /// Number of rows and columns.
  package let size: Int
  /// Entries, row after row, real and imaginary parts alternating.
  package var entries: [Double]

  /// A multiple of the identity.
  package init(identity size: Int, times factor: Double = 1) {
    self.size = size
    entries = [Double](repeating: 0, count: 2 * size * size)
    for row in 0..<size { entries[2 * (row * size + row)] = factor }
  }

  /// The entry of a row and column.
  package subscript(row: Int, column: Int) -> (re: Double, im: Double) {
    get {
      let place = 2 * (row * size + column)
      return (entries[place], entries[place + 1])
    }
    set {
      let place = 2 * (row * size + column)
      (entries[place], entries[place + 1]) = newValue
    }
  }

  /// The matrix product.
  static func * (left: SmallMatrix, right: SmallMatrix) -> SmallMatrix {
    var product = SmallMatrix(identity: left.size, times: 0)
    for row in 0..<left.size {
      for inner in 0..<left.size {
        let (re, im) = left[row, inner]
        for column in 0..<left.size {
          let other = right[inner, column]
          let sum = product[row, column]
          product[row, column] = (
            sum.re + re * other.re - im * other.im, sum.im + re * other.im + im * other.re
          )
        }
      }
    }
    return product
  }

  /// A linear combination with another matrix.
  func combined(_ own: Double, _ other: SmallMatrix, _ factor: Double) -> SmallMatrix {
    var result = self
    for index in entries.indices {
      result.entries[index] = own * entries[index] + factor * other.entries[index]
    }
    return result
  }

  /// The largest sum of magnitudes in a row.
  private var norm: Double {
    (0..<size).map { row in
      (0..<size).reduce(0.0) { sum, column in
        let (re, im) = self[row, column]
        return sum + (re * re + im * im).squareRoot()
      }
    }.max() ?? 0
  }

  /// φ₀ to φ₃ of the matrix.
  package var exponentialFunctions: [SmallMatrix] {
    let norm = norm
    guard norm.isFinite else {
      var lost = self
      for index in lost.entries.indices { lost.entries[index] = .nan }
      return Array(repeating: lost, count: 4)
    }
    let doublings = norm > 0.5 ? Int((2 * norm).exponent) + 1 : 0
    let small = combined(1 / Double(sign: .plus, exponent: doublings, significand: 1), self, 0)
    // φ_k = Σ_n A^n / (n + k)!; with ‖A‖ ≤ ½ the fifteenth term is below rounding.
    var values = (0...3).map { k in SmallMatrix(identity: size, times: 1 / Self.factorials[k]) }
    var power = SmallMatrix(identity: size)
    for n in 1...15 {
      power = power * small
      for k in 0...3 { values[k] = values[k].combined(1, power, 1 / Self.factorials[n + k]) }
    }
    for _ in 0..<doublings { values = Self.doubled(values) }
    return values
  }

  /// φ₀ to φ₃ of twice the matrix that they are given of.
  package static func doubled(_ values: [SmallMatrix]) -> [SmallMatrix] {
    (0...3).map { k in
      var sum = values[0] * values[k]
      if k > 0 {
        for j in 1...k { sum = sum.combined(1, values[j], 1 / factorials[k - j]) }
      }
      return sum.combined(1 / Double(1 << k), sum, 0)
    }
  }

  private static let factorials = (0...18).map { n in
    (1...max(1, n)).reduce(1.0) { $0 * Double($1) }
  }
}
