// The one rule for files that are written: what is read is never written, what is there is replaced
// only when that is asked for, and only regular files are replaced.
public import Foundation

extension AtomicFile {
  /// Throws unless a file may be written; to be asked before the work whose result it takes.
  ///
  /// - Parameters:
  ///   - url: The file to write.
  ///   - inputs: What is read, by whatever name; told by device and inode.
  ///   - force: Whether a regular file that is there is replaced.
  /// - Throws: ``FileError`` with the way to mend it.
  public static func check(_ url: URL, inputs: [URL] = [], force: Bool) throws(FileError) {
    let folder = url.absoluteURL.deletingLastPathComponent().path
    guard unsafe access(folder, W_OK) == 0 || errno == ENOENT else { throw FileError(writing: url) }
    guard let own = try requireRegular(url) else { return }
    for input in inputs {
      var other = stat()
      guard unsafe stat(input.path, &other) == 0 else { continue }
      guard (other.st_dev, other.st_ino) != (own.st_dev, own.st_ino) else {
        throw FileError(
          keeping: url, because: "it is what is read, \(input.relativePath)",
          "Choose another name.")
      }
    }
    guard force else {
      throw FileError(
        keeping: url, because: "it exists already",
        "Add --force to replace it, or choose another name.")
    }
  }

  /// What lies at a place, if anything does; throws unless it is a regular file.
  @discardableResult static func requireRegular(_ url: URL) throws(FileError) -> stat? {
    var found = stat()
    guard unsafe lstat(url.path, &found) == 0 else { return nil }
    let kind =
      switch found.st_mode & S_IFMT {
      case S_IFREG: ""
      case S_IFDIR: "is a directory"
      case S_IFLNK: "is a symbolic link"
      case S_IFIFO: "is a pipe"
      case S_IFSOCK: "is a socket"
      default: "is a device"
      }
    guard kind.isEmpty else {
      throw FileError(
        keeping: url, because: kind, "Only regular files are replaced: choose another name.")
    }
    return found
  }
}
