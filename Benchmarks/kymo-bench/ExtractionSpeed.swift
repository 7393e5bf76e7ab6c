// The parameter VAE's parts: how long they take, and how far they are from plain tensor operations.
import CKernels
import Foundation
import KymoData
import KymoExtraction
import KymoNN
import KymoNumerics
import KymoTensor

/// Timings of the parameter VAE's parts on random fields.
enum ExtractionSpeed {
  /// Training rollouts with their gradient; by default those of the paper for one space axis: 50
  /// recordings, 31 steps, 64 cells.
  ///
  /// The difference is that of the kernels' gradient from tensor operations, relative to its
  /// largest entry, for the first two recordings.
  static func rollout(
    batch: Int = 50, steps: Int = 31, cells: [Int] = [64], channels: Int = 1, hidden: Int = 16,
    repeats: Int = 21
  ) -> (timing: Timing, difference: Double) {
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
    let timing = Timing(repeats, operations: Double(3 * 2 * products * steps * batch)) {
      _ = FusedRollout.errors(
        kernels: kernels, lambda: lambda, layout: layout, scale: 1, truth: truth, weights: weights,
        halo: .groundTruth)
    }
    let few = truth.sliced(axis: 0, from: 0, to: 2)
    func gradient(_ errors: (Tensor) -> Tensor) -> [Double] {
      let kernels = kernels.sliced(axis: 0, from: 0, to: 2).clone().requiringGradient()
      errors(kernels).sum().backward()
      return kernels.gradient?.doubles ?? []
    }
    let found = gradient {
      FusedRollout.errors(
        kernels: $0, lambda: lambda, layout: layout, scale: 1, truth: few, weights: weights,
        halo: .groundTruth)
    }
    let expected = gradient {
      PlainRollout.errors(
        kernels: $0, lambda: lambda, layout: layout, scale: 1, truth: few, weights: weights,
        halo: .groundTruth)
    }
    return (timing, relativeDistance(found, expected))
  }

  /// The encoder's features of a batch with their gradient.
  ///
  /// By default those of a training for convection and diffusion. Operations are those on the
  /// lattice: three passes, but two for the first layer. The difference is that of the features of
  /// a few recordings from libtorch's convolutions, relative to the largest.
  static func encoder(
    batch: Int = 50, input: [Int] = [45, 62, 62], stride: Int = 4, repeats: Int = 5
  ) -> (timing: Timing, difference: Double) {
    var random = RandomStream(seed: 4, purpose: .evaluation)
    func encoder(_ path: ComputePath) -> DynamicsEncoder {
      random = RandomStream(seed: 4, purpose: .evaluation)
      return DynamicsEncoder(
        channels: 1, spaceAxes: input.count - 1, latents: 5, path: path, using: &random)
    }
    let (network, plain) = (encoder(.fused), encoder(.operations))
    let lattice = EncoderLattice(rawValue: stride) ?? .dense
    let series = Tensor.normal([batch, 1] + input, using: &random)
    var (size, products) = (input, 0)
    for (index, layer) in network.layers.enumerated() {
      size = size.map { ($0 - 1 - 2 * lattice.dilations[index]) / lattice.strides[index] + 1 }
      products += (index == 0 ? 2 : 3) * size.reduce(layer.weight.count, *)
    }
    let timing = Timing(repeats, operations: Double(2 * batch * products)) {
      network.features(series, lattice: lattice).sum().backward()
    }
    // Fewer recordings than threads would go through libtorch in both.
    let few = series.sliced(axis: 0, from: 0, to: threadCount)
    let (found, expected) = withoutGradients {
      (
        network.features(few, lattice: lattice).doubles,
        plain.features(few, lattice: lattice).doubles
      )
    }
    return (timing, relativeDistance(found, expected))
  }

  /// Whole training steps, by default of Kuramoto–Sivashinsky's shape.
  static func trainingSteps(
    _ repeats: Int = 21, _ configuration: ExtractionConfiguration = ExtractionConfiguration(),
    channels: Int = 1, field: [Int] = [256, 256], recordings count: Int = 60
  ) throws -> Timing {
    var random = RandomStream(seed: 3, purpose: .evaluation)
    let shape = [count, channels] + field
    let values = (0..<shape.reduce(1, *)).map { _ in Float(random.uniform() - 0.5) }
    var metadata = RecordingsMetadata()
    metadata.boundary = [Grid.Ends](repeating: .periodic, count: field.count - 1)
    let recordings = Recordings(x: HostArray(values, shape: shape), metadata: metadata)
    let trainer = try ExtractionTrainer(
      configuration: configuration, recordings: recordings, seed: 1)
    return try Timing(repeats) { _ = try trainer.step() }
  }

  /// Multiply-adds in registers on all of libtorch's threads, in 1e9 operations for a second: the
  /// ceiling for every kernel.
  static func peak() -> Double {
    let rounds: Int64 = 20_000_000
    let threads = threadCount
    _ = kk_multiply_add_rounds(rounds / 10)
    let operations = kk_multiply_add_rounds(1) * Double(rounds) * Double(threads)
    let timing = Timing(3, warmUp: 0, operations: operations) {
      torchParallelFor(threads) { _ in _ = kk_multiply_add_rounds(rounds) }
    }
    return timing.gigaflops(timing.fastest)
  }
}
