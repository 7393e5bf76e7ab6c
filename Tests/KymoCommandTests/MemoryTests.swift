// Memory of a training on a mapped file: what a process holds of its own does not grow with the
// file.
//
// By hand with a large file: KYMO_MEMORY_MB=4096 swift test $KYMO_TEST_FLAGS --filter MemoryTests
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@Suite("Memory of a training", .serialized) struct MemoryTests {
  let temporary: TemporaryFolder
  let tool: Tool

  init() throws {
    temporary = try TemporaryFolder()
    tool = Tool(folder: temporary.url)
  }

  private static let (cells, frames) = (64, 256)

  /// Writes recordings of a pattern that alternates in two dimensions, 4 MB each; only two frames
  /// differ, so that making a large file takes as long as writing it.
  private func write(_ name: String, recordings: Int) throws {
    var metadata = RecordingsMetadata()
    (metadata.boundary, metadata.frameInterval) = ([.periodic, .periodic], 1)
    let (cells, frames) = (Self.cells, Self.frames)
    let states = (0..<2).map { phase in
      (0..<cells * cells).map { cell in
        let (row, column) = (Double(cell / cells), Double(cell % cells))
        return Float(sin(row / 8 + 2 * Double(phase)) * cos(column / 5))
      }
    }
    let writer = try RecordingsWriter(
      tool.file(name), shape: [recordings, 1, frames, cells, cells], parameterCount: 0,
      metadata: metadata)
    let recording = (0..<frames).flatMap { states[$0 % 2] }
    for _ in 0..<recordings { try writer.append(recording, parameters: []) }
    try writer.finish()
  }

  /// The largest value of a line of /proc/PROCESS/status, in bytes, until the process ends.
  private func peak(of running: Running, _ name: String) -> Int {
    var peak = 0
    while running.process.isRunning {
      let status =
        (try? String(
          contentsOfFile: "/proc/\(running.process.processIdentifier)/status", encoding: .utf8))
        ?? ""
      let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
      peak = max(peak, 1024 * (line.split(separator: " ").compactMap { Int($0) }.first ?? 0))
      Thread.sleep(forTimeInterval: 0.005)
    }
    return peak
  }

  /// Largest resident memory of its own, in bytes, of a training on a file.
  private func peak(_ name: String) throws -> Int {
    let recipe = """
      method: dynamics
      data: {train: \(name).npz}
      reduction:
        autoencoder:
          convolutional: {latentCount: 2, channels: [2, 2, 2], kernelWidth: 3}
          training: {batchSize: 16, phase: {steps: 30}}
      propagator:
        network:
          recurrent: {unitCount: 8}
          training: {windowLength: 8, windowsPerSequence: 2, batchSize: 4, phase: {steps: 20}}
      forecast: {warmUpSteps: 10, horizonSteps: 20}
      """
    try Data(recipe.utf8).write(to: tool.file("\(name).yaml"))
    // Whole pages go back to the system when they are free, so that the peak is of what is used.
    let training = try tool.start(
      "train", "\(name).yaml", "-o", "run-\(name)", "--threads", "1", "--quiet",
      environment: ["MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"])
    let peak = peak(of: training, "RssAnon:")
    let outcome = try training.wait()
    #expect(outcome.status == 0, "\(outcome.words)")
    return peak
  }

  @Test("of an inspection is bounded, mapped pages too, on a sparse file of a value") func sparse()
    throws
  {
    try python(
      """
      import h5py
      layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
      layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
      layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
      with h5py.File("sparse.h5", "w") as f:
        space = h5py.h5s.create_simple((100, 1, 1500, 1000))
        h5py.h5d.create(f.id, b"x", h5py.h5t.IEEE_F32LE, space, layout)
      """, in: temporary.url)
    let looking = try tool.start("inspect", "sparse.h5")
    let peak = peak(of: looking, "VmHWM:")
    #expect(try looking.wait().output.contains("constant"))
    #expect(peak > 10 << 20 && peak < 300 << 20, "\(peak >> 20) MB of 600")
  }

  @Test("grows by less than a twentieth of the file: autoencoder and LSTM on fields in 2D")
  func mapped() throws {
    let megabytes =
      ProcessInfo.processInfo.environment["KYMO_MEMORY_MB"].flatMap { Int($0) } ?? 512
    // Large enough that blocks of frames have their full size.
    try write("small.npz", recordings: 32)
    try write("large.npz", recordings: megabytes / 4)
    let (small, large) = (try peak("small"), try peak("large"))
    let growth = large - small
    print("memory: \(small >> 20) MB on 128 MB, \(large >> 20) MB on \(megabytes) MB")
    #expect(small > 10 << 20, "the peak was seen")
    #expect(growth < (megabytes << 20) / 20, "\(growth >> 20) MB more on a larger file")
  }
}
