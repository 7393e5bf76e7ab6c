// A whole forecasting run at the smallest size: waves on a line, two principal components,
// reservoirs.
import Foundation
import KymoData
import KymoNN
import KymoNumerics
import KymoResults
import KymoRuns
import KymoTestSupport
import Logging
import Testing

@testable import KymoExperiments

/// A travelling wave of two cells' width in two channels; two latents describe it.
func writeWaves(
  to file: URL, recordings: Int, frames: Int, phase: Double, interval: Double = 0.5
) throws {
  let points = 12
  var values: [Float] = []
  for recording in 0..<recordings {
    let start = phase + 1.3 * Double(recording)
    for channel in 0..<2 {
      for frame in 0..<frames {
        for point in 0..<points {
          let angle = 2 * Double.pi * Double(point) / Double(points) - 0.2 * Double(frame) - start
          values.append(Float(channel == 0 ? cos(angle) : 0.1 * sin(angle)))
        }
      }
    }
  }
  let writer = try NPZWriter(file)
  try writer.add("x", HostArray(values, shape: [recordings, 2, frames, points]))
  try writer.add("dt", interval)
  try writer.finish()
}

@Suite("A forecasting run") struct ForecastingRunTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try writeWaves(to: folder.path("train.npz"), recordings: 4, frames: 200, phase: 0)
    try writeWaves(to: folder.path("test.npz"), recordings: 2, frames: 150, phase: 0.4)
  }

  private func text(_ extra: String = "") -> String {
    """
    method: dynamics
    name: waves
    data: {train: \(folder.path("train.npz").path), test: \(folder.path("test.npz").path)}
    reduction: {principalComponents: {latentCount: 2}}
    propagator: {reservoir: {unitCount: 60, degree: 4, washOutSteps: 20, ridgePenalty: 1.0e-8}}
    ensembleSize: 2
    forecast: {warmUpSteps: 30, horizonSteps: 50, initialConditions: 6}
    evaluation: {timedSteps: 5}
    \(extra)
    """
  }

  private func recipe(_ extra: String = "") throws -> DynamicsRecipe {
    try DynamicsRecipe(yaml: text(extra), source: "waves.yaml")
  }

  private var hooks: TrainingHooks {
    TrainingHooks { _ in Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
  }

  /// The models of a run.
  private func trained(_ run: URL) throws -> DynamicsRun {
    try #require(try MethodList.standard.load(RunDirectory(run), device: nil) as? DynamicsRun)
  }

  @Test("learns waves, forecasts them and is read again") func whole() throws {
    let recipe = try recipe(
      """
      comparisons:
        latentCounts: [1, 2]
        reductions: [{principalComponents: {}}]
        propagators: [{sindy: {timeModel: discrete, polynomialDegree: 1}}]
        fullState: [{reservoir: {unitCount: 96, degree: 4, washOutSteps: 20, ridgePenalty: 1.0e-8}}]
      """)
    let run = folder.path("run")
    #expect(
      try TrainingRun.train(recipe, at: run, force: false, hooks: hooks) == .finished)
    let directory = RunDirectory(run)
    #expect(directory.isFinished)
    let steps = try MetricsLog.read(directory.metrics)
    #expect(
      steps.compactMap(\.stage) == [
        "reduction", "propagator-1", "propagator-2", "comparison-reduction-1-of-1",
        "comparison-reduction-1-of-2", "comparison-propagator-1", "comparison-full-state-1",
      ])

    let results = try trained(run).findings(on: .recipe, hooks: WorkHooks())
    // Two components hold a single wave in both channels: what is left is rounding to Float.
    let main = try #require(results.reconstructions.first)
    #expect(main.isMain && main.latentCount == 2 && main.scaledMeanSquaredError < 1e-10)
    let one = try #require(results.reconstructions.first { $0.latentCount == 1 })
    #expect(one.scaledMeanSquaredError > 1e-2)
    let persistence = try #require(results.propagators.last)
    #expect(
      results.propagators.map(\.name)
        == ["reservoir", "reservoir, 2 members", "SINDy", "last known frame kept"])
    #expect(persistence.meanDifference > 0.2, "the wave goes on")
    #expect(results.initialConditionCount == 6)
    for score in results.propagators.dropLast() + results.fullState {
      // A wave that is forgotten differs by a third of its range.
      #expect(score.meanDifference < 0.05, "\(score.name): \(score.meanDifference)")
      #expect(score.divergedCount == 0 && score.latentFraction == 1)
    }
    #expect(results.fields.map { $0.channels.map(\.name) } == [["u", "v"]])
    #expect(results.paths.count == 1)
    #expect(results.costs == nil)
    let written = try TrainingRun.evaluateUnlessDone(
      directory, device: nil, on: .recipe, hooks: WorkHooks())
    let read = try directory.readResults()
    #expect(try read.json() == written.json())
    #expect(read.scores["propagator-scores"]?.rows.map(\.name) == results.propagators.map(\.name))
    #expect(read.data.file == "test.npz" && !read.data.isTrainingData)
    let ids = read.sections.map(\.id)
    #expect(Set(ids).count == ids.count, "ids name the files of figures")
    #expect(try read.values(ForecastValues.self).initialConditionCount == 6)
    // They are not made anew, and the person is told.
    var marked = read
    marked.headline = ["as it was"]
    try directory.write(json: marked, to: directory.results)
    var (listening, notes) = (WorkHooks(), [String]())
    listening.note = { notes.append($0) }
    let again = try TrainingRun.evaluateUnlessDone(
      directory, device: nil, on: .recipe, hooks: listening)
    #expect(again.headline == ["as it was"])
    #expect(notes.count == 1 && notes[0].contains("kymo evaluate"))
  }

  @Test("forecasts a person's own recordings") func order() throws {
    let run = folder.path("run")
    _ = try TrainingRun.train(recipe(), at: run, force: false, hooks: hooks)
    let recordings = try Recordings.load(folder.path("test.npz"))
    var order = ForecastOrder()
    order.horizonSteps = 40
    let product = try trained(run).forecast(recordings, order: order, hooks: WorkHooks())
    #expect(product.frames.shape == [2, 40, 2, 12])
    #expect(product.latents?.shape == [2, 40, 2])
    #expect(try #require(product.summary.rootMeanSquareError) < 0.1)
    let file = folder.path("forecast.npz")
    try product.write(to: file)
    let written = try Recordings.load(file)
    #expect(written.shape == [2, 2, 40, 12])
    #expect(written.frameInterval == 0.5)
    // Frame 30 of the file is the first that is forecast.
    let (own, other) = (written[1].elements, recordings[1].elements)
    #expect((own[3] - other[30 * 2 * 12 + 3]).magnitude < 0.1)

    // Beyond the end of the file there is nothing to compare with.
    order.horizonSteps = 500
    let long = try trained(run).forecast(recordings, order: order, hooks: WorkHooks())
    #expect(long.summary.rootMeanSquareError == nil && long.frames.shape[1] == 500)
    order.microSteps = 2
    order.macroSteps = 2
    let error = #expect(throws: ConfigurationError.self) {
      try trained(run).forecast(recordings, order: order, hooks: WorkHooks())
    }
    #expect(error?.path == "--solver")
  }

  @Test("takes the models of another run as they are") func startFrom() throws {
    let (source, run) = (folder.path("source"), folder.path("run"))
    _ = try TrainingRun.train(recipe(), at: source, force: false, hooks: hooks)
    let taking = try recipe(
      """
      startFrom: \(source.path)
      comparisons: {propagators: [{sindy: {timeModel: discrete, polynomialDegree: 1}}]}
      """)
    #expect(try TrainingRun.train(taking, at: run, force: false, hooks: hooks) == .finished)
    #expect(
      try MetricsLog.read(RunDirectory(run).metrics).compactMap(\.stage)
        == ["comparison-propagator-1"])
    for name in ["reduction", "propagator-1", "propagator-2"] {
      let folders = [source, run].map { RunDirectory($0).model.appending(path: name) }
      let files = try FileManager.default.subpathsOfDirectory(atPath: folders[0].path)
      #expect(!files.isEmpty)
      for file in files where !folders[0].appending(path: file).hasDirectoryPath {
        #expect(
          FileManager.default.contentsEqual(
            atPath: folders[0].appending(path: file).path,
            andPath: folders[1].appending(path: file).path), "\(name)/\(file)")
      }
    }
    let results = try trained(run).findings(on: .recipe, hooks: WorkHooks())
    let own = try trained(source).findings(on: .recipe, hooks: WorkHooks())
    #expect(results.propagators.first?.meanDifference == own.propagators.first?.meanDifference)

    // Without comparisons nothing is trained, and the run is usable when the source is gone.
    let bare = folder.path("bare")
    #expect(
      try TrainingRun.train(
        recipe("startFrom: \(source.path)"), at: bare, force: false, hooks: hooks) == .finished)
    #expect(
      try recipe("startFrom: \(source.path)").estimate(hooks: WorkHooks()).numbers["models"] == 0)
    try FileManager.default.removeItem(at: source)
    #expect(try trained(bare).models.propagators.count == 2)
  }

  @Test(
    "does not take models of other settings, frames or unfinished runs",
    arguments: [
      (
        "reduction", "reduction: {principalComponents: {latentCount: 2}}",
        "reduction: {principalComponents: {latentCount: 3}}"
      ),
      ("propagator", "unitCount: 60", "unitCount: 61"),
      ("ensembleSize", "ensembleSize: 2", "ensembleSize: 3"),
      ("startFrom", "train.npz", "slow.npz"),
    ])
  func foreignModels(_ entry: String, _ part: String, _ other: String) throws {
    try writeWaves(
      to: folder.path("slow.npz"), recordings: 4, frames: 200, phase: 0, interval: 0.75)
    let source = folder.path("source")
    _ = try TrainingRun.train(recipe(), at: source, force: false, hooks: hooks)
    let same = text("startFrom: \(source.path)")
    #expect(same.contains(part))
    let changed = try DynamicsRecipe(
      yaml: same.replacingOccurrences(of: part, with: other), source: "waves.yaml")
    let error = #expect(throws: ConfigurationError.self) {
      try TrainingRun.train(changed, at: folder.path("run"), force: false, hooks: hooks)
    }
    #expect(error?.path == entry)
    #expect(!FileManager.default.fileExists(atPath: folder.path("run").path))
  }

  @Test("goes on after an interruption with the same models") func resume() throws {
    let (whole, broken) = (folder.path("whole"), folder.path("broken"))
    _ = try TrainingRun.train(recipe(), at: whole, force: false, hooks: hooks)
    var stopping = hooks
    var epochs = 0
    stopping.progress = { _ in epochs += 1 }
    stopping.work.stopSignal = { epochs >= 2 ? 2 : nil }
    #expect(
      try TrainingRun.train(recipe(), at: broken, force: false, hooks: stopping)
        == .interrupted(signal: 2, step: 2))
    #expect(try TrainingRun.resume(broken, hooks: hooks) == .finished)
    #expect(try TrainingRun.resume(broken, hooks: hooks) == nil)
    for file in ["reduction/model.safetensors", "propagator-2/model.safetensors"] {
      let (one, other) = (
        try Data(contentsOf: whole.appending(path: "model/\(file)")),
        try Data(contentsOf: broken.appending(path: "model/\(file)"))
      )
      #expect(one == other, "\(file)")
    }
  }

  @Test("trains an autoencoder and its propagator as one network, and goes on when interrupted")
  func joint() throws {
    let recipe = try DynamicsRecipe(
      yaml: """
        method: dynamics
        name: joint waves
        data: {train: \(folder.path("train.npz").path), test: \(folder.path("test.npz").path)}
        reduction:
          autoencoder:
            feedForward: {hiddenWidth: 16, hiddenLayers: 1}
            training: {phase: {steps: 600}}
        propagator:
          network:
            recurrent: {unitCount: 12}
        joint:
          windows:
            windowLength: 20
            windowsPerSequence: 2
            freeRunningSteps: 10
            phase: {steps: 400}
        forecast: {warmUpSteps: 20, horizonSteps: 50, initialConditions: 6}
        evaluation: {timedSteps: 0}
        """, source: "joint.yaml")
    let (whole, broken) = (folder.path("whole"), folder.path("broken"))
    #expect(
      try TrainingRun.train(recipe, at: whole, force: false, hooks: hooks) == .finished)
    let directory = RunDirectory(whole)
    let stages = try MetricsLog.read(directory.metrics).compactMap(\.stage)
    #expect(Set(stages) == ["reduction", "joint"])
    let results = try trained(directory.url).findings(on: .recipe, hooks: WorkHooks())
    let score = try #require(results.propagators.first)
    // A wave whose phase is lost differs by a third of its range.
    #expect(score.meanDifference < 0.1 && score.divergedCount == 0, "\(score.meanDifference)")

    var stopping = hooks
    var epochs = 0
    stopping.progress = { if $0.latest.stage == "joint" { epochs += 1 } }
    stopping.work.stopSignal = { epochs >= 30 ? 15 : nil }
    let stopped = try TrainingRun.train(recipe, at: broken, force: false, hooks: stopping)
    #expect(stopped != .finished)
    #expect(try TrainingRun.resume(broken, hooks: hooks) == .finished)
    for file in ["joint/reduction/model.safetensors", "joint/propagator/model.safetensors"] {
      #expect(
        try Data(contentsOf: whole.appending(path: "model/\(file)"))
          == Data(contentsOf: broken.appending(path: "model/\(file)")), "\(file)")
    }
  }

  @Test("marks forecasts that are not finite, and those that the training has seen nothing like")
  func outside() throws {
    let run = folder.path("run")
    _ = try TrainingRun.train(recipe(), at: run, force: false, hooks: hooks)
    let recordings = try Recordings.load(folder.path("test.npz"))
    var order = ForecastOrder()
    order.horizonSteps = 40
    var product = try trained(run).forecast(recordings, order: order, hooks: WorkHooks())
    #expect(product.diverged == [-1, -1] && product.outside == [-1, -1])
    #expect(!product.words.contains("WARNING"))
    // Channel v of frame 7, then u of frame 9, of the second recording.
    product.frames.elements[(40 + 7) * 2 * 12 + 12] = 1182
    product.frames.elements[(40 + 9) * 2 * 12] = .infinity
    product.mark(trained: try TrainedData.read(from: RunDirectory(run).model))
    #expect(product.diverged == [-1, 9] && product.outside == [-1, 7])
    #expect(product.words.contains("v reaches 1182, in training from -0.100 to 0.100"))
    #expect(product.words.contains("diverged: 1 of 2"))
    let file = folder.path("forecast.npz")
    try product.write(to: file)
    #expect(try NPZFile(file).doubles("outside").elements == [-1, 7])
  }

  @Test("says when scores are of the recordings that the models were chosen by or trained on")
  func kinds() throws {
    var alone = try recipe()
    alone.data.test = ""
    let run = folder.path("run")
    _ = try TrainingRun.train(alone, at: run, force: false, hooks: hooks)
    let chosen = try trained(run).evaluate(on: .recipe, hooks: WorkHooks())
    #expect(chosen.data.kind == "validation" && !chosen.data.isTrainingData)
    #expect(chosen.headline.joined().contains("chosen by these recordings"))
    let seen = try trained(run).evaluate(
      on: .file(folder.path("train.npz")), hooks: WorkHooks())
    #expect(seen.data.kind == "training")
    #expect(seen.headline.joined().contains("trained on these recordings"))
    let fresh = try trained(run).evaluate(on: .file(folder.path("test.npz")), hooks: WorkHooks())
    #expect(fresh.data.kind == "test" && !fresh.headline.joined().contains("these recordings"))
  }

  @Test("looks at what later models need before the first is trained")
  func needs() throws {
    func refusal(_ extra: String) throws -> ConfigurationError? {
      let recipe = try recipe(extra)
      return #expect(throws: ConfigurationError.self) {
        try TrainingRun.train(recipe, at: folder.path("run"), force: false, hooks: hooks)
      }
    }
    let long = try refusal("comparisons: {propagators: [{reservoir: {washOutSteps: 500}}]}")
    #expect(long?.description.contains("502 frames for comparisons.propagators[0]") == true)
    let windows = try refusal(
      "comparisons: {propagators: [{network: {training: {windowLength: 300}}}]}")
    #expect(windows?.path == "data.train")
    let wide = try refusal(
      """
      comparisons:
        latentCounts: [2]
        reductions: [{autoencoder: {feedForward: {hiddenWidth: 30000000}}}]
      """)
    #expect(wide?.path == "comparisons.reductions[0]")
    #expect(wide?.description.contains("are free") == true)
    #expect(!FileManager.default.fileExists(atPath: folder.path("run").path))
  }

  @Test("says what does not fit") func refusals() throws {
    var short = try recipe()
    short.forecast.warmUpSteps = 500
    let error = #expect(throws: ConfigurationError.self) {
      try TrainingRun.train(short, at: folder.path("run"), force: false, hooks: hooks)
    }
    #expect(error?.path == "data.train")
    var missing = try recipe()
    missing.data.train = "nowhere.npz"
    let absent = #expect(throws: ConfigurationError.self) {
      try TrainingRun.train(missing, at: folder.path("run"), force: false, hooks: hooks)
    }
    #expect(absent?.path == "data.train")
    #expect(!FileManager.default.fileExists(atPath: folder.path("run").path))
  }
}
