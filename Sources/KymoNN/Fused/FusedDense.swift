// The kernel of dense layers with its parameters.
import CKernels
import KymoTensor

/// A stack of dense layers for the fused kernel.
@safe final class FusedDense: PartwiseKernel {
  let name = "dense layers"
  let parameters: [Tensor]
  let stateCount: Int
  let scratchCount: Int
  let gradientCount: Int
  let alwaysNeedsState = false
  private let layers: [kk_dense_layer]
  private let addresses: [UnsafePointer<Float>?]

  /// Looks whether the kernel takes these layers; nil when it does not.
  init?(_ layers: [DenseStack.Layer]) {
    var found: [kk_dense_layer] = []
    for layer in layers {
      guard let function = layer.activation.denseFunction else { return nil }
      let shape = layer.weight.shape
      precondition(layer.bias.shape == [shape[0]], "FusedDense: bias of \(layer.bias.shape)")
      found.append(
        kk_dense_layer(
          inputs: Int32(shape[1]), outputs: Int32(shape[0]), function: function,
          skip: layer.hasSkip ? 1 : 0))
    }
    parameters = layers.flatMap { [$0.weight, $0.bias] }
    self.layers = found
    let places = unsafe entryAddresses(of: parameters)
    unsafe addresses = places
    (stateCount, scratchCount, gradientCount) = unsafe withStack(found, places) {
      unsafe (
        kk_dense_state_count($0), kk_dense_scratch_count($0), kk_dense_gradient_count($0)
      )
    }
  }

  var inputCount: Int { Int(layers[0].inputs) }
  var outputCount: Int { Int(layers[layers.count - 1].outputs) }

  func forward(
    batch: Int, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
    state: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>
  ) {
    unsafe withStack(layers, addresses) {
      unsafe kk_dense_forward($0, batch, input, output, state, scratch)
    }
  }

  func backward(
    batch: Int, input: UnsafePointer<Float>, state: UnsafePointer<Float>,
    outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>
  ) {
    unsafe withStack(layers, addresses) {
      unsafe kk_dense_backward(
        $0, batch, input, state, outputGradient, gradient, inputGradient, scratch)
    }
  }

  func unpack(
    gradients: UnsafePointer<Float>, count: Int, into targets: [UnsafeMutablePointer<Float>?]
  ) {
    unsafe withStack(layers, addresses) {
      unsafe kk_dense_unpack_gradient($0, gradients, count, targets)
    }
  }
}

private func withStack<Result>(
  _ layers: [kk_dense_layer], _ addresses: [UnsafePointer<Float>?],
  _ body: (UnsafePointer<kk_dense>) -> Result
) -> Result {
  unsafe layers.withUnsafeBufferPointer { layers in
    unsafe addresses.withUnsafeBufferPointer { parameters in
      var stack = unsafe kk_dense(
        layers: Int32(layers.count), layer: layers.baseAddress, parameters: parameters.baseAddress)
      return unsafe body(&stack)
    }
  }
}
