// PDEBench (Takamoto et al., NeurIPS 2022), in its two layouts.
//
// Merged: `tensor` (n, t, x[, y]), or one data set for each variable, `x-coordinate`,
// `t-coordinate`, and the parameter as a root attribute. By seed: groups `0000`, `0001`, … with
// `data` (t, x[, y], v) and `grid/t`, `grid/x`, `grid/y`.
import Foundation
import KymoNumerics

enum PDEBenchLayout: HDF5Layout {
  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays? {
    guard file.paths.contains("x-coordinate"), file.groups.allSatisfy({ $0 == "." }) else {
      return nil
    }
    let fields = file.paths.filter { !$0.hasSuffix("-coordinate") }.sorted()
    let hasY = file.paths.contains("y-coordinate")
    var parts: [FieldPart] = []
    for path in fields where path != "nu" {
      let array = try file.open(path)
      let letters: [Character] = ["N", "T", "X"] + (hasY ? ["Y"] : [])
      guard array.shape.count == letters.count else {
        throw file.filePlace.error(
          .wrongShape, found: "'\(path)' of shape \(describeShape(array.shape))",
          allowed: "recordings, frames and \(hasY ? "x, y" : "x")",
          remedy: file.paths.contains("nu")
            ? "Darcy flow has no time: it is no recording."
            : "Three axes of space are not read: take a slice, or name a data set with --key and --axes."
        )
      }
      parts.append(
        FieldPart(array: array, letters: letters, names: [path == "tensor" ? "u" : path]))
    }
    let field = try composedField([parts], file.filePlace)
    var arrays = PresentedArrays()
    arrays.addField(field)
    // Times may have one entry more than there are frames.
    let times = try file.coordinates("t-coordinate").map { Array($0.prefix(field.array.shape[2])) }
    var extents: [Double?] = []
    for axis in hasY ? ["x", "y"] : ["x"] {
      extents.append(
        try file.coordinates("\(axis)-coordinate").flatMap { (values) throws(FormatError) in
          try file.extent(values, axis: axis)
        })
    }
    arrays.addAxes(
      time: times?.count == field.array.shape[2] ? times : nil,
      names: ["t"] + (hasY ? ["x", "y"] : ["x"]), extents: extents)
    let parameters = try file.attributes(of: nil).compactMap { name, value in
      if case .numbers(let numbers) = value, numbers.count == 1 {
        (name: name, value: numbers[0])
      } else {
        nil
      }
    }.sorted { $0.name < $1.name }
    arrays.addParameters(parameters, recordings: field.array.shape[0])
    arrays.reading = "PDEBench: channels \(field.channels.joined(separator: ", "))"
    return arrays
  }
}

enum PDEBenchSeedsLayout: HDF5Layout {
  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays? {
    let seeds = file.groups.filter {
      file.paths.contains("\($0)/data") && $0.allSatisfy(\.isNumber)
    }
    .sorted()
    guard let first = seeds.first, file.paths.contains("\(first)/grid/x") else { return nil }
    let hasY = file.paths.contains("\(first)/grid/y")
    let letters: [Character] = ["T", "X"] + (hasY ? ["Y"] : []) + ["K"]
    var groups: [[FieldPart]] = []
    for seed in seeds {
      let array = try file.open("\(seed)/data")
      guard array.shape.count == letters.count else {
        throw file.filePlace.error(
          .wrongShape, found: "'\(seed)/data' of shape \(describeShape(array.shape))",
          allowed: "frames, points and variables", remedy: "Was the file written by PDEBench?")
      }
      let count = array.shape.last ?? 1
      groups.append([
        FieldPart(
          array: array, letters: letters,
          names: count == 1 ? ["u"] : try file.names(count) { "u\($0 + 1)" })
      ])
    }
    let field = try composedField(groups, file.filePlace)
    var arrays = PresentedArrays()
    arrays.addField(field)
    var extents: [Double?] = []
    for axis in hasY ? ["x", "y"] : ["x"] {
      extents.append(
        try file.coordinates("\(first)/grid/\(axis)").flatMap { (values) throws(FormatError) in
          try file.extent(values, axis: axis)
        })
    }
    let times = try file.coordinates("\(first)/grid/t")
    arrays.addAxes(
      time: times?.count == field.array.shape[2] ? times : nil,
      names: ["t"] + (hasY ? ["x", "y"] : ["x"]), extents: extents)
    arrays.reading = "PDEBench, a group for each of \(seeds.count) recordings"
    return arrays
  }
}
