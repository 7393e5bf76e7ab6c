// py-pde (Zwicker, JOSS 5, 2158 (2020)), FileStorage: `data` (t[, component], x[, y]), `times`;
// root attributes are JSON texts.
import Foundation
import KymoNumerics

enum PyPDELayout: HDF5Layout {
  private struct State: Decodable {
    var grid: String?
    var rank: Int?
  }
  private struct GridState: Decodable {
    var shape: [Int]?
    var bounds: [[Double]]?
    var periodic: [Bool]?
  }

  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays? {
    guard file.paths.contains("data"), file.paths.contains("times") else { return nil }
    let root = try file.attributes(of: nil)
    func decoded<Value: Decodable>(_ type: Value.Type, _ text: String?) -> Value? {
      text.flatMap { try? JSONDecoder().decode(type, from: Data($0.utf8)) }
    }
    func text(_ name: String) -> String? {
      if case .texts(let words) = root[name] { words.first } else { nil }
    }
    // The state of the field, and in it that of the grid, a text again.
    let state =
      decoded(State.self, decoded(String.self, text("field_attributes")))
      ?? decoded(State.self, text("field_attributes"))
    let grid = decoded(GridState.self, state?.grid)
    let array = try file.open("data")
    let space = grid?.shape?.count ?? array.shape.count - 1
    guard (1...2).contains(space), array.shape.count - 1 - space <= 2, array.shape.count > space
    else {
      return nil
    }
    let order = array.shape.count - 1 - space
    let letters: [Character] = ["T"] + Array("KL".prefix(order)) + Array("XY".prefix(space))
    let count = array.shape[1..<1 + order].reduce(1, *)
    let names = count == 1 ? ["u"] : try file.names(count) { "u\($0 + 1)" }
    let field = try composedField(
      [[FieldPart(array: array, letters: letters, names: names)]], file.filePlace)
    var arrays = PresentedArrays()
    arrays.addField(field)
    let isPeriodic = grid?.periodic?.count == space ? grid?.periodic ?? [] : []
    let bounds = grid?.bounds?.count == space ? grid?.bounds ?? [] : []
    // Points are the middles of cells between the bounds.
    let extents = bounds.enumerated().map { axis, ends -> Double? in
      guard ends.count == 2, axis < isPeriodic.count else { return nil }
      let count = Double(array.shape[1 + order + axis])
      return (ends[1] - ends[0]) * (isPeriodic[axis] ? 1 : (count - 1) / count)
    }
    arrays.addAxes(
      time: try file.coordinates("times"), extents: extents,
      ends: isPeriodic.map { $0 ? .periodic : .unknown })
    arrays.reading = "py-pde" + (grid == nil ? "; its grid is not told" : "")
    return arrays
  }
}
