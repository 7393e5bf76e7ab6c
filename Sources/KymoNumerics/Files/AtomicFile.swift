// A file that appears as a whole or not at all: written beside its place, made durable, renamed. A
// process that is killed at any moment leaves the old file or the new one.
public import Foundation

/// Writes a new file that takes its name only when it is complete.
///
/// Where the file system can, the file has no name before it is complete, so that even a killed
/// process leaves nothing behind; elsewhere its name is `.NAME.unfinished-PROCESS-RANDOM`. Several
/// writers of one file do not meet: the last one to commit wins.
public final class AtomicFile {
  /// Where the file will be.
  public let url: URL
  /// Bytes written so far.
  public private(set) var count = 0
  private let descriptor: Int32
  private var temporary: String?
  private var isOpen = true
  private let expectedBytes: Int

  /// Starts a file of about `expectedBytes`.
  ///
  /// - Throws: ``FileError`` when the folder cannot be written or the disk has no room.
  public init(_ url: URL, expectedBytes: Int = 0) throws(FileError) {
    (self.url, self.expectedBytes) = (url, expectedBytes)
    try Self.requireRegular(url)
    let folder = url.absoluteURL.deletingLastPathComponent().path
    guard expectedBytes <= freeBytes(in: folder) else {
      throw FileError(writing: url, code: ENOSPC, bytesNeeded: expectedBytes)
    }
    // O_TMPFILE, which the C library's header hides behind a macro; it needs /proc to get a name.
    let unnamed =
      unsafe access("/proc/self/fd", F_OK) == 0
      ? unsafe open(folder, 0o20000000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC, 0o644 as mode_t) : -1
    if unnamed >= 0 {
      (descriptor, temporary) = (unnamed, nil)
      return
    }
    UnfinishedName.removeStale(of: url)
    let path = UnfinishedName.beside(url).path
    descriptor = unsafe open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o644 as mode_t)
    guard descriptor >= 0 else { throw FileError(writing: url) }
    flock(descriptor, LOCK_EX)
    temporary = path
  }

  deinit { abandon() }

  /// Writes a whole file at once.
  public static func write(_ content: Data, to url: URL) throws(FileError) {
    let file = try AtomicFile(url, expectedBytes: content.count)
    try file.write(content)
    try file.commit()
  }

  /// Appends bytes.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    precondition(isOpen, "AtomicFile: written after its end")
    guard unsafe writeAll(bytes, to: descriptor, at: nil) else { throw failure(bytes.count) }
    count += bytes.count
  }

  /// Appends bytes.
  public func write(_ bytes: some ContiguousBytes) throws(FileError) {
    var failed: FileError?
    unsafe bytes.withUnsafeBytes { bytes in
      do throws(FileError) { try unsafe write(bytes) } catch { failed = error }
    }
    if let failed { throw failed }
  }

  /// Replaces bytes that were written before.
  public func replace(at offset: Int, with bytes: [UInt8]) throws(FileError) {
    var failed: FileError?
    unsafe bytes.withUnsafeBytes { bytes in
      do throws(FileError) { try unsafe replace(at: offset, with: bytes) } catch { failed = error }
    }
    if let failed { throw failed }
  }

  /// Replaces bytes that were written before, or room that was made for them.
  public func replace(at offset: Int, with bytes: UnsafeRawBufferPointer) throws(FileError) {
    precondition(
      isOpen && offset + bytes.count <= count, "AtomicFile: replacing what was not written")
    guard unsafe writeAll(bytes, to: descriptor, at: offset) else { throw failure() }
  }

  /// Appends zeros in the place of bytes that come later, in any order.
  public func makeRoom(_ bytes: Int) throws(FileError) {
    precondition(isOpen && bytes >= 0, "AtomicFile: room for \(bytes) bytes")
    guard ftruncate(descriptor, off_t(count + bytes)) == 0, lseek(descriptor, 0, SEEK_END) >= 0
    else { throw failure(bytes) }
    count += bytes
  }

  /// The path by which this process can open the file before it has its name.
  package var openPath: String { temporary ?? "/proc/self/fd/\(descriptor)" }

  /// Says that another writer of the open file has made it at least so long.
  package func hasGrown(to bytes: Int) {
    precondition(isOpen, "AtomicFile: grown after its end")
    count = max(count, bytes)
  }

  /// Makes the file durable and gives it its name, in place of an older file.
  public func commit() throws(FileError) {
    precondition(isOpen, "AtomicFile: committed twice")
    // Delayed allocation may find the disk full only now.
    guard fsync(descriptor) == 0 else { throw failure() }
    if temporary == nil {
      UnfinishedName.removeStale(of: url)
      flock(descriptor, LOCK_EX)
      let path = UnfinishedName.beside(url).path
      let linked = unsafe linkat(
        AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, path, AT_SYMLINK_FOLLOW)
      guard linked == 0 else { throw failure() }
      temporary = path
    }
    if let path = temporary {
      guard unsafe rename(path, url.path) == 0 else { throw failure() }
    }
    temporary = nil
    close(descriptor)
    isOpen = false
    try flush(url.absoluteURL.deletingLastPathComponent())
  }

  /// Removes what was written so far; the name keeps its older file.
  public func abandon() {
    guard isOpen else { return }
    if let temporary { unsafe unlink(temporary) }
    temporary = nil
    close(descriptor)
    isOpen = false
  }

  /// The error of the last system call; removes what was written.
  private func failure(_ refused: Int = 0) -> FileError {
    let error = FileError(writing: url, bytesNeeded: max(expectedBytes, count + refused))
    abandon()
    return error
  }
}

/// Names of files and folders that are not complete yet.
package enum UnfinishedName {
  private static let mark = ".unfinished-"

  /// A new name beside the one that the file or folder will take.
  static func beside(_ url: URL) -> URL {
    let name = ".\(url.lastPathComponent)\(mark)\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    return url.absoluteURL.deletingLastPathComponent().appending(path: name)
  }

  /// Removes what killed processes left of a name, or of all names, in a folder where nobody writes
  /// these names at this moment.
  package static func removeAll(in folder: URL, of finalName: String? = nil) {
    let prefix = finalName.map { ".\($0)\(mark)" } ?? "."
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    where isOne(name) && name.hasPrefix(prefix) {
      try? FileManager.default.removeItem(at: folder.appending(path: name))
    }
  }

  /// Removes files that were to have the name of `url` and that no process writes any more: a
  /// writer holds a lock, which it takes within a minute.
  static func removeStale(of url: URL) {
    let folder = url.absoluteURL.deletingLastPathComponent()
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    where name.hasPrefix(".\(url.lastPathComponent)\(mark)") {
      let path = folder.appending(path: name).path
      var found = stat()
      guard unsafe lstat(path, &found) == 0, found.st_mode & S_IFMT == S_IFREG,
        time(nil) - found.st_mtim.tv_sec > 60
      else { continue }
      let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unsafe unlink(path) }
      close(descriptor)
    }
  }

  /// Whether a file or folder of this name is not complete.
  package static func isOne(_ name: String) -> Bool { name.hasPrefix(".") && name.contains(mark) }
}

/// Appends bytes to an open file.
///
/// - Parameters:
///   - data: The bytes.
///   - descriptor: The open file.
///   - url: The file as the error names it.
/// - Throws: ``FileError`` unless all were written.
package func appendAll(_ data: Data, to descriptor: Int32, of url: URL) throws(FileError) {
  // In bounds: the buffer holds the bytes of `data`.
  let isWritten = unsafe data.withUnsafeBytes { unsafe writeAll($0, to: descriptor, at: nil) }
  guard isWritten else { throw FileError(writing: url, bytesNeeded: data.count) }
}

/// Writes every byte, or leaves the reason in `errno`.
private func writeAll(
  _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int?
) -> Bool {
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
    guard result > 0 else { return false }
    written += result
  }
  return true
}
