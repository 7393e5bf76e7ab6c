// Values of any type inside results: what JSON can say, kept as it is until the method that wrote
// it reads it back.
import Foundation

/// Any value of JSON.
public enum JSONValue: Codable, Hashable, Sendable {
  /// No value.
  case null
  /// True or false.
  case bool(Bool)
  /// A number; NaN and infinities are strings.
  case number(Double)
  /// A text.
  case string(String)
  /// Values in order.
  case array([JSONValue])
  /// Values by name.
  case object([String: JSONValue])

  /// What a value looks like in JSON.
  public init(encoding value: some Encodable) throws {
    self = try RunResults.decoder.decode(JSONValue.self, from: RunResults.encoder.encode(value))
  }

  /// The value read back.
  public func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try RunResults.decoder.decode(type, from: RunResults.encoder.encode(self))
  }

  /// Decodes whatever is there.
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let text = try? value.decode(String.self) {
      // Before numbers: a decoder takes the word NaN for one.
      self = .string(text)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let values = try? value.decode([JSONValue].self) {
      self = .array(values)
    } else {
      self = .object(try value.decode([String: JSONValue].self))
    }
  }

  /// Encodes the value as it is.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}
