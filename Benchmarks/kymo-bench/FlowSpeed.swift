// A time step of flow past a cylinder, against NumPy and SciPy and against what memory and arithmetic
// allow.
import Foundation
import KymoNumerics
import KymoSolvers

/// Bytes that all threads together read and write in a second, in arrays of the size of a flow's.
func streamingRate() -> Double {
  let count = 1 << 20
  // Each thread copies between arrays of its own.
  nonisolated(unsafe) let arrays = unsafe (0..<2 * threads).map { _ in
    let array = UnsafeMutableBufferPointer<Double>.allocate(capacity: count)
    unsafe array.initialize(repeating: 1)
    return unsafe array
  }
  defer { unsafe arrays.forEach { unsafe $0.deallocate() } }
  let timing = Timing(100) {
    parallelFor(threads, threads: threads) { worker in
      _ = unsafe arrays[2 * worker].update(fromContentsOf: arrays[2 * worker + 1])
    }
  }
  return Double(threads * 2 * count * 8) / timing.fastest
}

func benchmarkFlow() throws {
  let (columns, rows, step) = (1024, 512, 1e-3)
  let peer = try peer([
    "Benchmarks/peers/cylinder_scipy.py", "--columns", "\(columns)", "--rows", "\(rows)", "--steps",
    "5", "--step", "\(step)", "--threads", "\(threads)",
  ])
  let peerSeconds = try number(peer, "secondsPerStep")
  var configuration = CylinderConfiguration()
  (configuration.columns, configuration.rows) = (columns, rows)
  // Counted in kymo_flow.h.
  let operations = (4 * 64 + 2 * (2.5 * 10 + 3) + 20) * Double(columns * rows)
  let (arithmetic, rate) = (operations / corePeak() / Double(threads), streamingRate())
  let streaming = 8.0 * 24 * Double(columns * rows) / rate
  for workers in Set([1, threads]).sorted() {
    let flow = try CylinderFlow(configuration: configuration, threads: workers)
    for _ in 0..<5 { flow.take(step: step) }
    try difference(
      "drag of 5 steps of a flow",
      (flow.coefficients.drag - number(peer, "drag")).magnitude, atMost: 1e-8)
    let timing = Timing(60, warmUp: 3) { flow.take(step: step) }
    line(
      "cylinder step, threads: \(workers)",
      """
      \(format(timing.fastest * 1e3, 2)) ms, median \(format(timing.median * 1e3, 2)); SciPy \
      \(format(peerSeconds * 1e3)) ms: \(format(peerSeconds / timing.fastest, 0))× faster
      """)
    line(
      "  floors of all threads",
      """
      streaming \(format(streaming * 1e3, 2)) ms (\(format(rate / 1e9)) GB/s), arithmetic \
      \(format(arithmetic * 1e3, 2)) ms; \(format(timing.fastest / max(streaming, arithmetic)))× \
      above the larger
      """)
  }
}
