// The propagating decoder in plain tensor operations: the oracle of the fused kernel, and the path for
// GPUs, several middle layers and hidden sizes that the kernel does not take.
//
// One step: a₁ = relu(K_in * ŷ + b_in), a₂ = relu(K_mid * a₁ + b_mid), f = K_out * a₂ + b_out
// [+ K_lin * ŷ], ŷ' = ŷ + λ tanh(scale·f/λ) [+ noise] (Lu, Kim and Soljacic 2020, section II).
import KymoTensor

/// What lies beyond the last cell of a rollout.
public enum RolloutBorder: Int, Sendable, Hashable, Codable {
  /// The recording itself: every frame brings its own border (training, and non-periodic data).
  case truth = 0
  /// The other end.
  case periodic = 1
  /// `u = 0` at walls half a cell outside: the odd mirror image.
  case dirichlet = 2
}

/// Rollouts in one space dimension by tensor operations.
enum PlainRollout {
  /// Cells of border on each side: two for each of the layers.
  static func border(_ layout: KernelLayout) -> Int { 2 * (2 + layout.middleLayers) }

  /// Predicts frames from the first one.
  ///
  /// `kernels` is `[B, layout.count]`, `lambda` has one entry; `truth` is `[B, C, frames, X]`, where
  /// for `.truth` X counts the border and frames ≥ steps; `noise` is `[B, C, steps, cells]`, added
  /// after each step. The result is `[B, C, steps, cells]`.
  static func predict(
    kernels: Tensor, lambda: Tensor, layout: KernelLayout, scale: Double, truth: Tensor, steps: Int,
    border: RolloutBorder, noise: Tensor? = nil
  ) -> Tensor {
    let width = Self.border(layout)
    let pieces = split(kernels, layout)
    let full = truth.shape[3]
    var state = truth.selected(axis: 2, index: 0)
    if border == .truth { state = state.sliced(axis: 2, from: width, to: full - width) }
    var frames: [Tensor] = []
    for step in 0..<steps {
      let padded = pad(state, truth: truth, step: step, width: width, border: border)
      var hidden = padded
      var rest = pieces[...]
      while rest.count > (layout.linearWidth > 0 ? 3 : 2) {
        hidden = convolve(hidden, rest.removeFirst(), bias: rest.removeFirst()).relu()
      }
      var increment = convolve(hidden, rest.removeFirst(), bias: rest.removeFirst())
      if let linear = rest.first {
        let inset = width - layout.linearWidth / 2
        let inner = padded.sliced(axis: 2, from: inset, to: padded.shape[2] - inset)
        increment = increment + convolve(inner, linear, bias: nil)
      }
      state = state + lambda * (increment * scale / lambda).tanh()
      if let noise { state = state + noise.selected(axis: 2, index: step) }
      frames.append(state)
    }
    return Tensor.stacked(frames, axis: 2)
  }

  /// The weighted squared error of training rollouts; arguments as of ``FusedRollout/loss``.
  static func loss(
    kernels: Tensor, lambda: Tensor, layout: KernelLayout, scale: Double, truth: Tensor,
    weights: [Float], border: RolloutBorder, noise: Tensor? = nil
  ) -> Tensor {
    let steps = weights.count
    let predicted = predict(
      kernels: kernels, lambda: lambda, layout: layout, scale: scale, truth: truth, steps: steps,
      border: border, noise: noise.map { $0.transposed(1, 2) })
    var target = truth.sliced(axis: 2, from: 1, to: steps + 1)
    if border == .truth {
      let width = Self.border(layout)
      target = target.sliced(axis: 3, from: width, to: truth.shape[3] - width)
    }
    let weight = Tensor(doubles: weights.map(Double.init), shape: [1, 1, steps, 1])
      .cast(to: truth.dtype).to(truth.device)
    return ((predicted - target).square() * weight).sum()
  }

  private static func pad(
    _ state: Tensor, truth: Tensor, step: Int, width: Int, border: RolloutBorder
  ) -> Tensor {
    let cells = state.shape[2]
    let left: Tensor
    let right: Tensor
    switch border {
    case .truth:
      let frame = truth.selected(axis: 2, index: step)
      left = frame.sliced(axis: 2, from: 0, to: width)
      right = frame.sliced(axis: 2, from: width + cells, to: 2 * width + cells)
    case .periodic:
      left = state.sliced(axis: 2, from: cells - width, to: cells)
      right = state.sliced(axis: 2, from: 0, to: width)
    case .dirichlet:
      left = -state.sliced(axis: 2, from: 0, to: width).flipped([2])
      right = -state.sliced(axis: 2, from: cells - width, to: cells).flipped([2])
    }
    return Tensor.concatenated([left, state, right], axis: 2)
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

  /// A valid cross-correlation with kernels `[B, tap, in, out]` of each recording's own.
  ///
  /// Written as one batched matrix product: rows are `[tap, in]` neighbourhoods of each cell.
  private static func convolve(_ input: Tensor, _ kernel: Tensor, bias: Tensor?) -> Tensor {
    let (batch, taps, incoming, outgoing) = (
      kernel.shape[0], kernel.shape[1], kernel.shape[2], kernel.shape[3]
    )
    let cells = input.shape[2] - taps + 1
    let neighbours = Tensor.concatenated(
      (0..<taps).map { input.sliced(axis: 2, from: $0, to: $0 + cells) }, axis: 1)
    let rows = kernel.reshaped([batch, taps * incoming, outgoing]).transposed(1, 2)
    let result = rows.matmul(neighbours)
    guard let bias else { return result }
    return result + bias.unsqueezed(2)
  }
}
