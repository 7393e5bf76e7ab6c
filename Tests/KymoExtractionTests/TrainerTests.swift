// Training in small: the loss falls, a continued training repeats the unbroken one bit for bit, the
// saved model is the trained one, hostile settings are refused.
import Foundation
import KymoData
import KymoMetrics
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoExtraction

private func temporaryFolder() throws -> URL {
  let folder = FileManager.default.temporaryDirectory.appending(path: "kymo-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  return folder
}

@Suite("Training the parameter VAE", .serialized) struct TrainerTests {
  @Test("lowers the reconstruction error to less than a third", arguments: [1, 2] as [UInt64])
  func learns(_ seed: UInt64) throws {
    let trainer = try ExtractionTrainer(
      configuration: smallExtraction(steps: 400), recordings: travellingWaves(), seed: seed)
    let reports = try (0..<400).map { _ in try trainer.step() }
    let first = reports.prefix(10).reduce(0) { $0 + $1.reconstruction }
    let last = reports.suffix(10).reduce(0) { $0 + $1.reconstruction }
    #expect(last < first / 3, "from \(first / 10) to \(last / 10), seed \(seed)")
  }

  @Test("the errors of recordings become one loss as the recipe says") func averages() throws {
    let recordings = try travellingWaves()
    let errors = try [ErrorAverage.geometric, .root, .arithmetic].map { average in
      var configuration = smallExtraction(steps: 1)
      configuration.training.average = average
      let trainer = try ExtractionTrainer(
        configuration: configuration, recordings: recordings, seed: 1)
      return try trainer.step().reconstruction
    }
    // Means of powers 0, 1/2 and 1 of the same errors, which differ from recording to recording.
    #expect(errors[0] < 0.999 * errors[1] && errors[1] < 0.999 * errors[2], "\(errors)")
  }

  @Test("starts at the error of persistence: an untrained decoder changes nothing")
  func persistence() throws {
    let recordings = try travellingWaves()
    let trainer = try ExtractionTrainer(
      configuration: smallExtraction(steps: 5), recordings: recordings, seed: 1)
    let first = try trainer.step().reconstruction
    // The mean square of u(t) − u(0) over the same kind of crops, by hand on whole recordings.
    var (sum, count) = (0.0, 0.0)
    for index in 0..<recordings.count {
      let x = recordings[index]
      for frame in 1..<9 {
        for start in stride(from: 0, to: 40, by: 8) {
          for point in 0..<48 {
            let change = Double(x[start + frame - 1, 0, point] - x[max(start - 1, 0), 0, point])
            sum += change * change
            count += 1
          }
        }
      }
    }
    #expect(first > 0.4 * sum / count && first < 2.5 * sum / count, "\(first), \(sum / count)")
  }

  @Test("β counted in the error falls with it, from that of predicting no change")
  func errorUnit() throws {
    var configuration = smallExtraction(steps: 400)
    (configuration.training.beta, configuration.training.betaUnit) = (0.1, .error)
    configuration.training.betaStart = 1
    let trainer = try ExtractionTrainer(
      configuration: configuration, recordings: travellingWaves(), seed: 1)
    let reports = try (0..<400).map { _ in try trainer.step() }
    let betas = reports.compactMap(\.beta)
    #expect(betas.count == 400)
    var running = try #require(betas.first) / 0.1
    #expect(running > 0.4 * reports[0].reconstruction && running < 2.5 * reports[0].reconstruction)
    let ceiling = running
    for (report, beta) in zip(reports, betas) {
      expectClose([beta], [0.1 * running], Tolerance(relative: 1e-5, because: "kept in float32"))
      running += 0.01 * (min(report.reconstruction, ceiling) - running)
    }
    #expect(betas[399] < betas[0] / 2)
  }

  @Test("running variances stay in usual batches, and follow those that left them behind")
  func followedVariance() {
    let (running, shift) = (Tensor([1, 0.04], shape: [2]), Tensor([3, -1], shape: [2]))
    let usual = Tensor([4, -1.3, 2, -0.7, 3.5, -1.1], shape: [3, 2])
    #expect(
      JointObjective.followed(running, by: usual, shift: shift).floats == running.floats)
    let far = Tensor([4, 9, 2, 9, 3.5, 9], shape: [3, 2])
    let followed = JointObjective.followed(running, by: far, shift: shift)
    // (9 + 1)² is four times the variance that it is divided by.
    #expect(followed.floats == [1, 25])
  }

  @Test("continues from a checkpoint with bit-equal losses")
  func continuation() throws {
    let recordings = try travellingWaves()
    var configuration = smallExtraction(steps: 12)
    configuration.training.phases.change { $0.weightAverage = 0.9 }
    configuration.training.propagationNoise = 0.01
    configuration.model.averagingDropout = 0.1
    configuration.training.betaUnit = .error
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let unbroken = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 5)
    var expected: [StepRecord] = []
    for step in 0..<12 {
      if step == 5 { try unbroken.saveCheckpoint(to: folder) }
      expected.append(try unbroken.step())
    }
    let resumed = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 5)
    try resumed.restore(from: folder)
    #expect(resumed.stepIndex == 5)
    let found = try (5..<12).map { _ in try resumed.step() }
    #expect(found == Array(expected[5...]))
    let other = try ExtractionTrainer(configuration: configuration, recordings: recordings, seed: 6)
    #expect(throws: ModelDataError.self) { try other.restore(from: folder) }
    let differs = try other.step()
    #expect(differs.loss != expected[0].loss)
  }

  @Test("the saved model gives the trained model's latents and rollouts")
  func savedModel() throws {
    let recordings = try travellingWaves()
    let trainer = try ExtractionTrainer(
      configuration: smallExtraction(steps: 30), recordings: recordings, seed: 2)
    for _ in 0..<30 { _ = try trainer.step() }
    let before = try trainer.model.extract(recordings, range: 0..<4)
    let model = trainer.finishedModel()
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try model.save(to: folder)
    let loaded = try ParameterVAE.load(from: folder)
    let after = try loaded.extract(recordings, range: 0..<4)
    expectClose(
      after.flatMap(\.mean), before.flatMap(\.mean),
      Tolerance(absolute: 1e-4, because: "folding reorders float32 products"))
    let latents = after.map(\.mean)
    let first = try model.rollout(
      recordings, range: 0..<4, latents: latents, frames: 20, halo: .periodic)
    let second = try loaded.rollout(
      recordings, range: 0..<4, latents: latents, frames: 20, halo: .periodic)
    #expect(first.shape == [4, 20, 1, 48])
    #expect(first == second)
  }

  @Test("a model of version 2 is read: entries at the top, one word on periodicity")
  func earlierModel() throws {
    let recordings = try travellingWaves(2)
    let model = try ParameterVAE(
      configuration: smallExtraction(steps: 1).model, field: FieldDescription(recordings), seed: 1)
    model.foldNormalization()
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try model.save(to: folder)
    let file = folder.appending(path: "model.json")
    let present = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    var entries = try #require(present["model"] as? [String: Any])
    var data = try #require(entries["data"] as? [String: Any])
    #expect(data["boundary"] as? [String] == ["periodic"])
    data["boundary"] = nil
    (data["spaceAxes"], data["isPeriodic"]) = (1, true)
    (entries["data"], entries["format"], entries["version"]) = (data, present["format"], 2)
    (entries["model"], entries["configuration"]) = (entries["configuration"], nil)
    try JSONSerialization.data(withJSONObject: entries).write(to: file)
    let loaded = try ParameterVAE.load(from: folder)
    #expect(loaded.field == model.field && loaded.configuration == model.configuration)
    #expect(
      try loaded.extract(recordings, range: 0..<2).map(\.mean)
        == model.extract(recordings, range: 0..<2).map(\.mean))
  }

  @Test(
    "a model whose description does not fit its weights is refused",
    arguments: [
      1_375_438, 65_536, 0, -1,
    ])
  func editedModel(_ channels: Int) throws {
    let recordings = try travellingWaves(2)
    let model = try ParameterVAE(
      configuration: smallExtraction(steps: 1).model, field: FieldDescription(recordings), seed: 1)
    model.foldNormalization()
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try model.save(to: folder)
    let file = folder.appending(path: "model.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    let edited = text.replacing("\"channels\" : 1\n", with: "\"channels\" : \(channels)\n")
    #expect(edited != text)
    try Data(edited.utf8).write(to: file)
    #expect(throws: ModelDataError.self) { try ParameterVAE.load(from: folder) }
  }

  @Test(
    "dense and lattice evaluation of whole recordings differ little, and the dense is asked for")
  func evaluationStride() throws {
    let recordings = try travellingWaves(4)
    let model = try ParameterVAE(
      configuration: smallExtraction(steps: 1).model, field: FieldDescription(recordings), seed: 1)
    let dense = try model.extract(recordings, range: 0..<4)
    let sparse = try model.extract(recordings, range: 0..<4, encoderStride: 2)
    #expect(dense.map(\.mean) != sparse.map(\.mean))
    expectClose(
      sparse.flatMap(\.mean), dense.flatMap(\.mean),
      Tolerance(absolute: 0.2, because: "averages over a quarter of the positions"))
  }

  @Test(
    "refuses what does not fit, naming the setting",
    arguments: [
      ("training.inputCrop", [64, 94], [9, 30]), ("training.targetCrop", [34, 40], [60, 30]),
      ("training.targetCrop", [34, 40], [9, 12]), ("training.inputCrop", [30, 40], [9, 30]),
    ])
  func refusals(_ path: String, _ input: [Int], _ target: [Int]) throws {
    var configuration = smallExtraction(steps: 1)
    configuration.training.inputCrop = input
    configuration.training.targetCrop = target
    let error = #expect(throws: ConfigurationError.self) {
      _ = try ExtractionTrainer(
        configuration: configuration, recordings: travellingWaves(), seed: 1)
    }
    #expect(error?.path == path)
  }

  @Test("starts the asked part of rollouts at first frames, and others where they started before")
  func beginnings() throws {
    let recordings = try travellingWaves(8)
    var configuration = smallExtraction(steps: 1)
    func offsets(_ beginnings: Double) throws -> [[Int]] {
      configuration.training.beginnings = beginnings
      var sampler = BatchSampler(recordings, training: configuration.training, seed: 1)
      return (0..<250).map { sampler.draw(step: $0).targets.map(\.timeOffset) }
    }
    // 48 frames and crops of 9: offsets 0 to 39.
    let (never, some, always) = (try offsets(0), try offsets(0.3), try offsets(1))
    #expect(always.joined().allSatisfy { $0 == 0 } && Set(never.joined()) == Set(0..<40))
    let part = Double(some.joined().count { $0 == 0 }) / 2000
    #expect(abs(part - (0.3 + 0.7 / 40)) < 0.04)
    // The first crop of a step is drawn before the first choice.
    for (before, now) in zip(never, some) { #expect(now[0] == before[0] || now[0] == 0) }
    for change in [\ParameterTrainingConfiguration.beginnings, \.mixedMoments] {
      var training = ParameterTrainingConfiguration()
      training[keyPath: change] = 1.5
      #expect(throws: ConfigurationError.self) { try training.validate() }
    }
  }

  @Test("stops at the first loss that is not finite, and says what to do")
  func nonFinite() throws {
    let shape = [4, 1, 48, 48]
    var metadata = RecordingsMetadata()
    metadata.boundary = [.periodic]
    let recordings = Recordings(
      x: HostArray(repeating: Float.infinity, shape: shape), metadata: metadata)
    var configuration = smallExtraction(steps: 3)
    configuration.model.dataStart = false
    let trainer = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 1)
    let error = #expect(throws: NonFiniteLoss.self) { _ = try trainer.step() }
    #expect(error?.step == 1)
    #expect(error?.description.contains("learningRate") == true)
  }

  @Test("a collapsed latent reads the published variance on full recordings")
  func collapsed() throws {
    var metadata = RecordingsMetadata()
    metadata.boundary = [.periodic]
    let recordings = Recordings(
      x: HostArray(repeating: Float(1), shape: [1, 1, 256, 256]), metadata: metadata)
    let model = try ParameterVAE(
      configuration: ParameterModelConfiguration(), field: FieldDescription(recordings), seed: 1)
    model.trainedMap = [34, 64]
    #expect((model.collapsedVariance(for: recordings) - 0.0376).magnitude < 5e-5)
  }

  @Test("settings decode strictly, missing keys take the defaults")
  func decoding() throws {
    func decode(_ text: String) throws -> ExtractionConfiguration {
      try SettingsTree(json: Data(text.utf8)).decode(ExtractionConfiguration.self)
    }
    let partial = try decode(#"{"training": {"phases": {"joint": {"steps": 7}}}}"#)
    var expected = ExtractionConfiguration()
    expected.training.phases.joint.steps = 7
    #expect(partial == expected)
    let error = #expect(throws: ConfigurationError.self) {
      _ = try decode(#"{"model": {"latentz": 7}}"#)
    }
    #expect(error?.remedy == "Did you mean 'latents'?")
    let word = #expect(throws: ConfigurationError.self) {
      _ = try decode(#"{"model": {"kernelNetwork": "afine"}}"#)
    }
    #expect(word?.path == "model.kernelNetwork" && word?.remedy == "Did you mean 'affine'?")
  }
}
