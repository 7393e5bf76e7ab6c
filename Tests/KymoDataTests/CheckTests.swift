// Statistics against plain loops and formulas, and everything that a check or an inspection
// reports.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoData

/// Recordings of travelling waves sin(k (x − c t)), periodic in x.
func waves(
  _ shape: [Int], boundary: [Grid.Ends] = [.periodic], meanOf: Float = 0,
  change: (inout HostArray<Float>) -> Void = { _ in }
) -> Recordings {
  var x = HostArray<Float>(repeating: 0, shape: shape)
  var params: [Float] = []
  for n in 0..<shape[0] {
    let speed = 0.2 + 0.01 * Double(n)
    params.append(Float(speed))
    for c in 0..<shape[1] {
      for t in 0..<shape[2] {
        for i in 0..<shape[3] {
          let phase = 4 * Double.pi * Double(i) / Double(shape[3]) - speed * Double(t) + Double(c)
          x[n, c, t, i] = meanOf + Float(2.0.squareRoot() * sin(phase))
        }
      }
    }
  }
  change(&x)
  var metadata = RecordingsMetadata()
  (metadata.boundary, metadata.frameInterval, metadata.extents) = (boundary, 0.5, [10])
  metadata.parameterNames = ["c"]
  return Recordings(x: x, params: HostArray(params, shape: [shape[0], 1]), metadata: metadata)
}

@Suite("Statistics") struct StatisticsTests {
  @Test(
    "agree with loops in Double, for every length of a row",
    arguments: [0, 1, 2, 3, 7, 8, 9, 31, 64, 65, 2047, 2048, 2049, 5000])
  func kernels(_ count: Int) {
    let values = noise([count + 1], seed: 9).elements.map { $0 + 3 }
    let moments = unsafe values.withUnsafeBufferPointer { values in
      unsafe values.baseAddress.map { unsafe StatisticsKernels.moments($0, count, 2.5) }
    }
    let distance = unsafe values.withUnsafeBufferPointer { values in
      unsafe values.baseAddress.map {
        unsafe StatisticsKernels.squaredDistance($0, $0 + 1, count)
      }
    }
    let plain = values.prefix(count).map { Double($0) - 2.5 }
    let jumps = zip(values.dropFirst(), values.prefix(count)).map { pow(Double($0 - $1), 2) }
    // Eight lanes of Float over at most 2048 numbers: 256 roundings of 6e-8 each.
    let tolerance = Tolerance(
      absolute: 1e-4 * Double(max(1, count)) * 0.01, relative: 2e-5, because: "sums in Float")
    expectClose([moments?.sum ?? .nan], [plain.reduce(0, +)], tolerance)
    expectClose([moments?.squares ?? .nan], [plain.reduce(0) { $0 + $1 * $1 }], tolerance)
    expectClose([distance ?? .nan], [jumps.reduce(0, +)], tolerance)
    #expect(moments?.finiteCount == count)
    #expect(moments?.minimum == values.prefix(count).min() ?? .infinity)
    #expect(moments?.maximum == values.prefix(count).max() ?? -.infinity)
    if count > 0 {
      let wrong = plain.reduce(0, +) + 1
      expectFar([moments?.sum ?? .nan], [wrong], tolerance, factor: 10)
    }
  }

  @Test(
    "of sine waves are those of the formula, even on top of a large mean", arguments: [0, 1000])
  func formula(_ mean: Int) throws {
    let recordings = waves([2, 1, 64, 64], meanOf: Float(mean))
    let statistics = RecordingsStatistics(recordings, threads: 2)
    let channel = statistics.channels[0]
    // √2 sin has mean 0 and variance 1; rounding of 1000 + s is 3e-5 each.
    let tolerance = Tolerance(absolute: mean == 0 ? 1e-6 : 1e-4, because: "rounding of x")
    expectClose([try #require(channel.mean)], [Double(mean)], tolerance)
    expectClose([try #require(channel.standardDeviation)], [1], tolerance)
    // (√2 sin(a − s) − √2 sin a)² is 2 (1 − cos s) in the mean over a.
    let expected = ([0.2, 0.21].map { 2 * (1 - cos($0)) }.reduce(0, +) / 2).squareRoot()
    expectClose([try #require(channel.relativeFrameChange)], [expected], tolerance)
    if mean == 0 {
      let step = 4 * Double.pi / 64
      expectClose(
        [statistics.seams[0].typicalJump], [(2 * (1 - cos(step))).squareRoot()],
        Tolerance(relative: 0.02, because: "the seam is left out of an average over the circle"))
    }
    #expect((0.7...1.4).contains(try #require(statistics.seams[0].ratio)))
  }

  @Test("do not depend on the number of threads, nor on where the numbers are") func threads()
    throws
  {
    let bench = try Workbench()
    let owned = Recordings(x: noise([9, 2, 5, 13, 6], seed: 4))
    try owned.write(to: bench.url("a.npz"))
    let mapped = try Recordings.load(bench.url("a.npz"))
    let first = RecordingsStatistics(owned, threads: 1)
    for (recordings, threads) in [(owned, 3), (mapped, 1), (mapped, 2)] {
      let other = RecordingsStatistics(recordings, threads: threads)
      #expect(other.channels == first.channels && other.seams == first.seams)
      #expect(recordings.contentHash(threads: threads) == owned.contentHash(threads: 1))
    }
  }

  @Test("of a sample look at the first and the last recording") func sample() {
    let recordings = Recordings(x: HostArray(repeating: 0, shape: [101, 1, 5, 5]))
    #expect(recordings.sampledIndices(bytes: 500) == [0, 25, 50, 75, 100])
    #expect(recordings.sampledIndices(bytes: .max) == Array(0..<101))
    #expect(recordings.sampledIndices(bytes: 1) == [0, 100])
  }

  @Test("the hash changes with a number, a parameter, a name and the shape") func hash() {
    let x = noise([3, 1, 4, 6], seed: 8)
    var other = x
    other.elements[50] = other.elements[50].nextUp
    var named = RecordingsMetadata()
    named.channelNames = ["v"]
    let hashes = [
      Recordings(x: x), Recordings(x: other), Recordings(x: x.reshaped([3, 1, 6, 4])),
      Recordings(x: x, params: HostArray(repeating: 1, shape: [3, 1])),
      Recordings(x: x, params: HostArray(repeating: 2, shape: [3, 1])),
      Recordings(x: x, metadata: named), Recordings(x: x).subset(0..<2),
    ].map { $0.contentHash() }
    #expect(Set(hashes).count == hashes.count)
    #expect(hashes[0] == Recordings(x: x).contentHash())
  }
}

@Suite("Conserved means") struct ConservedMeansTests {
  @Test(
    "are those that recordings keep and that differ between them",
    arguments: [
      ([0.1, 0], true), ([0, 0], false), ([0.1, 0.01], false), ([0.1, 0.0005], true),
    ])
  func means(_ spreadAndDrift: [Float], _ isFound: Bool) {
    let recordings = waves([6, 2, 20, 32]) { x in
      for n in 0..<6 {
        for t in 0..<20 {
          let mean = spreadAndDrift[0] * Float(n) + spreadAndDrift[1] * Float(t % 2)
          for i in 0..<32 { x[n, 1, t, i] += 10 + mean }
        }
      }
    }
    let found = recordings.conservedMeans()
    #expect(found.map { $0 != nil } == [false, isFound])
    if let means = found[1] {
      let expected = (0..<6).map { 10 + 0.1 * Double($0) }
      expectClose(means, expected, Tolerance(absolute: 1e-3, because: "the drift"))
    }
  }
}

@Suite("A check before training") struct CheckTests {
  static func messages(
    _ recordings: Recordings, _ severity: Finding.Severity, input: [Int] = [8, 16],
    target: [Int] = [4, 14], isNormalized: Bool = false
  ) -> [String] {
    recordings.check(inputCrop: input, targetCrop: target, isNormalized: isNormalized)
      .filter { $0.severity == severity }.map(\.message)
  }

  @Test("finds nothing in good recordings") func good() throws {
    let recordings = waves([6, 1, 20, 32])
    #expect(CheckTests.messages(recordings, .error).isEmpty)
    #expect(CheckTests.messages(recordings, .warning).isEmpty)
    let found = try recordings.validate(
      inputCrop: [8, 16], targetCrop: [4, 14], isNormalized: false, file: "w.npz")
    #expect(found.isEmpty)
  }

  @Test("names recording, channel and frame of the first NaN, and counts") func notFinite() throws {
    let recordings = waves([6, 2, 20, 32]) {
      $0[4, 1, 7, 3] = .nan
      $0[4, 1, 9, 31] = .infinity
      $0[5, 0, 0, 0] = -.infinity
    }
    #expect(
      CheckTests.messages(recordings, .error) == [
        "3 values in 2 recordings are NaN or infinite, the first in recording 4, channel v, frame 7, "
          + "cell 3"
      ])
    let error = try formatError {
      try recordings.validate(
        inputCrop: [8, 16], targetCrop: [4, 14], isNormalized: false, file: "w.npz")
    }
    #expect(error.kind == .wrongContent && error.file == "w.npz")
    let statistics = RecordingsStatistics(recordings, threads: 1)
    #expect(statistics.channels.map(\.nonFiniteCount) == [1, 2])
    #expect(statistics.channels.allSatisfy { ($0.mean?.isFinite ?? false) })
  }

  @Test("tells recordings that end early from gaps, for every method and in an inspection")
  func padding() throws {
    func ending(_ ends: [Int: Int], gap: Bool = false) -> Recordings {
      waves([6, 2, 20, 32]) { x in
        for (n, end) in ends {
          for c in 0..<2 { for t in end..<20 { for i in 0..<32 { x[n, c, t, i] = .nan } } }
        }
        if gap { x[0, 1, 3, 4] = .nan }
      }
    }
    let short = ending([1: 15, 4: 12])
    let expected =
      "2 recordings of 6 end before the last frame, with nothing but NaN behind: the shortest, 4, "
      + "from frame 12 on"
    #expect(CheckTests.messages(short, .error) == [expected])
    let inspection = try InspectionTests.inspect(short)
    #expect(inspection.findings.contains { $0.message == expected })
    for body in [
      { try short.validate(file: "w.npz") },
      {
        try short.validate(
          inputCrop: [8, 16], targetCrop: [4, 14], isNormalized: true, file: "w.npz")
      },
    ] {
      let error = try formatError(body)
      #expect(error.found == expected && error.kind == .wrongContent)
      #expect(error.remedy.hasPrefix("Cut to 12 frames: x = x[:, :, :12]. Or "), "\(error)")
      #expect(error.remedy.contains("axis=(1, 2, 3)"))
    }
    // What the advice leaves can be trained on.
    let values = (0..<6).flatMap { n in
      (0..<2).flatMap { c in
        (0..<12).flatMap { t in (0..<32).map { short[n].exchanged(0)[c, t, $0] } }
      }
    }
    let cut = Recordings(
      x: HostArray(values, shape: [6, 2, 12, 32]), metadata: short.metadata)
    #expect(CheckTests.messages(cut, .error, input: [8, 16], target: [4, 14]).isEmpty)
    // One channel that ends early, a gap, and a recording without any value are no short recordings.
    let gap = CheckTests.messages(ending([2: 10], gap: true), .error)
    #expect(gap.count == 2 && gap[0].hasPrefix("1 value in 1 recording is NaN"), "\(gap)")
    let empty = CheckTests.messages(ending([2: 0]), .error)
    #expect(empty.count == 1 && empty[0].hasPrefix("1280 values in 1 recording"), "\(empty)")
    let channel = waves([6, 2, 20, 32]) { x in
      for t in 15..<20 { for i in 0..<32 { x[3, 1, t, i] = .nan } }
    }
    #expect(CheckTests.messages(channel, .error)[0].hasPrefix("160 values in 1 recording"))
  }

  @Test("compares the crops with the data") func crops() {
    let periodic = waves([6, 1, 20, 32])
    let open = waves([6, 1, 20, 32], boundary: [.open])
    #expect(CheckTests.messages(periodic, .error, input: [21, 16]).count == 1)
    #expect(CheckTests.messages(periodic, .error, input: [8, 40]).isEmpty)
    #expect(CheckTests.messages(periodic, .warning, input: [8, 40]).count == 1)
    #expect(CheckTests.messages(open, .error, target: [8, 33]).count == 1)
    #expect(CheckTests.messages(open, .error, input: [8, 16, 16], target: [8, 16]).count == 1)
    #expect(CheckTests.messages(open, .error, input: [0, 16], target: [8, 16]).count == 1)
  }

  @Test("finds constant and repeated recordings, sizes apart, frames apart") func contents() {
    let odd = waves([6, 1, 20, 32]) { x in
      for i in 0..<20 * 32 { x.elements[2 * 640 + i] = 0.5 }
      for i in 0..<20 * 32 { x.elements[5 * 640 + i] = x.elements[1 * 640 + i] }
    }
    let warnings = CheckTests.messages(odd, .warning)
    #expect(warnings.contains("1 recording of 6 is constant: 2"))
    #expect(warnings.contains { $0.contains("for example 5 repeats 1") })
    #expect(warnings.count == 2)
    let zero = Recordings(x: HostArray(repeating: 0, shape: [3, 1, 20, 32]))
    #expect(CheckTests.messages(zero, .error) == ["3 recordings of 3 are constant: 0, 1, 2"])
    let apart = waves([6, 2, 20, 32]) { x in
      for n in 0..<6 { for i in 0..<640 { x.elements[(2 * n + 1) * 640 + i] *= 1e-3 } }
    }
    #expect(
      CheckTests.messages(apart, .warning).contains { $0.contains("very different sizes") })
    let large = waves([6, 1, 20, 32]) { x in for i in x.elements.indices { x.elements[i] *= 50 } }
    #expect(CheckTests.messages(large, .warning).contains { $0.contains("RMS of 50") })
    // Sizes do not matter where every channel is normalised.
    #expect(CheckTests.messages(large, .warning, isNormalized: true).isEmpty)
    #expect(CheckTests.messages(apart, .warning, isNormalized: true).isEmpty)
    let unrelated = Recordings(x: noise([6, 1, 20, 32], seed: 1))
    #expect(
      CheckTests.messages(unrelated, .warning, input: [8, 16]).contains {
        $0.contains("almost unrelated")
      })
    let still = waves([6, 1, 20, 32]) { x in
      for n in 0..<6 {
        for t in 1..<20 { for i in 0..<32 { x[n, 0, t, i] = x[n, 0, 0, i] } }
      }
    }
    #expect(CheckTests.messages(still, .warning).contains { $0.contains("almost nothing") })
  }

  @Test("finds times that are not even, and a dt that is not theirs") func times() throws {
    let bench = try Workbench()
    try bench.python(
      """
      x = np.random.default_rng(1).normal(size=(4, 1, 50, 40)).astype('f4')
      t = 3 + 0.1 * np.arange(50)
      np.savez('even.npz', x=x, t=t)
      np.savez('single.npz', x=x, t=(1000 + t).astype('f4'))
      t[20] += 0.004
      np.savez('uneven.npz', x=x, t=t)
      np.savez('backwards.npz', x=x, t=t[::-1])
      np.savez('differs.npz', x=x, t=0.1 * np.arange(50), dt=0.2)
      """)
    for name in ["even", "single"] {
      let recordings = try Recordings.load(bench.url("\(name).npz"))
      #expect(recordings.timeFindings().isEmpty, "\(name)")
      expectClose(
        [try #require(recordings.frameInterval)], [0.1],
        Tolerance(relative: 1e-4, because: "times near 1000 in float32, over 49 steps"))
    }
    for (name, words) in [
      ("uneven", "frame 20 is 0.004 off, 4 % of the mean step 0.1"),
      ("backwards", "do not increase"), ("differs", "'dt' is 0.2"),
    ] {
      let findings = try Recordings.load(bench.url("\(name).npz")).timeFindings()
      #expect(findings.count == 1 && findings[0].severity == .error)
      #expect(findings[0].message.contains(words), "\(findings)")
    }
  }
}
