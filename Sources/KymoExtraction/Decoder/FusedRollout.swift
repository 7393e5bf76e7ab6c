// The fused rollout kernels with checked arguments: forward for many recordings, and the training
// loss with its gradient as one node of the graph.
import CKernels
import KymoNumerics
package import KymoTensor

/// Rollouts by the fused kernels of one and two dimensions, one recording on one thread.
package enum FusedRollout {
  /// Whether a kernel takes this layout.
  static func supports(_ layout: KernelLayout) -> Bool {
    layout.middleLayers == 1 && layout.hidden % 16 == 0 && layout.channels <= 2
  }

  /// Predicts frames from the first one; arguments as of ``PlainRollout/predict``.
  static func predict(
    kernels: Tensor, lambda: Double, layout: KernelLayout, scale: Double, truth: Tensor, steps: Int,
    halo: Halo
  ) -> Tensor {
    let plan = Plan(
      layout, scale: scale, truth: truth, frames: steps, steps: steps, halo: halo)
    let batch = truth.shape[0]
    let stride = Stride(truth, layout)
    let states = Tensor.zeros([batch, layout.channels, steps] + plan.cells)
    let statesStride = layout.channels * steps * plan.cells.reduce(1, *)
    let arguments = [kernels.detached().contiguous(), truth.contiguous(), states]
    // In bounds: `Plan` checked the shapes; each recording reads and writes its own part.
    unsafe Tensor.withUnsafeMutablePointers(to: arguments, of: Float.self) { at in
      unsafe withScratch(plan, gradient: false) { scratch in
        torchParallelFor(batch) { item, worker in
          unsafe plan.forward(
            kernels: at[0] + item * stride.kernels, lambda: Float(lambda),
            truth: at[1] + item * stride.truth, channelStride: stride.channel,
            states: at[2] + item * statesStride, scratch: scratch(worker))
        }
      }
    }
    return states
  }

  /// The weighted squared error of each training rollout, `[B]`: the sum over channels, steps and
  /// cells of `weights[t]·(ŷ − y)²`, differentiable in kernels and λ.
  ///
  /// `truth` is `[B, C, steps + 1, X…]`: the first frame is given, the others are the target.
  /// `noise` is `[B, steps, C, cells…]`, added after each step.
  package static func errors(
    kernels: Tensor, lambda: Tensor, layout: KernelLayout, scale: Double, truth: Tensor,
    weights: [Float], halo: Halo, noise: Tensor? = nil
  ) -> Tensor {
    let steps = weights.count
    let plan = Plan(
      layout, scale: scale, truth: truth, frames: steps + 1, steps: steps, halo: halo)
    let (batch, stride) = (truth.shape[0], Stride(truth, layout))
    let noiseStride = steps * layout.channels * plan.cells.reduce(1, *)
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
        unsafe withScratch(plan, gradient: true) { scratch in
          torchParallelFor(batch) { item, worker in
            unsafe errors[item] = unsafe plan.gradient(
              kernels: at[0] + item * stride.kernels, lambda: lambdaValue,
              truth: at[1] + item * stride.truth, channelStride: stride.channel,
              noise: at.count > 5 ? at[5] + item * noiseStride : nil, weights: at[2],
              gradient: at[3] + item * stride.kernels, lambdaGradient: at[4] + item,
              scratch: scratch(worker))
          }
        }
      }
    }
    let values = Tensor(errors.map(Float.init), shape: [batch])
    let lambdaShape = lambda.shape
    return Tensor.custom("rollout", inputs: [kernels, lambda], outputs: [values]) { upstream in
      guard let factors = upstream[0] else { return [nil, nil] }
      return [
        gradients * factors.reshaped([batch, 1]),
        (lambdaGradients * factors).sum().reshaped(lambdaShape),
      ]
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

  /// Calls `body` with each worker's own scratch memory.
  private static func withScratch(
    _ plan: Plan, gradient: Bool, _ body: ((_ worker: Int) -> UnsafeMutablePointer<Float>) -> Void
  ) {
    let memory = KernelMemory(threadCount, length: plan.scratchCount(gradient: gradient))
    unsafe body { unsafe memory[$0] }
  }
}

/// What the kernel of a line or of a plane is to do.
private enum Plan {
  case line(kk_rollout)
  case plane(kk_plane_rollout)

  /// Checks shapes; `frames` of the truth are read when it is the halo.
  init(
    _ layout: KernelLayout, scale: Double, truth: Tensor, frames: Int, steps: Int,
    halo: Halo
  ) {
    let shape = truth.shape
    precondition(
      shape.count == 3 + layout.spaceAxes && shape[1] == layout.channels
        && (halo == .groundTruth ? shape[2] >= frames : shape[2] >= 1),
      "FusedRollout: truth of shape \(shape) for \(layout.channels) channels and \(steps) steps")
    let cells = shape.dropFirst(3).map { halo == .groundTruth ? $0 - 2 * layout.halo : $0 }
    precondition(
      cells.allSatisfy { $0 >= layout.halo },
      "FusedRollout: \(cells) cells are fewer than the halo of \(layout.halo)")
    let kind =
      switch halo {
      case .groundTruth: KK_HALO_TRUTH
      case .periodic: KK_HALO_PERIODIC
      case .wall: KK_HALO_WALL
      }
    let sizes = cells.map(Int32.init)
    if sizes.count == 1 {
      self = .line(
        kk_rollout(
          steps: Int32(steps), cells: sizes[0], channels: Int32(layout.channels),
          hidden: Int32(layout.hidden), linear_width: Int32(layout.linearWidth), halo: kind,
          scale: Float(scale)))
    } else {
      self = .plane(
        kk_plane_rollout(
          steps: Int32(steps), rows: sizes[0], columns: sizes[1],
          channels: Int32(layout.channels), hidden: Int32(layout.hidden),
          linear_width: Int32(layout.linearWidth), halo: kind, scale: Float(scale)))
    }
  }

  /// Cells of the state along every space axis.
  var cells: [Int] {
    switch self {
    case .line(let plan): [Int(plan.cells)]
    case .plane(let plan): [Int(plan.rows), Int(plan.columns)]
    }
  }

  func scratchCount(gradient: Bool) -> Int {
    switch self {
    case .line(let plan):
      unsafe withUnsafePointer(to: plan) { unsafe kk_rollout_scratch_count($0, gradient ? 1 : 0) }
    case .plane(let plan):
      unsafe withUnsafePointer(to: plan) {
        unsafe kk_plane_rollout_scratch_count($0, gradient ? 1 : 0)
      }
    }
  }

  func forward(
    kernels: UnsafePointer<Float>, lambda: Float, truth: UnsafePointer<Float>, channelStride: Int,
    states: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) {
    switch self {
    case .line(let plan):
      unsafe withUnsafePointer(to: plan) {
        unsafe kk_rollout_forward(
          $0, kernels, lambda, truth, channelStride, nil, states, scratch)
      }
    case .plane(let plan):
      unsafe withUnsafePointer(to: plan) {
        unsafe kk_plane_rollout_forward(
          $0, kernels, lambda, truth, channelStride, nil, states, scratch)
      }
    }
  }

  func gradient(
    kernels: UnsafePointer<Float>, lambda: Float, truth: UnsafePointer<Float>, channelStride: Int,
    noise: UnsafePointer<Float>?, weights: UnsafePointer<Float>,
    gradient: UnsafeMutablePointer<Float>, lambdaGradient: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) -> Double {
    switch self {
    case .line(let plan):
      unsafe withUnsafePointer(to: plan) {
        unsafe kk_rollout_gradient(
          $0, kernels, lambda, truth, channelStride, noise, weights, gradient, lambdaGradient, nil,
          scratch)
      }
    case .plane(let plan):
      unsafe withUnsafePointer(to: plan) {
        unsafe kk_plane_rollout_gradient(
          $0, kernels, lambda, truth, channelStride, noise, weights, gradient, lambdaGradient, nil,
          scratch)
      }
    }
  }
}
