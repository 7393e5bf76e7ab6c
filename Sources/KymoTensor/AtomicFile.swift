// Files that are there in full or not at all: written under a temporary name beside the target,
// flushed to the disk, then renamed. A process killed at any moment leaves the old file or the new.
public import Foundation

/// Writes a file in pieces; it takes its name only when all is on the disk.
///
/// - Parameters:
///   - url: Where the file shall be; an older file there is replaced in one step.
///   - fill: Receives a function that appends bytes.
/// - Throws: ``TensorError`` when the disk refuses, or what `fill` throws. Nothing is left behind.
public func writeAtomically(
  to url: URL, _ fill: (_ append: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
) throws {
  let name = ".\(url.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier).partial"
  let partial = url.deletingLastPathComponent().appendingPathComponent(name)
  let file = unsafe open(partial.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard file >= 0 else { throw TensorError(writing: url) }
  do {
    defer { close(file) }
    unsafe try fill { unsafe try append($0, to: file, of: url) }
    guard fsync(file) == 0 else { throw TensorError(writing: url) }
  } catch {
    _ = unsafe unlink(partial.path)
    throw error
  }
  guard unsafe rename(partial.path, url.path) == 0 else {
    let failure = TensorError(writing: url)
    _ = unsafe unlink(partial.path)
    throw failure
  }
  try flushFolder(url.deletingLastPathComponent())
}

/// Writes a file with the given content; it is there in full or not at all.
public func writeAtomically(_ content: Data, to url: URL) throws {
  unsafe try writeAtomically(to: url) { append in
    unsafe try content.withUnsafeBytes { unsafe try append($0) }
  }
}

/// Makes a folder whose name appears only when `fill` has written everything in it.
///
/// - Parameters:
///   - url: Where the folder shall be; an older folder there is replaced.
///   - fill: Receives the temporary folder. Files in it should be written atomically, so that they
///     are on the disk.
/// - Throws: What `fill` or the disk throws; an older folder is then still there.
public func writeFolderAtomically(to url: URL, _ fill: (_ folder: URL) throws -> Void) throws {
  let files = FileManager.default
  let mark = ProcessInfo.processInfo.processIdentifier
  let parent = url.deletingLastPathComponent()
  func hidden(_ suffix: String) -> URL {
    parent.appendingPathComponent(".\(url.lastPathComponent).\(mark).\(suffix)")
  }
  let (partial, old) = (hidden("partial"), hidden("old"))
  for leftover in [partial, old] where files.fileExists(atPath: leftover.path) {
    try files.removeItem(at: leftover)
  }
  try files.createDirectory(at: partial, withIntermediateDirectories: true)
  do {
    try fill(partial)
    try flushFolder(partial)
    if files.fileExists(atPath: url.path) { try files.moveItem(at: url, to: old) }
    guard unsafe rename(partial.path, url.path) == 0 else { throw TensorError(writing: url) }
  } catch {
    try? files.removeItem(at: partial)
    if files.fileExists(atPath: old.path) { try? files.moveItem(at: old, to: url) }
    throw error
  }
  try flushFolder(parent)
  if files.fileExists(atPath: old.path) { try files.removeItem(at: old) }
}

private func append(_ bytes: UnsafeRawBufferPointer, to file: Int32, of url: URL) throws {
  var rest = unsafe bytes[...]
  while unsafe !rest.isEmpty {
    let piece = unsafe UnsafeRawBufferPointer(rebasing: rest)
    let written = unsafe write(file, piece.baseAddress, piece.count)
    if written < 0, errno == EINTR { continue }
    guard written >= 0 else { throw TensorError(writing: url) }
    unsafe rest = rest.dropFirst(written)
  }
}

/// Puts the names in a folder on the disk.
private func flushFolder(_ url: URL) throws {
  let folder = unsafe open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard folder >= 0 else { throw TensorError(writing: url) }
  defer { close(folder) }
  // Some network file systems refuse to flush folders; the rename itself has happened.
  guard fsync(folder) == 0 || errno == EINVAL else { throw TensorError(writing: url) }
}

extension TensorError {
  /// What the system says about the last failed call on a file.
  init(writing url: URL) {
    let code = errno
    let remedy =
      switch code {
      case ENOSPC, EDQUOT: "Free some disk space or write elsewhere."
      case EACCES, EPERM, EROFS: "Choose a folder that you may write to."
      case ENOENT, ENOTDIR: "Make the folder first, or choose one that is there."
      default: "Check the disk and the path."
      }
    self.init(
      operation: "writing \(url.path)", message: unsafe String(cString: strerror(code)),
      remedy: remedy)
  }
}
