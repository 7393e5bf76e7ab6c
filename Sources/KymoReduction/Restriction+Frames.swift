// Latents of frames that are read block by block, so that no more than a block of fields is in
// memory.
public import KymoData
public import KymoNumerics
import KymoTensor

extension Restriction {
  /// States that are read at a time: 16 MB of them, in whole blocks of the networks.
  private var readAtATime: Int {
    let count = max(1, 4_000_000 / stateShape.reduce(1, *))
    return count < 256 ? count : count / 256 * 256
  }

  /// The latents of all frames, `[N, L]`.
  public func encode(_ frames: FrameSet) throws -> HostArray<Double> {
    try encode(frames, 0..<frames.count)
  }

  /// The latents of every series, `[T, L]` each.
  public func latentSeries(of frames: FrameSet) throws -> [HostArray<Double>] {
    var first = 0
    return try frames.series.map { series in
      defer { first += series.frames.count }
      return try encode(frames, first..<first + series.frames.count)
    }
  }

  private func encode(_ frames: FrameSet, _ range: Range<Int>) throws -> HostArray<Double> {
    let step = readAtATime
    let latents = try stride(from: range.lowerBound, to: range.upperBound, by: step).flatMap {
      try encode(frames.states($0..<min($0 + step, range.upperBound))).elements
    }
    return HostArray(latents, shape: [range.count, latentCount])
  }
}

extension FrameSet {
  /// States as the network of a reduction sees them, `[B, C, X…]`, read now.
  func tensor(_ indices: some Collection<Int>, for reduction: AutoencoderReduction) -> Tensor {
    let (shape, network) = ([indices.count] + stateShape, reduction.network)
    let states =
      network.dtype == .float64
      ? Tensor(doubles: scaledDoubles(indices, by: reduction.scaler), shape: shape)
      : Tensor(scaledFloats(indices, by: reduction.scaler), shape: shape)
    return states.to(network.device)
  }

  /// Throws unless the states are those of a reduction, and finite.
  package func check(for reduction: AutoencoderReduction, _ name: String) throws(ModelDataError) {
    guard stateShape == reduction.stateShape else {
      throw ModelDataError(
        name, found: "states of shape \(stateShape)", allowed: "of shape \(reduction.stateShape)",
        remedy: "Give states of the kind that the model was made for.")
    }
    try requireFinite(name)
  }
}
