// The tensor: a struct over one counted reference to a tensor of libtorch.
import CTorch
public import KymoNumerics

/// A multi-dimensional array that libtorch computes with and differentiates.
///
/// Copies of the struct refer to the same entries, as in PyTorch. Operations make new tensors;
/// those that change entries say so (`addInPlace`). Axes count from 0, negative ones from the last.
/// A tensor belongs to one task: it is not `Sendable`.
///
/// Operations do not throw. A mistake, such as shapes that do not fit, stops the process with
/// libtorch's words; in ``catchingTensorErrors(_:)`` it is thrown instead.
public struct Tensor {
  let storage: TensorStorage

  init(adopting handle: kt_tensor) { unsafe storage = TensorStorage(adopting: handle) }

  /// What a failed operation yields inside an error scope.
  static var withoutValue: Tensor { unsafe Tensor(adopting: kt_undefined()) }

  /// Length of every axis; empty for a scalar.
  public var shape: [Int] {
    unsafe read { t in unsafe (0..<kt_rank(t)).map { Int(unsafe kt_size(t, $0)) } }
  }
  /// Number of axes.
  public var rank: Int { unsafe read { Int(unsafe kt_rank($0)) } }
  /// Number of entries.
  public var count: Int { unsafe read { Int(unsafe kt_count($0)) } }
  /// Type of the entries.
  public var dtype: ScalarType {
    unsafe ScalarType(code: read { unsafe kt_type($0) }) ?? .float32
  }
  /// Where the entries are.
  public var device: Device {
    let place = unsafe read { unsafe kt_device_of($0) }
    return place.kind == KT_CPU ? .cpu : .cuda(Int(place.index))
  }
  /// Whether the tensor has entries: false only for results of failed operations in an error scope.
  var hasValue: Bool { unsafe read { unsafe kt_is_defined($0) } }

  /// Length of one axis; negative axes count from the last.
  public func size(_ axis: Int) -> Int {
    let shape = shape
    let index = axis < 0 ? axis + shape.count : axis
    precondition(shape.indices.contains(index) || !hasValue, "size: no axis \(axis) in \(shape)")
    return shape.indices.contains(index) ? shape[index] : 0
  }

  /// Reads a property of the handle, which stays alive meanwhile.
  func read<Value>(_ property: (kt_tensor) -> Value) -> Value {
    withExtendedLifetime(storage) { unsafe property($0.handle) }
  }
}

extension Tensor {
  /// Creates a tensor of 32-bit floats from entries in C order (last axis fastest).
  public init(_ values: [Float], shape: [Int], device: Device = .cpu) {
    self.init(host: values, shape: shape, device: device)
  }

  /// Creates a tensor of 64-bit floats from entries in C order.
  public init(doubles values: [Double], shape: [Int], device: Device = .cpu) {
    self.init(host: values, shape: shape, device: device)
  }

  /// Creates a tensor of 64-bit integers, such as indices, from entries in C order.
  public init(integers values: [Int], shape: [Int], device: Device = .cpu) {
    self.init(host: values, shape: shape, device: device)
  }

  /// Creates a tensor of truth values, such as a mask, from entries in C order.
  public init(booleans values: [Bool], shape: [Int], device: Device = .cpu) {
    self.init(host: values, shape: shape, device: device)
  }

  /// Creates a tensor with the entries and shape of a host array.
  public init(_ array: HostArray<Float>, device: Device = .cpu) {
    self.init(host: array.elements, shape: array.shape, device: device)
  }

  private init<Element: TensorElement>(host values: [Element], shape: [Int], device: Device) {
    precondition(
      shape.reduce(1, *) == values.count,
      "Tensor: \(values.count) entries do not fill the shape \(shape)")
    let copy = unsafe values.withUnsafeBufferPointer { values in
      unsafe makeTensor("Tensor") { out in
        unsafe kt_from_host(
          out, values.baseAddress, int64s(shape), Int64(shape.count), Element.scalarType.code)
      }
    }
    self = device == .cpu ? copy : copy.to(device)
  }
}
