// A file that appears as a whole or not at all: written under no name, made durable, then renamed.
package import Foundation

/// Writes a new file that takes its name only when it is complete.
///
/// Where the file system can, the file has no name before it is complete, so that even a killed
/// program leaves nothing behind; elsewhere it has a hidden temporary name.
package final class AtomicFile {
  package let url: URL
  package private(set) var count = 0
  private let descriptor: Int32
  private var temporary: String?
  private var isOpen = true
  private let expectedBytes: Int
  private let place: FormatPlace

  /// Starts a file of about `expectedBytes`; throws at once when the disk has no room for it.
  package init(_ url: URL, expectedBytes: Int) throws(FormatError) {
    (self.url, self.expectedBytes) = (url, expectedBytes)
    place = FormatPlace(file: url.lastPathComponent)
    let folder = AtomicFile.folder(of: url)
    let free = AtomicFile.freeBytes(in: folder)
    guard expectedBytes <= free else { throw AtomicFile.full(place, expectedBytes, free) }
    // O_TMPFILE, which the C library's header hides behind a macro; it needs /proc to get a name.
    let unnamed =
      unsafe access("/proc/self/fd", F_OK) == 0
      ? unsafe open(folder, 0o20000000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC, 0o644 as mode_t) : -1
    if unnamed >= 0 {
      (descriptor, temporary) = (unnamed, nil)
      return
    }
    let path = AtomicFile.temporaryPath(for: url)
    descriptor = unsafe open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o644 as mode_t)
    guard descriptor >= 0 else {
      throw place.error(
        .unwritable, found: "it cannot be created (\(describeErrno()))",
        allowed: "a folder that exists and may be written",
        remedy: "Check the folder \(folder).")
    }
    temporary = path
  }

  deinit { abandon() }

  /// Appends bytes.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
    try unsafe write(bytes, at: nil)
    count += bytes.count
  }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws(FormatError) {
    try unsafe bytes.withBytes { bytes throws(FormatError) in try unsafe write(bytes) }
  }

  /// Replaces bytes that were written before.
  package func replace(at offset: Int, with bytes: [UInt8]) throws(FormatError) {
    precondition(offset + bytes.count <= count, "AtomicFile: replacing what was not written")
    try unsafe bytes.withBytes { bytes throws(FormatError) in
      try unsafe write(bytes, at: offset)
    }
  }

  /// Makes the file durable and gives it its name, in place of an older file.
  package func commit() throws(FormatError) {
    precondition(isOpen, "AtomicFile: committed twice")
    // Delayed allocation may find the disk full only now.
    guard fsync(descriptor) == 0 else { throw failure("it cannot be made durable") }
    if temporary == nil {
      let path = AtomicFile.temporaryPath(for: url)
      let linked = unsafe linkat(
        AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, path, AT_SYMLINK_FOLLOW)
      guard linked == 0 else { throw failure("it cannot be given a name") }
      temporary = path
    }
    if let path = temporary {
      guard unsafe rename(path, url.path) == 0 else { throw failure("it cannot be renamed") }
    }
    temporary = nil
    close(descriptor)
    isOpen = false
    let folder = unsafe open(AtomicFile.folder(of: url), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  /// Removes what was written so far; the name keeps its older file.
  package func abandon() {
    guard isOpen else { return }
    if let temporary { unsafe unlink(temporary) }
    temporary = nil
    close(descriptor)
    isOpen = false
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int?) throws(FormatError) {
    precondition(isOpen, "AtomicFile: written after its end")
    var written = 0
    while written < bytes.count, let start = bytes.baseAddress {
      let left = bytes.count - written
      let result =
        if let offset {
          unsafe pwrite(descriptor, start + written, left, off_t(offset + written))
        } else {
          unsafe Foundation.write(descriptor, start + written, left)
        }
      if result < 0, errno == EINTR { continue }
      guard result > 0 else { throw failure("it cannot be written", bytes.count) }
      written += result
    }
  }

  /// The error of the last system call; removes what was written.
  private func failure(_ what: String, _ refused: Int = 0) -> FormatError {
    let code = errno
    let words = describeErrno()
    abandon()
    if [ENOSPC, EDQUOT, EFBIG].contains(code) {
      let free = AtomicFile.freeBytes(in: AtomicFile.folder(of: url))
      return AtomicFile.full(place, max(expectedBytes, count + refused), free, words)
    }
    return place.error(
      .unwritable, found: "\(what) (\(words))", allowed: "a disk that takes it",
      remedy: "Check the folder \(AtomicFile.folder(of: url)).")
  }

  private static func full(
    _ place: FormatPlace, _ needed: Int, _ free: Int, _ words: String = "No space left on device"
  ) -> FormatError {
    place.error(
      .diskFull(bytesNeeded: needed, bytesFree: free),
      found: "it needs \(describeBytes(needed)), but the disk takes no more (\(words))",
      allowed: "at most the \(describeBytes(free)) that are free",
      remedy: "Free some space, raise the limit (quota, ulimit -f), make fewer recordings, or "
        + "write to another disk.")
  }

  private static func folder(of url: URL) -> String {
    url.absoluteURL.deletingLastPathComponent().path
  }

  private static func temporaryPath(for url: URL) -> String {
    let unique = UInt32.random(in: 0...UInt32.max)
    return folder(of: url) + "/.\(url.lastPathComponent).\(getpid()).\(unique).partial"
  }

  /// Bytes that this user may still write in a folder; unlimited when the system does not say.
  package static func freeBytes(in folder: String) -> Int {
    var status = statvfs()
    guard unsafe statvfs(folder, &status) == 0 else { return .max }
    let (bytes, overflow) = Int(status.f_bavail).multipliedReportingOverflow(
      by: Int(status.f_frsize))
    return overflow ? .max : bytes
  }
}
