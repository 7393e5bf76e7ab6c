// Recordings of Kuramoto–Sivashinsky against SciPy at equal accuracy.
import Foundation
import KymoData
import KymoNumerics
import KymoSolvers

/// Root mean square over recordings of the distance between frames.
func distance(_ a: [Double], _ b: [Double], frame: Int, frames: Int, points: Int) -> Double {
  let recordings = a.count / (frames * points)
  var sum = 0.0
  for recording in 0..<recordings {
    let start = (recording * frames + frame) * points
    for i in start..<start + points { sum += (a[i] - b[i]) * (a[i] - b[i]) }
  }
  return (sum / Double(recordings * points)).squareRoot()
}

func benchmarkData() throws {
  var configuration = KuramotoSivashinskyConfiguration()
  configuration.recordings = 512
  let solver = try KuramotoSivashinsky(configuration: configuration)
  _ = try solver.simulate(0..<16, threads: threads)
  let start = ContinuousClock.now
  _ = try solver.simulate(0..<512, threads: threads)
  let rate = 512 / ((ContinuousClock.now - start) / .seconds(1))

  let folder = FileManager.default.temporaryDirectory.appending(path: "kymo-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let script = "Benchmarks/peers/ks_scipy.py"
  let slow = try peer([script, "--recordings", "8", "--processes", "\(threads)"])
  let reference = try number(slow, "recordingsPerSecond")
  line(
    "Kuramoto–Sivashinsky recordings",
    """
    \(format(rate, 0)) per second; SciPy \(format(reference, 2)): \(format(rate / reference, 0))× \
    more, on \(threads) threads and processes
    """)

  // The same initial states with the peer, with ours, and with a much finer mesh and step.
  let (frames, points) = (33, configuration.pointCount)
  let (its, finer) = (folder.appending(path: "peer.npz"), folder.appending(path: "finer.npz"))
  _ = try peer([
    script, "--recordings", "4", "--frames", "\(frames)", "--seed", "5", "--save", its.path,
  ])
  _ = try peer([
    script, "--start", its.path, "--frames", "\(frames)", "--pool", "4", "--steps", "64", "--save",
    finer.path,
  ])
  let given = try NPZFile(its)
  let ours = solver.advance(
    fields: try given.doubles("u0").elements, dampings: try given.doubles("gamma").elements,
    frameCount: frames, threads: threads)
  let (peerFrames, exact) = (
    try given.doubles("x").elements, try NPZFile(finer).doubles("x").elements
  )
  for frame in [1, 8, 32] {
    let (mine, theirs) = (
      distance(ours, exact, frame: frame, frames: frames, points: points),
      distance(peerFrames, exact, frame: frame, frames: frames, points: points)
    )
    // Rates are compared at equal accuracy: ours must not be the larger one.
    try difference("SciPy's error, frame \(frame)", theirs, atMost: 1e-5)
    try difference("our error, frame \(frame)", mine, atMost: theirs)
  }
}
