// Dedalus 3 (Burns et al., Phys. Rev. Research 2, 023068 (2020)): tasks/NAME of shape
// (t, component…, x…), scales/sim_time, grids as scales/x_hash_…. One run is one recording.
import Foundation
import KymoNumerics

enum DedalusLayout: HDF5Layout {
  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays? {
    let tasks = file.paths.filter { $0.hasPrefix("tasks/") }.sorted()
    guard !tasks.isEmpty, file.paths.contains("scales/sim_time") else { return nil }
    /// Grids of the axes of space: those attached, else those of the same length.
    func grids(_ path: String, _ shape: [Int]) throws(FormatError) -> [String?] {
      let attached = file.scales(of: path, rank: shape.count)
      return shape.indices.map { axis in
        attached[axis].flatMap { $0.contains("_hash_") ? $0 : nil }
      }
    }
    var (parts, axes): ([FieldPart], [String]) = ([], [])
    var shape: [Int] = []
    for path in tasks {
      let array = try file.open(path)
      let found = try grids(path, array.shape)
      let space = array.shape.indices.dropFirst().filter { found[$0] != nil && array.shape[$0] > 1 }
      let own = space.compactMap { found[$0] }
      // Means and profiles stand beside the fields; the first field with the most axes counts.
      guard (1...2).contains(own.count), own.count >= axes.count else { continue }
      if own.count > axes.count { (parts, axes, shape) = ([], own, space.map { array.shape[$0] }) }
      guard own == axes, space.map({ array.shape[$0] }) == shape else { continue }
      let components = array.shape.indices.dropFirst().filter { !space.contains($0) }
      guard components.count <= 2 else { continue }
      var letters = [Character](repeating: "T", count: array.shape.count)
      for (letter, axis) in zip("XY", space) { letters[axis] = letter }
      for (letter, axis) in zip("KL", components) { letters[axis] = letter }
      let count = components.reduce(1) { $0 * array.shape[$1] }
      let name = String(path.dropFirst("tasks/".count))
      parts.append(
        FieldPart(
          array: array, letters: letters,
          names: count == 1 ? [name] : try file.names(count) { "\(name)_\($0)" }))
    }
    guard !parts.isEmpty else {
      throw file.filePlace.error(
        .missing, found: "no task over one or two axes with a grid",
        allowed: "fields on a grid in one or two dimensions",
        remedy: "Write the task with layout='g', or name one: --key \(tasks[0]) --axes T,X")
    }
    let field = try composedField([parts], file.filePlace)
    var arrays = PresentedArrays()
    arrays.addField(field)
    let names = axes.map { String($0.dropFirst("scales/".count).prefix { $0 != "_" }) }
    var extents: [Double?] = []
    for (path, name) in zip(axes, names) {
      extents.append(
        try file.coordinates(path).flatMap { (values) throws(FormatError) in
          try file.extent(values, axis: name)
        })
    }
    arrays.addAxes(
      time: try file.coordinates("scales/sim_time"), names: ["t"] + names, extents: extents)
    arrays.reading = "Dedalus: channels \(field.channels.joined(separator: ", "))"
    return arrays
  }
}
