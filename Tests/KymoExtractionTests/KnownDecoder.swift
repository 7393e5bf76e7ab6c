// A decoder that is a known equation, and its own recordings.
import Foundation
import KymoData
import KymoNumerics
import KymoTensor

@testable import KymoExtraction

/// A decoder that takes a step of advection and diffusion, u + v A u + v²/2 A² u + d L u.
///
/// It does so by its linear path alone; A and L are central differences. Its latents are bent:
/// z = (d − bend · v², v, nothing).
func knownDecoder(bend: Double) throws -> ParameterVAE {
  var configuration = ParameterModelConfiguration()
  configuration.latents = 3
  configuration.kernelNetwork = .quadratic
  configuration.kernelUnits = 4
  configuration.linearWidth = 5
  configuration.incrementScale = 1
  let field = FieldDescription(
    channels: 1, boundary: [.periodic], frameInterval: 1)
  let model = try ParameterVAE(configuration: configuration, field: field, seed: 1)
  model.trainedFrames = 8
  model.normalizes = false
  let all = Dictionary(uniqueKeysWithValues: model.namedParameters.map { ($0.name, $0.tensor) })
  // Inputs are z₁ z₂ z₃ and the products 11 12 13 22 23 33; units are d, v and v².
  var first = [Float](repeating: 0, count: 4 * 9)
  first[0] = 1
  first[6] = Float(bend)
  first[9 + 1] = 1
  first[18 + 6] = 1
  let (size, gain) = (Float(0.1), Float(16))
  let stencils: [[Float]] = [
    [0, 1, -2, 1, 0].map { size * $0 }, [0, 0.5, 0, -0.5, 0].map { size * $0 },
    [0.25, 0, -0.5, 0, 0.25].map { size * size / 2 * $0 },
  ]
  withoutGradients {
    for (name, tensor) in all where name.hasPrefix("kernels.") { tensor.zeroInPlace() }
    all["kernels.linear.0.weight"]?.copy(from: first)
    all["kernels.linear.1.weight"]?.copy(
      from: (0..<5).flatMap { tap in stencils.map { gain * $0[tap] } + [0] })
    model.lambda.fillInPlace(100)
  }
  return model
}

/// Recordings of the decoder itself with their latents, and d and v as their parameters.
func ownRecordings(
  _ model: ParameterVAE, count: Int, bend: Double, noise: Double = 0, points: Int = 96
) throws -> (recordings: Recordings, latents: [[Double]]) {
  let frames = 40
  var random = RandomStream(seed: 2, purpose: .testing)
  var starts: [Float] = []
  var latents: [[Double]] = []
  var parameters: [Float] = []
  for _ in 0..<count {
    let waves = (1...6).map { mode in
      (mode: Double(mode), size: random.normal(), phase: 2 * Double.pi * random.uniform())
    }
    for point in 0..<points {
      let position = 2 * Double.pi * Double(point) / 96
      starts.append(Float(waves.reduce(0) { $0 + $1.size * cos($1.mode * position + $1.phase) }))
    }
    let (d, v) = (1.5 + 0.3 * random.normal(), random.normal())
    latents.append([d - bend * v * v, v, 0])
    parameters += [Float(d), Float(v)]
  }
  var metadata = RecordingsMetadata()
  metadata.boundary = [.periodic]
  metadata.parameterNames = ["d", "v"]
  let still = Recordings(
    x: HostArray(starts, shape: [count, 1, 1, points]), params: nil, metadata: metadata)
  let z = Tensor(latents.flatMap { $0.map(Float.init) }, shape: [count, 3])
  let first = Tensor(starts, shape: [count, 1, 1, points])
  let later = withoutGradients {
    model.rollout(latents: z, truth: first, steps: frames - 1, halo: .periodic)
  }
  var values = Tensor.concatenated([first, later], axis: 2)
  if noise > 0 { values = values + Tensor.normal(values.shape, using: &random) * noise }
  return (
    Recordings(
      x: values.hostArray, params: HostArray(parameters, shape: [count, 2]),
      metadata: still.metadata), latents
  )
}
