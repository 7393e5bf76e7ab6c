// Several propagators that were trained with different seeds. In a rollout each follows its own
// predictions; their spread says how far the forecast can be trusted (AdaLED: Kičić et al., CMAME 415,
// 116204 (2023)).
//
// Letters: B trajectories, T coarse steps, L latents, K members.
public import KymoNumerics

/// What an ensemble remembers between steps.
public struct EnsembleMemory<Member: Propagator> {
  /// The memory of every member.
  public var members: [Member.Memory]
  /// Each member's own latents after the last step, `[B, L]`; nil before the first.
  public var latents: [HostArray<Double>]?
}

/// The forecast of an ensemble.
public struct EnsembleForecast: Sendable {
  /// The mean over members, `[B, T, L]`.
  public var mean: HostArray<Double>
  /// The standard deviation over members, `[B, T, L]`: their disagreement, in the latents' units.
  public var spread: HostArray<Double>
}

/// Propagators of one kind whose mean is the forecast.
public struct EnsemblePropagator<Member: Propagator>: Propagator {
  /// The members, at least one.
  public let members: [Member]

  /// Creates an ensemble.
  public init(_ members: [Member]) {
    precondition(
      !members.isEmpty && members.allSatisfy { $0.latentCount == members[0].latentCount },
      "EnsemblePropagator: members of one number of latents")
    self.members = members
  }

  /// Number of latents, L.
  public var latentCount: Int { members[0].latentCount }

  /// The memory of every member before anything was seen.
  public func initialMemory(batchCount: Int) -> EnsembleMemory<Member> {
    EnsembleMemory(
      members: members.map { $0.initialMemory(batchCount: batchCount) }, latents: nil)
  }

  /// All members take the same latents, `[B, L]`; the mean of their predictions.
  public func step(
    _ latents: HostArray<Double>, memory: inout EnsembleMemory<Member>
  ) throws -> HostArray<Double> {
    let shape = latents.shape
    let known = latents.reshaped([shape[0], 1, shape[1]])
    return try oneStepForecast(known, memory: &memory).mean.reshaped(shape)
  }

  /// All members take the same latents, `[B, T, L]`; the mean of their predictions after each.
  public func oneStepPredictions(
    _ latents: HostArray<Double>, memory: inout EnsembleMemory<Member>
  ) throws -> HostArray<Double> {
    try oneStepForecast(latents, memory: &memory).mean
  }

  /// Every member feeds its own predictions back, from common latents `[B, L]`; the mean of them.
  public func rollout(
    from start: HostArray<Double>, stepCount: Int, memory: inout EnsembleMemory<Member>
  ) throws -> HostArray<Double> {
    try forecast(from: start, stepCount: stepCount, memory: &memory).mean
  }

  /// All members take the same latents, `[B, T, L]`; mean and spread of their predictions after each.
  public func oneStepForecast(
    _ latents: HostArray<Double>, memory: inout EnsembleMemory<Member>
  ) throws -> EnsembleForecast {
    var results: [HostArray<Double>] = []
    for (index, member) in members.enumerated() {
      results.append(try member.oneStepPredictions(latents, memory: &memory.members[index]))
    }
    keepLast(results, &memory)
    return combined(results)
  }

  /// Every member feeds its own predictions back; mean and spread at every step.
  ///
  /// - Parameters:
  ///   - start: The latents that all members start from, `[B, L]`; nil lets every member go on from its
  ///     own last prediction.
  ///   - stepCount: Number of coarse steps, T.
  ///   - memory: The memory before the first step; afterwards that after the last.
  /// - Returns: Mean and spread, `[B, stepCount, L]` each.
  /// - Throws: `ModelDataError` when there are no latents to go on from; what members throw.
  public func forecast(
    from start: HostArray<Double>? = nil, stepCount: Int, memory: inout EnsembleMemory<Member>
  ) throws -> EnsembleForecast {
    let starts = start.map { start in members.map { _ in start } } ?? memory.latents
    guard let starts else {
      throw ModelDataError(
        "a forecast of an ensemble", found: "no latents to go on from",
        allowed: "given, or those of an earlier step", remedy: "Feed known latents first.")
    }
    var results: [HostArray<Double>] = []
    for (index, member) in members.enumerated() {
      results.append(
        try member.rollout(
          from: starts[index], stepCount: stepCount, memory: &memory.members[index]))
    }
    keepLast(results, &memory)
    return combined(results)
  }

  private func keepLast(_ results: [HostArray<Double>], _ memory: inout EnsembleMemory<Member>) {
    guard let count = results.first?.shape[1], count > 0 else { return }
    memory.latents = results.map { $0.frame(count - 1) }
  }

  private func combined(_ results: [HostArray<Double>]) -> EnsembleForecast {
    let count = Double(results.count)
    var mean = results[0]
    var spread = HostArray(repeating: 0.0, shape: mean.shape)
    for index in mean.elements.indices {
      let center = results.reduce(0) { $0 + $1.elements[index] } / count
      let squares = results.reduce(0) {
        $0 + ($1.elements[index] - center) * ($1.elements[index] - center)
      }
      mean.elements[index] = center
      spread.elements[index] = (squares / count).squareRoot()
    }
    return EnsembleForecast(mean: mean, spread: spread)
  }
}
