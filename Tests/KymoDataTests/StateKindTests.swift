// Particle sets and vectors in files: written by us and by NumPy, mapped, read in part, inspected.
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

/// Entry [n, c, t, p] of the recordings of these tests.
private func entry(_ n: Int, _ c: Int, _ t: Int, _ p: Int) -> Float {
  Float(1000 * n + 100 * c + 10 * t + p)
}

private func states(_ shape: [Int]) -> HostArray<Float> {
  var all = HostArray<Float>(repeating: 0, shape: shape)
  for n in 0..<shape[0] {
    for c in 0..<shape[1] {
      for t in 0..<shape[2] {
        for p in 0..<shape[3] { all[n, c, t, p] = entry(n, c, t, p) }
      }
    }
  }
  return all
}

private func recordings(_ kind: StateKind, _ shape: [Int]) -> Recordings {
  var metadata = RecordingsMetadata()
  metadata.stateKind = kind
  (metadata.frameInterval, metadata.systemName) = (0.5, "toy")
  return Recordings(x: states(shape), metadata: metadata)
}

@Suite("States that are not fields") struct StateKindTests {
  @Test(
    "particles and vectors are mapped from our files", arguments: [StateKind.particles, .vector])
  func exchange(_ kind: StateKind) throws {
    let bench = try Workbench()
    let shape = kind == .particles ? [3, 2, 4, 7] : [3, 2, 4, 1]
    let made = recordings(kind, shape)
    try made.write(to: bench.url("a.npz"))
    let read = try Recordings.load(bench.url("a.npz"))
    #expect(read.stateKind == kind && read.isMapped && read.shape == shape)
    #expect(read.frameInterval == 0.5)
    for recording in 0..<3 { #expect(read[recording] == made[recording]) }
    // Batches of frames, read where they lie.
    let frames = FrameSet(read, series: [.init(recording: 1, frames: 1..<4)])
    #expect(frames.stateShape == Array([shape[1], shape[3]]))
    let state = frames.states([2])
    for c in 0..<2 {
      for p in 0..<shape[3] { #expect(state[0, c, p] == entry(1, c, 3, p)) }
    }
    // Frame by frame gives the same file.
    var metadata = made.metadata
    metadata.provenance = ""
    let writer = try RecordingsWriter(
      bench.url("b.npz"), shape: shape, parameterCount: 0, metadata: metadata)
    for recording in 0..<3 {
      for frame in 0..<4 {
        try writer.append(frame: made[recording].slice(frame).elements, parameters: [])
      }
    }
    try writer.finish()
    #expect(try Data(contentsOf: bench.url("b.npz")) == Data(contentsOf: bench.url("a.npz")))
  }

  @Test("NumPy sees (recordings, time, particles, coordinates) and writes the same") func numPy()
    throws
  {
    let bench = try Workbench()
    try recordings(.particles, [3, 2, 4, 7]).write(to: bench.url("a.npz"))
    try recordings(.vector, [3, 2, 4, 1]).write(to: bench.url("v.npz"))
    try bench.python(
      """
      a = np.load('a.npz')
      assert a['x'].shape == (3, 4, 7, 2), a['x'].shape
      assert a['x'][2, 1, 3, 1] == 2000 + 100 + 10 + 3
      assert str(a['kind']) == 'particles'
      v = np.load('v.npz')
      assert v['x'].shape == (3, 4, 2) and v['x'][1, 2, 1] == 1000 + 100 + 20
      np.save('b.npy', a['x'])
      np.save('w.npy', v['x'])
      np.savez('c.npz', x=a['x'], kind='particles', dt=0.5, params=np.ones(3))
      np.savez('d.npz', x=a['x'], kind='fog')
      """)
    let bare = try Recordings.load(bench.url("b.npy"), axes: "N,T,P,C")
    #expect(bare.stateKind == .particles && bare.isMapped && bare.shape == [3, 2, 4, 7])
    #expect(bare[2] == recordings(.particles, [3, 2, 4, 7])[2])
    let vector = try Recordings.load(bench.url("w.npy"), axes: "N,T,C")
    #expect(vector.stateKind == .vector && vector.shape == [3, 2, 4, 1])
    let named = try Recordings.load(bench.url("c.npz"))
    #expect(named.stateKind == .particles && named.parameterCount == 1)
    let error = #expect(throws: FormatError.self) { try Recordings.load(bench.url("d.npz")) }
    #expect(error?.remedy == "Correct or remove the array 'kind'.")
  }

  @Test("inspect says what they are, and nothing of boundaries") func inspection() throws {
    let bench = try Workbench()
    var random = RandomStream(seed: 3, purpose: .testing)
    var metadata = RecordingsMetadata()
    (metadata.stateKind, metadata.frameInterval) = (.particles, 1)
    let x = HostArray<Float>(
      (0..<4 * 2 * 20 * 50).map { _ in Float(random.normal()) }, shape: [4, 2, 20, 50])
    try Recordings(x: x, metadata: metadata).write(to: bench.url("a.npz"))
    let inspection = try Inspection(bench.url("a.npz"))
    let text = inspection.text
    #expect(text.contains("'x' as (N, T, P, C) = (4, 20, 50, 2)"), "\(text)")
    #expect(!text.contains("boundary") && !text.contains("seam") && inspection.seams.isEmpty)
    // White noise is what such states may be.
    #expect(!text.contains("noise") && !text.contains("unrelated"), "\(text)")
    #expect(!inspection.methods[0].isPossible && inspection.methods[1].isPossible)
  }
}
