// Recordings from .npz and .npy files: which array is the field, which axis is what.
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
  static let channelNames = "channel_names"
  static let channelUnits = "channel_units"
  static let axisNames = "axis_names"
  static let axisUnits = "axis_units"
  static let system = "system"
  static let provenance = "provenance"
  // Of recordings whose frames are made on demand.
  static let spectra = "spectra"
  static let law = "law"
  static let frames = "frames"

  static let all = [
    field, parameters, frameInterval, times, extents, boundary, parameterNames, parameterUnits,
    channelNames, channelUnits, axisNames, axisUnits, system, provenance, spectra, law, frames,
  ]
}

extension Recordings {
  /// Reads an .npz or .npy file.
  ///
  /// The field of a stored entry is mapped, not read: only what is looked at comes into memory, and
  /// its checksum is compared up to 64 MB (`inspect` compares it always). A packed field is
  /// unpacked into memory. So is one whose recordings are not stretches of the file (Fortran order,
  /// recordings not the first axis), which is put in order.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - key: The array that holds the field; "x" when nil.
  ///   - axes: What the axes of that array are, such as "N,T,C,X": each of N (recordings), C
  ///     (channels), T, X, Y at most once, T and X always. Nil means N,C,T,X or N,C,T,X,Y.
  /// - Returns: The recordings, with everything the file says about them.
  /// - Throws: `FormatError`.
  public static func load(
    _ url: URL, key: String? = nil, axes: String? = nil
  ) throws(FormatError) -> Recordings {
    let file = try NPZFile(url)
    if key == nil, axes == nil, holdsSpectra(file) { return try loadSpectra(file) }
    let array = try fieldArray(in: file, key: key)
    let hasChannelNames = !file.isBareArray && file.contains(RecordingKey.channelNames)
    let order = try AxisOrder(
      of: array.header.shape, given: axes, trustsDefault: hasChannelNames, array.place)
    guard !array.header.shape.contains(0) else {
      throw array.place.error(
        .wrongShape, found: "the shape \(describeShape(array.header.shape)), which is empty",
        allowed: "at least one recording, channel, frame and point",
        remedy: "Check how the array was made.")
    }
    let (shape, strides) = order.apply(to: array.header)
    let reader = MetadataReader(file: file, shape: shape)
    let (params, times) = (try reader.parameters(), try reader.times())
    let metadata = try reader.metadata(parameterCount: params?.shape[1] ?? 0, times: times)

    let type = try array.numberType()
    let isBlockwise = shape[0] == 1 || strides[0] == shape[1...].reduce(1, *)
    let storage: RecordingStorage
    var finalStrides = strides
    if isBlockwise, let range = array.storedRange {
      if range.count <= NPYArray.checkedUpTo { try array.verifyChecksum() }
      storage = .mapped(array.file, range, type)
    } else {
      if !isBlockwise { try MemoryLimit.require(8 * array.header.count, array.place) }
      var values = try array.values(as: Float.self)
      if !isBlockwise {
        values = NumberConversion.rearrange(values, shape: shape, strides: strides)
        finalStrides = NPYHeader(element: .number(.float32), shape: shape).strides
      }
      storage = .owned(values)
    }
    return Recordings(
      storage: storage, shape: shape, strides: finalStrides, firstEntry: 0, params: params,
      times: times, metadata: metadata)
  }

  private static func fieldArray(
    in file: NPZFile, key: String?
  ) throws(FormatError) -> NPYArray {
    if let key { return try file.array(key) }
    if file.contains(RecordingKey.field) { return try file.array(RecordingKey.field) }
    let listing = file.listing
    let candidates = listing.filter { $0.shape.count >= 3 && $0.type != "text" }
    let remedy =
      candidates.first.map {
        candidates.count == 1
          ? "Name it: --key \($0.name)" : "Name the field, for example: --key \($0.name)"
      } ?? "Save the field as an array x of shape (recordings, channels, time, space)."
    throw FormatError(
      .missing, file: file.file.name,
      found: "there is no array 'x'; the file holds "
        + (listing.isEmpty ? "no array" : listing.map(\.description).joined(separator: "; ")),
      allowed: "the recordings in 'x'", remedy: remedy)
  }
}

/// Which axis of an array is what.
struct AxisOrder: Hashable {
  /// For recordings, channels, time, x and y: the axis of the array, nil for one that is not there.
  private var axisOf: [Character: Int] = [:]

  /// More channels than this are taken for a sign of another axis order.
  static let mostLikelyChannels = 16

  init(
    of shape: [Int], given axes: String?, trustsDefault: Bool, _ place: FormatPlace
  ) throws(FormatError) {
    if let axes {
      axisOf = try AxisOrder.parse(axes, shape, place)
      return
    }
    guard (4...5).contains(shape.count) else {
      throw AxisOrder.ambiguous(shape, place)
    }
    guard trustsDefault || shape[1] <= AxisOrder.mostLikelyChannels else {
      throw AxisOrder.ambiguous(shape, place)
    }
    for (axis, letter) in "NCTXY".prefix(shape.count).enumerated() { axisOf[letter] = axis }
  }

  private static func parse(
    _ axes: String, _ shape: [Int], _ place: FormatPlace
  ) throws(FormatError) -> [Character: Int] {
    let words = axes.split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces).uppercased() }
    let letters = words.compactMap { $0.count == 1 ? $0.first : nil }
    guard letters.count == words.count, letters.allSatisfy("NCTXY".contains),
      Set(letters).count == letters.count, letters.contains("T"), letters.contains("X")
    else {
      throw place.error(
        .ambiguous, found: "the axes '\(axes)'",
        allowed: "letters of N, C, T, X, Y with commas, each at most once, T and X always",
        remedy: "For example: --axes N,T,C,X")
    }
    guard letters.count == shape.count else {
      throw place.error(
        .wrongShape, found: "the shape \(describeShape(shape)) for the axes '\(axes)'",
        allowed: "\(letters.count) axes", remedy: "Give one letter for each axis of the array.")
    }
    return Dictionary(uniqueKeysWithValues: zip(letters, letters.indices))
  }

  /// Shape and strides in the order recordings, channels, time, space.
  func apply(to header: NPYHeader) -> (shape: [Int], strides: [Int]) {
    var (shape, strides): ([Int], [Int]) = ([], [])
    for letter in axisOf["Y"] == nil ? "NCTX" : "NCTXY" {
      let axis = axisOf[letter]
      shape.append(axis.map { header.shape[$0] } ?? 1)
      strides.append(axis.map { header.strides[$0] } ?? header.count)
    }
    return (shape, strides)
  }

  /// The readings that fit, each in words.
  private static func ambiguous(_ shape: [Int], _ place: FormatPlace) -> FormatError {
    let orders =
      switch shape.count {
      case 2: ["T,X", "X,T"]
      case 3: ["N,T,X", "C,T,X", "T,X,Y", "N,X,T"]
      case 4: ["N,C,T,X", "N,T,C,X", "N,T,X,C", "N,T,X,Y"]
      case 5: ["N,C,T,X,Y", "N,T,C,X,Y", "N,T,X,Y,C"]
      default: [String]()
      }
    let readings = orders.filter { order in
      let channel = order.split(separator: ",").firstIndex(of: "C")
      return channel.map { shape[$0] <= mostLikelyChannels } ?? true
    }
    guard let first = readings.first else {
      return place.error(
        .wrongShape, found: "the shape \(describeShape(shape))",
        allowed:
          "(recordings, channels, time, space) or (recordings, channels, time, space, space)",
        remedy: "Reshape it with NumPy, for example x[:, None] for one channel.")
    }
    let words = readings.map { order in
      let names = order.split(separator: ",").enumerated().map { axis, letter in
        let name =
          switch letter {
          case "N": shape[axis] == 1 ? "recording" : "recordings"
          case "C": shape[axis] == 1 ? "channel" : "channels"
          case "T": "frames"
          case "X": "points in x"
          default: "points in y"
          }
        return "\(shape[axis]) \(name)"
      }
      return "\(order) (\(names.joined(separator: ", ")))"
    }
    return place.error(
      .ambiguous,
      found: "the shape \(describeShape(shape)) can be read as " + words.joined(separator: " or "),
      allowed: "recordings, channels, time, space in this order",
      remedy: "Say which: --axes \(first)")
  }
}

/// The small arrays beside the field, compared with its shape.
struct MetadataReader {
  let file: NPZFile
  let shape: [Int]
  private var spaceRank: Int { shape.count - 3 }

  private func has(_ key: String) -> Bool { !file.isBareArray && file.contains(key) }

  /// The header of a small array, so that a huge one is refused before it is read.
  private func small(
    _ key: String, _ allowed: String, where fits: ([Int]) -> Bool
  ) throws(FormatError) -> NPYArray {
    let array = try file.array(key)
    guard fits(array.header.shape) else {
      throw array.place.error(
        .wrongShape, found: "the shape \(describeShape(array.header.shape))",
        allowed: "\(allowed), to fit x of shape \(describeShape(shape)) in the order "
          + (spaceRank == 2 ? "N,C,T,X,Y" : "N,C,T,X"),
        remedy: "Change or remove the array '\(key)'.")
    }
    return array
  }

  func parameters() throws(FormatError) -> HostArray<Float>? {
    guard has(RecordingKey.parameters) else { return nil }
    let array = try small(RecordingKey.parameters, "(\(shape[0]), k) with k below 1,000") {
      (1...2).contains($0.count) && $0[0] == shape[0] && ($0.count == 1 || $0[1] < 1000)
    }
    let values: HostArray<Float> = try array.hostArray()
    // One parameter may come without its own axis.
    let matrix = values.rank == 1 ? values.reshaped([values.count, 1]) : values
    return matrix.shape[1] == 0 ? nil : matrix
  }

  func times() throws(FormatError) -> [Double]? {
    guard has(RecordingKey.times) else { return nil }
    let array = try small(RecordingKey.times, "(\(shape[2]),)") { $0 == [shape[2]] }
    return try array.values(as: Double.self)
  }

  func metadata(parameterCount: Int, times: [Double]?) throws(FormatError) -> RecordingsMetadata {
    var metadata = RecordingsMetadata()
    metadata.parameterNames = try names(RecordingKey.parameterNames, parameterCount)
    metadata.parameterUnits = try names(RecordingKey.parameterUnits, parameterCount)
    metadata.channelNames = try names(RecordingKey.channelNames, shape[1])
    metadata.channelUnits = try names(RecordingKey.channelUnits, shape[1])
    metadata.axisNames = try names(RecordingKey.axisNames, 1 + spaceRank)
    metadata.axisUnits = try names(RecordingKey.axisUnits, 1 + spaceRank)
    metadata.systemName = try text(RecordingKey.system)
    metadata.provenance = try text(RecordingKey.provenance)
    metadata.boundary = try boundary()
    metadata.frameInterval = try frameInterval(times)
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
        throw array.place.error(
          .wrongContent, found: "the word '\(word)'",
          allowed: BoundaryCondition.allCases.map(\.rawValue).joined(separator: ", "),
          remedy: "Write boundary=[\"periodic\"] when the last point is a neighbour of the first.")
      }
      return kind
    }
    // One word counts for every axis.
    return kinds.count == 1 ? Array(repeating: kinds[0], count: spaceRank) : kinds
  }

  private func frameInterval(_ times: [Double]?) throws(FormatError) -> Double? {
    guard has(RecordingKey.frameInterval) else {
      guard let times, times.count > 1 else { return nil }
      return (times[times.count - 1] - times[0]) / Double(times.count - 1)
    }
    let array = try small(RecordingKey.frameInterval, "one number") { $0.allSatisfy { $0 == 1 } }
    let value = try array.values(as: Double.self)[0]
    guard value.isFinite, value > 0 else {
      throw array.place.error(
        .wrongContent, found: "the time \(value) between frames", allowed: "a positive number",
        remedy: "Correct or remove the array 'dt'.")
    }
    return value
  }

  private func extents() throws(FormatError) -> [Double]? {
    guard has(RecordingKey.extents) else { return nil }
    let array = try small(RecordingKey.extents, "(\(spaceRank),)") {
      $0 == [spaceRank] || ($0.isEmpty && spaceRank == 1)
    }
    let values = try array.values(as: Double.self)
    guard values.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw array.place.error(
        .wrongContent, found: "the lengths \(values)", allowed: "positive numbers",
        remedy: "Correct or remove the array 'extent'.")
    }
    return values
  }
}
