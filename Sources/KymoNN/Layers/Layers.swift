// The dense layer.
public import KymoTensor

/// x wᵀ + b over the last axis.
public struct Linear: Module {
  /// Shape `[out, in]`.
  public var weight: Tensor
  /// Shape `[out]`; nil for a layer without.
  public var bias: Tensor?

  /// Creates a layer of given weights, `[out, in]` and `[out]`.
  public init(weight: Tensor, bias: Tensor?) { (self.weight, self.bias) = (weight, bias) }

  /// The layer's output for input of shape `[…, in]`.
  public func callAsFunction(_ input: Tensor) -> Tensor { .linear(input, weight, bias) }

  /// `weight`, then `bias`.
  public func namedParameters() -> [NamedTensor] {
    [(name: "weight", tensor: weight)] + (bias.map { [(name: "bias", tensor: $0)] } ?? [])
  }
}
