// The latents of training recordings, each read whole by an encoder that no longer changes. They
// are read once; a step of the decoder alone then needs no encoder, which is most of the arithmetic
// of a joint step, and no crop's noise: σ² of a whole recording is 27 times smaller than that of a
// training crop for Kuramoto–Sivashinsky (Appendix E).
import KymoData
import KymoTensor

/// Posterior means and variances of the latents of recordings, read when they are first asked for.
///
/// Recordings are read in fixed blocks, so that a recording has the same bits whatever was asked
/// for before, and a continued training the numbers of the unbroken one.
final class RecordingLatents {
  private let recordings: Recordings
  private let model: ParameterVAE
  private let tile: [Int]
  private var blocks: [Int: LatentDistribution] = [:]
  /// As many as fill the threads of the fused kernels.
  static let blockSize = 8

  /// Reads with the model's encoder, which must stay as it is.
  init(_ recordings: Recordings, model: ParameterVAE) {
    (self.recordings, self.model) = (recordings, model)
    // Lattice positions are so many on a whole recording that the dense map adds nothing.
    tile = model.encoderTile(recordings, lattice: model.lattice)
  }

  /// The posteriors of some recordings, in their order, `[B, P]` each.
  func batch(_ indices: [Int]) -> LatentDistribution {
    let rows = indices.map { index in
      let block = block(index / Self.blockSize)
      let row = index % Self.blockSize
      return (
        mean: block.mean.sliced(axis: 0, from: row, to: row + 1),
        logVariance: block.logVariance.sliced(axis: 0, from: row, to: row + 1)
      )
    }
    return LatentDistribution(
      mean: Tensor.concatenated(rows.map(\.mean), axis: 0),
      logVariance: Tensor.concatenated(rows.map(\.logVariance), axis: 0))
  }

  private func block(_ number: Int) -> LatentDistribution {
    if let known = blocks[number] { return known }
    let first = number * Self.blockSize
    let read = withoutGradients {
      model.wholeDistribution(
        recordings, first..<min(first + Self.blockSize, recordings.count), lattice: model.lattice,
        tile: tile)
    }
    blocks[number] = read
    return read
  }
}
