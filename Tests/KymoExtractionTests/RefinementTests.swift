// A new decoder on a frozen encoder, and the latents' distribution drawn to the prior.
import Foundation
import KymoData
import KymoMetrics
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoExtraction

@Suite("Refining the decoder", .serialized) struct RefinementTests {
  @Test("keeps the encoder bit for bit and lowers the error with a wider decoder")
  func refine() throws {
    let recordings = try travellingWaves()
    let first = try ExtractionTrainer(
      configuration: smallExtraction(steps: 30), recordings: recordings, seed: 1)
    for _ in 0..<30 { _ = try first.step() }
    let source = first.finishedModel()
    var configuration = smallExtraction(steps: 0)
    configuration.training.phases.decoder.steps = 150
    configuration.training.phases.decoder.learningRate = .cycle(peak: 3e-3)
    configuration.model.hiddenChannels = 32
    let second = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 2,
      start: .frozenEncoder(source))
    let reports = try (0..<150).map { _ in try second.step() }
    let refined = second.finishedModel()
    for (kept, original) in zip(
      refined.encoder.namedParameters, source.encoder.namedParameters)
    {
      #expect(kept.tensor.floats == original.tensor.floats, "\(kept.name)")
    }
    let (before, after) = (reports[0].reconstruction, reports.suffix(10).map(\.reconstruction))
    #expect(after.reduce(0, +) / 10 < 0.7 * before)
    let latents = try refined.extract(recordings, range: 0..<2)
    #expect(latents.map(\.mean) == (try source.extract(recordings, range: 0..<2)).map(\.mean))
  }

  @Test("begins with short rollouts, if that is wanted")
  func growing() throws {
    let recordings = try travellingWaves()
    var configuration = smallExtraction(steps: 0)
    let source = try ParameterVAE(
      configuration: configuration.model, field: FieldDescription(recordings), seed: 1)
    // Steps too small to change anything: losses tell the lengths of rollouts.
    configuration.training.phases.decoder.learningRate = .cycle(peak: 1e-12)
    configuration.training.phases.decoder.steps = 10
    func losses(_ schedule: RolloutSchedule) throws -> [Double] {
      configuration.training.rolloutSchedule = schedule
      let trainer = try ExtractionTrainer(
        configuration: configuration, recordings: recordings, seed: 2,
        start: .frozenEncoder(source))
      return try (0..<4).map { _ in try trainer.step().reconstruction }
    }
    let (growing, full) = (try losses(.growing), try losses(.full))
    #expect(growing[0] < 0.8 * full[0] && growing[1] < 0.9 * full[1])
    expectClose(
      Array(growing[2...]), Array(full[2...]),
      Tolerance(relative: 1e-5, because: "weights are nearly the same"))
  }

  @Test("learns latents fitted to the decoder before, and continues with bit-equal losses")
  func fitted() throws {
    let recordings = try travellingWaves()
    let first = try ExtractionTrainer(
      configuration: smallExtraction(steps: 400), recordings: recordings, seed: 1)
    for _ in 0..<400 { _ = try first.step() }
    let source = first.finishedModel()
    var configuration = smallExtraction(steps: 0)
    configuration.training.phases.decoder.steps = 4
    configuration.training.fitCrops = 2
    func refinement() throws -> ExtractionTrainer {
      try ExtractionTrainer(
        configuration: configuration, recordings: recordings, seed: 2,
        start: .frozenEncoder(source))
    }
    let unbroken = try refinement()
    // 24 recordings are three batches.
    #expect(unbroken.totalSteps == 3 + 4)
    let folders = try (0..<7).map { _ in try TemporaryFolder() }
    let reports = try folders.map { folder in
      try unbroken.saveCheckpoint(to: folder.url)
      return try unbroken.step()
    }
    let kept = try SafeTensors.read(folders[6].url.appending(path: "state.safetensors")).tensors
    func values(_ name: String) -> [Double] {
      kept.first { $0.name == "model.fit." + name }?.tensor.doubles ?? []
    }
    let fitted = [0, 1].filter { values("carrying")[$0] > 0 }
    try #require(!fitted.isEmpty)
    for index in [0, 17] {
      let read = RecordingLatents(recordings, model: source).batch([index])
      let start = LatentEstimate(
        mean: read.mean.doubles, standardDeviation: (read.logVariance * 0.5).exp().doubles)
      let own = source.fit(recordings, index, from: start, latents: fitted, crops: 2)
      #expect(own.mean != start.mean)
      expectClose(
        Array(values("mean")[2 * index..<2 * index + 2]), own.mean,
        Tolerance(absolute: 1e-6, because: "they are kept in single precision"))
    }
    for start in [0, 1, 3, 5] {
      let resumed = try refinement()
      try resumed.restore(from: folders[start].url)
      #expect(try (start..<7).map { _ in try resumed.step() } == Array(reports[start...]))
    }
  }

  @Test(
    "begins as the decoder before, if that is wanted and fits into the new one",
    arguments: [
      (1, KernelNetwork.perceptron, 0, 32), (1, .perceptron, 5, 48), (2, .quadratic, 7, 40),
    ])
  func widening(axes: Int, kind: KernelNetwork, linearWidth: Int, units: Int) throws {
    var random = RandomStream(seed: 6, purpose: .testing)
    let field = FieldDescription(
      channels: 2, boundary: Array(repeating: .periodic, count: axes), frameInterval: 1)
    var configuration = ParameterModelConfiguration()
    (configuration.latents, configuration.kernelNetwork) = (2, kind)
    (configuration.kernelUnits, configuration.linearWidth) = (32, linearWidth)
    configuration.incrementScale = 0.1
    let source = try ParameterVAE(configuration: configuration, field: field, seed: 1)
    withoutGradients {
      // Linear paths and products have no weight at first.
      for (name, weight) in source.kernelNetwork.namedParameters {
        let isOff = name.contains("linear.1") || kind == .quadratic && name.contains(".0.weight")
        if isOff { weight.copyInPlace(from: .normal(weight.shape, using: &random) * 0.1) }
      }
      source.lambda.fillInPlace(0.7)
    }
    (configuration.hiddenChannels, configuration.kernelUnits) = (48, units)
    let wide = try ParameterVAE(configuration: configuration, field: field, seed: 2)
    try wide.adopt(.frozenEncoder(source), widensDecoder: true)
    let cells = [Int](repeating: 20, count: axes)
    let latents = Tensor.normal([3, 2], using: &random)
    let start = Tensor.normal([3, 2, 1] + cells, using: &random)
    let (before, after) = (
      source.rollout(latents: latents, truth: start, steps: 3, halo: .periodic).doubles,
      wide.rollout(latents: latents, truth: start, steps: 3, halo: .periodic).doubles
    )
    expectClose(after, before, Tolerance(absolute: 1e-5, because: "sums are in another order"))
    let count = cells.reduce(1, *)
    let moved = zip(before.prefix(count), start.doubles.prefix(count)).map { abs($0 - $1) }
    #expect(moved.reduce(0, +) / Double(count) > 0.05, "one step of one channel does something")

    // What is wider, or of another kind or scale, does not fit.
    #expect(!source.kernelNetwork.adopt(wide.kernelNetwork))
    configuration.kernelNetwork = .affine
    let other = try ParameterVAE(configuration: configuration, field: field, seed: 2)
    #expect(!other.kernelNetwork.adopt(source.kernelNetwork))
    (configuration.kernelNetwork, configuration.incrementScale) = (kind, 0.2)
    let steeper = try ParameterVAE(configuration: configuration, field: field, seed: 2)
    let error = #expect(throws: ModelError.self) {
      try steeper.adopt(.frozenEncoder(source), widensDecoder: true)
    }
    #expect(error?.description.contains("training.widensDecoder: false") == true)
    try steeper.adopt(.frozenEncoder(source))
    #expect(steeper.lambda.doubles != source.lambda.doubles)
  }

  @Test("has no joint steps")
  func joint() {
    var training = ParameterTrainingConfiguration()
    let error = #expect(throws: ConfigurationError.self) { try training.validateRefinement() }
    #expect(error?.description.contains("training.phases.decoder.steps") == true)
    (training.phases.joint.steps, training.phases.decoder.steps) = (0, 1)
    #expect(throws: Never.self) { try training.validateRefinement() }
  }

  @Test("a training that starts from a whole model goes on from its error")
  func warmStart() throws {
    let recordings = try travellingWaves()
    let first = try ExtractionTrainer(
      configuration: smallExtraction(steps: 400), recordings: recordings, seed: 1)
    let reports = try (0..<400).map { _ in try first.step() }
    let second = try ExtractionTrainer(
      configuration: smallExtraction(steps: 20), recordings: recordings, seed: 9,
      start: .model(first.finishedModel()))
    let next = try second.step()
    #expect(next.reconstruction < 0.5 * reports[0].reconstruction)
    #expect(second.model.namedParameters.contains { $0.name == "encoder.gain" } == false)
  }

  @Test("refuses an encoder of another size, with its name and the mend")
  func mismatch() throws {
    var configuration = smallExtraction(steps: 0)
    configuration.training.phases.decoder.steps = 1
    let recordings = try travellingWaves(8)
    let source = try ParameterVAE(
      configuration: configuration.model, field: FieldDescription(recordings), seed: 1)
    configuration.model.latents = 3
    let error = #expect(throws: ModelError.self) {
      _ = try ExtractionTrainer(
        configuration: configuration, recordings: recordings, seed: 1,
        start: .frozenEncoder(source))
    }
    #expect(error?.description.contains("encoder.mean.weight") == true)
    #expect(error?.description.contains("model.latents") == true)
  }
}

@Suite("Training the decoder alone at the end", .serialized) struct DecoderStepsTests {
  @Test("keeps the finished encoder, lowers the error, and uses its own cycle of the learning rate")
  func decoderAlone() throws {
    let recordings = try travellingWaves()
    var configuration = smallExtraction(steps: 150)
    configuration.training.phases.decoder.steps = 300
    configuration.training.phases.decoder.learningRate = .cycle(peak: 3e-3)
    let trainer = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 1)
    #expect(trainer.totalSteps == 450)
    var reports: [StepRecord] = []
    for _ in 0..<150 { reports.append(try trainer.step()) }
    let encoder = trainer.model.encoder.namedParameters.map { $0.tensor.floats }
    for _ in 0..<300 { reports.append(try trainer.step()) }
    #expect(trainer.model.encoder.namedParameters.map { $0.tensor.floats } == encoder)
    func mean(_ range: Range<Int>) -> Double {
      reports[range].reduce(0) { $0 + $1.reconstruction } / Double(range.count)
    }
    #expect(mean(440..<450) < 0.8 * mean(140..<150))
    let peak = 3e-3
    let largest = try #require(reports[150...].map(\.learningRate).max())
    #expect(largest > 0.98 * peak && largest <= peak)
    // Latents of whole recordings are far more certain than those of crops.
    #expect(reports[449].latentSigma2[0] < 0.7 * reports[149].latentSigma2[0])
  }

  @Test(
    "continues from checkpoints before, at and after the change with bit-equal losses",
    arguments: [(OptimizerChoice.adam, OptimizerChoice.adam), (.soap, .adam), (.adam, .soap)])
  func continuation(_ joint: OptimizerChoice, _ alone: OptimizerChoice) throws {
    let recordings = try travellingWaves()
    var configuration = smallExtraction(steps: 5)
    configuration.training.phases.decoder.steps = 5
    configuration.training.phases.joint.optimizer = joint
    configuration.training.phases.decoder.optimizer = alone
    configuration.training.phases.change { $0.weightAverage = 0.8 }
    let unbroken = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 5)
    let folders = try (0..<10).map { _ in try TemporaryFolder() }
    var expected: [StepRecord] = []
    for step in 0..<10 {
      try unbroken.saveCheckpoint(to: folders[step].url)
      expected.append(try unbroken.step())
    }
    let model = unbroken.finishedModel().namedParameters.map { $0.tensor.floats }
    for start in [3, 5, 6, 9] {
      let resumed = try ExtractionTrainer(
        configuration: configuration, recordings: recordings, seed: 5)
      try resumed.restore(from: folders[start].url)
      #expect(resumed.stepIndex == start)
      let found = try (start..<10).map { _ in try resumed.step() }
      #expect(found == Array(expected[start...]), "from step \(start)")
      #expect(resumed.finishedModel().namedParameters.map { $0.tensor.floats } == model)
    }
  }

  @Test("works from a whole model without joint steps")
  func fromModel() throws {
    let recordings = try travellingWaves()
    let first = try ExtractionTrainer(
      configuration: smallExtraction(steps: 30), recordings: recordings, seed: 1)
    for _ in 0..<30 { _ = try first.step() }
    let source = first.finishedModel()
    var configuration = smallExtraction(steps: 0)
    configuration.training.phases.decoder.steps = 10
    configuration.training.phases.change { $0.weightAverage = 0.5 }
    let second = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 2, start: .model(source))
    for _ in 0..<10 { _ = try second.step() }
    let latents = try second.finishedModel().extract(recordings, range: 0..<2)
    #expect(latents.map(\.mean) == (try source.extract(recordings, range: 0..<2)).map(\.mean))
  }
}

@Suite("Drawing latents to the prior") struct PriorMatchingTests {
  @Test("moves a skewed and peaked latent to zero skewness and excess, a normal one nowhere")
  func moments() {
    var random = RandomStream(seed: 4, purpose: .testing)
    // An exponential law has skewness 2 and excess 6; σ is small.
    let skewed = (0..<4000).map { _ in Float(-log(1 - random.uniform()) - 1) }
    let normal = (0..<4000).map { _ in Float(random.normal()) }
    var gradients: [[Float]] = []
    for values in [skewed, normal] {
      let matching = PriorMatching(latents: 1, device: .cpu)
      let mean = Tensor(values, shape: [values.count, 1]).requiringGradient()
      let variance = Tensor.full([values.count, 1], 0.01)
      for _ in 0..<200 { _ = matching.loss(mean: mean.detached(), variance: variance, mixed: 1) }
      matching.loss(mean: mean, variance: variance, mixed: 1).backward()
      gradients.append(mean.gradient?.floats ?? [])
    }
    // A step against the gradient draws the long tail in.
    let tail = skewed.indices.filter { skewed[$0] > 3 }
    #expect(!tail.isEmpty && tail.allSatisfy { gradients[0][$0] > 0 })
    func size(_ gradient: [Float]) -> Float { gradient.map(\.magnitude).reduce(0, +) }
    #expect(size(gradients[1]) < 0.2 * size(gradients[0]))
  }

  /// Random μ of three latents, `[B, 3]`; the second bends with the square of the first.
  private func bent(_ count: Int, by bend: Double) -> [Double] {
    var random = RandomStream(seed: 5, purpose: .testing)
    return (0..<count).flatMap { _ in
      let first = random.normal()
      let second = 0.8 * random.normal() + bend * (first * first - 1)
      return [first, second, random.normal()]
    }
  }

  @Test("has the value of moments that are summed one by one", arguments: [0, 0.3, 1])
  func value(_ mixed: Double) {
    let (count, means) = (200, bent(200, by: 0.3))
    let variances = (0..<count * 3).map { 0.1 + 0.2 * Double($0 % 3) }
    func hermite(_ row: Int, _ indices: [Int]) -> Double {
      let m = indices.map { means[3 * row + $0] }
      let v = indices.map { variances[3 * row + $0] - 1 }
      func shared(_ a: Int, _ b: Int, _ other: Int) -> Double {
        indices[a] == indices[b] ? v[a] * m[other] : 0
      }
      return m[0] * m[1] * m[2] + shared(0, 1, 2) + shared(0, 2, 1) + shared(1, 2, 0)
    }
    func mean(_ value: (Int) -> Double) -> Double {
      (0..<count).reduce(0) { $0 + value($1) } / Double(count)
    }
    var expected = 0.0
    // Of the running averages, one of fifty parts is the first batch.
    for i in 0..<3 {
      for j in 0..<3 {
        for k in 0..<3 {
          let moment = mean { hermite($0, [i, j, k]) }
          expected += (i == j && j == k ? 1 : mixed) * moment * moment / 50 / 6
        }
      }
      let fourth = mean { row in
        let (m, v) = (means[3 * row + i], variances[3 * row + i])
        return m * m * m * m + 6 * m * m * v + 3 * v * v - 6 * (m * m + v) + 3
      }
      expected += fourth * fourth / 50 / 24
    }
    let found = PriorMatching(latents: 3, device: .cpu).loss(
      mean: Tensor(doubles: means, shape: [count, 3]).cast(to: .float32),
      variance: Tensor(doubles: variances, shape: [count, 3]).cast(to: .float32), mixed: mixed)
    #expect(abs(found.item - expected) < 1e-4 * abs(expected))
  }

  @Test("removes the square of another latent, which a latent's own moments hardly show")
  func cross() {
    let count = 4000
    var slopes: [Double] = []
    for bend in [0.2, 0, -0.2] {
      let means = bent(count, by: bend)
      let matching = PriorMatching(latents: 3, device: .cpu)
      let mean = Tensor(doubles: means, shape: [count, 3]).cast(to: .float32).requiringGradient()
      let variance = Tensor.full([count, 3], 0.01)
      for _ in 0..<200 { _ = matching.loss(mean: mean.detached(), variance: variance, mixed: 1) }
      matching.loss(mean: mean, variance: variance, mixed: 1).backward()
      let gradient = mean.gradient?.floats ?? []
      // How the gradient on the second latent goes with the first one's square.
      slopes.append(
        (0..<count).reduce(0) { sum, row in
          let first = means[3 * row]
          return sum + Double(gradient[3 * row + 1]) * (first * first - 1)
        })
    }
    #expect(slopes[0] > 0 && slopes[2] < 0)
    #expect(abs(slopes[1]) < 0.2 * min(slopes[0], -slopes[2]))
  }
}

@Suite("Models of fields in any units", .serialized) struct UnitsTests {
  @Test("give the same latents and rescaled rollouts whatever the unit")
  func units() throws {
    let plain = try travellingWaves()
    var values: [Float] = []
    for index in 0..<plain.count { values += plain[index].elements.map { 300 + 5 * $0 } }
    let kelvin = Recordings(
      x: HostArray(values, shape: plain.shape), params: plain.params, metadata: plain.metadata)
    let models = try [plain, kelvin].map { recordings in
      let trainer = try ExtractionTrainer(
        configuration: smallExtraction(steps: 20),
        recordings: recordings.scaled(by: recordings.standardScaler()), seed: 1)
      for _ in 0..<20 { _ = try trainer.step() }
      return trainer.finishedModel()
    }
    let first = try models[0].extract(plain, range: 0..<3).map(\.mean)
    let second = try models[1].extract(kelvin, range: 0..<3).map(\.mean)
    let tolerance = Tolerance(
      absolute: 0.02, because: "300 ± 5 in float32 has 2e-6 of the range, over 20 steps of training"
    )
    expectClose(second.flatMap(\.self), first.flatMap(\.self), tolerance)
    let rollouts = try zip(models, [plain, kelvin]).map { model, recordings in
      try model.rollout(
        recordings, range: 0..<3, latents: first, frames: 5, halo: .periodic
      ).elements.map(Double.init)
    }
    expectClose(
      rollouts[1].map { ($0 - 300) / 5 }, rollouts[0],
      Tolerance(absolute: 0.02, because: "as above"))
    // A saved model knows its units.
    let folder = try TemporaryFolder()
    try models[1].save(to: folder.url)
    let loaded = try ParameterVAE.load(from: folder.url)
    #expect(loaded.field.scaling == models[1].field.scaling)
    #expect(try loaded.extract(kelvin, range: 0..<3).map(\.mean) == second)
  }
}
