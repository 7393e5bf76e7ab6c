// Eigenvalues and eigenvectors against their definition.
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Eigenvalues of symmetric matrices") struct SymmetricEigenTests {
  @Test(
    "reconstruct the matrix from orthonormal vectors, largest value first",
    arguments: [1, 2, 7, 64])
  func reconstruction(_ size: Int) {
    var random = RandomStream(seed: 11, purpose: .testing, index: UInt64(size))
    var matrix = [Double](repeating: 0, count: size * size)
    for i in 0..<size {
      for j in 0...i {
        matrix[i * size + j] = random.normal()
        matrix[j * size + i] = matrix[i * size + j]
      }
    }
    let (values, vectors) = symmetricEigen(matrix, size: size)
    #expect(values == values.sorted(by: >))
    var rebuilt = [Double](repeating: 0, count: size * size)
    for (value, vector) in zip(values, vectors) {
      for i in 0..<size {
        for j in 0..<size { rebuilt[i * size + j] += value * vector[i] * vector[j] }
      }
    }
    expectClose(
      rebuilt, matrix, Tolerance(absolute: 1e-12 * Double(size), because: "rounding of the sweeps"))
    for i in 0..<size {
      for j in 0..<size {
        let product = zip(vectors[i], vectors[j]).reduce(0) { $0 + $1.0 * $1.1 }
        expectClose(
          [product], [i == j ? 1 : 0],
          Tolerance(absolute: 1e-12, because: "rotations are orthogonal"))
      }
    }
  }

  @Test("gives the known values of a small matrix")
  func known() {
    let (values, _) = symmetricEigen([2, 1, 1, 2], size: 2)
    expectClose(values, [3, 1], Tolerance(absolute: 1e-14, because: "rounding"))
  }
}
