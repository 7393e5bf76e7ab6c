// The training of autoencoders in small: continuing, choosing, refusing.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoReduction

@Suite("Training autoencoders", .serialized) struct ReductionTrainerTests {
  private static let kinds: [String: AutoencoderConfiguration] = [
    "feedForward": .feedForward(smallAutoencoder()),
    "convolutional": .convolutional(smallConvolutionalAutoencoder()),
  ]

  @Test(
    "one latent holds fronts of one parameter: scaled error below a bound, for two seeds",
    arguments: ["feedForward", "convolutional"], [1, 2] as [UInt64])
  func learns(_ kind: String, _ seed: UInt64) throws {
    // Maps this small are done before a second thread has woken up.
    let threads = threadCount
    setThreadCount(1)
    defer { setThreadCount(threads) }
    let trainer = try ReductionTrainer(
      try #require(Self.kinds[kind]), training: fixedTraining(kind == "convolutional" ? 800 : 1500),
      states: FrameSet(states: fronts(256)),
      validation: FrameSet(states: fronts(64, seed: 2)), seed: seed)
    let first = try trainer.step().loss
    while !trainer.isFinished { _ = try trainer.step() }
    let reduction = trainer.finishedReduction()
    let error = try reduction.reconstructionError(of: fronts(64, seed: 3))
    // The mean of all fields is worse than 0.02, the untrained network than 0.05.
    #expect(first > 0.02)
    #expect(error.scaled < 5e-4, "\(kind), seed \(seed): \(error.scaled)")
    expectClose(
      [error.scaled], [try #require(trainer.bestLoss)],
      Tolerance(relative: 1, because: "other states"))
  }

  @Test(
    "fields in two dimensions with two channels: bumps that move about, for two seeds",
    arguments: [1, 2] as [UInt64])
  func learnsPlane(_ seed: UInt64) throws {
    var settings = smallConvolutionalAutoencoder()
    (settings.latentCount, settings.kernelWidth) = (2, 3)
    let trainer = try ReductionTrainer(
      .convolutional(settings), training: fixedTraining(600), states: FrameSet(states: bumps(192)),
      validation: FrameSet(states: bumps(32, seed: 2)), seed: seed)
    let first = try trainer.step().loss
    while !trainer.isFinished { _ = try trainer.step() }
    let reduction = trainer.finishedReduction()
    #expect(reduction.stateShape == [2, 16, 12])
    let states = bumps(32, seed: 3)
    let error = try reduction.reconstructionError(of: states)
    // The mean of all fields is worse than 0.05.
    #expect(first > 0.05 && error.scaled < 0.01, "seed \(seed): \(first) to \(error.scaled)")
    let folder = try TemporaryFolder()
    try reduction.save(to: folder.path("model"))
    let loaded = try AutoencoderReduction(from: folder.path("model"))
    let latents = try reduction.encode(states)
    #expect(try loaded.encode(states) == latents)
    #expect(try loaded.decode(latents) == reduction.decode(latents))
    #expect(throws: ModelDataError.self) { try reduction.encode(fronts(2)) }
  }

  @Test(
    "rounds lower the rate, start from the best weights and end", arguments: [1, 2] as [UInt64])
  func byRounds(_ seed: UInt64) throws {
    let states = fronts(96)
    let validation = fronts(40, seed: 2)
    let trainer = try ReductionTrainer(
      .feedForward(smallAutoencoder()),
      training: roundsTraining(patience: 3, rounds: 3, epochs: 400),
      states: FrameSet(states: states),
      validation: FrameSet(states: validation), seed: seed)
    #expect(trainer.stepsPerEpoch == 3)
    var reports: [StepRecord] = []
    while !trainer.isFinished { reports.append(try trainer.step()) }
    #expect(trainer.totalSteps == trainer.stepIndex && reports.last?.step == trainer.stepIndex)
    let rates = Set(reports.map(\.learningRate))
    #expect(rates.contains(5e-3) && rates.count <= 3)
    #expect(trainer.trainer.rounds?.ended == (rates.count == 3 ? .rounds : .epochs))
    for report in reports { #expect((report.validation != nil) == (report.step % 3 == 0)) }
    let least = try #require(reports.compactMap(\.validation).min())
    #expect(trainer.bestLoss == least)
    let error = try trainer.finishedReduction().reconstructionError(of: validation)
    expectClose([error.scaled], [least], Tolerance(relative: 1e-4, because: "float32"))
    #expect(error.scaled < 0.01, "\(error.scaled)")
  }

  @Test("variational latents are trained, and a large β makes them say nothing")
  func variational() throws {
    var settings = smallAutoencoder()
    settings.isVariational = true
    func train(beta: Double) throws -> StepRecord {
      var training = fixedTraining(800)
      training.beta = beta
      let trainer = try ReductionTrainer(
        .feedForward(settings), training: training, states: FrameSet(states: fronts(128)),
        validation: FrameSet(states: fronts(32, seed: 2)), seed: 1)
      var last: StepRecord?
      while !trainer.isFinished { last = try trainer.step() }
      return try #require(last)
    }
    func parts(_ record: StepRecord) throws -> (divergence: Double, reconstruction: Double) {
      (
        try #require(record.scalars["divergence"]), try #require(record.scalars["reconstruction"])
      )
    }
    let record = try train(beta: 0.01)
    let free = try parts(record)
    #expect(free.divergence > 1 && free.reconstruction < 0.01, "\(free)")
    expectClose(
      [record.loss], [32 * free.reconstruction + 0.01 * free.divergence],
      Tolerance(relative: 0.05, because: "the KL weight is not quite 1 at the end"))
    let bound = try parts(train(beta: 100))
    #expect(bound.divergence < 0.05 && bound.reconstruction > 0.01, "\(bound)")
  }

  @Test("noise on latents is there at first and gone in the end") func latentNoise() throws {
    /// The sum of losses over a tenth of the training and the error in the end.
    func results(_ noise: Double) throws -> (loss: Double, error: Double) {
      var training = fixedTraining(1500)
      training.latentNoise = noise
      let trainer = try ReductionTrainer(
        .feedForward(smallAutoencoder()), training: training, states: FrameSet(states: fronts(256)),
        validation: FrameSet(states: fronts(64, seed: 2)), seed: 1)
      var reports: [Double] = []
      while !trainer.isFinished { reports.append(try trainer.step().loss) }
      let error = try trainer.finishedReduction().reconstructionError(of: fronts(64))
      return (reports[300..<450].reduce(0, +), error.scaled)
    }
    let plain = try results(0)
    let noisy = try results(0.3)
    #expect(noisy.loss > 3 * plain.loss, "\(noisy.loss), \(plain.loss)")
    #expect(noisy.error < 5e-4 && plain.error < 5e-4, "\(noisy.error), \(plain.error)")
    var training = fixedTraining(1)
    training.latentNoise = -1
    #expect(throws: ConfigurationError.self) { try training.validate() }
  }

  @Test(
    "a checkpoint continues with bit-equal reports",
    arguments: ["feedForward", "convolutional", "variational", "rounds", "double", "soap"])
  func continuation(_ name: String) throws {
    var (configuration, training) = (
      AutoencoderConfiguration.feedForward(smallAutoencoder()), fixedTraining(40)
    )
    (training.inputNoise, training.latentNoise) = (0.01, 0.02)
    switch name {
    case "convolutional":
      var settings = smallConvolutionalAutoencoder()
      settings.isBatchNormalized = true
      configuration = .convolutional(settings)
    case "variational":
      var settings = smallAutoencoder()
      settings.isVariational = true
      configuration = .feedForward(settings)
    case "rounds": training = roundsTraining(patience: 1, rounds: 10, epochs: 20)
    case "soap": training.phase.optimizer = .soap
    case "double":
      var settings = smallAutoencoder()
      settings.precision = .double
      configuration = .feedForward(settings)
    default: break
    }
    let states = fronts(70)
    func trainer(_ seed: UInt64 = 7) throws -> ReductionTrainer {
      try ReductionTrainer(
        configuration, training: training, states: FrameSet(states: states),
        validation: FrameSet(states: fronts(20, seed: 2)),
        seed: seed)
    }
    let unbroken = try trainer()
    let folders = try (0..<3).map { _ in try TemporaryFolder() }
    let pauses = [0, 6, 13]
    var reports: [StepRecord] = []
    while !unbroken.isFinished {
      if let index = pauses.firstIndex(of: unbroken.stepIndex) {
        try unbroken.saveCheckpoint(to: folders[index].url)
      }
      reports.append(try unbroken.step())
    }
    let expected = try unbroken.finishedReduction().encode(states)
    for (pause, folder) in zip(pauses, folders) {
      let resumed = try trainer()
      try resumed.restore(from: folder.url)
      #expect(resumed.stepIndex == pause)
      var found: [StepRecord] = []
      while !resumed.isFinished { found.append(try resumed.step()) }
      #expect(found == Array(reports[pause...]))
      let latents = try resumed.finishedReduction().encode(states)
      #expect(latents == expected)
    }
    let other = try trainer(8)
    #expect(throws: ModelDataError.self) { try other.restore(from: folders[1].url) }
    let first = try other.step()
    #expect(first.loss != reports[0].loss)
  }

  @Test("the result has the best weights, or the last ones when asked") func selection() throws {
    // A rate that is far too large at the end: the last weights are worse than the best.
    func error(_ selection: Descent.Selection) throws -> (found: Double, best: Double) {
      var training = ReductionTraining()
      (training.phase.steps, training.phase.selection) = (240, selection)
      training.phase.learningRate = .constant(.init(rate: 0.05))
      let validation = fronts(32, seed: 2)
      let trainer = try ReductionTrainer(
        .feedForward(smallAutoencoder()), training: training, states: FrameSet(states: fronts(96)),
        validation: FrameSet(states: validation),
        seed: 1)
      while !trainer.isFinished { _ = try trainer.step() }
      let best = try #require(trainer.bestLoss)
      return (try trainer.finishedReduction().reconstructionError(of: validation).scaled, best)
    }
    let (best, last) = (try error(.best), try error(.last))
    #expect(best.best == last.best)
    expectClose([best.found], [best.best], Tolerance(relative: 1e-4, because: "float32"))
    #expect(last.found > 1.01 * last.best)
  }

  @Test("the scaler sees the training states alone") func scaler() throws {
    var validation = fronts(10)
    validation.elements[3] = 50
    let states = fronts(64)
    let trainer = try ReductionTrainer(
      .feedForward(smallAutoencoder()), training: fixedTraining(2),
      states: FrameSet(states: states),
      validation: FrameSet(states: validation), seed: 1)
    #expect(
      trainer.reduction.scaler == ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(states)))
    var loose = smallAutoencoder()
    loose.scalingSlack = 0.1
    let other = try ReductionTrainer(
      .feedForward(loose), training: fixedTraining(2), states: FrameSet(states: states),
      validation: FrameSet(states: validation), seed: 1)
    #expect(
      other.reduction.scaler
        == ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(states), slack: 0.1))
    // The scaled error is in units of the plain range, whatever the slack.
    let error = try other.reduction.reconstructionError(of: states)
    let decoded = try other.reduction.decode(other.reduction.encode(states))
    let plain = ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(states))
    let difference = zip(
      plain.scale(HostArray<Double>(states)).elements,
      plain.scale(HostArray<Double>(decoded)).elements
    )
    .reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    expectClose(
      [error.scaled], [difference / Double(states.count)],
      Tolerance(relative: 1e-9, because: "double"))
  }

  @Test("the first loss that is not finite ends the training with a name") func nonFinite() throws {
    let reduction = try AutoencoderReduction(
      .feedForward(smallAutoencoder()), stateShape: [2, 16],
      scaler: ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(fronts(8))), seed: 1)
    withoutGradients { reduction.network.parameters[0].fillInPlace(.nan) }
    let trainer = try ReductionTrainer(
      reduction, training: fixedTraining(5), states: FrameSet(states: fronts(40)),
      validation: FrameSet(states: fronts(8)), seed: 1)
    let error = #expect(throws: NonFiniteLoss.self) { _ = try trainer.step() }
    #expect(error?.step == 1)
    #expect(error?.description.contains("smaller learning rate") == true)
  }

  @Test("states that cannot be used are refused with the reason") func refusals() throws {
    func attempt(
      states: HostArray<Float> = fronts(8), validation: HostArray<Float> = fronts(8)
    ) throws {
      _ = try ReductionTrainer(
        .feedForward(smallAutoencoder()), training: fixedTraining(2),
        states: FrameSet(states: states),
        validation: FrameSet(states: validation), seed: 1)
    }
    var broken = fronts(8)
    broken.elements[5] = .nan
    for (states, validation, word) in [
      (broken, fronts(8), "not finite"), (fronts(8), broken, "not finite"),
      (fronts(8), fronts(8, cells: 15), "[2, 15]"),
      (HostArray([], shape: [0, 2, 16]), fronts(8), "[0, 2, 16]"),
      (HostArray([1], shape: [1]), fronts(8), "[1]"),
    ] {
      let error = #expect(throws: ModelDataError.self) {
        try attempt(states: states, validation: validation)
      }
      #expect(error?.found.contains(word) == true, "\(error?.description ?? "")")
    }
  }
}
