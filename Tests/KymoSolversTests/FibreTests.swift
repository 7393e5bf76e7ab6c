// Light in a fibre: the soliton, exact linear propagation with parameters of each recording's own,
// order, and a ring that is long enough.
import CKernels
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

private typealias Settings = FibreConfiguration

private func fibres(_ change: (inout Settings) -> Void = { _ in }) -> Settings {
  var configuration = Settings()
  change(&configuration)
  return configuration
}

/// A fibre and the light at its entrance, real and imaginary parts.
private struct Entrance {
  var slowness: Double
  var dispersion: Double
  var nonlinearity: Double
  var light: (real: [Double], imaginary: [Double])
}

/// Frames on the periodic time axis in double precision, real and imaginary parts alternating, of
/// every entrance.
private func frames(
  _ configuration: Settings, _ entrances: [Entrance], level: kk_level = kk_processor_level()
) throws -> [[[Double]]] {
  let solver = try Fibre(configuration: configuration)
  var flow = solver.makeFlow()
  flow.level = level
  let starts = entrances.map {
    CubicStart(
      spectrum: CubicFlow.spectrum(real: $0.light.real, imaginary: $0.light.imaginary),
      coupling: -$0.nonlinearity,
      frequencies: solver.symbol(slowness: $0.slowness, dispersion: $0.dispersion))
  }
  var result = starts.map { _ in [[Double]]() }
  flow.run(starts, frameCount: configuration.frameCount) { _, view in
    for lane in starts.indices { result[lane].append(view.field(lane: lane)) }
    return true
  }
  return result
}

/// The light of a recording on the periodic time axis, in double precision.
private func light(_ configuration: Settings, recording: Int) throws -> Entrance {
  let draw = try Fibre(configuration: configuration).draw(recording: recording, attempt: 0)
  return Entrance(
    slowness: draw.slowness, dispersion: draw.dispersion, nonlinearity: draw.nonlinearity,
    light: CubicFlow.field(draw.spectrum))
}

@Suite("Light in a fibre") struct FibreTests {
  @Test("carries solitons with the group velocity of each fibre") func solitons() throws {
    let configuration = fibres {
      $0.ringFactor = 1
      $0.frameCount = 201
      $0.substeps = 4
    }
    let position = 200 * configuration.frameInterval
    /// A = a sech((t − t₀ − k₁z)/τ) exp(½iγa²z) with τ² = −k₂/(γa²).
    func soliton(_ slowness: Double, _ dispersion: Double, _ nonlinearity: Double, _ z: Double)
      -> (real: [Double], imaginary: [Double])
    {
      let size = 1.5
      let width = (-dispersion / (nonlinearity * size * size)).squareRoot()
      let phase = nonlinearity * size * size * z / 2
      let values = (0..<800).map { size / cosh((5 * Double($0) - 1500 - slowness * z) / width) }
      return (values.map { $0 * cos(phase) }, values.map { $0 * sin(phase) })
    }
    let fibres = [(20.0, -100.0, 0.02), (35.0, -60.0, 0.03)]
    let ends = try frames(
      configuration,
      fibres.map {
        Entrance(
          slowness: $0.0, dispersion: $0.1, nonlinearity: $0.2, light: soliton($0.0, $0.1, $0.2, 0))
      }
    ).compactMap(\.last)
    for (lane, fibre) in fibres.enumerated() {
      func expected(_ slowness: Double) -> [Double] {
        let there = soliton(slowness, fibre.1, fibre.2, position)
        return zip(there.real, there.imaginary).flatMap { [$0, $1] }
      }
      let error = distance(ends[lane], expected(fibre.0))
      #expect(error < 2e-6, "fibre \(lane): \(error)")
      // Negative control: a group velocity that is one per cent off.
      #expect(distance(ends[lane], expected(1.01 * fibre.0)) > 1e-3)
    }
  }

  @Test(
    "propagates without nonlinearity exactly, each recording by its own symbol",
    arguments: [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512])
  func linear(_ level: kk_level) throws {
    guard level.rawValue <= kk_processor_level().rawValue else { return }
    let configuration = fibres { $0.frameCount = 41 }
    let solver = try Fibre(configuration: configuration)
    var entrances = try (0..<2).map { try light(configuration, recording: $0) }
    for lane in entrances.indices { entrances[lane].nonlinearity = 0 }
    let ends = try frames(configuration, entrances, level: level).compactMap(\.last)
    func exact(_ light: Entrance, _ fibre: Entrance) -> [Double] {
      var spectrum = CubicFlow.spectrum(real: light.light.real, imaginary: light.light.imaginary)
      let symbol = solver.symbol(slowness: fibre.slowness, dispersion: fibre.dispersion)
      for mode in symbol.indices {
        let angle = symbol[mode] * 40 * configuration.frameInterval
        let (re, im) = (spectrum[2 * mode], spectrum[2 * mode + 1])
        spectrum[2 * mode] = re * cos(angle) - im * sin(angle)
        spectrum[2 * mode + 1] = re * sin(angle) + im * cos(angle)
      }
      let field = CubicFlow.field(spectrum)
      return zip(field.real, field.imaginary).flatMap { [$0, $1] }
    }
    for lane in 0..<2 {
      #expect(distance(ends[lane], exact(entrances[lane], entrances[lane])) < 1e-11)
      // Negative control: the neighbour's fibre.
      #expect(distance(ends[lane], exact(entrances[lane], entrances[1 - lane])) > 0.01)
    }
  }

  @Test("is of fourth order along the fibre, and accurate with the default step") func order()
    throws
  {
    func last(_ substeps: Int) throws -> [Double] {
      let configuration = fibres {
        $0.frameCount = 101
        $0.substeps = substeps
      }
      return try #require(try frames(configuration, [light(configuration, recording: 3)])[0].last)
    }
    let reference = try last(32)
    let errors = try [2, 4, 8].map { distance(try last($0), reference) }
    let orders = [log2(errors[0] / errors[1]), log2(errors[1] / errors[2])]
    #expect(orders.allSatisfy { $0 > 3.6 && $0 < 4.5 }, "orders \(orders)")
    #expect(errors[0] < 1e-3, "\(errors)")
  }

  @Test("keeps the energy of the light") func energy() throws {
    let configuration = fibres { $0.frameCount = 201 }
    let entrances = try (0..<2).map { try light(configuration, recording: $0) }
    for frames in try frames(configuration, entrances) {
      let energies = frames.map { $0.reduce(0) { $0 + $1 * $1 } }
      let last = try #require(energies.last)
      // Of the time step; halving it divides it by 32.
      #expect((last / energies[0] - 1).magnitude < 1e-5, "\(last / energies[0] - 1)")
      // Negative control: what the recording sees of the light is not kept.
      let seen = [0, 200].map { frame in
        frames[frame][2 * configuration.firstPoint..<2 * (configuration.firstPoint + 800)]
          .reduce(0) { $0 + $1 * $1 }
      }
      #expect((seen[1] / seen[0] - 1).magnitude > 1e-3)
    }
  }

  @Test("solves on a periodic time axis so long that nothing comes back") func ring() throws {
    let (short, long) = (fibres(), fibres { $0.ringFactor = 8 })
    let shift = long.firstPoint - short.firstPoint
    for recording in 0..<6 {
      let entrance = try light(short, recording: recording)
      var wide = entrance
      func padded(_ part: [Double]) -> [Double] {
        let behind = long.ringPointCount - shift - part.count
        return Array(repeating: 0, count: shift) + part + Array(repeating: 0, count: behind)
      }
      wide.light = (padded(entrance.light.real), padded(entrance.light.imaginary))
      func window(_ configuration: Settings, _ entrance: Entrance) throws -> [Double] {
        let last = try #require(try frames(configuration, [entrance])[0].last)
        return Array(last[2 * configuration.firstPoint..<2 * (configuration.firstPoint + 800)])
      }
      let (found, expected) = (try window(short, entrance), try window(long, wide))
      #expect(distance(found, expected) < 1e-3, "recording \(recording)")
    }
  }

  @Test("makes recordings of unit light, each by itself") func data() throws {
    let solver = try Fibre(
      configuration: fibres {
        $0.seed = 5
        $0.recordings = 6
      })
    let block = try solver.simulate(0..<6, threads: 2)
    #expect(block.redrawn == 0 && block.x.count == 6 * 2 * 500 * 800)
    #expect(try solver.simulate(4..<5, threads: 1).x == Array(block.x[4 * 800_000..<5 * 800_000]))
    for recording in 0..<6 {
      let (k1, k2) = (block.parameters[3 * recording], block.parameters[3 * recording + 1])
      #expect(k1 >= 5 && k1 <= 45 && k2 >= -120 && k2 <= 400)
      #expect(block.parameters[3 * recording + 2] > 0)
      func power(_ frame: Int, _ points: Range<Int>) -> Double {
        let sum = (0..<2).reduce(0.0) { sum, part in
          let start = ((recording * 2 + part) * 500 + frame) * 800
          return block.x[start + points.lowerBound..<start + points.upperBound]
            .reduce(sum) { $0 + Double($1 * $1) }
        }
        return sum / Double(points.count)
      }
      // Both parts have unit mean square; one recording has some forty coherence times.
      #expect((power(0, 100..<800) - 2).magnitude < 1.2)
    }
  }

  @Test("refuses settings that cannot work") func refusals() throws {
    let mistakes: [(String, (inout Settings) -> Void)] = [
      ("slownessMean", { $0.slownessMean = 50 }), ("dispersionMean", { $0.dispersionMean = -200 }),
      ("nonlinearityMedian", { $0.nonlinearityMedian = -1 }),
      ("nonlinearitySpread", { $0.nonlinearitySpread = .nan }),
      ("spectrumWidth", { $0.spectrumWidth = 0 }), ("switchOn", { $0.switchOn = .infinity }),
      ("switchTime", { $0.switchTime = 0 }), ("ringFactor", { $0.ringFactor = 7 }),
      ("pointCount", { $0.pointCount = 14 }), ("substeps", { $0.substeps = 0 }),
    ]
    for (name, change) in mistakes {
      let error = #expect(throws: ConfigurationError.self) {
        try Fibre(configuration: fibres(change))
      }
      #expect(error?.path == "simulation.\(name)")
    }
    let text = Data(#"{"slownessMean": 20}"#.utf8)
    #expect(try SettingsTree(json: text).decode(Settings.self).slownessMean == 20)
  }
}
