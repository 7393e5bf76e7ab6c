// Functions between layers, by name.
public import KymoNumerics
public import KymoTensor

/// An entry-wise function between layers.
public enum Activation: String, SettingChoice {
  case identity
  case relu
  case tanh
  case sigmoid
  case celu
  case elu
  case selu
  case gelu
  case softplus
  /// 0.5 + 0.5 tanh x, onto (0, 1): the last function of networks for data scaled to [0, 1].
  case tanhPlus

  /// The function's value at every entry.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    switch self {
    case .identity: input
    case .relu: input.relu()
    case .tanh: input.tanh()
    case .sigmoid: input.sigmoid()
    case .celu: input.celu()
    case .elu: input.elu()
    case .selu: input.selu()
    case .gelu: input.gelu()
    case .softplus: input.softplus()
    // The same function, in two operations instead of three.
    case .tanhPlus: (2 * input).sigmoid()
    }
  }
}
