// How fast the parts of a training run here, beside the arithmetic ceiling: for `kymo doctor` and the
// benchmarks.
import CKernels
import Foundation
import KymoData
import KymoNN
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

  /// Training rollouts with their gradient; by default those of the paper for one space axis: 50
  /// recordings, 31 steps, 64 cells.
  package static func rollout(
    batch: Int = 50, steps: Int = 31, cells: [Int] = [64], channels: Int = 1, hidden: Int = 16,
    repeats: Int = 21
  ) -> Timing {
    let layout = KernelLayout(
      channels: channels, hidden: hidden, middleLayers: 1, linearWidth: 0, spaceAxes: cells.count)
    var random = RandomStream(seed: 1, purpose: .evaluation)
    let kernels = Tensor.normal([batch, layout.count], using: &random) * 0.05
    let truth = Tensor.normal(
      [batch, channels, steps + 1] + cells.map { $0 + 2 * layout.halo }, using: &random)
    let lambda = Tensor.ones([1])
    let count = cells.reduce(1, *)
    let weights = [Float](repeating: 1 / Float(batch * steps * count * channels), count: steps)
    // Forward, gradients of kernels, gradients of inputs; 8, 4 and 0 halo cells are results.
    func results(_ halo: Int) -> Int { cells.reduce(1) { $0 * ($1 + halo) } }
    let taps = layout.pieces[0].shape[0]
    let products =
      taps
      * (channels * hidden * results(8) + hidden * hidden * results(4)
        + hidden * channels * count)
    return median(repeats, operations: Double(3 * 2 * products * steps * batch)) {
      _ = FusedRollout.errors(
        kernels: kernels, lambda: lambda, layout: layout, scale: 1, truth: truth, weights: weights,
        halo: .groundTruth)
    }
  }

  /// The encoder's features of a batch with their gradient.
  ///
  /// By default those of a training for convection and diffusion. Operations are those on the lattice:
  /// three passes, but two for the first layer.
  package static func encoder(
    batch: Int = 50, input: [Int] = [45, 62, 62], stride: Int = 4, repeats: Int = 5
  ) -> Timing {
    var random = RandomStream(seed: 4, purpose: .evaluation)
    let network = DynamicsEncoder(
      channels: 1, spaceAxes: input.count - 1, latents: 5, using: &random)
    let lattice = EncoderLattice(rawValue: stride) ?? .dense
    let series = Tensor.normal([batch, 1] + input, using: &random)
    var (size, products) = (input, 0)
    for (index, layer) in network.layers.enumerated() {
      size = size.map { ($0 - 1 - 2 * lattice.dilations[index]) / lattice.strides[index] + 1 }
      products += (index == 0 ? 2 : 3) * size.reduce(layer.weight.count, *)
    }
    return median(repeats, operations: Double(2 * batch * products)) {
      network.features(series, lattice: lattice).sum().backward()
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

  /// Median time of whole training steps on random fields, by default of Kuramoto–Sivashinsky's shape.
  package static func trainingStep(
    _ configuration: ExtractionConfiguration = ExtractionConfiguration(),
    field: [Int] = [256, 256], recordings count: Int = 60, repeats: Int = 21
  ) throws -> Double {
    try trainingSteps(repeats, configuration, field: field, recordings: count).seconds[repeats / 2]
  }

  /// Sorted times of such steps: of the clock, and of all processors together.
  package static func trainingSteps(
    _ repeats: Int, _ configuration: ExtractionConfiguration = ExtractionConfiguration(),
    field: [Int] = [256, 256], recordings count: Int = 60
  ) throws -> (seconds: [Double], processor: [Double]) {
    var random = RandomStream(seed: 3, purpose: .evaluation)
    let shape = [count, 1] + field
    let values = (0..<shape.reduce(1, *)).map { _ in Float(random.uniform() - 0.5) }
    var metadata = RecordingsMetadata()
    metadata.boundary = [Grid.Ends](repeating: .periodic, count: field.count - 1)
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
