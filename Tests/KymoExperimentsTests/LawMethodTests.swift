// The method `law` from its recipe to its results: Burgers' equation, its viscosity hidden.
import Foundation
import KymoData
import KymoLaw
import KymoMetrics
import KymoNumerics
import KymoResults
import KymoRuns
import KymoTestSupport
import Logging
import Testing

@testable import KymoExperiments

@Suite("A run that finds a law") struct LawMethodTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var hooks: TrainingHooks {
    TrainingHooks { _ in Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
  }

  private func recipe(_ extra: String = "") throws -> any MethodRecipe {
    try MethodList.standard.recipe(
      RecipeText(
        yaml: """
          method: law
          name: burgers
          data:
            train: \(folder.path("train.npz").path)
            test: \(folder.path("test.npz").path)
            simulate: {system: burgers, train: {recordings: 8}, test: {recordings: 5}}
          evaluation: {rolloutRecordings: 2, rolloutFrames: 10}
          \(extra)
          """, source: "law.yaml"))
  }

  private func train(_ recipe: some MethodRecipe, _ run: URL) throws -> LawRun {
    #expect(try TrainingRun.train(recipe, at: run, force: false, hooks: hooks) == .finished)
    return try #require(
      try MethodList.standard.load(RunDirectory(run), device: nil) as? LawRun)
  }

  @Test("is trained, evaluated on other recordings, and reads their parameters")
  func whole() throws {
    let run = try train(recipe(), folder.path("run"))
    #expect(run.law.refusal == nil && run.law.parameters.count == 1)
    let results = try TrainingRun.evaluate(run, on: .recipe, hooks: WorkHooks())
    #expect(results.headline[0].hasPrefix("u_t = θ₁ u_xx − 0.5000 (u²)_x: 1 hidden parameter"))
    #expect(results.data.recordingCount == 5 && results.data.kind == "test")
    let quality = results.scores["parameters"]?.rows.first?.scores.first
    #expect(try #require(quality??.value) > 0.9999)
    #expect(results.sections.map(\.id).contains("rollout"))
    let read = try RunDirectory(folder.path("run")).readResults()
    #expect(try read.json() == results.json())

    let recordings = try Recordings.load(folder.path("test.npz"))
    let extraction = try run.extract(recordings, order: ExtractionOrder(), hooks: WorkHooks())
    for (row, doubt) in zip(extraction.latents, extraction.doubts) {
      let miss = abs(row.mean[0] - row.parameters[0])
      #expect(miss < 1e-3 * row.parameters[0] && doubt.isEmpty, "\(row) \(doubt)")
    }
    #expect(try TrainingRun.resume(folder.path("run"), hooks: hooks) == nil)
  }

  @Test("says of its one step what there is to say") func progress() throws {
    var lines: [String] = []
    var hooks = hooks
    hooks.progress = { lines.append($0.words) }
    _ = try TrainingRun.train(recipe(), at: folder.path("run"), force: false, hooks: hooks)
    let line = try #require(lines.last)
    #expect(line.hasPrefix("step 1 of 1, loss ") && !line.contains("nan"), "\(line)")
  }

  @Test("has paths that count from the recipe's folder, then from the current one")
  func paths() throws {
    let recipe = folder.path("law.yaml")
    try Data("{method: law, data: {train: own.npz, test: elsewhere.npz}}".utf8).write(to: recipe)
    try Data().write(to: folder.path("own.npz"))
    var notes: [String] = []
    let read = try #require(
      try MethodList.standard.recipe(contentsOf: recipe) { notes.append($0) } as? LawRecipe)
    #expect(read.data.train == folder.path("own.npz").relativePath)
    #expect(read.data.test == "elsewhere.npz")
    #expect(notes.count == 1 && notes[0].hasPrefix("data.train is "), "\(notes)")
    // What the command line names is not looked for there.
    let given = try #require(
      try MethodList.standard.recipe(contentsOf: recipe, overrides: ["data.train=own.npz"])
        as? LawRecipe)
    #expect(given.data.train == "own.npz")
    let text = "{method: dynamics, data: {train: a.npz}, solver: {law: {file: own.npz}}}"
    try Data(text.utf8).write(to: recipe)
    let solver = try #require(
      try MethodList.standard.recipe(contentsOf: recipe) as? DynamicsRecipe
    ).solver
    guard case .law(let settings) = solver else {
      Issue.record("\(String(describing: solver))")
      return
    }
    #expect(settings.file == folder.path("own.npz").relativePath)
  }

  @Test("says in its results that there is no law, and extracts nothing then")
  func refusal() throws {
    let run = try train(recipe("search: {without: [d2x(u)]}"), folder.path("run"))
    #expect(run.law.refusal != nil)
    let results = try TrainingRun.evaluate(run, on: .recipe, hooks: WorkHooks())
    #expect(results.headline[0].hasPrefix("No law: "))
    let recordings = try Recordings.load(folder.path("test.npz"))
    let error = #expect(throws: ConfigurationError.self) {
      try run.extract(recordings, order: ExtractionOrder(), hooks: WorkHooks())
    }
    #expect(error?.found == "a run without a law")
    for extra in ["search: {order: 9}", "search: {terms: [w^2]}"] {
      #expect(throws: ConfigurationError.self) {
        try TrainingRun.train(recipe(extra), at: folder.path("other"), force: false, hooks: hooks)
      }
    }
  }

  @Test("refuses recordings of other channels, and doubts those of another law")
  func others() throws {
    let run = try train(recipe(), folder.path("run"))
    let recordings = try Recordings.load(run.testFile(.recipe, hooks: WorkHooks()))
    // Twice the field under the same law is a field under another one.
    let doubled = Recordings(
      x: HostArray(
        (0..<recordings.count).flatMap { recordings[$0].elements.map { 2 * $0 } },
        shape: recordings.shape), metadata: recordings.metadata)
    let extraction = try run.extract(doubled, order: ExtractionOrder(), hooks: WorkHooks())
    #expect(extraction.doubts.allSatisfy { $0.contains("of the rate") })
    var metadata = recordings.metadata
    metadata.channelNames = ["h"]
    let renamed = Recordings(
      x: HostArray(
        (0..<recordings.count).flatMap { recordings[$0].elements }, shape: recordings.shape),
      metadata: metadata)
    #expect(throws: ConfigurationError.self) {
      try run.extract(renamed, order: ExtractionOrder(), hooks: WorkHooks())
    }
  }
}
