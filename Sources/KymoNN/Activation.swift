// Functions between layers, by name.
public import KymoTensor

/// An entry-wise function between layers.
public enum Activation: String, Codable, Sendable, Hashable, CaseIterable {
  case identity
  case relu
  case tanh
  case sigmoid
  case celu
  case elu
  case gelu
  case softplus

  /// The function's value at every entry.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    switch self {
    case .identity: input
    case .relu: input.relu()
    case .tanh: input.tanh()
    case .sigmoid: input.sigmoid()
    case .celu: input.celu()
    case .elu: input.elu()
    case .gelu: input.gelu()
    case .softplus: input.softplus()
    }
  }
}
