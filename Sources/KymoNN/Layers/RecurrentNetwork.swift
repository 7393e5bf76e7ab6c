// The propagating network of Vlachas et al., Nature Machine Intelligence 4, 359 (2022), methods:
// recurrent layers and a dense output layer, y = a(V h + d), where y is the next input; or y = x +
// V h + d. A window of steps runs in one kernel, or by tensor operations, as it always does with
// zoneout.
//
// Letters: B trajectories, T steps, D inputs and outputs, H units.
public import KymoNumerics
public import KymoTensor

/// Which inputs of a window are the network's own predictions.
public struct OwnInputs: Sendable {
  /// One entry for each trajectory and given step, `[B, T]`; those of the first step do not count.
  public var flags: [Bool]
  /// Whether the gradient passes through predictions that became inputs.
  public var passesGradient: Bool

  /// Marks inputs.
  public init(_ flags: [Bool], passesGradient: Bool = true) {
    (self.flags, self.passesGradient) = (flags, passesGradient)
  }
}

/// What the output layer of a recurrent network gives.
public enum RecurrentOutput: Hashable, Sendable {
  /// The next input.
  case linear
  /// The next input in [0, 1], through 0.5 + 0.5 tanh.
  case tanhPlus
  /// What is added to this input. The network starts as persistence: the next input is this one.
  case increment
}

/// Recurrent layers with an output layer that predicts the next input.
public struct RecurrentNetwork: Module {
  /// The recurrent layers.
  public let stack: RecurrentStack
  /// From units to the next input.
  public let output: Linear
  /// What the output layer gives.
  public let outputKind: RecurrentOutput
  /// How it is computed.
  public let path: ComputePath

  /// Creates a network with random weights; the path is what the weights allow when not given.
  public init(
    _ cell: RecurrentCell, latentCount: Int, unitCount: Int, layerCount: Int = 1,
    outputKind: RecurrentOutput = .tanhPlus, using stream: inout RandomStream,
    dtype: ScalarType = .float32, device: Device = .cpu, path: ComputePath? = nil
  ) {
    stack = RecurrentStack(
      cell, inputCount: latentCount, unitCount: unitCount, layerCount: layerCount, using: &stream,
      dtype: dtype, device: device)
    output = Linear(
      weight: outputKind == .increment
        ? InitialWeights.constant([latentCount, unitCount], 0, dtype: dtype, device: device)
        : InitialWeights.xavierUniform(
          [latentCount, unitCount], using: &stream, dtype: dtype, device: device),
      bias: InitialWeights.constant(
        [latentCount], outputKind == .increment ? 0 : InitialWeights.smallBias, dtype: dtype,
        device: device))
    self.outputKind = outputKind
    self.path = path ?? ComputePath(device: device, dtype: dtype)
  }

  /// D.
  public var latentCount: Int { stack.inputCount }

  /// PyTorch's names of the layers behind `rnn.`, then `output.weight` and `output.bias`.
  public func namedParameters() -> [NamedTensor] {
    stack.namedParameters().prefixed("rnn") + output.namedParameters().prefixed("output")
  }

  /// The state before anything was seen, `[B, layers, 1 or 2, H]`.
  public func initialState(batchCount: Int) -> Tensor { stack.initialState(batchCount: batchCount) }

  /// The predictions after each of a window's inputs.
  ///
  /// The gradient reaches parameters and inputs; the state gets none, so windows are cut from each
  /// other.
  ///
  /// - Parameters:
  ///   - inputs: `[B, K, D]`, K at least 1.
  ///   - state: The state before; afterwards that after the last step, outside the graph.
  ///   - stepCount: T, at least K; steps beyond the inputs take the prediction of the step before.
  ///     K when nil.
  ///   - own: Which inputs are replaced by predictions; nil for none.
  ///   - zoneout: Draws masks in training; nil for none.
  /// - Returns: `[B, T, D]`; entry t predicts what follows input t.
  public func predictions(
    _ inputs: Tensor, state: inout Tensor, stepCount: Int? = nil, own: OwnInputs? = nil,
    zoneout: Zoneout? = nil
  ) -> Tensor {
    let (shape, steps) = (inputs.shape, stepCount ?? inputs.shape[1])
    precondition(
      shape.count == 3 && shape[2] == latentCount && shape[1] >= 1 && steps >= shape[1],
      "RecurrentNetwork: inputs \(shape) for \(latentCount) latents and \(steps) steps")
    precondition(
      own == nil || own?.flags.count == shape[0] * shape[1],
      "RecurrentNetwork: \(own?.flags.count ?? 0) marks for inputs \(shape)")
    // The kernel knows no zoneout.
    return path == .fused && zoneout == nil
      ? FusedRecurrent.predictions(self, inputs, state: &state, stepCount: steps, own: own)
      : plainPredictions(inputs, state: &state, stepCount: steps, own: own, zoneout: zoneout)
  }

  private func plainPredictions(
    _ inputs: Tensor, state: inout Tensor, stepCount: Int, own: OwnInputs?, zoneout: Zoneout?
  ) -> Tensor {
    let (batch, known) = (inputs.shape[0], inputs.shape[1])
    let passes = own?.passesGradient ?? true
    var zoneout = zoneout
    var present = state.detached()
    var results: [Tensor] = []
    for step in 0..<stepCount {
      let last = results.last.map { passes ? $0 : $0.detached() }
      var input: Tensor
      if step < known {
        input = inputs.selected(axis: 1, index: step)
        if let own, let last {
          let marks = (0..<batch).map { own.flags[$0 * known + step] }
          input = Tensor.where(
            Tensor(booleans: marks, shape: [batch, 1], device: inputs.device), last, input)
        }
      } else {
        input = last ?? inputs.selected(axis: 1, index: 0)
      }
      let hidden = stack.step(input, state: &present, zoneout: &zoneout)
      let given = output(hidden)
      switch outputKind {
      case .linear: results.append(given)
      case .tanhPlus: results.append(Activation.tanhPlus(given))
      case .increment: results.append(input + given)
      }
    }
    state = present.detached()
    return Tensor.stacked(results, axis: 1)
  }
}
