// The data of Vlachas et al. (2022): groups `batch_0000`, … with `data` (time, channel[, y], x),
// and the step in a text file `dt.txt` beside it.
import Foundation
import KymoNumerics

enum LEDLayout: HDF5Layout {
  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays? {
    let batches = file.groups.filter {
      $0.hasPrefix("batch_") && file.paths.contains("\($0)/data")
    }.sorted()
    guard !batches.isEmpty else { return nil }
    var groups: [[FieldPart]] = []
    for batch in batches {
      let array = try file.open("\(batch)/data")
      guard (3...4).contains(array.shape.count) else {
        throw file.filePlace.error(
          .wrongShape, found: "'\(batch)/data' of shape \(describeShape(array.shape))",
          allowed: "(time, channels, x) or (time, channels, y, x)",
          remedy: "Name it with --key and --axes.")
      }
      try file.requireSpace(array.shape[array.shape.count - 1], "the last axis of '\(batch)/data'")
      let letters = Array(array.shape.count == 3 ? "TKX" : "TKYX")
      groups.append([
        FieldPart(
          array: array, letters: letters,
          names: try file.names(array.shape[1]) { "channel \($0 + 1)" })
      ])
    }
    let field = try composedField(groups, file.filePlace)
    var arrays = PresentedArrays()
    arrays.addField(field)
    let text = try? String(
      contentsOf: url.deletingLastPathComponent().appending(path: "dt.txt"), encoding: .utf8)
    let step = text.flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    if let step { arrays[RecordingKey.frameInterval] = HeldArray([step], shape: []) }
    arrays.reading =
      "LED, \(batches.count == 1 ? "1 trajectory" : "\(batches.count) trajectories")"
      + (step == nil
        ? "; there is no dt.txt beside it, so the step is not known" : ", dt from dt.txt")
    return arrays
  }
}
