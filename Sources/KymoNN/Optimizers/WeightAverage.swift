// A running exponential average of weights, which is often better than the last weights.
public import KymoTensor

/// An exponential average of parameters over training steps.
///
/// The average is free of its start: after t steps it is the mean of the weights with factors
/// proportional to decayᵗ⁻ⁱ.
public final class WeightAverage {
  /// How much of the average stays in each step; in [0, 1).
  public let decay: Double
  private let sources: [NamedTensor]
  private let sums: [NamedTensor]
  private var weight = 0.0

  /// Prepares an average of `parameters`.
  public init(_ parameters: [NamedTensor], decay: Double) {
    precondition((0..<1).contains(decay), "WeightAverage: decay \(decay) is outside [0, 1)")
    self.decay = decay
    sources = parameters
    sums = parameters.map { name, tensor in
      (name, .zeros(tensor.shape, dtype: tensor.dtype, device: tensor.device))
    }
  }

  /// Takes the present weights into the average; to be called after each step.
  public func update() {
    withoutGradients {
      for (sum, source) in zip(sums, sources) {
        sum.tensor.addInPlace(source.tensor.detached() - sum.tensor, scale: 1 - decay)
      }
    }
    weight += (1 - decay) * (1 - weight)
  }

  /// The averages under the parameters' names; the present weights before the first update.
  public var averages: [NamedTensor] {
    guard weight > 0 else { return sources.map { ($0.name, $0.tensor.detached().clone()) } }
    return sums.map { ($0.name, $0.tensor / weight) }
  }

  /// Puts the averages in the place of the present weights.
  func takeAverages() { sources.copy(from: averages) }

  /// What to store for an exact continuation.
  public var state: [NamedTensor] {
    sums + [(name: "weight", tensor: Tensor(doubles: [weight], shape: [1]))]
  }

  /// Takes up a stored state.
  public func load(state stored: [NamedTensor], from place: String) throws {
    let total = Tensor(doubles: [0], shape: [1])
    try (sums + [(name: "weight", tensor: total)]).load(stored, from: place)
    weight = total.item
  }
}
