// Resident memory stays flat over a training with operations of our own.
import Foundation
import KymoNN
import KymoNumerics
import KymoTensor
import Testing

@Suite("Memory") struct LeakTests {
  /// Trains in a process of its own, where no other test allocates.
  @Test("2,000 steps leave no more behind than 200") func flat() async {
    await #expect(processExitsWith: .success) {
      let growth = try Training().growth(warmup: 200, steps: 2000)
      // One leaked tensor of 16 KB in each step would be 29 MB.
      try #require(growth < 4 << 20, "resident memory grew by \(growth) bytes")
    }
  }

  @Test("a leak does not pass") func negativeControl() async {
    await #expect(processExitsWith: .success) {
      var kept: [Tensor] = []
      let growth = try Training().growth(warmup: 200, steps: 2000) { kept.append($0) }
      try #require(growth > 20 << 20, "\(kept.count) tensors kept, growth \(growth)")
    }
  }
}

/// A convolution, an operation of our own, a dense layer, clipping, Adam, a running average.
private struct Training {
  private let kernel: Tensor
  private let head: Linear
  private let optimizer: AdaptiveOptimizer
  private let average: WeightAverage
  private let staging = Tensor.empty([8, 2, 256])

  init() {
    // Tiny steps: a second thread would only wait for the first, and hold up other tests.
    setThreadCount(1)
    var stream = RandomStream(seed: 1, purpose: .weights)
    kernel = Tensor.normal([2, 2, 5], using: &stream).requiringGradient()
    head = Linear(
      weight: (Tensor.normal([4, 256], using: &stream) * 0.05).detached().requiringGradient(),
      bias: Tensor.zeros([4]).requiringGradient())
    let named =
      [(name: "kernel", tensor: kernel)] + head.namedParameters().prefixed("head")
    optimizer = AdaptiveOptimizer(named)
    average = WeightAverage(named, decay: 0.99)
  }

  /// Bytes by which resident memory grows from the end of the warm-up to the last step.
  func growth(
    warmup: Int, steps: Int, _ keep: (Tensor) -> Void = { _ in }
  ) throws -> Int {
    var stream = RandomStream(seed: 2, purpose: .batches)
    let batch = (0..<staging.count).map { _ in Float(stream.normal()) }
    var before = 0
    for step in 0..<steps {
      if step == warmup { before = try residentMemory() }
      try catchingTensorErrors {
        staging.copy(from: batch)
        let hidden = squared(
          .convolution(staging, kernel, nil, stride: [1], padding: [2], dilation: [1]))
        let loss = (head(hidden) - 1).square().mean()
        loss.backward()
        let norm = gradientNorm(of: [kernel] + head.parameters)
        optimizer.step(rate: 1e-3, gradientScale: clippingScale(norm: norm, limit: 1))
        optimizer.zeroGradients()
        average.update()
        keep(hidden.detached())
      }
    }
    return try residentMemory() - before
  }

  /// x² with a gradient of its own.
  private func squared(_ x: Tensor) -> Tensor {
    let output = withoutGradients { x.square() }
    return Tensor.custom("square", inputs: [x], outputs: [output]) { gradients in
      [gradients[0].map { $0 * 2 * x }]
    }[0]
  }

  private func residentMemory() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    let pages = try #require(Int(text.split(separator: " ")[1]))
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }
}
