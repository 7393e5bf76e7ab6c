// Single values: how each is read from a tree of settings and written into one.

/// A setting that is one value.
protocol SettingScalar {
  /// Reads the value; nil when something else is written.
  init?(_ tree: SettingsTree)
  /// The value as it is written; numbers with all digits that it takes to read them again.
  var tree: SettingsTree { get }
  /// What may be written.
  static var words: String { get }
}

extension Bool: SettingScalar {
  init?(_ tree: SettingsTree) {
    guard case .bool(let value) = tree else { return nil }
    self = value
  }
  var tree: SettingsTree { .bool(self) }
  static var words: String { "true or false" }
}

extension String: SettingScalar {
  init?(_ tree: SettingsTree) {
    switch tree {
    case .string(let text), .number(let text): self = text
    case .bool(let value): self = "\(value)"
    default: return nil
    }
  }
  var tree: SettingsTree { .string(self) }
  static var words: String { "a word" }
}

extension SettingScalar where Self: LosslessStringConvertible & BinaryFloatingPoint {
  init?(_ tree: SettingsTree) {
    guard case .number(let text) = tree else { return nil }
    self.init(text)
  }
  var tree: SettingsTree { .number("\(self)") }
  static var words: String { "a number" }
}

extension Double: SettingScalar {}
extension Float: SettingScalar {}

extension SettingScalar where Self: FixedWidthInteger {
  // 2e4 is a whole number too.
  init?(_ tree: SettingsTree) {
    guard case .number(let text) = tree,
      let value = Self(text) ?? Double(text).flatMap({ Self(exactly: $0) }),
      // Sums and products of a few such numbers do not overflow.
      !Self.isSigned || value.magnitude <= 2_147_483_647
    else { return nil }
    self = value
  }
  var tree: SettingsTree { .number("\(self)") }
  static var words: String {
    isSigned ? "a whole number below 2147483648" : "a whole number, not negative"
  }
}

extension Int: SettingScalar {}
extension Int8: SettingScalar {}
extension Int16: SettingScalar {}
extension Int32: SettingScalar {}
extension Int64: SettingScalar {}
extension UInt: SettingScalar {}
extension UInt8: SettingScalar {}
extension UInt16: SettingScalar {}
extension UInt32: SettingScalar {}
extension UInt64: SettingScalar {}
