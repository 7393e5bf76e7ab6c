// netCDF with the CF conventions (cfconventions.org): variables over named dimensions, packed by
// `scale_factor` and `add_offset`, gaps as `_FillValue`, time as "seconds since …". Also any HDF5
// file whose axes have dimension scales, such as xarray writes.
import Foundation
import KymoNumerics

enum NetCDFLayout: HDF5Layout {
  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays? {
    try arrays(of: file)
  }

  /// The arrays of a file with named axes; nil where none of them is time.
  static func arrays(of file: some LayoutFile) throws(FormatError) -> PresentedArrays? {
    var left: [String] = []
    var variables: [(path: String, array: any StoredArray, dimensions: [String])] = []
    for path in file.paths where !path.contains("/") {
      let array: any StoredArray
      do { array = try file.open(path) } catch {
        // Packed by a filter that is not here, or neither numbers nor texts: told below.
        left.append(path)
        continue
      }
      guard (2...5).contains(array.shape.count) else { continue }
      let scales = file.scales(of: path, rank: array.shape.count).compactMap(\.self)
      if scales.count == array.shape.count { variables.append((path, array, scales)) }
    }
    var timed = variables
    timed.removeAll()
    for variable in variables {
      for name in variable.dimensions where try role(name, file) == "T" {
        timed.append(variable)
        break
      }
    }
    guard let first = timed.max(by: { $0.dimensions.count < $1.dimensions.count }) else {
      return nil
    }
    let chosen = timed.filter { $0.dimensions == first.dimensions }
    let letters = try letters(first.dimensions, file)
    guard letters.contains("X"), Set(letters).count == letters.count else {
      throw file.filePlace.error(
        .ambiguous,
        found: "the dimensions \(first.dimensions.joined(separator: ", ")) of \(first.path)",
        allowed: "time and one or two axes of space, and at most one of members",
        remedy: "Say what they are: --key \(first.path) --axes …; or take a slice: ds.isel(…)")
    }
    for (axis, letter) in letters.enumerated() where "XY".contains(letter) {
      let name = first.dimensions[axis]
      if try !isSpace(name, file) {
        try file.requireSpace(first.array.shape[axis], "the dimension '\(name)' of '\(first.path)'")
      }
    }
    let components = letters.firstIndex(of: "K").map { first.array.shape[$0] }
    let componentNames = try components.map { (count) throws(FormatError) in
      try names(of: first.dimensions[letters.firstIndex(of: "K") ?? 0], count, file)
    }
    var (parts, timeUnit): ([FieldPart], String) = ([], "")
    for variable in chosen {
      parts.append(
        FieldPart(
          array: variable.array, letters: letters,
          names: componentNames.map { $0.map { "\(variable.path)_\($0)" } } ?? [variable.path]))
    }
    let field = try composedField([parts], file.filePlace)
    var arrays = PresentedArrays()
    arrays.addField(field)
    var units: [String] = []
    for variable in chosen {
      units += Array(repeating: try unit(variable.path, file), count: components ?? 1)
    }
    if units.contains(where: { !$0.isEmpty }) {
      arrays[RecordingKey.channelUnits] = HeldArray(units)
    }
    let time = first.dimensions[letters.firstIndex(of: "T") ?? 0]
    let space = zip(letters, first.dimensions).filter { "XY".contains($0.0) }
      .sorted { $0.0 < $1.0 }.map(\.1)
    var extents: [Double?] = []
    for axis in space {
      extents.append(
        try file.coordinates(axis).flatMap { (values) throws(FormatError) in
          try file.extent(values, axis: axis)
        })
    }
    // "hours since 1990-01-01" are hours.
    let words = try unit(time, file).split(separator: " since ").first.map(String.init) ?? ""
    let seconds = ["days": 86_400.0, "day": 86_400, "hours": 3600, "hour": 3600, "minutes": 60][
      words]
    timeUnit = seconds == nil ? words : "s"
    let times = try file.coordinates(time)?.map { $0 * (seconds ?? 1) }
    arrays.addAxes(time: times, names: [time] + space, extents: extents)
    var axisUnits = [["seconds", "second"].contains(timeUnit) ? "s" : timeUnit]
    for axis in space { axisUnits.append(try unit(axis, file)) }
    if axisUnits.contains(where: { !$0.isEmpty }) {
      arrays[RecordingKey.axisUnits] = HeldArray(axisUnits)
    }
    arrays.reading =
      "netCDF: channels \(field.channels.joined(separator: ", ")) over "
      + zip(first.dimensions, letters).map { "\($0) (\($1))" }.joined(separator: ", ")
      + (left.isEmpty ? "" : "; without \(left.joined(separator: ", ")), which cannot be read")
    return arrays
  }

  private static func unit(_ name: String, _ file: some LayoutFile) throws(FormatError) -> String {
    guard file.paths.contains(name), case .texts(let units) = try file.attributes(of: name)["units"]
    else { return "" }
    return units.first ?? ""
  }

  /// Names of components: texts along their dimension, else their numbers.
  private static func names(
    of dimension: String, _ count: Int, _ file: some LayoutFile
  ) throws(FormatError) -> [String] {
    guard file.paths.contains(dimension), case .bytes = try file.open(dimension).element else {
      return try file.names(count) { "\($0)" }
    }
    let texts = try file.open(dimension).strings()
    return texts.count == count ? texts : try file.names(count) { "\($0)" }
  }

  /// Whether a dimension says that it is one of space, by its attributes or its name.
  private static func isSpace(_ name: String, _ file: some LayoutFile) throws(FormatError) -> Bool {
    let attributes = file.paths.contains(name) ? try file.attributes(of: name) : [:]
    func text(_ key: String) -> String {
      if case .texts(let words) = attributes[key] { words.first?.lowercased() ?? "" } else { "" }
    }
    let isNamed = [
      "x", "y", "z", "r", "lat", "latitude", "lon", "longitude", "theta", "phi", "nx", "ny",
    ].contains(name.lowercased())
    return isNamed || ["x", "y", "z"].contains(text("axis")) || text("units").hasPrefix("degree")
      || ["latitude", "longitude"].contains(text("standard_name"))
      || text("standard_name").hasPrefix("projection_")
  }

  /// T for time, N for members, K for components, X for space; by attributes first, then by name.
  private static func role(_ name: String, _ file: some LayoutFile) throws(FormatError) -> Character
  {
    let attributes = file.paths.contains(name) ? try file.attributes(of: name) : [:]
    func text(_ key: String) -> String {
      if case .texts(let words) = attributes[key] { words.first?.lowercased() ?? "" } else { "" }
    }
    let word = name.lowercased()
    if text("axis") == "t" || text("standard_name") == "time" || text("units").contains(" since ")
      || ["t", "time", "times"].contains(word)
    {
      return "T"
    }
    let members = [
      "realization", "member", "ensemble", "number", "recording", "run", "sample", "trajectory",
      "n",
      "batch",
    ]
    if text("standard_name") == "realization" || members.contains(word) { return "N" }
    let components = [
      "channel", "channels", "variable", "variables", "component", "components", "vector", "c",
    ]
    return components.contains(word) ? "K" : "X"
  }

  private static func letters(
    _ dimensions: [String], _ file: some LayoutFile
  ) throws(FormatError) -> [Character] {
    var (letters, isSecond): ([Character], Bool) = ([], false)
    for name in dimensions {
      let role = try role(name, file)
      letters.append(role == "X" && isSecond ? "Y" : role)
      if role == "X" { isSecond = true }
    }
    return letters
  }
}
