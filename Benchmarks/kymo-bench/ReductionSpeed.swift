// Autoencoders on random fields: how long a training step and the use in forecasts take, beside the
// operations that they need.
import KymoData
import KymoNN
import KymoNumerics
import KymoReduction
import KymoTensor

/// Timings of autoencoders.
enum ReductionSpeed {
  /// Whole training steps: batch, loss, gradient, optimiser.
  ///
  /// Operations are three passes over all products, but two over those of the first layer, whose
  /// input needs no gradient.
  static func trainingStep(
    _ configuration: AutoencoderConfiguration, stateShape: [Int], batch: Int, repeats: Int = 201
  ) throws -> Timing {
    let states = try FrameSet(
      states: HostArray<Float>(uniform([batch < 32 ? 8 : 1000] + stateShape, seed: 1)))
    var training = ReductionTraining()
    // Validation is no part of a step.
    (training.batchSize, training.phase.steps) = (batch, repeats + 20)
    let warmUp = min(10, repeats)
    training.phase.validationInterval = 0
    let trainer = try ReductionTrainer(
      configuration, training: training, states: states, validation: states, seed: 1)
    let (all, first) = products(configuration, stateShape: stateShape)
    return try Timing(
      repeats, warmUp: warmUp, operations: 2 * Double(batch) * Double(3 * all - first)
    ) {
      _ = try trainer.step()
    }
  }

  /// Encoding and decoding of one state between host arrays, as a forecast does in every step.
  ///
  /// The difference is that of latents and fields from tensor operations in double precision.
  static func inference(
    _ configuration: AutoencoderConfiguration, stateShape: [Int], repeats: Int = 501
  ) throws -> (encode: Timing, decode: Timing, difference: Double) {
    let values = uniform([1] + stateShape, seed: 2)
    let states = HostArray<Float>(values)
    func reduction(_ precision: NetworkPrecision) throws -> AutoencoderReduction {
      try AutoencoderReduction(
        configuration.with(precision), stateShape: stateShape,
        scaler: .init(configuration.scaling, fitting: values), seed: 1)
    }
    let (reduction, plain) = (try reduction(.single), try reduction(.double))
    let latents = try reduction.encode(states)
    let fields = try reduction.decode(latents)
    let half = Double(products(configuration, stateShape: stateShape).all)
    return (
      try Timing(repeats, warmUp: 10, operations: half) { _ = try reduction.encode(states) },
      try Timing(repeats, warmUp: 10, operations: half) { _ = try reduction.decode(latents) },
      max(
        distance(latents.elements, try plain.encode(states).elements),
        distance(fields.elements, try plain.decode(latents).elements))
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
      let lengths = stateShape.dropFirst().map { length in
        var cells = 1
        while cells < (settings.isHalved ? length / 2 : length) { cells *= 2 }
        return cells
      }
      func cells(_ stage: Int) -> Int { lengths.reduce(1) { $0 * ($1 >> stage) } }
      let taps = lengths.reduce(1) { product, _ in product * settings.kernelWidth }
      let widths = [stateShape[0]] + settings.channels
      let stages = zip(widths, widths.dropFirst()).enumerated().map { stage, pair in
        pair.0 * pair.1 * taps * cells(stage)
      }
      let flat = widths[widths.count - 1] * cells(settings.channels.count)
      return (2 * (stages.reduce(0, +) + flat * settings.latentCount), stages[0])
    }
  }
}

extension AutoencoderConfiguration {
  /// The same network in another precision; the same seed gives it the same weights.
  fileprivate func with(_ precision: NetworkPrecision) -> AutoencoderConfiguration {
    switch self {
    case .feedForward(var settings):
      settings.precision = precision
      return .feedForward(settings)
    case .convolutional(var settings):
      settings.precision = precision
      return .convolutional(settings)
    }
  }
}
