// Recurrent propagators: how long forecasts and training windows take, and how far they are from
// the tensor version.
import KymoData
import KymoNN
import KymoNumerics
import KymoPropagation
import KymoTensor

/// Timings of recurrent propagators; the least time of the processor, which other programs on a
/// busy machine lengthen least, for work of one thread.
enum RecurrentSpeed {
  /// What a measurement found.
  struct Result {
    /// Seconds of the processor for one coarse step of all trajectories, or for one window.
    var seconds: Double
    /// Multiply-adds, counted as two operations, in 1e9 for a second.
    var gigaflops: Double
    /// Largest distance from the tensor version, in scaled latents (or gradients relative to the
    /// largest).
    var difference: Double
  }

  /// A rollout of `batch` trajectories from one call.
  static func rollout(
    _ configuration: RecurrentConfiguration, latents: Int, batch: Int, steps: Int, repeats: Int = 20
  ) throws -> Result {
    let network = RecurrentNetwork(configuration, latentCount: latents, seed: 1)
    let scaler = ChannelScaler(
      kind: .none, offset: [Double](repeating: 0, count: latents),
      scale: [Double](repeating: 1, count: latents))
    let propagator = RecurrentPropagator(
      configuration: configuration, scaler: scaler, network: network)
    let start = uniform([batch, latents], seed: 1)
    let timing = try Timing(repeats, warmUp: 0) {
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
    let seconds = timing.processor[0] / Double(steps)
    return Result(
      seconds: seconds, gigaflops: 2e-9 * Double(network.multiplyAdds * batch) / seconds,
      difference: distance(found.elements, expected.doubles))
  }

  /// A window of training: predictions on true inputs, mean squared error and gradient.
  static func window(
    _ configuration: RecurrentConfiguration, latents: Int, batch: Int, length: Int,
    repeats: Int = 20
  ) -> Result {
    let network = RecurrentNetwork(configuration, latentCount: latents, seed: 1)
    let frames = uniform([batch, length + 1, latents], seed: 1)
    let tensor = Tensor(frames.elements.map(Float.init), shape: frames.shape)
    let inputs = tensor.sliced(axis: 1, from: 0, to: length)
    let targets = tensor.sliced(axis: 1, from: 1)
    func gradient(_ network: RecurrentNetwork) {
      for parameter in network.parameters { parameter.zeroGradient() }
      var state = network.initialState(batchCount: batch)
      (network.predictions(inputs, state: &state) - targets).square().mean().backward()
    }
    let seconds = Timing(repeats, warmUp: 0) { gradient(network) }.processor[0]
    func gradients(_ network: RecurrentNetwork) -> [Double] {
      network.parameters.flatMap { $0.gradient?.doubles ?? [] }
    }
    let plain = RecurrentNetwork(
      configuration, latentCount: latents, seed: 1, path: .operations)
    gradient(plain)
    return Result(
      seconds: seconds,
      gigaflops: 6e-9 * Double(network.multiplyAdds * batch * length) / seconds,
      difference: relativeDistance(gradients(network), gradients(plain)))
  }

  /// Steps of a training on windows of 50 steps, 20 of which run freely, 32 side by side.
  static func trainingSteps(
    _ configuration: RecurrentConfiguration, latents: Int, repeats: Int
  ) throws -> Timing {
    var training = PropagatorTraining()
    (training.windowLength, training.freeRunningSteps) = (50, 20)
    training.phase.steps = repeats + 20
    training.phase.validationInterval = 0
    let series = uniform([2000, latents], seed: 2)
    let trainer = try PropagatorTrainer(
      .recurrent(configuration), training: training, series: [series], validation: [series],
      seed: 1)
    return try Timing(repeats, warmUp: 10) { _ = try trainer.step() }
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
