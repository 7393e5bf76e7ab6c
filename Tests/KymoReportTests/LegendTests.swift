// Legends and axes of figures, without a browser.
import Foundation
import KymoResults
import Testing

@testable import KymoReport

@Suite("Legends and axes of figures") struct LegendTests {
  @Test("a curve that panels have in common is in the legend once") func legend() {
    let curves = ["forecast", "truth"].map { Plot.Series($0, x: [0, 1], y: [1, 2]) }
    let panels = ["W₁", "L1"].map { Plot.Panel(x: PlotAxis("time"), y: PlotAxis($0), curves) }
    let figure = Plot(panels + [.init(x: PlotAxis("z"), y: PlotAxis("p"), curves.reversed())])
      .figure()
    // In the last panel the same names have other colours.
    #expect(figure.data.map(\.showlegend) == [true, true, false, false, true, true])
  }

  @Test("the loss of a density may have either sign", arguments: [(1.0, true), (-3.0, false)])
  func loss(_ least: Double, _ isLogarithmic: Bool) throws {
    let lines = [2, least].enumerated().map { step, loss in
      #"{"step": \#(step + 1), "stage": "reduction", "loss": \#(loss)}"#
    }
    let records = try lines.map {
      try JSONDecoder().decode(TrainingRecord.self, from: Data($0.utf8))
    }
    let figure = records.figure()
    #expect((figure.layout.axes[.y()]?.type == .log) == isLogarithmic)
    guard case .numbers(let shown)? = figure.data[0].y else {
      Issue.record("no numbers")
      return
    }
    #expect(shown == [2, least])
  }
}
