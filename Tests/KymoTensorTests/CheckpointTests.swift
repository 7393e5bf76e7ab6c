// Folders that are written whole or not at all, whenever the process is killed.
import Foundation
import KymoTensor
import Testing

@Suite("Folders written whole") struct CheckpointTests {
  @Test("a failure while writing leaves the old folder") func failure() throws {
    struct Stop: Error {}
    try withFolder { folder in
      let target = folder.appending(path: "model")
      try writeFolderAtomically(to: target) {
        try writeAtomically(Data("old".utf8), to: $0.appending(path: "a"))
      }
      #expect(throws: Stop.self) {
        try writeFolderAtomically(to: target) {
          try writeAtomically(Data("new".utf8), to: $0.appending(path: "a"))
          throw Stop()
        }
      }
      #expect(throws: Stop.self) {
        unsafe try writeAtomically(to: target.appending(path: "a")) { _ in throw Stop() }
      }
      #expect(try Data(contentsOf: target.appending(path: "a")) == Data("old".utf8))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
    }
  }

  /// Where the process that is killed writes; the same for both processes.
  private static var killed: URL {
    FileManager.default.temporaryDirectory.appending(path: "kymo-killed-while-writing/model")
  }

  @Test("a process killed while it writes leaves the old folder") func kill() async throws {
    let parent = CheckpointTests.killed.deletingLastPathComponent()
    try? FileManager.default.removeItem(at: parent)
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    await #expect(processExitsWith: .signal(SIGKILL)) {
      try writeFolderAtomically(to: CheckpointTests.killed) {
        try writeAtomically(Data("old".utf8), to: $0.appending(path: "a"))
      }
      try writeFolderAtomically(to: CheckpointTests.killed) {
        try writeAtomically(Data("new".utf8), to: $0.appending(path: "a"))
        Foundation.kill(getpid(), SIGKILL)
      }
    }
    let kept = CheckpointTests.killed.appending(path: "a")
    #expect(try Data(contentsOf: kept) == Data("old".utf8))
    try FileManager.default.removeItem(at: parent)
  }
}
