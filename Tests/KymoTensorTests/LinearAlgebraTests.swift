// Factorisations against NumPy, against their defining equations, and matrices that have none.
import Foundation
import KymoTensor
import KymoTestSupport
import Testing

/// Values from NumPy; `Golden/linear_algebra.py` made them.
private struct Matrices: Decodable {
  var formatVersion: Int
  var general, symmetric, symmetricValues, positive, right, choleskyFactor, solution: [Double]
  var tall, tallRight, singularValues, leastSquares, deficient, deficientLeastSquares: [Double]
  var moduli, realParts: [Double]

  init() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/linear_algebra.json")
    self = try JSONDecoder().decode(Matrices.self, from: Data(contentsOf: file))
    try #require(formatVersion == 1)
  }
}

private func matrix(_ entries: [Double], _ rows: Int, _ columns: Int) -> Tensor {
  Tensor(doubles: entries, shape: [rows, columns])
}

@Suite("Linear algebra agrees with NumPy") struct LinearAlgebraTests {
  private let close = Tolerance(
    absolute: 1e-12, relative: 1e-12, because: "LAPACK in Double, condition numbers below 1000")
  private let single = Tolerance(
    absolute: 2e-4, relative: 2e-4, because: "the same in Float, condition numbers below 1000")

  @Test("symmetric eigenvalues, and vectors that make the matrix") func symmetricEigen() throws {
    let golden = try Matrices()
    let a = matrix(golden.symmetric, 6, 6)
    let (values, vectors) = try a.symmetricEigen()
    expectClose(values.doubles, golden.symmetricValues, close)
    expectClose((vectors * values).matmul(vectors.transposed(0, 1)).doubles, a.doubles, close)
    let floats = try a.cast(to: .float32).symmetricEigen().values
    #expect(floats.dtype == .float32)
    expectClose(floats.doubles, golden.symmetricValues, single)
  }

  /// The second moment of a training's gradients, 45 of whose 64 channels are never positive: its
  /// lower triangle without those.
  private struct Moment: Decodable {
    var formatVersion, size: Int
    var rows: [Int]
    var lower: [Double]
  }

  @Test("symmetric eigenvectors in single precision, where rows are zero")
  func deadChannels() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/dead_channels.json")
    let moment = try JSONDecoder().decode(Moment.self, from: Data(contentsOf: file))
    try #require(moment.formatVersion == 1)
    var entries = [Double](repeating: 0, count: moment.size * moment.size)
    var place = 0
    for (i, row) in moment.rows.enumerated() {
      for column in moment.rows[...i] {
        entries[row * moment.size + column] = moment.lower[place]
        entries[column * moment.size + row] = moment.lower[place]
        place += 1
      }
    }
    let a = matrix(entries, moment.size, moment.size).cast(to: .float32)
    let (values, vectors) = try a.symmetricEigen()
    #expect(values.isFinite && vectors.isFinite && vectors.dtype == .float32)
    expectClose(
      (vectors * values).matmul(vectors.transposed(0, 1)).doubles, entries,
      Tolerance(absolute: 1e-9, relative: 1e-5, because: "entries up to 6e-4 in Float"))
  }

  @Test("Cholesky factor and solution") func cholesky() throws {
    let golden = try Matrices()
    let a = matrix(golden.positive, 6, 6)
    let right = matrix(golden.right, 6, 2)
    let factor = try #require(try a.choleskyFactorIfDefinite())
    expectClose(factor.doubles, golden.choleskyFactor, close)
    expectClose(try factor.choleskySolve(right).doubles, golden.solution, close)
    let single = try #require(try a.cast(to: .float32).choleskyFactorIfDefinite())
    expectClose(
      try single.choleskySolve(right.cast(to: .float32)).doubles, golden.solution,
      Tolerance(absolute: 1e-3, relative: 1e-3, because: "Float, condition number up to 1000"))
  }

  @Test("singular values, and factors that make the matrix") func singularValues() throws {
    let golden = try Matrices()
    for a in [matrix(golden.tall, 9, 4), matrix(golden.tall, 9, 4).transposed(0, 1)] {
      let (u, s, vt) = try a.singularValues()
      expectClose(s.doubles, golden.singularValues, close)
      expectClose((u * s).matmul(vt).doubles, a.doubles, close)
    }
  }

  @Test("least squares, of full rank and not") func leastSquares() throws {
    let golden = try Matrices()
    let right = matrix(golden.tallRight, 9, 2)
    expectClose(
      try matrix(golden.tall, 9, 4).leastSquares(right).doubles, golden.leastSquares, close)
    expectClose(
      try matrix(golden.deficient, 9, 4).leastSquares(right).doubles,
      golden.deficientLeastSquares, close)
    expectClose(
      try matrix(golden.tall, 9, 4).cast(to: .float32).leastSquares(right.cast(to: .float32))
        .doubles, golden.leastSquares, single)
  }

  @Test("eigenvalues of a general matrix") func eigenvalues() throws {
    let golden = try Matrices()
    let values = try matrix(golden.general, 6, 6).eigenvalues().doubles
    let pairs = stride(from: 0, to: values.count, by: 2).map { (values[$0], values[$0 + 1]) }
    expectClose(pairs.map { hypot($0.0, $0.1) }.sorted(), golden.moduli, close)
    expectClose(pairs.map(\.0).sorted(), golden.realParts, close)
  }

  @Test("a product is added into a view") func addProduct() {
    let target = Tensor.ones([3, 4], dtype: .float64)
    let a = matrix([1, 2, 3, 4], 2, 2)
    target.sliced(axis: 0, from: 1).sliced(axis: 1, from: 2).addMatmulInPlace(
      a.transposed(0, 1), a)
    #expect(target.doubles == [1, 1, 1, 1, 1, 1, 11, 15, 1, 1, 15, 21])
  }

  @Test("matrices that cannot be factored say why") func failures() throws {
    let indefinite = matrix([1, 0, 0, 0, -1, 0, 0, 0, 1], 3, 3)
    #expect(try indefinite.choleskyFactorIfDefinite() == nil)
    let broken = matrix([1, .nan, .nan, 1], 2, 2)
    #expect(throws: LinearAlgebraError.notFinite(operation: "symmetricEigen")) {
      try broken.symmetricEigen()
    }
    #expect(throws: LinearAlgebraError.notFinite(operation: "singularValues")) {
      try broken.singularValues()
    }
    #expect(throws: LinearAlgebraError.notFinite(operation: "leastSquares")) {
      try matrix([1, 0, 0, 1], 2, 2).leastSquares(broken)
    }
    #expect(throws: LinearAlgebraError.self) { try matrix([1, 2], 1, 2).symmetricEigen() }
  }
}
