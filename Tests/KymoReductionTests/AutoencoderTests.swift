// Reductions by autoencoders as users see them: training in small, continuing, saving, refusing.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoReduction

/// Fields with two channels that depend on one number: fronts at different places.
private func fronts(_ count: Int, seed: UInt64 = 1, cells: Int = 16) -> HostArray<Float> {
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
private func bumps(_ count: Int, seed: UInt64 = 1) -> HostArray<Float> {
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
  fileprivate func reconstructionError(
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

private func small(latents: Int = 1) -> FeedForwardAutoencoder {
  var settings = FeedForwardAutoencoder()
  (settings.latentCount, settings.hiddenWidth, settings.hiddenLayers) = (latents, 24, 2)
  return settings
}

private func smallConvolutional() -> ConvolutionalAutoencoder {
  var settings = ConvolutionalAutoencoder()
  (settings.latentCount, settings.channels) = (1, [4, 8, 4])
  return settings
}

private func fixed(_ count: Int, peak: Double = 5e-3) -> ReductionTraining {
  var training = ReductionTraining()
  training.phase.steps = count
  training.phase.learningRate = .oneCycle(.init(peak: peak, warmupFraction: 0.1))
  return training
}

private func rounds(patience: Int, rounds: Int, epochs: Int) -> ReductionTraining {
  var schedule = RoundSchedule()
  (schedule.patience, schedule.maxRounds, schedule.maxEpochs) = (patience, rounds, epochs)
  schedule.initialRate = 5e-3
  var training = ReductionTraining()
  training.phase.rounds = schedule
  return training
}

@Suite("Training autoencoders", .serialized) struct ReductionTrainerTests {
  private static let kinds: [String: AutoencoderConfiguration] = [
    "feedForward": .feedForward(small()), "convolutional": .convolutional(smallConvolutional()),
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
      try #require(Self.kinds[kind]), training: fixed(kind == "convolutional" ? 800 : 1500),
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
    var settings = smallConvolutional()
    (settings.latentCount, settings.kernelWidth) = (2, 3)
    let trainer = try ReductionTrainer(
      .convolutional(settings), training: fixed(600), states: FrameSet(states: bumps(192)),
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
      .feedForward(small()), training: rounds(patience: 3, rounds: 3, epochs: 400),
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
    var settings = small()
    settings.isVariational = true
    func train(beta: Double) throws -> StepRecord {
      var training = fixed(800)
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
      var training = fixed(1500)
      training.latentNoise = noise
      let trainer = try ReductionTrainer(
        .feedForward(small()), training: training, states: FrameSet(states: fronts(256)),
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
    var training = fixed(1)
    training.latentNoise = -1
    #expect(throws: ConfigurationError.self) { try training.validate() }
  }

  @Test(
    "a checkpoint continues with bit-equal reports",
    arguments: ["feedForward", "convolutional", "variational", "rounds", "double", "soap"])
  func continuation(_ name: String) throws {
    var (configuration, training) = (AutoencoderConfiguration.feedForward(small()), fixed(40))
    (training.inputNoise, training.latentNoise) = (0.01, 0.02)
    switch name {
    case "convolutional":
      var settings = smallConvolutional()
      settings.isBatchNormalized = true
      configuration = .convolutional(settings)
    case "variational":
      var settings = small()
      settings.isVariational = true
      configuration = .feedForward(settings)
    case "rounds": training = rounds(patience: 1, rounds: 10, epochs: 20)
    case "soap": training.phase.optimizer = .soap
    case "double":
      var settings = small()
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
        .feedForward(small()), training: training, states: FrameSet(states: fronts(96)),
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
      .feedForward(small()), training: fixed(2), states: FrameSet(states: states),
      validation: FrameSet(states: validation), seed: 1)
    #expect(
      trainer.reduction.scaler == ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(states)))
    var loose = small()
    loose.scalingSlack = 0.1
    let other = try ReductionTrainer(
      .feedForward(loose), training: fixed(2), states: FrameSet(states: states),
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
      .feedForward(small()), stateShape: [2, 16],
      scaler: ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(fronts(8))), seed: 1)
    withoutGradients { reduction.network.parameters[0].fillInPlace(.nan) }
    let trainer = try ReductionTrainer(
      reduction, training: fixed(5), states: FrameSet(states: fronts(40)),
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
        .feedForward(small()), training: fixed(2), states: FrameSet(states: states),
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

@Suite("Autoencoders as reductions") struct AutoencoderReductionTests {
  @Test(
    "a saved reduction gives the same latents and fields",
    arguments: ["feedForward", "convolutional", "double", "variational", "nearest"])
  func roundTrip(_ name: String) throws {
    var (dense, stages) = (small(), smallConvolutional())
    stages.isBatchNormalized = true
    if name == "double" { dense.precision = .double }
    if name == "variational" { dense.isVariational = true }
    let trainer = try ReductionTrainer(
      name == "convolutional" ? .convolutional(stages) : .feedForward(dense), training: fixed(20),
      states: FrameSet(states: fronts(64)),
      validation: FrameSet(states: fronts(16, seed: 2)), seed: 1)
    while !trainer.isFinished { _ = try trainer.step() }
    let reduction = trainer.finishedReduction()
    if name == "nearest" { try reduction.projectLatents(fittedTo: FrameSet(states: fronts(64))) }
    let folder = try TemporaryFolder()
    try reduction.save(to: folder.path("model"))
    let loaded = try AutoencoderReduction(from: folder.path("model"))
    #expect(loaded.configuration == reduction.configuration && loaded.scaler == reduction.scaler)
    let states = fronts(40, seed: 5)
    let latents = try reduction.encode(states)
    let found = try loaded.encode(states)
    #expect(found == latents)
    let (fields, again) = (try reduction.decode(latents), try loaded.decode(latents))
    #expect(fields == again && fields.shape == states.shape)
  }

  @Test("latents of the nearest field make up for an encoder that is off") func nearest() throws {
    let trainer = try ReductionTrainer(
      .feedForward(small()), training: fixed(2000), states: FrameSet(states: fronts(64)),
      validation: FrameSet(states: fronts(16, seed: 2)), seed: 1)
    while !trainer.isFinished { _ = try trainer.step() }
    let reduction = trainer.finishedReduction()
    let states = fronts(40, seed: 5)
    func error() throws -> Double { try reduction.reconstructionError(of: states).scaled }
    let trained = try error()
    let spread = try reduction.encode(states)
    let bias = try #require(
      reduction.network.state.last { $0.name.hasPrefix("encoder") && $0.name.hasSuffix("bias") })
    #expect(bias.tensor.shape == [spread.shape[1]])
    withoutGradients { bias.tensor.copyInPlace(from: bias.tensor + 0.02) }
    let shifted = try error()
    #expect(shifted > 20 * trained)
    try reduction.projectLatents(fittedTo: FrameSet(states: fronts(64)))
    #expect(try error() < 1.1 * trained)
    #expect(throws: ModelDataError.self) {
      try reduction.projectLatents(
        fittedTo: FrameSet(states: HostArray(repeating: 0, shape: [2, 1, 16])))
    }
  }

  @Test(
    "blocks and single states agree with one batch", arguments: ["feedForward", "convolutional"])
  func blocks(_ name: String) throws {
    let states = fronts(1100)
    let reduction = try AutoencoderReduction(
      name == "feedForward"
        ? .feedForward(small(latents: 2)) : .convolutional(smallConvolutional()),
      stateShape: [2, 16],
      scaler: ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(states)), seed: 1)
    let latents = try reduction.encode(states)
    let fields = try reduction.decode(latents)
    let close = Tolerance(absolute: 1e-6, relative: 1e-6, because: "float32, other order of sums")
    for index in [0, 1023, 1024, 1099] {
      let state = HostArray(states.slice(index).elements, shape: [1, 2, 16])
      let latent = try reduction.encode(state)
      expectClose(latent.elements, latents.slice(index).elements, close)
      expectClose(try reduction.decode(latent).elements, fields.slice(index).elements, close)
    }
    let none = try reduction.encode(HostArray([], shape: [0, 2, 16]))
    #expect(none.shape == [0, reduction.latentCount])
  }

  @Test("wrong shapes are refused") func shapes() throws {
    let reduction = try AutoencoderReduction(
      .feedForward(small(latents: 3)), stateShape: [2, 16],
      scaler: ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(fronts(8))), seed: 1)
    #expect(throws: ModelDataError.self) {
      _ = try reduction.encode(HostArray(repeating: 0, shape: [2, 16]))
    }
    #expect(throws: ModelDataError.self) {
      _ = try reduction.decode(HostArray(repeating: 0, shape: [4, 2]))
    }
  }

  @Test("settings are strict, and each that cannot work is named") func settings() throws {
    func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
      try SettingsTree(json: Data(text.utf8)).decode(type)
    }
    let configuration = try decode(
      AutoencoderConfiguration.self, #"{"convolutional": {"latentCount": 3, "channels": [4, 2]}}"#)
    var expected = ConvolutionalAutoencoder()
    (expected.latentCount, expected.channels) = (3, [4, 2])
    #expect(configuration == .convolutional(expected))
    let encoded = try SettingsTree(encoding: configuration)
    #expect(try encoded.decode(AutoencoderConfiguration.self) == configuration)
    for text in [#"{"feedForward": {}, "convolutional": {}}"#, "{}", #"{"dense": {}}"#] {
      #expect(throws: ConfigurationError.self) {
        _ = try decode(AutoencoderConfiguration.self, text)
      }
    }
    let training = try decode(
      ReductionTraining.self,
      #"{"batchSize": 8, "phase": {"steps": 9, "learningRate": {"constant": {}}}}"#)
    var expectedPhase = ReductionTraining().phase
    (expectedPhase.steps, expectedPhase.learningRate) = (9, .constant(.init()))
    #expect(training.batchSize == 8 && training.phase == expectedPhase)
    // What is not written of a choice is as in its place.
    let cycle = try decode(
      ReductionTraining.self, #"{"phase": {"learningRate": {"oneCycle": {"peak": 0.5}}}}"#)
    #expect(cycle.phase.learningRate == .oneCycle(.init(peak: 0.5, warmupFraction: 0.1)))
    let former = #expect(throws: ConfigurationError.self) {
      _ = try decode(ReductionTraining.self, #"{"course": {"rounds": {}}}"#)
    }
    #expect(former?.remedy.contains("phase") == true)

    var dense = FeedForwardAutoencoder()
    dense.scaling = .standard
    let range = #expect(throws: ConfigurationError.self) { try dense.validate() }
    #expect(range?.path == "feedForward.outputActivation")
    for (path, change) in [
      ("latentCount", { (s: inout FeedForwardAutoencoder) in s.latentCount = 0 }),
      ("hiddenWidth", { $0.hiddenWidth = 0 }), ("hiddenLayers", { $0.hiddenLayers = -1 }),
      ("scalingSlack", { $0.scalingSlack = -0.1 }),
    ] {
      var settings = FeedForwardAutoencoder()
      change(&settings)
      let error = #expect(throws: ConfigurationError.self) { try settings.validate() }
      #expect(error?.path == "feedForward.\(path)")
    }
    for (path, change) in [
      ("channels", { (s: inout ConvolutionalAutoencoder) in s.channels = [] }),
      ("kernelWidth", { $0.kernelWidth = 4 }),
    ] {
      var settings = ConvolutionalAutoencoder()
      change(&settings)
      let error = #expect(throws: ConfigurationError.self) { try settings.validate() }
      #expect(error?.path == "convolutional.\(path)")
    }
    for (path, change) in [
      ("batchSize", { (s: inout ReductionTraining) in s.batchSize = 0 }),
      ("inputNoise", { $0.inputNoise = -1 }), ("beta", { $0.beta = .nan }),
    ] {
      var settings = ReductionTraining()
      change(&settings)
      let error = #expect(throws: ConfigurationError.self) { try settings.validate() }
      #expect(error?.path == "training.\(path)")
    }
  }

  @Test(
    "fields that do not suit the stages are refused", arguments: [[1, 8], [1, 4, 4], [1, 12]])
  func stages(_ shape: [Int]) throws {
    var settings = ConvolutionalAutoencoder()
    settings.padding = shape == [1, 12] ? .circular : .zero
    if shape == [1, 12] { settings.channels = [2] }
    #expect(throws: ConfigurationError.self) {
      _ = try AutoencoderReduction(
        .convolutional(settings), stateShape: shape,
        scaler: ChannelScaler(kind: .none, offset: [0], scale: [1]), seed: 1)
    }
  }
}

@Suite("Autoencoders on every device", .serialized) struct AutoencoderDeviceTests {
  private static let kinds = [
    "feedForward", "variational", "convolutional", "normalized", "variationalConvolutional",
  ]
  private static let states = fronts(300)

  private func untrained(
    _ name: String, device: Device = .cpu, path: ComputePath? = nil, seed: UInt64 = 1
  ) throws -> AutoencoderReduction {
    var (dense, stages) = (small(latents: 2), smallConvolutional())
    dense.isVariational = name == "variational"
    stages.isVariational = name == "variationalConvolutional"
    stages.isBatchNormalized = name == "normalized"
    return try AutoencoderReduction(
      name == "feedForward" || name == "variational" ? .feedForward(dense) : .convolutional(stages),
      stateShape: [2, 16],
      scaler: ChannelScaler(.minMaxZeroOne, fitting: HostArray<Double>(Self.states)), seed: seed,
      device: device, path: path)
  }

  /// The losses of a short training, after which the reduction is a trained one.
  private func losses(_ reduction: AutoencoderReduction) throws -> [Double] {
    let trainer = try ReductionTrainer(
      reduction, training: fixed(8), states: FrameSet(states: Self.states),
      validation: FrameSet(states: fronts(40, seed: 2)), seed: 1)
    let losses = try (0..<8).map { _ in try trainer.step().loss }
    _ = trainer.finishedReduction()
    return losses
  }

  private func expectSame(
    _ found: AutoencoderReduction, _ expected: AutoencoderReduction, _ tolerance: Tolerance
  ) throws {
    let latents = try expected.encode(Self.states)
    expectClose(try found.encode(Self.states).elements, latents.elements, tolerance)
    expectClose(
      try found.decode(latents).elements, try expected.decode(latents).elements, tolerance)
  }

  @Test("are the same by kernels and by tensor operations", arguments: kinds)
  func operations(_ name: String) throws {
    let (trained, plain) = (try untrained(name), try untrained(name, path: .operations))
    let expected = try losses(trained)
    // Steps are gradients over their size, so that rounding in small ones grows.
    expectClose(
      try losses(plain), expected, Tolerance(relative: 2e-3, because: "float32 over eight steps"))
    expectFar(
      try losses(untrained(name, seed: 2)), expected,
      Tolerance(relative: 2e-5, because: "far above rounding"))
    let twin = try untrained(name, path: .operations, seed: 3)
    try twin.network.state.load(trained.network.state, from: name)
    try expectSame(
      twin, trained, Tolerance(absolute: 2e-5, relative: 2e-5, because: "float32 sums"))
  }

  @Test(
    "are the same on a CUDA device", .enabled(if: Device.cudaCount > 0, "needs a CUDA device"),
    arguments: kinds)
  func cuda(_ name: String) throws {
    let trained = try untrained(name)
    let expected = try losses(trained)
    let tolerance = Tolerance(
      absolute: 0.02, relative: 0.02, because: "convolutions with 10 bits of mantissa (TF32)")
    expectClose(try losses(untrained(name, device: .cuda(0))), expected, tolerance)
    let folder = try TemporaryFolder()
    try trained.save(to: folder.url)
    try expectSame(
      AutoencoderReduction(from: folder.url, device: .cuda(0)), trained, tolerance)
  }

  @Test("are not loaded onto a device that is not there") func elsewhere() throws {
    let folder = try TemporaryFolder()
    try untrained("feedForward").save(to: folder.url)
    let error = #expect(throws: TensorError.self) {
      try AutoencoderReduction(from: folder.url, device: .cuda(97))
    }
    #expect(error?.message.contains("'cuda:97' is not here") == true)
  }
}
