// The convolutional autoencoder over one or two axes of space. Vlachas et al., Nature Machine
// Intelligence 4, 359 (2022), tables of layers for FitzHugh–Nagumo and Kuramoto–Sivashinsky.
//
// A stage of the encoder: pad, convolve, (normalise over the batch, not in the last stage,) average
// two neighbours (2 × 2 in two dimensions), bend. A stage of the decoder: interpolate to twice the
// cells, pad, convolve, bend. A transposed convolution of stride 1 is a convolution with the kernel
// reversed and its channels exchanged, which starts from the same distribution: so plain
// convolutions serve both variants of the paper.
import KymoNN
import KymoNumerics
import KymoTensor

/// Convolutional encoder and decoder for fields `[C, X]` or `[C, X, Y]`.
final class ConvolutionalNetwork: LatentNetwork {
  let stateShape: [Int]
  let latentCount: Int
  var isTraining = false

  private let configuration: ConvolutionalAutoencoder
  /// Cells along every axis after averaging.
  private let lengths: [Int]
  /// Cells along every axis after padding to powers of two, and how many are added at the left end.
  private let paddedLengths: [Int]
  private let leftPadding: [Int]
  private let encoder: ConvolutionStages
  private let decoder: ConvolutionStages
  private let encoderHead: DenseStack
  private let decoderHead: DenseStack
  private let statistics: [RunningStatistics]

  /// Mean and variance of a map's channels over the training so far.
  private struct RunningStatistics {
    var mean: Tensor
    var variance: Tensor
  }

  /// Creates a network with random weights.
  ///
  /// - Throws: ``ConfigurationError`` when the field does not suit the stages.
  init(
    _ configuration: ConvolutionalAutoencoder, stateShape: [Int],
    using random: inout RandomStream, device: Device, path: ComputePath
  ) throws(ConfigurationError) {
    try require(
      (2...3).contains(stateShape.count), "data", found: "fields of shape \(stateShape)",
      allowed: "fields [channel, x] or [channel, x, y]", remedy: "Use the feed-forward autoencoder."
    )
    let channels = stateShape[0]
    try require(
      !configuration.isHalved || stateShape.dropFirst().allSatisfy { $0 % 2 == 0 },
      "convolutional.isHalved", found: "true for fields of shape \(stateShape)",
      allowed: "even numbers of cells", remedy: "Leave it out.")
    let lengths = stateShape.dropFirst().map { configuration.isHalved ? $0 / 2 : $0 }
    self.lengths = lengths
    paddedLengths = lengths.map { 1 << (Int.bitWidth - max($0 - 1, 0).leadingZeroBitCount) }
    let stages = configuration.channels.count
    let most = paddedLengths.map(\.trailingZeroBitCount).min() ?? 0
    let cells = lengths.map(String.init).joined(separator: " × ")
    try require(
      stages <= most, "convolutional.channels", found: "\(stages) stages",
      allowed: "at most \(most) stages for \(cells) cells",
      remedy: "Each stage halves the cells.")
    try require(
      configuration.padding == .zero || paddedLengths == lengths, "convolutional.padding",
      found: "circular for \(cells) cells",
      allowed: "circular only for powers of two", remedy: "Use padding: zero.")
    self.configuration = configuration
    self.stateShape = stateShape
    latentCount = configuration.latentCount
    leftPadding = zip(paddedLengths, lengths).map { ($0 - $1) / 2 }
    let dtype = configuration.precision.scalarType
    let (shortest, activation) = (paddedLengths.map { $0 >> stages }, configuration.activation)
    let ends: ConvolutionStages.Ends = configuration.padding == .circular ? .ring : .zeros
    encoder = ConvolutionStages(
      channels: [channels] + configuration.channels, taps: configuration.kernelWidth, .halving,
      ends: ends, cells: paddedLengths, activation: activation, lastActivation: activation,
      using: &random, dtype: dtype, device: device, path: path)
    let flat = encoder.outputShape.reduce(1, *)
    func head(_ widths: [Int], _ random: inout RandomStream) -> DenseStack {
      DenseStack(
        widths: widths, activation: activation, lastActivation: activation, skips: false,
        using: &random, dtype: dtype, device: device, path: path)
    }
    encoderHead = head([flat, latentCount], &random)
    decoderHead = head([latentCount, flat], &random)
    decoder = ConvolutionStages(
      channels: configuration.channels.reversed() + [channels], taps: configuration.kernelWidth,
      .doubling, ends: ends, cells: shortest, activation: activation,
      lastActivation: configuration.outputActivation, using: &random, dtype: dtype, device: device,
      path: path)
    statistics =
      configuration.isBatchNormalized
      ? configuration.channels.dropLast().map { count in
        RunningStatistics(
          mean: .zeros([count], dtype: dtype, device: device),
          variance: .ones([count], dtype: dtype, device: device))
      } : []
  }

  func encode(_ states: Tensor) -> Tensor {
    let coarse = configuration.isHalved ? states.averagePooled(window: 2) : states
    let x = paddedLengths.indices.reduce(coarse) { x, axis in
      let added = paddedLengths[axis] - lengths[axis]
      return added == 0
        ? x
        : x.padded(axis: 2 + axis, before: leftPadding[axis], after: added - leftPadding[axis])
    }
    let features =
      statistics.isEmpty
      ? encoder(x)
      : encoder.apply(x) { x, stage in
        stage < statistics.count ? normalized(x, statistics[stage]) : x
      }
    return encoderHead(features.reshaped([states.size(0), encoderHead.inputCount]))
  }

  func decode(_ latents: Tensor) -> Tensor {
    let x = decoder(decoderHead(latents).reshaped([latents.size(0)] + decoder.inputShape))
    let coarse = paddedLengths.indices.reduce(x) { x, axis in
      let (first, length) = (leftPadding[axis], lengths[axis])
      return paddedLengths[axis] == length
        ? x : x.sliced(axis: 2 + axis, from: first, to: first + length)
    }
    return configuration.isHalved ? coarse.upsampledLinear(factor: 2) : coarse
  }

  func encode(host states: [Float], count: Int) -> [Float] {
    guard statistics.isEmpty, !configuration.isHalved,
      let features = encoder.apply(
        host: resized(states, count: count, from: stateShape[1], to: paddedLengths[0]),
        count: count)
    else {
      return outsideGraph { self.encode($0) }(states, [count] + stateShape)
    }
    return encoderHead.apply(features, count: count)
  }

  func decode(host latents: [Float], count: Int) -> [Float] {
    guard !configuration.isHalved,
      let fields = decoder.apply(host: decoderHead.apply(latents, count: count), count: count)
    else {
      return outsideGraph { self.decode($0) }(latents, [count, latentCount])
    }
    return resized(fields, count: count, from: paddedLengths[0], to: stateShape[1])
  }

  /// Rows of another length: zeros are added around them, or what lies around is taken away; over
  /// one axis of space, the only case with a kernel for the host.
  private func resized(_ rows: [Float], count: Int, from length: Int, to wanted: Int) -> [Float] {
    if stateShape.count != 2 || length == wanted { return rows }
    let rowCount = count * stateShape[0]
    let common = min(length, wanted)
    let (first, place) = length > wanted ? (leftPadding[0], 0) : (0, leftPadding[0])
    var result = [Float](repeating: 0, count: rowCount * wanted)
    for row in 0..<rowCount {
      for cell in 0..<common {
        result[row * wanted + place + cell] = rows[row * length + first + cell]
      }
    }
    return result
  }

  func namedParameters() -> [NamedTensor] {
    func head(_ stack: DenseStack) -> [NamedTensor] {
      [("head.weight", stack.layers[0].weight), ("head.bias", stack.layers[0].bias)]
    }
    return (encoder.namedParameters() + head(encoderHead)).prefixed("encoder")
      + (head(decoderHead) + decoder.namedParameters()).prefixed("decoder")
  }

  var namedBuffers: [NamedTensor] {
    statistics.enumerated().flatMap { index, found in
      [("encoder.\(index).mean", found.mean), ("encoder.\(index).variance", found.variance)]
    }
  }

  /// Every channel with mean 0 and variance 1: over the batch in training, when the running
  /// statistics move a tenth of the way; over those in use.
  private func normalized(_ x: Tensor, _ running: RunningStatistics) -> Tensor {
    let space = Array(2..<x.shape.count)
    let shape = [1, x.size(1)] + space.map { _ in 1 }
    var (mean, variance) = (running.mean, running.variance)
    if isTraining {
      mean = x.mean(axes: [0] + space)
      variance = x.variance(axes: [0] + space, correction: 0)
      withoutGradients {
        let count = Double(x.count / x.size(1))
        let unbiased = count > 1 ? count / (count - 1) : 1
        running.mean.mulInPlace(0.9)
        running.mean.addInPlace(mean.detached(), scale: 0.1)
        running.variance.mulInPlace(0.9)
        running.variance.addInPlace(variance.detached(), scale: 0.1 * unbiased)
      }
    }
    return (x - mean.reshaped(shape)) * (variance.reshaped(shape) + 1e-5).rsqrt()
  }
}
