// Files that are cut, damaged or made to do harm: each gives a typed error, quickly, without taking
// memory.
import Foundation
import KymoNumerics
import Testing

@testable import KymoData

/// Seconds that this thread has worked.
private func processorTime() -> Double {
  var time = timespec()
  unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

@Suite("A malformed file gives a typed error", .serialized) struct HostileFileTests {
  @Test(
    "within a second", arguments: hostileHeaders + hostileArchives + hostilePacked
  )
  func refused(_ hostile: HostileCase) throws {
    let bench = try Workbench()
    let url = try bench.write(hostile.bytes(), "hostile.npz")
    // Of this thread alone, so that a busy machine does not count.
    let start = processorTime()
    let found = try formatError { try Recordings.load(url) }
    let time = processorTime() - start
    #expect(hostile.kinds.contains(found.kind), "\(found)")
    #expect(found.file == "hostile.npz" && !found.found.isEmpty && !found.remedy.isEmpty)
    #expect(!found.description.contains("\u{1B}"), "control characters reach the terminal")
    #expect(time < 1, "\(time) s")
    // Looking at the list of arrays, as the error for a missing key does, is no way round.
    _ = try? ArrayFiles.open(url).listing
  }

  @Test("without taking memory") func memoryPeak() async throws {
    let bench = try Workbench()
    for (index, hostile) in (hostileHeaders + hostileArchives + hostilePacked).enumerated() {
      _ = try bench.write(hostile.bytes(), "\(index).npz")
    }
    // In a process of its own, where no other test takes memory.
    let path = bench.folder.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      let before = try peakMemory()
      for name in try FileManager.default.contentsOfDirectory(atPath: path) {
        do {
          _ = try Recordings.load(URL(filePath: path).appending(path: name))
          exit(2)
        } catch {
          continue
        }
      }
      // One entry claims 64 MB, rightly but for its last 4 kB; the bombs hold 128 MB.
      let growth = try peakMemory() - before
      if growth > 96 << 20 { exit(3) }
    }
  }

  @Test("at whatever byte it is cut", arguments: [false, true])
  func cut(_ isPacked: Bool) throws {
    let bench = try Workbench()
    try bench.python(
      """
      a = dict(x=np.arange(24, dtype='f4').reshape(2, 1, 3, 4), params=np.ones((2, 1), 'f4'),
        boundary=np.array(['periodic']))
      np.savez\(isPacked ? "_compressed" : "")('a.npz', **a); np.save('a.npy', a['x'])
      """)
    for name in ["a.npz", "a.npy"] {
      let url = bench.url(name)
      #expect(try Recordings.load(url).count == 2)
      // Cut ever shorter in place: making a new file each time is slow on some disks.
      for length in try Data(contentsOf: url).indices.reversed() {
        try #require(unsafe truncate(url.path, off_t(length)) == 0)
        #expect(throws: FormatError.self, "\(name) cut to \(length)") {
          try Recordings.load(url)
        }
      }
    }
  }

  @Test("or the same data, whichever byte is changed", arguments: [false, true])
  func changed(_ isPacked: Bool) throws {
    let bench = try Workbench()
    try bench.python(
      """
      np.savez\(isPacked ? "_compressed" : "")('a.npz', x=np.arange(24, dtype='f4').reshape(2, 1, 3, 4))
      """)
    let url = bench.url("a.npz")
    let whole = [UInt8](try Data(contentsOf: url))
    let expected = Recordings(x: HostArray((0..<24).map(Float.init), shape: [2, 1, 3, 4]))
    let file = try FileHandle(forUpdating: url)
    func set(_ byte: UInt8, at offset: Int) throws {
      try file.seek(toOffset: UInt64(offset))
      try file.write(contentsOf: [byte])
    }
    var (refused, same) = (0, 0)
    for offset in whole.indices {
      for change: UInt8 in [0x01, 0x80, 0xFF] {
        try set(whole[offset] ^ change, at: offset)
        do {
          let read = try Recordings.load(url)
          // Dates, attributes and the like may change; numbers may not.
          #expect(read.shape == expected.shape && read[1] == expected[1], "byte \(offset)")
          same += 1
        } catch {
          refused += 1
        }
      }
      try set(whole[offset], at: offset)
    }
    #expect(refused > 4 * same, "\(refused) refused, \(same) the same")
  }

  @Test("when it is a pipe, a folder, a device or not there, without waiting") func notRegular()
    throws
  {
    let bench = try Workbench()
    #expect(unsafe mkfifo(bench.url("pipe").path, 0o600) == 0)
    for path in [
      bench.url("pipe").path, bench.folder.path, "/dev/zero", "/dev/full", bench.url("no").path,
    ] {
      let error = try formatError { try Recordings.load(URL(filePath: path)) }
      #expect(error.kind == .unreadable, "\(error)")
    }
  }

  @Test("when the array needs more memory than there is, though the file is small") func memory()
    throws
  {
    let bench = try Workbench()
    // A file with a hole: as large as the shape says, in Fortran order, so that it must be read.
    // Twice the memory that is there now, since other programs may give some back meanwhile.
    let length = (2 * MemoryLimit.bytes / 4096 + 1) * 4096
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    let header =
      "{'descr': '<f4', 'fortran_order': True, 'shape': (\(length / 4096), 1, 32, 32), }\n"
    bytes.append(UInt64(header.utf8.count), bytes: 2)
    let url = try bench.write(bytes + Array(header.utf8), "x.npy")
    let file = try FileHandle(forUpdating: url)
    try file.truncate(atOffset: UInt64(bytes.count + header.utf8.count + length))
    try file.close()
    let error = try formatError { try Recordings.load(url) }
    #expect(error.kind == .tooLarge, "\(error)")
    #expect(error.remedy.contains("numpy.savez"))
  }

  @Test("is what the tests above mean: the good file is read") func control() throws {
    let bench = try Workbench()
    let url = try bench.write(HostileArchive(goodEntry).bytes, "good.npz")
    #expect(try Recordings.load(url).shape == [2, 1, 3, 4])
    #expect((hostileHeaders + hostileArchives + hostilePacked).count >= 90)
  }
}
