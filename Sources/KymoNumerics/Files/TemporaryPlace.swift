// A folder for the time of this process: held by a lock, which ends with the process however that
// ends, so that the next one that looks for a place removes what was left.
public import Foundation

/// A folder among the system's temporary files that goes when its owner does.
public final class TemporaryPlace {
  /// The folder.
  public let url: URL
  private let lock: Int32
  private static let prefix = "kymo-temporary-"

  /// Makes a folder, and removes those that killed processes have left.
  ///
  /// - Throws: ``FileError`` when there is no room for temporary files.
  public init() throws(FileError) {
    let parent = FileManager.default.temporaryDirectory
    url = parent.appending(path: Self.prefix + UUID().uuidString, directoryHint: .isDirectory)
    try AtomicFolder.make(url)
    lock = Self.open(url)
    guard flock(lock, LOCK_SH) == 0 else { throw FileError(writing: url) }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
    where name.hasPrefix(Self.prefix) {
      Self.removeIfLeft(parent.appending(path: name))
    }
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
    close(lock)
  }

  /// Removes a folder that no process holds; a minute is more than one needs to take its lock.
  private static func removeIfLeft(_ url: URL) {
    var found = stat()
    guard unsafe stat(url.path, &found) == 0, time(nil) - found.st_ctim.tv_sec > 60 else { return }
    let lock = open(url)
    defer { close(lock) }
    if flock(lock, LOCK_EX | LOCK_NB) == 0 { try? FileManager.default.removeItem(at: url) }
  }

  private static func open(_ url: URL) -> Int32 {
    unsafe Foundation.open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  }
}
