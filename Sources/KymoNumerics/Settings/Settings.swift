// What configurations are: plain values with a default for every setting. Swift writes the code
// that encodes and decodes them; `SettingsDecoder` makes it strict and fills in defaults.

/// A group of settings, each with a default.
///
/// A missing setting takes its default, an unknown one is an error that names the nearest. A type
/// with stored properties, their defaults and `Codable` needs no code of its own for this.
public protocol Settings: Codable, Hashable, Sendable {
  /// Creates the defaults.
  init()
}

/// A setting whose own settings stand in the group itself, without a level of their own.
///
/// With `@Inlined var network = Network.dense(.init())` the group has the key `dense`, and no key
/// `network`.
@propertyWrapper
public struct Inlined<Value: Codable & Hashable & Sendable>:
  Codable, Hashable, Sendable
{
  /// The setting.
  public var wrappedValue: Value
  /// Creates the setting with its default.
  public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }

  /// Reads the setting from the group.
  public init(from decoder: any Decoder) throws { wrappedValue = try Value(from: decoder) }
  /// Writes the setting into the group.
  public func encode(to encoder: any Encoder) throws { try wrappedValue.encode(to: encoder) }
}

/// Any ``Inlined`` setting.
protocol InlinedSetting {}
extension Inlined: InlinedSetting {}

/// A group of settings in which keys had other names or places once.
///
/// One of several kinds with settings of their own is an enum with payloads, written as one key
/// with the settings below it, as in `constant: {rate: 0.001}`. Its `CodingKeys` are
/// `CaseIterable`, so that an error can name all kinds.
package protocol FormerSettings: Codable {
  /// How to rewrite a recipe that has a key of former times.
  static var formerKeys: [String: String] { get }
}
