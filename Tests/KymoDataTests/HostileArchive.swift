// ZIP archives and arrays that are put together byte by byte, so that every number can be a lie.
import Foundation
import KymoNumerics
import Testing

@testable import KymoData

/// The parts of a ZIP archive with one or more entries, every number of which may be changed.
struct HostileArchive {
  struct Entry {
    var name = "x.npy"
    var localName: String?
    var data: [UInt8]
    var method = 0
    var flags = 0
    var checksum: UInt32?
    var packedSize: UInt64?
    var size: UInt64?
    var localSize: UInt64?
    var offset: UInt64?
    var extra: [UInt8] = []
    var localMark: [UInt8] = [0x50, 0x4B, 3, 4]
    var centralMark: [UInt8] = [0x50, 0x4B, 1, 2]
    var localExtraLength: UInt64?
    /// Only listed; the data are inside another entry.
    var isQuoted = false
  }

  var entries: [Entry]
  var count: UInt64?
  var countHere: UInt64?
  var directorySize: UInt64?
  var directoryStart: UInt64?
  var disk: UInt64 = 0
  var commentLength: UInt64 = 0
  /// Inserted before the end record: a ZIP64 record and locator.
  var beforeEnd: (_ directoryStart: UInt64, _ directoryEnd: UInt64) -> [UInt8] = { _, _ in [] }
  /// Inserted behind the directory's records, as part of the directory.
  var surplus: [UInt8] = []

  var bytes: [UInt8] {
    var (file, directory): ([UInt8], [UInt8]) = ([], [])
    for entry in entries {
      let size = entry.size ?? UInt64(entry.data.count)
      let packed = entry.packedSize ?? UInt64(entry.data.count)
      let checksum =
        unsafe entry.checksum ?? entry.data.withBytes { unsafe updateChecksum(0, $0) }
      func common(_ size: UInt64, _ name: String) -> [UInt8] {
        var fields: [UInt8] = []
        fields.append(20, bytes: 2)
        fields.append(UInt64(entry.flags), bytes: 2)
        fields.append(UInt64(entry.method), bytes: 2)
        fields.append(0x21_0000, bytes: 4)
        fields.append(UInt64(checksum), bytes: 4)
        fields.append(packed, bytes: 4)
        fields.append(size, bytes: 4)
        fields.append(UInt64(name.utf8.count), bytes: 2)
        return fields
      }
      let offset = UInt64(file.count)
      let localName = entry.localName ?? entry.name
      if !entry.isQuoted {
        file += entry.localMark + common(entry.localSize ?? size, localName)
        file.append(entry.localExtraLength ?? 0, bytes: 2)
        file += Array(localName.utf8) + entry.data
      }
      directory += entry.centralMark
      directory.append(20, bytes: 2)
      directory += common(size, entry.name)
      directory.append(UInt64(entry.extra.count), bytes: 2)
      directory.append(0, bytes: 2)
      directory.append(0, bytes: 8)
      directory.append(entry.offset ?? offset, bytes: 4)
      directory += Array(entry.name.utf8) + entry.extra
    }
    directory += surplus
    let start = UInt64(file.count)
    file += directory
    file += beforeEnd(start, UInt64(file.count))
    file += [0x50, 0x4B, 5, 6]
    file.append(disk, bytes: 2)
    file.append(disk, bytes: 2)
    file.append(countHere ?? count ?? UInt64(entries.count), bytes: 2)
    file.append(count ?? UInt64(entries.count), bytes: 2)
    file.append(directorySize ?? UInt64(directory.count), bytes: 4)
    file.append(directoryStart ?? start, bytes: 4)
    file.append(commentLength, bytes: 2)
    return file
  }

  init(_ entries: Entry...) { self.entries = entries }

  /// A ZIP64 record with a locator that points to it.
  static func wideEnd(
    count: UInt64, size: UInt64, start: UInt64, position: UInt64
  ) -> [UInt8] {
    var bytes: [UInt8] = [0x50, 0x4B, 6, 6]
    bytes.append(44, bytes: 8)
    bytes.append(45, bytes: 4)
    bytes.append(0, bytes: 8)
    for value in [count, count, size, start] { bytes.append(value, bytes: 8) }
    bytes += [0x50, 0x4B, 6, 7, 0, 0, 0, 0]
    bytes.append(position, bytes: 8)
    bytes.append(1, bytes: 4)
    return bytes
  }
}

/// A bare array with a header of our choosing.
func npy(_ header: String, data: Int = 0, version: [UInt8] = [1, 0], length: UInt64? = nil)
  -> [UInt8]
{
  var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + version
  bytes.append(length ?? UInt64(header.utf8.count), bytes: version[0] == 1 ? 2 : 4)
  return bytes + Array(header.utf8) + [UInt8](repeating: 0, count: data)
}

func npy(shape: String, type: String = "'<f4'", data: Int = 0) -> [UInt8] {
  npy("{'descr': \(type), 'fortran_order': False, 'shape': \(shape), }\n", data: data)
}

/// What is tried, what it is called, and what kind of trouble it must be.
struct HostileCase: Sendable, CustomTestStringConvertible {
  var name: String
  var kinds: [FormatError.Kind]
  var bytes: @Sendable () throws -> [UInt8]
  var testDescription: String { name }

  init(
    _ name: String, _ kinds: FormatError.Kind..., bytes: @escaping @Sendable () throws -> [UInt8]
  ) {
    (self.name, self.kinds, self.bytes) = (name, kinds, bytes)
  }
}

/// A good array of shape (2, 1, 3, 4) and an archive with it, to start from.
let goodArray = npy(shape: "(2, 1, 3, 4)", data: 96)
let goodEntry = HostileArchive.Entry(data: goodArray)

/// An entry that packs `size` zeros behind a header, as zlib's level 9 would: 1032 to one.
func bomb(_ header: [UInt8], zeros: Int) throws -> (packed: [UInt8], size: Int) {
  let bench = try Workbench()
  _ = try bench.write(header, "h")
  try bench.python(
    """
    import zlib
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    with open('b', 'wb') as f:
      f.write(c.compress(open('h', 'rb').read()))
      for _ in range(\(zeros >> 20)): f.write(c.compress(bytes(1 << 20)))
      f.write(c.compress(bytes(\(zeros & 0xF_FFFF))))
      f.write(c.flush())
    """)
  return ([UInt8](try Data(contentsOf: bench.url("b"))), header.count + zeros)
}
