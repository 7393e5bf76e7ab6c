// Weak features against NumPy's Fourier transforms, and row by row against the sum that defines
// them.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoLaw

struct WeakFormTests {
  /// Compares Gram matrices as cosines between columns, whose units differ.
  private func expectSame(_ found: [Double], _ name: String) throws {
    let expected = try NPZFile(golden(name)).doubles("gram").elements
    let size = Int(Double(expected.count).squareRoot())
    func cosines(_ matrix: [Double]) -> [Double] {
      matrix.indices.map {
        matrix[$0]
          / (expected[$0 / size * (size + 1)] * expected[$0 % size * (size + 1)]).squareRoot()
      }
    }
    expectClose(
      cosines(found), cosines(expected),
      Tolerance(absolute: 1e-9, because: "rounding of Fourier transforms under fourth derivatives"))
  }

  @Test func oneDimensionAgreesWithNumPy() throws {
    let recordings = try goldenRecordings("features-1d")
    let terms = try ["1", "dx(u)", "d4x(v)", "dx(u^2)", "d2x(u*v)", "u*v^2"].map {
      try LawTerm($0, channels: ["u", "v"], spaceRank: 1)
    }
    let form = WeakForm(
      recordings, terms: terms, window: TestWindow(time: 7, space: 9), scales: [2, 0.5],
      targets: 2)
    let equations = form.physical(form.equations(recordings, 0, noise: [0, 0], draws: 0))
    try expectSame(equations.total, "features-1d")
  }

  @Test func twoDimensionsAgreeWithNumPy() throws {
    let recordings = try goldenRecordings("features-2d")
    let terms = try ["dx(u)", "dy(u^2)", "lap(u)", "lap2(u)", "u^3"].map {
      try LawTerm($0, channels: ["u"], spaceRank: 2)
    }
    let form = WeakForm(
      recordings, terms: terms, window: TestWindow(time: 5, space: 6), scales: [3],
      targets: 1)
    let equations = form.physical(form.equations(recordings, 0, noise: [0], draws: 0))
    try expectSame(equations.total, "features-2d")
  }

  /// Axes that do not wrap: the sum over the support of one test function at a time.
  @Test func openAxesStayInside() throws {
    var metadata = RecordingsMetadata()
    metadata.boundary = [.open]
    (metadata.frameInterval, metadata.extents) = (1, [29])
    var random = RandomStream(seed: 1, purpose: .testing)
    let field = (0..<26 * 30).map { _ in Float(random.normal()) }
    let recordings = Recordings(
      x: HostArray(field, shape: [1, 1, 26, 30]), metadata: metadata)
    let term = try LawTerm("d3x(u^2)", channels: ["u"], spaceRank: 1)
    let form = WeakForm(
      recordings, terms: [term], window: TestWindow(time: 6, space: 9), scales: [1],
      targets: 1)
    var (square, rows) = (0.0, 0)
    let (flat, bend) = (
      TestFunction.values(power: 12, halfWidth: 6, derivative: 0),
      TestFunction.values(power: 16, halfWidth: 9, derivative: 3)
    )
    for t in stride(from: 6, through: 19, by: 1) {
      for x in stride(from: 9, through: 20, by: 2) {
        var sum = 0.0
        for i in 0...12 {
          for j in 0...18 {
            let u = Double(field[(t - 6 + i) * 30 + x - 9 + j])
            sum -= u * u * flat[i] * bend[j]
          }
        }
        square += sum * sum
        rows += 1
      }
    }
    #expect(form.rowCount == rows)
    let equations = form.equations(recordings, 0, noise: [0], draws: 0)
    expectClose([equations.total[0]], [square], .rounding(terms: 1000))
  }

  /// The mean over noise of what is corrected is what there is without noise.
  @Test func correctionTakesNoiseOff() throws {
    let recordings = try goldenRecordings("sine-gordon")
    let terms = try ["u", "d2x(u)", "u^3", "u*v", "dx(u^2)"].map {
      try LawTerm($0, channels: ["u", "v"], spaceRank: 1)
    }
    let scales = recordings.standardScaler().scale.map { Double($0) }
    let form = WeakForm(
      recordings, terms: terms, window: TestWindow(time: 8, space: 8), scales: scales,
      targets: 2)
    let clean = form.equations(recordings, 0, noise: [0, 0], draws: 0).total
    let noise = scales.map { 0.2 * $0 }
    var (corrected, raw) = (clean.map { _ in 0.0 }, clean.map { _ in 0.0 })
    let seeds = 24
    for seed in 0..<seeds {
      let noisy = recordings.noisy(0.2, seed: UInt64(seed))
      let found = form.equations(noisy, 0, noise: noise, draws: 1)
      let bare = form.equations(noisy, 0, noise: [0, 0], draws: 0).total
      for i in clean.indices {
        corrected[i] += found.total[i] / Double(seeds)
        raw[i] += bare[i] / Double(seeds)
      }
    }
    for column in terms.indices {
      let place = column * form.columnCount + column
      let (left, added) = (corrected[place] - clean[place], raw[place] - clean[place])
      #expect(abs(left) < 0.25 * abs(added) + 0.01 * clean[place], "\(terms[column])")
    }
  }
}
