// Which of two ways computes a network: kernels of our own on the processor, tensor operations
// elsewhere. Each is the other's reference in tests. The choice falls once, when a network is built
// or loaded.
public import KymoTensor

/// How a part of a network is computed.
public enum ComputePath: Hashable, Sendable {
  /// By fused kernels, which read and write 32-bit numbers in the processor's memory. What they do
  /// not know, such as some activations, is left to tensor operations.
  case fused
  /// By tensor operations, on any device and in any precision.
  case operations

  /// The path for numbers of a type on a device.
  public init(device: Device, dtype: ScalarType = .float32) {
    self = device == .cpu && dtype == .float32 ? .fused : .operations
  }

  /// The path for tensors that are there: kernels take them without gaps only.
  package init(for tensors: [Tensor]) {
    let suits = tensors.allSatisfy {
      ComputePath(device: $0.device, dtype: $0.dtype) == .fused && $0.isContiguous()
    }
    self = suits ? .fused : .operations
  }
}
