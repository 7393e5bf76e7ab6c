// The Well (Ohana et al., NeurIPS 2024), `docs/data_format.md`: groups `t0_fields`, `t1_fields`,
// `t2_fields` (scalars, vectors, tensors) of shape (trajectory, time, x, y, component…),
// `dimensions`, `boundary_conditions`; one parameter set a file, as root attributes.
import Foundation
import KymoNumerics

enum TheWellLayout: HDF5Layout {
  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays? {
    guard file.groups.isSuperset(of: ["dimensions", "t0_fields"]) else { return nil }
    let root = try file.attributes(of: nil)
    guard case .numbers(let ranks) = root["n_spatial_dims"], let rank = ranks.first.map({ Int($0) })
    else { return nil }
    guard (1...2).contains(rank) else {
      throw file.filePlace.error(
        .unsupported, found: "\(rank) axes of space", allowed: "one or two",
        remedy: "Take a slice: kymo reads fields over x or over x and y.")
    }
    let axes: [String]
    if case .texts(let names) = try file.attributes(of: "dimensions")["spatial_dims"] {
      axes = names
    } else {
      axes = Array(["x", "y"].prefix(rank))
    }
    var (parts, left): ([FieldPart], [String]) = ([], [])
    for (order, group) in ["t0_fields", "t1_fields", "t2_fields"].enumerated() {
      for path in file.paths.filter({ $0.hasPrefix(group + "/") }).sorted() {
        let attributes = try file.attributes(of: path)
        func flags(_ name: String) -> [Bool] {
          guard case .numbers(let values) = attributes[name] else { return [] }
          return values.map { $0 != 0 }
        }
        let array = try file.open(path)
        let (samples, times) = (
          flags("sample_varying").first ?? true, flags("time_varying").first ?? true
        )
        let dims = flags("dim_varying")
        let name = String(path.dropFirst(group.count + 1))
        // Constant fields are no dynamics.
        guard times, dims.allSatisfy(\.self),
          array.shape.count == (samples ? 1 : 0) + 1 + rank + order
        else {
          left.append(name)
          continue
        }
        let letters: [Character] =
          (samples ? ["N"] : []) + ["T"] + Array("XY".prefix(rank)) + Array("KL".prefix(order))
        // Of a tensor, rows and columns are as many.
        let width = order == 0 ? 1 : array.shape.last ?? 1
        let words = width == axes.count ? axes : try file.names(width * width) { "\($0)" }
        let names =
          switch order {
          case 0: [name]
          case 1: words.prefix(width).map { "\(name)_\($0)" }
          default:
            words.prefix(width).flatMap { row in
              words.prefix(width).map { "\(name)_\(row)\($0)" }
            }
          }
        parts.append(FieldPart(array: array, letters: letters, names: names))
      }
    }
    let field = try composedField([parts], file.filePlace)
    var arrays = PresentedArrays()
    arrays.addField(field)
    let ends = try ends(file, axes)
    var extents: [Double?] = []
    for (axis, ends) in zip(axes, ends) {
      extents.append(
        try file.coordinates("dimensions/\(axis)").flatMap { (values) throws(FormatError) in
          try file.extent(values, axis: axis, ends: ends)
        })
    }
    arrays.addAxes(
      time: try file.coordinates("dimensions/time"), names: ["time"] + axes, extents: extents,
      ends: ends)
    if case .texts(let names) = root["simulation_parameters"] {
      let values = names.compactMap { name -> (name: String, value: Double)? in
        guard case .numbers(let numbers) = root[name], let value = numbers.first else { return nil }
        return (name, value)
      }
      if !values.isEmpty { arrays.addParameters(values, recordings: field.array.shape[0]) }
    }
    if arrays[RecordingKey.parameters] == nil {
      try addScalars(of: file, count: field.array.shape[0], to: &arrays)
    }
    if case .texts(let names) = root["dataset_name"], let name = names.first {
      arrays[RecordingKey.system] = HeldArray([name])
    }
    arrays.reading =
      "The Well: channels \(field.channels.joined(separator: ", "))"
      + (left.isEmpty
        ? "" : "; without \(left.joined(separator: ", ")), which do not vary everywhere")
    return arrays
  }

  /// Adds scalars that differ between trajectories and not in time as parameters.
  private static func addScalars(
    of file: HDF5File, count: Int, to arrays: inout PresentedArrays
  ) throws(FormatError) {
    var columns: [(name: String, values: [Double])] = []
    for path in file.paths.filter({ $0.hasPrefix("scalars/") }).sorted() {
      let attributes = try file.attributes(of: path)
      guard attributes["sample_varying"] == .numbers([1]),
        attributes["time_varying"] == .numbers([0]),
        let values = try file.coordinates(path), values.count == count
      else { continue }
      columns.append((String(path.dropFirst("scalars/".count)), values))
    }
    arrays.addParameters(
      names: columns.map(\.name), rows: (0..<count).map { row in columns.map { $0.values[row] } })
  }

  private static func ends(_ file: HDF5File, _ axes: [String]) throws(FormatError) -> [Grid.Ends] {
    var ends = [Grid.Ends](repeating: .unknown, count: axes.count)
    for group in file.groups where group.hasPrefix("boundary_conditions/") {
      let attributes = try file.attributes(of: group)
      guard case .texts(let kinds) = attributes["bc_type"], let kind = kinds.first,
        case .texts(let dims) = attributes["associated_dims"]
      else { continue }
      for axis in dims {
        guard let place = axes.firstIndex(of: axis) else { continue }
        ends[place] =
          switch kind.uppercased() {
          case "PERIODIC": .periodic
          case "WALL": .wall
          case "OPEN": .open
          default: .unknown
          }
      }
    }
    return ends
  }
}
