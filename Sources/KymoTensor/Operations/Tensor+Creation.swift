// Tensors of given values and of random numbers.
import CTorch
public import KymoNumerics

extension Tensor {
  /// A tensor of zeros.
  public static func zeros(
    _ shape: [Int], dtype: ScalarType = .float32, device: Device = .cpu
  ) -> Tensor { full(shape, 0, dtype: dtype, device: device) }

  /// A tensor of ones.
  public static func ones(
    _ shape: [Int], dtype: ScalarType = .float32, device: Device = .cpu
  ) -> Tensor { full(shape, 1, dtype: dtype, device: device) }

  /// A tensor with the same value everywhere.
  public static func full(
    _ shape: [Int], _ value: Double, dtype: ScalarType = .float32, device: Device = .cpu
  ) -> Tensor {
    unsafe makeTensor("full") {
      unsafe kt_full($0, int64s(shape), Int64(shape.count), value, dtype.code, device.code)
    }
  }

  /// A tensor whose entries are not set: for staging and for results of kernels.
  public static func empty(
    _ shape: [Int], dtype: ScalarType = .float32, device: Device = .cpu
  ) -> Tensor {
    unsafe makeTensor("empty") {
      unsafe kt_empty($0, int64s(shape), Int64(shape.count), dtype.code, device.code)
    }
  }

  /// Standard normal numbers, drawn on the host: the same stream gives the same numbers everywhere.
  public static func normal(
    _ shape: [Int], using stream: inout RandomStream, device: Device = .cpu
  ) -> Tensor {
    var values = [Float](repeating: 0, count: shape.reduce(1, *))
    for i in values.indices { values[i] = Float(stream.normal()) }
    return Tensor(values, shape: shape, device: device)
  }

  /// Uniform numbers in a range, drawn on the host: the same stream gives the same numbers
  /// everywhere.
  public static func uniform(
    _ shape: [Int], in range: ClosedRange<Float>, using stream: inout RandomStream,
    device: Device = .cpu
  ) -> Tensor {
    let (low, width) = (Double(range.lowerBound), Double(range.upperBound - range.lowerBound))
    var values = [Float](repeating: 0, count: shape.reduce(1, *))
    for i in values.indices {
      values[i] = Swift.min(Float(low + width * stream.uniform()), range.upperBound)
    }
    return Tensor(values, shape: shape, device: device)
  }
}
