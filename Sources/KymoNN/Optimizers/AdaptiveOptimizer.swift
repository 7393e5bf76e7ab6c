// Adam (Kingma and Ba 2015, arXiv:1412.6980) and AdaBelief (Zhuang et al. 2020, arXiv:2010.07468),
// which differ in what their second moment averages: one fused pass over memory, or tensor
// operations.
import CKernels
import KymoNumerics
public import KymoTensor

/// Trains parameters by steps that are scaled by running moments of the gradients.
///
/// With g the gradient, m ← β₁ m + (1 − β₁) g and, for step t counted from 1,
/// θ ← θ − rate · m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε), where v ← β₂ v + (1 − β₂) g² for Adam and
/// v ← β₂ v + (1 − β₂)(g − m)² + ε for AdaBelief.
public final class AdaptiveOptimizer: Optimizer {
  /// Which of the two methods.
  public enum Method: String, Codable, Sendable, Hashable, CaseIterable {
    case adam
    case adaBelief
  }

  /// Settings that stay the same during training.
  public struct Settings: Hashable, Sendable {
    /// Which method.
    public var method: Method
    /// Decay of the mean of gradients.
    public var beta1 = 0.9
    /// Decay of the second moment.
    public var beta2 = 0.999
    /// Keeps the divisor from zero.
    public var epsilon: Double
    /// Decoupled decay of weights; 0 for none.
    public var weightDecay = 0.0

    /// Adam with the settings of its paper, which are PyTorch's.
    public static let adam = Settings(method: .adam, epsilon: 1e-8)
    /// AdaBelief with the settings of its authors.
    public static let adaBelief = Settings(method: .adaBelief, epsilon: 1e-16)
  }

  /// The settings.
  public let settings: Settings
  /// How many steps were made.
  public private(set) var stepCount = 0

  private struct Slot {
    let name: String
    let parameter: Tensor
    let mean: Tensor
    let second: Tensor
    let path: ComputePath
  }
  private let slots: [Slot]

  /// Prepares to train `parameters`, which are changed in place.
  ///
  /// - Parameters:
  ///   - parameters: What is trained.
  ///   - settings: The method and its numbers.
  ///   - path: How to compute; for each parameter what it allows when not given.
  public init(
    _ parameters: [NamedTensor], _ settings: Settings = .adam, path: ComputePath? = nil
  ) {
    self.settings = settings
    slots = parameters.map { name, tensor in
      func zeros() -> Tensor {
        .zeros(tensor.shape, dtype: tensor.dtype, device: tensor.device)
      }
      return Slot(
        name: name, parameter: tensor, mean: zeros(), second: zeros(),
        path: path ?? ComputePath(for: [tensor]))
    }
  }

  /// Moves every parameter that has a gradient.
  ///
  /// - Parameters:
  ///   - rate: The learning rate.
  ///   - gradientScale: Factor on all gradients, such as that of clipping.
  public func step(rate: Double, gradientScale: Double) {
    stepCount += 1
    let step = kk_adaptive_step(
      moment: settings.method == .adam ? KK_ADAM : KK_ADABELIEF, rate: rate,
      beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
      decay: settings.weightDecay, gradient_scale: gradientScale,
      correction1: 1 - power(settings.beta1, stepCount),
      correction2: 1 - power(settings.beta2, stepCount))
    withoutGradients {
      let jobs = slots.compactMap { slot in slot.parameter.gradient.map { (slot, $0) } }
      let (fused, plain) = jobs.partitioned { slot, _ in slot.path == .fused }
      updateFused(fused.map { ($0, $1.cast(to: .float32).contiguous()) }, step)
      for (slot, gradient) in plain { updatePlain(slot, gradient, step) }
    }
  }

  /// Forgets all gradients; to be called after each step.
  public func zeroGradients() { for slot in slots { slot.parameter.zeroGradient() } }

  /// The moments as named tensors and the number of steps, for an exact continuation.
  public var state: [NamedTensor] {
    slots.flatMap { slot in
      [
        (name: "\(slot.name).mean", tensor: slot.mean),
        (name: "\(slot.name).second", tensor: slot.second),
      ]
    } + [(name: "stepCount", tensor: Tensor(integers: [stepCount], shape: [1]))]
  }

  /// Takes up a stored state.
  ///
  /// - Parameters:
  ///   - stored: What ``state`` was; other tensors may be among it.
  ///   - place: Where it comes from, for error messages.
  /// - Throws: ``TensorError`` when it belongs to other parameters; nothing is changed then.
  public func load(state stored: [NamedTensor], from place: String) throws {
    let count = Tensor(integers: [0], shape: [1])
    let moments = Array(state.dropLast())
    try (moments + [(name: "stepCount", tensor: count)]).load(stored, from: place)
    stepCount = count.integers[0]
  }

  private func updateFused(_ jobs: [(Slot, Tensor)], _ step: kk_adaptive_step) {
    let pieces = pieces(of: jobs.map { $0.0.parameter.count })
    let tensors = jobs.flatMap { slot, gradient in
      [slot.parameter, gradient, slot.mean, slot.second]
    }
    unsafe Tensor.withUnsafeMutablePointers(to: tensors, of: Float.self) { addresses in
      torchParallelFor(pieces.count) { index in
        let piece = pieces[index]
        // In bounds: pieces lie within their parameter, and all four arrays have its length.
        let at = unsafe (0..<4).map { unsafe addresses[4 * piece.array + $0] + piece.first }
        unsafe withUnsafePointer(to: step) {
          unsafe kk_adaptive_update($0, at[0], at[1], at[2], at[3], piece.count)
        }
      }
    }
  }

  private func updatePlain(_ slot: Slot, _ gradient: Tensor, _ step: kk_adaptive_step) {
    let g = step.gradient_scale == 1 ? gradient : gradient * step.gradient_scale
    slot.mean.addInPlace(g - slot.mean, scale: 1 - step.beta1)
    slot.second.mulInPlace(step.beta2)
    switch settings.method {
    case .adam: slot.second.addInPlace(g.square(), scale: 1 - step.beta2)
    case .adaBelief:
      slot.second.addInPlace((g - slot.mean).square(), scale: 1 - step.beta2)
      slot.second.copyInPlace(from: slot.second + step.epsilon)
    }
    let root = slot.second.sqrt() * (1 / step.correction2.squareRoot()) + step.epsilon
    if step.decay != 0 { slot.parameter.mulInPlace(1 - step.rate * step.decay) }
    slot.parameter.addInPlace(slot.mean / root, scale: -step.rate / step.correction1)
  }
}
