// How fast autoencoders are trained and used here, beside the operations that they need: for the
// benchmarks.
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor

/// Timings of autoencoders on random fields; the fastest of several runs, which says something on a busy
/// machine too.
package enum ReductionSpeed {
  /// Seconds of one run and the floating-point operations that it needs.
  package struct Timing: Sendable {
    package var seconds: Double
    package var operations: Double
    package var gigaflops: Double { operations / seconds / 1e9 }
  }

  /// Whole training steps: batch, loss, gradient, optimiser.
  ///
  /// Operations are three passes over all products, but two over those of the first layer, whose input
  /// needs no gradient.
  package static func trainingStep(
    _ configuration: AutoencoderConfiguration, stateShape: [Int], batch: Int, repeats: Int = 201
  ) throws -> Timing {
    var random = RandomStream(seed: 1, purpose: .evaluation)
    let count = max(1000, 2 * batch)
    let values = (0..<count * stateShape.reduce(1, *)).map { _ in Float(random.uniform()) }
    let states = try FrameSet(states: HostArray(values, shape: [count] + stateShape))
    var steps = FixedSteps()
    // Validation is no part of a step.
    (steps.count, steps.validationInterval) = (repeats + 20, repeats + 20)
    var training = ReductionTraining()
    (training.batchSize, training.course) = (batch, .steps(steps))
    let trainer = try ReductionTrainer(
      configuration, training: training, states: states, validation: states, seed: 1)
    for _ in 0..<10 { _ = try trainer.step() }
    let seconds = try (0..<repeats).map { _ in
      try ContinuousClock().measure { _ = try trainer.step() } / .seconds(1)
    }
    let (all, first) = products(configuration, stateShape: stateShape)
    return Timing(
      seconds: seconds.min() ?? .nan,
      operations: 2 * Double(batch) * Double(3 * all - first))
  }

  /// Encoding and decoding of one state between host arrays, as a forecast does in every step.
  package static func inference(
    _ configuration: AutoencoderConfiguration, stateShape: [Int], batch: Int = 1,
    repeats: Int = 501
  ) throws -> (encode: Timing, decode: Timing) {
    var random = RandomStream(seed: 2, purpose: .evaluation)
    let values = (0..<batch * stateShape.reduce(1, *)).map { _ in Float(random.uniform()) }
    let states = HostArray(values, shape: [batch] + stateShape)
    let reduction = try AutoencoderReduction(
      configuration, stateShape: stateShape,
      scaler: .init(configuration.scaling, fitting: HostArray<Double>(states)), seed: 1)
    let latents = try reduction.encode(states)
    func timing(_ body: () throws -> Void) throws -> Timing {
      for _ in 0..<10 { try body() }
      let seconds = try (0..<repeats).map { _ in
        try ContinuousClock().measure(body) / .seconds(1)
      }
      let half = Double(products(configuration, stateShape: stateShape).all * batch)
      return Timing(seconds: seconds.min() ?? .nan, operations: half)
    }
    return (
      try timing { _ = try reduction.encode(states) },
      try timing { _ = try reduction.decode(latents) }
    )
  }

  /// Multiply-adds of one state through encoder and decoder, and of the encoder's first layer.
  private static func products(
    _ configuration: AutoencoderConfiguration, stateShape: [Int]
  ) -> (all: Int, first: Int) {
    switch configuration {
    case .feedForward(let settings):
      let hidden = [Int](repeating: settings.hiddenWidth, count: settings.hiddenLayers)
      let widths = [stateShape.reduce(1, *)] + hidden + [settings.latentCount]
      let encoder = zip(widths, widths.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
      return (2 * encoder, widths[0] * widths[1])
    case .convolutional(let settings):
      var cells = 1
      while cells < stateShape[1] { cells *= 2 }
      let widths = [stateShape[0]] + settings.channels
      let stages = zip(widths, widths.dropFirst()).enumerated().map { stage, pair in
        pair.0 * pair.1 * settings.kernelWidth * (cells >> stage)
      }
      let flat = settings.channels[settings.channels.count - 1] * (cells >> settings.channels.count)
      return (2 * (stages.reduce(0, +) + flat * settings.latentCount), stages[0])
    }
  }
}
