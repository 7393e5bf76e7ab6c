// The latents of all training recordings, each read whole by an encoder that no longer changes. They are
// read once; a step of the decoder alone then needs no encoder, which is most of the arithmetic of a
// joint step, and no crop's noise: σ² of a whole recording is 27 times smaller than that of a training
// crop for Kuramoto–Sivashinsky (specification 2.7).
import KymoData
import KymoTensor

/// Posterior means and variances of the latents of every recording, `[recordings, P]` each.
struct RecordingLatents {
  private let mean: Tensor
  private let logVariance: Tensor

  /// Reads all recordings with the model's encoder as it is now.
  init(_ recordings: Recordings, model: ParameterVAE) {
    // Lattice positions are so many on a whole recording that the dense map adds nothing.
    let tile = model.encoderTile(recordings, lattice: model.lattice)
    let block = 8
    let parts = withoutGradients {
      stride(from: 0, to: recordings.count, by: block).map { start in
        model.wholeDistribution(
          recordings, start..<min(start + block, recordings.count), lattice: model.lattice,
          tile: tile)
      }
    }
    mean = Tensor.concatenated(parts.map(\.mean), axis: 0)
    logVariance = Tensor.concatenated(parts.map(\.logVariance), axis: 0)
  }

  /// The posteriors of some recordings, in their order.
  func batch(_ recordings: [Int]) -> LatentDistribution {
    func rows(_ tensor: Tensor) -> Tensor {
      Tensor.concatenated(
        recordings.map { tensor.sliced(axis: 0, from: $0, to: $0 + 1) }, axis: 0)
    }
    return LatentDistribution(mean: rows(mean), logVariance: rows(logVariance))
  }
}
