// A problem that trains in seconds.
import Foundation
import KymoData
import KymoNN
import KymoNumerics

@testable import KymoExtraction

/// Travelling waves whose speed differs from recording to recording: u = cos(k(x − c t) + φ).
func travellingWaves(_ count: Int = 24, seed: UInt64 = 3) throws -> Recordings {
  let (frames, points) = (48, 48)
  var values: [Float] = []
  var speeds: [Float] = []
  for index in 0..<count {
    var random = RandomStream(seed: seed, purpose: .testing, index: UInt64(index))
    let speed = 0.5 * random.normal()
    let (mode, phase) = (Double(1 + random.index(below: 3)), 2 * Double.pi * random.uniform())
    for frame in 0..<frames {
      for point in 0..<points {
        let position = (Double(point) - speed * Double(frame)) * 2 * .pi / Double(points)
        values.append(Float(cos(mode * position + phase)))
      }
    }
    speeds.append(Float(speed))
  }
  var metadata = RecordingsMetadata()
  metadata.boundary = [.periodic]
  metadata.parameterNames = ["c"]
  return Recordings(
    x: HostArray(values, shape: [count, 1, frames, points]),
    params: HostArray(speeds, shape: [count, 1]), metadata: metadata)
}

/// A model and a training that take seconds on them.
func smallExtraction(steps: Int) -> ExtractionConfiguration {
  var configuration = ExtractionConfiguration()
  configuration.model.latents = 2
  configuration.model.kernelUnits = 32
  configuration.training.phases.joint.steps = steps
  (configuration.training.beta, configuration.training.betaUnit) = (0.01, .absolute)
  configuration.training.batchSize = 8
  configuration.training.inputCrop = [34, 40]
  configuration.training.targetCrop = [9, 30]
  return configuration
}

extension ParameterTrainingConfiguration.Phases {
  /// Changes all phases alike.
  mutating func change(_ change: (inout Descent) -> Void) {
    change(&joint)
    change(&decoder)
    change(&encoder)
  }
}

extension LearningRateSchedule {
  /// A cycle as the default's with another peak.
  static func cycle(peak: Double) -> LearningRateSchedule {
    .oneCycle(.init(peak: peak, warmupFraction: 0.1, finalFraction: 0.003))
  }
}
