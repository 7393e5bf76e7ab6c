// The fused rollout kernel behind checked doors: forward for many recordings, and the training loss
// with its gradient as one node of the graph.
import CKernels
import KymoTensor

/// Rollouts by the fused kernel, one recording on one thread.
enum FusedRollout {
  /// Whether the kernel takes this layout on this device; otherwise use ``PlainRollout``.
  static func supports(_ layout: KernelLayout, device: Device) -> Bool {
    device == .cpu && layout.middleLayers == 1 && layout.hidden % 16 == 0 && layout.channels <= 2
  }

  /// Predicts frames from the first one; arguments as of ``PlainRollout/predict``.
  static func predict(
    kernels: Tensor, lambda: Double, layout: KernelLayout, scale: Double, truth: Tensor, steps: Int,
    border: RolloutBorder
  ) -> Tensor {
    var plan = plan(layout, scale: scale, truth: truth, steps: steps, border: border)
    let batch = truth.shape[0]
    let stride = Stride(truth, layout)
    let states = Tensor.zeros([batch, layout.channels, steps, Int(plan.cells)])
    let arguments = [kernels.detached().contiguous(), truth.contiguous(), states]
    // In bounds: `plan` checked the shapes; each recording reads and writes its own part.
    unsafe Tensor.withUnsafeMutablePointers(to: arguments, of: Float.self) { at in
      unsafe withScratch(&plan, gradient: false) { plan, scratch in
        torchParallelFor(batch) { item, worker in
          unsafe kk_rollout_forward(
            plan, at[0] + item * stride.kernels, Float(lambda), at[1] + item * stride.truth,
            stride.channel, nil, at[2] + item * layout.channels * steps * Int(plan.pointee.cells),
            scratch(worker))
        }
      }
    }
    return states
  }

  /// The weighted squared error of training rollouts: the sum over batch, channels, steps and cells
  /// of `weights[t]·(ŷ − y)²`, differentiable in kernels and λ.
  ///
  /// `truth` is `[B, C, steps + 1, X]`: the first frame is given, the others are the target. `noise`
  /// is `[B, steps, C, cells]`, added after each step.
  static func loss(
    kernels: Tensor, lambda: Tensor, layout: KernelLayout, scale: Double, truth: Tensor,
    weights: [Float], border: RolloutBorder, noise: Tensor? = nil
  ) -> Tensor {
    let steps = weights.count
    var plan = plan(layout, scale: scale, truth: truth, steps: steps + 1, border: border)
    plan.steps = Int32(steps)
    let (batch, stride) = (truth.shape[0], Stride(truth, layout))
    let noiseStride = steps * layout.channels * Int(plan.cells)
    let lambdaValue = Float(lambda.item)
    let gradients = Tensor.zeros([batch, layout.count])
    let lambdaGradients = Tensor.zeros([batch])
    let weightTensor = Tensor(weights, shape: [steps])
    var errors = [Double](repeating: 0, count: batch)
    var arguments = [
      kernels.detached().contiguous(), truth.contiguous(), weightTensor, gradients, lambdaGradients,
    ]
    if let noise { arguments.append(noise.contiguous()) }
    // In bounds: as above; gradients have one row for each recording.
    unsafe Tensor.withUnsafeMutablePointers(to: arguments, of: Float.self) { at in
      unsafe errors.withUnsafeMutableBufferPointer { errors in
        unsafe withScratch(&plan, gradient: true) { plan, scratch in
          torchParallelFor(batch) { item, worker in
            unsafe errors[item] = unsafe kk_rollout_gradient(
              plan, at[0] + item * stride.kernels, lambdaValue, at[1] + item * stride.truth,
              stride.channel, at.count > 5 ? at[5] + item * noiseStride : nil, at[2],
              at[3] + item * stride.kernels, at[4] + item, nil, scratch(worker))
          }
        }
      }
    }
    let total = Tensor(errors.reduce(0, +))
    let lambdaShape = lambda.shape
    return Tensor.custom("rollout", inputs: [kernels, lambda], outputs: [total]) { upstream in
      guard let factor = upstream[0] else { return [nil, nil] }
      return [gradients * factor, (lambdaGradients.sum() * factor).reshaped(lambdaShape)]
    }[0]
  }

  /// Distances in floats between recordings and channels.
  private struct Stride {
    let kernels: Int
    let truth: Int
    let channel: Int
    init(_ truth: Tensor, _ layout: KernelLayout) {
      kernels = layout.count
      self.truth = truth.shape.dropFirst().reduce(1, *)
      channel = truth.shape.dropFirst(2).reduce(1, *)
    }
  }

  private static func plan(
    _ layout: KernelLayout, scale: Double, truth: Tensor, steps: Int, border: RolloutBorder
  ) -> kk_rollout {
    let shape = truth.shape
    precondition(
      shape.count == 4 && shape[1] == layout.channels
        && (border == .truth ? shape[2] >= steps : shape[2] >= 1),
      "FusedRollout: truth of shape \(shape) for \(layout.channels) channels and \(steps) steps")
    let cells = border == .truth ? shape[3] - 2 * PlainRollout.border(layout) : shape[3]
    precondition(cells >= 6, "FusedRollout: \(cells) cells are fewer than the border of 6")
    let kind =
      switch border {
      case .truth: KK_BORDER_TRUTH
      case .periodic: KK_BORDER_PERIODIC
      case .dirichlet: KK_BORDER_ODD
      }
    return kk_rollout(
      steps: Int32(steps), cells: Int32(cells), channels: Int32(layout.channels),
      hidden: Int32(layout.hidden), linear_width: Int32(layout.linearWidth), border: kind,
      scale: Float(scale))
  }

  /// Calls `body` with the plan's address and each worker's own scratch memory.
  private static func withScratch(
    _ plan: inout kk_rollout, gradient: Bool,
    _ body: (UnsafePointer<kk_rollout>, (_ worker: Int) -> UnsafeMutablePointer<Float>) -> Void
  ) {
    unsafe withUnsafePointer(to: &plan) { plan in
      let count = unsafe kk_rollout_scratch_count(plan, gradient ? 1 : 0)
      let memory = KernelMemory(threadCount, length: count)
      unsafe body(plan) { unsafe memory[$0] }
    }
  }
}
