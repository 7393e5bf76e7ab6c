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

  @Test("are rid of a part of what a recording's own noise adds to what damps it")
  func noisyRecordings() throws {
    let model = try knownDecoder(bend: 0)
    let (recordings, latents) = try ownRecordings(
      model, count: 40, bend: 0, noise: 0.3, points: 768)
    let biases = [0, 6].map { frames in
      (0..<40).reduce(0.0) { sum, index in
        let start = LatentEstimate(mean: latents[index], standardDeviation: [9, 9, 9])
        let fit = model.fit(
          recordings, index, from: start, latents: [0, 1], crops: 8, assimilatedFrames: frames)
        return sum + (fit.mean[0] - latents[index][0]) / 40
      }
    }
    #expect(biases[0] > 0.05, "\(biases)")
    // Half of the crops begin with the first frame, as it is.
    #expect(biases[1] < 0.8 * biases[0], "\(biases)")
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

  @Test("stay where they are when rollouts diverge")
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
  func linearising() throws {
    let model = try knownDecoder(bend: 0.3)
    let (recordings, latents) = try ownRecordings(model, count: 80, bend: 0.3)
    let coordinates = try #require(ResponseCoordinates(model, recordings: recordings))
    let result = try coordinates.linearised(latents, fitted: [0, 1], merging: true, seed: 1)
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

  @Test("leave linearised latents as they are, also when not every recording spans the plane")
  func straight() throws {
    let model = try knownDecoder(bend: 0)
    let (recordings, latents) = try ownRecordings(model, count: 600, bend: 0)
    let coordinates = try #require(ResponseCoordinates(model, recordings: recordings))
    let same = try coordinates.linearised(latents, fitted: [0, 1], merging: true, seed: 1).latents
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
    let result = try coordinates.linearised(shared, fitted: [0, 1], merging: true, seed: 1)
    #expect(result.fitted == [1])
    #expect(result.latents.allSatisfy { $0[0] == 0 })
    let kept = LinearFit(
      regressors: [result.latents.map { $0[1] }], target: latents.map { $0[1] })
    #expect(kept.rSquared > 0.98, "\(kept.rSquared)")
    let both = try coordinates.linearised(shared, fitted: [0, 1], merging: false, seed: 1)
    #expect(both.fitted == [0, 1])
    // Two parameters remain two.
    #expect(
      try coordinates.linearised(latents, fitted: [0, 1], merging: true, seed: 1).fitted == [
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

  @Test("need cells that no halo reaches")
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
    configuration.training.phases.decoder.steps = 4
    configuration.training.phases.encoder.steps = 4
    configuration.training.phases.change { $0.weightAverage = 0.8 }
    return configuration
  }

  @Test(
    "continues from checkpoints in every part of the training with bit-equal losses",
    arguments: [OptimizerChoice.adam, .soap])
  func continuation(_ optimizer: OptimizerChoice) throws {
    let recordings = try travellingWaves()
    var configuration = configuration()
    configuration.training.phases.joint.optimizer = optimizer
    configuration.training.phases.encoder.optimizer = optimizer
    configuration.training.assimilatedFrames = 2
    configuration.training.straightenings = optimizer == .soap ? 3 : 2
    let unbroken = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 5)
    // 24 recordings are three batches; decoder steps are halved, and what is left again.
    let total = 4 + 3 + 2 + (optimizer == .soap ? 3 + 1 + 3 + 1 : 3 + 2) + 3 + 4
    #expect(unbroken.totalSteps == total)
    let folders = try (0..<total).map { _ in try TemporaryFolder() }
    var expected: [StepRecord] = []
    for step in 0..<total {
      try unbroken.saveCheckpoint(to: folders[step].url)
      expected.append(try unbroken.step())
    }
    let model = unbroken.finishedModel().namedParameters.map { $0.tensor.floats }
    for start in [2, 4, 5, 7, 8, 9, 11, 12, 13, 14, 16, 17, 18, 19] {
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
      #expect(report.loss.isFinite && report.klDivergence.isFinite)
      let statistics = report.latentVariance + report.latentSigma2
      #expect(!statistics.contains { !$0.isFinite })
    }
  }

  @Test("the encoder learns the fitted latents, and the decoder stays as it is meanwhile")
  func encoderAlone() throws {
    let recordings = try travellingWaves()
    var configuration = smallExtraction(steps: 600)
    configuration.training.fitCrops = 4
    configuration.training.phases.decoder.steps = 200
    // After half of them R² is between 0.92 and 0.99, by the seed; then between 0.969 and 0.993.
    configuration.training.phases.encoder.steps = 800
    let trainer = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 1)
    for _ in 0..<600 + 3 + 100 + 3 + 100 + 3 { _ = try trainer.step() }
    let decoder = trainer.model.decoderParameters.map { $0.tensor.floats }
    let losses = try (0..<800).map { _ in try trainer.step().loss }
    #expect(trainer.model.decoderParameters.map { $0.tensor.floats } == decoder)
    let model = trainer.finishedModel()
    #expect(losses[790...].reduce(0, +) / 10 < losses[..<10].reduce(0, +) / 10)
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
      { $0.training.phases.decoder.steps = 0 }, { $0.training.fitCrops = 1 },
      { $0.training.fitCrops = 0 }, { $0.training.phases.encoder.steps = -1 },
      { $0.training.assimilatedFrames = -1 }, { $0.training.straightenings = 0 },
      { $0.training.straightenings = 4 },
    ] as [(inout ExtractionConfiguration) -> Void] {
      var wrong = configuration()
      change(&wrong)
      #expect(throws: ConfigurationError.self) { try wrong.validate() }
    }
  }
}
