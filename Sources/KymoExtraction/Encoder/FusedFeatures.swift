// The fused convolutions with checked arguments: features of a batch with their gradient as one
// node of the graph, one recording on one thread.
import CKernels
import KymoTensor

/// The encoder's convolutions by the fused kernel, in one or two space axes; pooling is not in it.
enum FusedFeatures {
  /// Whether the kernel is faster than libtorch: not without wide vectors, and not for fewer
  /// recordings than threads, some of which would be idle.
  static func isFaster(recordings: Int) -> Bool {
    recordings >= threadCount && kk_processor_level() != KK_LEVEL_PORTABLE
  }

  /// Features at every lattice position, `[B, positions, H]`, differentiable in the layers' weights
  /// and biases (not in the input).
  static func features(
    _ input: Tensor, layers: [(weight: Tensor, bias: Tensor)], lattice: EncoderLattice
  ) -> Tensor {
    let kernel = Kernel(input: input, layers: layers, lattice: lattice)
    let batch = input.shape[0]
    // Channels last: a view where there is one channel.
    let series = input.permuted([0] + Array(2..<input.shape.count) + [1]).contiguous()
    let packed = kernel.pack(layers)
    let recording = series.shape.dropFirst().reduce(1, *)
    let inputs = layers.flatMap { [$0.weight, $0.bias] }
    let isTraining = recordsGradients && inputs.contains { $0.requiresGradient }
    // Without a way back every worker needs only its own maps.
    let maps = Tensor.empty([isTraining ? batch : threadCount, kernel.mapCount])
    let features = Tensor.empty([batch, kernel.positions, kernel.features])
    let featureCount = kernel.positions * kernel.features
    unsafe Tensor.withUnsafeMutablePointers(
      to: [series, packed, maps, features], of: Float.self
    ) { at in
      torchParallelFor(batch) { item, worker in
        unsafe kernel.withPlan { plan in
          guard
            let last = unsafe kk_lattice_forward(
              plan, at[1], at[0] + item * recording,
              at[2] + (isTraining ? item : worker) * kernel.mapCount)
          else { return }
          unsafe (at[3] + item * featureCount).update(from: last, count: featureCount)
        }
      }
    }
    guard isTraining else { return features }
    return Tensor.custom("encoder", inputs: inputs, outputs: [features]) { upstream in
      guard let upstream = upstream[0] else { return inputs.map { _ in nil } }
      // Sums of a fixed number of groups, so that the result does not depend on who works on what.
      let groups = min(batch, 16)
      let sums = Tensor.zeros([groups, kernel.gradientCount])
      let scratch = Tensor.zeros([threadCount, kernel.scratchCount])
      let arguments = [series, packed, maps, upstream.detached().contiguous(), sums, scratch]
      unsafe Tensor.withUnsafeMutablePointers(to: arguments, of: Float.self) { at in
        torchParallelFor(groups) { group, worker in
          for item in stride(from: group, to: batch, by: groups) {
            unsafe kernel.withPlan { plan in
              unsafe kk_lattice_backward(
                plan, at[1], at[0] + item * recording, at[2] + item * kernel.mapCount,
                at[3] + item * featureCount, at[4] + group * kernel.gradientCount,
                at[5] + worker * kernel.scratchCount)
            }
          }
        }
      }
      return kernel.unpack(sums.sum(axes: [0]), like: inputs)
    }[0]
  }
}

/// Sizes of one call.
private struct Kernel {
  private let plan: kk_lattice
  let positions: Int
  let features: Int
  let mapCount: Int
  let gradientCount: Int
  let scratchCount: Int
  private let packedCount: Int

  init(input: Tensor, layers: [(weight: Tensor, bias: Tensor)], lattice: EncoderLattice) {
    let size = Array(input.shape.dropFirst(2))
    precondition(
      layers.count == 4 && (2...3).contains(size.count)
        && size.allSatisfy { $0 > DynamicsEncoder.shrinkage }
        && layers[0].weight.shape[1] == input.shape[1],
      "FusedFeatures: input of shape \(input.shape)")
    var plan = kk_lattice()
    plan.axes = Int32(size.count)
    let lengths = (size + [1]).map(Int32.init)
    plan.size = (lengths[0], lengths[1], lengths[2])
    let widths = ([input.shape[1]] + layers.map(\.bias.count)).map(Int32.init)
    plan.channels = (widths[0], widths[1], widths[2], widths[3], widths[4])
    let (strides, dilations) = (lattice.strides.map(Int32.init), lattice.dilations.map(Int32.init))
    plan.strides = (strides[0], strides[1], strides[2], strides[3])
    plan.dilations = (dilations[0], dilations[1], dilations[2], dilations[3])
    let spacing = lattice.rawValue
    positions = size.reduce(1) {
      $0 * (($1 - DynamicsEncoder.shrinkage + spacing - 1) / spacing)
    }
    features = layers[3].bias.count
    (packedCount, mapCount, gradientCount, scratchCount) = unsafe withUnsafePointer(to: plan) {
      unsafe (
        kk_lattice_packed_count($0), kk_lattice_map_count($0), kk_lattice_gradient_count($0),
        kk_lattice_scratch_count($0)
      )
    }
    self.plan = plan
  }

  func withPlan(_ body: (UnsafePointer<kk_lattice>) -> Void) {
    unsafe withUnsafePointer(to: plan) { unsafe body($0) }
  }

  func pack(_ layers: [(weight: Tensor, bias: Tensor)]) -> Tensor {
    let packed = Tensor.empty([packedCount])
    for (index, layer) in layers.enumerated() {
      let arguments = [
        layer.weight.detached().contiguous(), layer.bias.detached().contiguous(), packed,
      ]
      unsafe Tensor.withUnsafeMutablePointers(to: arguments, of: Float.self) { at in
        unsafe withPlan { unsafe kk_lattice_pack($0, Int32(index), at[0], at[1], at[2]) }
      }
    }
    return packed
  }

  /// Gradients of weights and biases, of their shapes.
  func unpack(_ sums: Tensor, like inputs: [Tensor]) -> [Tensor] {
    let gradients = inputs.map { Tensor.empty($0.shape) }
    for index in 0..<inputs.count / 2 {
      let arguments = [sums, gradients[2 * index], gradients[2 * index + 1]]
      unsafe Tensor.withUnsafeMutablePointers(to: arguments, of: Float.self) { at in
        unsafe withPlan { unsafe kk_lattice_unpack($0, Int32(index), at[0], at[1], at[2]) }
      }
    }
    return gradients
  }
}
