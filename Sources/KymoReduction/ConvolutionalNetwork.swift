// The convolutional autoencoder over one axis of space. Vlachas et al., Nature Machine Intelligence 4, 359
// (2022), tables of layers for FitzHugh–Nagumo and Kuramoto–Sivashinsky.
//
// A stage of the encoder: pad, convolve, (normalise over the batch, not in the last stage,) average two
// neighbours, bend. A stage of the decoder: interpolate to twice the cells, pad, convolve, bend. A
// transposed convolution of stride 1 is a convolution with the kernel reversed and its channels exchanged,
// which starts from the same distribution: so plain convolutions serve both variants of the paper.
import KymoNN
import KymoNumerics
import KymoTensor

/// Convolutional encoder and decoder for fields `[C, X]`.
final class ConvolutionalNetwork: LatentNetwork {
  let stateShape: [Int]
  let latentCount: Int
  var isTraining = false

  private let configuration: ConvolutionalAutoencoder
  /// Cells after padding to a power of two, and how many are added at the left end.
  private let paddedLength: Int
  private let leftPadding: Int
  private let encoderLayers: [ConvolutionLayer]
  private let decoderLayers: [ConvolutionLayer]
  private let encoderHead: Linear
  private let decoderHead: Linear
  private let statistics: [RunningStatistics]

  private struct ConvolutionLayer {
    var weight: Tensor
    var bias: Tensor
  }

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
    using random: inout RandomStream, device: Device
  ) throws(ConfigurationError) {
    try require(
      stateShape.count == 2, "data", found: "fields of shape \(stateShape)",
      allowed: "fields [channel, cell] over one axis of space",
      remedy: "Use the feed-forward autoencoder.")
    let (channels, length) = (stateShape[0], stateShape[1])
    paddedLength = 1 << (Int.bitWidth - max(length - 1, 0).leadingZeroBitCount)
    let stages = configuration.channels.count
    try require(
      paddedLength >> stages >= 1, "convolutional.channels", found: "\(stages) stages",
      allowed: "at most \(paddedLength.trailingZeroBitCount) stages for \(length) cells",
      remedy: "Each stage halves the cells.")
    try require(
      configuration.padding == .zero || paddedLength == length, "convolutional.padding",
      found: "circular for \(length) cells", allowed: "circular only for a power of two",
      remedy: "Use padding: zero.")
    self.configuration = configuration
    self.stateShape = stateShape
    latentCount = configuration.latentCount
    leftPadding = (paddedLength - length) / 2
    let dtype = configuration.precision.scalarType
    func layers(_ widths: [Int], _ random: inout RandomStream) -> [ConvolutionLayer] {
      zip(widths, widths.dropFirst()).map { inputs, outputs in
        ConvolutionLayer(
          weight: InitialWeights.xavierUniform(
            [outputs, inputs, configuration.kernelWidth], using: &random, dtype: dtype,
            device: device),
          bias: InitialWeights.constant(
            [outputs], InitialWeights.smallBias, dtype: dtype, device: device))
      }
    }
    func head(_ inputs: Int, _ outputs: Int, _ random: inout RandomStream) -> Linear {
      Linear(
        weight: InitialWeights.xavierUniform(
          [outputs, inputs], using: &random, dtype: dtype, device: device),
        bias: InitialWeights.constant(
          [outputs], InitialWeights.smallBias, dtype: dtype, device: device))
    }
    encoderLayers = layers([channels] + configuration.channels, &random)
    let flat = configuration.channels[stages - 1] * (paddedLength >> stages)
    encoderHead = head(flat, latentCount, &random)
    decoderHead = head(latentCount, flat, &random)
    decoderLayers = layers(configuration.channels.reversed() + [channels], &random)
    statistics =
      configuration.isBatchNormalized
      ? configuration.channels.dropLast().map { count in
        RunningStatistics(
          mean: .zeros([count], dtype: dtype, device: device),
          variance: .ones([count], dtype: dtype, device: device))
      } : []
  }

  func encode(_ states: Tensor) -> Tensor {
    let right = paddedLength - leftPadding - stateShape[1]
    var x =
      paddedLength == stateShape[1]
      ? states : states.padded(axis: 2, before: leftPadding, after: right)
    for (stage, layer) in encoderLayers.enumerated() {
      x = convolved(x, layer)
      if stage < statistics.count { x = normalized(x, statistics[stage]) }
      x = configuration.activation(x.averagePooled1d(window: 2))
    }
    return configuration.activation(
      encoderHead(x.reshaped([x.size(0), encoderHead.weight.size(1)])))
  }

  func decode(_ latents: Tensor) -> Tensor {
    let stages = decoderLayers.count
    var x = configuration.activation(decoderHead(latents))
      .reshaped([latents.size(0), configuration.channels[stages - 1], paddedLength >> stages])
    for (stage, layer) in decoderLayers.enumerated() {
      x = convolved(upsampled(x), layer)
      x = stage == stages - 1 ? configuration.outputActivation(x) : configuration.activation(x)
    }
    return paddedLength == stateShape[1]
      ? x : x.sliced(axis: 2, from: leftPadding, to: leftPadding + stateShape[1])
  }

  func namedParameters() -> [NamedTensor] {
    func named(_ layers: [ConvolutionLayer]) -> [NamedTensor] {
      layers.enumerated().flatMap { index, layer in
        [("\(index).weight", layer.weight), ("\(index).bias", layer.bias)]
      }
    }
    return (named(encoderLayers) + encoderHead.namedParameters().prefixed("head"))
      .prefixed("encoder")
      + (decoderHead.namedParameters().prefixed("head") + named(decoderLayers)).prefixed("decoder")
  }

  var namedBuffers: [NamedTensor] {
    statistics.enumerated().flatMap { index, found in
      [("encoder.\(index).mean", found.mean), ("encoder.\(index).variance", found.variance)]
    }
  }

  private func convolved(_ x: Tensor, _ layer: ConvolutionLayer) -> Tensor {
    let reach = configuration.kernelWidth / 2
    switch configuration.padding {
    case .zero: return .conv1d(x, layer.weight, layer.bias, padding: [reach])
    case .circular: return .conv1d(wrapped(x, by: reach), layer.weight, layer.bias)
    }
  }

  private func upsampled(_ x: Tensor) -> Tensor {
    guard configuration.padding == .circular else { return x.upsampledLinear1d(factor: 2) }
    return wrapped(x, by: 1).upsampledLinear1d(factor: 2).sliced(axis: 2, from: 2, to: -2)
  }

  /// The ring with `amount` cells repeated at both ends, also where it is shorter than that.
  private func wrapped(_ x: Tensor, by amount: Int) -> Tensor {
    let length = x.size(2)
    guard amount > length else {
      return x.padded(.circular, axis: 2, before: amount, after: amount)
    }
    let places = (-amount..<length + amount).map { (($0 % length) + length) % length }
    return x.indexSelected(2, Tensor(integers: places, shape: [places.count]).to(x.device))
  }

  /// Every channel with mean 0 and variance 1: over the batch in training, when the running statistics
  /// move a tenth of the way; over those in use.
  private func normalized(_ x: Tensor, _ running: RunningStatistics) -> Tensor {
    let shape = [1, x.size(1), 1]
    var (mean, variance) = (running.mean, running.variance)
    if isTraining {
      mean = x.mean(axes: [0, 2])
      variance = x.variance(axes: [0, 2], correction: 0)
      withoutGradients {
        let count = Double(x.size(0) * x.size(2))
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
