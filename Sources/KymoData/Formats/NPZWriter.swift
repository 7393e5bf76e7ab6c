// Writes .npz files as numpy.savez does: stored entries, so that readers can map them.
public import Foundation
public import KymoNumerics

/// Writes arrays into a new .npz file, which appears under its name only when it is complete.
///
/// The same arrays give the same bytes: the entries carry no date. NumPy reads the file with
/// `numpy.load(path)`.
public final class NPZWriter: ArrayWriter {
  private struct Entry {
    var name: [UInt8]
    var offset: Int
    var size: Int
    var checksum: UInt32
    var isWide: Bool
  }

  private let file: AtomicFile
  private var entries: [Entry] = []
  private var names: Set<String> = []
  /// What is left of the array that is being written in blocks.
  private var bytesLeft = 0
  private let alwaysWide: Bool
  /// Parts of the array that are written side by side.
  private var parts: [Part] = []

  /// A stretch of an array that grows while others do.
  private struct Part {
    var offset: Int
    let end: Int
    let size: Int
    var checksum: UInt32 = 0
  }

  /// Starts a file; throws when the disk has no room for `expectedBytes`.
  public convenience init(_ url: URL, expectedBytes: Int = 0) throws(FileError) {
    try self.init(url, expectedBytes: expectedBytes, alwaysWide: false)
  }

  /// With `alwaysWide`, small entries too have the 64-bit fields that large ones need.
  init(_ url: URL, expectedBytes: Int, alwaysWide: Bool) throws(FileError) {
    self.alwaysWide = alwaysWide
    // A directory entry and headers take well below a kilobyte each.
    file = try AtomicFile(url, expectedBytes: expectedBytes + 16_384)
  }

  /// Adds single-precision numbers.
  public func add(_ name: String, _ array: HostArray<Float>) throws(FileError) {
    try add(name, .float32, array)
  }

  /// Adds double-precision numbers.
  public func add(_ name: String, _ array: HostArray<Double>) throws(FileError) {
    try add(name, .float64, array)
  }

  /// Adds texts, one axis.
  public func add(_ name: String, _ texts: [String]) throws(FileError) {
    try add(name, texts, shape: [texts.count])
  }

  /// Adds one text, an array without axes.
  public func add(_ name: String, _ text: String) throws(FileError) {
    try add(name, [text], shape: [])
  }

  /// Writes the directory and gives the file its name.
  public func finish() throws(FileError) {
    precondition(bytesLeft == 0, "NPZWriter: finished inside an array")
    let start = file.count
    for entry in entries { try file.write(directoryRecord(entry)) }
    try file.write(endRecords(directory: start..<file.count))
    try file.commit()
  }

  // MARK: An array in blocks

  /// Starts an array of single-precision numbers that follow in blocks.
  public func beginArray(_ name: String, shape: [Int]) throws(FileError) {
    try beginArray(name, NPYHeader(element: .number(.float32), shape: shape))
  }

  /// Starts an array whose numbers follow in blocks.
  func beginArray(_ name: String, _ header: NPYHeader) throws(FileError) {
    precondition(bytesLeft == 0, "NPZWriter: '\(name)' begun inside another array")
    precondition(names.insert(name).inserted, "NPZWriter: '\(name)' added twice")
    let nameBytes = Array("\(name).npy".utf8)
    let isWide = alwaysWide || header.byteCount + NPYHeader.longest >= 0xFFFF_FFFF
    let localLength = 30 + nameBytes.count + (isWide ? 20 : 0)
    let start = header.bytes(startingAt: file.count + localLength)
    let entry = Entry(
      name: nameBytes, offset: file.count, size: start.count + header.byteCount, checksum: 0,
      isWide: isWide)
    entries.append(entry)
    try file.write(localHeader(entry))
    bytesLeft = entry.size
    try unsafe start.withBytes { bytes throws(FileError) in try unsafe appendBlock(bytes) }
  }

  /// Adds the next bytes of the array; with the last ones the array is complete.
  public func appendBlock(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    precondition(bytes.count <= bytesLeft, "NPZWriter: more numbers than the shape says")
    let last = entries.count - 1
    unsafe entries[last].checksum = updateChecksum(entries[last].checksum, bytes)
    try unsafe file.write(bytes)
    bytesLeft -= bytes.count
    if bytesLeft == 0, bytes.count > 0 { try endArray() }
  }

  /// The next bytes of the array come as `count` parts of one length that grow side by side.
  public func beginParts(_ count: Int, bytes size: Int) throws(FileError) {
    precondition(parts.isEmpty && count > 0 && size > 0 && count * size <= bytesLeft)
    parts = (0..<count).map {
      Part(offset: file.count + $0 * size, end: file.count + ($0 + 1) * size, size: size)
    }
    try file.makeRoom(count * size)
  }

  /// Adds the next bytes of a part; with the last ones of all parts the array goes on behind them.
  public func appendBlock(_ bytes: UnsafeRawBufferPointer, toPart part: Int) throws(FileError) {
    precondition(parts[part].offset + bytes.count <= parts[part].end, "NPZWriter: part \(part)")
    unsafe parts[part].checksum = updateChecksum(parts[part].checksum, bytes)
    try unsafe file.replace(at: parts[part].offset, with: bytes)
    parts[part].offset += bytes.count
    guard parts.allSatisfy({ $0.offset == $0.end }) else { return }
    let last = entries.count - 1
    for part in parts {
      entries[last].checksum = joinChecksums(entries[last].checksum, part.checksum, part.size)
      bytesLeft -= part.size
    }
    parts = []
    if bytesLeft == 0 { try endArray() }
  }

  /// The header in front of the array gets the checksum, which is known only now.
  private func endArray() throws(FileError) {
    if let entry = entries.last { try file.replace(at: entry.offset, with: localHeader(entry)) }
  }

  private func add<Number: ArrayNumber>(
    _ name: String, _ type: NumberType, _ array: HostArray<Number>
  ) throws(FileError) {
    try beginArray(name, NPYHeader(element: .number(type), shape: array.shape))
    try unsafe array.elements.withBytes { bytes throws(FileError) in
      try unsafe appendBlock(bytes)
    }
  }

  private func add(_ name: String, _ texts: [String], shape: [Int]) throws(FileError) {
    let length = max(1, texts.map(\.unicodeScalars.count).max() ?? 0)
    var bytes: [UInt8] = []
    for text in texts {
      for scalar in text.unicodeScalars { bytes.append(UInt64(scalar.value), bytes: 4) }
      bytes += [UInt8](repeating: 0, count: 4 * (length - text.unicodeScalars.count))
    }
    try beginArray(
      name, NPYHeader(element: .text(length: length, isBigEndian: false), shape: shape))
    try unsafe bytes.withBytes { bytes throws(FileError) in try unsafe appendBlock(bytes) }
  }

  // MARK: Records of the archive

  /// What local header and directory record have in common: version, flags, method, date
  /// 1980-01-01, checksum, sizes.
  private func commonFields(_ entry: Entry) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(entry.isWide ? 45 : 20, bytes: 2)
    // Names are UTF-8.
    bytes.append(entry.name.allSatisfy { $0 < 128 } ? 0 : 0x800, bytes: 2)
    bytes.append(0, bytes: 2)
    bytes.append(0, bytes: 2)
    bytes.append(0x21, bytes: 2)
    bytes.append(UInt64(entry.checksum), bytes: 4)
    for _ in 0..<2 { bytes.append(entry.isWide ? 0xFFFF_FFFF : UInt64(entry.size), bytes: 4) }
    bytes.append(UInt64(entry.name.count), bytes: 2)
    return bytes
  }

  private func localHeader(_ entry: Entry) -> [UInt8] {
    var bytes: [UInt8] = [0x50, 0x4B, 3, 4] + commonFields(entry)
    bytes.append(entry.isWide ? 20 : 0, bytes: 2)
    bytes += entry.name
    if entry.isWide {
      bytes.append(1, bytes: 2)
      bytes.append(16, bytes: 2)
      for _ in 0..<2 { bytes.append(UInt64(entry.size), bytes: 8) }
    }
    return bytes
  }

  private func directoryRecord(_ entry: Entry) -> [UInt8] {
    let isFar = entry.isWide || entry.offset >= 0xFFFF_FFFF
    var extra: [UInt8] = []
    if entry.isWide { for _ in 0..<2 { extra.append(UInt64(entry.size), bytes: 8) } }
    if isFar { extra.append(UInt64(entry.offset), bytes: 8) }
    var bytes: [UInt8] = [0x50, 0x4B, 1, 2]
    bytes.append(45, bytes: 2)
    bytes += commonFields(entry)
    bytes.append(UInt64(extra.isEmpty ? 0 : extra.count + 4), bytes: 2)
    // No comment, first disk, no attributes.
    bytes.append(0, bytes: 2)
    bytes.append(0, bytes: 2)
    bytes.append(0, bytes: 2)
    bytes.append(0, bytes: 4)
    bytes.append(isFar ? 0xFFFF_FFFF : UInt64(entry.offset), bytes: 4)
    bytes += entry.name
    if !extra.isEmpty {
      bytes.append(1, bytes: 2)
      bytes.append(UInt64(extra.count), bytes: 2)
      bytes += extra
    }
    return bytes
  }

  private func endRecords(directory: Range<Int>) -> [UInt8] {
    let isWide = alwaysWide || directory.upperBound >= 0xFFFF_FFFF || entries.count >= 0xFFFF
    let (count, size) = (UInt64(entries.count), UInt64(directory.count))
    var bytes: [UInt8] = []
    if isWide {
      bytes += [0x50, 0x4B, 6, 6]
      bytes.append(44, bytes: 8)
      bytes.append(45, bytes: 2)
      bytes.append(45, bytes: 2)
      bytes.append(0, bytes: 8)
      for value in [count, count, size, UInt64(directory.lowerBound)] {
        bytes.append(value, bytes: 8)
      }
      bytes += [0x50, 0x4B, 6, 7]
      bytes.append(0, bytes: 4)
      bytes.append(UInt64(directory.upperBound), bytes: 8)
      bytes.append(1, bytes: 4)
    }
    bytes += [0x50, 0x4B, 5, 6]
    bytes.append(0, bytes: 4)
    for _ in 0..<2 { bytes.append(isWide ? 0xFFFF : count, bytes: 2) }
    bytes.append(isWide ? 0xFFFF_FFFF : size, bytes: 4)
    bytes.append(isWide ? 0xFFFF_FFFF : UInt64(directory.lowerBound), bytes: 4)
    bytes.append(0, bytes: 2)
    return bytes
  }
}
