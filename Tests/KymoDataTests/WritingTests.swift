// A file appears complete or not at all: when the disk is full, and when the writer is killed.
import Foundation
import KymoNumerics
import Testing

@testable import KymoData

@Suite("A data file") struct WritingTests {
  static func files(in bench: Workbench) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: bench.folder.path).sorted()
  }

  @Test("that hits a limit while it grows says how much was needed, and leaves the old one")
  func limit() async throws {
    let bench = try Workbench()
    let old = try bench.write([1, 2, 3], "x.npz")
    let path = bench.folder.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      signal(SIGXFSZ, SIG_IGN)
      var bound = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
      try #require(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &bound) == 0)
      let recordings = Recordings(x: HostArray(repeating: 1, shape: [20, 1, 50, 50]))
      do {
        try recordings.write(to: URL(filePath: path).appending(path: "x.npz"))
        exit(2)
      } catch let error as FileError {
        guard case .diskFull(let needed, let free) = error.kind, needed > 200_000, free > 0 else {
          exit(3)
        }
      }
    }
    #expect(try [UInt8](Data(contentsOf: old)) == [1, 2, 3])
    #expect(try WritingTests.files(in: bench) == ["x.npz"])
  }

  @Test("is the same in every byte whether recordings come whole or frame by frame")
  func byFrame() throws {
    let bench = try Workbench()
    let (channels, frames, cells) = (3, 5, 12)
    let numbers = (0..<2 * channels * frames * cells).map { Float($0).squareRoot() }
    let size = channels * frames * cells
    func write(_ name: String, _ body: (RecordingsWriter) throws -> Void) throws -> Data {
      let writer = try RecordingsWriter(
        bench.url(name), shape: [2, channels, frames, 3, 4], parameterCount: 1,
        metadata: RecordingsMetadata())
      try body(writer)
      try writer.finish()
      return try Data(contentsOf: bench.url(name))
    }
    let whole = try write("whole.npz") { writer in
      for index in 0..<2 {
        try writer.append(
          Array(numbers[index * size..<(index + 1) * size]), parameters: [Float(index)])
      }
    }
    let parts = try write("parts.npz") { writer in
      for index in 0..<2 {
        for frame in 0..<frames {
          let places = (0..<channels).map { index * size + ($0 * frames + frame) * cells }
          try writer.append(
            frame: places.flatMap { numbers[$0..<$0 + cells] }, parameters: [Float(index)])
        }
      }
    }
    #expect(parts == whole)
    #expect(try Recordings.load(bench.url("parts.npz")).count == 2)
  }

  @Test("for which the disk has no room is refused before it is begun") func noRoom() throws {
    let bench = try Workbench()
    let error = try #require(throws: FileError.self) {
      try RecordingsWriter(
        bench.url("x.npz"), shape: [1 << 20, 64, 1 << 12, 1 << 12], parameterCount: 0,
        metadata: RecordingsMetadata())
    }
    guard case .diskFull(let needed, let free) = error.kind else {
      Issue.record("\(error)")
      return
    }
    #expect(needed >= 1 << 52 && free < needed && free > 0)
    #expect(try WritingTests.files(in: bench).isEmpty)
  }

  @Test("whose writer is killed halfway leaves the old one and no rest") func killed() async throws
  {
    let bench = try Workbench()
    let old = try bench.write([1, 2, 3], "x.npz")
    let path = bench.folder.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let writer = try RecordingsWriter(
        URL(filePath: path).appending(path: "x.npz"), shape: [10, 1, 50, 50], parameterCount: 0,
        metadata: RecordingsMetadata())
      for _ in 0..<7 { try writer.append([Float](repeating: 0, count: 2500), parameters: []) }
      kill(getpid(), SIGKILL)
    }
    #expect(try [UInt8](Data(contentsOf: old)) == [1, 2, 3])
    // Where the file system cannot make files without a name, a hidden one may stay.
    #expect(try WritingTests.files(in: bench).filter { !$0.hasPrefix(".") } == ["x.npz"])
  }

  @Test("that is given up leaves nothing; one that is finished replaces the old") func replaced()
    throws
  {
    let bench = try Workbench()
    let url = try bench.write([1, 2, 3], "x.npz")
    let recordings = Recordings(x: noise([2, 1, 3, 4], seed: 5))
    do {
      let writer = try RecordingsWriter(
        url, shape: [2, 1, 3, 4], parameterCount: 0, metadata: RecordingsMetadata())
      try writer.append(recordings[0].exchanged(0).elements, parameters: [])
    }
    #expect(try [UInt8](Data(contentsOf: url)) == [1, 2, 3])
    #expect(try WritingTests.files(in: bench) == ["x.npz"])
    try recordings.write(to: url)
    let first = try Data(contentsOf: url)
    #expect(try Recordings.load(url)[1] == recordings[1])
    #expect(try WritingTests.files(in: bench) == ["x.npz"])
    try recordings.write(to: url)
    #expect(try Data(contentsOf: url) == first, "the same data give the same bytes")
    let mode = try FileManager.default.attributesOfItem(atPath: url.path)[.posixPermissions]
    #expect(mode as? Int == 0o644)
  }

  @Test("in a folder that does not exist, or in place of a folder, is refused") func places()
    throws
  {
    let bench = try Workbench()
    let recordings = Recordings(x: noise([1, 1, 3, 4], seed: 5))
    let missing = try #require(throws: FileError.self) {
      try recordings.write(to: bench.url("no/x.npz"))
    }
    #expect(missing.kind == .unwritable)
    #expect(missing.path == bench.url("no/x.npz").path)
    let folder = try #require(throws: FileError.self) { try recordings.write(to: bench.folder) }
    #expect(folder.kind == .kept)
    #expect(try WritingTests.files(in: bench).isEmpty)
  }

  @Test("is written block by block: 256 MB of data take no memory") func streaming() async throws {
    let bench = try Workbench()
    let path = bench.folder.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      let url = URL(filePath: path).appending(path: "x.npz")
      let recording = [Float](repeating: 0.5, count: 1 << 20)
      let before = try peakMemory()
      let writer = try RecordingsWriter(
        url, shape: [64, 1, 1 << 10, 1 << 10], parameterCount: 1, metadata: RecordingsMetadata())
      for index in 0..<64 { try writer.append(recording, parameters: [Float(index)]) }
      try writer.finish()
      if try peakMemory() - before > 16 << 20 { exit(2) }
    }
    let read = try Recordings.load(bench.url("x.npz"))
    #expect(read.count == 64 && read.isMapped && read.params?[63, 0] == 63)
  }
}
