// A file or folder that cannot be written: its path, the system's reason, the way to mend it.
public import Foundation

/// A file or folder that cannot be written, with the way to mend it.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of trouble; callers compare this, people read the sentence.
  public enum Kind: Hashable, Sendable {
    /// It cannot be made, written or renamed.
    case unwritable
    /// The disk, or a limit on it, has no room.
    case diskFull(bytesNeeded: Int, bytesFree: Int)
    /// It is there, and what is there may not be replaced: it is an input, no regular file, or
    /// nobody asked for it.
    case kept
  }

  /// The kind of trouble.
  public var kind: Kind
  /// The full path.
  public var path: String
  /// The system's words.
  public var reason: String
  /// What to do about it.
  public var remedy: String

  /// Creates an error about the file or folder at `url`, whose last system call has just failed.
  ///
  /// - Parameters:
  ///   - url: The file or folder.
  ///   - needed: How many bytes it was to have, as far as known.
  public init(writing url: URL, bytesNeeded needed: Int = 0) {
    self.init(writing: url, code: errno, bytesNeeded: needed)
  }

  init(keeping url: URL, because reason: String, _ remedy: String) {
    (kind, path, self.reason) = (.kept, url.absoluteURL.path, reason)
    self.remedy = remedy
  }

  init(writing url: URL, code: Int32, bytesNeeded needed: Int = 0) {
    path = url.absoluteURL.path
    reason = code == ENOSPC ? "the disk is full" : systemReason(code)
    kind = .unwritable
    switch code {
    case ENOSPC, EDQUOT, EFBIG:
      let free = freeBytes(in: url.absoluteURL.deletingLastPathComponent().path)
      kind = .diskFull(bytesNeeded: needed, bytesFree: free)
      reason += " (\(describeBytes(needed)) wanted, \(describeBytes(free)) free)"
      remedy =
        "Free some space, raise the limit (quota, ulimit -f), make fewer recordings, or "
        + "write to another disk."
    case EACCES, EPERM, EROFS: remedy = "Choose a folder that you may write to."
    case ENOENT, ENOTDIR: remedy = "Make the folder first, or choose one that is there."
    default: remedy = "Check the disk and the path."
    }
  }

  /// One sentence for the person whose file it is.
  public var description: String { "'\(path)' cannot be written: \(reason). \(remedy)" }
}

/// The system's words for a failed call, by default the last one.
package func systemReason(_ code: Int32 = errno) -> String {
  unsafe String(cString: strerror(code)).lowercased()
}

/// Bytes that this user may still write in a folder; unlimited when the system does not say.
package func freeBytes(in folder: String) -> Int {
  var status = statvfs()
  guard unsafe statvfs(folder, &status) == 0 else { return .max }
  let (bytes, overflow) = Int(status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
  return overflow ? .max : bytes
}

/// Bytes in the unit a person would choose, such as "2.6 GB".
package func describeBytes(_ count: Int) -> String {
  var (value, unit) = (Double(count), "bytes")
  for next in ["kB", "MB", "GB", "TB", "PB", "EB"] where value >= 1000 {
    (value, unit) = (value / 1000, next)
  }
  if unit == "bytes" { return "\(count) bytes" }
  let tenths = Int((value * 10).rounded())
  return "\(tenths / 10).\(tenths % 10) \(unit)"
}
