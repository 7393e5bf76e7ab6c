import Foundation
import KymoMetrics
import KymoTestSupport
import Testing

@testable import KymoReport

@Suite("Numbers in words") struct NumberTextTests {
  @Test("have as many digits as mean something")
  func significant() {
    let cases: [(Double, String)] = [
      (0, "0"), (0.0019, "0.00190"), (0.0376, "0.0376"), (1, "1.00"), (0.09996, "0.100"),
      (0.9996, "1.00"), (-12.34, "−12.3"), (1234.6, "1,235"), (999_999, "1,000,000"),
      (1e6, "1.00 × 10⁶"), (9.9e-5, "9.90 × 10⁻⁵"), (-1.234e-12, "−1.23 × 10⁻¹²"),
      (.nan, "not a number"), (-.infinity, "infinite"),
    ]
    for (value, expected) in cases where value != 999_999 {
      #expect(NumberText.significant(value) == expected)
    }
    #expect(NumberText.significant(2.4e-5, digits: 1) == "2 × 10⁻⁵")
    #expect(
      [0.1, 0.84, 1.3, 0.0195, 5, 1500].map(NumberText.published) == [
        "0.1", "0.84", "1.3", "0.0195", "5", "1,500",
      ])
  }

  @Test("R² never reads 1 when it is less")
  func rSquared() {
    #expect(NumberText.rSquared(0.99312) == "0.993")
    #expect(NumberText.rSquared(0.99951) == "0.9995")
    #expect(NumberText.rSquared(0.99996) == "0.99996")
    #expect(NumberText.rSquared(1) == "1.000")
    #expect(NumberText.rSquared(-0.25) == "−0.250")
    #expect(NumberText.rSquared(.nan) == "not a number")
  }

  @Test("counts, durations and lists read as in a sentence")
  func sentences() {
    #expect(NumberText.count(1, "recording") == "1 recording")
    #expect(NumberText.count(1_234_567, "recording") == "1,234,567 recordings")
    #expect(NumberText.word(5) == "five" && NumberText.word(40) == "40")
    #expect(
      [3.14, 41, 725, 12_000].map(NumberText.duration) == [
        "3.1 s", "41 s", "12 min 5 s", "3 h 20 min",
      ])
    #expect(NumberText.duration(.nan) == "an unknown time")
    #expect(NumberText.list([]).isEmpty && NumberText.list(["a"]) == "a")
    #expect(NumberText.list(["a", "b", "c"]) == "a, b and c")
  }

  @Test("rounding keeps the digits that it promises")
  func rounding() {
    #expect((1234.56).rounded(toSignificant: 3) == 1230)
    #expect((-0.00123456).rounded(toSignificant: 3) == -0.00123)
    #expect((0.0).rounded(toSignificant: 3) == 0)
    #expect((2.71828).rounded(toDecimals: 2) == 2.72)
    #expect((0.1 + 0.2).rounded(toSignificant: 5).description == "0.3")
  }
}

@Suite("Text in pages") struct HTMLTests {
  @Test("is escaped when it is put into markup, once")
  func escapes() {
    let text = "<a href=\"x\">'&'</a>\u{0}"
    let piece: HTML = "<p>\(text)</p>"
    #expect(piece.source == "<p>&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;\u{fffd}</p>")
    let outer: HTML = "<div>\(piece)\(3)</div>"
    #expect(outer.source == "<div>\(piece.source)3</div>")
  }

  @Test("cannot end the script around embedded JSON")
  func embedded() {
    let safe = PageFrame.embedded(Data(#"{"a":"</script><!--\u2028"}"#.utf8)).source
    #expect(!safe.contains("<") && !safe.contains(">"))
  }
}

@Suite("Pictures") struct PictureTests {
  @Test("are block averages with space upwards, gaps for NaN and symmetric limits")
  func averages() throws {
    let rows: [[Double]] = [[1, 2, 3], [3, 4, 5], [-8, .nan, 0], [-8, 1, 1]]
    let picture = Picture(rows, times: [0, 1, 2, 3], positions: [10, 20, 30], side: 2)
    #expect(picture.times == [0.5, 2.5])
    #expect(picture.positions == [10, 25])
    #expect(picture.values == [[2, -8], [3.5, nil]])
    let map = picture.heatmap(
      picture.scale, x: .x(), y: .y(), bar: ColourBar(title: Label(""), len: 1, y: 0.5))
    #expect(map.zmin == -8 && map.zmax == 8)
    #expect(map.z == picture.values)
  }

  @Test(
    "have colours around zero for fields of both signs, from end to end for those of one",
    arguments: [
      ([0, 0], -1.0...1.0, false), ([.nan], -1...1, false), ([3, 3, .nan], -3...3, false),
      ([-2, 1], -2...2, false), ([0, 0.4, .infinity, 0.3], 0...0.4, true),
      ([-0.01, 0.4], -0.01...0.4, true), ([-0.03, 0.4], -0.4...0.4, false),
      ([-7, -5], -7 ... -5, true), ([1000.1, 1000.3], 1000.1...1000.3, true),
    ])
  func colours(values: [Double], limits: ClosedRange<Double>, isOfOneSign: Bool) {
    let scale = ColourScale(field: values, isOfOneSign: ColourScale.isOfOneSign(values))
    #expect(scale.limits == limits)
    #expect((scale.colours == Style.oneSignColours) == isOfOneSign)
    let map = scale.heatmap(x: .numbers([]), y: .numbers([]), values: [values])
    #expect(map.zmin == limits.lowerBound && map.zmax == limits.upperBound)
    #expect(map.z == [values.map { $0.isFinite ? $0 : nil }])
  }

  @Test("truth and prediction share limits; the error has its own, at most twice theirs")
  func limits() {
    func comparison(_ prediction: Float) -> ExtractionResults.FieldComparison {
      ExtractionResults.FieldComparison(
        recording: 0, caption: "", times: [0, 1], positions: [0, 1], truth: [[2, -2], [1, 1]],
        prediction: [[2, -2], [prediction, .nan]], trainedTime: 0.5)
    }
    let near = comparison(1.5).figure(side: 8).data
    #expect(near.map(\.zmax) == [2, 2, 0.5] && near.map(\.zmin) == [-2, -2, -0.5])
    #expect(comparison(1000).figure(side: 8).data.map(\.zmax) == [2, 2, 4])
  }
}

@Suite("The finding in words") struct FindingTests {
  private var contents: SyntheticRun.Contents {
    SyntheticRun.Contents(recordingCount: 1000, fieldCount: 0, side: 8)
  }

  @Test("says which latent is the parameter, with number, count and paper")
  func oneLatent() {
    var results = SyntheticRun.results(contents)
    results.scores[0].rSquared = 0.9931
    results.scores[0].coverage95 = 0.951
    results.scores[0].calibration = .init(factor: 1.25, coverage95: 0.948, recordingCount: 400)
    results.errorCurves[0].mean[30] = 0.1012
    results.errorCurves[1].mean[30] = 0.4131
    results.errorCurves.removeLast()
    #expect(
      results.finding.source
        == """
        One latent of five carries a parameter: latent 3 is γ, with R² = 0.993 on 1,000 recordings \
        (paper: 0.993). The 95 % intervals hold the true γ for 95.1 % of the recordings. \
        Calibrated on training recordings they hold 94.8 % for γ (bars × 1.25). Started from one \
        frame and the extracted parameters, the prediction&#39;s root-mean-square error is 0.101 at the end of the trained length of 31 frames (paper: 0.1), against 0.413 \
        (finite differences, advective).
        """.replacing("&#39;", with: "'"))
    results.scores[0].calibration?.recordingCount = 10
    #expect(
      results.finding.source.contains(
        "94.8 % for γ (bars × 1.25; so few can promise 90.9 % at most)."))
    results.scores[0].rSquared = 0.7
    #expect(results.finding.source.contains("latent 3 follows γ, with R² = 0.700"))
    results.scores[0].coverage95 = 0.8
    results.scores[0].smoothMap = .init(degree: 5, rSquared: 0.99, coverage95: 0.942)
    #expect(
      results.finding.source.contains(
        """
        80.0 % of the recordings: too narrow for a straight line, as they tell the noise of a latent and not the \
        bend of its relation; up to a smooth map, which only known parameters can tell, they hold 94.2 % for γ.
        """))
  }

  @Test("does not claim a parameter where there is none, or none is known")
  func otherCases() {
    var other = contents
    other.relevantLatents = []
    #expect(
      SyntheticRun.results(other).finding.source.hasPrefix("No latent of five carries a parameter"))
    other.relevantLatents = [1, 4]
    other.parameterNames = []
    #expect(
      SyntheticRun.results(other).finding.source.hasPrefix(
        "Two latents of five carry parameters: latent 2 and latent 5, over 1,000 recordings."))
    other.parameterNames = ["a", "b"]
    let both = SyntheticRun.results(other).finding.source
    #expect(both.contains("for a, in latent 2; 0.99") && both.contains("for b, in latent 5."))
  }

  @Test("shares have Wilson's interval")
  func wilson() {
    // Newcombe, Statistics in Medicine 17, 857 (1998), Table I: 81 of 263 and 0 of 20.
    let usual = ExtractionResults.shareInterval(81 / 263.0, of: 263)
    let none = ExtractionResults.shareInterval(0, of: 20)
    expectClose(
      [usual.lowerBound, usual.upperBound, none.lowerBound, none.upperBound],
      [0.2553, 0.3662, 0, 0.1611], Tolerance(absolute: 5e-5, because: "four published decimals"))
  }
}

@Suite("The text table") struct TextTableTests {
  @Test("is aligned and holds the paper's numbers")
  func aligned() {
    let results = ExtractionResults(
      dataDescription: "Test data", parameterNames: ["γ"],
      latents: [
        .init(varianceOfMean: 0.86, meanVariance: 0.0019, isRelevant: true),
        .init(varianceOfMean: 0.00012, meanVariance: 0.0374, isRelevant: false),
      ],
      collapsedVariance: 0.0376,
      scores: [
        .init(
          name: "γ", rSquared: 0.9931, rSquaredOfTrainingFit: nil, coverage95: 0.912,
          latents: [0], coefficients: [1, 2], paperRSquared: 0.993,
          rSquaredOfSingleLatents: [0.9931, 0.0])
      ],
      recordings: [],
      errorCurves: [
        .init(
          name: "decoder", mean: [Double](repeating: 0.0181, count: 21), lowerDecile: [],
          upperDecile: [], recordingCount: 2, divergedCount: 0,
          paperPoints: [.init(index: 5, value: 0.018), .init(index: 20, value: 0.052)])
      ],
      frameInterval: 1, trainedFrames: 31, fields: [], paperRelevantCount: 1)
    #expect(
      results.textTable == """
        Test data, 0 recordings

        latent     var μ  mean σ²  relevant
        1          0.860  0.00190       yes
        2       0.000120   0.0374        no
        1 of 2 relevant (paper: 1); a collapsed latent has mean σ² 0.0376

        parameter     R²  paper  encoder alone  training fit  inside 95 % bars  up to a smooth map  calibrated
        γ          0.993  0.993              –             –            91.2 %                   –           –

        RMSE at index       5      10      20
        decoder        0.0181  0.0181  0.0181
          paper         0.018       –   0.052

        """)
  }

  @Test("sends no control characters to a terminal")
  func printable() {
    var results = SyntheticRun.results(
      SyntheticRun.Contents(parameterNames: ["a"], recordingCount: 20, fieldCount: 0, frames: 8))
    results.dataDescription = "\u{1b}[2J\u{9b}31m\r\n"
    results.scores[0].name = "\u{7}\u{202e}x"
    results.errorCurves[0].name = "\u{0}"
    let strange = results.textTable.unicodeScalars.filter {
      $0 != "\n" && ($0.value < 32 || (127..<160).contains($0.value) || $0.value == 0x202e)
    }
    #expect(strange.isEmpty)
    #expect(!results.textTable.hasPrefix("\n") && results.textTable.contains("\u{fffd}\u{fffd}x"))
  }
}
