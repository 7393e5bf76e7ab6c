// Numbers that are no measurements are found and named; ordinary recordings raise no alarm.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoData

@Suite("Values that are not measurements") struct MeasurementTests {
  private func findings(
    _ change: (inout HostArray<Float>) -> Void = { _ in }
  ) -> [Finding] {
    waves([4, 2, 32, 16], change: change).check(
      inputCrop: [16, 16], targetCrop: [4, 8], isNormalized: true)
  }

  @Test(
    "a repeated extreme is named with its value, number and place",
    arguments: [1e20, -9999, -999, 9.96921e36] as [Float])
  func sentinels(_ value: Float) throws {
    let found = findings { x in
      for frame in 5..<8 { (x[2, 1, frame, 3], x[3, 1, frame, 4]) = (value, value) }
    }
    #expect(found.count == 1, "\(found)")
    let first = try #require(found.first)
    #expect(first.severity == .error)
    #expect(
      first.message.contains("6 times in channel v")
        && first.message.contains("recording 2, frame 5, cell 3"), "\(first.message)")
  }

  @Test("most of a field masked is found too")
  func masked() {
    let found = findings { x in
      for n in 0..<4 { for t in 0..<32 { for i in 4..<16 { x[n, 0, t, i] = 1e20 } } }
    }
    #expect(found.first?.message.contains("the value 1e+20 appears 1536 times") == true, "\(found)")
    #expect(!found.contains { $0.message.contains("almost nothing happens") })
  }

  @Test("doubled and frozen frames are found; a field at rest at the end is not called frozen")
  func repeats() {
    let doubled = findings { x in
      let old = x
      for n in 0..<4 {
        for c in 0..<2 {
          for t in 0..<32 { for i in 0..<16 { x[n, c, t, i] = old[n, c, t / 2, i] } }
        }
      }
    }
    #expect(
      doubled.first?.severity == .error && doubled[0].message.contains("doubled"), "\(doubled)")
    let frozen = findings { x in
      for c in 0..<2 { for t in 9..<20 { for i in 0..<16 { x[1, c, t, i] = x[1, c, 8, i] } } }
    }
    #expect(
      frozen.first?.message.contains("the first in recording 1, frame 9") == true, "\(frozen)")
    let rest = findings { x in
      for n in 0..<4 {
        for c in 0..<2 { for t in 21..<32 { for i in 0..<16 { x[n, c, t, i] = x[n, c, 20, i] } } }
      }
    }
    #expect(!rest.contains { $0.message.contains("frozen") }, "\(rest)")
  }

  @Test("a channel that never changes, digits that single precision lacks, and the cell of a NaN")
  func others() {
    let constant = findings { x in
      for n in 0..<4 { for t in 0..<32 { for i in 0..<16 { x[n, 1, t, i] = 7 } } }
    }
    #expect(constant.contains { $0.message == "channel v has the same value everywhere" })
    let coarse = findings { x in
      for n in 0..<4 {
        for t in 0..<32 { for i in 0..<16 { x[n, 0, t, i] = 101_325 + 0.01 * x[n, 0, t, i] } }
      }
    }
    #expect(coarse.first?.severity == .error && coarse[0].message.contains("single precision"))
    let gap = findings { $0[2, 1, 30, 5] = .nan }
    #expect(gap.contains { $0.message.contains("channel v, frame 30, cell 5") }, "\(gap)")
  }

  /// Fields of one channel, [4, 1, 48, 32].
  private static let ordinary: [(name: String, field: @Sendable (Int, Int, Int) -> Double)] = [
    ("travelling waves", { n, t, i in sin(0.4 * Double(i) - 0.2 * Double(t) + Double(n)) }),
    ("standing waves", { n, t, i in sin(0.4 * Double(i)) * cos(0.2 * Double(t) + Double(n)) }),
    (
      "images of one byte",
      { n, t, i in
        (128 + 160 * sin(0.4 * Double(i) - 0.2 * Double(t + n))).rounded().clamped(0, 255)
      }
    ),
    (
      "half precision",
      { n, t, i in
        (sin(0.4 * Double(i) - 0.2 * Double(t + n)) * 1024).rounded() / 1024
      }
    ),
    ("two values", { n, t, i in (i + t + n) % 7 < 3 ? 1 : 0 }),
    ("three values", { n, t, i in Double((i + t + n) % 3) }),
    ("a quiet start", { n, t, i in t < 10 ? 0 : sin(0.4 * Double(i) - 0.2 * Double(t + n)) }),
    ("shocks", { n, t, i in (i + t + n) % 32 < 16 ? 1 : -1 }),
    ("a smooth shock", { n, t, i in tanh(Double((i + t + n) % 32 - 16)) }),
    (
      "a localised pulse",
      { n, t, i in
        exp(-pow(Double(i) - 0.4 * Double(t) - Double(n), 2) / 4)
      }
    ),
    (
      "a tall pulse on a small ripple",
      { n, t, i in
        10 * exp(-pow(Double(i) - 0.4 * Double(t) - Double(n), 2)) + 0.1 * sin(0.4 * Double(i + t))
      }
    ),
    (
      "bursts",
      { n, t, i in
        (t + n) % 16 < 4 ? 5 * sin(0.4 * Double(i) - Double(t)) : 0.1 * sin(0.4 * Double(i + t))
      }
    ),
    ("an offset of ten deviations", { n, t, i in 10 + sin(0.4 * Double(i) - 0.2 * Double(t + n)) }),
    (
      "pressures in pascals",
      { n, t, i in
        101_325 + 500 * sin(0.4 * Double(i) - 0.2 * Double(t + n))
      }
    ),
    (
      "decay to rest",
      { n, t, i in
        t < 40 ? sin(0.4 * Double(i)) * exp(-0.1 * Double(t + n)) : 0
      }
    ),
    ("a ramp", { n, t, i in Double(t + n) + 0.1 * sin(0.4 * Double(i)) }),
    ("very small numbers", { n, t, i in 1e-12 * sin(0.4 * Double(i) - 0.2 * Double(t + n)) }),
    ("very large numbers", { n, t, i in 1e12 * sin(0.4 * Double(i) - 0.2 * Double(t + n)) }),
    ("counts", { n, t, i in (20 + 9 * sin(0.4 * Double(i) - 0.2 * Double(t + n))).rounded() }),
    (
      "clipped at a sensor's limit",
      { n, t, i in
        (1.5 * sin(0.4 * Double(i) - 0.2 * Double(t + n))).clamped(-1, 1)
      }
    ),
  ]

  @Test("twenty kinds of ordinary recordings raise no alarm")
  func ordinary() {
    #expect(Self.ordinary.count == 20)
    for (name, field) in Self.ordinary {
      let recordings = waves([4, 1, 48, 32]) { x in
        for n in 0..<4 {
          for t in 0..<48 { for i in 0..<32 { x[n, 0, t, i] = Float(field(n, t, i)) } }
        }
      }
      let check = MeasurementCheck(
        recordings, RecordingsStatistics(recordings, threads: 1), threads: 1)
      let found = recordings.measurementFindings(check)
      #expect(found.isEmpty, "\(name): \(found)")
    }
  }
}

extension Double {
  fileprivate func clamped(_ low: Double, _ high: Double) -> Double { max(low, min(high, self)) }
}
