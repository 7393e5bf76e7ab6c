// NumPy archives (.npz): a ZIP archive of arrays, mapped and read on demand.
public import Foundation

/// An .npz file that is open for reading.
///
/// Opening reads the directory only. Nothing in a file can make a reader run code, look outside the
/// file or take more memory than the array that was asked for, and that is compared with the size
/// of the file and of the machine's memory first.
public struct NPZFile: ArrayFile {
  /// Names of the arrays, in the order of the file, without ".npy" if they have it.
  public let names: [String]
  private let file: MappedFile
  private let entries: [String: ZIPEntry]

  /// ZIP archives begin with the initials of Phil Katz.
  public static func recognizes(_ start: [UInt8]) -> Bool { start.starts(with: [0x50, 0x4B]) }

  /// Opens a file and reads its directory.
  public init(_ url: URL) throws(FormatError) {
    file = try MappedFile(url)
    let archive = try ZIPArchive(file)
    var (names, entries): ([String], [String: ZIPEntry]) = ([], [:])
    for entry in archive.entries {
      let hasEnding = entry.name.hasSuffix(".npy")
      // Some programs leave the ending away.
      guard hasEnding || NPYArray.isOne(file, entry) else { continue }
      let name = hasEnding ? String(entry.name.dropLast(4)) : entry.name
      guard entries[name] == nil else {
        throw FormatPlace(file: file.name, place: "entry '\(entry.name)'")
          .damaged("the array '\(name)' occurs twice", allowed: "every name once")
      }
      names.append(name)
      entries[name] = entry
    }
    (self.names, self.entries) = (names, entries)
  }

  /// The file's name, without its folder.
  public var name: String { file.name }
  /// Bytes of the file.
  public var byteCount: Int { file.count }
  /// An archive has names.
  public var isBareArray: Bool { false }

  /// The array of a name that is there.
  public func open(_ name: String) throws(FormatError) -> any StoredArray {
    try NPYArray(file, entry: entries[name], name: name)
  }
}
