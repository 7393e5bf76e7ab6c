// The fused encoder kernel with checked arguments: all recordings of a batch as one node of the
// graph, each on one thread.
import CKernels
import Foundation
import KymoNumerics
import KymoTensor

/// The dynamics encoder for one axis of space by the fused kernel.
enum FusedEncoder {
  /// The distribution of the latents; as ``DynamicsEncoder/encode(_:lattice:kept:)``.
  static func encode(
    _ encoder: DynamicsEncoder, _ input: Tensor, lattice: EncoderLattice
  ) -> LatentDistribution {
    let parameters = encoder.namedParameters.map(\.tensor)
    let input = input.detached().contiguous()
    let plan = plan(encoder, input, lattice: lattice)
    let packed = pack(parameters, plan)
    let batch = input.shape[0]
    let latents = Int(plan.latents)
    let outputs = [Tensor.empty([batch, latents]), Tensor.empty([batch, latents])]
    let isTraining = recordsGradients && parameters.contains { $0.requiresGradient }
    // Without a way back every worker needs only its own maps.
    let states = unsafe withUnsafePointer(to: plan) {
      KernelMemory(
        isTraining ? batch : threadCount, length: unsafe kk_encoder_state_count($0))
    }
    // In bounds: `plan` has the input's shape, and each recording reads and writes its own part.
    unsafe run([input] + outputs, plan) { plan, at, scratch in
      let length = input.shape.dropFirst().reduce(1, *)
      torchParallelFor(batch) { item, worker in
        unsafe kk_encoder_forward(
          plan, packed[0], at[0] + item * length, states[isTraining ? item : worker],
          at[1] + item * latents, at[2] + item * latents, scratch[worker])
      }
    }
    guard isTraining else {
      return LatentDistribution(mean: outputs[0], logVariance: outputs[1])
    }
    let results = Tensor.custom("encoder", inputs: parameters, outputs: outputs) { upstream in
      let given = upstream.map { $0?.contiguous() ?? Tensor.zeros([batch, latents]) }
      return gradients(given, shapes: parameters.map(\.shape), input, plan, packed, states)
    }
    return LatentDistribution(mean: results[0], logVariance: results[1])
  }

  /// Recordings are summed in at most this many parts, whatever the number of threads, so that the
  /// result does not depend on it.
  private static let parts = 16

  /// Gradients of all parameters from those of mean and log-variance.
  private static func gradients(
    _ given: [Tensor], shapes: [[Int]], _ input: Tensor, _ plan: kk_encoder, _ packed: KernelMemory,
    _ states: KernelMemory
  ) -> [Tensor] {
    let result = shapes.map { Tensor.empty($0) }
    let (batch, latents) = (input.shape[0], Int(plan.latents))
    let length = input.shape.dropFirst().reduce(1, *)
    let parts = min(batch, FusedEncoder.parts)
    // In bounds: as above; every part has a gradient of its own.
    unsafe run([input] + given + result, plan) { plan, at, scratch in
      let count = unsafe kk_encoder_gradient_count(plan)
      let sums = KernelMemory(1, length: parts * count)
      torchParallelFor(parts) { part, worker in
        let sum = unsafe sums[0] + part * count
        unsafe sum.update(repeating: 0, count: count)
        for item in part * batch / parts..<(part + 1) * batch / parts {
          unsafe kk_encoder_backward(
            plan, packed[0], at[0] + item * length, states[item], at[1] + item * latents,
            at[2] + item * latents, sum, scratch[worker])
        }
      }
      let targets = unsafe at.dropFirst(3).map(Optional.some)
      withExtendedLifetime(sums) {
        unsafe kk_encoder_unpack_gradient(plan, sums[0], parts, targets)
      }
    }
    return result
  }

  private static func plan(
    _ encoder: DynamicsEncoder, _ input: Tensor, lattice: EncoderLattice
  ) -> kk_encoder {
    let shape = input.shape
    let channels = encoder.layers[0].weight.shape[1]
    precondition(
      shape.count == 4 && shape[1] == channels && shape[2] > DynamicsEncoder.shrinkage
        && shape[3] > DynamicsEncoder.shrinkage,
      "FusedEncoder: input of shape \(shape) for \(channels) channels")
    var plan = kk_encoder(
      channels: Int32(channels), latents: Int32(encoder.meanHead.bias.count),
      frames: Int32(shape[2]), cells: Int32(shape[3]), spacing: Int32(lattice.rawValue),
      log_independent: 0)
    let positions = unsafe kk_encoder_positions(&plan)
    plan.log_independent = Float(
      log(
        DynamicsEncoder.independentPositions(
          inputShape: Array(shape.dropFirst(2)), evaluated: positions)))
    return plan
  }

  /// The parameters in the kernel's order.
  private static func pack(_ parameters: [Tensor], _ plan: kk_encoder) -> KernelMemory {
    unsafe withUnsafePointer(to: plan) { plan in
      let packed = KernelMemory(1, length: unsafe kk_encoder_packed_count(plan))
      let sources = parameters.map { $0.detached().contiguous() }
      // In bounds: the shapes are those of `DynamicsEncoder`, which `plan` describes.
      unsafe Tensor.withUnsafeMutablePointers(to: sources, of: Float.self) { at in
        let sources = unsafe at.map { unsafe Optional(UnsafePointer($0)) }
        unsafe kk_encoder_pack(plan, sources, packed[0])
      }
      return packed
    }
  }

  /// Calls `body` with the plan's and the tensors' addresses and scratch for each worker.
  private static func run(
    _ tensors: [Tensor], _ plan: kk_encoder,
    _ body: (UnsafePointer<kk_encoder>, [UnsafeMutablePointer<Float>], KernelMemory) -> Void
  ) {
    unsafe withUnsafePointer(to: plan) { plan in
      let scratch = KernelMemory(threadCount, length: unsafe kk_encoder_scratch_count(plan))
      unsafe Tensor.withUnsafeMutablePointers(to: tensors, of: Float.self) { at in
        unsafe body(plan, at, scratch)
      }
    }
  }
}
