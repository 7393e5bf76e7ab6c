// Recordings from files of arrays: which array is the field, which axis is what.
public import Foundation
import KymoNumerics

/// The arrays that our files have; see docs/data.md.
enum RecordingKey {
  static let field = "x"
  static let parameters = "params"
  static let frameInterval = "dt"
  static let times = "t"
  static let extents = "extent"
  static let boundary = "boundary"
  static let parameterNames = "param_names"
  static let parameterUnits = "param_units"
  static let observables = "observables"
  static let observableNames = "observable_names"
  static let channelNames = "channel_names"
  static let channelUnits = "channel_units"
  static let axisNames = "axis_names"
  static let axisUnits = "axis_units"
  static let system = "system"
  static let provenance = "provenance"
  static let kind = "kind"
  // Of recordings whose frames are made on demand.
  static let spectra = "spectra"
  static let law = "law"
  static let frames = "frames"

  static let all = [
    field, parameters, frameInterval, times, extents, boundary, parameterNames, parameterUnits,
    observables, observableNames, channelNames, channelUnits, axisNames, axisUnits, system,
    provenance, kind, spectra, law, frames,
  ]
  /// What HDF5 files may also say in attributes.
  static let besideFields = [
    frameInterval, extents, boundary, parameterNames, parameterUnits, channelNames, channelUnits,
    axisNames, axisUnits, system,
  ]
  /// What forecasts have beside.
  private static let besideForecasts = ["latents", "origin", "diverged", "outside"]
  /// What extracted latents have beside, always or sometimes.
  private static let (latents, besideLatents) = (
    ["mu", "sigma", "relevant", "in_doubt"], ["fit", "theta", "theta_sigma", "theta_names"]
  )

  /// Whether `kymo extract` wrote a file.
  static func areLatents(_ file: any ArrayFile) -> Bool { latents.allSatisfy(file.contains) }

  /// The arrays that a file of ours has.
  static func known(in file: any ArrayFile) -> [String] {
    if areLatents(file) { return all + latents + besideLatents }
    let isForecast = file.contains("origin") && file.contains("diverged")
    return all + (isForecast ? besideForecasts : [])
  }
}

extension Recordings {
  /// Reads a file of any format in ``ArrayFiles``.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - key: The array that holds the field; "x" when nil.
  ///   - axes: What the axes of that array are, such as "N,T,C,X": each of N (recordings), C
  ///     (channels), T, X, Y at most once, T and X always. P in the place of X means particles, C
  ///     without both a vector. Nil means N,C,T,X or N,C,T,X,Y, or what the array 'kind' says.
  /// - Returns: The recordings, with everything the file says about them; of a folder or a pattern
  ///   those of all its files.
  /// - Throws: `FormatError`.
  public static func load(
    _ url: URL, key: String? = nil, axes: String? = nil
  ) throws(FormatError) -> Recordings {
    try load(DataFiles(url), FieldLayout(key: key, axes: axes))
  }

  /// Reads an open file.
  ///
  /// A field that lies in the file as it is is mapped, not read: only what is looked at comes into
  /// memory, and its checksum is compared up to 64 MB (`inspect` compares it always). Of a field
  /// that the file hands out in parts, parts are read. A packed field is unpacked into memory. So
  /// is one whose recordings are not stretches of the file (Fortran order, recordings not the first
  /// axis), which is put in order.
  public static func load(
    _ file: any ArrayFile, key: String? = nil, axes: String? = nil
  ) throws(FormatError) -> Recordings {
    let file: any ArrayFile =
      try (file as? HDF5File)?.reading(key) ?? (file as? NetCDFClassicFile)?.reading(key) ?? file
    if key == nil, axes == nil, holdsSpectra(file) { return try loadSpectra(file) }
    let (name, array) = try fieldArray(in: file, key: key)
    let place = file.place(of: name)
    let stated = try statedKind(file)
    let order = try AxisOrder(
      of: array.shape, given: axes ?? stated.axes, hints: AxisHints(file), place)
    guard !array.shape.contains(0) else {
      throw place.error(
        .wrongShape, found: "the shape \(describeShape(array.shape)), which is empty",
        allowed: "at least one recording, channel, frame and point",
        remedy: "Check how the array was made.")
    }
    let shape = order.reorder(array.shape, missing: 1)
    let reader = MetadataReader(file: file, shape: shape, kind: order.kind)
    let (params, times) = (try reader.parameters(), try reader.times())
    let observables = try reader.observables()
    let metadata = try reader.metadata(
      parameterCount: params?.shape[1] ?? 0, observableCount: observables?.shape[2] ?? 0,
      times: times)
    _ = try array.numberType(place)
    func isBlockwise(_ strides: [Int]) -> Bool {
      shape[0] == 1 || strides[0] == shape[1...].reduce(1, *)
    }
    func recordings(_ storage: RecordingStorage, _ strides: [Int]) -> Recordings {
      var recordings = Recordings(
        storage: storage, shape: shape, strides: strides, firstEntry: 0, params: params,
        times: times?.values, metadata: metadata)
      recordings.observables = observables
      return recordings
    }
    let inOrder = NPYHeader(element: .number(.float32), shape: shape).strides
    if let mapping = array.mapping {
      let strides = order.reorder(mapping.strides, missing: array.count)
      if isBlockwise(strides) {
        if mapping.range.count <= checkedUpTo { try array.verify() }
        return recordings(.mapped(mapping.file, mapping.range, mapping.type), strides)
      }
    } else if array.readsParts {
      return recordings(.parts(PatientArray(array), axes: order.axes), inOrder)
    }
    /// All numbers in memory, every recording in one stretch.
    func inMemory<Number: ArrayNumber>() throws(FormatError) -> (values: [Number], strides: [Int]) {
      let values: HostArray<Number> = try array.hostArray(place)
      let strides = order.reorder(
        NPYHeader(element: .number(Number.numberType), shape: values.shape).strides,
        missing: values.count)
      if isBlockwise(strides) { return (values.elements, strides) }
      try MemoryLimit.require(2 * MemoryLayout<Number>.stride * values.count, place)
      let ordered = unsafe filled(count: values.count) { (target: UnsafeMutablePointer<Number>) in
        unsafe values.elements.withBytes { bytes in
          if let base = bytes.baseAddress {
            unsafe NumberConversion.copy(
              shape.map { 0..<$0 }, of: Number.numberType, at: base, strides: strides, to: target)
          }
        }
      }
      return (ordered, inOrder)
    }
    let type = try array.numberType(place)
    if type.exceedsFloat {
      let wide: (values: [Double], strides: [Int]) = try inMemory()
      let all = recordings(.wide(wide.values, of: type), wide.strides)
      // Numbers that Float does not hold stay, so that a check can name them.
      let limit = type.kind == .float ? Double(Float.greatestFiniteMagnitude) : 0x1p53
      let isHeld = wide.values.allSatisfy { !$0.isFinite || abs($0) < limit }
      return isHeld && all.largeOffset() == nil
        ? recordings(.owned(wide.values.map { Float($0) }), wide.strides) : all
    }
    let narrow: (values: [Float], strides: [Int]) = try inMemory()
    return recordings(.owned(narrow.values), narrow.strides)
  }

  /// Bytes up to which the checksum is compared before a mapped array is used.
  static let checkedUpTo = 64 << 20

  /// What the states of a file are, as it says itself; fields when it does not.
  private static func statedKind(_ file: any ArrayFile) throws(FormatError) -> StateKind {
    guard !file.isBareArray, file.contains(RecordingKey.kind) else { return .field }
    let word = try file.array(RecordingKey.kind).strings().first ?? ""
    guard let kind = StateKind(rawValue: word) else {
      throw file.place(of: RecordingKey.kind).error(
        .wrongContent, found: "the word '\(word)'",
        allowed: StateKind.allCases.map(\.rawValue).joined(separator: ", "),
        remedy: "Correct or remove the array 'kind'.")
    }
    return kind
  }

  private static func fieldArray(
    in file: any ArrayFile, key: String?
  ) throws(FormatError) -> (String, any StoredArray) {
    if let key { return (key, try file.array(key)) }
    let own = file.contains(RecordingKey.field) ? try file.array(RecordingKey.field) : nil
    if let own, own.shape.count > 1 { return (RecordingKey.field, own) }
    let listing = file.listing
    if RecordingKey.areLatents(file) {
      throw FormatError(
        .missing, file: file.name, found: "the latents that kymo extract wrote, and no recordings",
        allowed: "the recordings in 'x'",
        remedy: "Give the file that they were extracted from. numpy.load reads the arrays "
          + listing.map(\.name).joined(separator: ", ") + ".")
    }
    // A line named x is an axis where there are fields beside.
    if let own, !listing.contains(where: { $0.shape.count > 2 }) {
      return (RecordingKey.field, own)
    }
    let candidates = listing.filter { $0.shape.count >= 3 && $0.type != "text" }
    let remedy =
      candidates.first.map {
        candidates.count == 1
          ? "Name it: --key \($0.name)" : "Name the field, for example: --key \($0.name)"
      } ?? "Save the field as an array x of shape (recordings, channels, time, space)."
    throw FormatError(
      .missing, file: file.name,
      found: "there is no array 'x'; the file holds "
        + (listing.isEmpty ? "no array" : listing.map(\.description).joined(separator: "; ")),
      allowed: "the recordings in 'x'",
      remedy: file.linkWords.isEmpty ? remedy : file.linkWords)
  }
}

/// The small arrays beside the field, compared with its shape.
struct MetadataReader {
  let file: any ArrayFile
  let shape: [Int]
  var kind = StateKind.field
  private var spaceRank: Int { shape.count - 3 }
  /// Axes that have names: time and, but for vectors, space or particles.
  private var namedAxes: Int { kind == .vector ? 1 : 1 + spaceRank }

  private func has(_ key: String) -> Bool { !file.isBareArray && file.contains(key) }

  /// The header of a small array, so that a huge one is refused before it is read.
  private func small(
    _ key: String, _ allowed: String, where fits: ([Int]) -> Bool
  ) throws(FormatError) -> any StoredArray {
    let array = try file.array(key)
    guard fits(array.shape) else {
      throw file.place(of: key).error(
        .wrongShape, found: "the shape \(describeShape(array.shape))",
        allowed: "\(allowed), to fit x of shape \(describeShape(shape)) in the order "
          + (spaceRank == 2 ? "N,C,T,X,Y" : kind == .particles ? "N,C,T,P" : "N,C,T,X"),
        remedy: "Change or remove the array '\(key)'.")
    }
    return array
  }

  func parameters() throws(FormatError) -> HostArray<Float>? {
    guard has(RecordingKey.parameters) else { return nil }
    let array = try small(RecordingKey.parameters, "(\(shape[0]), k) with k below 1,000") {
      (1...2).contains($0.count) && $0[0] == shape[0] && ($0.count == 1 || $0[1] < 1000)
    }
    let values: HostArray<Float> = try array.hostArray(file.place(of: RecordingKey.parameters))
    // One parameter may come without its own axis.
    let matrix = values.rank == 1 ? values.reshaped([values.count, 1]) : values
    return matrix.shape[1] == 0 ? nil : matrix
  }

  func observables() throws(FormatError) -> HostArray<Float>? {
    guard has(RecordingKey.observables) else { return nil }
    let array = try small(
      RecordingKey.observables, "(\(shape[0]), \(shape[2]), k) with k below 100"
    ) { $0.count == 3 && $0[0] == shape[0] && $0[1] == shape[2] && (1..<100).contains($0[2]) }
    return try array.hostArray(file.place(of: RecordingKey.observables))
  }

  func times() throws(FormatError) -> FrameTimes? {
    guard has(RecordingKey.times) else { return nil }
    let array = try small(RecordingKey.times, "(\(shape[2]),)") { $0 == [shape[2]] }
    return try FrameTimes(array, file.place(of: RecordingKey.times))
  }

  func metadata(
    parameterCount: Int, observableCount: Int = 0, times: FrameTimes?
  ) throws(FormatError) -> RecordingsMetadata {
    var metadata = RecordingsMetadata()
    metadata.stateKind = kind
    metadata.parameterNames = try names(RecordingKey.parameterNames, parameterCount)
    metadata.parameterUnits = try names(RecordingKey.parameterUnits, parameterCount)
    metadata.observableNames = try names(RecordingKey.observableNames, observableCount)
    if metadata.observableNames.isEmpty {
      metadata.observableNames = (0..<observableCount).map { "observable \($0 + 1)" }
    }
    metadata.channelNames = try names(RecordingKey.channelNames, shape[1])
    metadata.channelUnits = try names(RecordingKey.channelUnits, shape[1])
    metadata.axisNames = try names(RecordingKey.axisNames, namedAxes)
    metadata.axisUnits = try names(RecordingKey.axisUnits, namedAxes)
    metadata.systemName = try text(RecordingKey.system)
    metadata.provenance = try text(RecordingKey.provenance)
    metadata.boundary = try boundary()
    let interval = try frameInterval(times)
    metadata.frameInterval = interval?.values[0]
    metadata.firstDate = times?.firstDate
    if times?.areSeconds == true || interval?.areSeconds == true {
      metadata.axisUnits = try unitsWithSeconds(metadata.axisUnits)
    }
    metadata.extents = try extents()
    return metadata
  }

  private func names(_ key: String, _ count: Int) throws(FormatError) -> [String] {
    guard has(key), count > 0 else { return [] }
    return try small(key, "(\(count),)") { $0 == [count] || ($0.isEmpty && count == 1) }.strings()
  }

  private func text(_ key: String) throws(FormatError) -> String {
    guard has(key) else { return "" }
    return try small(key, "one text") { $0.allSatisfy { $0 == 1 } }.strings().first ?? ""
  }

  private func boundary() throws(FormatError) -> [Grid.Ends] {
    guard has(RecordingKey.boundary) else { return [] }
    let array = try small(RecordingKey.boundary, "one text, or \(spaceRank)") {
      $0.isEmpty || $0 == [1] || $0 == [spaceRank]
    }
    let kinds = try array.strings().map { (word) throws(FormatError) in
      guard let kind = Grid.Ends(rawValue: word) else {
        throw file.place(of: RecordingKey.boundary).error(
          .wrongContent, found: "the word '\(word)'",
          allowed: BoundaryCondition.allCases.map(\.rawValue).joined(separator: ", "),
          remedy: "Write boundary=[\"periodic\"] when the last point is a neighbour of the first.")
      }
      return kind
    }
    // One word counts for every axis.
    return kinds.count == 1 ? Array(repeating: kinds[0], count: spaceRank) : kinds
  }

  private func frameInterval(_ times: FrameTimes?) throws(FormatError) -> FrameTimes? {
    guard has(RecordingKey.frameInterval) else {
      guard var times, times.values.count > 1 else { return nil }
      let count = times.values.count
      times.values = [(times.values[count - 1] - times.values[0]) / Double(count - 1)]
      return times
    }
    let array = try small(RecordingKey.frameInterval, "one number") { $0.allSatisfy { $0 == 1 } }
    let place = file.place(of: RecordingKey.frameInterval)
    let interval = try FrameTimes(array, place)
    let value = interval.values[0]
    guard value.isFinite, value > 0, interval.firstDate == nil else {
      throw place.error(
        .wrongContent,
        found: interval.firstDate.map { "the date \($0)" } ?? "the time \(value) between frames",
        allowed: "a positive number", remedy: "Correct or remove the array 'dt'.")
    }
    return interval
  }

  /// The units of the axes where dates have become seconds.
  private func unitsWithSeconds(_ units: [String]) throws(FormatError) -> [String] {
    var units = units.isEmpty ? [String](repeating: "", count: namedAxes) : units
    guard ["", "s", "sec", "second", "seconds"].contains(units[0]) else {
      throw file.place(of: RecordingKey.axisUnits).error(
        .wrongContent, found: "the unit '\(units[0])' beside times that are dates",
        allowed: "s, since dates are read as seconds",
        remedy: "Write s, or save t as numbers in \(units[0]).")
    }
    if units[0].isEmpty { units[0] = "s" }
    return units
  }

  private func extents() throws(FormatError) -> [Double]? {
    guard has(RecordingKey.extents) else { return nil }
    let array = try small(RecordingKey.extents, "(\(spaceRank),)") {
      $0 == [spaceRank] || ($0.isEmpty && spaceRank == 1)
    }
    let place = file.place(of: RecordingKey.extents)
    let values: [Double] = try array.hostArray(place).elements
    guard values.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw place.error(
        .wrongContent, found: "the lengths \(values)", allowed: "positive numbers",
        remedy: "Correct or remove the array 'extent'.")
    }
    return values
  }
}
