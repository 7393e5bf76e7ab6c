// The architectures of trained propagators. Vlachas et al., Nature Machine Intelligence 4, 359 (2022):
// recurrent networks with a linear output layer, and a feed-forward network without memory.
import KymoData
public import KymoNN
public import KymoNumerics

/// How latents are scaled for a network, and what its output passes through.
public enum LatentScaling: String, SettingChoice {
  /// Onto [0, 1] with some slack at both ends; the output passes through 0.5 + 0.5 tanh and cannot
  /// leave the range.
  case minMax
  /// To mean 0 and variance 1; the output is linear.
  case standard
  /// As they are; the output is linear.
  case none

  /// What the network's output passes through.
  var outputActivation: Activation { self == .minMax ? .tanhPlus : .identity }
  /// The scaler's kind.
  var kind: ChannelScaler.Kind {
    switch self {
    case .minMax: .minMaxZeroOne
    case .standard: .standard
    case .none: .none
    }
  }
}

/// The settings of an LSTM or GRU propagator.
///
/// **Good values.** 32 units for two latents of FitzHugh–Nagumo, 512 for eight of Kuramoto–Sivashinsky.
public struct RecurrentConfiguration: Hashable, Codable, Sendable {
  /// Which cell.
  public var cell = RecurrentCell.lstm
  /// Units of a layer.
  public var unitCount = 32
  /// Recurrent layers.
  public var layerCount = 1
  /// Probability that a unit takes its new value in training (zoneout); 1 switches it off.
  public var zoneoutKept = 1.0
  /// How latents are scaled.
  public var scaling = LatentScaling.minMax
  /// Part of the range by which minimum and maximum are moved outwards at either end.
  public var scalingSlack = 0.05
  /// Whether the output layer gives the change of latents instead of the next ones; nothing bounds the
  /// result then.
  ///
  /// Latents of smooth dynamics hardly change in a coarse step: a network that has to give them anew
  /// spends its accuracy on what stays.
  public var predictsIncrements = false

  /// Creates the default settings.
  public init(cell: RecurrentCell = .lstm, unitCount: Int = 32, layerCount: Int = 1) {
    (self.cell, self.unitCount, self.layerCount) = (cell, unitCount, layerCount)
  }

  /// Decodes onto the defaults; an unknown key is an error.
  public init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(CodingKeys.self)
    self.init()
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    cell = try settings.decodeIfPresent(RecurrentCell.self, forKey: .cell) ?? cell
    unitCount = try settings.decodeIfPresent(Int.self, forKey: .unitCount) ?? unitCount
    layerCount = try settings.decodeIfPresent(Int.self, forKey: .layerCount) ?? layerCount
    zoneoutKept = try settings.decodeIfPresent(Double.self, forKey: .zoneoutKept) ?? zoneoutKept
    scaling = try settings.decodeIfPresent(LatentScaling.self, forKey: .scaling) ?? scaling
    scalingSlack = try settings.decodeIfPresent(Double.self, forKey: .scalingSlack) ?? scalingSlack
    predictsIncrements =
      try settings.decodeIfPresent(Bool.self, forKey: .predictsIncrements) ?? predictsIncrements
  }

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case cell, unitCount, layerCount, zoneoutKept, scaling, scalingSlack, predictsIncrements
  }

  /// What the network's output layer gives.
  var outputKind: RecurrentOutput {
    if predictsIncrements { return .increment }
    return scaling.outputActivation == .tanhPlus ? .tanhPlus : .linear
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "recurrent") throws(ConfigurationError) {
    try require(
      unitCount >= 1, "\(path).unitCount", found: unitCount, allowed: "at least 1",
      remedy: "The paper uses 32 for two latents and 512 for eight.")
    try require(
      layerCount >= 1, "\(path).layerCount", found: layerCount, allowed: "at least 1",
      remedy: "The paper uses 1.")
    try require(
      zoneoutKept > 0 && zoneoutKept <= 1, "\(path).zoneoutKept", found: zoneoutKept,
      allowed: "in (0, 1]", remedy: "1 switches zoneout off.")
    try requireSlack(scalingSlack, at: path)
  }
}

/// The settings of a propagator without memory: a feed-forward network from latents to the next ones.
public struct MLPConfiguration: Hashable, Codable, Sendable {
  /// Units of a hidden layer.
  public var unitCount = 100
  /// Hidden layers.
  public var layerCount = 3
  /// What hidden layers pass through.
  public var activation = Activation.celu
  /// How latents are scaled.
  public var scaling = LatentScaling.minMax
  /// Part of the range by which minimum and maximum are moved outwards at either end.
  public var scalingSlack = 0.05

  /// Creates the settings of the paper.
  public init() {}

  /// Decodes onto the defaults; an unknown key is an error.
  public init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(CodingKeys.self)
    self.init()
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    unitCount = try settings.decodeIfPresent(Int.self, forKey: .unitCount) ?? unitCount
    layerCount = try settings.decodeIfPresent(Int.self, forKey: .layerCount) ?? layerCount
    activation = try settings.decodeIfPresent(Activation.self, forKey: .activation) ?? activation
    scaling = try settings.decodeIfPresent(LatentScaling.self, forKey: .scaling) ?? scaling
    scalingSlack = try settings.decodeIfPresent(Double.self, forKey: .scalingSlack) ?? scalingSlack
  }

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case unitCount, layerCount, activation, scaling, scalingSlack
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "mlp") throws(ConfigurationError) {
    try require(
      unitCount >= 1, "\(path).unitCount", found: unitCount, allowed: "at least 1",
      remedy: "The paper uses 100.")
    try require(
      layerCount >= 0, "\(path).layerCount", found: layerCount, allowed: "0 or more",
      remedy: "The paper uses 3.")
    try requireSlack(scalingSlack, at: path)
  }
}

private func requireSlack(_ slack: Double, at path: String) throws(ConfigurationError) {
  try require(
    slack >= 0 && slack.isFinite, "\(path).scalingSlack", found: slack, allowed: "0 or more",
    remedy: "The paper uses 0.05, and 0.1 for latents of principal components.")
}

/// The architecture of a trained propagator.
public enum PropagatorArchitecture: Hashable, Codable, Sendable {
  /// LSTM or GRU.
  case recurrent(RecurrentConfiguration)
  /// A feed-forward network without memory.
  case mlp(MLPConfiguration)

  private enum Kind: String, CodingKey, CaseIterable { case recurrent, mlp }

  /// Decodes one kind with its settings.
  public init(from decoder: any Decoder) throws {
    try decoder.rejectUnknownKeys(Kind.self)
    let container = try decoder.container(keyedBy: Kind.self)
    guard container.allKeys.count == 1, let kind = container.allKeys.first else {
      throw ConfigurationError(
        decoder.codingPath.map(\.stringValue).joined(separator: "."),
        found: container.allKeys.isEmpty
          ? "no architecture"
          : container.allKeys.map(\.rawValue).sorted().joined(separator: " and "),
        allowed: "one of: \(Kind.allCases.map(\.rawValue).joined(separator: ", "))",
        remedy: "Keep one of them.")
    }
    switch kind {
    case .recurrent:
      self = .recurrent(try container.decode(RecurrentConfiguration.self, forKey: kind))
    case .mlp: self = .mlp(try container.decode(MLPConfiguration.self, forKey: kind))
    }
  }

  /// Encodes the kind with its settings.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .recurrent(let settings): try container.encode(settings, forKey: .recurrent)
    case .mlp(let settings): try container.encode(settings, forKey: .mlp)
    }
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "propagator") throws(ConfigurationError) {
    switch self {
    case .recurrent(let settings): try settings.validate(at: "\(path).recurrent")
    case .mlp(let settings): try settings.validate(at: "\(path).mlp")
    }
  }

  /// The scaler of latents, fitted to training series `[T, L]`.
  func scaler(fitting series: [HostArray<Double>]) -> ChannelScaler {
    let frames = HostArray(
      series.flatMap(\.elements),
      shape: [series.reduce(0) { $0 + $1.shape[0] }, series.first?.shape[1] ?? 0])
    switch self {
    case .recurrent(let settings):
      return ChannelScaler(settings.scaling.kind, fitting: frames, slack: settings.scalingSlack)
    case .mlp(let settings):
      return ChannelScaler(settings.scaling.kind, fitting: frames, slack: settings.scalingSlack)
    }
  }
}
