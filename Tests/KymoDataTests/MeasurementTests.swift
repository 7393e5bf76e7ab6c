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
    // Into a rest that is not the same everywhere: every change is smaller than the one before.
    let rest = findings { x in
      for n in 0..<4 {
        for c in 0..<2 {
          for t in 1..<32 {
            for i in 0..<16 {
              x[n, c, t, i] = x[n, c, 0, i] * (1 + pow(0.6, Float(min(t, 20))))
            }
          }
        }
      }
    }
    #expect(!rest.contains { $0.message.contains("stop") }, "\(rest)")
  }

  @Test("a recording that stops in the middle of its motion and stays is found")
  func frozen() {
    let found = findings { x in
      for c in 0..<2 { for t in 21..<32 { for i in 0..<16 { x[2, c, t, i] = x[2, c, 20, i] } } }
    }
    #expect(found.count == 1 && found[0].severity == .error, "\(found)")
    #expect(found[0].message.contains("recording 2 from frame 21 on"), "\(found)")
    #expect(found[0].remedy.contains("x[:, :, :21]"))
  }

  @Test("marks of both signs, among values of their size, of two kinds, and beside one value")
  func manyMarks() {
    func words(_ change: (inout HostArray<Float>) -> Void) -> String {
      let found = findings(change).filter { $0.severity == .error }
      #expect(!found.contains { $0.remedy.contains("fill") }, "\(found)")
      return found.map(\.message).joined(separator: "; ")
    }
    let both = words { x in
      for t in 3..<6 { (x[1, 0, t, 2], x[2, 0, t, 9]) = (1e20, -1e20) }
    }
    #expect(both.contains("the value 1e+20 appears 3 times in channel u"), "\(both)")
    #expect(both.contains("the value -1e+20 appears 3 times in channel u"), "\(both)")
    let near = words { x in
      for i in x.elements.indices { x.elements[i] *= 280 }
      for t in 3..<6 { x[1, 0, t, 2] = -999 }
    }
    #expect(near.contains("the value -999 appears 3 times in channel u"), "\(near)")
    let two = words { x in
      for t in 3..<6 { (x[1, 0, t, 2], x[2, 0, t, 9], x[2, 0, t, 8]) = (-999, -9999, -9999) }
    }
    #expect(two.contains("the value -9999 appears 6 times in channel u"), "\(two)")
    #expect(two.contains("the value -999 appears 3 times in channel u"), "\(two)")
    let one = words { x in
      for n in 0..<4 { for t in 0..<32 { for i in 0..<16 { x[n, 1, t, i] = 0.5 } } }
      for t in 3..<6 { x[1, 1, t, 2] = -9999 }
    }
    #expect(one.contains("the value -9999 appears 3 times in channel v"), "\(one)")
  }

  @Test("obstacles are a warning with their number; walls, nodes and what is not reached are none")
  func obstacles() {
    func warnings(_ change: (inout HostArray<Float>) -> Void) -> [Finding] {
      let recordings = waves([3, 2, 32, 24], change: change)
      let check = MeasurementCheck(
        recordings, RecordingsStatistics(recordings, threads: 1), threads: 2)
      return recordings.measurementFindings(check)
    }
    func hold(_ x: inout HostArray<Float>, _ cells: [Int], _ value: Float = 0) {
      for n in 0..<3 { for t in 0..<32 { for i in cells { x[n, 1, t, i] = value } } }
    }
    let found = warnings { hold(&$0, [7, 8, 9, 10], 0.25) }
    #expect(found.count == 1 && found[0].severity == .warning, "\(found)")
    #expect(
      found[0].message.hasPrefix("4 cells of 24 in channel v never change, the first is cell 7"),
      "\(found)")
    #expect(warnings { hold(&$0, [0, 23]) }.isEmpty, "walls")
    // Cells that stand alone are sensors; nodes, around which a wave stands, are nothing.
    let sensors = warnings { hold(&$0, [6, 12]) }
    #expect(sensors.count == 1 && sensors[0].message.hasPrefix("cell 6 of channel v"), "\(sensors)")
    let standing = warnings { x in
      for n in 0..<3 {
        for t in 0..<32 {
          for i in 0..<24 {
            x[n, 1, t, i] = i % 6 == 0 ? 0 : sin(.pi * Float(i) / 6) * cos(0.2 * Float(t + n))
          }
        }
      }
    }
    #expect(standing.isEmpty, "nodes: \(standing)")
    #expect(
      warnings { x in
        for n in 0..<3 {
          for t in 0..<32 { for i in 0..<24 { x[n, 1, t, i] *= exp(-2 * Float(i * i)) } }
        }
      }.isEmpty, "a region that nothing reaches")
    // In one recording only it is no obstacle.
    #expect(
      warnings { x in for t in 0..<32 { for i in 7..<11 { x[1, 1, t, i] = 0 } } }.isEmpty)
    // In two dimensions a line is a node, a block is an obstacle.
    for (rows, isObstacle) in [(5..<6, false), (5..<8, true)] {
      var x = noise([2, 1, 12, 16, 16], seed: 3)
      for n in 0..<2 {
        for t in 0..<12 {
          for i in rows { for j in 2..<9 { x[n, 0, t, i, j] = 1.5 } }
        }
      }
      let found = Recordings(x: x).obstacles(in: [0, 1], threads: 1)
      #expect(found.map(\.count) == (isObstacle ? [21] : []))
      #expect(found.first.map { $0.cell == 5 * 16 + 2 } ?? true)
    }
  }

  @Test(
    "numbers that single or double precision does not hold are named", arguments: [true, false])
  func beyond(_ isPacked: Bool) throws {
    let bench = try Workbench()
    try bench.python(
      """
      save = np.savez\(isPacked ? "_compressed" : "")
      x = np.random.default_rng(1).normal(size=(3, 2, 20, 8))
      x[1, 1, 4, 3] = 1e39; x[2, 1, 4, 3] = -2e39
      save('large.npz', x=x)
      k = np.arange(3 * 20 * 8).reshape(3, 1, 20, 8) ** 2
      save('fine.npz', x=k + 10**12)
      k[2, 0, 5, 6] = 2**53 + 1; k[2, 0, 5, 7] = -2**63
      save('whole.npz', x=k)
      """)
    func errors(_ name: String) throws -> [Finding] {
      let file = try Recordings.load(bench.url(name))
      return file.less(file.largeOffset()).check(
        inputCrop: [8, 8], targetCrop: [4, 8], isNormalized: true
      ).filter { $0.severity == .error }
    }
    let large = try errors("large.npz")
    #expect(large.count == 1, "\(large)")
    #expect(
      large.first?.message.hasPrefix(
        "2 values such as 1e+39 in channel v, first in recording 1, frame 4, cell 3") == true,
      "\(large)")
    let whole = try errors("whole.npz")
    #expect(
      whole.first?.message.hasPrefix(
        "2 whole numbers such as 9007199254740992 in channel u, first in recording 2, frame 5, "
          + "cell 6") == true, "\(whole)")
    #expect(try errors("fine.npz").isEmpty)
  }

  @Test("half precision, Fortran order and bytes from files raise no alarm")
  func ordinaryFiles() throws {
    let bench = try Workbench()
    try bench.python(
      """
      n, c, t, i = np.meshgrid(*map(np.arange, (4, 1, 48, 32)), indexing='ij')
      x = np.sin(np.pi * i / 8 - 0.2 * t + n)
      np.savez('half.npz', x=x.astype('f2')); np.savez('fortran.npz', x=np.asfortranarray(x))
      np.savez('bytes.npz', x=np.clip(128 + 160 * x, 0, 255).astype('u1'))
      dark = np.where(x > 0.95, 255, 10 + 5 * x).astype('u1')
      np.savez('dark.npz', x=dark); np.savez('short.npz', x=(30000 * x).astype('i2'))
      """)
    for name in ["half", "fortran", "bytes", "dark", "short"] {
      let recordings = try Recordings.load(bench.url("\(name).npz"))
      let check = MeasurementCheck(
        recordings, RecordingsStatistics(recordings, threads: 1), threads: 1)
      let found = recordings.measurementFindings(check)
      #expect(found.isEmpty, "\(name): \(found)")
    }
  }

  @Test("an inspection of marked values gives no advice on noise, frames or ends")
  func inspection() throws {
    let bench = try Workbench()
    let marked = waves([4, 1, 64, 64], boundary: [.open]) { x in
      for n in 0..<4 { for t in 0..<64 { for i in 0..<40 { x[n, 0, t, (i + t) % 64] = 1e20 } } }
    }
    try marked.write(to: bench.url("w.npz"))
    let found = try Inspection(bench.url("w.npz"))
    let words = found.text + found.starterRecipe(for: "w.npz")
    #expect(words.contains("the value 1e+20"), "\(words)")
    for advice in ["white noise", "every k-th", "assimilated", "periodic", "fill", "unrelated"] {
      #expect(!words.contains(advice), "\(advice) is in \(words)")
    }
  }

  @Test("a channel that never changes, digits that single precision lacks, and the cell of a NaN")
  func others() {
    let constant = findings { x in
      for n in 0..<4 { for t in 0..<32 { for i in 0..<16 { x[n, 1, t, i] = 7 } } }
    }
    #expect(
      constant.contains {
        $0.message == "channel v has the same value everywhere" && $0.severity == .error
      })
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
    (
      "intermittent bursts on rest",
      { n, t, i in
        (t + 5 * n) % 24 < 3 ? 5 * sin(0.4 * Double(i) - Double(t)) : 0
      }
    ),
    (
      "clipped at 999",
      { n, t, i in
        (1500 * sin(0.4 * Double(i) - 0.2 * Double(t + n))).clamped(-999, 999)
      }
    ),
    (
      "relaxation to a pattern",
      { n, t, i in
        sin(0.4 * Double(i) + Double(n)) * (1 - exp(-0.9 * Double(t)))
      }
    ),
    (
      "a front between walls",
      { n, t, i in
        i == 0 || i == 31 ? 0 : tanh(0.3 * (Double(i) - 0.5 * Double(t) - Double(n)))
      }
    ),
  ]

  @Test("twenty-four kinds of ordinary recordings raise no alarm")
  func ordinary() {
    #expect(Self.ordinary.count == 24)
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
