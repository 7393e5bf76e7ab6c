// Known layouts of HDF5 files: what other programs write, as the arrays of docs/data.md. A layout
// is recognised by what only it has; a file that has none is read by --key and --axes.
import Foundation
import KymoNumerics

/// A layout of HDF5 files.
protocol HDF5Layout: SendableMetatype {
  /// The arrays of a file of this layout, which is at `url`; nil for a file of another one.
  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays?
}

enum HDF5Layouts {
  /// All layouts; the first one that recognises a file counts.
  static let all: [any HDF5Layout.Type] = [
    TheWellLayout.self, NetCDFLayout.self, DedalusLayout.self,
    PDEBenchSeedsLayout.self, PDEBenchFlowLayout.self, PDEBenchLayout.self, LEDLayout.self,
    PyPDELayout.self,
  ]

  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays {
    if let arrays = try MATLABLayout.arrays(of: file, beside: url) { return arrays }
    // A file in our own names needs no layout; but a line named x is an axis.
    if file.paths.contains(RecordingKey.field) {
      let rank: Int?
      do { rank = try file.open(RecordingKey.field).shape.count } catch {
        // It says so when it is used.
        rank = nil
      }
      if rank.map({ $0 > 1 }) ?? true { return try attributes(of: file, RecordingKey.field) }
    }
    for layout in all {
      if let arrays = try layout.arrays(of: file, beside: url) { return arrays }
    }
    return PresentedArrays()
  }

  /// What a file says in our own names in attributes of a field, or of the root.
  static func attributes(
    of file: HDF5File, _ field: String
  ) throws(FormatError) -> PresentedArrays {
    var arrays = PresentedArrays()
    let found = [try file.attributes(of: field), try file.attributes(of: nil)]
    for key in RecordingKey.besideFields where !file.paths.contains(key) {
      switch found.lazy.compactMap({ $0[key] }).first {
      case .numbers(let values)?:
        arrays[key] = HeldArray(values, shape: values.count == 1 ? [] : nil)
      case .texts(let words)?: arrays[key] = HeldArray(words)
      case nil: break
      }
    }
    return arrays
  }
}

/// A data set with a letter for every axis: N recordings, T time, X and Y space, K and L
/// components.
struct FieldPart {
  var array: any StoredArray
  var letters: [Character]
  /// Names of its channels, one for each component.
  var names: [String]

  fileprivate func length(_ letter: Character) -> Int {
    letters.firstIndex(of: letter).map { array.shape[$0] } ?? 1
  }
}

/// Puts data sets together to one field (recordings, channels, time, x[, y]): for each group of
/// recordings those that hold its channels.
func composedField(
  _ groups: [[FieldPart]], _ place: FormatPlace
) throws(FormatError) -> (array: ComposedArray, channels: [String]) {
  guard let first = groups.first?.first else {
    throw place.error(
      .missing, found: "no field in time and space", allowed: "at least one",
      remedy: "Name it: --key NAME --axes …")
  }
  let space: [Character] = first.letters.contains("Y") ? ["X", "Y"] : ["X"]
  let lengths = (["T"] + space).map(first.length)
  var (members, recordings): ([ComposedArray.Member], Int) = ([], 0)
  let names = groups[0].flatMap(\.names)
  for parts in groups {
    let count = parts[0].length("N")
    var channel = 0
    for part in parts {
      guard (["T"] + space).map(part.length) == lengths, part.length("N") == count,
        part.letters.contains("Y") == (space.count == 2)
      else {
        throw place.error(
          .wrongShape,
          found: "'\(part.names.first ?? "")' has the shape \(describeShape(part.array.shape)), "
            + "others have \(lengths[0]) frames and \(lengths.dropFirst().map(String.init).joined(separator: " × ")) points",
          allowed: "the same frames and points in all fields and recordings",
          remedy: "Cut them to the common ones, or name one field: --key NAME --axes …")
      }
      func axis(_ letter: Character) -> Int? { part.letters.firstIndex(of: letter) }
      let (rows, columns) = (part.length("K"), part.length("L"))
      for row in 0..<rows {
        let isTensor = axis("L") != nil
        var fixed: [Int: Int] = [:]
        if isTensor, let rowAxis = axis("K") { fixed[rowAxis] = row }
        let width = isTensor ? columns : part.length("K")
        members.append(
          ComposedArray.Member(
            array: part.array,
            origin: [recordings, channel, 0] + space.map { _ in 0 },
            lengths: [count, width] + lengths,
            axes: [axis("N"), isTensor ? axis("L") : axis("K"), axis("T")] + space.map(axis),
            fixed: fixed))
        channel += width
        if !isTensor { break }
      }
    }
    guard channel == names.count else {
      throw place.error(
        .wrongShape, found: "\(channel) channels in some recordings and \(names.count) in others",
        allowed: "as many in all", remedy: "Split the file.")
    }
    recordings += count
  }
  // Layouts keep rows of parameters for them.
  let (kept, isTooMuch) = recordings.multipliedReportingOverflow(by: 1024)
  try MemoryLimit.require(
    isTooMuch ? .max : kept, place.at("\(recordings) recordings"),
    remedy: "Take fewer, or name a data set and say which axis is which: --key NAME --axes …")
  return (ComposedArray(shape: [recordings, names.count] + lengths, members), names)
}

extension Grid.Ends {
  /// Steps beyond the outermost points.
  var halfSteps: Double {
    [lower, upper].reduce(0) { $0 + ($1 == .periodic || $1 == .wall ? 0.5 : 0) }
  }
}

extension PresentedArrays {
  /// Adds what is known of the axes: names of time and space, extents, ends, times.
  mutating func addAxes(
    time: [Double]?, names: [String] = [], extents: [Double?], ends: [Grid.Ends] = []
  ) {
    if let time, time.count > 1 { self[RecordingKey.times] = HeldArray(time) }
    let known = extents.compactMap(\.self)
    if known.count == extents.count, !known.isEmpty {
      self[RecordingKey.extents] = HeldArray(known)
    }
    if !ends.isEmpty { self[RecordingKey.boundary] = HeldArray(ends.map(\.rawValue)) }
    if !names.isEmpty { self[RecordingKey.axisNames] = HeldArray(names) }
  }

  /// Adds parameters that are the same for `count` recordings.
  mutating func addParameters(_ values: [(name: String, value: Double)], recordings count: Int) {
    addParameters(
      names: values.map(\.name), rows: Array(repeating: values.map(\.value), count: count))
  }

  /// Adds parameters, a row for each recording.
  mutating func addParameters(names: [String], rows: [[Double]]) {
    guard !names.isEmpty else { return }
    self[RecordingKey.parameters] = HeldArray(
      rows.flatMap(\.self), shape: [rows.count, names.count])
    self[RecordingKey.parameterNames] = HeldArray(names)
  }

  /// Adds the field and the names of its channels.
  mutating func addField(_ field: (array: ComposedArray, channels: [String])) {
    self[RecordingKey.field] = field.array
    self[RecordingKey.channelNames] = HeldArray(field.channels)
  }
}
