// A folder for one test, removed with it.
public import Foundation

/// A folder that is removed when the value that made it goes.
public final class TemporaryFolder: Sendable {
  /// The folder.
  public let url: URL

  /// Makes an empty folder.
  public init() throws {
    url = FileManager.default.temporaryDirectory
      .appending(path: "kymo-test-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// A place in the folder.
  public func path(_ name: String) -> URL { url.appending(path: name) }
}
