// The feed-forward autoencoder: dense layers from the flattened field to the latents and back.
// Vlachas et al., Nature Machine Intelligence 4, 359 (2022); layers with skips as in its trained
// models.
import KymoNN
import KymoNumerics
import KymoTensor

/// Dense encoder and decoder; a field is flattened channel by channel.
final class FeedForwardNetwork: LatentNetwork {
  let stateShape: [Int]
  let latentCount: Int
  let encoder: DenseStack
  let decoder: DenseStack
  var isTraining = false

  /// Creates a network with random weights.
  init(
    _ configuration: FeedForwardAutoencoder, stateShape: [Int], using random: inout RandomStream,
    device: Device, path: ComputePath
  ) {
    self.stateShape = stateShape
    latentCount = configuration.latentCount
    let hidden = [Int](repeating: configuration.hiddenWidth, count: configuration.hiddenLayers)
    let width = stateShape.reduce(1, *)
    encoder = DenseStack(
      widths: [width] + hidden + [latentCount], activation: configuration.activation,
      lastActivation: configuration.activation, skips: configuration.hasSkips, using: &random,
      dtype: configuration.precision.scalarType, device: device, path: path)
    decoder = DenseStack(
      widths: [latentCount] + hidden + [width], activation: configuration.activation,
      lastActivation: configuration.outputActivation, skips: configuration.hasSkips, using: &random,
      dtype: configuration.precision.scalarType, device: device, path: path)
  }

  func encode(_ states: Tensor) -> Tensor {
    encoder(states.reshaped([states.size(0), encoder.inputCount]))
  }

  func decode(_ latents: Tensor) -> Tensor {
    decoder(latents).reshaped([latents.size(0)] + stateShape)
  }

  func encode(host states: [Float], count: Int) -> [Float] { encoder.apply(states, count: count) }
  func decode(host latents: [Float], count: Int) -> [Float] { decoder.apply(latents, count: count) }

  func namedParameters() -> [NamedTensor] {
    encoder.namedParameters().prefixed("encoder") + decoder.namedParameters().prefixed("decoder")
  }
}
