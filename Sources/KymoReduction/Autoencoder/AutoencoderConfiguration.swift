// What an autoencoder is made of. Vlachas et al., Nature Machine Intelligence 4, 359 (2022), tables
// of hyper-parameters.
public import KymoData
public import KymoNN
public import KymoNumerics

/// The architecture of an autoencoder.
public enum AutoencoderConfiguration: Hashable, Codable, Sendable {
  /// Dense layers over the flattened field.
  case feedForward(FeedForwardAutoencoder)
  /// Convolutions over one or two axes of space.
  case convolutional(ConvolutionalAutoencoder)

  private enum CodingKeys: CodingKey, CaseIterable { case feedForward, convolutional }

  private var settings: any AutoencoderKind {
    switch self {
    case .feedForward(let settings): settings
    case .convolutional(let settings): settings
    }
  }

  /// Number of latents.
  public var latentCount: Int { settings.latentCount }
  /// What the scaler makes of the training data.
  public var scaling: ChannelScaler.Kind { settings.scaling }
  /// Part of the range by which min and max of the scaler are moved outwards at either end.
  public var scalingSlack: Double { settings.scalingSlack }
  /// Whether the encoder gives a distribution of latents.
  public var isVariational: Bool { settings.isVariational }
  /// Precision of the network's numbers.
  public var precision: NetworkPrecision { settings.precision }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "autoencoder") throws(ConfigurationError) {
    switch self {
    case .feedForward(let settings): try settings.validate(at: "\(path).feedForward")
    case .convolutional(let settings): try settings.validate(at: "\(path).convolutional")
    }
  }
}

/// The settings that autoencoders of all kinds have.
private protocol AutoencoderKind {
  var latentCount: Int { get }
  var scaling: ChannelScaler.Kind { get }
  var scalingSlack: Double { get }
  var isVariational: Bool { get }
  var precision: NetworkPrecision { get }
}

/// A feed-forward autoencoder.
public struct FeedForwardAutoencoder: Settings, AutoencoderKind {
  /// Number of latents; at least 1.
  public var latentCount = 2
  /// Units of every hidden layer.
  public var hiddenWidth = 100
  /// Hidden layers of the encoder, and as many of the decoder.
  public var hiddenLayers = 3
  /// The function behind every layer but the last of the decoder, the encoder's output included.
  public var activation = Activation.celu
  /// The function behind the decoder's last layer.
  public var outputActivation = Activation.tanhPlus
  /// Whether layers of equal widths add their input before the function.
  public var hasSkips = true
  /// Whether the encoder gives a distribution of latents.
  public var isVariational = false
  /// What the scaler makes of the training data.
  public var scaling = ChannelScaler.Kind.minMaxZeroOne
  /// Part of the range by which min and max of the scaler are moved outwards at either end; 0 in
  /// the paper.
  ///
  /// The output function reaches the ends of its range only in the limit, and test data may lie
  /// beyond the training data.
  public var scalingSlack = 0.0
  /// Precision of the network's numbers.
  public var precision = NetworkPrecision.single

  /// Creates the paper's autoencoder for FitzHugh–Nagumo.
  public init() {}

  /// The paper's autoencoder for FitzHugh–Nagumo: 3 layers of 100 units, 2 latents.
  public static let vlachas2022FitzHughNagumo = FeedForwardAutoencoder()
  /// The paper's autoencoder for Kuramoto–Sivashinsky: 3 layers of 100 units, 8 latents.
  public static let vlachas2022KuramotoSivashinsky = {
    var settings = FeedForwardAutoencoder()
    settings.latentCount = 8
    return settings
  }()

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "feedForward") throws(ConfigurationError) {
    try validateCommon(latentCount: latentCount, slack: scalingSlack, at: path)
    try require(hiddenWidth, .atLeast(1), "\(path).hiddenWidth", remedy: "The paper uses 100.")
    try require(hiddenLayers, .atLeast(0), "\(path).hiddenLayers", remedy: "The paper uses 3.")
    try validateRange(outputActivation, of: scaling, at: path)
  }
}

/// A convolutional autoencoder for fields over one or two axes of space.
public struct ConvolutionalAutoencoder: Settings, AutoencoderKind {
  /// What lies beyond the ends of every axis.
  public enum Padding: String, SettingChoice {
    /// Zeros, as in the paper, also for periodic fields.
    case zero
    /// The other end: each axis is a ring whose length is a power of two.
    case circular
  }

  /// Number of latents; at least 1.
  public var latentCount = 8
  /// Channels after every stage of the encoder; the decoder mirrors them.
  public var channels = [16, 32, 64, 8]
  /// Taps of every convolution along every axis; odd.
  public var kernelWidth = 5
  /// Whether two neighbours along every axis are averaged before the first stage, and the decoder's
  /// field is interpolated linearly to all cells.
  public var isHalved = false
  /// What lies beyond the ends of every axis.
  public var padding = Padding.zero
  /// Whether the encoder's maps, except the last, are normalised over the batch.
  public var isBatchNormalized = false
  /// The function behind every layer but the last of the decoder, the encoder's output included.
  public var activation = Activation.celu
  /// The function behind the decoder's last layer.
  public var outputActivation = Activation.tanhPlus
  /// Whether the encoder gives a distribution of latents.
  public var isVariational = false
  /// What the scaler makes of the training data.
  public var scaling = ChannelScaler.Kind.minMaxZeroOne
  /// Part of the range by which min and max of the scaler are moved outwards at either end; 0 in
  /// the paper.
  public var scalingSlack = 0.0
  /// Precision of the network's numbers.
  public var precision = NetworkPrecision.single

  /// Creates the paper's autoencoder for Kuramoto–Sivashinsky.
  public init() {}

  /// The paper's autoencoder for Kuramoto–Sivashinsky, 64 cells.
  public static let vlachas2022KuramotoSivashinsky = ConvolutionalAutoencoder()
  /// The paper's autoencoder for FitzHugh–Nagumo, 101 cells padded to 128.
  public static let vlachas2022FitzHughNagumo = {
    var settings = ConvolutionalAutoencoder()
    settings.latentCount = 2
    settings.channels = [8, 16, 32, 4]
    return settings
  }()

  /// The paper's autoencoder for the flow past a cylinder, 512 × 1024 cells, Table 14.
  ///
  /// It interpolates linearly where the paper's does with cubic polynomials and before convolutions
  /// where the paper's are transposed, and its decoder is not normalised: the paper's normalises
  /// over the batch in use too, so that a decoded frame depends on the others.
  public static let vlachas2022Cylinder = {
    var settings = ConvolutionalAutoencoder()
    settings.latentCount = 4
    settings.channels = [20, 20, 20, 20, 20, 2]
    (settings.kernelWidth, settings.isHalved) = (13, true)
    settings.isBatchNormalized = true
    return settings
  }()

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "convolutional") throws(ConfigurationError) {
    try validateCommon(latentCount: latentCount, slack: scalingSlack, at: path)
    try require(
      !channels.isEmpty && channels.allSatisfy { $0 >= 1 }, "\(path).channels",
      found: "\(channels)", allowed: "a positive number for each of at least one stage",
      remedy: "The paper uses [16, 32, 64, 8].")
    try require(
      kernelWidth >= 1 && kernelWidth % 2 == 1, "\(path).kernelWidth", found: kernelWidth,
      allowed: "an odd number", remedy: "The paper uses 5.")
    try validateRange(outputActivation, of: scaling, at: path)
  }
}

private func validateCommon(
  latentCount: Int, slack: Double, at path: String
) throws(ConfigurationError) {
  try require(
    latentCount, .atLeast(1), "\(path).latentCount",
    remedy: "2 suffice for FitzHugh–Nagumo, 8 for Kuramoto–Sivashinsky with L = 22.")
  try require(
    slack, .within(0..<1), "\(path).scalingSlack",
    remedy: "0.05 leaves a twentieth of the range free at either end.")
}

/// Throws when the output function cannot reach what the scaler makes of the data.
private func validateRange(
  _ function: Activation, of scaling: ChannelScaler.Kind, at path: String
) throws(ConfigurationError) {
  let reaches =
    switch (function, scaling) {
    case (.identity, _), (.relu, .minMaxZeroOne), (.softplus, .minMaxZeroOne): true
    case (.sigmoid, .minMaxZeroOne), (.tanhPlus, .minMaxZeroOne): true
    case (.tanh, .minMaxMinusOneOne), (.tanh, .minMaxZeroOne): true
    case (.celu, .minMaxZeroOne), (.elu, .minMaxZeroOne), (.selu, .minMaxZeroOne): true
    case (.celu, .minMaxMinusOneOne), (.elu, .minMaxMinusOneOne), (.selu, .minMaxMinusOneOne): true
    default: false
    }
  try require(
    reaches, "\(path).outputActivation", found: function.rawValue,
    allowed: "a function whose values cover data scaled by \(scaling.rawValue)",
    remedy: "Use tanhPlus with minMaxZeroOne, tanh with minMaxMinusOneOne, or identity.")
}
