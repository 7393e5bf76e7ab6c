// A law that was found, as a solver of the recordings that it was found in.
import Foundation
import KymoData
import KymoNumerics
import KymoSolvers
import Testing

@testable import KymoLaw

@Suite("A law as a solver") struct LawSolverTests {
  @Test("takes the parameters of the recordings that its trajectories start in")
  func parameters() throws {
    let recordings = try burgersRecordings(4)
    let law = try Discovery(recordings, DiscoverySettings()).run()
    #expect(law.refusal == nil && law.parameters.count == 1)
    let values = try law.parameterValues(theta: [], recordings: 4, source: "file")
    let solver = try LawSolver(
      law, parameters: values, on: recordings.grid,
      frameInterval: try #require(recordings.frameInterval), threads: 2)
    /// The largest difference after ten frames, as a part of the spread.
    func miss(_ places: [Int], as chosen: [Int]) throws -> Double {
      let starts = places.flatMap { recordings[$0].slice(0).elements.map(Double.init) }
      try solver.choose(recordings: chosen)
      try solver.restart(from: HostArray(starts, shape: [places.count, 1, 256]), time: 0)
      let made = try solver.advance(frames: 10)
      let gaps = places.enumerated().flatMap { row, place in
        zip(made.slice(row).slice(9).elements, recordings[place].slice(10).elements)
          .map { ($0 - Double($1)).magnitude }
      }
      return gaps.max() ?? .nan
    }
    #expect(try miss([2, 0, 3], as: [2, 0, 3]) < 1e-5)
    // Parameters of another recording are wrong.
    #expect(try miss([2, 0, 3], as: [0, 2, 1]) > 1e-3)
    #expect(try miss([1], as: [1]) < 1e-5)
    #expect(throws: ConfigurationError.self) { try solver.choose(recordings: [4]) }
    // As many trajectories as recordings were chosen.
    #expect(throws: ConfigurationError.self) { try miss([1, 2], as: [1, 2, 3]) }
  }

  @Test("takes given values for all, and refuses other numbers of them")
  func given() throws {
    let law = try Discovery(burgersRecordings(4), DiscoverySettings()).run()
    #expect(try law.parameterValues(theta: [0.4], recordings: 9, source: "file") == [[0.4]])
    for (theta, count) in [([], 9), ([0.1, 0.2], 4), ([.nan], 4)] as [([Double], Int)] {
      #expect(throws: ConfigurationError.self) {
        try law.parameterValues(theta: theta, recordings: count, source: "file")
      }
    }
    for (file, theta, substeps) in [("", [], 0), ("a", [.infinity], 0), ("a", [], -1)]
      as [(String, [Double], Int)]
    {
      var settings = LawSolverConfiguration(file: file)
      (settings.theta, settings.substeps) = (theta, substeps)
      #expect(throws: ConfigurationError.self) { try settings.validate() }
    }
  }
}
