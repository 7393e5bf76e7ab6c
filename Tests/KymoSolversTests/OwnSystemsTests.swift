// The systems that the papers do not have: Burgers and Gray-Scott.
import CKernels
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

private func made<Settings: SimulationConfiguration>(
  _ change: (inout Settings) -> Void = { _ in }
) -> Settings {
  var configuration = Settings()
  change(&configuration)
  return configuration
}

@Suite("Burgers") struct BurgersTests {
  /// Frames of one start in double precision.
  private func frames(
    _ configuration: BurgersConfiguration, _ spectrum: [Double], viscosity: Double
  ) throws -> [[Double]] {
    let solver = try Burgers(configuration: configuration)
    let start = FlowStart(
      spectrum: spectrum, linear: solver.linearSymbol(viscosity: viscosity))
    var result: [[Double]] = []
    solver.makeFlow().run([start], frameCount: configuration.frameCount) { _, view in
      result.append(view.field(lane: 0))
      return true
    }
    return result
  }

  @Test("follows the solution of Cole and Hopf") func coleHopf() throws {
    // u = −2ν φₓ/φ with φ = 2 + e^(−νk²t) cos kx solves the equation.
    let (viscosity, mode) = (0.4, 6)
    let configuration: BurgersConfiguration = made { $0.frameCount = 21 }
    let k = 2 * Double.pi * Double(mode) / configuration.length
    func exact(_ time: Double) -> [Double] {
      (0..<256).map { point in
        let (angle, size) = (
          2 * Double.pi * Double(mode * point) / 256, exp(-viscosity * k * k * time)
        )
        return 2 * viscosity * k * size * sin(angle) / (2 + size * cos(angle))
      }
    }
    let last = try frames(
      configuration, SpectralFlow.spectrum(of: exact(0)), viscosity: viscosity)[20]
    let error = distance(last, exact(20 * configuration.frameInterval))
    #expect(error < 1e-8, "\(error) of \(Statistics.rootMeanSquare(last))")
    let wrong = try frames(
      configuration, SpectralFlow.spectrum(of: exact(0)), viscosity: 1.01 * viscosity)[20]
    #expect(distance(wrong, exact(20 * configuration.frameInterval)) > 1e-4)
  }

  @Test("is resolved in space and time for every viscosity of the data")
  func resolution() throws {
    let solver = try Burgers(configuration: made { $0.seed = 4 })
    let fine: BurgersConfiguration = made {
      $0.meshFactor = 6
      $0.substeps = 16
      $0.frameCount = 60
    }
    for (recording, viscosity) in [0.2, 0.3, 0.5, 0.8].enumerated() {
      let spectrum = solver.draw(recording: recording, attempt: 0).spectrum
      let ours = try frames(made { $0.frameCount = 60 }, spectrum, viscosity: viscosity)
      let truth = try frames(fine, spectrum, viscosity: viscosity)
      let error = (0..<60).map { distance(ours[$0], truth[$0]) }.max() ?? 1
      #expect(error < 1e-4, "ν = \(viscosity): \(error)")
    }
  }

  @Test("makes recordings that decay, keep their mean and do not depend on threads")
  func data() throws {
    let solver = try Burgers(
      configuration: made {
        $0.seed = 8
        $0.recordings = 24
      })
    let block = try solver.simulate(0..<24, threads: 2)
    #expect(block.redrawn == 0 && block.x.count == 24 * 128 * 256)
    func frame(_ recording: Int, _ frame: Int) -> [Double] {
      block.x[(recording * 128 + frame) * 256..<(recording * 128 + frame + 1) * 256]
        .map(Double.init)
    }
    for recording in 0..<24 {
      let (first, last) = (frame(recording, 0), frame(recording, 127))
      #expect((Statistics.rootMeanSquare(first) - 1).magnitude < 1e-6)
      #expect(Statistics.rootMeanSquare(last) < Statistics.rootMeanSquare(first))
      #expect((Statistics.mean(first) - Statistics.mean(last)).magnitude < 1e-7)
    }
    #expect(block.parameters.allSatisfy { $0 >= 0.1 && $0 <= 0.9 })
    #expect(try solver.simulate(5..<6, threads: 1).x == Array(block.x[5 * 32768..<6 * 32768]))
  }

  @Test("refuses settings that cannot work") func refusals() throws {
    let mistakes: [(String, (inout BurgersConfiguration) -> Void)] = [
      ("viscosityMinimum", { $0.viscosityMinimum = 0 }),
      ("viscosityMean", { $0.viscosityMean = 2 }),
      ("pointCount", { $0.pointCount = 14 }), ("substeps", { $0.substeps = 0 }),
    ]
    for (name, change) in mistakes {
      let error = #expect(throws: ConfigurationError.self) {
        try Burgers(configuration: made(change))
      }
      #expect(error?.path == "simulation.\(name)")
    }
    let text = Data(#"{"viscosityMean": 0.25}"#.utf8)
    #expect(try SettingsTree(json: text).decode(BurgersConfiguration.self).viscosityMean == 0.25)
  }
}

@Suite("Gray–Scott") struct GrayScottTests {
  private func last(
    _ configuration: GrayScottConfiguration, _ draws: [GrayScott.Draw],
    level: kk_level = kk_processor_level()
  ) throws -> [[Double]] {
    var solver = try GrayScott(configuration: configuration)
    solver.level = level
    var result = draws.map { _ in [Double]() }
    solver.advance(draws) { _, lane, fields, _ in result[lane] = fields.flatMap(\.self) }
    return result
  }

  private func short(_ substeps: Int) -> GrayScottConfiguration {
    made {
      $0.frameCount = 6
      $0.spinUpFrames = 4
      $0.substeps = substeps
    }
  }

  @Test("is of fourth order in time, and resolved in space") func order() throws {
    let draw = try GrayScott(configuration: short(5)).draw(recording: 0, attempt: 0)
    let reference = try last(short(80), [draw])[0]
    let errors = try [5, 10, 20].map { distance(try last(short($0), [draw])[0], reference) }
    let orders = [log2(errors[0] / errors[1]), log2(errors[1] / errors[2])]
    #expect(orders.allSatisfy { $0 > 3.4 && $0 < 4.4 }, "orders \(orders)")
    #expect(errors[0] < 1e-5, "\(errors)")
    var other = draw
    other.feed *= 1.01
    #expect(distance(try last(short(80), [other])[0], reference) > 1e-4)
    // Twice as fine a mesh of the same rectangle: blobs three spacings wide are smooth.
    let fineStart = draw.fields.map { resampled($0, [64, 80], [128, 160]) }
    var fine = short(20)
    (fine.rows, fine.columns) = (128, 160)
    // Spacings count as 1, so half the spacing is a quarter of the diffusivity.
    fine.diffusivityU *= 4
    fine.diffusivityV *= 4
    let finer = try last(
      fine, [GrayScott.Draw(feed: draw.feed, kill: draw.kill, fields: fineStart)])[0]
    var coarse: [Double] = []
    for line in stride(from: 0, to: 2 * 128, by: 2) {
      coarse += stride(from: line * 160, to: (line + 1) * 160, by: 2).map { finer[$0] }
    }
    let error = distance(try last(short(20), [draw])[0], coarse)
    #expect(error < 1e-4, "\(error)")
  }

  /// Fourier interpolation of a field to a finer mesh, by sums.
  private func resampled(_ field: [Double], _ from: [Int], _ to: [Int]) -> [Double] {
    /// Weights of the points of one axis at each point of the other mesh.
    func weights(_ count: Int, _ finer: Int) -> [[Double]] {
      (0..<finer).map { place in
        (0..<count).map { point in
          let angle =
            2 * Double.pi * (Double(place) / Double(finer) - Double(point) / Double(count))
          // The mean of all modes below the highest, and half of both of the highest.
          var sum = 1 + cos(Double(count / 2) * angle)
          for mode in 1..<count / 2 { sum += 2 * cos(Double(mode) * angle) }
          return sum / Double(count)
        }
      }
    }
    let (down, across) = (weights(from[0], to[0]), weights(from[1], to[1]))
    let lines = (0..<from[0]).map { row -> [Double] in
      let line = field[row * from[1]..<(row + 1) * from[1]]
      return across.map { weights in zip(weights, line).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    return down.flatMap { weights -> [Double] in
      (0..<to[1]).map { column in
        zip(weights, lines).reduce(0) { $0 + $1.0 * $1.1[column] }
      }
    }
  }

  @Test("leaves the state without v as it is, and feeds u back to 1") func uniform() throws {
    let cells = 64 * 80
    let configuration = short(5)
    let empty = GrayScott.Draw(
      feed: 0.04, kill: 0.06,
      fields: [[Double](repeating: 0.5, count: cells), [Double](repeating: 0, count: cells)])
    let state = try last(configuration, [empty])[0]
    let expected = 1 - 0.5 * exp(-0.04 * 9 * configuration.frameInterval)
    // One step of size 2 for a rate of 0.04: (0.08)⁵/120 each.
    expectClose(
      Array(state[..<cells]), [Double](repeating: expected, count: cells),
      Tolerance(absolute: 1e-6, because: "time step"))
    #expect(state[cells...].allSatisfy { $0.magnitude < 1e-12 })
  }

  @Test("gives the same recordings to rounding with every instruction set")
  func instructionSets() throws {
    let configuration = short(5)
    let solver = try GrayScott(configuration: configuration)
    let draws = (0..<2).map { solver.draw(recording: $0, attempt: 0) }
    let results = try [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512].map {
      try last(configuration, draws, level: $0).flatMap(\.self)
    }
    #expect(distance(results[0], results[1]) < 1e-12)
    #expect(distance(results[0], results[2]) < 1e-12)
  }

  @Test("makes patterns everywhere in the range of F and k") func data() throws {
    let solver = try GrayScott(configuration: made { $0.seed = 6 })
    let block = try solver.simulate(0..<8, threads: 2)
    #expect(block.redrawn == 0 && block.x.count == 8 * 2 * 64 * 64 * 80)
    #expect(block.parameters.count == 16)
    for recording in 0..<8 {
      #expect((0.03...0.05).contains(block.parameters[2 * recording]))
      #expect((0.0585...0.0625).contains(block.parameters[2 * recording + 1]))
      let start = ((2 * recording + 1) * 64 + 63) * 64 * 80
      let v = block.x[start..<start + 64 * 80].map(Double.init)
      // v neither dies out nor becomes uniform; measured 0.10 to 0.13.
      #expect(Statistics.sampleStandardDeviation(v) > 0.05)
      #expect(v.allSatisfy { $0 > -0.05 && $0 < 1 })
    }
    let alone = try solver.simulate(3..<4, threads: 1)
    #expect(alone.x == Array(block.x[3 * 2 * 64 * 5120..<4 * 2 * 64 * 5120]))
  }

  @Test("refuses settings that cannot work") func refusals() throws {
    let mistakes: [(String, (inout GrayScottConfiguration) -> Void)] = [
      ("rows", { $0.rows = 62 }), ("columns", { $0.columns = 8 }),
      ("feedMean", { $0.feedMean = 1 }),
      ("killDeviation", { $0.killDeviation = -1 }), ("blobCount", { $0.blobCount = 0 }),
      ("diffusivityV", { $0.diffusivityV = 0 }), ("spinUpFrames", { $0.spinUpFrames = -1 }),
    ]
    for (name, change) in mistakes {
      let error = #expect(throws: ConfigurationError.self) {
        try GrayScott(configuration: made(change))
      }
      #expect(error?.path == "simulation.\(name)")
    }
    let text = Data(#"{"feedMean": 0.035, "rows": 96}"#.utf8)
    let decoded = try SettingsTree(json: text).decode(GrayScottConfiguration.self)
    #expect(decoded.rows == 96 && decoded.feedMean == 0.035)
  }
}
