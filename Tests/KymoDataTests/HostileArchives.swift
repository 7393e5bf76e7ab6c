// Archives that lie, are damaged, or unpack to far more than they are.
import Foundation

@testable import KymoData

let hostileArchives: [HostileCase] = [
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
    var archive = HostileArchive(goodEntry, .init(name: "y.npy", data: goodArray))
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
    HostileArchive(.init(data: goodArray, centralMark: [1, 2, 3, 4])).bytes
  },
  HostileCase("data without their mark", .damaged) {
    HostileArchive(goodEntry, .init(name: "y.npy", data: goodArray, localMark: [1, 2, 3, 4])).bytes
  },
  HostileCase("data behind the directory", .damaged) {
    HostileArchive(.init(data: goodArray, offset: 0x7FFF_0000)).bytes
  },
  HostileCase("data that reach into the directory", .damaged) {
    HostileArchive(.init(data: goodArray, packedSize: 500, size: 500)).bytes
  },
  HostileCase("local extra field that reaches beyond the data", .damaged) {
    HostileArchive(.init(data: goodArray, localExtraLength: 0xFFFF)).bytes
  },
  HostileCase("stored entry with two sizes", .damaged) {
    HostileArchive(.init(data: goodArray, size: 1 << 30)).bytes
  },
  HostileCase("sizes that contradict the directory", .damaged) {
    HostileArchive(.init(data: goodArray, localSize: 5)).bytes
  },
  HostileCase("names that contradict each other", .damaged) {
    HostileArchive(.init(localName: "y.npy", data: goodArray)).bytes
  },
  HostileCase("sizes of 2⁶³ in the ZIP64 field", .damaged) {
    var extra: [UInt8] = [1, 0, 16, 0]
    extra.append(1 << 63, bytes: 8)
    extra.append(1 << 63, bytes: 8)
    return HostileArchive(
      .init(data: goodArray, packedSize: 0xFFFF_FFFF, size: 0xFFFF_FFFF, extra: extra)
    ).bytes
  },
  HostileCase("sizes of 2⁶¹ in the ZIP64 field", .damaged) {
    var extra: [UInt8] = [1, 0, 16, 0]
    extra.append(1 << 61, bytes: 8)
    extra.append(1 << 61, bytes: 8)
    return HostileArchive(
      .init(data: goodArray, packedSize: 0xFFFF_FFFF, size: 0xFFFF_FFFF, extra: extra)
    ).bytes
  },
  HostileCase("ZIP64 field that is cut", .damaged) {
    HostileArchive(
      .init(data: goodArray, packedSize: 0xFFFF_FFFF, size: 0xFFFF_FFFF, extra: [1, 0, 200, 0])
    ).bytes
  },
  HostileCase("encrypted entry", .unsupported) {
    HostileArchive(.init(data: goodArray, flags: 1)).bytes
  },
  HostileCase("packed by another method", .unsupported) {
    HostileArchive(.init(data: goodArray, method: 14)).bytes
  },
  HostileCase("name twice", .damaged) { HostileArchive(goodEntry, goodEntry).bytes },
  HostileCase("overlapping entries: one quotes the other", .damaged) {
    // The data of x contain a whole entry y, and the directory lists both.
    let quoted = HostileArchive(.init(name: "y.npy", data: goodArray)).bytes.prefix(
      30 + 5 + goodArray.count)
    let start = npy(shape: "(1, 1, 1, \(quoted.count))", type: "'|u1'")
    let offset = UInt64(30 + 5 + start.count)
    return HostileArchive(
      .init(data: start + quoted),
      .init(name: "y.npy", data: goodArray, offset: offset, isQuoted: true)
    ).bytes
  },
  HostileCase("name above the archive", .unsafeContent) {
    HostileArchive(.init(name: "../../x.npy", data: goodArray)).bytes
  },
  HostileCase("name from the root", .unsafeContent) {
    HostileArchive(.init(name: "/etc/x.npy", data: goodArray)).bytes
  },
  HostileCase("name with backslashes", .unsafeContent) {
    HostileArchive(.init(name: "..\\x.npy", data: goodArray)).bytes
  },
  HostileCase("name with a control character", .unsafeContent) {
    HostileArchive(.init(name: "x\u{1B}[2J.npy", data: goodArray)).bytes
  },
  HostileCase("name of 60,000 bytes", .unsupported) {
    HostileArchive(.init(name: String(repeating: "x", count: 60_000), data: goodArray)).bytes
  },
  HostileCase("wrong checksum, stored", .damaged) {
    HostileArchive(.init(data: goodArray, checksum: 1)).bytes
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

let hostilePacked: [HostileCase] = [
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
    let (packed, _) = try bomb(goodArray, zeros: 1 << 27)
    return HostileArchive(.init(data: packed, method: 8, size: UInt64(goodArray.count))).bytes
  },
  HostileCase("bomb: 128 MB of zeros under a header of 96 bytes", .damaged) {
    let (packed, size) = try bomb(goodArray, zeros: 1 << 27)
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
