// Where tensors live and are computed.
import CTorch

/// A place where tensors are stored and computed.
public enum Device: Sendable, Hashable, CustomStringConvertible {
  /// The processor.
  case cpu
  /// A graphics processor of NVIDIA, counted from 0.
  case cuda(Int)

  /// Reads `cpu`, `cuda` (the first) or `cuda:n`, and checks that the device can be used.
  ///
  /// - Throws: ``TensorError`` when the name is none of these, or this machine has no such device.
  public init(parsing name: String) throws(TensorError) {
    let parts = name.lowercased().split(separator: ":", omittingEmptySubsequences: false)
    let index = parts.count == 2 ? Int(parts[1]) : 0
    switch (parts.first, parts.count, index) {
    case ("cpu", 1, _): self = .cpu
    case ("cuda", 1...2, let index?) where index >= 0: self = .cuda(index)
    default:
      throw TensorError(
        operation: "device", message: "'\(name)' is not the name of a device",
        remedy: "Devices are: cpu, cuda, cuda:0, cuda:1 and so on.")
    }
    try checkAvailable()
  }

  /// Throws unless this machine and this libtorch can use the device.
  public func checkAvailable() throws(TensorError) {
    guard case .cuda(let index) = self else { return }
    let count = Device.cudaCount
    guard index >= count else { return }
    if count > 0 {
      throw TensorError(
        operation: "device", message: "'\(self)' is not here: this machine has \(count)",
        remedy: "Use cuda:0\(count > 1 ? " to cuda:\(count - 1)" : "") or cpu.")
    }
    throw TensorError(
      operation: "device",
      message: "'\(self)' is not here: libtorch \(libtorchVersion) finds no CUDA device",
      remedy: "Use cpu, or point LIBTORCH to a CUDA build of libtorch on a machine with a working "
        + "NVIDIA driver and build again.")
  }

  /// How many CUDA devices can be used; 0 when libtorch was built without CUDA.
  public static var cudaCount: Int { Int(kt_device_count(KT_CUDA)) }

  /// The name that ``init(parsing:)`` reads.
  public var description: String {
    switch self {
    case .cpu: "cpu"
    case .cuda(let index): "cuda:\(index)"
    }
  }

  var code: kt_device {
    switch self {
    case .cpu: kt_device(kind: KT_CPU, index: 0)
    case .cuda(let index): kt_device(kind: KT_CUDA, index: Int32(clamping: index))
    }
  }
}
