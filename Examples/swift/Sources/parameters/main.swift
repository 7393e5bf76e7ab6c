// From an array of one's own to the parameter behind it: waves that travel at another speed in each
// recording. The speeds are not shown to the training; at the end they are compared with what it found.
//
//     parameters [FOLDER]
import Foundation
import KymoData
import KymoExtraction
import KymoNN
import KymoNumerics

let (recordings, frames, points) = (60, 64, 64)
var random = RandomStream(seed: 1, purpose: .data)

// u(x, t) = Σ sin(k (x − c t) + φ_k) / k on a ring, in the order of axes [recording, channel, time, x].
var field = HostArray<Float>(repeating: 0, shape: [recordings, 1, frames, points])
var speeds: [Double] = []
for recording in 0..<recordings {
  let speed = 2 * random.uniform() - 1
  let phases = (1...4).map { _ in 2 * Double.pi * random.uniform() }
  for frame in 0..<frames {
    for point in 0..<points {
      let x = 2 * Double.pi * (Double(point) - 0.5 * speed * Double(frame)) / Double(points)
      field[recording, 0, frame, point] = Float(
        zip(1...4, phases).reduce(0) { $0 + sin(Double($1.0) * x + $1.1) / Double($1.0) })
    }
  }
  speeds.append(speed)
}
var metadata = RecordingsMetadata()
metadata.boundary = [.periodic]
let data = Recordings(x: field, metadata: metadata)

// Two latents are offered; one is needed.
var configuration = ExtractionConfiguration()
configuration.model.latents = 2
configuration.model.kernelUnits = 32
configuration.training.phases.joint.steps = 400
configuration.training.batchSize = 20
configuration.training.inputCrop = [40, 48]
configuration.training.targetCrop = [16, 44]
let trainer = try ExtractionTrainer(configuration: configuration, recordings: data, seed: 1)
while !trainer.isFinished {
  let record = try trainer.step()
  if record.step % 100 == 0 { print("step \(record.step): loss \(record.loss)") }
}
let model = trainer.finishedModel()

// Each recording's latents with their standard deviations, and how well they give the speed.
let latents = try model.extract(data, range: 0..<data.count)
print("recording 0: \(latents[0].mean) ± \(latents[0].standardDeviation)")
let fit = LinearFit(
  regressors: (0..<2).map { latent in latents.map { $0.mean[latent] } }, target: speeds)
print("R² of the speed: \(fit.rSquared)")

// The model for later: ParameterVAE.load(from:) reads it.
if let folder = CommandLine.arguments.dropFirst().first {
  try model.save(to: URL(filePath: folder).appending(path: "model"))
}
