// A file in memory, mapped and never copied as a whole: what is not looked at is not read.
package import Foundation
import KymoNumerics

/// A regular file mapped for reading.
///
/// Another program that shortens the file meanwhile takes pages away under a reader, and the system
/// then ends the process; our own writers only replace files as a whole.
@safe package final class MappedFile: Sendable {
  package let name: String
  package let count: Int
  /// Device, inode, size and times of the last changes of content and status.
  let identity: [UInt64]
  // Written once, before any other thread can see the object; the mapping is read-only.
  private nonisolated(unsafe) let base: UnsafeRawPointer

  package init(_ url: URL) throws(FormatError) {
    name = url.lastPathComponent
    let place = FormatPlace(file: name)
    func unreadable(_ found: String, _ remedy: String) -> FormatError {
      place.error(.unreadable, found: found, allowed: "a readable data file", remedy: remedy)
    }
    // Without O_NONBLOCK a named pipe would wait for its other end.
    let descriptor = unsafe open(url.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw unreadable(
        "it cannot be opened (\(systemReason()))",
        "Check the path \(url.path) and its permissions.")
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw unreadable("it cannot be examined (\(systemReason()))", "Check the disk.")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw unreadable("it is not a regular file", "Give the path of an .npz or .npy file.")
    }
    count = Int(status.st_size)
    identity = [
      UInt64(status.st_dev), UInt64(status.st_ino), UInt64(status.st_size),
      UInt64(status.st_mtim.tv_sec), UInt64(status.st_mtim.tv_nsec),
      UInt64(status.st_ctim.tv_sec), UInt64(status.st_ctim.tv_nsec),
    ]
    guard count > 0 else { throw place.truncated("its first byte; it is empty") }
    guard let mapping = unsafe mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0),
      unsafe mapping != MAP_FAILED
    else {
      throw unreadable(
        "it cannot be mapped into memory (\(systemReason()))",
        "Check the address space limit (ulimit -v).")
    }
    unsafe base = UnsafeRawPointer(mapping)
  }

  deinit { unsafe munmap(UnsafeMutableRawPointer(mutating: base), count) }

  /// Hands out the bytes in `range`, which lies in the file.
  package func withBytes<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(name): bytes \(range)")
    return try unsafe body(
      UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
  }

  /// Gives the memory of the whole pages in `range` back to the system; they are read again when they
  /// are looked at.
  func letGo(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(name): bytes \(range)")
    let page = sysconf(Int32(_SC_PAGESIZE))
    let first = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound / page * page
    guard first < end else { return }
    // The mapping is of a file and read-only: nothing is lost. Where the system refuses, pages stay.
    _ = unsafe madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
  }

  /// A copy of `count` bytes from `offset`, for headers; says `what` was cut when they are not
  /// there.
  func header(at offset: Int, count: Int, _ what: String) throws(FormatError) -> [UInt8] {
    guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
      throw FormatPlace(file: name).truncated(what)
    }
    return unsafe withBytes(offset..<offset + count) { unsafe [UInt8]($0) }
  }
}

/// How much memory one array may take.
extension MemoryLimit {
  static func require(
    _ needed: Int, _ place: FormatPlace,
    remedy: String =
      "Save it uncompressed as float32 in C order with numpy.savez: then it is mapped "
      + "and needs no memory."
  ) throws(FormatError) {
    let free = bytes
    guard needed <= free else {
      throw place.error(
        .tooLarge, found: "it needs \(describeBytes(needed)) of memory",
        allowed: "at most \(describeBytes(free)), which are free",
        remedy: remedy)
    }
  }
}

extension Array {
  /// The entries as bytes; unlike `withUnsafeBytes`, keeps the type of the error.
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe withUnsafeBufferPointer { buffer throws(Failure) in
      try unsafe body(UnsafeRawBufferPointer(buffer))
    }
  }

  mutating func withMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try unsafe body(UnsafeMutableRawBufferPointer(buffer))
    }
  }
}

/// Little-endian numbers in a header. The caller has checked that the bytes are there.
extension [UInt8] {
  func integer(_ offset: Int, bytes: Int) -> UInt64 {
    self[offset..<offset + bytes].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  func uint16(_ offset: Int) -> Int { Int(integer(offset, bytes: 2)) }
  func uint32(_ offset: Int) -> Int { Int(integer(offset, bytes: 4)) }
  func uint64(_ offset: Int) -> UInt64 { integer(offset, bytes: 8) }

  mutating func append(_ value: UInt64, bytes: Int) {
    for index in 0..<bytes { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }
}
