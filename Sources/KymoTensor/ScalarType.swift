// The types that entries of a tensor can have.
import CTorch

/// The type of a tensor's entries.
public enum ScalarType: String, Sendable, Codable, Hashable, CaseIterable {
  case float32
  case float64
  case bfloat16
  case int64
  case bool

  /// Bytes of one entry.
  public var byteCount: Int {
    switch self {
    case .float32: 4
    case .float64, .int64: 8
    case .bfloat16: 2
    case .bool: 1
    }
  }

  var code: kt_scalar_type {
    switch self {
    case .float32: KT_FLOAT32
    case .float64: KT_FLOAT64
    case .bfloat16: KT_BFLOAT16
    case .int64: KT_INT64
    case .bool: KT_BOOL
    }
  }

  init?(code: kt_scalar_type) {
    guard let type = ScalarType.allCases.first(where: { $0.code == code }) else { return nil }
    self = type
  }
}

/// A Swift type whose values a tensor can store in place.
public protocol TensorElement: BitwiseCopyable, Sendable {
  /// The type of entries that are stored like this.
  static var scalarType: ScalarType { get }
}

extension Float: TensorElement {
  /// The type of entries that are stored like this.
  public static var scalarType: ScalarType { .float32 }
}
extension Double: TensorElement {
  /// The type of entries that are stored like this.
  public static var scalarType: ScalarType { .float64 }
}
extension Int: TensorElement {
  /// The type of entries that are stored like this.
  public static var scalarType: ScalarType { .int64 }
}
extension Bool: TensorElement {
  /// The type of entries that are stored like this.
  public static var scalarType: ScalarType { .bool }
}
