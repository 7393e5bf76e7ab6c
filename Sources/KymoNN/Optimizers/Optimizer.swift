// What trainings ask of an optimiser, and the choice of one in a recipe.
public import KymoNumerics
public import KymoTensor

/// Moves parameters by their gradients.
public protocol Optimizer: AnyObject {
  /// How many steps were made.
  var stepCount: Int { get }
  /// Moves every parameter that has a gradient.
  ///
  /// - Parameters:
  ///   - rate: The learning rate.
  ///   - gradientScale: Factor on all gradients, such as that of clipping.
  func step(rate: Double, gradientScale: Double)
  /// Forgets all gradients; to be called after each step.
  func zeroGradients()
  /// What an exact continuation needs.
  var state: [NamedTensor] { get }
  /// Takes up a stored state.
  ///
  /// - Parameters:
  ///   - stored: What ``state`` was; other tensors may be among it.
  ///   - place: Where it comes from, for error messages.
  /// - Throws: `TensorError` when it belongs to other parameters; nothing is changed then.
  func load(state stored: [NamedTensor], from place: String) throws
}

extension Optimizer {
  /// Moves every parameter that has a gradient, by the gradient as it is.
  public func step(rate: Double) { step(rate: rate, gradientScale: 1) }
}

/// Which optimiser a recipe names.
public enum OptimizerChoice: String, SettingChoice {
  /// A learning rate for each weight from the squares of its gradients.
  case adam
  /// A learning rate for each weight from how far its gradients are from their mean; what LED's
  /// authors use.
  case adaBelief
  /// Adam in the eigenbasis of each matrix's gradients: far lower losses in as many steps where the
  /// loss is ill-conditioned, as in small networks that are fitted to many digits.
  case soap

  /// An optimiser of `parameters`, which it changes in place.
  public func optimizer(_ parameters: [NamedTensor], weightDecay: Double = 0) -> any Optimizer {
    switch self {
    case .adam, .adaBelief:
      var settings: AdaptiveOptimizer.Settings = self == .adam ? .adam : .adaBelief
      settings.weightDecay = weightDecay
      return AdaptiveOptimizer(parameters, settings)
    case .soap:
      return SoapOptimizer(parameters, .init(weightDecay: weightDecay))
    }
  }
}

/// base to a whole power, by squaring: the same bits on every machine.
func power(_ base: Double, _ exponent: Int) -> Double {
  var (result, square, rest) = (1.0, base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
