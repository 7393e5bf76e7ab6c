// NumPy files: a bare array (.npy) or a ZIP archive of arrays (.npz), mapped and read on demand.
public import Foundation
public import KymoNumerics

/// An .npz or .npy file that is open for reading.
///
/// Opening reads the directory only. Nothing in a file can make a reader run code, look outside the
/// file or take more memory than the array that was asked for, and that is compared with the size
/// of the file and of the machine's memory first.
public struct NPZFile: Sendable {
  /// Name, shape and type of one array.
  public struct Listing: Hashable, Sendable, CustomStringConvertible {
    /// The array's name, without ".npy".
    public var name: String
    /// Length of every axis.
    public var shape: [Int]
    /// NumPy's name of the type, such as "float32".
    public var type: String
    /// Such as "u (100, 1, 256, 256) float32".
    public var description: String { "\(name) \(describeShape(shape)) \(type)" }
  }

  /// Names of the arrays, in the order of the file; a bare array is called "x".
  public let names: [String]
  let file: MappedFile
  private let entries: [String: ZIPEntry]

  /// Opens a file and reads its directory.
  public init(_ url: URL) throws(FormatError) {
    file = try MappedFile(url)
    guard ZIPArchive.looksLikeOne(file) else {
      (names, entries) = (["x"], [:])
      _ = try NPYArray(file, entry: nil, name: "x")
      return
    }
    let archive = try ZIPArchive(file)
    var (names, entries): ([String], [String: ZIPEntry]) = ([], [:])
    for entry in archive.entries where entry.name.hasSuffix(".npy") {
      let name = String(entry.name.dropLast(4))
      names.append(name)
      entries[name] = entry
    }
    (self.names, self.entries) = (names, entries)
  }

  /// Whether this is one bare array instead of an archive.
  public var isBareArray: Bool { entries.isEmpty && names == ["x"] }

  /// Shapes and types of all arrays that can be read; a damaged one is left out.
  public var listing: [Listing] {
    names.compactMap { name in
      (try? array(name)).map {
        Listing(name: name, shape: $0.header.shape, type: $0.header.element.name)
      }
    }
  }

  /// Whether there is an array of this name.
  public func contains(_ name: String) -> Bool { names.contains(name) }

  /// The numbers of one array as Float, in C order whatever the order in the file.
  public func floats(_ name: String) throws(FormatError) -> HostArray<Float> {
    try array(name).hostArray()
  }

  /// The numbers of one array as Double, in C order whatever the order in the file.
  public func doubles(_ name: String) throws(FormatError) -> HostArray<Double> {
    try array(name).hostArray()
  }

  /// The texts of one array with at most one axis.
  public func strings(_ name: String) throws(FormatError) -> [String] {
    try array(name).strings()
  }

  func array(_ name: String) throws(FormatError) -> NPYArray {
    guard contains(name) else {
      let listing = listing
      throw FormatError(
        .missing, file: file.name, found: "there is no array '\(name)'",
        allowed: listing.isEmpty
          ? "at least one array" : "one of: " + listing.map(\.description).joined(separator: "; "),
        remedy: nearestName(to: name, among: names).map { "Did you mean '\($0)'?" }
          ?? "Save the array under that name, or give the name of one that is there.")
    }
    return try NPYArray(file, entry: entries[name], name: name)
  }
}

/// One array in a file: a checked header and where the entries are.
struct NPYArray: Sendable {
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

  /// The type of the numbers; throws for texts.
  func numberType() throws(FormatError) -> NumberType {
    guard case .number(let type) = header.element else {
      throw place.error(
        .wrongContent, found: "an array of texts", allowed: "numbers",
        remedy: "Save numbers: a.astype(numpy.float32).")
    }
    return type
  }

  /// Compares the checksum of a stored entry; reads all of it.
  func verifyChecksum() throws(FormatError) {
    guard let entry, entry.method == .stored else { return }
    let found = unsafe file.withBytes(entry.range) { unsafe updateChecksum(0, $0) }
    try requireChecksum(found, entry.checksum, place)
  }

  /// All numbers in the order of the file.
  func values<Number: ArrayNumber>(as _: Number.Type) throws(FormatError) -> [Number] {
    let type = try numberType()
    try MemoryLimit.require(header.count * MemoryLayout<Number>.stride, place)
    if let storedRange {
      try verifyChecksum()
      return unsafe file.withBytes(storedRange) { bytes in
        unsafe [Number](unsafeUninitializedCapacity: header.count) { output, count in
          // In bounds: the range holds header.count numbers, as the initialiser checked.
          if let source = bytes.baseAddress, let target = output.baseAddress {
            unsafe NumberConversion.convert(
              type, at: source, stride: 1, count: header.count, to: target)
          }
          count = header.count
        }
      }
    }
    var values: [Number] = []
    values.reserveCapacity(header.count)
    try unsafe unpackEntries(width: type.width) { block in
      let blockCount = block.count / type.width
      let converted = unsafe [Number](unsafeUninitializedCapacity: blockCount) { output, count in
        if let source = block.baseAddress, let target = output.baseAddress {
          unsafe NumberConversion.convert(
            type, at: source, stride: 1, count: blockCount, to: target)
        }
        count = blockCount
      }
      values += converted
    }
    return values
  }

  func hostArray<Number: ArrayNumber>() throws(FormatError) -> HostArray<Number> {
    let values = try values(as: Number.self)
    guard header.isFortranOrder, header.shape.count > 1 else {
      return HostArray(values, shape: header.shape)
    }
    try MemoryLimit.require(2 * values.count * MemoryLayout<Number>.stride, place)
    return HostArray(
      NumberConversion.rearrange(values, shape: header.shape, strides: header.strides),
      shape: header.shape)
  }

  /// Texts are for names and notes, so they are few and short.
  func strings() throws(FormatError) -> [String] {
    guard case .text(let length, let isBigEndian) = header.element else {
      throw place.error(
        .wrongContent, found: "numbers", allowed: "an array of texts",
        remedy: "Save it as numpy.array([\"…\"]).")
    }
    guard header.shape.count <= 1, header.byteCount <= 16 << 20, header.count <= 100_000 else {
      throw place.error(
        .tooLarge, found: "texts of shape \(describeShape(header.shape))",
        allowed: "at most one axis, 100,000 texts and 16 MB",
        remedy: "Keep long notes in a file of their own.")
    }
    var bytes: [UInt8] = []
    if let storedRange {
      try verifyChecksum()
      bytes = unsafe file.withBytes(storedRange) { unsafe Array($0) }
    } else {
      try unsafe unpackEntries(width: 4) { unsafe bytes.append(contentsOf: $0) }
    }
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
