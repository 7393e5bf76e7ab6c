// The header of a NumPy array file: what it holds and in which order.
// Format: numpy.lib.format, versions 1.0, 2.0 and 3.0.

/// The numbers in an array, as the file stores them.
public struct NumberType: Hashable, Sendable {
  /// What the bits mean.
  public enum Kind: String, Sendable {
    /// IEEE 754.
    case float
    /// Two's complement.
    case int
    /// Without a sign.
    case uint
    /// Zero is false.
    case bool
  }

  /// What the bits mean.
  public var kind: Kind
  /// Bytes of one number.
  public var width: Int
  /// Whether the first byte is the most significant one.
  public var isBigEndian: Bool

  /// Creates a type.
  public init(kind: Kind, width: Int, isBigEndian: Bool = false) {
    (self.kind, self.width, self.isBigEndian) = (kind, width, isBigEndian)
  }

  /// Single precision.
  public static let float32 = NumberType(kind: .float, width: 4)
  /// Double precision.
  public static let float64 = NumberType(kind: .float, width: 8)

  /// Whether Float does not hold every number of this type to its last digit.
  var exceedsFloat: Bool { kind == .float ? width > 4 : width > 2 }

  /// NumPy's name, such as "float32" or "int64 (big-endian)".
  public var name: String {
    kind == .bool ? "bool" : "\(kind.rawValue)\(8 * width)\(isBigEndian ? " (big-endian)" : "")"
  }
}

/// What one entry of an array is.
public enum ElementType: Hashable, Sendable {
  /// A number.
  case number(NumberType)
  /// Text of at most `length` Unicode scalars, each stored in four bytes.
  case text(length: Int, isBigEndian: Bool)
  /// Text of at most `length` bytes of UTF-8.
  case bytes(length: Int)
  /// A date or a length of time, in eight bytes.
  case time(TimeType)

  /// Bytes of one entry.
  public var width: Int {
    switch self {
    case .number(let type): type.width
    case .text(let length, _): 4 * length
    case .bytes(let length): length
    case .time: 8
    }
  }

  /// NumPy's name of the type, or "text".
  public var name: String {
    switch self {
    case .number(let type): type.name
    case .text, .bytes: "text"
    case .time(let type): type.name
    }
  }
}

/// A parsed header.
package struct NPYHeader: Hashable, Sendable {
  package var element: ElementType
  /// First axis fastest, as in Fortran, instead of last axis fastest, as in C.
  package var isFortranOrder = false
  package var shape: [Int]

  package init(element: ElementType, isFortranOrder: Bool = false, shape: [Int]) {
    (self.element, self.isFortranOrder, self.shape) = (element, isFortranOrder, shape)
  }

  /// Number of entries; the parser has checked that it does not overflow.
  package var count: Int { shape.reduce(1, *) }
  package var byteCount: Int { count * element.width }

  /// Distance, in entries, between neighbours along every axis.
  package var strides: [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    if isFortranOrder {
      for axis in strides.indices.dropFirst() {
        strides[axis] = strides[axis - 1] * shape[axis - 1]
      }
    } else {
      for axis in strides.indices.dropLast().reversed() {
        strides[axis] = strides[axis + 1] * shape[axis + 1]
      }
    }
    return strides
  }

  /// Longest header that is read; NumPy writes 118 bytes for usual arrays.
  package static let longest = 65_536
  /// NumPy's own limit on the number of axes.
  static let mostAxes = 64
}

extension NPYHeader {
  /// Reads the header at the start of `bytes`.
  ///
  /// - Returns: The header and the offset of the first entry behind it.
  package static func parse(
    _ bytes: [UInt8], at place: FormatPlace
  ) throws(FormatError) -> (NPYHeader, dataOffset: Int) {
    guard bytes.starts(with: magic) || bytes.count < magic.count else {
      throw place.error(
        .wrongFormat, found: "it does not start like a NumPy array",
        allowed: "the six bytes \\x93NUMPY", remedy: "Write it with numpy.save or numpy.savez.")
    }
    guard bytes.count >= 10 else { throw place.truncated("the header of the array") }
    let (major, minor) = (bytes[6], bytes[7])
    guard (1...3).contains(major), minor == 0 else {
      throw place.error(
        .unsupported, found: "version \(major).\(minor) of the NumPy array format",
        allowed: "1.0, 2.0 or 3.0", remedy: "Write it with numpy.save or numpy.savez.")
    }
    let start = major == 1 ? 10 : 12
    guard bytes.count >= start else { throw place.truncated("the header of the array") }
    let length = major == 1 ? bytes.uint16(8) : bytes.uint32(8)
    guard length <= longest - start else {
      throw place.error(
        .tooLarge, found: "an array header of \(length) bytes",
        allowed: "at most \(longest - start)", remedy: "Save a plain array without named fields.")
    }
    guard bytes.count >= start + length else { throw place.truncated("the header of the array") }
    var parser = LiteralParser(bytes: bytes[start..<start + length], place: place)
    return (try parser.header(), start + length)
  }

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// The header as bytes, filled up so that the entries start at a multiple of 64 bytes when the
  /// header itself starts `offset` bytes into the file: then a mapped array is aligned.
  package func bytes(startingAt offset: Int = 0) -> [UInt8] {
    let descriptor =
      switch element {
      case .text(let length, let isBigEndian): "\(isBigEndian ? ">" : "<")U\(length)"
      case .bytes(let length): "|S\(length)"
      case .time(let type):
        "\(type.isBigEndian ? ">" : "<")\(type.isDate ? "M" : "m")8[\(type.unit)]"
      case .number(let type):
        (type.width == 1 ? "|" : type.isBigEndian ? ">" : "<") + type.letter + "\(type.width)"
      }
    let dictionary =
      "{'descr': '\(descriptor)', 'fortran_order': \(isFortranOrder ? "True" : "False"), "
      + "'shape': \(describeShape(shape)), }"
    // 10 bytes before, one newline at the end.
    let length = dictionary.utf8.count + 11
    let padding = (64 - (offset + length) % 64) % 64
    var bytes = NPYHeader.magic + [1, 0]
    bytes.append(UInt64(length - 10 + padding), bytes: 2)
    bytes += Array(dictionary.utf8)
    bytes += [UInt8](repeating: UInt8(ascii: " "), count: padding)
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }
}

extension NumberType {
  fileprivate var letter: String {
    switch kind {
    case .float: "f"
    case .int: "i"
    case .uint: "u"
    case .bool: "b"
    }
  }
}

/// Reads the one Python literal that a header is: a dictionary with three known keys.
///
/// Nothing nests deeper than the tuple of lengths, so nothing recurses, and every step consumes a
/// byte.
private struct LiteralParser {
  var bytes: ArraySlice<UInt8>
  let place: FormatPlace

  mutating func header() throws(FormatError) -> NPYHeader {
    var element: ElementType?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !accept("}") {
      let key = try string()
      try expect(":")
      switch key {
      case "descr" where element == nil: element = try elementType()
      case "fortran_order" where isFortranOrder == nil: isFortranOrder = try boolean()
      case "shape" where shape == nil: shape = try tuple()
      default: throw malformed("the key '\(key)'", "descr, fortran_order and shape, once each")
      }
      if !accept(",") {
        try expect("}")
        break
      }
    }
    skipSpace()
    guard bytes.isEmpty else { throw malformed("text after the dictionary", "nothing") }
    guard let element, let isFortranOrder, let shape else {
      throw malformed("a header that lacks a key", "descr, fortran_order and shape")
    }
    try checkSize(shape, element)
    return NPYHeader(element: element, isFortranOrder: isFortranOrder, shape: shape)
  }

  private func checkSize(_ shape: [Int], _ element: ElementType) throws(FormatError) {
    // Lengths of zero do not hide absurd lengths beside them.
    var bytes = max(1, element.width)
    for length in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: max(1, length))
      guard !overflow else {
        throw place.error(
          .tooLarge, found: "the shape \(describeShape(shape)), more bytes than can be counted",
          allowed: "an array that fits into the file",
          remedy: "Write the file again; this header is wrong.")
      }
      bytes = product
    }
  }

  private mutating func elementType() throws(FormatError) -> ElementType {
    if peek() == UInt8(ascii: "[") {
      throw unsupported(
        "a structured array (named fields)",
        "Save every field under a name of its own: numpy.savez(file, x=a['u'], …).")
    }
    let text = try string()
    var rest = Substring(text)
    var isBigEndian = false
    if let order = rest.first, "<>|=".contains(order) {
      isBigEndian = order == ">"
      rest.removeFirst()
    }
    guard let letter = rest.popFirst() else {
      throw malformed("the type '\(text)'", "a type such as '<f4'")
    }
    if letter == "O" {
      throw place.error(
        .unsafeContent,
        found: "an array of pickled Python objects, which could run code when read",
        allowed: "an array of numbers",
        remedy: "Convert it first: numpy.asarray(a, dtype=numpy.float32). Lists of unequal "
          + "length become objects; cut them to one length.")
    }
    if letter == "?" && rest.isEmpty { return .number(NumberType(kind: .bool, width: 1)) }
    if letter == "M" || letter == "m" {
      guard rest.hasPrefix("8["), rest.hasSuffix("]"),
        let type = TimeType(
          isDate: letter == "M", unit: String(rest.dropFirst(2).dropLast()),
          isBigEndian: isBigEndian)
      else {
        throw unsupported(
          "times of the type '\(text)'", "Convert them first: t.astype('datetime64[ms]').")
      }
      return .time(type)
    }
    guard rest.utf8.count <= 9, rest.utf8.allSatisfy({ (48...57).contains($0) }),
      let width = Int(rest)
    else {
      throw unsupported("the type '\(text)'", "Convert it first: a.astype(numpy.float32).")
    }
    switch (letter, width) {
    case ("f", 2), ("f", 4), ("f", 8):
      return .number(NumberType(kind: .float, width: width, isBigEndian: isBigEndian))
    case ("i", 1), ("i", 2), ("i", 4), ("i", 8):
      return .number(NumberType(kind: .int, width: width, isBigEndian: isBigEndian && width > 1))
    case ("u", 1), ("u", 2), ("u", 4), ("u", 8):
      return .number(NumberType(kind: .uint, width: width, isBigEndian: isBigEndian && width > 1))
    case ("b", 1): return .number(NumberType(kind: .bool, width: 1))
    case ("U", _): return .text(length: width, isBigEndian: isBigEndian)
    case ("S", _): return .bytes(length: width)
    case ("c", _):
      throw unsupported(
        "an array of complex numbers",
        "Store real and imaginary part as two channels: numpy.stack([a.real, a.imag], axis=1).")
    default:
      throw unsupported("the type '\(text)'", "Convert it first: a.astype(numpy.float32).")
    }
  }

  private mutating func tuple() throws(FormatError) -> [Int] {
    var lengths: [Int] = []
    try expect("(")
    while !accept(")") {
      lengths.append(try integer())
      guard lengths.count <= NPYHeader.mostAxes else {
        throw malformed("more than \(NPYHeader.mostAxes) axes", "at most as many as NumPy allows")
      }
      if !accept(",") {
        try expect(")")
        break
      }
    }
    return lengths
  }

  private mutating func integer() throws(FormatError) -> Int {
    skipSpace()
    if peek() == UInt8(ascii: "-") { throw malformed("a negative length", "lengths from 0 on") }
    var value = 0
    var digits = 0
    while let byte = bytes.first, (48...57).contains(byte) {
      let (product, first) = value.multipliedReportingOverflow(by: 10)
      let (sum, second) = product.addingReportingOverflow(Int(byte) - 48)
      guard !first, !second else {
        throw place.error(
          .tooLarge, found: "a length beyond 2⁶³", allowed: "an array that fits into the file",
          remedy: "Write the file again; this header is wrong.")
      }
      value = sum
      digits += 1
      bytes.removeFirst()
    }
    guard digits > 0 else { throw malformed("a length that is no whole number", "digits") }
    // Python 2 wrote long integers so.
    if bytes.first == UInt8(ascii: "L") { bytes.removeFirst() }
    return value
  }

  private mutating func boolean() throws(FormatError) -> Bool {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)] where bytes.starts(with: word.utf8) {
      bytes.removeFirst(word.utf8.count)
      return value
    }
    throw malformed("a value for fortran_order that is neither", "True or False")
  }

  private mutating func string() throws(FormatError) -> String {
    skipSpace()
    guard let quote = bytes.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw malformed("no quoted word where one belongs", "'descr', 'fortran_order' or 'shape'")
    }
    bytes.removeFirst()
    guard let end = bytes.prefix(64).firstIndex(of: quote) else {
      throw malformed("a quoted word without an end", "a closing quote")
    }
    let word = bytes[bytes.startIndex..<end]
    guard word.allSatisfy({ (32..<127).contains($0) && $0 != UInt8(ascii: "\\") }) else {
      throw malformed("a quoted word with odd characters", "plain ASCII")
    }
    bytes = bytes[(end + 1)...]
    return String(decoding: word, as: UTF8.self)
  }

  private mutating func peek() -> UInt8? {
    skipSpace()
    return bytes.first
  }

  private mutating func accept(_ character: Character) -> Bool {
    guard peek() == character.asciiValue else { return false }
    bytes.removeFirst()
    return true
  }

  private mutating func expect(_ character: Character) throws(FormatError) {
    guard accept(character) else {
      let found = bytes.first.map { "byte \($0)" } ?? "the end"
      throw malformed("\(found) in the header", "'\(character)' there")
    }
  }

  private mutating func skipSpace() {
    while let byte = bytes.first, byte == 32 || (9...13).contains(byte) { bytes.removeFirst() }
  }

  private func malformed(_ found: String, _ allowed: String) -> FormatError {
    place.error(
      .damaged, found: "\(found) in the array header", allowed: allowed,
      remedy: "Write the file again with numpy.save or numpy.savez.")
  }

  private func unsupported(_ found: String, _ remedy: String) -> FormatError {
    place.error(
      .unsupported, found: found, allowed: "an array of real numbers", remedy: remedy)
  }
}
