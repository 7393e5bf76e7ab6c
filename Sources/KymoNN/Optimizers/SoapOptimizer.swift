// SOAP (Vyas et al. 2024, arXiv:2409.11321, algorithm 3): Adam in the eigenbasis of Shampoo's
// preconditioner (Gupta, Koren and Singer 2018, arXiv:1802.09568). Per matrix of weights two more
// products and a factorisation now and then.
//
// Letters: G gradient, [m, n]; L and R second moments of its columns and rows; U and V their bases.
public import KymoTensor

/// Trains matrices of weights by Adam's steps in slowly turning bases.
///
/// With L ← β L + (1 − β) G Gᵀ and R ← β R + (1 − β) Gᵀ G, and with U and V their approximate
/// eigenvectors: M ← β₁ M + (1 − β₁) G, S ← β₂ S + (1 − β₂)(Uᵀ G V)² and θ ← θ − rate · U [ Uᵀ M V
/// / (1 − β₁ᵗ) / (√(S / (1 − β₂ᵗ)) + ε) ] Vᵀ. U and V are exact after the first gradient, largest
/// moments first, and then follow by one orthogonal iteration, U' R' = L U, every few steps. S goes
/// with them as variances whose covariances are not known: S ← (U'ᵀ U)² S (Vᵀ V')², squares entry
/// by entry. As the squares of a row sum to 1, no entry of [ ] exceeds Adam's by more than √(mn)
/// however the bases turn; with S left behind, the arbitrary bases of moments without full rank
/// made steps of any length.
///
/// Weights of more axes are matrices of their first axis by the others, vectors are matrices of one
/// column.
public final class SoapOptimizer: Optimizer {
  /// Settings that stay the same during training.
  public struct Settings: Hashable, Sendable {
    /// Decay of the mean of gradients.
    public var beta1 = 0.95
    /// Decay of the second moment in the bases.
    public var beta2 = 0.95
    /// Decay of L and R.
    public var basisDecay = 0.95
    /// Keeps the divisor from zero.
    public var epsilon = 1e-8
    /// Decoupled decay of weights; 0 for none.
    public var weightDecay = 0.0
    /// Steps between two orthogonal iterations.
    public var turningInterval = 10
    /// A side that is longer keeps its own axes.
    public var longestSide = 128

    /// The settings of its authors, but for `longestSide`, which they have at 10,000: products of
    /// longer sides cost more than they gain here.
    public init(weightDecay: Double = 0) { self.weightDecay = weightDecay }
  }

  /// The settings.
  public let settings: Settings
  /// How many steps were made.
  public private(set) var stepCount = 0

  /// One side of a matrix.
  private struct Side {
    let moment: Tensor
    let basis: Tensor
  }

  private struct Slot {
    let name: String
    let parameter: Tensor
    let mean: Tensor
    let second: Tensor
    let left: Side?
    let right: Side?
  }
  private let slots: [Slot]

  /// Prepares to train `parameters`, which are changed in place.
  public init(_ parameters: [NamedTensor], _ settings: Settings = Settings()) {
    self.settings = settings
    slots = parameters.map { name, tensor in
      let rows = max(1, tensor.shape.first ?? 1)
      let shape = [rows, tensor.count / rows]
      func zeros(_ shape: [Int]) -> Tensor {
        .zeros(shape, dtype: tensor.dtype, device: tensor.device)
      }
      func side(_ length: Int) -> Side? {
        guard length > 1, length <= settings.longestSide else { return nil }
        let axes = (0..<length * length).map { $0 % (length + 1) == 0 ? 1.0 : 0 }
        let basis = Tensor(doubles: axes, shape: [length, length])
        return Side(
          moment: zeros([length, length]),
          basis: basis.cast(to: tensor.dtype).to(tensor.device))
      }
      return Slot(
        name: name, parameter: tensor, mean: zeros(shape), second: zeros(shape),
        left: side(shape[0]), right: side(shape[1]))
    }
  }

  /// Moves every parameter that has a gradient.
  ///
  /// - Parameters:
  ///   - rate: The learning rate.
  ///   - gradientScale: Factor on all gradients, such as that of clipping.
  public func step(rate: Double, gradientScale: Double) {
    stepCount += 1
    withoutGradients {
      for slot in slots {
        guard let gradient = slot.parameter.gradient else { continue }
        let scaled = gradientScale == 1 ? gradient : gradient * gradientScale
        move(slot, scaled.reshaped(slot.mean.shape), rate)
      }
    }
  }

  private func move(_ slot: Slot, _ gradient: Tensor, _ rate: Double) {
    let (beta1, beta2) = (settings.beta1, settings.beta2)
    if let turn = follow(slot.left, gradient) {
      slot.second.copyInPlace(from: turn.square().matmul(slot.second))
    }
    if let turn = follow(slot.right, gradient.transposed(0, 1)) {
      slot.second.copyInPlace(from: slot.second.matmul(turn.transposed(0, 1).square()))
    }
    slot.mean.addInPlace(gradient - slot.mean, scale: 1 - beta1)
    slot.second.mulInPlace(beta2)
    slot.second.addInPlace(turned(gradient, slot).square(), scale: 1 - beta2)
    var root = slot.second.sqrt() * (1 / (1 - power(beta2, stepCount)).squareRoot())
    // What is that small beside the largest entry is what rounding left of products with bases.
    if root.count > 0, slot.left != nil || slot.right != nil {
      root = root + root.max() * (root.dtype == .float64 ? 0x1p-49 : 0x1p-20)
    }
    var direction = turned(slot.mean, slot) / (root + settings.epsilon)
    if let left = slot.left { direction = left.basis.matmul(direction) }
    if let right = slot.right { direction = direction.matmul(right.basis.transposed(0, 1)) }
    if settings.weightDecay != 0 {
      slot.parameter.mulInPlace(1 - rate * settings.weightDecay)
    }
    slot.parameter.addInPlace(
      direction.reshaped(slot.parameter.shape), scale: -rate / (1 - power(beta1, stepCount)))
  }

  /// Uᵀ X V.
  private func turned(_ matrix: Tensor, _ slot: Slot) -> Tensor {
    var result = matrix
    if let left = slot.left { result = left.basis.transposed(0, 1).matmul(result) }
    if let right = slot.right { result = result.matmul(right.basis) }
    return result
  }

  /// Takes a gradient, `[side, other]`, into a side's moment, and turns its basis when that is due.
  ///
  /// A moment that cannot be factored leaves the basis as it is: any basis will do.
  ///
  /// - Returns: U'ᵀ U, if the basis was turned.
  private func follow(_ side: Side?, _ gradient: Tensor) -> Tensor? {
    guard let side else { return nil }
    let product = gradient.matmul(gradient.transposed(0, 1))
    side.moment.addInPlace(product - side.moment, scale: 1 - settings.basisDecay)
    if stepCount == 1, let vectors = try? side.moment.symmetricEigen().vectors {
      side.basis.copyInPlace(from: vectors.flipped([1]))
    } else if stepCount % settings.turningInterval == 0,
      let basis = try? side.moment.cast(to: .float64).matmul(side.basis.cast(to: .float64))
        .orthonormalColumns().cast(to: side.basis.dtype)
    {
      let turn = basis.transposed(0, 1).matmul(side.basis)
      side.basis.copyInPlace(from: basis)
      return turn
    }
    return nil
  }

  /// Forgets all gradients; to be called after each step.
  public func zeroGradients() { for slot in slots { slot.parameter.zeroGradient() } }

  /// Moments, bases and the number of steps.
  public var state: [NamedTensor] {
    slots.flatMap { slot -> [NamedTensor] in
      let sides = [("left", slot.left), ("right", slot.right)].flatMap { name, side in
        side.map { [("\(name).moment", $0.moment), ("\(name).basis", $0.basis)] } ?? []
      }
      return ([("mean", slot.mean), ("second", slot.second)] + sides).map {
        (name: "\(slot.name).\($0)", tensor: $1)
      }
    } + [(name: "stepCount", tensor: Tensor(integers: [stepCount], shape: [1]))]
  }

  /// Takes up a stored state.
  public func load(state stored: [NamedTensor], from place: String) throws {
    let count = Tensor(integers: [0], shape: [1])
    try (Array(state.dropLast()) + [(name: "stepCount", tensor: count)]).load(stored, from: place)
    stepCount = count.integers[0]
  }
}
