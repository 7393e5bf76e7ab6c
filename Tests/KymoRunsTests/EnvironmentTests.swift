// What a run says about the program and the machine.
import Foundation
import KymoTestSupport
import Testing

@testable import KymoRuns

@Suite("The environment of a run") struct EnvironmentTests {
  private static let commit = "0123456789abcdef0123456789abcdef01234567"

  private func write(_ text: String, to file: URL) throws {
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  @Test("knows the commit of a branch, a packed branch, a detached head and a linked tree")
  func commit() throws {
    let folder = try TemporaryFolder()
    let tree = folder.path("tree")
    #expect(Software.commit(ofTree: tree) == nil)
    let git = tree.appending(path: ".git")
    try write("ref: refs/heads/main\n", to: git.appending(path: "HEAD"))
    #expect(Software.commit(ofTree: tree) == nil)
    try write(
      "# pack-refs with: peeled\n\(Self.commit) refs/heads/main\n",
      to: git.appending(path: "packed-refs"))
    #expect(Software.commit(ofTree: tree) == Self.commit)
    let newer = String(Self.commit.reversed())
    try write(newer + "\n", to: git.appending(path: "refs/heads/main"))
    #expect(Software.commit(ofTree: tree) == newer)
    try write(Self.commit, to: git.appending(path: "HEAD"))
    #expect(Software.commit(ofTree: tree) == Self.commit)

    let linked = folder.path("linked")
    let inner = git.appending(path: "worktrees/linked")
    try write("gitdir: \(inner.path)\n", to: linked.appending(path: ".git"))
    try write("ref: refs/heads/main\n", to: inner.appending(path: "HEAD"))
    try write("../..\n", to: inner.appending(path: "commondir"))
    #expect(Software.commit(ofTree: linked) == newer)
  }

  @Test("says what differs when a run is continued elsewhere")
  func differences() {
    var first = EnvironmentRecord(libtorch: "2.0", threads: 2, device: "cpu", seed: 1)
    first.dataHashes = ["a": "1", "b": "2"]
    var second = first
    #expect(second.differences(from: first).isEmpty)
    second.threads = 4
    // Other data are no matter of last bits: they are refused.
    second.dataHashes["b"] = "3"
    #expect(
      second.differences(from: first)
        == ["threads was '2' and is '4'"])
  }
}
