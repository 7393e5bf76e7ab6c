// A reservoir computer (1,000 units, 8 latents) and SINDy (Lorenz) against NumPy and SciPy, which
// run the very models that were fitted and saved here. The fastest of five runs counts on our side.
import Foundation
import KymoData
import KymoNumerics
import KymoPropagation

private func fastest(_ body: () throws -> Void) rethrows -> Double {
  try Timing(5, warmUp: 0, body).fastest
}

func benchmarkHostModels() throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "kymo-bench-\(UUID())")
  defer { try? FileManager.default.removeItem(at: folder) }
  let (latents, batch, steps) = (8, 32, 200)
  let series = HostArray(
    (0..<3000 * latents).map { index -> Double in
      let (t, n) = (0.1 * Double(index / latents), Double(index % latents))
      return sin((1 + 0.13 * n) * t + n) + 0.5 * cos((0.7 + 0.05 * n) * t)
    }, shape: [3000, latents])
  let configuration = ReservoirConfiguration()
  let reservoir = try ReservoirPropagator(fitting: [series], configuration: configuration)
  try reservoir.save(to: folder.appending(path: "reservoir"))
  let fit = try fastest {
    _ = try ReservoirPropagator(fitting: [series], configuration: configuration)
  }
  var final: [Double] = []
  func stepSeconds(_ batch: Int) throws -> Double {
    let starts = HostArray(
      (0..<batch).flatMap { series.slice(20 * $0).elements }, shape: [batch, latents])
    return try fastest {
      var memory = reservoir.initialMemory(batchCount: batch)
      let path = try reservoir.rollout(from: starts, stepCount: steps, memory: &memory)
      final = (0..<latents).map { path[0, steps - 1, $0] }
    } / Double(steps * batch)
  }
  let (single, many) = (try stepSeconds(1), try stepSeconds(batch))

  var (state, rows) = ([-8.0, 8, 27], [Double]())
  for _ in 0..<40_000 {
    rows += state
    let (x, y, z) = (state[0], state[1], state[2])
    let speed = [10 * (y - x), x * (28 - z) - y, x * y - 8.0 / 3 * z]
    state = zip(state, speed).map { $0 + 0.001 * $1 }
  }
  var settings = SINDyConfiguration()
  (settings.polynomialDegree, settings.threshold, settings.scaling) = (2, 0.5, .none)
  let lorenz = try SINDyPropagator(
    fitting: [HostArray(rows, shape: [40_000, 3])], frameInterval: 0.001, configuration: settings)
  try lorenz.save(to: folder.appending(path: "sparse"))
  var sparseFinal: [Double] = []
  let sparse =
    try fastest {
      var memory = lorenz.initialMemory(batchCount: 1)
      sparseFinal = try lorenz.rollout(
        from: HostArray([-8, 8, 27], shape: [1, 3]), stepCount: steps, memory: &memory
      ).elements.suffix(3)
    } / Double(steps)

  let other = try peer([
    "Benchmarks/peers/host_models.py", folder.appending(path: "reservoir").path,
    folder.appending(path: "sparse").path,
  ])
  func compare(_ name: String, _ seconds: Double, _ key: String, _ unit: Double, _ text: String)
    throws
  {
    let theirs = try number(other, key)
    line(
      name,
      """
      \(format(seconds * unit)) \(text), SciPy \(format(theirs * unit)): \
      \(format(theirs / seconds)) times as fast
      """)
  }
  // A free run of 200 steps from one model on both sides: rounding, fed back.
  try compare("reservoir, 1,000 units: fit", fit, "reservoirFit", 1e3, "ms")
  try compare("  step, one trajectory", single, "reservoirStep", 1e6, "µs")
  try compare("  step, each of \(batch)", many, "reservoirBatchStep", 1e6, "µs")
  try difference(
    "difference after 200 steps", distance(final, try numbers(other, "reservoirFinal")),
    atMost: 1e-10)
  try compare("SINDy, Lorenz: step", sparse, "sparseStep", 1e6, "µs")
  try difference(
    "difference after 200 steps", distance(sparseFinal, try numbers(other, "sparseFinal")),
    atMost: 1e-5)
}
