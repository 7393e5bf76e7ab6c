// The parameter VAE: dynamics encoder, hypernetworks and propagating decoder as one model, saved as
// a folder with model.safetensors and model.json.
import Foundation
public import KymoData
public import KymoNN
public import KymoNumerics
public import KymoTensor

/// A model that cannot be read or does not fit the data.
public struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where, what was found, what is needed, and how to mend it.
  public var description: String
  /// Creates an error from its sentences.
  public init(_ description: String) { self.description = description }
}

/// What a model must know of its data.
public struct FieldDescription: Hashable, Codable, Sendable {
  /// Data channels.
  public var channels: Int
  /// What holds at the ends of every axis of space.
  public var boundary: [Grid.Ends]
  /// Time between frames; nil when unknown.
  public var frameInterval: Double?
  /// The map of every channel that the model's fields have gone through; nil for none.
  public var scaling: ChannelScaler?

  /// Creates a description.
  public init(
    channels: Int, boundary: [Grid.Ends], frameInterval: Double?, scaling: ChannelScaler? = nil
  ) {
    (self.channels, self.boundary) = (channels, boundary)
    (self.frameInterval, self.scaling) = (frameInterval, scaling)
  }

  /// Axes of space.
  public var spaceAxes: Int { boundary.count }

  /// Decodes; models of earlier versions say how many axes there are and whether all are periodic.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let earlier = try decoder.container(keyedBy: EarlierKeys.self)
    self.init(
      channels: try values.decode(Int.self, forKey: .channels),
      boundary: try values.decodeIfPresent([Grid.Ends].self, forKey: .boundary)
        ?? Array(
          repeating: try earlier.decode(Bool.self, forKey: .isPeriodic) ? .periodic : .unknown,
          count: try earlier.decode(Int.self, forKey: .spaceAxes)),
      frameInterval: try values.decodeIfPresent(Double.self, forKey: .frameInterval),
      scaling: try values.decodeIfPresent(ChannelScaler.self, forKey: .scaling))
  }

  private enum CodingKeys: CodingKey { case channels, boundary, frameInterval, scaling }
  private enum EarlierKeys: CodingKey { case spaceAxes, isPeriodic }
}

/// The trained model that a training starts from, on the device that trains.
public enum TrainingStart {
  /// All weights; they are trained further.
  case model(ParameterVAE)
  /// The encoder, which is kept as it is while a new decoder is trained: the refinement of the
  /// paper's section IV B.
  case frozenEncoder(ParameterVAE)
}

/// The model of Lu, Kim and Soljacic (2020): from a recording to a few parameters with error bars,
/// and from parameters and a first frame to the recording.
public final class ParameterVAE {
  /// The architecture.
  public let configuration: ParameterModelConfiguration
  /// The data that it is made for.
  public let field: FieldDescription
  /// Frames that training rollouts predicted; 0 for an untrained model.
  public package(set) var trainedFrames = 0
  /// Size of the maps that the encoder pooled over in training: frames, then space.
  public package(set) var trainedMap: [Int] = []

  let encoder: DynamicsEncoder
  let kernelNetwork: LatentToKernel
  let decoder: PropagatingDecoder
  /// How it is computed.
  let path: ComputePath
  /// λ of the decoder's bounded increment, one entry.
  let lambda: Tensor
  /// Gain of normalised means before the sigmoid, one for each latent.
  let gain: Tensor
  /// Statistics of raw means over training crops, `[P]`; 0 and 1 once they are folded.
  let meanShift: Tensor
  let meanVariance: Tensor
  /// Whether means are still normalised; false in saved models, where the head holds it.
  var normalizes: Bool

  /// Creates an untrained model; the same seed gives the same weights.
  ///
  /// - Parameters:
  ///   - configuration: The architecture.
  ///   - field: The data that it is made for.
  ///   - seed: Seed of the weights.
  ///   - device: Where to compute.
  ///   - path: How to compute; what the device allows when not given.
  /// - Throws: ``ConfigurationError`` for settings that cannot work or do not fit the data.
  public init(
    configuration: ParameterModelConfiguration, field: FieldDescription, seed: UInt64,
    device: Device = .cpu, path: ComputePath? = nil
  ) throws(ConfigurationError) {
    try configuration.validate()
    try require(
      (1...2).contains(field.spaceAxes), "data", found: "\(field.spaceAxes) space axes",
      allowed: "one or two space axes", remedy: "Take a section of the fields.")
    self.configuration = configuration
    self.field = field
    let path = path ?? ComputePath(device: device)
    self.path = path
    var random = RandomStream(seed: seed, purpose: .weights)
    encoder = DynamicsEncoder(
      channels: field.channels, spaceAxes: field.spaceAxes, latents: configuration.latents,
      device: device, path: path, using: &random)
    let layout = KernelLayout(
      channels: field.channels, hidden: configuration.hiddenChannels,
      middleLayers: configuration.middleLayers, linearWidth: configuration.linearWidth,
      spaceAxes: field.spaceAxes)
    kernelNetwork = LatentToKernel(
      layout: layout, configuration: configuration, device: device, path: path, using: &random)
    lambda = Tensor.ones([1], device: device).requiringGradient()
    decoder = PropagatingDecoder(
      layout, scale: configuration.incrementScale, lambda: lambda, path: path)
    gain = Tensor.full([configuration.latents], 2, device: device).requiringGradient()
    meanShift = Tensor.zeros([configuration.latents], device: device)
    meanVariance = Tensor.ones([configuration.latents], device: device)
    normalizes = configuration.normalizedMeans
  }

  /// What is trained, in a fixed order.
  var namedParameters: [(name: String, tensor: Tensor)] {
    encoder.namedParameters + kernelNetwork.namedParameters + [("decoder.lambda", lambda)]
      + (normalizes ? [("encoder.gain", gain)] : [])
  }

  /// What is trained when the encoder is frozen: kernel networks and λ.
  var decoderParameters: [(name: String, tensor: Tensor)] {
    kernelNetwork.namedParameters + [("decoder.lambda", lambda)]
  }

  /// Takes the weights of a trained model of the same size: all of them, or those of the encoder
  /// and, if wanted, of a decoder that may be narrower.
  ///
  /// - Throws: ``ModelError`` when shapes differ, or the decoder does not fit into this one.
  func adopt(_ start: TrainingStart, widensDecoder: Bool = false) throws(ModelError) {
    switch start {
    case .model(let source), .frozenEncoder(let source):
      guard source.device == device else {
        throw ModelError(
          """
          The model that is to be started from is on \(source.device), the training on \(device). Load it \
          with device: \(device).
          """)
      }
    }
    // A saved model has its normalisation in the head.
    normalizes = false
    let (own, given) =
      switch start {
      case .model(let source): (namedParameters, source.namedParameters)
      case .frozenEncoder(let source):
        (encoder.namedParameters, source.encoder.namedParameters)
      }
    for (target, origin) in zip(own, given) where target.tensor.shape != origin.tensor.shape {
      throw ModelError(
        """
        \(target.name) has the shape \(target.tensor.shape), but \(origin.tensor.shape) in the model \
        that is to be started from. Set model.latents and the other settings of the model as there, \
        and take data of the same kind.
        """)
    }
    withoutGradients {
      for (target, origin) in zip(own, given) { target.tensor.copyInPlace(from: origin.tensor) }
    }
    guard widensDecoder, case .frozenEncoder(let source) = start else { return }
    let fits = withoutGradients {
      source.configuration.incrementScale == configuration.incrementScale
        && kernelNetwork.adopt(source.kernelNetwork)
    }
    guard fits else {
      throw ModelError(
        """
        The decoder that is to be started from does not fit into the new one. Set model.kernelNetwork and \
        model.incrementScale as there, model.hiddenChannels and model.kernelUnits at least as large, or \
        training.widensDecoder: false for a decoder that begins anew.
        """)
    }
    withoutGradients { lambda.copyInPlace(from: source.lambda) }
  }

  /// Where the weights are.
  var device: Device { lambda.device }

  /// Number of trained numbers.
  public var parameterCount: Int { namedParameters.reduce(0) { $0 + $1.tensor.count } }

  var lattice: EncoderLattice { EncoderLattice(rawValue: configuration.encoderStride) ?? .dense }

  /// Means as they enter the decoder: `sigmoid(gain)·(raw − shift)/√variance`.
  func normalized(_ mean: Tensor, shift: Tensor, variance: Tensor) -> Tensor {
    gain.sigmoid() * (mean - shift) * (variance + 1e-8).rsqrt()
  }

  /// A distribution of the encoder as evaluation and saved models see it.
  func normalizing(_ raw: LatentDistribution) -> LatentDistribution {
    guard normalizes else { return raw }
    return LatentDistribution(
      mean: normalized(raw.mean, shift: meanShift, variance: meanVariance),
      logVariance: raw.logVariance)
  }

  /// Rollouts, `[B, C, steps, cells…]`.
  func rollout(latents: Tensor, truth: Tensor, steps: Int, halo: Halo) -> Tensor {
    decoder.predict(
      kernels: kernelNetwork.kernels(latents), truth: truth, steps: steps, halo: halo)
  }

  /// Moves gain and statistics into the μ head, so that the plain network gives the same means.
  func foldNormalization() {
    guard normalizes else { return }
    withoutGradients {
      let factor = gain.sigmoid() * (meanVariance + 1e-8).rsqrt()
      let head = encoder.meanHead
      head.bias.copyInPlace(from: (head.bias - meanShift) * factor)
      head.weight.copyInPlace(from: head.weight * factor.unsqueezed(1))
      meanShift.zeroInPlace()
      meanVariance.fillInPlace(1)
    }
    normalizes = false
  }
}
