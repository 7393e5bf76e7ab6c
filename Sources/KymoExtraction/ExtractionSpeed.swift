// How fast the parts of a training run here, beside the arithmetic ceiling: for `kymo doctor` and the
// benchmarks.
import CKernels
import Foundation
import KymoData
import KymoNumerics
import KymoTensor

/// Timings of the parameter VAE's parts; medians of several runs.
package enum ExtractionSpeed {
  /// Seconds of one run and the floating-point operations that it needs.
  package struct Timing: Sendable {
    package var seconds: Double
    package var operations: Double
    package var gigaflops: Double { operations / seconds / 1e9 }
  }

  /// Training rollouts of the paper's size with their gradient: 50 recordings, 31 steps, 64 cells.
  package static func rollout(
    batch: Int = 50, steps: Int = 31, cells: Int = 64, channels: Int = 1, hidden: Int = 16,
    repeats: Int = 21
  ) -> Timing {
    let layout = KernelLayout(channels: channels, hidden: hidden, middleLayers: 1, linearWidth: 0)
    var random = RandomStream(seed: 1, purpose: .evaluation)
    let kernels = Tensor.normal([batch, layout.count], using: &random) * 0.05
    let truth = Tensor.normal([batch, channels, steps + 1, cells + 12], using: &random)
    let lambda = Tensor.ones([1])
    let weights = [Float](repeating: 1 / Float(batch * steps * cells * channels), count: steps)
    // Forward, gradients of kernels, gradients of inputs; 12, 8 and 4 border cells enter the layers.
    let products =
      5
      * (channels * hidden * (cells + 8) + hidden * hidden * (cells + 4)
        + hidden * channels * cells)
    return median(repeats, operations: Double(3 * 2 * products * steps * batch)) {
      _ = FusedRollout.loss(
        kernels: kernels, lambda: lambda, layout: layout, scale: 1, truth: truth, weights: weights,
        border: .truth)
    }
  }

  /// A convolution of the encoder's widest layer, forward only: 64 to 64 channels, 3 × 3.
  package static func convolution(repeats: Int = 11) -> Timing {
    var random = RandomStream(seed: 2, purpose: .evaluation)
    let input = Tensor.normal([50, 64, 13, 20], using: &random).contiguous(.channelsLast)
    let weight = Tensor.normal([64, 64, 3, 3], using: &random)
    return median(repeats, operations: 2 * 50 * 64 * 64 * 9 * 11 * 18) {
      withoutGradients { _ = Tensor.conv2d(input, weight, nil) }
    }
  }

  /// Median time of whole training steps on random fields of Kuramoto–Sivashinsky's shape.
  package static func trainingStep() throws -> Double { try trainingSteps(21).seconds[10] }

  /// Sorted times of such steps: of the clock, and of all processors together.
  package static func trainingSteps(
    _ repeats: Int, _ configuration: ExtractionConfiguration = ExtractionConfiguration()
  ) throws -> (seconds: [Double], processor: [Double]) {
    var random = RandomStream(seed: 3, purpose: .evaluation)
    let shape = [60, 1, 256, 256]
    let values = (0..<shape.reduce(1, *)).map { _ in Float(random.uniform() - 0.5) }
    var metadata = RecordingsMetadata()
    metadata.boundary = [.periodic]
    let recordings = Recordings(x: HostArray(values, shape: shape), metadata: metadata)
    let trainer = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 1)
    for _ in 0..<3 { _ = try trainer.step() }
    var (seconds, processor): ([Double], [Double]) = ([], [])
    for _ in 0..<repeats {
      let (start, ticks) = (ContinuousClock.now, clock())
      _ = try trainer.step()
      seconds.append((ContinuousClock.now - start) / .seconds(1))
      processor.append(Double(clock() - ticks) / Double(CLOCKS_PER_SEC))
    }
    return (seconds.sorted(), processor.sorted())
  }

  /// Multiply-adds in registers on all of libtorch's threads: the ceiling for every kernel.
  package static func peak() -> Timing {
    let rounds: Int64 = 20_000_000
    let threads = threadCount
    _ = kk_multiply_add_rounds(rounds / 10)
    var best = Timing(seconds: .infinity, operations: 1)
    for _ in 0..<3 {
      let start = ContinuousClock.now
      torchParallelFor(threads) { _ in _ = kk_multiply_add_rounds(rounds) }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let operations = kk_multiply_add_rounds(1) * Double(rounds) * Double(threads)
      if operations / seconds > best.operations / best.seconds {
        best = Timing(seconds: seconds, operations: operations)
      }
    }
    return best
  }

  private static func median(_ repeats: Int, operations: Double, _ body: () -> Void) -> Timing {
    for _ in 0..<3 { body() }
    let seconds = (0..<repeats).map { _ in ContinuousClock().measure(body) / .seconds(1) }
    return Timing(seconds: seconds.sorted()[repeats / 2], operations: operations)
  }
}
