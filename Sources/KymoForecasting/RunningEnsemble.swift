// One or more propagators in the course of a forecast: each with its memory and the latents that it
// takes next. An ensemble's forecast is the mean of its members, each of which feeds its own
// predictions back (AdaLED: Kičić et al., CMAME 415, 116204 (2023)).
//
// Letters: B trajectories, T coarse steps, L latents.
import KymoNumerics
import KymoPropagation

/// A propagator and its memory.
private protocol RunningMember {
  mutating func feed(_ latents: HostArray<Double>) throws -> HostArray<Double>
  mutating func rollout(from start: HostArray<Double>, stepCount: Int) throws -> HostArray<Double>
  func isHeld(batchCount: Int) -> [Bool]
}

private struct Member<Model: Propagator>: RunningMember {
  let model: Model
  var memory: Model.Memory

  mutating func feed(_ latents: HostArray<Double>) throws -> HostArray<Double> {
    try model.oneStepPredictions(latents, memory: &memory)
  }

  mutating func rollout(
    from start: HostArray<Double>, stepCount: Int
  ) throws -> HostArray<Double> {
    try model.rollout(from: start, stepCount: stepCount, memory: &memory)
  }

  func isHeld(batchCount: Int) -> [Bool] { model.isHeld(memory, batchCount: batchCount) }
}

/// Propagators that forecast together; a copy is independent.
struct RunningEnsemble {
  private var members: [any RunningMember]
  /// What every member takes next, `[B, L]`.
  private var next: [HostArray<Double>]

  /// Starts propagators that have seen nothing.
  init(_ propagators: [any Propagator], batchCount: Int, seed: UInt64) {
    func start(_ model: some Propagator) -> any RunningMember {
      Member(model: model, memory: model.initialMemory(batchCount: batchCount, seed: seed))
    }
    members = propagators.map { start($0) }
    next = propagators.map { HostArray(repeating: 0, shape: [batchCount, $0.latentCount]) }
  }

  /// Number of members.
  var count: Int { members.count }

  /// Says what all members take next.
  mutating func take(_ latents: HostArray<Double>) { next = next.map { _ in latents } }

  /// Feeds known latents, `[B, T, L]`; every member takes its own prediction next.
  ///
  /// - Returns: The mean prediction after each of them.
  @discardableResult
  mutating func feed(_ latents: HostArray<Double>) throws -> HostArray<Double> {
    let count = latents.shape[1]
    guard count > 0 else { return latents }
    var predictions: [HostArray<Double>] = []
    for index in members.indices {
      let prediction = try members[index].feed(latents)
      next[index] = prediction.frame(count - 1)
      predictions.append(prediction)
    }
    return Self.mean(predictions)
  }

  /// Feeds predictions back.
  ///
  /// - Returns: The mean over members, `[B, T, L]`, and each member's own.
  mutating func rollout(
    stepCount: Int
  ) throws -> (mean: HostArray<Double>, members: [HostArray<Double>]) {
    var results: [HostArray<Double>] = []
    for index in members.indices {
      let result = try members[index].rollout(from: next[index], stepCount: stepCount)
      next[index] = result.frame(stepCount - 1)
      results.append(result)
    }
    return (Self.mean(results), results)
  }

  /// The first of some steps, `[B, T, L]` of every member, from which on a member's latents are held;
  /// nil where none's are.
  func firstHeld(in parts: [HostArray<Double>]) -> [Int?] {
    let (batch, steps, width) = (parts[0].shape[0], parts[0].shape[1], parts[0].shape[2])
    var first = [Int?](repeating: nil, count: batch)
    for (member, part) in zip(members, parts) {
      for (row, isHeld) in member.isHeld(batchCount: batch).enumerated() where isHeld {
        func latents(_ step: Int) -> ArraySlice<Double> {
          let place = (row * steps + step) * width
          return part.elements[place..<place + width]
        }
        var step = steps - 1
        while step > 0, latents(step - 1) == latents(steps - 1) { step -= 1 }
        first[row] = min(first[row] ?? step, step)
      }
    }
    return first
  }

  private static func mean(_ arrays: [HostArray<Double>]) -> HostArray<Double> {
    guard arrays.count > 1 else { return arrays[0] }
    var mean = arrays[0]
    for array in arrays.dropFirst() {
      for index in mean.elements.indices { mean.elements[index] += array.elements[index] }
    }
    let factor = 1 / Double(arrays.count)
    for index in mean.elements.indices { mean.elements[index] *= factor }
    return mean
  }
}
