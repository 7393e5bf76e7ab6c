// A whole run of the flow past a cylinder on a mesh of some cells: simulated, trained on components
// with observables, forecast with the solver, forces and shedding evaluated.
import Foundation
import KymoData
import KymoMetrics
import KymoNN
import KymoNumerics
import KymoResults
import KymoRuns
import KymoTestSupport
import Logging
import Testing

@testable import KymoExperiments

@Suite("A run of the flow past a cylinder", .serialized) struct CylinderRunTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func recipe(_ extra: String = "") throws -> DynamicsRecipe {
    let mesh = "columns: 64, rows: 32, diameter: 0.1"
    return try DynamicsRecipe(
      yaml: """
        method: dynamics
        name: flow
        data:
          folder: \(folder.url.path)
          train: train.npz
          test: test.npz
          simulate:
            system: cylinder
            train: {\(mesh), recordings: 2, frameCount: 40, spinUpFrames: 20}
            test: {\(mesh), recordings: 1, frameCount: 40, spinUpFrames: 25}
        reduction:
          autoencoder:
            components: 5
            feedForward: {latentCount: 2, hiddenWidth: 16, hiddenLayers: 1, outputActivation: identity}
            training: {phase: {steps: 400}}
            observables: {}
        propagator: {dmd: {delays: 3}}
        solver: {cylinder: {\(mesh)}}
        forecast: {warmUpSteps: 5, horizonSteps: 20, initialConditions: 2, microSteps: 2, macroSteps: [2, 4]}
        evaluation: {timedSteps: 4}
        \(extra)
        """, source: "flow.yaml")
  }

  @Test("has forces of fields and of latents beside each other, shedding, and a film")
  func whole() throws {
    let recipe = try recipe()
    #expect(recipe.data.train == folder.path("train.npz").path && recipe.data.folder == nil)
    let absent = recipe.data.absentFiles(base: nil)
    // 2 × 40 and 40 frames of 4 × 32 × 64 numbers, kept twice while a file is made.
    let frameBytes: Int64 = 2 * 4 * 8192
    #expect(absent.map(\.bytes) == [80 * frameBytes, 40 * frameBytes])
    let hooks = TrainingHooks { _ in Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
    let run = folder.path("run")
    #expect(try TrainingRun.train(recipe, at: run, force: false, hooks: hooks) == .finished)
    #expect(recipe.data.absentFiles(base: nil).isEmpty)
    let trained = try #require(
      try MethodList.standard.load(RunDirectory(run), device: nil) as? DynamicsRun)
    let found = try trained.findings(on: .recipe, hooks: WorkHooks())
    let main = try #require(found.main)
    #expect(main.forces.count == 2 && found.observableNames == ["drag", "lift"])
    // The flow hardly changes yet: what the forecast keeps of drag is right within some percent.
    #expect(main.forces[0].mean < 0.1, "\(main.forces)")
    #expect(main.observables.count == 2 && main.observables[0].mean < 0.1, "\(main.observables)")
    #expect(found.schedules.count == 3 && found.schedules.allSatisfy { $0.forces.count == 2 })
    let flow = try #require(found.flow)
    #expect(flow.steps == 35)
    let drag = try #require(flow.quantities.first { $0.name == "mean of drag, surface integrals" })
    #expect(drag.truth > 0.5 && drag.truth < 5 && drag.difference < 0.15, "\(drag)")
    #expect(flow.quantities.contains { $0.name == "mean of drag, recorded and by the latents" })
    #expect(Set(flow.courses.map(\.source)).count == 4)
    let film = try #require(found.film)
    #expect(film.shape == [32, 64] && film.times.count == 20 && film.panels.count == 3)
    // The body's middle is 0.2 behind the inlet, 12.8 cells.
    #expect(film.circles[0].centre.map { ($0 * 10).rounded() } == [160, 128])
    let written = try found.results()
    let ids = written.sections.map(\.id)
    #expect(Set(["flow", "flow-courses", "film", "speed-up", "ratio"]).isSubset(of: ids), "\(ids)")
    #expect(try RunResults(json: written.json()).json() == written.json())
  }

  @Test("refuses components with convolutions, and observables where there are none")
  func refusals() throws {
    let error = #expect(throws: ConfigurationError.self) {
      try DynamicsRecipe(
        yaml: """
          method: dynamics
          data: {train: x.npz}
          reduction: {autoencoder: {components: 8, convolutional: {}}}
          """, source: "flow.yaml")
    }
    #expect(error?.path == "reduction.autoencoder.components")
  }
}
