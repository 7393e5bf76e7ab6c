import Foundation
import KymoResults
import Testing

@testable import KymoReport

@Suite("Rounded numbers") struct RoundingTests {
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
    #expect(picture.columns == [0.5, 2.5])
    #expect(picture.rows == [10, 25])
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
    func figure(_ prediction: Float) -> Figure {
      let fields = FieldComparison(
        times: [0, 1], positions: [[0, 1]],
        channels: [.init("u", truth: [2, -2, 1, 1], prediction: [2, -2, prediction, .nan])],
        trainedTime: 0.5)
      return fields.figure(of: fields.channels[0], side: 8)
    }
    let near = figure(1.5).data
    #expect(near.map(\.zmax) == [2, 2, 0.5] && near.map(\.zmin) == [-2, -2, -0.5])
    #expect(figure(1000).data.map(\.zmax) == [2, 2, 4])
  }
}
