// The propagating decoder, and its rollouts in plain tensor operations: the oracle of the fused
// kernel, and the path for GPUs, several middle layers and hidden sizes that the kernel does not
// take.
//
// One step: a₁ = relu(K_in * ŷ + b_in), a₂ = relu(K_mid * a₁ + b_mid), f = K_out * a₂ + b_out
// [+ K_lin * ŷ], ŷ' = ŷ + λ tanh(scale·f/λ) [+ noise] (Lu, Kim and Soljacic 2020, section II).
import KymoNN
public import KymoNumerics
package import KymoTensor

/// Where a rollout's halo comes from: the cells around a block that one step reads beside its own.
public enum Halo: Sendable, Hashable, CaseIterable {
  /// From ground truth: every frame of the recording brings its own (training, and open ends).
  case groundTruth
  /// From a periodic boundary condition: the other end.
  case periodic
  /// From that of walls half a cell outside, where `u = 0`: the odd mirror image.
  case wall

  /// What the boundary conditions say, or ground truth where they say nothing of use.
  public init(_ boundary: [Grid.Ends]) {
    self =
      boundary.allSatisfy { $0 == .periodic }
      ? .periodic : boundary.allSatisfy { $0 == .wall } ? .wall : .groundTruth
  }
}

/// Rollouts under given kernels, by the fused kernel where it is wanted and takes the layout.
struct PropagatingDecoder {
  let layout: KernelLayout
  /// Factor on the increment inside tanh.
  let scale: Double
  /// λ of the bounded increment, one entry.
  let lambda: Tensor
  private let isFused: Bool

  init(_ layout: KernelLayout, scale: Double, lambda: Tensor, path: ComputePath) {
    (self.layout, self.scale, self.lambda) = (layout, scale, lambda)
    isFused = path == .fused && FusedRollout.supports(layout)
  }

  /// Predicted frames `[B, C, steps, cells…]`; arguments as of ``PlainRollout/predict``.
  func predict(kernels: Tensor, truth: Tensor, steps: Int, halo: Halo) -> Tensor {
    isFused
      ? FusedRollout.predict(
        kernels: kernels, lambda: lambda.item, layout: layout, scale: scale, truth: truth,
        steps: steps, halo: halo)
      : PlainRollout.predict(
        kernels: kernels, lambda: lambda, layout: layout, scale: scale, truth: truth, steps: steps,
        halo: halo)
  }

  /// The weighted squared error of each training rollout; arguments as of ``FusedRollout/errors``.
  func errors(
    kernels: Tensor, truth: Tensor, weights: [Float], halo: Halo, noise: Tensor?
  ) -> Tensor {
    isFused
      ? FusedRollout.errors(
        kernels: kernels, lambda: lambda, layout: layout, scale: scale, truth: truth,
        weights: weights, halo: halo, noise: noise)
      : PlainRollout.errors(
        kernels: kernels, lambda: lambda, layout: layout, scale: scale,
        truth: truth.to(lambda.device), weights: weights, halo: halo, noise: noise)
  }
}

/// Rollouts in one or two space dimensions by tensor operations.
package enum PlainRollout {
  /// Predicts frames from the first one.
  ///
  /// `kernels` is `[B, layout.count]`, `lambda` has one entry; `truth` is `[B, C, frames, X…]`,
  /// where for `.groundTruth` X counts the halo and frames ≥ steps; `noise` is `[B, C, steps,
  /// cells…]`, added after each step. The result is `[B, C, steps, cells…]`.
  static func predict(
    kernels: Tensor, lambda: Tensor, layout: KernelLayout, scale: Double, truth: Tensor, steps: Int,
    halo: Halo, noise: Tensor? = nil
  ) -> Tensor {
    let pieces = split(kernels, layout)
    var state = truth.selected(axis: 2, index: 0)
    if halo == .groundTruth { state = inner(state, cut: layout.halo) }
    var frames: [Tensor] = []
    for step in 0..<steps {
      let padded = pad(state, truth: truth, step: step, width: layout.halo, halo: halo)
      var hidden = padded
      var rest = pieces[...]
      while rest.count > (layout.linearWidth > 0 ? 3 : 2) {
        hidden = convolve(hidden, rest.removeFirst(), bias: rest.removeFirst()).relu()
      }
      var increment = convolve(hidden, rest.removeFirst(), bias: rest.removeFirst())
      if let linear = rest.first {
        let part = inner(padded, cut: layout.halo - layout.linearWidth / 2)
        increment = increment + convolve(part, linear, bias: nil, width: layout.linearWidth)
      }
      state = state + lambda * (increment * scale / lambda).tanh()
      if let noise { state = state + noise.selected(axis: 2, index: step) }
      frames.append(state)
    }
    return Tensor.stacked(frames, axis: 2)
  }

  /// The weighted squared error of each training rollout; arguments as of ``FusedRollout/errors``.
  package static func errors(
    kernels: Tensor, lambda: Tensor, layout: KernelLayout, scale: Double, truth: Tensor,
    weights: [Float], halo: Halo, noise: Tensor? = nil
  ) -> Tensor {
    let steps = weights.count
    let predicted = predict(
      kernels: kernels, lambda: lambda, layout: layout, scale: scale, truth: truth, steps: steps,
      halo: halo, noise: noise.map { $0.transposed(1, 2) })
    var target = truth.sliced(axis: 2, from: 1, to: steps + 1)
    if halo == .groundTruth { target = inner(target, cut: layout.halo, firstAxis: 3) }
    let ones = [Int](repeating: 1, count: layout.spaceAxes)
    let weight = Tensor(doubles: weights.map(Double.init), shape: [1, 1, steps] + ones)
      .cast(to: truth.dtype).to(truth.device)
    let errors = (predicted - target).square() * weight
    return errors.sum(axes: Array(1..<errors.shape.count))
  }

  /// What remains when `cut` cells go on both sides of every axis from `firstAxis` on.
  static func inner(_ field: Tensor, cut: Int, firstAxis: Int = 2) -> Tensor {
    (firstAxis..<field.shape.count).reduce(field) {
      $0.sliced(axis: $1, from: cut, to: $0.shape[$1] - cut)
    }
  }

  /// The state `[B, C, cells…]` with its halo, one axis after the other, so that corners are filled
  /// from what is beside them.
  private static func pad(
    _ state: Tensor, truth: Tensor, step: Int, width: Int, halo: Halo
  ) -> Tensor {
    var padded = state
    for axis in 2..<state.shape.count {
      let cells = padded.shape[axis]
      let left: Tensor
      let right: Tensor
      switch halo {
      case .groundTruth:
        // Axes before this one are padded already, those behind it not yet.
        let frame = inner(
          truth.selected(axis: 2, index: step), cut: width, firstAxis: axis + 1)
        left = frame.sliced(axis: axis, from: 0, to: width)
        right = frame.sliced(axis: axis, from: width + cells, to: 2 * width + cells)
      case .periodic:
        left = padded.sliced(axis: axis, from: cells - width, to: cells)
        right = padded.sliced(axis: axis, from: 0, to: width)
      case .wall:
        left = -padded.sliced(axis: axis, from: 0, to: width).flipped([axis])
        right = -padded.sliced(axis: axis, from: cells - width, to: cells).flipped([axis])
      }
      padded = Tensor.concatenated([left, padded, right], axis: axis)
    }
    return padded
  }

  /// The kernel vectors cut into pieces `[B, shape…]`.
  private static func split(_ kernels: Tensor, _ layout: KernelLayout) -> [Tensor] {
    var offset = 0
    return layout.pieces.map { piece in
      defer { offset += piece.count }
      return kernels.sliced(axis: 1, from: offset, to: offset + piece.count)
        .reshaped([kernels.shape[0]] + piece.shape)
    }
  }

  /// A valid cross-correlation with kernels `[B, taps, in, out]` of each recording's own, `width`
  /// taps along every axis.
  ///
  /// Written as one batched matrix product: rows are `[tap, in]` neighbourhoods of each cell.
  private static func convolve(
    _ input: Tensor, _ kernel: Tensor, bias: Tensor?, width: Int = KernelLayout.width
  ) -> Tensor {
    let (batch, taps, incoming, outgoing) = (
      kernel.shape[0], kernel.shape[1], kernel.shape[2], kernel.shape[3]
    )
    let cells = input.shape.dropFirst(2).map { $0 - width + 1 }
    var shifted = [input]
    for axis in cells.indices {
      shifted = shifted.flatMap { field in
        (0..<width).map { field.sliced(axis: 2 + axis, from: $0, to: $0 + cells[axis]) }
      }
    }
    let neighbours = Tensor.concatenated(shifted, axis: 1)
      .reshaped([batch, taps * incoming, cells.reduce(1, *)])
    let rows = kernel.reshaped([batch, taps * incoming, outgoing]).transposed(1, 2)
    var result = rows.matmul(neighbours)
    if let bias { result = result + bias.unsqueezed(2) }
    return result.reshaped([batch, outgoing] + cells)
  }
}
