// Faults of sensors and of files: one sensor of many, one channel of several, one number, one
// recording; and ordinary recordings that look like them.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoData

@Suite("Sensors and files with faults") struct SensorTests {
  private func findings(
    _ shape: [Int] = [4, 2, 32, 24], boundary: [Grid.Ends] = [.periodic],
    _ change: (inout HostArray<Float>) -> Void
  ) -> [Finding] {
    let recordings = waves(shape, boundary: boundary, change: change)
    return recordings.measurementFindings(
      MeasurementCheck(recordings, RecordingsStatistics(recordings, threads: 1), threads: 1))
  }

  @Test(
    "a cell that repeats its number while its neighbours go on is named: for a while, to the end, all along",
    arguments: [8..<20, 12..<32, 1..<32])
  func frozenCell(_ frames: Range<Int>) {
    let found = findings { x in
      for t in frames { x[2, 1, t, 7] = x[2, 1, frames.lowerBound - 1, 7] }
    }
    #expect(found.count == 1 && found.first?.severity == .warning, "\(found)")
    #expect(
      found.first?.message.hasPrefix(
        "cell 7 of channel v repeats its number over \(frames.count) frames in recording 2, the first "
          + "\(frames.lowerBound),") == true, "\(found)")
  }

  @Test("so is one in noise, and one in two dimensions")
  func roughAndPlane() throws {
    var rough = noise([2, 1, 40, 24], seed: 4)
    for t in 11..<30 { rough[1, 0, t, 9] = rough[1, 0, 10, 9] }
    var plane = HostArray<Float>(repeating: 0, shape: [1, 1, 30, 12, 12])
    for t in 0..<30 {
      for i in 0..<12 {
        for j in 0..<12 {
          plane[0, 0, t, i, j] = sin(Float(i) / 2 - Float(t) / 5) + cos(Float(j) / 2 + Float(t) / 7)
        }
      }
    }
    for t in 9..<30 { plane[0, 0, t, 5, 4] = plane[0, 0, 8, 5, 4] }
    for (x, cell) in [(rough, 9), (plane, 64)] {
      let recordings = Recordings(x: x)
      let check = MeasurementCheck(
        recordings, RecordingsStatistics(recordings, threads: 1), threads: 1)
      #expect(check.frozenCells.map(\.cell.cell) == [cell])
    }
  }

  @Test("nodes, ends, limits of a sensor and levels of a coarse one are no frozen cells")
  func ordinaryCells() {
    let fields: [(String, (Int, Int) -> Float)] = [
      ("a node", { t, i in i == 12 ? 0 : sin(Float(i - 12) / 4) * cos(Float(t) / 5) }),
      ("ends", { t, i in i == 0 || i == 23 ? 0 : sin(Float(i) / 4 - Float(t) / 5) }),
      ("limits", { t, i in min(1, 1.05 * sin(Float(i) / 4 - Float(t) / 40)) }),
      ("levels", { t, i in (3 * sin(Float(i) / 4 - Float(t) / 20)).rounded() }),
      ("a front", { t, i in max(0, min(1, 1 - (Float(i) - 4 - Float(t) / 3) / 4)) }),
    ]
    for (name, field) in fields {
      let found = findings([3, 1, 32, 24], boundary: [.open]) { x in
        for n in 0..<3 { for t in 0..<32 { for i in 0..<24 { x[n, 0, t, i] = field(t, i) } } }
      }
      #expect(found.isEmpty, "\(name): \(found)")
    }
  }

  @Test("a channel that is frozen, or repeats every frame, while another goes on is named")
  func heldChannel() {
    for (name, held) in [
      ("frozen", { t in min(t, 19) }), ("doubled", { t in t / 2 * 2 }),
    ] as [(String, (Int) -> Int)] {
      let found = findings { x in
        for t in 0..<32 { for i in 0..<24 { x[2, 1, t, i] = x[2, 1, held(t), i] } }
      }
      #expect(found.count == 1 && found[0].severity == .warning, "\(name): \(found)")
      #expect(found[0].message.hasPrefix("channel v repeats"), "\(name): \(found)")
    }
    // A channel that is driven the same everywhere, in steps, is ordinary.
    let driven = findings { x in
      for n in 0..<4 { for t in 0..<32 { for i in 0..<24 { x[n, 1, t, i] = Float(t / 8 % 2) } } }
    }
    #expect(driven.isEmpty, "\(driven)")
  }

  @Test("recordings that were filled up with one value are named, with the cut")
  func filled() throws {
    for value in [0, -5] as [Float] {
      let found = findings { x in
        for c in 0..<2 { for t in 20..<32 { for i in 0..<24 { x[1, c, t, i] = value } } }
      }
      let error = try #require(found.first { $0.severity == .error })
      #expect(error.message.contains("recording 1 from frame 20 on"), "\(found)")
    }
  }

  @Test("a mark that appears once, and a number that is absurdly far away")
  func once() throws {
    for value in [-9999, 32_767, 1e20] as [Float] {
      let found = findings { x in
        for i in x.elements.indices { x.elements[i] *= 2000 }
        x[2, 1, 5, 3] = value
      }
      #expect(found.count == 1 && found[0].severity == .error, "\(value): \(found)")
      #expect(found[0].message.contains("appears 1 time in channel v"), "\(found)")
    }
    #expect(findings { $0[2, 1, 5, 3] = -9999 }[0].message.contains("-9999"))
    let spike = findings { $0[2, 1, 5, 3] = 4321 }
    #expect(spike.count == 1 && spike[0].severity == .warning, "\(spike)")
    #expect(spike[0].message.contains("the value 4321 appears once"), "\(spike)")
    #expect(findings { $0[2, 1, 5, 3] = 12 }.isEmpty, "a rare event")
  }

  @Test("a recording in other units is named; sizes that grow from one to the next are ordinary")
  func otherSizes() {
    let found = findings([8, 1, 32, 24]) { x in
      for t in 0..<32 { for i in 0..<24 { x[3, 0, t, i] *= 1000 } }
    }
    #expect(found.count == 1 && found[0].severity == .warning, "\(found)")
    #expect(found[0].message.contains("recording 3 has the standard deviation"), "\(found)")
    let grown = findings([8, 1, 32, 24]) { x in
      for n in 0..<8 {
        for t in 0..<32 { for i in 0..<24 { x[n, 0, t, i] *= pow(3, Float(n)) } }
      }
    }
    #expect(grown.isEmpty, "\(grown)")
  }

  @Test("a mark among known parameters is named")
  func parameterMarks() throws {
    let field = waves([4, 1, 32, 24])
    let marked = Recordings(
      x: HostArray((0..<4).flatMap { field[$0].exchanged(0).elements }, shape: field.shape),
      params: HostArray([0.1, 0.2, -9999, 0.4], shape: [4, 1]), metadata: field.metadata)
    let found = marked.measurementFindings(
      MeasurementCheck(marked, RecordingsStatistics(marked, threads: 1), threads: 1))
    #expect(found.count == 1 && found[0].severity == .warning, "\(found)")
    #expect(
      found[0].message.hasPrefix("parameter c is -9999 in 1 recording, such as 2,"), "\(found)")
  }

  @Test("images of two values that move slowly repeat by chance")
  func twoLevels() {
    let found = findings([4, 1, 64, 48]) { x in
      for n in 0..<4 {
        for t in 0..<64 {
          for i in 0..<48 {
            x[n, 0, t, i] = sin(Float(i) / 4 - 0.1 * Float(t) + Float(n)) > 0 ? 1 : 0
          }
        }
      }
    }
    #expect(found.isEmpty, "\(found)")
  }
}
