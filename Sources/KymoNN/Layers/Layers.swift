// Dense and convolutional layers. They start as PyTorch's do: weights and biases uniform on
// ±1/√(inputs of one output).
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
    (weight, bias) = startingWeights(
      [outputCount, inputCount], hasBias: hasBias, using: &stream, device: device)
  }

  /// Creates a layer of given weights, `[out, in]` and `[out]`.
  public init(weight: Tensor, bias: Tensor?) { (self.weight, self.bias) = (weight, bias) }

  /// The layer's output for input of shape `[…, in]`.
  public func callAsFunction(_ input: Tensor) -> Tensor { .linear(input, weight, bias) }

  /// `weight`, then `bias`.
  public func namedParameters() -> [NamedTensor] { named(weight, bias) }
}

/// A convolution (in truth a cross-correlation, as everywhere in networks) over 1, 2 or 3 axes.
public struct Convolution: Module {
  /// Shape `[channels out, channels in, taps…]`.
  public var weight: Tensor
  /// Shape `[channels out]`; nil for a layer without.
  public var bias: Tensor?
  /// Distance between output positions, for each axis.
  public let stride: [Int]
  /// Zeros at both ends, for each axis.
  public let padding: [Int]
  /// Distance between taps, for each axis.
  public let dilation: [Int]

  /// Creates a layer with random weights.
  ///
  /// - Parameters:
  ///   - inputCount: Channels of the input.
  ///   - outputCount: Channels of the output.
  ///   - taps: Taps along each axis; its length is the number of axes.
  ///   - stride: Distance between output positions, for each axis; 1 when not given.
  ///   - padding: Zeros at both ends, for each axis; none when not given.
  ///   - dilation: Distance between taps, for each axis; 1 when not given.
  ///   - hasBias: Whether a number is added to each output channel.
  ///   - stream: Where the weights are drawn from.
  ///   - device: Where the weights are.
  public init(
    _ inputCount: Int, _ outputCount: Int, taps: [Int], stride: [Int]? = nil,
    padding: [Int]? = nil, dilation: [Int]? = nil, bias hasBias: Bool = true,
    using stream: inout RandomStream, device: Device = .cpu
  ) {
    (weight, bias) = startingWeights(
      [outputCount, inputCount] + taps, hasBias: hasBias, using: &stream, device: device)
    self.stride = stride ?? taps.map { _ in 1 }
    self.padding = padding ?? taps.map { _ in 0 }
    self.dilation = dilation ?? taps.map { _ in 1 }
  }

  /// The layer's output for input of shape `[batch, channels in, space…]`.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    .convolution(input, weight, bias, stride: stride, padding: padding, dilation: dilation)
  }

  /// `weight`, then `bias`.
  public func namedParameters() -> [NamedTensor] { named(weight, bias) }
}

private func startingWeights(
  _ shape: [Int], hasBias: Bool, using stream: inout RandomStream, device: Device
) -> (weight: Tensor, bias: Tensor?) {
  let inputsOfOneOutput = shape.dropFirst().reduce(1, *)
  let bound = 1 / Float(max(inputsOfOneOutput, 1)).squareRoot()
  func draw(_ shape: [Int]) -> Tensor {
    Tensor.uniform(shape, in: -bound...bound, using: &stream, device: device).requiringGradient()
  }
  return (draw(shape), hasBias ? draw([shape[0]]) : nil)
}

private func named(_ weight: Tensor, _ bias: Tensor?) -> [NamedTensor] {
  [(name: "weight", tensor: weight)] + (bias.map { [(name: "bias", tensor: $0)] } ?? [])
}
