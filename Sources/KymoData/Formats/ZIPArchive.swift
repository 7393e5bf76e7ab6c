// The directory of a ZIP archive, read with suspicion: every number in it is checked against the
// size of the file before it is used. Format: PKWARE APPNOTE 6.3.10, with ZIP64.

/// One file in the archive; its bytes are inside the archive, as checked.
package struct ZIPEntry: Hashable, Sendable {
  package enum Method: Hashable, Sendable { case stored, deflated }

  package var name: String
  package var method: Method
  package var checksum: UInt32
  /// Bytes when unpacked.
  package var size: Int
  /// Where the (packed) bytes are in the archive.
  package var range: Range<Int>
}

/// A ZIP archive on disk.
package struct ZIPArchive: Sendable {
  package let file: MappedFile
  package let entries: [ZIPEntry]

  /// An archive of arrays has few entries; more are refused before anything is allocated.
  package static let mostEntries = 10_000
  private static let longestDirectory = 16 << 20
  /// Deflate cannot pack more than 1032 bytes into one.
  private static let bestRatio = 1032

  package static func looksLikeOne(_ file: MappedFile) -> Bool {
    unsafe file.withBytes(0..<min(2, file.count)) { unsafe $0.elementsEqual([0x50, 0x4B]) }
  }

  package init(_ file: MappedFile) throws(FormatError) {
    let place = FormatPlace(file: file.name)
    let directory = try ZIPArchive.locateDirectory(file, place)
    let bytes = try file.header(
      at: directory.range.lowerBound, count: directory.range.count, "the directory")
    var entries: [ZIPEntry] = []
    entries.reserveCapacity(directory.count)
    var starts: [Range<Int>] = []
    var names: Set<String> = []
    var offset = 0
    for _ in 0..<directory.count {
      let (central, length) = try CentralHeader.parse(bytes, at: offset, place)
      offset += length
      let entryPlace = place.at("entry '\(central.name)'")
      try ZIPArchive.checkName(central.name, entryPlace)
      guard names.insert(central.name).inserted else {
        throw entryPlace.damaged("the name occurs twice", allowed: "every name once")
      }
      let data = try central.dataRange(in: file, before: directory.range.lowerBound, entryPlace)
      starts.append(central.localOffset..<data.upperBound)
      entries.append(
        ZIPEntry(
          name: central.name, method: central.method, checksum: central.checksum,
          size: central.size, range: data))
    }
    guard offset == bytes.count else {
      throw place.damaged(
        "\(bytes.count - offset) bytes in the directory that belong to no entry", allowed: "none")
    }
    starts.sort { $0.lowerBound < $1.lowerBound }
    for (first, second) in zip(starts, starts.dropFirst())
    where first.upperBound > second.lowerBound {
      throw place.damaged(
        "two entries share the bytes from \(second.lowerBound) on", allowed: "separate entries")
    }
    (self.file, self.entries) = (file, entries)
  }

  // MARK: The end of the archive

  private static func locateDirectory(
    _ file: MappedFile, _ place: FormatPlace
  ) throws(FormatError) -> (range: Range<Int>, count: Int) {
    // The record is 22 bytes and a comment of at most 65,535 that reaches to the end of the file.
    let tailStart = max(0, file.count - 22 - 65_535)
    let tail = try file.header(at: tailStart, count: file.count - tailStart, "the archive")
    var found: Int?
    for offset in stride(from: tail.count - 22, through: 0, by: -1)
    where tail[offset] == 0x50 && tail[offset..<offset + 4].elementsEqual([0x50, 0x4B, 5, 6])
      && offset + 22 + tail.uint16(offset + 20) == tail.count
    {
      found = offset
      break
    }
    guard let found else { throw place.truncated("the archive: its directory is missing") }
    let end = tailStart + found
    var disks = [UInt64(tail.uint16(found + 4)), UInt64(tail.uint16(found + 6))]
    var counts = [UInt64(tail.uint16(found + 8)), UInt64(tail.uint16(found + 10))]
    var size = UInt64(tail.uint32(found + 12))
    var start = UInt64(tail.uint32(found + 16))
    var directoryEnd = end

    // From 2 GB on Python writes a ZIP64 record although the numbers fit into the other.
    let isSaturated =
      counts.contains(0xFFFF) || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF
      || disks.contains(0xFFFF)
    let locator = end >= 20 ? try file.header(at: end - 20, count: 20, "the ZIP64 locator") : []
    if locator.starts(with: [0x50, 0x4B, 6, 7]) {
      let position = Int(exactly: locator.uint64(8)).flatMap { $0 <= end - 20 - 56 ? $0 : nil }
      let record =
        if let position { try file.header(at: position, count: 56, "the ZIP64 record") } else {
          [UInt8]()
        }
      if let position, record.starts(with: [0x50, 0x4B, 6, 6]) {
        disks = [UInt64(record.uint32(16)), UInt64(record.uint32(20))]
        counts = [record.uint64(24), record.uint64(32)]
        (size, start, directoryEnd) = (record.uint64(40), record.uint64(48), position)
      } else if isSaturated {
        throw place.damaged(
          position == nil
            ? "a ZIP64 record outside the file" : "no ZIP64 record where one is announced",
          allowed: "PK\\6\\6 before its locator")
      }
    }
    guard disks == [0, 0] else {
      throw place.error(
        .unsupported, found: "an archive split over several files", allowed: "one file",
        remedy: "Join the parts, or write it again with numpy.savez.")
    }
    guard counts[0] == counts[1] else {
      throw place.damaged("\(counts[0]) of \(counts[1]) entries in this part", allowed: "all")
    }
    guard counts[0] <= mostEntries, size <= longestDirectory else {
      throw place.error(
        .tooLarge, found: "\(counts[0]) entries in a directory of \(size) bytes",
        allowed: "at most \(mostEntries) entries and \(longestDirectory) bytes",
        remedy: "Save all recordings in one array x, not one array each.")
    }
    guard start <= directoryEnd, size == UInt64(directoryEnd) - start else {
      throw place.damaged(
        "a directory of \(size) bytes at byte \(start), but its end is at \(directoryEnd)",
        allowed: "a directory just before its end record")
    }
    guard size >= counts[0] * 46 else {
      throw place.damaged(
        "\(counts[0]) entries in a directory of \(size) bytes", allowed: "46 bytes or more each")
    }
    return (Int(start)..<directoryEnd, Int(counts[0]))
  }

  private static func checkName(_ name: String, _ place: FormatPlace) throws(FormatError) {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !name.isEmpty, !name.hasPrefix("/"), !parts.contains(".."), !name.contains("\\"),
      !name.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 })
    else {
      throw place.error(
        .unsafeContent, found: "a name that points outside the archive or cannot be shown",
        allowed: "a plain name such as 'x.npy'", remedy: "Write it again with numpy.savez.")
    }
  }

  /// One record of the directory.
  private struct CentralHeader {
    var name: String
    var nameBytes: ArraySlice<UInt8>
    var flags: Int
    var method: ZIPEntry.Method
    var checksum: UInt32
    var packedSize: Int
    var size: Int
    var localOffset: Int

    static func parse(
      _ bytes: [UInt8], at offset: Int, _ place: FormatPlace
    ) throws(FormatError) -> (CentralHeader, length: Int) {
      guard bytes.count - offset >= 46 else { throw place.truncated("the directory") }
      guard bytes[offset..<offset + 4].elementsEqual([0x50, 0x4B, 1, 2]) else {
        throw place.damaged("an entry of the directory without its mark", allowed: "PK\\1\\2")
      }
      let (nameLength, extraLength) = (bytes.uint16(offset + 28), bytes.uint16(offset + 30))
      let length = 46 + nameLength + extraLength + bytes.uint16(offset + 32)
      guard bytes.count - offset >= length else { throw place.truncated("the directory") }
      let nameBytes = bytes[offset + 46..<offset + 46 + nameLength]
      guard nameLength <= 1024, let name = String(validating: nameBytes, as: UTF8.self) else {
        throw place.error(
          .unsupported, found: "an entry name of \(nameLength) bytes that is too long or not UTF-8",
          allowed: "UTF-8 of at most 1024 bytes", remedy: "Rename the array.")
      }
      let here = place.at("entry '\(name)'")
      let flags = bytes.uint16(offset + 8)
      guard flags & 0x2041 == 0 else {
        throw here.error(
          .unsupported, found: "an encrypted entry", allowed: "entries without a password",
          remedy: "Write it again with numpy.savez.")
      }
      let method: ZIPEntry.Method
      switch bytes.uint16(offset + 10) {
      case 0: method = .stored
      case 8: method = .deflated
      case let other:
        throw here.error(
          .unsupported, found: "compression method \(other)", allowed: "0 (stored) or 8 (deflate)",
          remedy: "Write it again with numpy.savez or numpy.savez_compressed.")
      }
      // Values that do not fit stand in the ZIP64 field, in this order.
      var wide = [
        UInt64(bytes.uint32(offset + 24)), UInt64(bytes.uint32(offset + 20)),
        UInt64(bytes.uint32(offset + 42)),
      ]
      let extra = bytes[offset + 46 + nameLength..<offset + 46 + nameLength + extraLength]
      try widen(&wide, from: Array(extra), here)
      guard wide.allSatisfy({ $0 <= UInt64(Int.max) / 2 }) else {
        throw here.damaged("sizes beyond 2⁶²", allowed: "sizes within the file")
      }
      let header = CentralHeader(
        name: name, nameBytes: nameBytes, flags: flags, method: method,
        checksum: UInt32(bytes.uint32(offset + 16)), packedSize: Int(wide[1]), size: Int(wide[0]),
        localOffset: Int(wide[2]))
      guard method == .deflated || header.packedSize == header.size else {
        throw here.damaged(
          "a stored entry of \(header.packedSize) bytes that claims \(header.size)",
          allowed: "equal sizes")
      }
      guard method == .stored || header.size / bestRatio <= header.packedSize else {
        throw here.error(
          .tooLarge, found: "\(header.packedSize) bytes that claim to unpack to \(header.size)",
          allowed: "a ratio of at most \(bestRatio), the limit of the method",
          remedy: "Do not trust this file; write it again with numpy.savez.")
      }
      return (header, length)
    }

    /// Replaces saturated values by those in the ZIP64 field of `extra`.
    static func widen(
      _ values: inout [UInt64], from extra: [UInt8], _ place: FormatPlace
    ) throws(FormatError) {
      var offset = 0
      while offset + 4 <= extra.count {
        let (kind, length) = (extra.uint16(offset), extra.uint16(offset + 2))
        guard length <= extra.count - offset - 4 else { break }
        if kind == 1 {
          var position = offset + 4
          for index in values.indices where values[index] == 0xFFFF_FFFF {
            guard position + 8 <= offset + 4 + length else { return }
            values[index] = extra.uint64(position)
            position += 8
          }
          return
        }
        offset += 4 + length
      }
      guard offset == extra.count || !values.contains(0xFFFF_FFFF) else {
        throw place.damaged("an extra field that does not end", allowed: "complete fields")
      }
    }

    /// Where the packed bytes are, after comparing the header in front of them with this one.
    func dataRange(
      in file: MappedFile, before limit: Int, _ place: FormatPlace
    ) throws(FormatError) -> Range<Int> {
      guard localOffset <= limit - 30 else {
        throw place.damaged(
          "data announced at byte \(localOffset), behind the data of the archive",
          allowed: "data before byte \(limit)")
      }
      let local = try file.header(at: localOffset, count: 30, "the header of '\(name)'")
      guard local.starts(with: [0x50, 0x4B, 3, 4]) else {
        throw place.damaged(
          "no entry at byte \(localOffset), where the directory says one is", allowed: "PK\\3\\4")
      }
      let (nameLength, extraLength) = (local.uint16(26), local.uint16(28))
      let start = localOffset + 30 + nameLength + extraLength
      guard start <= limit, packedSize <= limit - start else {
        throw place.damaged(
          "\(packedSize) bytes from byte \(start) on, beyond the data of the archive",
          allowed: "data before byte \(limit)")
      }
      let rest = try file.header(
        at: localOffset + 30, count: nameLength + extraLength, "the header of '\(name)'")
      guard rest.prefix(nameLength) == nameBytes, local.uint16(8) == (method == .stored ? 0 : 8)
      else {
        throw place.damaged(
          "a header that contradicts the directory", allowed: "the same name and method")
      }
      // With flag 3 the sizes follow the data instead, and only the directory's are read.
      if flags & 8 == 0 {
        var sizes = [UInt64(local.uint32(22)), UInt64(local.uint32(18))]
        try CentralHeader.widen(&sizes, from: Array(rest.dropFirst(nameLength)), place)
        guard sizes == [UInt64(size), UInt64(packedSize)], local.uint32(14) == Int(checksum) else {
          throw place.damaged(
            "sizes or a checksum that contradict the directory", allowed: "the same in both")
        }
      }
      return start..<start + packedSize
    }
  }
}
