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

  /// The integers 0, 1, … below `count`.
  public static func range(_ count: Int, device: Device = .cpu) -> Tensor {
    unsafe makeTensor("range") { unsafe kt_range($0, Int64(count), device.code) }
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

/// A seeded source of random numbers on one device, for draws that should not pass the host.
///
/// The numbers depend on the device's kind and libtorch's version; use `Tensor.normal(_:using:)`
/// with a `RandomStream` where results must be the same everywhere.
@safe public final class Generator {
  private let handle: kt_generator
  private let device: Device

  /// Starts a generator.
  public init(seed: UInt64, device: Device = .cpu) {
    var out: kt_generator?
    let status = unsafe kt_generator_create(&out, seed, device.code)
    guard status == KT_OK, let out = unsafe out else {
      fatalError(TensorError(status, operation: "Generator").description)
    }
    unsafe handle = out
    self.device = device
  }

  deinit { unsafe kt_generator_release(handle) }

  /// Standard normal numbers.
  public func normal(_ shape: [Int], dtype: ScalarType = .float32) -> Tensor {
    unsafe fill(.empty(shape, dtype: dtype, device: device), "normal") {
      unsafe kt_normal_in_place($0, $1, 0, 1)
    }
  }

  /// Uniform numbers in a range.
  public func uniform(
    _ shape: [Int], in range: ClosedRange<Double> = 0...1, dtype: ScalarType = .float32
  ) -> Tensor {
    unsafe fill(.empty(shape, dtype: dtype, device: device), "uniform") {
      unsafe kt_uniform_in_place($0, $1, range.lowerBound, range.upperBound)
    }
  }

  /// Ones with the given probability, else zeros.
  public func bernoulli(
    _ shape: [Int], probability: Double, dtype: ScalarType = .float32
  ) -> Tensor {
    unsafe fill(.empty(shape, dtype: dtype, device: device), "bernoulli") {
      unsafe kt_bernoulli_in_place($0, $1, probability)
    }
  }

  private func fill(
    _ tensor: Tensor, _ operation: StaticString, _ call: (kt_tensor, kt_generator) -> kt_status
  ) -> Tensor {
    unsafe perform(operation, tensor) { unsafe call($0, handle) }
    return tensor
  }
}
