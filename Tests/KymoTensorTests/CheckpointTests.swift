// Checkpoints: what is written is there in full, whenever the process is killed.
import Foundation
import KymoNN
import KymoTensor
import Testing

@Suite("Checkpoints") struct CheckpointTests {
  private struct Record: Codable, Equatable {
    var loss: Double
  }

  private func write(_ step: Int, _ checkpoints: Checkpoints) throws {
    try checkpoints.write(
      step: step, tensors: ["model": [("w", Tensor(Double(step)))], "optimizer": []],
      record: Record(loss: 1 / Double(step)))
  }

  @Test("the newest few are kept and read back") func keeping() throws {
    try withFolder { folder in
      let checkpoints = Checkpoints(in: folder.appending(path: "checkpoints"), keeping: 2)
      #expect(try checkpoints.latest() == nil)
      for step in [5, 10, 1_000_000_000, 2_000_000_000] { try write(step, checkpoints) }
      #expect(try checkpoints.all().map(\.step) == [1_000_000_000, 2_000_000_000])
      let latest = try #require(try checkpoints.latest())
      #expect(try latest.record(Record.self).loss == 1 / 2e9)
      #expect(try latest.tensors("model")[0].tensor.item == 2e9)
      #expect(try latest.tensors("optimizer").isEmpty)
      try write(2_000_000_000, checkpoints)
      #expect(try checkpoints.all().count == 2, "the same step again replaces")
      let names = try FileManager.default.contentsOfDirectory(atPath: checkpoints.folder.path)
      #expect(names.count == 2, "nothing else is left: \(names)")
    }
  }

  @Test("a damaged record says what to do") func damage() throws {
    try withFolder { folder in
      let checkpoints = Checkpoints(in: folder)
      try write(1, checkpoints)
      let latest = try #require(try checkpoints.latest())
      try Data("{".utf8).write(to: latest.folder.appending(path: "record.json"))
      let error = #expect(throws: TensorError.self) { try latest.record(Record.self) }
      #expect(error?.remedy.contains("continue from the checkpoint before it") == true)
    }
  }

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
    FileManager.default.temporaryDirectory.appending(path: "kymo-killed-while-writing")
  }

  @Test("a process killed while it writes leaves the last good checkpoint") func kill() async throws
  {
    try? FileManager.default.removeItem(at: CheckpointTests.killed)
    await #expect(processExitsWith: .signal(SIGKILL)) {
      let checkpoints = Checkpoints(in: CheckpointTests.killed)
      struct Deadly: Encodable {
        // The tensors are written by now, the record is not.
        func encode(to encoder: any Encoder) throws { Foundation.kill(getpid(), SIGKILL) }
      }
      try checkpoints.write(
        step: 1, tensors: ["model": [("w", Tensor(7))]], record: Record(loss: 1))
      try checkpoints.write(step: 2, tensors: ["model": [("w", Tensor(8))]], record: Deadly())
    }
    let checkpoints = Checkpoints(in: CheckpointTests.killed)
    let latest = try #require(try checkpoints.latest())
    #expect(latest.step == 1)
    #expect(try latest.tensors("model")[0].tensor.item == 7)
    #expect(try latest.record(Record.self).loss == 1)
    try write(3, checkpoints)
    let names = try FileManager.default.contentsOfDirectory(atPath: checkpoints.folder.path)
    #expect(names.count == 2, "the next one removes the leftovers: \(names)")
    try FileManager.default.removeItem(at: CheckpointTests.killed)
  }
}
