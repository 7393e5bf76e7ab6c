// netCDF of version 3 in its three forms, CDF-1, CDF-2 and CDF-5 (Unidata, "The NetCDF Classic
// Format Specification"): a header, then variables in big-endian order; those over the unlimited
// dimension lie interleaved, one record after the other.
public import Foundation
import KymoNumerics

/// A netCDF file of version 3 that is open for reading, without libnetcdf: its numbers lie as they
/// are and are mapped.
public struct NetCDFClassicFile: ArrayFile, LayoutFile {
  private let mapped: MappedFile
  private let header: Header
  private var presented = PresentedArrays()

  /// The letters CDF and a version.
  public static func recognizes(_ start: [UInt8]) -> Bool {
    start.count > 3 && start.starts(with: Array("CDF".utf8)) && [1, 2, 5].contains(start[3])
  }

  /// Opens a file, reads its header and gives its variables our names where they are fields in
  /// time.
  public init(_ url: URL) throws(FormatError) {
    mapped = try MappedFile(url)
    header = try Header(mapped)
    presented = try NetCDFLayout.arrays(of: self) ?? presented
  }

  /// The file's name, without its folder.
  public var name: String { mapped.name }
  /// Bytes of the file.
  public var byteCount: Int { mapped.count }
  /// Variables have names.
  public var isBareArray: Bool { false }
  /// How its variables were read; nil where none is a field in time.
  public var reading: String? { presented.reading }
  /// The arrays of the layout, then all variables.
  public var names: [String] {
    presented.names + paths.filter { !presented.names.contains($0) }
  }

  var paths: [String] { header.variables.map(\.name) }

  /// The array of a name that is there.
  public func open(_ name: String) throws(FormatError) -> any StoredArray {
    if let array = presented[name] { return array }
    guard let variable = header[name] else {
      throw FormatPlace(file: self.name).error(
        .missing, found: "there is no variable '\(name)'",
        allowed: "one of: \(paths.joined(separator: ", "))", remedy: "Name one of them.")
    }
    return try unpacked(NetCDFClassicArray(mapped, header, variable), name)
  }

  /// The attributes of a variable; of the file when nil.
  public func attributes(of name: String?) throws(FormatError) -> [String: ArrayAttribute] {
    guard let name else { return header.attributes }
    return header[name]?.attributes ?? [:]
  }

  func scales(of name: String, rank: Int) -> [String?] {
    header[name]?.dimensions.prefix(rank).map { header.dimensions[$0].name } ?? []
  }

  /// A file for a field of this name: without the arrays of its layout, which are of another one.
  func reading(_ key: String?) -> NetCDFClassicFile {
    guard let key, presented[RecordingKey.field] != nil, presented[key] == nil else { return self }
    var file = self
    file.presented = PresentedArrays()
    return file
  }

  /// A type of the format: its number, and what it is for us.
  fileprivate enum Kind: Int {
    case byte = 1, char, short, int, float, double, ubyte, ushort, uint, int64, uint64

    var type: NumberType {
      switch self {
      case .byte: NumberType(kind: .int, width: 1, isBigEndian: true)
      case .char, .ubyte: NumberType(kind: .uint, width: 1, isBigEndian: true)
      case .short: NumberType(kind: .int, width: 2, isBigEndian: true)
      case .ushort: NumberType(kind: .uint, width: 2, isBigEndian: true)
      case .int: NumberType(kind: .int, width: 4, isBigEndian: true)
      case .uint: NumberType(kind: .uint, width: 4, isBigEndian: true)
      case .float: NumberType(kind: .float, width: 4, isBigEndian: true)
      case .double: NumberType(kind: .float, width: 8, isBigEndian: true)
      case .int64: NumberType(kind: .int, width: 8, isBigEndian: true)
      case .uint64: NumberType(kind: .uint, width: 8, isBigEndian: true)
      }
    }
  }

  fileprivate struct Variable {
    var name: String
    var dimensions: [Int]
    var attributes: [String: ArrayAttribute]
    var kind: Kind
    var shape: [Int]
    /// First byte.
    var begin: Int
    /// Bytes of a record, or of all.
    var size: Int
    var isRecord: Bool
  }

  fileprivate struct Header {
    var dimensions: [(name: String, length: Int)] = []
    var attributes: [String: ArrayAttribute] = [:]
    var variables: [Variable] = []
    /// Bytes from one record to the next.
    var recordSize = 0

    /// The variables by name.
    private var places: [String: Int] = [:]

    subscript(_ name: String) -> Variable? { places[name].map { variables[$0] } }

    init(_ file: MappedFile) throws(FormatError) {
      var reader = try Reader(file)
      let isWide = reader.version == 5
      var records: Int? = try reader.count()
      // All ones where the writer streamed: as many as the file holds.
      if records == (isWide ? -1 : 0xFFFF_FFFF) { records = nil }
      for _ in 0..<(try reader.list(10, "dimensions")) {
        let name = try reader.text()
        dimensions.append((name, try reader.length("the dimension '\(name)'")))
      }
      attributes = try reader.attributes()
      for _ in 0..<(try reader.list(11, "variables")) {
        let name = try reader.text()
        let place = FormatPlace(file: file.name, place: "variable '\(name)'")
        var axes: [Int] = []
        for _ in 0..<(try reader.length("axes of '\(name)'", most: 1024)) {
          let axis = try reader.count()
          guard dimensions.indices.contains(axis) else {
            throw place.damaged(
              "the dimension \(axis)", allowed: "fewer than \(dimensions.count)")
          }
          axes.append(axis)
        }
        let attributes = try reader.attributes()
        let kind = try reader.kind()
        _ = try reader.count()
        let begin = try reader.offset()
        let isRecord = axes.first.map { dimensions[$0].length == 0 } ?? false
        let shape = axes.map { dimensions[$0].length }
        var size = kind.type.width
        for length in isRecord ? Array(shape.dropFirst()) : shape {
          let (product, isTooLarge) = size.multipliedReportingOverflow(by: length)
          guard !isTooLarge, product < 1 << 56 else {
            throw place.damaged(
              "the shape \(describeShape(shape))", allowed: "fewer than 2⁵⁶ bytes")
          }
          size = product
        }
        guard (0...file.count).contains(begin) else { throw place.truncated("its numbers") }
        variables.append(
          Variable(
            name: name, dimensions: axes, attributes: attributes, kind: kind, shape: shape,
            begin: begin, size: size, isRecord: isRecord))
      }
      for (index, variable) in variables.enumerated() {
        guard places.updateValue(index, forKey: variable.name) == nil else {
          throw FormatPlace(file: file.name).damaged(
            "two variables of the name '\(variable.name)'", allowed: "one")
        }
      }
      let own = variables.filter(\.isRecord)
      // A single variable has no padding between its records.
      for variable in own {
        recordSize += own.count == 1 ? variable.size : (variable.size + 3) / 4 * 4
      }
      let first = own.map(\.begin).min() ?? file.count
      let held = recordSize > 0 ? (file.count - first) / recordSize : 0
      for index in variables.indices where variables[index].isRecord {
        variables[index].shape[0] = records ?? held
      }
      for variable in variables {
        let last = variable.isRecord ? max(0, variable.shape[0] - 1) : 0
        let (before, isTooLarge) = last.multipliedReportingOverflow(by: recordSize)
        let place = FormatPlace(file: file.name, place: "variable '\(variable.name)'")
        guard !variable.isRecord || variable.shape[0] < 1 << 40 else {
          throw place.damaged("\(variable.shape[0]) records", allowed: "fewer than 2⁴⁰")
        }
        guard !isTooLarge, before <= file.count,
          variable.shape.contains(0)
            || variable.begin + before + variable.size <= file.count
        else { throw place.truncated("its numbers") }
      }
    }
  }

  /// Reads the header from its start on, big-endian, in pieces of four bytes.
  private struct Reader {
    let file: MappedFile
    let version: Int
    var position = 4

    init(_ file: MappedFile) throws(FormatError) {
      self.file = file
      version = Int(try file.header(at: 0, count: 4, "its first bytes")[3])
    }

    private mutating func integer(_ bytes: Int) throws(FormatError) -> Int {
      let found = try file.header(at: position, count: bytes, "its header")
      position += bytes
      return Int(truncatingIfNeeded: found.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    mutating func count() throws(FormatError) -> Int { try integer(version == 5 ? 8 : 4) }
    mutating func offset() throws(FormatError) -> Int { try integer(version == 1 ? 4 : 8) }

    mutating func length(_ what: String, most: Int = 1 << 40) throws(FormatError) -> Int {
      let length = try count()
      guard (0...most).contains(length) else {
        throw FormatPlace(file: file.name).damaged(
          "the length \(length) of \(what)", allowed: "at most \(most)")
      }
      return length
    }

    /// The number of entries of a list, whose tag is absent where it is empty.
    mutating func list(_ tag: Int, _ what: String) throws(FormatError) -> Int {
      let (found, length) = (try integer(4), try length(what, most: 100_000))
      guard found == tag || found == 0 && length == 0 else {
        throw FormatPlace(file: file.name).damaged(
          "the tag \(found) before its \(what)", allowed: "\(tag)")
      }
      return length
    }

    mutating func kind() throws(FormatError) -> Kind {
      let number = try integer(4)
      guard let kind = Kind(rawValue: number), version == 5 || number <= 6 else {
        throw FormatPlace(file: file.name).damaged("the type \(number)", allowed: "1 to 6")
      }
      return kind
    }

    private mutating func bytes(_ count: Int) throws(FormatError) -> [UInt8] {
      let found = try file.header(at: position, count: count, "its header")
      position += (count + 3) / 4 * 4
      return found
    }

    mutating func text() throws(FormatError) -> String {
      String(decoding: try bytes(try length("a name", most: 4096)), as: UTF8.self)
    }

    mutating func attributes() throws(FormatError) -> [String: ArrayAttribute] {
      var found: [String: ArrayAttribute] = [:]
      for _ in 0..<(try list(12, "attributes")) {
        let name = try text()
        let (kind, count) = (try kind(), try length("the attribute '\(name)'", most: 1 << 24))
        let bytes = try bytes(count * kind.type.width)
        if kind == .char {
          found[name] = .texts([String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)])
        } else if count > 0 {
          found[name] = .numbers(
            unsafe filled(count: count) { (output: UnsafeMutablePointer<Double>) in
              unsafe bytes.withBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                unsafe NumberConversion.convert(
                  kind.type, at: base, stride: 1, count: count, to: output)
              }
            })
        }
      }
      return found
    }
  }

  /// One variable of a file.
  private struct NetCDFClassicArray: StoredArray {
    let shape: [Int]
    let element: ElementType
    let mapping: ArrayMapping?
    private let file: MappedFile
    private let variable: Variable
    private let recordSize: Int

    init(_ file: MappedFile, _ header: Header, _ variable: Variable) throws(FormatError) {
      (self.file, self.variable, recordSize) = (file, variable, header.recordSize)
      if variable.kind == .char {
        // The last axis is that of the letters of a text.
        shape = Array(variable.shape.dropLast())
        element = .bytes(length: variable.shape.last ?? 1)
        mapping = nil
        return
      }
      (shape, element) = (variable.shape, .number(variable.kind.type))
      let isInOnePiece = !variable.isRecord || header.recordSize == variable.size
      let bytes = variable.size * (variable.isRecord ? variable.shape[0] : 1)
      mapping =
        isInOnePiece && bytes > 0
        ? ArrayMapping(
          file, variable.begin..<variable.begin + bytes, variable.kind.type,
          strides: NPYHeader(element: element, shape: shape).strides) : nil
    }

    var readsParts: Bool { true }

    /// The format has no checksums.
    func verify() throws(FormatError) {}

    func read<Number: ArrayNumber>(
      _ part: [Range<Int>], into output: UnsafeMutablePointer<Number>
    ) throws(FormatError) {
      guard !part.contains(where: \.isEmpty) else { return }
      let type = variable.kind.type
      let strides = NPYHeader(element: element, shape: shape).strides
      guard variable.isRecord, let records = part.first else {
        unsafe file.withBytes(variable.begin..<variable.begin + variable.size) { bytes in
          guard let base = bytes.baseAddress else { return }
          unsafe NumberConversion.copy(part, of: type, at: base, strides: strides, to: output)
        }
        return
      }
      let inner = Array(part.dropFirst())
      let length = inner.reduce(1) { $0 * $1.count }
      for (index, record) in records.enumerated() {
        let first = variable.begin + record * recordSize
        unsafe file.withBytes(first..<first + variable.size) { bytes in
          guard let base = bytes.baseAddress else { return }
          unsafe NumberConversion.copy(
            inner, of: type, at: base, strides: Array(strides.dropFirst()),
            to: output + index * length)
        }
      }
    }

    func strings() throws(FormatError) -> [String] {
      let place = FormatPlace(file: file.name, place: "variable '\(variable.name)'")
      guard case .bytes(let length) = element, shape.count <= 1, !variable.isRecord else {
        throw place.error(
          .wrongContent, found: "numbers, or more than one axis", allowed: "an array of texts",
          remedy: "Save it as texts.")
      }
      let bytes = try file.header(at: variable.begin, count: variable.size, "its texts")
      return stride(from: 0, to: bytes.count, by: max(1, length)).map {
        let letters = bytes[$0..<min($0 + length, bytes.count)].prefix { $0 != 0 }
        return String(decoding: letters, as: UTF8.self).trimmingCharacters(in: .whitespaces)
      }
    }
  }
}
