// How fast forecasts and training windows of recurrent networks are, for the benchmarks: the smallest of
// several times, with the answer checked against the tensor version. Times are those of the processor,
// which other programs on a busy machine lengthen least; they belong to one thread.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor

/// Measures recurrent propagators on this machine.
public enum RecurrentSpeed {
  /// What a measurement found.
  public struct Result: Sendable {
    /// Seconds of the processor for one coarse step of all trajectories, or for one window.
    public var seconds: Double
    /// Multiply-adds, counted as two operations, in 1e9 for a second.
    public var gigaflops: Double
    /// Bytes of weights that a step reads once, in 1e9 for a second; 0 for windows.
    public var gigabytes: Double
    /// Largest distance from the tensor version, in scaled latents (or gradients relative to the largest).
    public var error: Double
  }

  /// A rollout of `batch` trajectories from one call.
  public static func rollout(
    _ configuration: RecurrentConfiguration, latents: Int, batch: Int, steps: Int, repeats: Int = 20
  ) throws -> Result {
    let network = RecurrentNetwork(configuration, latentCount: latents, seed: 1)
    let scaler = ChannelScaler(
      kind: .none, offset: [Double](repeating: 0, count: latents),
      scale: [Double](repeating: 1, count: latents))
    let propagator = RecurrentPropagator(
      configuration: configuration, scaler: scaler, network: network)
    let start = uniform([batch, latents])
    let seconds = try smallest(repeats) {
      var memory = propagator.initialMemory(batchCount: batch)
      _ = try propagator.rollout(from: start, stepCount: steps, memory: &memory)
    }
    // Few steps: rounding grows in a chaotic network.
    var memory = propagator.initialMemory(batchCount: batch)
    let found = try propagator.rollout(from: start, stepCount: 10, memory: &memory)
    let plain = RecurrentNetwork(
      configuration, latentCount: latents, seed: 1, path: .operations)
    var state = plain.initialState(batchCount: batch)
    let inputs = Tensor(start.elements.map(Float.init), shape: [batch, 1, latents])
    let expected = withoutGradients {
      plain.predictions(inputs, state: &state, stepCount: 10)
    }
    let products = network.multiplyAdds
    return Result(
      seconds: seconds / Double(steps),
      gigaflops: 2e-9 * Double(products * batch * steps) / seconds,
      gigabytes: 4e-9 * Double(products * steps) / seconds,
      error: distance(found.elements, expected.doubles))
  }

  /// A window of training: predictions on true inputs, mean squared error and gradient.
  public static func window(
    _ configuration: RecurrentConfiguration, latents: Int, batch: Int, length: Int,
    repeats: Int = 20
  ) -> Result {
    let network = RecurrentNetwork(configuration, latentCount: latents, seed: 1)
    let frames = uniform([batch, length + 1, latents])
    let tensor = Tensor(frames.elements.map(Float.init), shape: frames.shape)
    let inputs = tensor.sliced(axis: 1, from: 0, to: length)
    let targets = tensor.sliced(axis: 1, from: 1)
    func gradient(_ network: RecurrentNetwork) {
      for parameter in network.parameters { parameter.zeroGradient() }
      var state = network.initialState(batchCount: batch)
      (network.predictions(inputs, state: &state) - targets).square().mean().backward()
    }
    let seconds = smallest(repeats) { gradient(network) }
    func gradients(_ network: RecurrentNetwork) -> [Double] {
      network.parameters.flatMap { $0.gradient?.doubles ?? [] }
    }
    let found = gradients(network)
    let plain = RecurrentNetwork(
      configuration, latentCount: latents, seed: 1, path: .operations)
    gradient(plain)
    let expected = gradients(plain)
    return Result(
      seconds: seconds,
      gigaflops: 6e-9 * Double(network.multiplyAdds * batch * length) / seconds, gigabytes: 0,
      error: distance(found, expected) / (expected.map(\.magnitude).max() ?? 1))
  }

  private static func uniform(_ shape: [Int]) -> HostArray<Double> {
    var random = RandomStream(seed: 1, purpose: .testing)
    return HostArray((0..<shape.reduce(1, *)).map { _ in random.uniform() }, shape: shape)
  }

  private static func distance(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  private static func smallest(_ repeats: Int, _ body: () throws -> Void) rethrows -> Double {
    var seconds = Double.infinity
    for _ in 0..<repeats {
      let start = clock()
      try body()
      seconds = min(seconds, Double(clock() - start) / Double(CLOCKS_PER_SEC))
    }
    return seconds
  }
}

extension RecurrentNetwork {
  /// Multiply-adds of one step of one trajectory.
  fileprivate var multiplyAdds: Int {
    let gates = stack.cell.gateCount * stack.unitCount
    return stack.layers.indices.reduce(latentCount * stack.unitCount) { sum, index in
      sum + gates * ((index == 0 ? latentCount : stack.unitCount) + stack.unitCount)
    }
  }
}
