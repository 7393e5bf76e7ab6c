// Gradients by reverse-mode differentiation.
import CTorch

extension Tensor {
  /// Whether operations on this tensor are recorded for differentiation.
  public var requiresGradient: Bool { unsafe read { unsafe kt_requires_gradient($0) } }

  /// A leaf over the same entries that collects its gradient: a parameter.
  public func requiringGradient() -> Tensor {
    unsafe makeTensor("requiringGradient", self) { unsafe kt_make_leaf($0, $1) }
  }

  /// The same entries outside the graph.
  public func detached() -> Tensor {
    unsafe makeTensor("detached", self) { unsafe kt_detach($0, $1) }
  }

  /// What backward passes have collected in this leaf; nil when none has.
  public var gradient: Tensor? {
    var out: kt_tensor?
    unsafe perform("gradient", self) { unsafe kt_gradient(&out, $0) }
    return unsafe out.map { unsafe Tensor(adopting: $0) }
  }

  /// Forgets the collected gradient.
  public func zeroGradient() {
    unsafe perform("zeroGradient", self) { unsafe kt_set_gradient($0, nil) }
  }

  /// Adds the derivatives of this single number to the gradients of the leaves it came from.
  ///
  /// - Parameter keepingGraph: Whether another backward pass may follow.
  public func backward(keepingGraph: Bool = false) {
    unsafe perform("backward", self) { unsafe kt_backward($0, nil, keepingGraph) }
  }

  /// Adds the derivatives along `gradient`, of this shape, to the gradients of the leaves.
  public func backward(gradient: Tensor, keepingGraph: Bool = false) {
    unsafe perform("backward", self, gradient) { unsafe kt_backward($0, $1, keepingGraph) }
  }

  /// Derivatives of the sum of all entries of `outputs`; nil for inputs that do not matter.
  ///
  /// - Parameters:
  ///   - outputs: What is differentiated.
  ///   - inputs: With respect to what.
  ///   - keepingGraph: Whether another backward pass may follow.
  ///   - differentiable: Whether the derivatives shall be differentiable themselves.
  /// - Returns: One entry for each input.
  public static func gradients(
    of outputs: [Tensor], withRespectTo inputs: [Tensor], keepingGraph: Bool = false,
    differentiable: Bool = false
  ) -> [Tensor?] {
    gradients(
      of: outputs, along: outputs.map { .ones($0.shape, dtype: $0.dtype, device: $0.device) },
      withRespectTo: inputs,
      keepingGraph: keepingGraph, differentiable: differentiable)
  }

  /// Derivatives of `outputs` along `seeds`, which have the outputs' shapes.
  public static func gradients(
    of outputs: [Tensor], along seeds: [Tensor], withRespectTo inputs: [Tensor],
    keepingGraph: Bool = false, differentiable: Bool = false
  ) -> [Tensor?] {
    precondition(
      seeds.count == outputs.count, "gradients: \(seeds.count) seeds, \(outputs.count) outputs")
    var found = unsafe [kt_tensor?](repeating: nil, count: inputs.count)
    unsafe withHandles(outputs) { outputs, outputCount in
      unsafe withHandles(seeds) { seeds, _ in
        unsafe withHandles(inputs) { inputs, inputCount in
          _ = unsafe succeeded(
            kt_gradients(
              &found, outputs, outputCount, inputs, inputCount, seeds, keepingGraph,
              differentiable), "gradients")
        }
      }
    }
    return unsafe found.map { unsafe $0.map { unsafe Tensor(adopting: $0) } }
  }
}

/// Whether operations are recorded for differentiation here: not inside ``withoutGradients(_:)``.
public var recordsGradients: Bool { kt_records_gradients() }

/// Runs `body` without recording operations for differentiation.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
  let recording = kt_records_gradients()
  kt_set_records_gradients(false)
  defer { kt_set_records_gradients(recording) }
  return try body()
}
