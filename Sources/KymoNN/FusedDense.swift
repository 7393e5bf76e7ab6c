// The kernel of dense layers behind a checked door: a whole stack as one node of the graph, parts of a
// batch on several threads, and inference on host memory without any tensor.
import CKernels
import KymoTensor

/// A stack of dense layers by the fused kernel.
@safe final class FusedDense {
  private let parameters: [Tensor]
  private let layers: [kk_dense_layer]
  // Where the parameters' entries are. Their tensors live as long as this object, and whatever writes
  // parameters writes in place.
  private let addresses: [UnsafePointer<Float>?]
  private let stateCount: Int
  private let scratchCount: Int
  private let gradientCount: Int

  /// States that are worked on together.
  private static let part = KK_DENSE_PART
  /// Gradients of parts are summed in at most so many groups, whatever the number of threads, so that
  /// results do not depend on it.
  private static let groups = 4

  /// Looks whether the kernel takes these layers; nil when it does not.
  init?(_ layers: [DenseStack.Layer]) {
    var found: [kk_dense_layer] = []
    for layer in layers {
      guard let function = layer.activation.denseFunction,
        [layer.weight, layer.bias].allSatisfy({
          $0.dtype == .float32 && $0.device == .cpu && $0.isContiguous()
        })
      else { return nil }
      let shape = layer.weight.shape
      precondition(layer.bias.shape == [shape[0]], "FusedDense: bias of \(layer.bias.shape)")
      found.append(
        kk_dense_layer(
          inputs: Int32(shape[1]), outputs: Int32(shape[0]), function: function,
          skip: layer.hasSkip ? 1 : 0))
    }
    self.layers = found
    parameters = layers.flatMap { [$0.weight, $0.bias] }
    var places = unsafe [UnsafePointer<Float>?]()
    unsafe Tensor.withUnsafeMutablePointers(to: parameters, of: Float.self) {
      unsafe places = $0.map { unsafe UnsafePointer($0) }
    }
    unsafe addresses = places
    (stateCount, scratchCount, gradientCount) = unsafe found.withUnsafeBufferPointer { layers in
      unsafe places.withUnsafeBufferPointer { parameters in
        var stack = unsafe kk_dense(
          layers: Int32(layers.count), layer: layers.baseAddress, parameters: parameters.baseAddress
        )
        return unsafe (
          kk_dense_state_count(&stack), kk_dense_scratch_count(&stack),
          kk_dense_gradient_count(&stack)
        )
      }
    }
  }

  private var inputCount: Int { Int(layers[0].inputs) }
  private var outputCount: Int { Int(layers[layers.count - 1].outputs) }

  /// The output for `[B, n]`, as a node of the graph when gradients are wanted.
  func callAsFunction(_ input: Tensor) -> Tensor {
    precondition(
      input.rank == 2 && input.size(1) == inputCount,
      "DenseStack: input of shape \(input.shape) for \(inputCount) inputs")
    let batch = input.size(0)
    let source = input.detached().contiguous()
    let output = Tensor.empty([batch, outputCount])
    let wantsInput = recordsGradients && input.requiresGradient
    let wantsParameters = recordsGradients && parameters.contains { $0.requiresGradient }
    let parts = (batch + FusedDense.part - 1) / FusedDense.part
    let state = wantsInput || wantsParameters ? Tensor.empty([parts, stateCount]) : nil
    // In bounds: each part reads and writes its own states and has scratch of its worker.
    unsafe run([source, output] + (state.map { [$0] } ?? []), parts: parts) {
      stack, at, scratch, part in
      let first = part * FusedDense.part
      unsafe kk_dense_forward(
        stack, min(FusedDense.part, batch - first), at[0] + first * inputCount,
        at[1] + first * outputCount, state == nil ? nil : at[2] + part * stateCount, scratch)
    }
    guard let state else { return output }
    let inputs = parameters + (wantsInput ? [input] : [])
    return Tensor.custom("dense layers", inputs: inputs, outputs: [output]) {
      [self] upstream -> [Tensor?] in
      guard let given = upstream[0]?.contiguous() else { return inputs.map { _ in nil } }
      return gradients(given, source, state, wantsInput: wantsInput)
    }[0]
  }

  private func gradients(
    _ given: Tensor, _ source: Tensor, _ state: Tensor, wantsInput: Bool
  ) -> [Tensor?] {
    let (batch, parts) = (source.size(0), state.size(0))
    let groups = min(parts, FusedDense.groups)
    let packed = Tensor.zeros([groups, gradientCount])
    let inputGradient = wantsInput ? Tensor.empty(source.shape) : nil
    // In bounds: as above, and every group has a gradient of its own.
    unsafe run(
      [given, source, state, packed] + (inputGradient.map { [$0] } ?? []), parts: groups
    ) { stack, at, scratch, group in
      for part in group * parts / groups..<(group + 1) * parts / groups {
        let first = part * FusedDense.part
        unsafe kk_dense_backward(
          stack, min(FusedDense.part, batch - first), at[1] + first * inputCount,
          at[2] + part * stateCount, at[0] + first * outputCount, at[3] + group * gradientCount,
          wantsInput ? at[4] + first * inputCount : nil, scratch)
      }
    }
    let result = parameters.map { Tensor.empty($0.shape) }
    // In bounds: the results have the parameters' shapes, which the stack describes.
    unsafe Tensor.withUnsafeMutablePointers(to: [packed] + result, of: Float.self) { at in
      let targets = unsafe at.dropFirst().map(Optional.some)
      unsafe withStack { unsafe kk_dense_unpack_gradient($0, at[0], groups, targets) }
    }
    return result + (wantsInput ? [inputGradient] : [])
  }

  /// The output for states in host memory.
  func apply(_ input: [Float], count: Int) -> [Float] {
    unsafe [Float](unsafeUninitializedCapacity: count * outputCount) { output, initialized in
      unsafe input.withUnsafeBufferPointer { input in
        guard count > 0, let source = input.baseAddress,
          let target = output.baseAddress
        else { return }
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: scratchCount) { scratch in
          guard let scratch = scratch.baseAddress else { return }
          // In bounds: `input` has `count` states, checked by the caller; `output` has room for them.
          unsafe withStack { stack in
            for first in stride(from: 0, to: count, by: FusedDense.part) {
              unsafe kk_dense_forward(
                stack, min(FusedDense.part, count - first), source + first * inputCount,
                target + first * outputCount, nil, scratch)
            }
          }
        }
      }
      initialized = count * outputCount
    }
  }

  private func withStack(_ body: (UnsafePointer<kk_dense>) -> Void) {
    withExtendedLifetime(parameters) {
      unsafe layers.withUnsafeBufferPointer { layers in
        unsafe addresses.withUnsafeBufferPointer { parameters in
          var stack = unsafe kk_dense(
            layers: Int32(layers.count), layer: layers.baseAddress,
            parameters: parameters.baseAddress)
          unsafe body(&stack)
        }
      }
    }
  }

  /// Calls `body` for every part with the tensors' addresses and scratch of its worker.
  private func run(
    _ tensors: [Tensor], parts: Int,
    _ body: (
      UnsafePointer<kk_dense>, [UnsafeMutablePointer<Float>], UnsafeMutablePointer<Float>, Int
    )
      -> Void
  ) {
    guard parts > 0 else { return }
    let workers = parts > 1 ? threadCount : 1
    let scratch = Tensor.empty([workers, scratchCount])
    unsafe Tensor.withUnsafeMutablePointers(to: tensors + [scratch], of: Float.self) { at in
      unsafe withStack { stack in
        guard workers > 1 else {
          for part in 0..<parts { unsafe body(stack, at, at[at.count - 1], part) }
          return
        }
        torchParallelFor(parts) { part, worker in
          unsafe body(stack, at, at[at.count - 1] + worker * scratchCount, part)
        }
      }
    }
  }
}
