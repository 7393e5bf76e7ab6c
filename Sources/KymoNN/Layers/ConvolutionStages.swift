// Stages of a convolutional network over one or two axes of space, which halve or double the cells
// of each: over one axis one node of the graph by the fused kernel where it can, tensor operations
// elsewhere. Each is the other's reference in tests.
//
// Letters: B states, C channels, X (Y) cells.
import CKernels
public import KymoNumerics
public import KymoTensor

/// Convolutions with a change of resolution between them.
///
/// A stage that halves convolves, averages two neighbours (2 × 2 in two dimensions), and bends. A
/// stage that doubles interpolates linearly, convolves, and bends.
public final class ConvolutionStages: Module {
  /// Whether cells become fewer or more from stage to stage.
  public enum Direction: Sendable {
    /// Half the cells after every stage.
    case halving
    /// Twice the cells after every stage.
    case doubling
  }

  /// What lies beyond the ends of every axis.
  public enum Ends: Sendable {
    /// Zeros for the convolution, the outermost value for the interpolation.
    case zeros
    /// The other end.
    case ring
  }

  /// One stage.
  public struct Stage {
    /// Shape `[C out, C in, taps…]`, an odd number of taps along every axis.
    public var weight: Tensor
    /// Shape `[C out]`.
    public var bias: Tensor
    /// The function at the stage's end.
    public var activation: Activation

    /// Creates a stage of given weights.
    public init(weight: Tensor, bias: Tensor, activation: Activation) {
      (self.weight, self.bias, self.activation) = (weight, bias, activation)
    }
  }

  /// The stages, in order.
  public let stages: [Stage]
  /// Whether cells become fewer or more.
  public let direction: Direction
  /// What lies beyond the ends.
  public let ends: Ends
  /// Cells of the input along every axis of space.
  public let cells: [Int]
  private let fused: FusedPart?

  /// Creates stages of given weights.
  ///
  /// - Parameters:
  ///   - stages: At least one; the output channels of each are the input channels of the next.
  ///   - direction: Whether cells become fewer or more.
  ///   - ends: What lies beyond the ends.
  ///   - cells: Cells of the input along every axis; every stage that halves needs even numbers.
  ///   - path: How to compute; what the weights allow when not given.
  public init(
    _ stages: [Stage], _ direction: Direction, ends: Ends, cells: [Int], path: ComputePath? = nil
  ) {
    precondition(!stages.isEmpty, "ConvolutionStages: no stages")
    for (first, second) in zip(stages, stages.dropFirst()) {
      precondition(
        first.weight.shape[0] == second.weight.shape[1],
        "ConvolutionStages: \(first.weight.shape) before \(second.weight.shape)")
    }
    precondition(
      stages.allSatisfy { stage in
        stage.weight.shape.count == 2 + cells.count
          && stage.weight.shape[2...].allSatisfy { $0 % 2 == 1 }
      }, "ConvolutionStages: an odd number of taps along each of \(cells.count) axes"
    )
    precondition(
      cells.allSatisfy {
        $0 >= 1 && (direction == .doubling || $0 % (1 << stages.count) == 0)
      },
      "ConvolutionStages: \(cells) cells cannot be halved \(stages.count) times")
    (self.stages, self.direction, self.ends, self.cells) = (stages, direction, ends, cells)
    let path = path ?? ComputePath(for: stages.flatMap { [$0.weight, $0.bias] })
    fused =
      path == .fused && cells.count == 1
      ? FusedStages(stages, direction, ends: ends, cells: cells[0]).map(FusedPart.init) : nil
  }

  /// Creates stages with Xavier-uniform weights and small constant biases.
  ///
  /// - Parameters:
  ///   - channels: Channels of the input, then of every stage's output.
  ///   - taps: Taps of every convolution along every axis; odd.
  ///   - direction: Whether cells become fewer or more.
  ///   - ends: What lies beyond the ends.
  ///   - cells: Cells of the input along every axis.
  ///   - activation: The function at the end of all stages but the last.
  ///   - lastActivation: The function at the end of the last stage.
  ///   - stream: Where the weights are drawn from.
  ///   - dtype: Type of the weights.
  ///   - device: Where the weights are.
  ///   - path: How to compute; what the weights allow when not given.
  public convenience init(
    channels: [Int], taps: Int, _ direction: Direction, ends: Ends, cells: [Int],
    activation: Activation, lastActivation: Activation, using stream: inout RandomStream,
    dtype: ScalarType = .float32, device: Device = .cpu, path: ComputePath? = nil
  ) {
    var stages: [Stage] = []
    for (inputs, outputs) in zip(channels, channels.dropFirst()) {
      stages.append(
        Stage(
          weight: InitialWeights.xavierUniform(
            [outputs, inputs] + cells.map { _ in taps }, using: &stream, dtype: dtype,
            device: device),
          bias: InitialWeights.constant(
            [outputs], InitialWeights.smallBias, dtype: dtype, device: device),
          activation: stages.count == channels.count - 2 ? lastActivation : activation))
    }
    self.init(stages, direction, ends: ends, cells: cells, path: path)
  }

  /// Shape of one input, `[C, X…]`.
  public var inputShape: [Int] { [stages[0].weight.shape[1]] + cells }
  /// Shape of one output, `[C, X…]`.
  public var outputShape: [Int] {
    [stages[stages.count - 1].weight.shape[0]]
      + cells.map { direction == .doubling ? $0 << stages.count : $0 >> stages.count }
  }

  /// The output for input of shape `[B, C, X…]`.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    if let fused {
      let count = inputShape.reduce(1, *)
      precondition(
        input.shape == [input.size(0)] + inputShape,
        "ConvolutionStages: input of shape \(input.shape) for \(inputShape)")
      let batch = input.size(0)
      return fused(input.reshaped([batch, count])).reshaped([batch] + outputShape)
    }
    return apply(input) { x, _ in x }
  }

  /// The output by tensor operations, with something between the convolution and what follows it.
  ///
  /// - Parameters:
  ///   - input: `[B, C, X…]`.
  ///   - inner: Receives the result of a convolution and the number of its stage.
  /// - Returns: The output, `[B, C, X…]`.
  public func apply(_ input: Tensor, inner: (Tensor, Int) -> Tensor) -> Tensor {
    // Over two axes libtorch's convolutions are two to three times as fast with channels last.
    let ordered = cells.count == 2 ? input.contiguous(.channelsLast) : input
    return stages.enumerated().reduce(ordered) { x, entry in
      let (index, stage) = entry
      switch direction {
      case .halving:
        return stage.activation(
          inner(convolved(x, stage), index).averagePooled(window: 2))
      case .doubling: return stage.activation(inner(convolved(upsampled(x), stage), index))
      }
    }
  }

  /// The output for states in host memory, outside the graph; nil where there is no fused kernel.
  package func apply(host input: [Float], count: Int) -> [Float]? {
    fused?.apply(input, count: count)
  }

  /// Weight and bias of every stage, by its number.
  public func namedParameters() -> [NamedTensor] {
    stages.enumerated().flatMap { index, stage in
      [("\(index).weight", stage.weight), ("\(index).bias", stage.bias)]
    }
  }

  private func convolved(_ x: Tensor, _ stage: Stage) -> Tensor {
    let (reach, ones) = (stage.weight.shape[2] / 2, cells.map { _ in 1 })
    let padding = cells.map { _ in ends == .zeros ? reach : 0 }
    return .convolution(
      ends == .zeros ? x : wrapped(x, by: reach), stage.weight, stage.bias, stride: ones,
      padding: padding, dilation: ones)
  }

  private func upsampled(_ x: Tensor) -> Tensor {
    switch ends {
    case .zeros: x.upsampledLinear(factor: 2)
    case .ring:
      cells.indices.reduce(wrapped(x, by: 1).upsampledLinear(factor: 2)) {
        $0.sliced(axis: 2 + $1, from: 2, to: -2)
      }
    }
  }

  /// The periodic axis with `amount` cells repeated at both ends of every axis, also where it is
  /// shorter than that.
  private func wrapped(_ x: Tensor, by amount: Int) -> Tensor {
    cells.indices.reduce(x) { x, index in
      let (axis, length) = (2 + index, x.size(2 + index))
      guard amount > length else {
        return x.padded(.circular, axis: axis, before: amount, after: amount)
      }
      let places = (-amount..<length + amount).map { (($0 % length) + length) % length }
      return x.indexSelected(axis, Tensor(integers: places, shape: [places.count]).to(x.device))
    }
  }
}
