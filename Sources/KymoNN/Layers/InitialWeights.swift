// Starting values of weights: Xavier-uniform (Glorot and Bengio, AISTATS 2010) and orthogonal
// (Saxe, McClelland and Ganguli, arXiv:1312.6120), as leaves of the graph.
public import KymoNumerics
public import KymoTensor

/// Starting values of weights, drawn on the host: the same stream gives the same numbers
/// everywhere.
public enum InitialWeights {
  /// The bias that networks for effective dynamics start with (Vlachas and others 2022).
  public static let smallBias = 0.001

  /// Uniform on ±√(6 / (inputs + outputs)), where taps count on both sides.
  ///
  /// - Parameters:
  ///   - shape: `[out, in, taps…]`.
  ///   - stream: Where the numbers are drawn from.
  ///   - dtype: Type of the entries.
  ///   - device: Where the tensor is.
  /// - Returns: A leaf of this shape.
  public static func xavierUniform(
    _ shape: [Int], using stream: inout RandomStream, dtype: ScalarType = .float32,
    device: Device = .cpu
  ) -> Tensor {
    let taps = shape.dropFirst(2).reduce(1, *)
    let bound = (6 / Double((shape[0] + shape[1]) * taps)).squareRoot()
    let values = (0..<shape.reduce(1, *)).map { _ in bound * (2 * stream.uniform() - 1) }
    return leaf(values, shape, dtype, device)
  }

  /// Rows or columns, whichever are fewer, that are orthonormal and uniformly distributed.
  ///
  /// - Parameters:
  ///   - rows: Number of rows.
  ///   - columns: Number of columns.
  ///   - stream: Where the numbers are drawn from.
  ///   - dtype: Type of the entries.
  ///   - device: Where the tensor is.
  /// - Returns: `[rows, columns]`.
  public static func orthogonal(
    rows: Int, columns: Int, using stream: inout RandomStream, dtype: ScalarType = .float32,
    device: Device = .cpu
  ) -> Tensor {
    let (few, many) = (min(rows, columns), max(rows, columns))
    var basis: [[Double]] = []
    while basis.count < few {
      var vector = (0..<many).map { _ in stream.normal() }
      let length = dot(vector, vector).squareRoot()
      // Gram and Schmidt's method, twice, is orthogonal to rounding.
      for _ in 0..<2 {
        for other in basis {
          let part = dot(vector, other)
          for i in vector.indices { vector[i] -= part * other[i] }
        }
      }
      let rest = dot(vector, vector).squareRoot()
      // A draw that lies in the span of the others by accident says nothing: draw again.
      if rest > 1e-8 * length { basis.append(vector.map { $0 / rest }) }
    }
    let values =
      rows <= columns
      ? basis.flatMap(\.self)
      : (0..<rows).flatMap { row in basis.map { $0[row] } }
    return leaf(values, [rows, columns], dtype, device)
  }

  /// The same number everywhere, such as ``smallBias``.
  public static func constant(
    _ shape: [Int], _ value: Double, dtype: ScalarType = .float32, device: Device = .cpu
  ) -> Tensor {
    Tensor.full(shape, value, dtype: dtype, device: device).requiringGradient()
  }

  private static func leaf(
    _ values: [Double], _ shape: [Int], _ dtype: ScalarType, _ device: Device
  ) -> Tensor {
    Tensor(doubles: values, shape: shape).cast(to: dtype).to(device).requiringGradient()
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
