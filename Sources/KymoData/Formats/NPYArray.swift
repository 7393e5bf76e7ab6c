public import Foundation
// NumPy arrays, bare (.npy) or as an entry of an archive: mapped where they are stored as they are.
import KymoNumerics

/// An .npy file that is open for reading; its only array is called "x".
public struct NPYFile: ArrayFile {
  /// "x".
  public let names = ["x"]
  private let file: MappedFile

  /// Arrays begin with the byte 0x93 and "NUMPY".
  public static func recognizes(_ start: [UInt8]) -> Bool {
    start.starts(with: [0x93] + Array("NUMPY".utf8))
  }

  /// Opens a file and reads its header.
  public init(_ url: URL) throws(FormatError) {
    file = try MappedFile(url)
    _ = try NPYArray(file, entry: nil, name: "x")
  }

  /// The file's name, without its folder.
  public var name: String { file.name }
  /// Bytes of the file.
  public var byteCount: Int { file.count }
  /// The array has no name of its own.
  public var isBareArray: Bool { true }

  /// The array.
  public func open(_ name: String) throws(FormatError) -> any StoredArray {
    try NPYArray(file, entry: nil, name: name)
  }
}

/// One array in a file: a checked header and where the entries are.
struct NPYArray: StoredArray {
  let header: NPYHeader
  let file: MappedFile
  let place: FormatPlace
  /// The numbers as they are in the file; nil when they are packed.
  let storedRange: Range<Int>?
  private let entry: ZIPEntry?
  private let headerLength: Int

  /// Bytes up to which the checksum is compared before a mapped array is used.
  static let checkedUpTo = 64 << 20
  /// Bytes that are unpacked and converted at a time.
  private static let blockLength = 1 << 20

  /// Reads the header of an entry, or of the whole file when there is none.
  init(_ file: MappedFile, entry: ZIPEntry?, name: String) throws(FormatError) {
    (self.file, self.entry) = (file, entry)
    place = FormatPlace(file: file.name, place: entry == nil ? "" : "array '\(name)'")
    let range = entry?.range ?? 0..<file.count
    let size = entry?.size ?? file.count
    let isPacked = entry?.method == .deflated
    let start: [UInt8]
    if isPacked {
      start = try NPYArray.unpackStart(file, range, min(size, NPYHeader.longest), place)
    } else {
      start = try file.header(
        at: range.lowerBound, count: min(size, NPYHeader.longest), "the array '\(name)'")
    }
    (header, headerLength) = try NPYHeader.parse(start, at: place)
    let (expected, found) = (header.byteCount, size - headerLength)
    guard expected <= found else {
      throw place.error(
        .truncated,
        found: "the shape \(describeShape(header.shape)) of \(header.element.name) needs "
          + "\(expected) bytes, but \(found) are there",
        allowed: "as many bytes as the shape says",
        remedy: "Copy or write the file again; it was cut short.")
    }
    guard expected == found else {
      throw place.damaged(
        "\(found - expected) bytes behind the last entry of the array",
        allowed: "as many bytes as the shape \(describeShape(header.shape)) says")
    }
    storedRange = isPacked ? nil : range.lowerBound + headerLength..<range.upperBound
  }

  /// Whether an entry of an archive is an array, whatever its name.
  static func isOne(_ file: MappedFile, _ entry: ZIPEntry) -> Bool {
    let place = FormatPlace(file: file.name)
    let count = min(entry.size, 6)
    let start =
      entry.method == .deflated
      ? try? unpackStart(file, entry.range, count, place)
      : try? file.header(at: entry.range.lowerBound, count: count, "the entry")
    return start.map(NPYFile.recognizes) ?? false
  }

  private static func unpackStart(
    _ file: MappedFile, _ range: Range<Int>, _ count: Int, _ place: FormatPlace
  ) throws(FormatError) -> [UInt8] {
    try unsafe file.withBytes(range) { input throws(FormatError) in
      let inflater = try unsafe Inflater(input, at: place)
      var start = [UInt8](repeating: 0, count: count)
      let written = try unsafe start.withMutableBytes { output throws(FormatError) in
        try unsafe inflater.read(into: output)
      }
      return Array(start.prefix(written))
    }
  }

  var shape: [Int] { header.shape }
  var element: ElementType { header.element }
  var readsParts: Bool { storedRange != nil }
  var mapping: ArrayMapping? {
    guard let storedRange, case .number(let type) = element else { return nil }
    return ArrayMapping(file, storedRange, type, strides: header.strides)
  }

  /// Compares the checksum of a stored entry; reads all of it.
  func verify() throws(FormatError) {
    guard let entry, entry.method == .stored else { return }
    let found = unsafe file.withBytes(entry.range) { unsafe updateChecksum(0, $0) }
    try requireChecksum(found, entry.checksum, place)
  }

  /// Copies the numbers of a part in C order; a packed array is unpacked first.
  func read<Number: ArrayNumber>(
    _ part: [Range<Int>], into output: UnsafeMutablePointer<Number>
  ) throws(FormatError) {
    guard case .number(let type) = element else { return }
    if let storedRange {
      unsafe file.withBytes(storedRange) { bytes in
        if let base = bytes.baseAddress {
          unsafe NumberConversion.copy(
            part, of: type, at: base, strides: header.strides, to: output)
        }
      }
      return
    }
    let isWhole = part.map(\.count) == shape
    if isWhole, !header.isFortranOrder || shape.count < 2 {
      return try unsafe unpack(type, into: output)
    }
    try MemoryLimit.require(2 * header.count * MemoryLayout<Number>.stride, place)
    let values = try unsafe filled(count: header.count) {
      (target: UnsafeMutablePointer<Number>)
        throws(FormatError) in
      try unsafe unpack(type, into: target)
    }
    unsafe values.withBytes { bytes in
      if let base = bytes.baseAddress {
        unsafe NumberConversion.copy(
          part, of: Number.numberType, at: base, strides: header.strides, to: output)
      }
    }
  }

  /// All numbers in the order of the file.
  private func unpack<Number: ArrayNumber>(
    _ type: NumberType, into output: UnsafeMutablePointer<Number>
  ) throws(FormatError) {
    var target = unsafe output
    try unsafe unpackEntries(width: type.width) { block in
      let count = block.count / type.width
      if let source = block.baseAddress {
        unsafe NumberConversion.convert(type, at: source, stride: 1, count: count, to: target)
      }
      unsafe target += count
    }
  }

  /// Dates and lengths of time, for frames.
  func timeCounts() throws(FormatError) -> [Int64] {
    guard case .time(let type) = header.element else { return [] }
    let bytes = try smallBytes("times")
    return (0..<header.count).map { index in
      let word = Int64(bitPattern: bytes.integer(8 * index, bytes: 8))
      return type.isBigEndian ? word.byteSwapped : word
    }
  }

  /// Texts are for names and notes, so they are few and short.
  func strings() throws(FormatError) -> [String] {
    switch header.element {
    case .text(let length, let isBigEndian):
      let bytes = try smallBytes("texts")
      return try (0..<header.count).map { (index) throws(FormatError) in
        var text = String.UnicodeScalarView()
        for position in 0..<length {
          let at = 4 * (index * length + position)
          let word = UInt32(truncatingIfNeeded: bytes.integer(at, bytes: 4))
          guard let scalar = Unicode.Scalar(isBigEndian ? word.byteSwapped : word) else {
            throw place.damaged("a text with an impossible character", allowed: "Unicode")
          }
          text.append(scalar)
        }
        // NumPy fills up with zeros.
        while text.last?.value == 0 { text.removeLast() }
        return String(text)
      }
    case .bytes(let length):
      let bytes = try smallBytes("texts")
      return try (0..<header.count).map { (index) throws(FormatError) in
        var text = bytes[index * length..<(index + 1) * length]
        while text.last == 0 { text.removeLast() }
        guard let words = String(validating: text, as: UTF8.self) else {
          throw place.error(
            .wrongContent, found: "a text of bytes that are not UTF-8", allowed: "UTF-8",
            remedy: "Save it as text: numpy.array([\"…\"]).")
        }
        return words
      }
    case .number, .time:
      throw place.error(
        .wrongContent, found: "numbers", allowed: "an array of texts",
        remedy: "Save it as numpy.array([\"…\"]).")
    }
  }

  /// The bytes of an array with at most one axis that is read as a whole.
  private func smallBytes(_ what: String) throws(FormatError) -> [UInt8] {
    guard header.shape.count <= 1, header.byteCount <= 16 << 20, header.count <= 100_000 else {
      throw place.error(
        .tooLarge, found: "\(what) of shape \(describeShape(header.shape))",
        allowed: "at most one axis, 100,000 \(what) and 16 MB",
        remedy: "Keep long notes in a file of their own.")
    }
    var bytes: [UInt8] = []
    if let storedRange {
      try verify()
      bytes = unsafe file.withBytes(storedRange) { unsafe Array($0) }
    } else {
      try unsafe unpackEntries(width: header.element.width) {
        unsafe bytes.append(contentsOf: $0)
      }
    }
    return bytes
  }

  /// Unpacks the entries block by block, whole numbers each, and compares size and checksum.
  private func unpackEntries(
    width: Int, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(FormatError) {
    guard let entry else { return }
    try unsafe file.withBytes(entry.range) { input throws(FormatError) in
      let inflater = try unsafe Inflater(input, at: place)
      var block = [UInt8](repeating: 0, count: max(NPYArray.blockLength, headerLength))
      try unsafe block.withMutableBytes { block throws(FormatError) in
        func fill(_ count: Int) throws(FormatError) -> UnsafeRawBufferPointer {
          let part = unsafe UnsafeMutableRawBufferPointer(rebasing: block[..<count])
          guard try unsafe inflater.read(into: part) == count else {
            throw place.truncated("its packed data")
          }
          return UnsafeRawBufferPointer(part)
        }
        _ = try unsafe fill(headerLength)
        var left = header.byteCount
        let length = NPYArray.blockLength / max(1, width) * max(1, width)
        while left > 0 {
          let count = min(left, length)
          unsafe body(try fill(count))
          left -= count
        }
      }
      try inflater.finish(checksum: entry.checksum)
    }
  }
}
