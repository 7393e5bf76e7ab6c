// Advancing latents by coarse steps: the vocabulary of all propagators.
// Vlachas et al., Nature Machine Intelligence 4, 359 (2022), section "Propagating the latent
// dynamics".
//
// Letters: B trajectories side by side, T coarse steps, L latents.
public import KymoNumerics

/// Advances latents by one coarse step, with a memory of what came before.
public protocol Propagator {
  /// What is remembered between steps: hidden states, reservoir activity, or nothing.
  associatedtype Memory
  /// Number of latents, L.
  var latentCount: Int { get }

  /// The memory of `batchCount` trajectories before anything was seen.
  func initialMemory(batchCount: Int) -> Memory
  /// The same with the seed of what a propagator draws; those that draw nothing leave it alone.
  func initialMemory(batchCount: Int, seed: UInt64) -> Memory
  /// The latents one coarse step later, `[B, L]` to `[B, L]`.
  func step(_ latents: HostArray<Double>, memory: inout Memory) throws -> HostArray<Double>
  /// Feeds known latents, `[B, T, L]`, and returns the prediction after each of them, `[B, T, L]`:
  /// teacher forcing. Entry t predicts the latents that follow input t.
  func oneStepPredictions(
    _ latents: HostArray<Double>, memory: inout Memory
  ) throws -> HostArray<Double>
  /// Feeds each prediction back.
  ///
  /// - Parameters:
  ///   - start: The latents to start from, `[B, L]`; not part of the result.
  ///   - stepCount: Number of coarse steps, T.
  ///   - memory: The memory before the first step; afterwards that after the last.
  /// - Throws: What a propagator with an outside part, such as a device, may fail with.
  /// - Returns: `[B, T, L]`; latents that are not finite stay so, and the other
  ///   trajectories go on.
  func rollout(
    from start: HostArray<Double>, stepCount: Int, memory: inout Memory
  ) throws -> HostArray<Double>
  /// Whether the model of each trajectory has grown without bound, so that its last latents are
  /// kept; false for models that cannot.
  func isHeld(_ memory: Memory, batchCount: Int) -> [Bool]
}

extension Propagator {
  /// Nothing is drawn.
  public func initialMemory(batchCount: Int, seed: UInt64) -> Memory {
    initialMemory(batchCount: batchCount)
  }

  /// No trajectory.
  public func isHeld(_ memory: Memory, batchCount: Int) -> [Bool] {
    Array(repeating: false, count: batchCount)
  }

  /// One step for each input.
  public func oneStepPredictions(
    _ latents: HostArray<Double>, memory: inout Memory
  ) throws -> HostArray<Double> {
    let (batch, steps) = (latents.shape[0], latents.shape[1])
    var result = HostArray(repeating: 0.0, shape: [batch, steps, latentCount])
    for step in 0..<steps {
      let next = try self.step(latents.frame(step), memory: &memory)
      result.setFrame(step, to: next)
    }
    return result
  }

  /// One step after the other.
  public func rollout(
    from start: HostArray<Double>, stepCount: Int, memory: inout Memory
  ) throws -> HostArray<Double> {
    var result = HostArray(repeating: 0.0, shape: [start.shape[0], stepCount, latentCount])
    var current = start
    for step in 0..<stepCount {
      current = try self.step(current, memory: &memory)
      result.setFrame(step, to: current)
    }
    return result
  }
}

extension HostArray {
  /// Entry `index` of the second axis: `[B, T, …]` to `[B, …]`.
  package func frame(_ index: Int) -> HostArray {
    let length = shape.dropFirst(2).reduce(1, *)
    var frame: [Element] = []
    frame.reserveCapacity(shape[0] * length)
    for item in 0..<shape[0] {
      let first = (item * shape[1] + index) * length
      frame += elements[first..<first + length]
    }
    return HostArray(frame, shape: [shape[0]] + shape.dropFirst(2))
  }

  /// Puts `[B, …]` at entry `index` of the second axis.
  package mutating func setFrame(_ index: Int, to frame: HostArray) {
    let length = shape.dropFirst(2).reduce(1, *)
    precondition(frame.count == shape[0] * length, "setFrame: \(frame.shape) into \(shape)")
    for item in 0..<shape[0] {
      let first = (item * shape[1] + index) * length
      elements.replaceSubrange(
        first..<first + length, with: frame.elements[item * length..<(item + 1) * length])
    }
  }
}
