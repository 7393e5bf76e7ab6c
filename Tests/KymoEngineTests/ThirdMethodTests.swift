// A third method, made of nothing but this file, goes through every verb: the mean of the field
// over space and time is its only latent. It shows that a method adds no line to the house but its
// name in the list.
import ArgumentParser
import Foundation
import KymoCommandLine
import KymoData
import KymoEngine
import KymoExperiments
import KymoMetrics
import KymoNN
import KymoNumerics
import KymoResults
import KymoRuns
import KymoTensor
import KymoTestSupport
import Testing

/// The settings of a training that has one.
private struct MeanRecipe: MethodRecipe, Settings {
  var method = MeanMethod.name
  var name = "unnamed"
  var seed: UInt64 = 1
  var threads: Int?
  var device = "cpu"
  var checkpointMinutes = 3.0
  /// The file of the training recordings.
  var train = ""
  /// How many recordings enter the mean.
  var steps = 3

  init() {}
  init(_ text: RecipeText) throws { self = try text.decode(MeanRecipe.self) }

  func plan(base: URL?, hooks: WorkHooks) throws -> TrainingPlan<MeanSession> {
    let recordings = try Recordings.load(URL(filePath: train))
    return TrainingPlan(
      dataHashes: [:], makeSession: { MeanSession(recordings, steps: steps) },
      describe: { "\($0.totalSteps) recordings" })
  }

  func estimate(hooks: WorkHooks) throws -> TrainingEstimate {
    TrainingEstimate(words: ["\(steps) steps of no time."], numbers: ["steps": Double(steps)])
  }
}

/// Sums the means of recordings, one a step.
private final class MeanSession: TrainingSession {
  private struct State: Codable {
    var step = 0
    var sum = 0.0
  }

  private let recordings: Recordings
  private var state = State()
  let totalSteps: Int
  var stepIndex: Int { state.step }

  init(_ recordings: Recordings, steps: Int) { (self.recordings, totalSteps) = (recordings, steps) }

  func step() throws -> StepRecord {
    let mean = recordings.mean(of: state.step)
    state.sum += mean
    state.step += 1
    return StepRecord(step: state.step, loss: mean * mean)
  }

  func saveCheckpoint(to folder: URL) throws { try write(state, folder, "state.json") }
  func restore(from folder: URL) throws {
    state = try JSONDecoder().decode(
      State.self, from: Data(contentsOf: folder.appending(path: "state.json")))
  }
  func saveModel(to folder: URL) throws {
    try write(["offset": state.sum / Double(max(1, state.step))], folder, "model.json")
  }

  private func write(_ value: some Encodable, _ folder: URL, _ name: String) throws {
    try JSONEncoder().encode(value).write(to: folder.appending(path: name))
  }
}

/// The mean of a recording, less the mean over the training recordings.
private struct MeanMethod: Method {
  static let name = "mean"

  func load(_ directory: RunDirectory, recipe: MeanRecipe, device: Device) throws -> MeanRun {
    let model = try JSONDecoder().decode(
      [String: Double].self,
      from: Data(contentsOf: directory.finishedModel.appending(path: "model.json")))
    return MeanRun(directory: directory, recipe: recipe, offset: model["offset"] ?? 0)
  }
}

private struct MeanRun: TrainedRun, ExtractsParameters {
  static let purpose = "takes the mean of recordings"
  let directory: RunDirectory
  let recipe: MeanRecipe
  let offset: Double

  func testFile(_ test: TestChoice, hooks: WorkHooks) throws -> URL {
    if case .file(let file, _) = test { file } else { URL(filePath: recipe.train) }
  }

  func evaluate(on test: TestChoice, hooks: WorkHooks) throws -> RunResults {
    let file = try testFile(test, hooks: hooks)
    let recordings = try Recordings.load(file)
    let means = (0..<recordings.count).map { recordings.mean(of: $0) - offset }
    let mean = means.reduce(0, +) / Double(means.count)
    return try RunResults(
      method: MeanMethod.name,
      data: DataProvenance(
        system: recordings.systemName, file: file.lastPathComponent,
        recordingCount: recordings.count, isTrainingData: test == .recipe),
      headline: ["The mean over space and time is \(mean)."],
      sections: [
        ResultSection(
          "means", heading: "Means", places: [.report, .terminal],
          .scores(
            ScoreTable("what", columns: ["value"], rows: [.init("mean", [Score(mean)])])))
      ],
      about: MethodDescription(
        text: "The mean over space and time.", training: "The mean so far.", citation: "none"),
      values: means)
  }

  func extract(
    _ recordings: Recordings, order: ExtractionOrder, hooks: WorkHooks
  ) throws -> Extraction {
    Extraction(
      latents: (0..<recordings.count).map { index in
        ExtractedLatents(
          recording: index, mean: [recordings.mean(of: index) - offset], standardDeviation: [0.1],
          parameters: [])
      }, relevant: [true], parameterNames: [])
  }
}

extension Recordings {
  fileprivate func mean(of index: Int) -> Double {
    let values = self[index].elements
    return values.reduce(0) { $0 + Double($1) } / Double(values.count)
  }
}

@Suite("A third method") struct ThirdMethodTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func kymo(_ arguments: Any...) throws {
    try MethodList.$current.withValue(.standard.adding(MeanMethod())) {
      let words = arguments.map { ($0 as? URL)?.path ?? "\($0)" }
      try Verb.perform(Kymo.parseAsRoot(words + ["--quiet"]))
    }
  }

  @Test("inspect, train, resume, evaluate, extract and report")
  func verbs() throws {
    let (data, recipe, run) = (folder.path("ks.npz"), folder.path("mean.yaml"), folder.path("run"))
    try kymo("simulate", "ks", "recordings=4", "seed=1", "-o", data)
    try kymo("inspect", data)
    try Data("method: mean\ntrain: \(data.path)\n".utf8).write(to: recipe)
    try kymo("train", recipe, "-o", run, "--threads", "1")
    #expect(try RunDirectory.open(at: run).isFinished)
    try kymo("train", "--resume", run)
    try kymo("evaluate", run, data)
    try kymo("extract", run, data, "-o", folder.path("out"))
    let csv = try String(contentsOf: folder.path("out.csv"), encoding: .utf8)
    #expect(csv.split(separator: "\n").count == 5)
    try kymo("report", run)
    let page = try String(contentsOf: run.appending(path: "report.html"), encoding: .utf8)
    #expect(page.contains("mean over space and time"))
  }

  @Test("what it cannot do is refused with a sentence")
  func refusals() throws {
    let (data, recipe, run) = (folder.path("ks.npz"), folder.path("mean.yaml"), folder.path("run"))
    try kymo("simulate", "ks", "recordings=4", "seed=1", "-o", data)
    try Data("method: mean\ntrain: \(data.path)\n".utf8).write(to: recipe)
    try kymo("train", recipe, "-o", run)
    let error = #expect(throws: ConfigurationError.self) {
      try kymo("forecast", run, data, "-o", folder.path("f.npz"))
    }
    #expect(error?.found == "a run that takes the mean of recordings")
    let unknown = #expect(throws: ConfigurationError.self) {
      try kymo("train", recipe, "method=mean2", "-o", folder.path("other"))
    }
    #expect(unknown?.remedy == "Did you mean 'mean'?")
  }
}
