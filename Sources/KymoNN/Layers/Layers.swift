// The dense layer. It starts as PyTorch's does: weights and biases uniform on ±1/√(inputs of one
// output).
public import KymoNumerics
public import KymoTensor

/// x wᵀ + b over the last axis.
public struct Linear: Module {
  /// Shape `[out, in]`.
  public var weight: Tensor
  /// Shape `[out]`; nil for a layer without.
  public var bias: Tensor?

  /// Creates a layer with random weights.
  public init(
    _ inputCount: Int, _ outputCount: Int, bias hasBias: Bool = true,
    using stream: inout RandomStream, device: Device = .cpu
  ) {
    let bound = 1 / Float(max(inputCount, 1)).squareRoot()
    func draw(_ shape: [Int]) -> Tensor {
      Tensor.uniform(shape, in: -bound...bound, using: &stream, device: device).requiringGradient()
    }
    weight = draw([outputCount, inputCount])
    bias = hasBias ? draw([outputCount]) : nil
  }

  /// Creates a layer of given weights, `[out, in]` and `[out]`.
  public init(weight: Tensor, bias: Tensor?) { (self.weight, self.bias) = (weight, bias) }

  /// The layer's output for input of shape `[…, in]`.
  public func callAsFunction(_ input: Tensor) -> Tensor { .linear(input, weight, bias) }

  /// `weight`, then `bias`.
  public func namedParameters() -> [NamedTensor] {
    [(name: "weight", tensor: weight)] + (bias.map { [(name: "bias", tensor: $0)] } ?? [])
  }
}
