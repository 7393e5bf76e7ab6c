// A folder that appears with everything in it or not at all.
public import Foundation

/// Folders that take their name only when they are complete.
public enum AtomicFolder {
  /// Makes a folder whose name appears only when `fill` has written everything in it.
  ///
  /// - Parameters:
  ///   - url: Where the folder shall be; an older folder there is replaced.
  ///   - fill: Receives the folder under its temporary name, `.NAME.unfinished-PROCESS-RANDOM`.
  /// - Throws: What `fill` throws, or ``FileError``; an older folder is then still there.
  public static func write(to url: URL, _ fill: (_ folder: URL) throws -> Void) throws {
    let files = FileManager.default
    let (partial, old) = (UnfinishedName.beside(url), UnfinishedName.beside(url))
    try make(partial)
    do {
      try fill(partial)
      for case let name as String in files.enumerator(atPath: partial.path) ?? .init() {
        try flush(partial.appending(path: name))
      }
      try flush(partial)
      if files.fileExists(atPath: url.path) { try rename(url, to: old) }
      try rename(partial, to: url)
    } catch {
      try? files.removeItem(at: partial)
      if files.fileExists(atPath: old.path) { try? rename(old, to: url) }
      throw error
    }
    try flush(url.absoluteURL.deletingLastPathComponent())
    try? files.removeItem(at: old)
  }

  /// Makes a folder, and those above it, unless it is there.
  public static func make(_ url: URL) throws(FileError) {
    if unsafe mkdir(url.path, 0o777) == 0 { return }
    let code = errno
    let parent = url.absoluteURL.deletingLastPathComponent()
    if code == ENOENT, parent.path != url.absoluteURL.path {
      try make(parent)
      guard unsafe mkdir(url.path, 0o777) == 0 || errno == EEXIST else {
        throw FileError(writing: url)
      }
      return
    }
    var isFolder: ObjCBool = false
    _ = unsafe FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
    guard isFolder.boolValue else { throw FileError(writing: url, code: code) }
  }

  private static func rename(_ url: URL, to other: URL) throws(FileError) {
    guard unsafe Foundation.rename(url.path, other.path) == 0 else {
      throw FileError(writing: url)
    }
  }
}

/// Brings a file, or the names in a folder, to the disk.
func flush(_ url: URL) throws(FileError) {
  let descriptor = unsafe open(url.path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw FileError(writing: url) }
  defer { close(descriptor) }
  // Some network file systems refuse to flush folders; the rename itself has happened.
  guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileError(writing: url) }
}
