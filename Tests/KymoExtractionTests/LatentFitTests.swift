// Latents fitted to a decoder that is a known equation: its own recordings have known latents.
import Foundation
import KymoData
import KymoMetrics
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoExtraction

/// A decoder that takes a step of advection and diffusion, u + v A u + v²/2 A² u + d L u.
///
/// It does so by its linear path alone; A and L are central differences. Its latents are bent:
/// z = (d − bend · v², v, nothing).
private func knownDecoder(bend: Double) throws -> ParameterVAE {
  var configuration = ModelConfiguration()
  configuration.latents = 3
  configuration.kernelNetwork = .quadratic
  configuration.kernelUnits = 4
  configuration.linearWidth = 5
  configuration.incrementScale = 1
  let field = FieldDescription(
    channels: 1, spaceAxes: 1, isPeriodic: true, frameInterval: 1)
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
private func ownRecordings(
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
    model.rollout(latents: z, truth: first, steps: frames - 1, border: .periodic)
  }
  var values = Tensor.concatenated([first, later], axis: 2)
  if noise > 0 { values = values + Tensor.normal(values.shape, using: &random) * noise }
  return (
    Recordings(
      x: values.hostArray, params: HostArray(parameters, shape: [count, 2]),
      metadata: still.metadata), latents
  )
}

private func far(from latents: [Double]) -> LatentEstimate {
  LatentEstimate(
    mean: [latents[0] - 0.5, latents[1] + 0.4, 0.7], standardDeviation: [9, 9, 9])
}

@Suite("Latents fitted to the decoder") struct LatentFitTests {
  @Test("are those that a recording was made with, wherever the fit starts")
  func recovery() throws {
    let model = try knownDecoder(bend: 0.2)
    let (recordings, latents) = try ownRecordings(model, count: 6, bend: 0.2)
    for index in 0..<6 {
      let start = far(from: latents[index])
      let fit = model.fit(recordings, index, from: start, latents: [0, 1], crops: 8)
      #expect((fit.mean[0] - latents[index][0]).magnitude < 5e-3)
      #expect((fit.mean[1] - latents[index][1]).magnitude < 5e-3)
      // What is not fitted stays, and so does a latent that the decoder does not read.
      #expect(fit.mean[2] == 0.7 && fit.standardDeviation[2] == 9)
      let idle = model.fit(recordings, index, from: start, latents: [2], crops: 8)
      #expect(idle.mean == start.mean && idle.standardDeviation == start.standardDeviation)
    }
  }

  @Test("have the error bars of their errors when recordings are noisy")
  func errorBars() throws {
    let model = try knownDecoder(bend: 0)
    let (recordings, latents) = try ownRecordings(
      model, count: 60, bend: 0, noise: 0.02, points: 768)
    var squares: [Double] = []
    for index in 0..<60 {
      let start = LatentEstimate(mean: latents[index], standardDeviation: [9, 9, 9])
      let fit = model.fit(recordings, index, from: start, latents: [0, 1], crops: 8)
      let ratio = (fit.mean[1] - latents[index][1]) / fit.standardDeviation[1]
      squares.append(ratio * ratio)
    }
    // Overlapping crops share their noise, which makes bars somewhat short.
    let mean = squares.reduce(0, +) / 60
    #expect(mean > 0.5 && mean < 4, "\(mean)")
  }

  @Test("never have a larger error than where they started")
  func descent() throws {
    let model = try knownDecoder(bend: 0)
    let other = try ownRecordings(knownDecoder(bend: 0), count: 3, bend: 0, noise: 1).recordings
    for index in 0..<3 {
      let start = LatentEstimate(mean: [0, 0, 0], standardDeviation: [1, 1, 1])
      let still = try #require(
        model.fit(other, index, from: start, latents: [2], crops: 8).error)
      let fit = try #require(
        model.fit(other, index, from: start, latents: [0, 1], crops: 8).error)
      #expect(fit <= still)
    }
  }

  @Test("stay where they are when rollouts leave the finite numbers")
  func divergence() throws {
    let model = try knownDecoder(bend: 0)
    let (recordings, latents) = try ownRecordings(model, count: 1, bend: 0)
    withoutGradients { model.lambda.fillInPlace(.nan) }
    let start = far(from: latents[0])
    let fit = model.fit(recordings, 0, from: start, latents: [0, 1], crops: 4)
    #expect(fit.mean == start.mean && fit.standardDeviation == start.standardDeviation)
    #expect(try #require(fit.error).isNaN)
  }
}

@Suite("Coordinates in which the decoder's law is affine") struct ResponseCoordinatesTests {
  private func rSquared(_ latents: [[Double]], _ recordings: Recordings, _ column: Int) -> Double {
    let regressors = [0, 1].map { place in latents.map { $0[place] } }
    return LinearFit(
      regressors: regressors,
      target: latents.indices.map { recordings.parameters(of: $0)[column] }
    ).rSquared
  }

  @Test("unbend latents: coefficients are linear in the new ones, and each stays in its place")
  func straightening() throws {
    let model = try knownDecoder(bend: 0.3)
    let (recordings, latents) = try ownRecordings(model, count: 80, bend: 0.3)
    let coordinates = try #require(ResponseCoordinates(model, recordings: recordings))
    let result = try coordinates.straightened(latents, fitted: [0, 1], merging: true, seed: 1)
    let straight = result.latents
    #expect(result.fitted == [0, 1])
    #expect(rSquared(latents, recordings, 0) < 0.7)
    #expect(rSquared(straight, recordings, 0) > 0.999)
    #expect(rSquared(straight, recordings, 1) > 0.9999)
    #expect(straight.map { $0[2] } == latents.map { $0[2] })
    let kept = LinearFit(
      regressors: [straight.map { $0[1] }], target: latents.map { $0[1] })
    #expect(kept.rSquared > 0.99 && (kept.slopes[0] - 1).magnitude < 0.05)
  }

  @Test("leave straight latents as they are, also when not every recording spans the plane")
  func straight() throws {
    let model = try knownDecoder(bend: 0)
    let (recordings, latents) = try ownRecordings(model, count: 600, bend: 0)
    let coordinates = try #require(ResponseCoordinates(model, recordings: recordings))
    let same = try coordinates.straightened(latents, fitted: [0, 1], merging: true, seed: 1).latents
    let largest = zip(same, latents).flatMap { new, old in
      zip(new, old).map { ($0 - $1).magnitude }
    }.max()
    #expect(try #require(largest) < 0.05)
  }

  @Test("one parameter in two latents is found, and stays in the larger one")
  func sharedParameter() throws {
    let model = try knownDecoder(bend: 0)
    let (recordings, latents) = try ownRecordings(model, count: 200, bend: 0)
    // The velocity says what the diffusion is, along a curve.
    let shared = latents.map { [1.5 + 0.3 * sin($0[1]) + 0.1 * $0[1] * $0[1], $0[1], 0] }
    let coordinates = try #require(ResponseCoordinates(model, recordings: recordings))
    let result = try coordinates.straightened(shared, fitted: [0, 1], merging: true, seed: 1)
    #expect(result.fitted == [1])
    #expect(result.latents.allSatisfy { $0[0] == 0 })
    let kept = LinearFit(
      regressors: [result.latents.map { $0[1] }], target: latents.map { $0[1] })
    #expect(kept.rSquared > 0.98, "\(kept.rSquared)")
    let both = try coordinates.straightened(shared, fitted: [0, 1], merging: false, seed: 1)
    #expect(both.fitted == [0, 1])
    // Two parameters remain two.
    #expect(
      try coordinates.straightened(latents, fitted: [0, 1], merging: true, seed: 1).fitted == [
        0, 1,
      ])
  }

  @Test("components that follow from others are told from those that do not")
  func independence() {
    var random = RandomStream(seed: 7, purpose: .testing)
    let x = (0..<400).map { _ in 3 * random.normal() }
    let y = (0..<400).map { _ in random.normal() }
    let curve = x.map { 0.1 * $0 * $0 + 0.01 * $0 * $0 * $0 }
    let surface = zip(x, y).map { 0.1 * $0 * $1 }
    #expect(ResponseCoordinates.independent([x, curve]).count == 1)
    #expect(ResponseCoordinates.independent([x, y]).count == 2)
    #expect(ResponseCoordinates.independent([x, y, surface]).count == 2)
    #expect(ResponseCoordinates.independent([x, surface]).count == 2)
    #expect(ResponseCoordinates.independent([x, y.map { 1e-4 * $0 }]).count == 1)
    // A weak component goes when most of it follows, and stays when it does not.
    let blurred = zip(curve, y).map { 0.01 * ($0 + 0.9 * $1) }
    #expect(ResponseCoordinates.independent([x, blurred]).count == 1)
    #expect(ResponseCoordinates.independent([x, blurred.map { 100 * $0 }]).count == 2)
    #expect(ResponseCoordinates.independent([x, y.map { 0.02 * $0 }]).count == 2)
    // Too few recordings to tell a function from chance.
    let few = [x, y, surface].map { Array($0[..<12]) }
    #expect(ResponseCoordinates.independent(few).count == 3)
    #expect(ResponseCoordinates.independent([[0, 0, 0]]).isEmpty)
  }

  @Test("need cells that no border reaches")
  func small() throws {
    let model = try knownDecoder(bend: 0)
    var metadata = RecordingsMetadata()
    metadata.boundary = [.open]
    for (points, fits) in [(18, false), (20, true), (64, true)] {
      let recordings = Recordings(
        x: HostArray([Float](repeating: 0, count: 40 * points), shape: [1, 1, 40, points]),
        params: nil, metadata: metadata)
      #expect((ResponseCoordinates(model, recordings: recordings) != nil) == fits)
    }
  }
}

@Suite("Training on fitted latents", .serialized) struct FittedTrainingTests {
  private func configuration() -> ExtractionConfiguration {
    var configuration = smallExtraction(steps: 4)
    configuration.training.fitCrops = 2
    configuration.training.decoderSteps = 4
    configuration.training.encoderSteps = 4
    configuration.training.weightAverage = 0.8
    return configuration
  }

  @Test(
    "continues from checkpoints in every part of the training with bit-equal losses",
    arguments: [OptimizerChoice.adam, .soap])
  func continuation(_ optimizer: OptimizerChoice) throws {
    let recordings = try travellingWaves()
    var configuration = configuration()
    configuration.training.optimizer = optimizer
    let unbroken = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 5)
    // 24 recordings are three batches.
    let total = 4 + 3 + 2 + 3 + 2 + 3 + 4
    #expect(unbroken.totalSteps == total)
    let folders = try (0..<total).map { _ in try TemporaryFolder() }
    var expected: [StepReport] = []
    for step in 0..<total {
      try unbroken.saveCheckpoint(to: folders[step].url)
      expected.append(try unbroken.step())
    }
    let model = unbroken.finishedModel().namedParameters.map { $0.tensor.floats }
    for start in [2, 4, 5, 7, 8, 9, 11, 12, 13, 14, 16, 17, 19] {
      let resumed = try ExtractionTrainer(
        configuration: configuration, recordings: recordings, seed: 5)
      try resumed.restore(from: folders[start].url)
      let found = try (start..<total).map { _ in try resumed.step() }
      #expect(found == Array(expected[start...]), "from step \(start)")
      #expect(resumed.finishedModel().namedParameters.map { $0.tensor.floats } == model)
    }
  }

  @Test("reports finite numbers of a last batch of one recording")
  func finiteReports() throws {
    let recordings = try travellingWaves(9)
    let trainer = try ExtractionTrainer(
      configuration: configuration(), recordings: recordings, seed: 2)
    for _ in 0..<4 { _ = try trainer.step() }
    for _ in 0..<2 {
      let report = try trainer.step()
      #expect(report.loss.isFinite && report.divergence.isFinite)
      let statistics = report.latentVariance + report.latentSigma2
      #expect(!statistics.contains { !$0.isFinite })
    }
  }

  @Test("the encoder learns the fitted latents, and the decoder stays as it is meanwhile")
  func encoderAlone() throws {
    let recordings = try travellingWaves()
    var configuration = smallExtraction(steps: 600)
    configuration.training.fitCrops = 4
    configuration.training.decoderSteps = 200
    configuration.training.encoderSteps = 400
    let trainer = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 1)
    for _ in 0..<600 + 3 + 100 + 3 + 100 + 3 { _ = try trainer.step() }
    let decoder = trainer.model.decoderParameters.map { $0.tensor.floats }
    let losses = try (0..<400).map { _ in try trainer.step().loss }
    #expect(trainer.model.decoderParameters.map { $0.tensor.floats } == decoder)
    let model = trainer.finishedModel()
    #expect(losses[390...].reduce(0, +) / 10 < losses[..<10].reduce(0, +) / 10)
    let read = try model.extract(recordings, range: 0..<24)
    let known = LinearFit(
      regressors: [0, 1].map { latent in read.map { $0.mean[latent] } },
      target: read.map { $0.parameters[0] })
    #expect(known.rSquared > 0.95, "\(known.rSquared)")
  }

  @Test("recordings from all of a file tell which latents carry something")
  func sample() {
    #expect(FittedLatents.sample(of: 5) == [0, 1, 2, 3, 4])
    #expect(FittedLatents.sample(of: 64) == Array(0..<64))
    let many = FittedLatents.sample(of: 1000)
    #expect(many.count == 64 && Set(many).count == 64)
    #expect(many.contains(0) && many.contains { $0 > 800 } && many.allSatisfy { $0 < 1000 })
  }

  @Test("are refused where they cannot work")
  func validation() {
    for change in [
      { $0.training.decoderSteps = 0 }, { $0.training.fitCrops = 1 },
      { $0.training.fitCrops = 0 }, { $0.training.encoderSteps = -1 },
    ] as [(inout ExtractionConfiguration) -> Void] {
      var wrong = configuration()
      change(&wrong)
      #expect(throws: ConfigurationError.self) { try wrong.validate() }
    }
  }
}
