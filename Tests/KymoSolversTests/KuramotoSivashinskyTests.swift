// The Kuramoto-Sivashinsky solver: order, exact cases, invariants, an independent SciPy run, the
// published statistics of its data, and what happens when a recording diverges.
import CKernels
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

/// A configuration with some settings changed.
func settings(
  _ change: (inout KuramotoSivashinskyConfiguration) -> Void = { _ in }
) -> KuramotoSivashinskyConfiguration {
  var configuration = KuramotoSivashinskyConfiguration()
  change(&configuration)
  return configuration
}

/// Root mean square of the difference.
func distance(_ first: some Sequence<Double>, _ second: some Sequence<Double>) -> Double {
  Statistics.rootMeanSquare(zip(first, second).map { $0 - $1 })
}

/// The recordings that several suites look at: 96 of the paper's data set.
enum SharedRecordings {
  static let count = 96
  static let block: SimulatedBlock? = try? KuramotoSivashinsky(
    configuration: settings { $0.seed = 101 }
  ).simulate(0..<count, threads: 2)
}

/// Initial fields as in the data set, in double precision, with given dampings.
private func initialFields(_ dampings: [Double], seed: UInt64 = 5) -> [Double] {
  dampings.indices.flatMap { index -> [Double] in
    var stream = RandomStream(seed: seed, purpose: .testing, index: UInt64(index))
    let spectrum = InitialSpectrum.draw(
      width: 0.1 + 0.4 * stream.uniform(), length: 64 * Double.pi, highestMode: 127,
      using: &stream)
    return FourierTransform(realPoints: 256).inverse(spectrum + [0, 0])
  }
}

@Suite("Kuramoto-Sivashinsky, the method") struct KuramotoSivashinskyMethodTests {
  /// The orders between 16, 32 and 64 substeps; coarser ones are not yet in the asymptotic range.
  private func orders(referenceDamping: Double) throws -> [Double] {
    let start = initialFields([1])
    func last(_ substeps: Int, _ damping: Double) throws -> [Double] {
      let solver = try KuramotoSivashinsky(configuration: settings { $0.substeps = substeps })
      let frames = solver.advance(fields: start, dampings: [damping], frameCount: 5, threads: 1)
      return Array(frames.suffix(256))
    }
    let reference = try last(512, referenceDamping)
    let errors = try [16, 32, 64].map { distance(try last($0, 1), reference) }
    return [log2(errors[0] / errors[1]), log2(errors[1] / errors[2])]
  }

  @Test("is of fourth order in time") func order() throws {
    let orders = try orders(referenceDamping: 1)
    #expect(orders.allSatisfy { $0 > 3.7 && $0 < 4.4 }, "orders \(orders)")
    // Negative control: against another equation's solution there is no order.
    let wrong = try self.orders(referenceDamping: 1.001)
    #expect(wrong.allSatisfy { $0 < 1 }, "orders \(wrong)")
  }

  @Test("errs by less than 10⁻³ in a frame, whatever the damping") func localError() throws {
    let dampings = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5]
    // From the initial state, and from a developed one.
    let solver = try KuramotoSivashinsky(configuration: settings())
    let fine = try KuramotoSivashinsky(
      configuration: settings {
        $0.meshFactor *= 4
        $0.substeps *= 4
      })
    let fresh = initialFields(dampings)
    let run = solver.advance(fields: fresh, dampings: dampings, frameCount: 100, threads: 2)
    let developed = dampings.indices.flatMap { run[($0 * 100 + 99) * 256..<($0 * 100 + 100) * 256] }
    for fields in [fresh, developed] {
      let ours = solver.advance(fields: fields, dampings: dampings, frameCount: 2, threads: 2)
      let truth = fine.advance(fields: fields, dampings: dampings, frameCount: 2, threads: 2)
      for index in dampings.indices {
        let frame = (index * 2 + 1) * 256..<(index * 2 + 2) * 256
        let error =
          distance(ours[frame], truth[frame]) / Statistics.rootMeanSquare(Array(truth[frame]))
        // Required 10⁻³; measured at most 5e-7 (γ = 0.5), asserted at twice a generous tenfold.
        #expect(error < 1e-5, "γ = \(dampings[index]): relative error \(error)")
      }
    }
  }

  @Test("damps and feeds small waves exactly as the linear equation") func linearDecay() throws {
    let solver = try KuramotoSivashinsky(configuration: settings())
    let amplitude = 1e-9
    for (mode, damping) in [(3, 1.0), (20, 0.7), (33, 1.3), (50, 0.5)] {
      let k = 2 * Double.pi * Double(mode) / solver.configuration.length
      let wave = (0..<256).map { amplitude * cos(2 * Double.pi * Double(mode * $0) / 256 + 0.4) }
      let frames = solver.advance(fields: wave, dampings: [damping], frameCount: 9, threads: 1)
      let growth = exp((k * k - damping * pow(k, 4)) * 8 * solver.configuration.frameInterval)
      // What u u_x adds is of the relative size of the amplitude, times the elapsed time.
      expectClose(
        Array(frames.suffix(256)), wave.map { growth * $0 },
        Tolerance(absolute: 1e-7 * amplitude * growth, because: "quadratic term and rounding"))
    }
  }

  @Test("conserves the mean, and moves with it") func galileanInvariance() throws {
    let solver = try KuramotoSivashinsky(configuration: settings())
    let start = initialFields([1])
    let frameCount = 9
    // Three points in eight frames.
    let speed =
      3 * solver.configuration.length / 256 / (8 * solver.configuration.frameInterval)
    let boosted = start.map { $0 + speed }
    let still = Array(
      solver.advance(fields: start, dampings: [1], frameCount: frameCount, threads: 1).suffix(256))
    let moving = Array(
      solver.advance(fields: boosted, dampings: [1], frameCount: frameCount, threads: 1)
        .suffix(256))
    #expect((Statistics.mean(still) - Statistics.mean(start)).magnitude < 1e-15)
    let shifted = (0..<256).map { still[($0 + 253) % 256] + speed }
    // Both carry time-stepping errors, larger in the faster frame; measured 6e-7.
    #expect(distance(moving, shifted) < 5e-6)
    // Negative control: the shift matters.
    #expect(distance(moving, still.map { $0 + speed }) > 0.1)
  }

  @Test("agrees with SciPy on one recording") func golden() throws {
    struct Golden: Decodable {
      var gamma, meshFactor: Double
      var substeps: Int
      var frames: [Int]
      var initial: [Double]
      var fields: [[Double]]
    }
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let data = try Data(
      contentsOf: folder.appending(path: "Golden/kuramoto_sivashinsky.json"))
    let golden = try JSONDecoder().decode(Golden.self, from: data)
    let solver = try KuramotoSivashinsky(
      configuration: settings {
        $0.meshFactor = golden.meshFactor
        $0.substeps = golden.substeps
      })
    let frames = solver.advance(
      fields: golden.initial, dampings: [golden.gamma], frameCount: 17, threads: 1)
    for (frame, field) in zip(golden.frames, golden.fields) {
      let error = distance(frames[frame * 256..<(frame + 1) * 256], field)
      // The same scheme on the same mesh: rounding, grown by the instability; measured 1e-14.
      #expect(error < 1e-12, "frame \(frame): \(error)")
    }
  }

  @Test("gives the same recordings to rounding with every instruction set")
  func instructionSets() throws {
    let solver = try KuramotoSivashinsky(configuration: settings())
    let dampings = [0.8, 1.2]
    let fields = initialFields(dampings)
    let results = [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512].map { level in
      var flow = solver.makeFlow()
      flow.level = level
      let starts = dampings.indices.map { index in
        FlowStart(
          spectrum: SpectralFlow.spectrum(of: Array(fields[index * 256..<(index + 1) * 256])),
          linear: solver.linearSymbol(damping: dampings[index]))
      }
      var last: [[Double]] = []
      flow.run(starts, frameCount: 17) { _, view in
        last = starts.indices.map { view.field(lane: $0) }
        return true
      }
      return last.flatMap(\.self)
    }
    #expect(distance(results[0], results[1]) < 1e-12)
    #expect(distance(results[0], results[2]) < 1e-12)
    #expect(distance(results[0], results[0].map { $0 + 1e-11 }) > 1e-12)
  }
}

@Suite("Kuramoto-Sivashinsky, the data set") struct KuramotoSivashinskyDataTests {
  @Test("has the statistics of the paper's data") func statistics() throws {
    let block = try #require(SharedRecordings.block)
    let count = SharedRecordings.count
    #expect(block.recordingCount == count && block.x.count == count * 256 * 256)
    #expect(block.redrawn == 0)
    let x = block.x.map(Double.init)
    func frame(_ recording: Int, _ frame: Int) -> ArraySlice<Double> {
      x[(recording * 256 + frame) * 256..<(recording * 256 + frame + 1) * 256]
    }
    for recording in 0..<count {
      #expect((Statistics.rootMeanSquare(Array(frame(recording, 0))) - 1).magnitude < 1e-7)
    }
    // Long-time root mean square 1.30 to 1.37, |u| up to about 4.8 (a NumPy simulation).
    let late = (0..<count).flatMap { recording in
      stride(from: 120, to: 256, by: 8).flatMap { frame(recording, $0) }
    }
    let lateSize = Statistics.rootMeanSquare(late)
    #expect(lateSize > 1.30 && lateSize < 1.39, "\(lateSize)")
    let largest = x.map(\.magnitude).max() ?? 0
    #expect(largest > 4 && largest < 5.5, "\(largest)")
    // Over one frame 0.197, over 1 ... 31 frames from a random one 2.03 (a NumPy simulation of 40
    // recordings). Recordings differ by about 15 % in the latter.
    func meanSquareChange(_ lag: Int) -> Double {
      let changes = (0..<count).flatMap { recording in
        stride(from: 0, to: 256 - lag, by: 5).map { start in
          pow(distance(frame(recording, start + lag), frame(recording, start)), 2)
        }
      }
      return Statistics.mean(changes)
    }
    let change = meanSquareChange(1).squareRoot()
    #expect((change - 0.197).magnitude < 0.006, "\(change)")
    let persistence = Statistics.mean((1...31).map(meanSquareChange))
    #expect((persistence - 2.03).magnitude < 0.15, "\(persistence)")
    // The conserved mean has standard deviation 0.29 (a NumPy simulation).
    let means = (0..<count).map { Statistics.mean(Array(frame($0, 0))) }
    #expect((Statistics.sampleStandardDeviation(means) - 0.29).magnitude < 0.29 * 0.25)
    for recording in 0..<count {
      let drift = Statistics.mean(Array(frame(recording, 255))) - means[recording]
      #expect(drift.magnitude < 3e-8, "the mean drifts by \(drift), more than Float's rounding")
    }
  }

  @Test("draws γ and the initial spectrum as the paper") func draws() throws {
    let solver = try KuramotoSivashinsky(configuration: settings())
    let draws = (0..<2000).map { solver.draw(recording: $0, attempt: 0) }
    let dampings = draws.map(\.damping)
    #expect(dampings.allSatisfy { $0 >= 0.5 && $0 <= 1.5 })
    // Five standard deviations of the estimates; truncation at 4σ changes neither visibly.
    #expect((Statistics.mean(dampings) - 1).magnitude < 5 * 0.125 / 2000.0.squareRoot())
    #expect(
      (Statistics.sampleStandardDeviation(dampings) / 0.125 - 1).magnitude < 5 / 4000.0.squareRoot()
    )
    // E|û(k)|² falls as exp(-k²/κ₀²), κ₀ from 0.0625 to 0.5: between these bounds at each k.
    for mode in [4, 8, 16] {
      let k = Double(mode) / 32
      let ratio =
        Statistics.mean(draws.map { pow($0.spectrum[2 * mode], 2) })
        / Statistics.mean(draws.map { pow($0.spectrum[2], 2) })
      #expect(ratio > exp(-k * k / 0.0625 / 0.0625) && ratio < exp(-k * k / 0.25), "mode \(mode)")
    }
  }

  @Test("does not depend on threads, blocks or neighbours") func independence() throws {
    let solver = try KuramotoSivashinsky(
      configuration: settings {
        $0.recordings = 21
        $0.frameCount = 12
        $0.noiseDeviation = 0.1
        $0.seed = 77
      })
    let whole = try solver.simulate(0..<21, threads: 1)
    #expect(try solver.simulate(0..<21, threads: 2).x == whole.x)
    #expect(try solver.simulate(0..<21, threads: 5).x == whole.x)
    let size = 12 * 256
    for recording in [0, 3, 20] {
      let alone = try solver.simulate(recording..<recording + 1, threads: 1)
      #expect(alone.x == Array(whole.x[recording * size..<(recording + 1) * size]))
      #expect(alone.parameters == [whole.parameters[recording]])
    }
    var (x, parameters): ([Float], [Float]) = ([], [])
    try solver.simulate(threads: 2, blockSize: 10) { block in
      #expect(block.firstRecording == parameters.count)
      x += block.x
      parameters += block.parameters
    }
    #expect(x == whole.x && parameters == whole.parameters)
    // Another seed gives other data.
    var other = solver.configuration
    other.seed = 78
    #expect(
      try KuramotoSivashinsky(configuration: other).simulate(0..<1, threads: 1).x
        != Array(x[..<size]))
  }

  @Test("starts from the same fields on every internal mesh") func meshIndependence() throws {
    let first = try [1.5, 3].map { factor in
      let solver = try KuramotoSivashinsky(
        configuration: settings {
          $0.meshFactor = factor
          $0.frameCount = 2
        })
      return try solver.simulate(0..<4, threads: 1).x.map(Double.init)
    }
    #expect(distance(first[0], first[1]) < 1e-6)
  }

  @Test("adds noise once, of the deviation asked for") func noise() throws {
    func recordings(_ deviation: Double) throws -> SimulatedBlock {
      try KuramotoSivashinsky(
        configuration: settings {
          $0.frameCount = 40
          $0.noiseDeviation = deviation
        }
      ).simulate(0..<8, threads: 2)
    }
    let (clean, noisy) = (try recordings(0), try recordings(0.1))
    #expect(clean.parameters == noisy.parameters)
    let noise = zip(noisy.x, clean.x).map { Double($0 - $1) }
    // 81,920 samples: five standard deviations of mean and deviation.
    let spread = 0.1 / Double(noise.count).squareRoot()
    #expect(Statistics.mean(noise).magnitude < 5 * spread)
    #expect((Statistics.sampleStandardDeviation(noise) - 0.1).magnitude < 5 * spread)
  }

  @Test("replaces a recording that diverges, and counts it") func redraw() throws {
    // No room above the data mesh, one step a frame, damping from very little to plenty: the steps
    // are far too long for the small dampings.
    let solver = try KuramotoSivashinsky(
      configuration: settings {
        $0.meshFactor = 1
        $0.substeps = 1
        $0.dampingMinimum = 0.001
        $0.dampingMean = 0.3
        $0.dampingDeviation = 0.3
        $0.frameCount = 64
      })
    let block = try solver.simulate(0..<24, threads: 2)
    #expect(block.redrawn > 0)
    #expect(block.x.allSatisfy { $0.magnitude <= 1000 })
    // The replacement is the recording's second draw, alone or among others.
    let replaced = (0..<24).filter {
      block.parameters[$0] != Float(solver.draw(recording: $0, attempt: 0).damping)
    }
    #expect(!replaced.isEmpty && replaced.count <= block.redrawn)
    let one = try #require(replaced.first)
    let alone = try solver.simulate(one..<one + 1, threads: 1)
    #expect(alone.redrawn > 0)
    let size = 64 * 256
    #expect(alone.x == Array(block.x[one * size..<(one + 1) * size]))
  }

  @Test("gives up on settings with which everything diverges") func hopeless() throws {
    let solver = try KuramotoSivashinsky(
      configuration: settings {
        $0.dampingMinimum = 1e-6
        $0.dampingMean = 1e-6
        $0.dampingMaximum = 1e-6
        $0.dampingDeviation = 0
      })
    #expect(throws: SimulationError.everyDrawBlewUp(recording: 0, attempts: 20)) {
      try solver.simulate(0..<1, threads: 1)
    }
    let sentence = SimulationError.everyDrawBlewUp(recording: 3, attempts: 20).description
    #expect(sentence.contains("Recording 3") && sentence.contains("substeps"))
  }

  @Test("stops when the receiver throws") func cancellation() throws {
    let solver = try KuramotoSivashinsky(
      configuration: settings {
        $0.recordings = 40
        $0.frameCount = 2
      })
    var blocks = 0
    #expect(throws: CancellationError.self) {
      try solver.simulate(threads: 1, blockSize: 8) { _ in
        blocks += 1
        if blocks == 2 { throw CancellationError() }
      }
    }
    #expect(blocks == 2)
  }
}

@Suite("Kuramoto-Sivashinsky, the settings") struct KuramotoSivashinskySettingsTests {
  @Test("decode onto the defaults and back") func decoding() throws {
    let text = Data(#"{"recordings": 12, "substeps": 20}"#.utf8)
    let decoded = try SettingsTree(json: text).decode(KuramotoSivashinskyConfiguration.self)
    #expect(
      decoded
        == settings {
          $0.recordings = 12
          $0.substeps = 20
        })
    let all = settings {
      $0.recordings = 2
      $0.seed = .max
      $0.length = 100
      $0.pointCount = 120
      $0.frameCount = 10
      $0.frameInterval = 0.25
      $0.dampingMean = 1.25
      $0.dampingDeviation = 0.5
      $0.dampingMinimum = 0.75
      $0.dampingMaximum = 2.5
      $0.spectrumWidthMinimum = 0.125
      $0.spectrumWidthMaximum = 0.75
      $0.noiseDeviation = 0.5
      $0.meshFactor = 2
      $0.substeps = 3
    }
    let again = try SettingsTree(encoding: all).decode(
      KuramotoSivashinskyConfiguration.self)
    #expect(again == all)
  }

  @Test("refuse unknown keys and say the nearest") func unknownKey() {
    let text = Data(#"{"subsstep": 20}"#.utf8)
    #expect {
      try SettingsTree(json: text).decode(KuramotoSivashinskyConfiguration.self)
    } throws: { error in
      "\(error)".contains("'substeps'")
    }
  }

  static let mistakes: [(String, @Sendable (inout KuramotoSivashinskyConfiguration) -> Void)] = [
    ("recordings", { $0.recordings = 0 }),
    ("pointCount", { $0.pointCount = 254 }),
    ("pointCount", { $0.pointCount = 15 }),
    ("frameCount", { $0.frameCount = 1 }),
    ("length", { $0.length = 0 }),
    ("length", { $0.length = .infinity }),
    ("frameInterval", { $0.frameInterval = -1 }),
    ("dampingMinimum", { $0.dampingMinimum = 0 }),
    ("dampingMean", { $0.dampingMean = 2 }),
    ("dampingMean", { $0.dampingMean = .nan }),
    ("dampingDeviation", { $0.dampingDeviation = -0.1 }),
    (
      "dampingDeviation",
      {
        $0.dampingMinimum = 1
        $0.dampingMaximum = 1
      }
    ),
    ("spectrumWidthMinimum", { $0.spectrumWidthMinimum = 0 }),
    ("spectrumWidthMaximum", { $0.spectrumWidthMaximum = 0.01 }),
    ("noiseDeviation", { $0.noiseDeviation = .nan }),
    ("meshFactor", { $0.meshFactor = 0.5 }),
    ("substeps", { $0.substeps = 0 }),
  ]

  @Test("are refused where they cannot work", arguments: mistakes.indices)
  func refusals(_ index: Int) throws {
    let (name, change) = Self.mistakes[index]
    let error = #expect(throws: ConfigurationError.self) {
      try KuramotoSivashinsky(configuration: settings(change))
    }
    #expect(error?.path == "simulation.\(name)")
    #expect(throws: Never.self) { try settings().validate() }
  }
}
