// What the tests of autoencoders share: fields that depend on one or two numbers, small networks,
// short trainings.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoReduction

/// Fields with two channels that depend on one number: fronts at different places.
func fronts(_ count: Int, seed: UInt64 = 1, cells: Int = 16) -> HostArray<Float> {
  var random = RandomStream(seed: seed, purpose: .testing)
  var values: [Float] = []
  for _ in 0..<count {
    let place = 0.25 + 0.5 * random.uniform()
    for scale in [2.0, -0.3] {
      values += (0..<cells).map { cell in
        Float(scale * tanh(4 * ((Double(cell) + 0.5) / Double(cells) - place)))
      }
    }
  }
  return HostArray(values, shape: [count, 2, cells])
}

/// Fields in two dimensions with two channels that depend on two numbers: bumps at different
/// places.
func bumps(_ count: Int, seed: UInt64 = 1) -> HostArray<Float> {
  var random = RandomStream(seed: seed, purpose: .testing)
  var values: [Float] = []
  for _ in 0..<count {
    let (x, y) = (4 + 8 * random.uniform(), 3 + 6 * random.uniform())
    for scale in [2.0, -0.3] {
      for row in 0..<16 {
        for column in 0..<12 {
          let square = pow(Double(row) - x, 2) + pow(Double(column) - y, 2)
          values.append(Float(scale * exp(-square / 12)))
        }
      }
    }
  }
  return HostArray(values, shape: [count, 2, 16, 12])
}

extension AutoencoderReduction {
  /// Mean squared errors of reconstructed states: of scaled fields, the scaler's slack taken out,
  /// and in physical units.
  func reconstructionError(
    of states: HostArray<Float>
  ) throws -> (scaled: Double, physical: Double) {
    let found = try decode(encode(states))
    let cells = stateShape.dropFirst().reduce(1, *)
    var (scaled, physical) = (0.0, 0.0)
    let plain = 1 + 2 * configuration.scalingSlack
    for (index, (a, b)) in zip(states.elements, found.elements).enumerated() {
      let difference = Double(a) - Double(b)
      let ratio = difference / scaler.scale[index / cells % stateShape[0]] * plain
      physical += difference * difference
      scaled += ratio * ratio
    }
    let count = Double(states.count)
    return (scaled / count, physical / count)
  }
}

func smallAutoencoder(latents: Int = 1) -> FeedForwardAutoencoder {
  var settings = FeedForwardAutoencoder()
  (settings.latentCount, settings.hiddenWidth, settings.hiddenLayers) = (latents, 24, 2)
  return settings
}

func smallConvolutionalAutoencoder() -> ConvolutionalAutoencoder {
  var settings = ConvolutionalAutoencoder()
  (settings.latentCount, settings.channels) = (1, [4, 8, 4])
  return settings
}

func fixedTraining(_ count: Int, peak: Double = 5e-3) -> ReductionTraining {
  var training = ReductionTraining()
  training.phase.steps = count
  training.phase.learningRate = .oneCycle(.init(peak: peak, warmupFraction: 0.1))
  return training
}

func roundsTraining(patience: Int, rounds: Int, epochs: Int) -> ReductionTraining {
  var schedule = RoundSchedule()
  (schedule.patience, schedule.maxRounds, schedule.maxEpochs) = (patience, rounds, epochs)
  schedule.initialRate = 5e-3
  var training = ReductionTraining()
  training.phase.rounds = schedule
  return training
}
