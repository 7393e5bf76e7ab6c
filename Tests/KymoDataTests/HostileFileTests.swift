// Files that are cut, damaged or made to do harm: each gives a typed error, quickly, without taking
// memory. The archives are put together byte by byte here, so that every number can be a lie.
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
private let good = npy(shape: "(2, 1, 3, 4)", data: 96)
private let goodEntry = HostileArchive.Entry(data: good)

/// An entry that packs `size` zeros behind a header, as zlib's level 9 would: 1032 to one.
private func bomb(_ header: [UInt8], zeros: Int) throws -> (packed: [UInt8], size: Int) {
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

private let headerCases: [HostileCase] = [
  HostileCase("empty file", .truncated) { [] },
  HostileCase("wrong magic", .wrongFormat) { Array("PNG, or anything else".utf8) },
  HostileCase("text file", .wrongFormat) { Array("1.0, 2.0\n".utf8) },
  HostileCase("HDF5 file without more", .damaged) { [0x89] + Array("HDF\r\n\u{1a}\n".utf8) },
  HostileCase("magic alone", .truncated) { Array(good.prefix(6)) },
  HostileCase("version 9", .unsupported) { npy("{}", version: [9, 0]) },
  HostileCase("version 1.7", .unsupported) { npy("{}", version: [1, 7]) },
  HostileCase("header of 4 GB", .tooLarge) {
    npy("{}", version: [2, 0], length: 0xFFFF_FFFF)
  },
  HostileCase("header longer than the file", .truncated) { npy("{}", length: 500) },
  HostileCase("empty header", .damaged) { npy("") },
  HostileCase("header that is code", .damaged) { npy("__import__('os').system('true')\n") },
  HostileCase("header that computes its shape", .damaged) { npy(shape: "(2, 1, 3, 2 + 2)") },
  HostileCase("header that calls", .damaged) { npy(shape: "tuple([2, 1, 3, 4])") },
  HostileCase("deeply nested header", .damaged) {
    npy(shape: String(repeating: "(", count: 60_000))
  },
  HostileCase("header with an unknown key", .damaged) {
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}")
  },
  HostileCase("header with a key twice", .damaged) {
    npy("{'shape': (1,), 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}")
  },
  HostileCase("header without shape", .damaged) { npy("{'descr': '<f4', 'fortran_order': False}") },
  HostileCase("header without end", .damaged) { npy("{'descr': '<f4', ") },
  HostileCase("quoted word without end", .damaged) { npy("{'descr") },
  HostileCase("order that is no Boolean", .damaged) {
    npy("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}")
  },
  HostileCase("text behind the header", .damaged) {
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + 1", data: 4)
  },
  HostileCase("header that is not ASCII", .damaged) { npy("{'descr\u{0}': '<f4'}") },
  HostileCase("negative length", .damaged) { npy(shape: "(2, -1, 3, 4)", data: 96) },
  HostileCase("fractional length", .damaged) { npy(shape: "(2, 1.5, 3, 4)", data: 96) },
  HostileCase("length beyond 64 bits", .tooLarge) { npy(shape: "(99999999999999999999, 1, 1, 1)") },
  HostileCase("product beyond 64 bits", .tooLarge) {
    npy(shape: "(4294967296, 4294967296, 1, 1)")
  },
  HostileCase("product that wraps round to the right size", .tooLarge) {
    npy(shape: "(2305843009213693953, 8, 1, 3)", data: 96)
  },
  HostileCase("absurd length beside a zero", .tooLarge) {
    npy(shape: "(0, 9223372036854775807, 9223372036854775807, 1)")
  },
  HostileCase("a million axes", .damaged) {
    npy(shape: "(" + String(repeating: "1,", count: 30_000) + ")", data: 4)
  },
  HostileCase("shape larger than the data", .truncated) { npy(shape: "(2000000, 1, 64, 64)") },
  HostileCase("data larger than the shape", .damaged) { npy(shape: "(2, 1, 3, 4)", data: 97) },
  HostileCase("pickled objects", .unsafeContent) { npy(shape: "(2,)", type: "'|O'", data: 64) },
  HostileCase("structured array", .unsupported) {
    npy(shape: "(2,)", type: "[('u', '<f4'), ('v', '<f4')]", data: 16)
  },
  HostileCase("structured array with objects", .unsupported) {
    npy(shape: "(2,)", type: "[('u', '|O')]", data: 16)
  },
  HostileCase("complex array", .unsupported) {
    npy(shape: "(2, 1, 3, 4)", type: "'<c8'", data: 192)
  },
  HostileCase("dates as a field", .wrongContent) {
    npy(shape: "(1, 1, 2, 1)", type: "'<M8[ns]'", data: 16)
  },
  HostileCase("dates in months", .unsupported) { npy(shape: "(2,)", type: "'<M8[M]'", data: 16) },
  HostileCase("dates in no unit", .unsupported) { npy(shape: "(2,)", type: "'<M8'", data: 16) },
  HostileCase("dates in steps of nothing", .unsupported) {
    npy(shape: "(2,)", type: "'<M8[0s]'", data: 16)
  },
  HostileCase("raw bytes", .unsupported) { npy(shape: "(2,)", type: "'|V4'", data: 8) },
  HostileCase("extended precision", .unsupported) { npy(shape: "(2,)", type: "'<f16'", data: 32) },
  HostileCase("type with an absurd width", .unsupported) {
    npy(shape: "(1,)", type: "'<U99999999999999999999'")
  },
  HostileCase("texts as a field", .wrongContent) {
    npy(shape: "(1, 1, 1, 1)", type: "'<U2'", data: 8)
  },
  HostileCase("empty field", .wrongShape) { npy(shape: "(0, 1, 3, 4)") },
  HostileCase("single number", .wrongShape) { npy(shape: "()", data: 4) },
  HostileCase("seven axes", .wrongShape) { npy(shape: "(1, 1, 1, 1, 1, 1, 1)", data: 4) },
]

private let archiveCases: [HostileCase] = [
  HostileCase("archive without a directory", .truncated) { [0x50, 0x4B, 3, 4, 0, 0] },
  HostileCase("two bytes of an archive", .truncated) { [0x50, 0x4B] },
  HostileCase("empty archive", .missing) { HostileArchive().bytes },
  HostileCase("archive without arrays", .missing) {
    HostileArchive(.init(name: "readme.txt", data: [65])).bytes
  },
  HostileCase("65,534 entries claimed", .tooLarge) {
    var archive = HostileArchive(goodEntry)
    archive.count = 65_534
    return archive.bytes
  },
  HostileCase("a million entries claimed", .tooLarge) {
    var archive = HostileArchive(goodEntry)
    archive.count = 0xFFFF
    archive.beforeEnd = {
      HostileArchive.wideEnd(count: 1_000_000, size: $1 - $0, start: $0, position: $1)
    }
    return archive.bytes
  },
  HostileCase("2⁶⁴ − 1 entries claimed", .tooLarge) {
    var archive = HostileArchive(goodEntry)
    archive.count = 0xFFFF
    archive.beforeEnd = { HostileArchive.wideEnd(count: .max, size: .max, start: $0, position: $1) }
    return archive.bytes
  },
  HostileCase("more entries claimed than are there", .damaged) {
    var archive = HostileArchive(goodEntry)
    archive.count = 3
    return archive.bytes
  },
  HostileCase("more entries claimed than fill the directory", .damaged, .truncated) {
    var archive = HostileArchive(goodEntry)
    archive.count = 2
    archive.surplus = [UInt8](repeating: 0, count: 60)
    return archive.bytes
  },
  HostileCase("fewer entries claimed than are there", .damaged) {
    var archive = HostileArchive(goodEntry, .init(name: "y.npy", data: good))
    archive.count = 1
    return archive.bytes
  },
  HostileCase("directory behind the end", .damaged) {
    var archive = HostileArchive(goodEntry)
    archive.directoryStart = 0x7FFF_FFFF
    return archive.bytes
  },
  HostileCase("directory of 3 GB", .tooLarge) {
    var archive = HostileArchive(goodEntry)
    archive.directorySize = 0xC000_0000
    return archive.bytes
  },
  HostileCase("ZIP64 record outside the file", .damaged) {
    var archive = HostileArchive(goodEntry)
    archive.count = 0xFFFF
    archive.beforeEnd = {
      HostileArchive.wideEnd(count: 1, size: $1 - $0, start: $0, position: .max)
    }
    return archive.bytes
  },
  HostileCase("ZIP64 record where there is none", .damaged) {
    var archive = HostileArchive(goodEntry)
    archive.count = 0xFFFF
    archive.beforeEnd = { HostileArchive.wideEnd(count: 1, size: $1 - $0, start: $0, position: 0) }
    return archive.bytes
  },
  HostileCase("saturated counts without ZIP64", .tooLarge) {
    var archive = HostileArchive(goodEntry)
    archive.count = 0xFFFF
    return archive.bytes
  },
  HostileCase("archive over several disks", .unsupported) {
    var archive = HostileArchive(goodEntry)
    archive.disk = 1
    return archive.bytes
  },
  HostileCase("part of the entries on this disk", .damaged) {
    var archive = HostileArchive(goodEntry)
    archive.countHere = 0
    return archive.bytes
  },
  HostileCase("comment longer than the file", .truncated) {
    var archive = HostileArchive(goodEntry)
    archive.commentLength = 9
    return archive.bytes
  },
  HostileCase("record without its mark", .damaged) {
    HostileArchive(.init(data: good, centralMark: [1, 2, 3, 4])).bytes
  },
  HostileCase("data without their mark", .damaged) {
    HostileArchive(goodEntry, .init(name: "y.npy", data: good, localMark: [1, 2, 3, 4])).bytes
  },
  HostileCase("data behind the directory", .damaged) {
    HostileArchive(.init(data: good, offset: 0x7FFF_0000)).bytes
  },
  HostileCase("data that reach into the directory", .damaged) {
    HostileArchive(.init(data: good, packedSize: 500, size: 500)).bytes
  },
  HostileCase("local extra field that reaches beyond the data", .damaged) {
    HostileArchive(.init(data: good, localExtraLength: 0xFFFF)).bytes
  },
  HostileCase("stored entry with two sizes", .damaged) {
    HostileArchive(.init(data: good, size: 1 << 30)).bytes
  },
  HostileCase("sizes that contradict the directory", .damaged) {
    HostileArchive(.init(data: good, localSize: 5)).bytes
  },
  HostileCase("names that contradict each other", .damaged) {
    HostileArchive(.init(localName: "y.npy", data: good)).bytes
  },
  HostileCase("sizes of 2⁶³ in the ZIP64 field", .damaged) {
    var extra: [UInt8] = [1, 0, 16, 0]
    extra.append(1 << 63, bytes: 8)
    extra.append(1 << 63, bytes: 8)
    return HostileArchive(
      .init(data: good, packedSize: 0xFFFF_FFFF, size: 0xFFFF_FFFF, extra: extra)
    ).bytes
  },
  HostileCase("sizes of 2⁶¹ in the ZIP64 field", .damaged) {
    var extra: [UInt8] = [1, 0, 16, 0]
    extra.append(1 << 61, bytes: 8)
    extra.append(1 << 61, bytes: 8)
    return HostileArchive(
      .init(data: good, packedSize: 0xFFFF_FFFF, size: 0xFFFF_FFFF, extra: extra)
    ).bytes
  },
  HostileCase("ZIP64 field that is cut", .damaged) {
    HostileArchive(
      .init(data: good, packedSize: 0xFFFF_FFFF, size: 0xFFFF_FFFF, extra: [1, 0, 200, 0])
    ).bytes
  },
  HostileCase("encrypted entry", .unsupported) {
    HostileArchive(.init(data: good, flags: 1)).bytes
  },
  HostileCase("packed by another method", .unsupported) {
    HostileArchive(.init(data: good, method: 14)).bytes
  },
  HostileCase("name twice", .damaged) { HostileArchive(goodEntry, goodEntry).bytes },
  HostileCase("overlapping entries: one quotes the other", .damaged) {
    // The data of x contain a whole entry y, and the directory lists both.
    let quoted = HostileArchive(.init(name: "y.npy", data: good)).bytes.prefix(30 + 5 + good.count)
    let start = npy(shape: "(1, 1, 1, \(quoted.count))", type: "'|u1'")
    let offset = UInt64(30 + 5 + start.count)
    return HostileArchive(
      .init(data: start + quoted),
      .init(name: "y.npy", data: good, offset: offset, isQuoted: true)
    ).bytes
  },
  HostileCase("name above the archive", .unsafeContent) {
    HostileArchive(.init(name: "../../x.npy", data: good)).bytes
  },
  HostileCase("name from the root", .unsafeContent) {
    HostileArchive(.init(name: "/etc/x.npy", data: good)).bytes
  },
  HostileCase("name with backslashes", .unsafeContent) {
    HostileArchive(.init(name: "..\\x.npy", data: good)).bytes
  },
  HostileCase("name with a control character", .unsafeContent) {
    HostileArchive(.init(name: "x\u{1B}[2J.npy", data: good)).bytes
  },
  HostileCase("name of 60,000 bytes", .unsupported) {
    HostileArchive(.init(name: String(repeating: "x", count: 60_000), data: good)).bytes
  },
  HostileCase("wrong checksum, stored", .damaged) {
    HostileArchive(.init(data: good, checksum: 1)).bytes
  },
  HostileCase("one bit of the data changed", .damaged) {
    var bytes = HostileArchive(goodEntry).bytes
    bytes[150] ^= 4
    return bytes
  },
  HostileCase("pickled objects in an archive", .unsafeContent) {
    HostileArchive(.init(data: npy(shape: "(2,)", type: "'|O'", data: 64))).bytes
  },
  HostileCase("archive in an archive", .wrongFormat) {
    HostileArchive(.init(data: HostileArchive(goodEntry).bytes)).bytes
  },
]

private let packedCases: [HostileCase] = [
  HostileCase("not deflate at all", .damaged) {
    HostileArchive(.init(data: [UInt8](repeating: 0xFF, count: 300), method: 8)).bytes
  },
  HostileCase("no packed bytes", .damaged, .truncated) {
    HostileArchive(.init(data: [], method: 8)).bytes
  },
  HostileCase("a ratio that deflate cannot have", .tooLarge) {
    HostileArchive(.init(data: [1, 2, 3], method: 8, size: 0x8000_0000)).bytes
  },
  HostileCase("bomb: 128 MB of zeros that claims to be 224 bytes", .tooLarge, .damaged) {
    let (packed, _) = try bomb(good, zeros: 1 << 27)
    return HostileArchive(.init(data: packed, method: 8, size: UInt64(good.count))).bytes
  },
  HostileCase("bomb: 128 MB of zeros under a header of 96 bytes", .damaged) {
    let (packed, size) = try bomb(good, zeros: 1 << 27)
    return HostileArchive(.init(data: packed, method: 8, size: UInt64(size))).bytes
  },
  HostileCase("bomb: a header that goes on for 128 MB", .tooLarge) {
    let start = npy("{", version: [2, 0], length: 1 << 27)
    let (packed, size) = try bomb(start, zeros: 1 << 27)
    return HostileArchive(.init(data: packed, method: 8, size: UInt64(size))).bytes
  },
  HostileCase("shape larger than what is packed", .truncated) {
    let (packed, size) = try bomb(npy(shape: "(4096, 1, 256, 256)"), zeros: 1 << 20)
    return HostileArchive(.init(data: packed, method: 8, size: UInt64(size))).bytes
  },
  HostileCase("shape and size larger than what is packed", .truncated, .damaged) {
    let header = npy(shape: "(16, 1, 1024, 1024)")
    let (packed, _) = try bomb(header, zeros: 1 << 26 - 4096)
    return HostileArchive(
      .init(data: packed, method: 8, size: UInt64(header.count + 1 << 26))
    ).bytes
  },
  HostileCase("stream that stops in the middle", .damaged, .truncated) {
    let (packed, size) = try bomb(npy(shape: "(4, 1, 256, 256)"), zeros: 1 << 20)
    return HostileArchive(
      .init(data: Array(packed.dropLast(9)), method: 8, size: UInt64(size))
    ).bytes
  },
  HostileCase("bytes behind the stream", .damaged) {
    let (packed, size) = try bomb(npy(shape: "(4, 1, 256, 256)"), zeros: 1 << 20)
    return HostileArchive(.init(data: packed + [0, 0], method: 8, size: UInt64(size))).bytes
  },
  HostileCase("wrong checksum, packed", .damaged) {
    let (packed, size) = try bomb(npy(shape: "(4, 1, 256, 256)"), zeros: 1 << 20)
    return HostileArchive(
      .init(data: packed, method: 8, checksum: 7, size: UInt64(size))
    ).bytes
  },
]

/// Seconds that this thread has worked.
private func processorTime() -> Double {
  var time = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

@Suite("A malformed file gives a typed error", .serialized) struct HostileFileTests {
  @Test(
    "within a second", arguments: headerCases + archiveCases + packedCases
  )
  func refused(_ hostile: HostileCase) throws {
    let bench = try Workbench()
    let url = try bench.write(hostile.bytes(), "hostile.npz")
    // Of this thread alone, so that a busy machine does not count.
    let start = processorTime()
    let found = try formatError { try Recordings.load(url) }
    let time = processorTime() - start
    #expect(hostile.kinds.contains(found.kind), "\(found)")
    #expect(found.file == "hostile.npz" && !found.found.isEmpty && !found.remedy.isEmpty)
    #expect(!found.description.contains("\u{1B}"), "control characters reach the terminal")
    #expect(time < 1, "\(time) s")
    // Looking at the list of arrays, as the error for a missing key does, is no way round.
    _ = try? ArrayFiles.open(url).listing
  }

  @Test("without taking memory") func memoryPeak() async throws {
    let bench = try Workbench()
    for (index, hostile) in (headerCases + archiveCases + packedCases).enumerated() {
      _ = try bench.write(hostile.bytes(), "\(index).npz")
    }
    // In a process of its own, where no other test takes memory.
    let path = bench.folder.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      let before = try peakMemory()
      for name in try FileManager.default.contentsOfDirectory(atPath: path) {
        do {
          _ = try Recordings.load(URL(filePath: path).appending(path: name))
          exit(2)
        } catch {
          continue
        }
      }
      // One entry claims 64 MB, rightly but for its last 4 kB; the bombs hold 128 MB.
      let growth = try peakMemory() - before
      if growth > 96 << 20 { exit(3) }
    }
  }

  @Test("at whatever byte it is cut", arguments: [false, true])
  func cut(_ isPacked: Bool) throws {
    let bench = try Workbench()
    try bench.python(
      """
      a = dict(x=np.arange(24, dtype='f4').reshape(2, 1, 3, 4), params=np.ones((2, 1), 'f4'),
        boundary=np.array(['periodic']))
      np.savez\(isPacked ? "_compressed" : "")('a.npz', **a); np.save('a.npy', a['x'])
      """)
    for name in ["a.npz", "a.npy"] {
      let url = bench.url(name)
      #expect(try Recordings.load(url).count == 2)
      // Cut ever shorter in place: making a new file each time is slow on some disks.
      for length in try Data(contentsOf: url).indices.reversed() {
        try #require(unsafe truncate(url.path, off_t(length)) == 0)
        #expect(throws: FormatError.self, "\(name) cut to \(length)") {
          try Recordings.load(url)
        }
      }
    }
  }

  @Test("or the same data, whichever byte is changed", arguments: [false, true])
  func changed(_ isPacked: Bool) throws {
    let bench = try Workbench()
    try bench.python(
      """
      np.savez\(isPacked ? "_compressed" : "")('a.npz', x=np.arange(24, dtype='f4').reshape(2, 1, 3, 4))
      """)
    let url = bench.url("a.npz")
    let whole = [UInt8](try Data(contentsOf: url))
    let expected = Recordings(x: HostArray((0..<24).map(Float.init), shape: [2, 1, 3, 4]))
    let file = try FileHandle(forUpdating: url)
    func set(_ byte: UInt8, at offset: Int) throws {
      try file.seek(toOffset: UInt64(offset))
      try file.write(contentsOf: [byte])
    }
    var (refused, same) = (0, 0)
    for offset in whole.indices {
      for change: UInt8 in [0x01, 0x80, 0xFF] {
        try set(whole[offset] ^ change, at: offset)
        do {
          let read = try Recordings.load(url)
          // Dates, attributes and the like may change; numbers may not.
          #expect(read.shape == expected.shape && read[1] == expected[1], "byte \(offset)")
          same += 1
        } catch {
          refused += 1
        }
      }
      try set(whole[offset], at: offset)
    }
    #expect(refused > 4 * same, "\(refused) refused, \(same) the same")
  }

  @Test("when it is a pipe, a folder, a device or not there, without waiting") func notRegular()
    throws
  {
    let bench = try Workbench()
    #expect(unsafe mkfifo(bench.url("pipe").path, 0o600) == 0)
    for path in [
      bench.url("pipe").path, bench.folder.path, "/dev/zero", "/dev/full", bench.url("no").path,
    ] {
      let error = try formatError { try Recordings.load(URL(filePath: path)) }
      #expect(error.kind == .unreadable, "\(error)")
    }
  }

  @Test("when the array needs more memory than there is, though the file is small") func memory()
    throws
  {
    let bench = try Workbench()
    // A file with a hole: as large as the shape says, in Fortran order, so that it must be read.
    // Twice the memory that is there now, since other programs may give some back meanwhile.
    let length = (2 * MemoryLimit.bytes / 4096 + 1) * 4096
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    let header =
      "{'descr': '<f4', 'fortran_order': True, 'shape': (\(length / 4096), 1, 32, 32), }\n"
    bytes.append(UInt64(header.utf8.count), bytes: 2)
    let url = try bench.write(bytes + Array(header.utf8), "x.npy")
    let file = try FileHandle(forUpdating: url)
    try file.truncate(atOffset: UInt64(bytes.count + header.utf8.count + length))
    try file.close()
    let error = try formatError { try Recordings.load(url) }
    #expect(error.kind == .tooLarge, "\(error)")
    #expect(error.remedy.contains("numpy.savez"))
  }

  @Test("is what the tests above mean: the good file is read") func control() throws {
    let bench = try Workbench()
    let url = try bench.write(HostileArchive(goodEntry).bytes, "good.npz")
    #expect(try Recordings.load(url).shape == [2, 1, 3, 4])
    #expect((headerCases + archiveCases + packedCases).count >= 90)
  }
}
