// The JSON header of a safetensors file, and what a reader must not believe: every number in it is
// checked against the file before anything is allocated.
import Foundation
import KymoNumerics

/// The header: for each tensor its type, shape and place; optional texts.
struct SafeTensorsHeader: Codable {
  struct Entry: Codable {
    var dtype: String
    var shape: [Int]
    var data_offsets: [Int]
  }

  /// A tensor's checked place behind the header.
  struct Place {
    var name: String
    var dtype: ScalarType
    var shape: [Int]
    var range: Range<Int>
  }

  typealias Failure = (_ message: String, _ remedy: String) -> TensorError

  static let metadataKey = "__metadata__"
  static let longestHeader = 100_000_000
  static let remedy = "The file is damaged or not a safetensors file: write or fetch it again."

  var entries: [String: Entry]
  var metadata: [String: String]

  init(entries: [String: Entry], metadata: [String: String]) {
    (self.entries, self.metadata) = (entries, metadata)
  }

  /// Where the entries begin.
  static func dataOffset(of file: Data, _ fail: Failure) throws -> Int {
    guard file.count >= 8 else {
      throw fail("it has \(file.count) bytes, too few for a header", remedy)
    }
    let length = file.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= longestHeader else {
      throw fail("its header claims \(length) bytes, more than \(longestHeader)", remedy)
    }
    guard length <= file.count - 8 else {
      throw fail("its header claims \(length) bytes, but \(file.count - 8) are left", remedy)
    }
    return 8 + Int(length)
  }

  init(_ json: Data, _ fail: Failure) throws {
    guard json.first == UInt8(ascii: "{") else {
      throw fail("its header is not a JSON object", Self.remedy)
    }
    do { self = try JSONDecoder().decode(SafeTensorsHeader.self, from: Data(json)) } catch {
      throw fail("its header cannot be understood (\(describe(error)))", Self.remedy)
    }
  }

  /// The checked places of all tensors, in the order of the file.
  func places(dataCount: Int, _ fail: Failure) throws -> [Place] {
    let places = try entries.map { try place($0.key, $0.value, dataCount: dataCount, fail) }
      .sorted {
        ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
      }
    var end = 0
    for place in places {
      guard place.range.lowerBound == end else {
        let what = place.range.lowerBound < end ? "overlaps the tensor before it" : "follows a hole"
        throw fail("'\(place.name)' at byte \(place.range.lowerBound) \(what)", Self.remedy)
      }
      end = place.range.upperBound
    }
    guard end == dataCount else {
      throw fail("its tensors end at byte \(end) of \(dataCount)", Self.remedy)
    }
    return places
  }

  private func place(
    _ name: String, _ entry: Entry, dataCount: Int, _ fail: Failure
  ) throws -> Place {
    guard let dtype = ScalarType(safeTensorsName: entry.dtype) else {
      let known = ScalarType.allCases.map(\.safeTensorsName).joined(separator: ", ")
      throw fail(
        "'\(name)' is of type \(entry.dtype.prefix(32)), but only \(known) can be read",
        "Convert it to one of these types.")
    }
    let offsets = entry.data_offsets
    guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= dataCount
    else {
      throw fail(
        "'\(name)' claims the bytes \(offsets.prefix(3)) of \(dataCount)", Self.remedy)
    }
    var bytes = dtype.byteCount
    for length in entry.shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: length)
      guard length >= 0, !overflow else {
        throw fail("'\(name)' has the impossible shape \(entry.shape.prefix(8))", Self.remedy)
      }
      bytes = product
    }
    guard entry.shape.count <= 64, bytes == offsets[1] - offsets[0] else {
      throw fail(
        "'\(name)' of shape \(entry.shape.prefix(8)) takes \(bytes) bytes, but has "
          + "\(offsets[1] - offsets[0])", Self.remedy)
    }
    return Place(name: name, dtype: dtype, shape: entry.shape, range: offsets[0]..<offsets[1])
  }

  init(from decoder: any Decoder) throws {
    // Tensor names are keys of the header itself, beside the key of the texts.
    let container = try decoder.container(keyedBy: SettingKey.self)
    (entries, metadata) = ([:], [:])
    for key in container.allKeys {
      if key.stringValue == Self.metadataKey {
        metadata = try container.decode([String: String].self, forKey: key)
      } else {
        entries[key.stringValue] = try container.decode(Entry.self, forKey: key)
      }
    }
  }

  func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.container(keyedBy: SettingKey.self)
    for (name, entry) in entries { try container.encode(entry, forKey: SettingKey(name)) }
    if !metadata.isEmpty {
      try container.encode(metadata, forKey: SettingKey(Self.metadataKey))
    }
  }
}

/// The place and reason of a decoding failure in a few words.
private func describe(_ error: any Error) -> String {
  guard let error = error as? DecodingError else { return "it is not JSON" }
  let context: DecodingError.Context
  switch error {
  case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found),
    .dataCorrupted(let found):
    context = found
  @unknown default: return "it is not JSON"
  }
  let place = context.codingPath.map { String($0.stringValue.prefix(64)) }.joined(separator: ".")
  return place.isEmpty ? "it is not JSON" : "at '\(place)'"
}

extension ScalarType {
  var safeTensorsName: String {
    switch self {
    case .float32: "F32"
    case .float64: "F64"
    case .bfloat16: "BF16"
    case .int64: "I64"
    case .bool: "BOOL"
    }
  }

  init?(safeTensorsName: String) {
    guard let type = ScalarType.allCases.first(where: { $0.safeTensorsName == safeTensorsName })
    else { return nil }
    self = type
  }
}
