// Files and folders that appear whole or not at all, whatever fails and whoever else writes.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("A file or folder that is written") struct AtomicFileTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() }
  }

  @Test("in pieces, with an early one replaced at the end, has what was written") func pieces()
    throws
  {
    let url = folder.path("a.bin")
    let file = try AtomicFile(url)
    for byte in 0..<3 { try file.write([UInt8(byte), UInt8(byte)]) }
    try file.replace(at: 1, with: [7, 8])
    #expect(try names.allSatisfy { $0 != "a.bin" }, "it has no name yet")
    try file.commit()
    #expect(try Data(contentsOf: url) == Data([0, 7, 8, 1, 2, 2]))
    #expect(file.count == 6)
    #expect(try names == ["a.bin"])
  }

  @Test("and given up, leaves the old one and nothing else") func givenUp() throws {
    let url = folder.path("a.bin")
    try AtomicFile.write(Data("old".utf8), to: url)
    do {
      let file = try AtomicFile(url)
      try file.write(Data("new".utf8))
    }
    #expect(try Data(contentsOf: url) == Data("old".utf8))
    #expect(try names == ["a.bin"])
  }

  @Test("by several writers at once is that of one of them, whole") func concurrent() async throws {
    let url = folder.path("a.bin")
    let contents = (0..<8).map { Data(repeating: UInt8($0), count: 50_000) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for content in contents {
        group.addTask { for _ in 0..<5 { try AtomicFile.write(content, to: url) } }
      }
      try await group.waitForAll()
    }
    #expect(contents.contains(try Data(contentsOf: url)))
    #expect(try names == ["a.bin"])
  }

  @Test("where it cannot be, says the full path and the system's reason") func places() throws {
    let missing = folder.path("no/a.bin")
    let error = try #require(throws: FileError.self) { try AtomicFile.write(Data(), to: missing) }
    #expect(error.kind == .unwritable)
    #expect(error.path == missing.path)
    #expect(
      error.description == "'\(missing.path)' cannot be written: no such file or directory. "
        + "Make the folder first, or choose one that is there.")
    try AtomicFolder.make(missing.deletingLastPathComponent())
    let inPlaceOfFolder = try #require(throws: FileError.self) {
      try AtomicFile.write(Data([1]), to: folder.path("no"))
    }
    #expect(inPlaceOfFolder.reason == "is a directory")
    #expect(try names == ["no"])
    try AtomicFile.write(Data(), to: folder.path("file"))
    let belowFile = try #require(throws: FileError.self) {
      try AtomicFolder.make(folder.path("file/below/it"))
    }
    #expect(belowFile.reason == "not a directory")
  }

  @Test("on a full disk says how much it wanted") func full() throws {
    let huge = try #require(throws: FileError.self) {
      try AtomicFile(folder.path("a.bin"), expectedBytes: 1 << 60)
    }
    guard case .diskFull(let needed, let free) = huge.kind else {
      Issue.record("\(huge)")
      return
    }
    #expect(needed == 1 << 60 && free > 0 && free < needed)
    #expect(huge.description.contains("the disk is full (1.2 EB wanted"))
    #expect(try names.isEmpty)
  }

  @Test("of another name is not taken for one that is not complete") func unfinishedNames() throws {
    for name in [".a.unfinished-1-2", ".b.unfinished-1-2", "a.unfinished-1-2", ".hidden"] {
      try Data().write(to: folder.path(name))
    }
    UnfinishedName.removeAll(in: folder.url, of: "a")
    #expect(try names == [".b.unfinished-1-2", ".hidden", "a.unfinished-1-2"])
    UnfinishedName.removeAll(in: folder.url)
    #expect(try names == [".hidden", "a.unfinished-1-2"])
  }

  @Test("is never an input, replaces nothing unasked, and only regular files") func rule() throws {
    let (input, link) = (folder.path("in.npz"), folder.path("link"))
    try Data("data".utf8).write(to: input)
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder.url)
    let throughLink = link.appending(path: "in.npz")
    func refusal(_ url: URL, force: Bool = true) -> String {
      do throws(FileError) { try AtomicFile.check(url, inputs: [input], force: force) } catch {
        #expect(error.kind == .kept)
        return error.reason
      }
      return "none"
    }
    #expect(refusal(throughLink).hasPrefix("it is what is read"))
    try FileManager.default.linkItem(at: input, to: folder.path("hard.npz"))
    #expect(refusal(folder.path("hard.npz")).hasPrefix("it is what is read"))
    #expect(refusal(folder.path("new.npz"), force: false) == "none")
    try Data("old".utf8).write(to: folder.path("old.npz"))
    #expect(refusal(folder.path("old.npz")) == "none")
    #expect(refusal(folder.path("old.npz"), force: false) == "it exists already")
    #expect(unsafe mkfifo(folder.path("pipe").path, 0o600) == 0)
    for (name, words) in [("pipe", "is a pipe"), ("link", "is a symbolic link")] {
      #expect(refusal(folder.path(name)) == words)
      #expect(throws: FileError.self) { try AtomicFile.write(Data(), to: folder.path(name)) }
    }
    #expect(refusal(URL(filePath: "/dev/null")) == "is a device")
  }

  @Test("and was left by a killed process goes when its name is written again") func leftovers()
    throws
  {
    let (left, young) = (folder.path(".a.unfinished-1-2"), folder.path(".a.unfinished-3-4"))
    for url in [left, young] { try Data().write(to: url) }
    let old = [FileAttributeKey.modificationDate: Date.now - 120]
    try FileManager.default.setAttributes(old, ofItemAtPath: left.path)
    try AtomicFile.write(Data(), to: folder.path("a"))
    #expect(try names == [".a.unfinished-3-4", "a"])
  }

  @Test("for a while goes with its owner, and one of a killed owner with the next") func temporary()
    throws
  {
    let place = try TemporaryPlace().url
    #expect(!FileManager.default.fileExists(atPath: place.path))
    let (held, young) = (try TemporaryPlace(), place)
    try AtomicFolder.make(young)
    let next = try TemporaryPlace()
    #expect(FileManager.default.fileExists(atPath: held.url.path))
    #expect(FileManager.default.fileExists(atPath: young.path), "it may be about to be held")
    try FileManager.default.removeItem(at: young)
    withExtendedLifetime((held, next)) {}
  }

  // MARK: Folders

  @Test("replaces an older folder, and a failure leaves the older one") func folders() throws {
    struct Stop: Error {}
    let target = folder.path("model")
    try AtomicFolder.write(to: target) {
      try Data("old".utf8).write(to: $0.appending(path: "a"))
      #expect($0.lastPathComponent.hasPrefix(".model.unfinished-\(getpid())-"))
    }
    try AtomicFolder.write(to: target) {
      try AtomicFolder.make($0.appending(path: "deep/er"))
      try Data("new".utf8).write(to: $0.appending(path: "deep/er/a"))
    }
    #expect(throws: Stop.self) {
      try AtomicFolder.write(to: target) {
        try Data("newest".utf8).write(to: $0.appending(path: "a"))
        throw Stop()
      }
    }
    #expect(try Data(contentsOf: target.appending(path: "deep/er/a")) == Data("new".utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: target.path) == ["deep"])
    #expect(try names == ["model"])
  }
}
