// Writes The Well's layout (Ohana et al., NeurIPS 2024, `docs/data_format.md`): fields of shape
// (trajectory, time, x[, y][, component]), their flags, dimensions, boundary conditions with masks.
// Channels NAME_x, NAME_y are the vector NAME, channels NAME_xx … NAME_yy the tensor NAME.
import Foundation
import KymoNumerics

/// Writes recordings as one file of The Well.
final class TheWellWriter {
  /// A field and where its numbers go.
  private struct Field {
    var name: String
    var order: Int
    var channels: [Int]
    var offset = 0
  }

  private let file: HDF5Writer
  private let shape: [Int]
  private var fields: [Field]
  private static let groups = ["t0_fields", "t1_fields", "t2_fields"]

  /// Starts a file; known parameters are attributes where all recordings have the same, else
  /// scalars that vary from trajectory to trajectory.
  init(
    _ url: URL, shape: [Int], metadata: RecordingsMetadata, parameters: [[Float]]
  ) throws(FileError) {
    self.shape = shape
    let (count, frames, space) = (shape[0], shape[2], Array(shape[3...]))
    let axes = Array(metadata.axisNames.dropFirst())
    fields = Self.fields(metadata.channelNames, axes)
    file = try HDF5Writer(url, expectedBytes: 4 * shape.reduce(1, *))
    let names = metadata.parameterNames
    let isSame = parameters.allSatisfy { $0 == parameters[0] }
    let system = metadata.systemName.isEmpty ? "unnamed" : metadata.systemName
    file.addAttribute("dataset_name", of: "/", .text(system))
    file.addAttribute("grid_type", of: "/", .text("cartesian"))
    file.addAttribute("n_spatial_dims", of: "/", .whole(space.count))
    file.addAttribute("n_trajectories", of: "/", .whole(count))
    file.addAttribute("simulation_parameters", of: "/", .texts(isSame ? names : []))
    if isSame {
      for (name, value) in zip(names, parameters[0]) {
        file.addAttribute(name, of: "/", .number(Double(value)))
      }
    }
    addDimensions(axes, frames, space, metadata)
    addBoundaries(axes, space, metadata.boundary)
    file.addGroup("scalars")
    // Its reader gives parameters to models from here alone.
    file.addAttribute("field_names", of: "scalars", .texts(names))
    for (column, name) in names.enumerated() {
      let path = "scalars/\(name)"
      let values = parameters.map { Double($0[column]) }
      file.addAsFloat(
        path, isSame ? HostArray([values[0]], shape: []) : HostArray(values, shape: [count]))
      file.addAttribute("sample_varying", of: path, .truth(!isSame))
      file.addAttribute("time_varying", of: path, .truth(false))
    }
    for (order, group) in Self.groups.enumerated() {
      file.addGroup(group)
      let own = fields.indices.filter { fields[$0].order == order }
      file.addAttribute("field_names", of: group, .texts(own.map { fields[$0].name }))
      for index in own {
        let path = "\(group)/\(fields[index].name)"
        let components = Array(repeating: space.count, count: order)
        fields[index].offset = try file.makeRoom(
          path, shape: [count, frames] + space + components)
        file.addAttribute("dim_varying", of: path, .truths(space.map { _ in true }))
        file.addAttribute("sample_varying", of: path, .truth(true))
        file.addAttribute("time_varying", of: path, .truth(true))
        let units = fields[index].channels.compactMap {
          $0 < metadata.channelUnits.count ? metadata.channelUnits[$0] : nil
        }
        if let unit = units.first, !unit.isEmpty {
          file.addAttribute("units", of: path, .text(unit))
        }
      }
    }
  }

  /// Groups channels into scalars, vectors and tensors by their names.
  private static func fields(_ channels: [String], _ axes: [String]) -> [Field] {
    var (fields, left): ([Field], Set<Int>) = ([], Set(channels.indices))
    let suffixes = [axes.flatMap { row in axes.map { row + $0 } }, axes]
    for (index, name) in channels.enumerated() where left.contains(index) {
      var field = Field(name: name, order: 0, channels: [index])
      for (suffixes, order) in zip(suffixes, [2, 1]) {
        guard let first = suffixes.first, axes.count > 1, name.hasSuffix("_\(first)") else {
          continue
        }
        let stem = String(name.dropLast(first.count + 1))
        let own = suffixes.compactMap { channels.firstIndex(of: "\(stem)_\($0)") }
        guard own.count == suffixes.count, !stem.isEmpty else { continue }
        field = Field(name: stem, order: order, channels: own)
        break
      }
      left.subtract(field.channels)
      fields.append(field)
    }
    return fields
  }

  private func addDimensions(
    _ axes: [String], _ frames: Int, _ space: [Int], _ metadata: RecordingsMetadata
  ) {
    file.addGroup("dimensions")
    file.addAttribute("spatial_dims", of: "dimensions", .texts(axes))
    func add(_ name: String, _ count: Int, _ step: Double) {
      let path = "dimensions/\(name)"
      file.addAsFloat(path, HostArray((0..<count).map { Double($0) * step }, shape: [count]))
      file.addAttribute("sample_varying", of: path, .truth(false))
      file.addAttribute("time_varying", of: path, .truth(false))
    }
    add("time", frames, metadata.frameInterval ?? 1)
    for (axis, name) in axes.enumerated() {
      let ends = metadata.boundary[axis]
      let spacing =
        metadata.extents.map { Grid.Axis(space[axis], extent: $0[axis], ends).spacing } ?? 1
      add(name, space[axis], spacing)
    }
  }

  /// A group for every kind of end: its mask is true where it holds.
  private func addBoundaries(_ axes: [String], _ space: [Int], _ boundary: [Grid.Ends]) {
    file.addGroup("boundary_conditions")
    for (axis, name) in axes.enumerated() {
      let ends = [boundary[axis].lower, boundary[axis].upper]
      for kind in ["PERIODIC", "WALL", "OPEN"] {
        let holds = ends.map { Self.kind($0) == kind }
        guard holds.contains(true) else { continue }
        let path = "boundary_conditions/\(name)_\(kind.lowercased())"
        file.addGroup(path)
        file.addAttribute("associated_dims", of: path, .texts([name]))
        file.addAttribute("associated_fields", of: path, .texts([]))
        file.addAttribute("bc_type", of: path, .text(kind))
        file.addAttribute("sample_varying", of: path, .truth(false))
        file.addAttribute("time_varying", of: path, .truth(false))
        var mask = [Bool](repeating: false, count: space[axis])
        (mask[0], mask[mask.count - 1]) = (holds[0], holds[1])
        file.add("\(path)/mask", mask)
      }
    }
  }

  private static func kind(_ end: BoundaryCondition) -> String {
    switch end {
    case .periodic: "PERIODIC"
    case .wall: "WALL"
    default: "OPEN"
    }
  }

  /// Writes one recording, shape `[C, T, X…]`.
  func write(_ numbers: UnsafeBufferPointer<Float>, recording: Int) throws(FileError) {
    let cells = shape[2...].reduce(1, *)
    for field in fields {
      let width = field.channels.count
      let place = field.offset + 4 * recording * cells * width
      if width == 1 {
        let start = field.channels[0] * cells
        // In bounds: a channel of the recording.
        let part = unsafe UnsafeBufferPointer(rebasing: numbers[start..<start + cells])
        try unsafe file.write(UnsafeRawBufferPointer(part), at: place)
        continue
      }
      let components = unsafe filled(count: cells * width) {
        (target: UnsafeMutablePointer<Float>) in
        for (component, channel) in field.channels.enumerated() {
          for cell in 0..<cells {
            unsafe target[cell * width + component] = numbers[channel * cells + cell]
          }
        }
      }
      try unsafe components.withBytes { bytes throws(FileError) in
        try unsafe file.write(bytes, at: place)
      }
    }
  }

  /// Gives the file its name.
  func finish() throws(FileError) { try file.finish() }
}
