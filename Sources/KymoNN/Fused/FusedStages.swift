// The kernel of convolutional stages with its parameters.
import CKernels
import KymoTensor

/// Convolutional stages for the fused kernel.
@safe final class FusedStages: PartwiseKernel {
  let name = "convolutional stages"
  let parameters: [Tensor]
  let inputCount: Int
  let outputCount: Int
  let stateCount: Int
  let scratchCount: Int
  let gradientCount: Int
  let alwaysNeedsState = true
  private let plan: Plan

  /// What the kernel must know besides the address of this value's lists.
  @safe private struct Plan {
    var stages: [kk_stage]
    var addresses: [UnsafePointer<Float>?]
    var cells: Int32
    var taps: Int32
    var doubles: Int32
    var ring: Int32

    func withStages<Result>(_ body: (UnsafePointer<kk_stages>) -> Result) -> Result {
      unsafe stages.withUnsafeBufferPointer { list in
        unsafe addresses.withUnsafeBufferPointer { parameters in
          var stages = unsafe kk_stages(
            count: Int32(list.count), stage: list.baseAddress, parameters: parameters.baseAddress,
            cells: cells, taps: taps, doubles: doubles, ring: ring)
          return unsafe body(&stages)
        }
      }
    }
  }

  /// Looks whether the kernel takes these stages; nil when it does not.
  init?(
    _ stages: [ConvolutionStages.Stage], _ direction: ConvolutionStages.Direction,
    ends: ConvolutionStages.Ends, cells: Int
  ) {
    var found: [kk_stage] = []
    let taps = stages[0].weight.shape[2]
    for stage in stages {
      let shape = stage.weight.shape
      guard let function = stage.activation.denseFunction, shape[2] == taps else { return nil }
      precondition(stage.bias.shape == [shape[0]], "FusedStages: bias of \(stage.bias.shape)")
      found.append(
        kk_stage(inputs: Int32(shape[1]), outputs: Int32(shape[0]), function: function))
    }
    parameters = stages.flatMap { [$0.weight, $0.bias] }
    let plan = unsafe Plan(
      stages: found, addresses: entryAddresses(of: parameters), cells: Int32(cells),
      taps: Int32(taps), doubles: direction == .doubling ? 1 : 0, ring: ends == .ring ? 1 : 0)
    self.plan = plan
    inputCount = Int(found[0].inputs) * cells
    outputCount =
      Int(found[found.count - 1].outputs)
      * (direction == .doubling ? cells << found.count : cells >> found.count)
    (stateCount, scratchCount, gradientCount) = unsafe plan.withStages {
      unsafe (
        kk_stages_state_count($0), kk_stages_scratch_count($0), kk_stages_gradient_count($0)
      )
    }
  }

  func forward(
    batch: Int, input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
    state: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>
  ) {
    guard let state = unsafe state else { preconditionFailure("FusedStages: no state") }
    unsafe plan.withStages {
      unsafe kk_stages_forward($0, batch, input, output, state, scratch)
    }
  }

  func backward(
    batch: Int, input: UnsafePointer<Float>, state: UnsafePointer<Float>,
    outputGradient: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>?, scratch: UnsafeMutablePointer<Float>
  ) {
    unsafe plan.withStages {
      unsafe kk_stages_backward(
        $0, batch, state, outputGradient, gradient, inputGradient, scratch)
    }
  }

  func unpack(
    gradients: UnsafePointer<Float>, count: Int, into targets: [UnsafeMutablePointer<Float>?]
  ) {
    unsafe plan.withStages {
      unsafe kk_stages_unpack_gradient($0, gradients, count, targets)
    }
  }
}
