// Dense layers one after the other, with skips where widths are equal: one node of the graph by the
// fused kernel, or tensor operations.
//
// Letters: B states, n inputs of a layer, m outputs.
import CKernels
public import KymoNumerics
public import KymoTensor

/// Layers `y = f(W x + b)`, or `y = f(W x + b + x)` where a layer has a skip.
public final class DenseStack: Module {
  /// One layer of a stack.
  public struct Layer {
    /// Shape `[m, n]`.
    public var weight: Tensor
    /// Shape `[m]`.
    public var bias: Tensor
    /// The function behind the layer.
    public var activation: Activation
    /// Whether the input is added before the function; needs equal widths.
    public var hasSkip: Bool

    /// Creates a layer of given weights.
    public init(weight: Tensor, bias: Tensor, activation: Activation, hasSkip: Bool) {
      (self.weight, self.bias) = (weight, bias)
      (self.activation, self.hasSkip) = (activation, hasSkip)
    }
  }

  /// The layers, in order.
  public let layers: [Layer]
  private let names: [String]
  private let fused: FusedPart?

  /// Creates a stack of given layers.
  ///
  /// - Parameters:
  ///   - layers: At least one; the outputs of each are the inputs of the next.
  ///   - names: The names of the layers among the parameters; numbers when not given.
  ///   - path: How to compute; what the weights allow when not given.
  public init(_ layers: [Layer], names: [String]? = nil, path: ComputePath? = nil) {
    precondition(!layers.isEmpty, "DenseStack: no layers")
    for (first, second) in zip(layers, layers.dropFirst()) {
      precondition(
        first.weight.shape[0] == second.weight.shape[1],
        "DenseStack: \(first.weight.shape) before \(second.weight.shape)")
    }
    for layer in layers where layer.hasSkip {
      precondition(
        layer.weight.shape[0] == layer.weight.shape[1], "DenseStack: a skip needs equal widths")
    }
    self.layers = layers
    self.names = names ?? layers.indices.map(String.init)
    let path = path ?? ComputePath(for: layers.flatMap { [$0.weight, $0.bias] })
    fused = path == .fused ? FusedDense(layers).map(FusedPart.init) : nil
  }

  /// Creates a stack with Xavier-uniform weights and small constant biases.
  ///
  /// - Parameters:
  ///   - widths: Inputs, then outputs of every layer; at least two numbers.
  ///   - activation: The function behind all layers but the last.
  ///   - lastActivation: The function behind the last layer.
  ///   - skips: Whether layers of equal widths have a skip.
  ///   - stream: Where the weights are drawn from.
  ///   - dtype: Type of the weights.
  ///   - device: Where the weights are.
  ///   - path: How to compute; what the weights allow when not given.
  public convenience init(
    widths: [Int], activation: Activation, lastActivation: Activation, skips: Bool,
    using stream: inout RandomStream, dtype: ScalarType = .float32, device: Device = .cpu,
    path: ComputePath? = nil
  ) {
    var layers: [Layer] = []
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      layers.append(
        Layer(
          weight: InitialWeights.xavierUniform(
            [outputs, inputs], using: &stream, dtype: dtype, device: device),
          bias: InitialWeights.constant(
            [outputs], InitialWeights.smallBias, dtype: dtype, device: device),
          activation: layers.count == widths.count - 2 ? lastActivation : activation,
          hasSkip: skips && inputs == outputs))
    }
    self.init(layers, path: path)
  }

  /// Number of inputs.
  public var inputCount: Int { layers[0].weight.shape[1] }
  /// Number of outputs.
  public var outputCount: Int { layers[layers.count - 1].weight.shape[0] }

  /// The output for input of shape `[B, n]`.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    if let fused { return fused(input) }
    return layers.reduce(input) { x, layer in
      let linear = Tensor.linear(x, layer.weight, layer.bias)
      return layer.activation(layer.hasSkip ? linear + x : linear)
    }
  }

  /// The output for states in host memory, outside the graph: without any tensor where the fused
  /// kernel can be used.
  ///
  /// Results of 1 to 3 states and of more may differ by rounding, because sums are ordered
  /// differently.
  ///
  /// - Parameters:
  ///   - input: `[B, n]`, row by row.
  ///   - count: Number of states, B.
  /// - Returns: `[B, m]`, row by row.
  package func apply(_ input: [Float], count: Int) -> [Float] {
    precondition(
      input.count == count * inputCount, "DenseStack: \(input.count) for \(count) states")
    if let fused { return fused.apply(input, count: count) }
    return withoutGradients {
      self(
        Tensor(input, shape: [count, inputCount]).cast(to: layers[0].weight.dtype)
          .to(layers[0].weight.device)
      ).floats
    }
  }

  /// Weight and bias of every layer.
  public func namedParameters() -> [NamedTensor] {
    zip(names, layers).flatMap { name, layer in
      [("\(name).weight", layer.weight), ("\(name).bias", layer.bias)]
    }
  }
}

extension Activation {
  /// The function as the kernel of dense layers knows it; nil when it does not.
  var denseFunction: kk_dense_function? {
    switch self {
    case .identity: KK_DENSE_IDENTITY
    case .relu: KK_DENSE_RELU
    case .tanh: KK_DENSE_TANH
    case .sigmoid: KK_DENSE_SIGMOID
    // With α = 1 the two are the same.
    case .celu, .elu: KK_DENSE_CELU
    case .tanhPlus: KK_DENSE_TANH_PLUS
    case .selu, .gelu, .softplus: nil
    }
  }
}
