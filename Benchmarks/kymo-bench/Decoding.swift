// Decoding of many states by principal components, as latent forecasts of large fields do it,
// against PyTorch's product of matrices and against what memory and arithmetic allow.
import Foundation
import KymoData
import KymoNumerics
import KymoReduction
import KymoTensor

func benchmarkDecoding() throws {
  let all = threadCount
  defer { setThreadCount(all) }
  let (shape, components, states, samples) = ([4, 256, 512], 32, 100, 64)
  let size = shape.reduce(1, *)
  let training = try FrameSet(states: HostArray<Float>(uniform([40] + shape, seed: 1)))
  let reduction = try PrincipalComponentReduction(
    fitting: training, configuration: .init(latentCount: components))
  let latents = uniform([states, components], seed: 2)

  // The map is affine: the peer gets its mean and what each component adds.
  let unit = (0..<components).flatMap { row in (0..<components).map { $0 == row ? 1.0 : 0 } }
  let mean = try reduction.decode(
    HostArray([Double](repeating: 0, count: components), shape: [1, components]))
  let images = try reduction.decode(HostArray(unit, shape: [components, components]))
  var given = mean.elements
  for (index, value) in images.elements.enumerated() {
    given.append(value - mean.elements[index % size])
  }
  given += latents.elements.map { Float($0) }
  let file = FileManager.default.temporaryDirectory
    .appending(path: "kymo-bench-\(ProcessInfo.processInfo.processIdentifier).f32")
  defer { try? FileManager.default.removeItem(at: file) }
  try unsafe given.withUnsafeBytes { unsafe Data($0) }.write(to: file)

  let operations = 2.0 * Double(states * size * components)
  for workers in Set([1, all]).sorted() {
    setThreadCount(workers)
    let peer = try peer([
      "Benchmarks/peers/components_torch.py", file.path, "--states", "\(states)", "--components",
      "\(components)", "--numbers", "\(size)", "--samples", "\(samples)", "--threads",
      "\(workers)",
    ])
    let reference = try number(peer, "seconds")
    var last: [Double] = []
    let timing = try Timing(7, warmUp: 1, operations: operations) {
      let fields = try reduction.decode(latents).elements
      last = stride(from: (states - 1) * size, to: states * size, by: size / samples)
        .map { Double(fields[$0]) }
    }
    try difference(
      "a field", relativeDistance(last, numbers(peer, "field")), atMost: 1e-5)
    // Every number of the fields is written, every vector read.
    let streaming =
      4.0 * Double((states + components) * size)
      / (streamingRate() * Double(workers) / Double(all))
    let arithmetic = operations / corePeak() / Double(workers)
    line(
      "\(states) fields, threads: \(workers)",
      """
      \(format(timing.fastest / Double(states) * 1e3, 2)) ms a field, median \
      \(format(timing.median / Double(states) * 1e3, 2)); PyTorch \
      \(format(reference / Double(states) * 1e3, 2)) ms: \
      \(format(reference / timing.fastest, 1))× faster
      """)
    line(
      "  floors",
      """
      streaming \(format(streaming / Double(states) * 1e3, 2)) ms, arithmetic \
      \(format(arithmetic / Double(states) * 1e3, 2)) ms; \
      \(format(timing.fastest / max(streaming, arithmetic)))× above the larger
      """)
  }
}
