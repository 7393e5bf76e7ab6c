// The architectures of trained propagators. Vlachas et al., Nature Machine Intelligence 4, 359
// (2022): recurrent networks with a linear output layer, and a feed-forward network without memory.
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
/// **Good values.** 32 units for two latents of FitzHugh–Nagumo, 512 for eight of
/// Kuramoto–Sivashinsky.
public struct RecurrentConfiguration: Settings {
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
  /// Whether the output layer gives the change of latents instead of the next ones; nothing bounds
  /// the result then.
  ///
  /// Latents of smooth dynamics hardly change in a coarse step: a network that predicts them whole
  /// uses its accuracy for what does not change.
  public var predictsIncrements = false

  /// Creates the default settings.
  public init() {}

  /// Creates settings; those that are not given are the defaults.
  public init(cell: RecurrentCell = .lstm, unitCount: Int = 32, layerCount: Int = 1) {
    (self.cell, self.unitCount, self.layerCount) = (cell, unitCount, layerCount)
  }

  /// What the network's output layer gives.
  var outputKind: RecurrentOutput {
    if predictsIncrements { return .increment }
    return scaling.outputActivation == .tanhPlus ? .tanhPlus : .linear
  }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "recurrent") throws(ConfigurationError) {
    try require(
      unitCount, .atLeast(1), "\(path).unitCount",
      remedy: "The paper uses 32 for two latents and 512 for eight.")
    try require(layerCount, .atLeast(1), "\(path).layerCount", remedy: "The paper uses 1.")
    try require(
      zoneoutKept > 0 && zoneoutKept <= 1, "\(path).zoneoutKept", found: zoneoutKept,
      allowed: "in (0, 1]", remedy: "1 switches zoneout off.")
    try requireSlack(scalingSlack, at: path)
  }
}

/// The settings of a propagator without memory: a feed-forward network from latents to the next
/// ones.
public struct MLPConfiguration: Settings {
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

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "mlp") throws(ConfigurationError) {
    try require(unitCount, .atLeast(1), "\(path).unitCount", remedy: "The paper uses 100.")
    try require(layerCount, .atLeast(0), "\(path).layerCount", remedy: "The paper uses 3.")
    try requireSlack(scalingSlack, at: path)
  }
}

private func requireSlack(_ slack: Double, at path: String) throws(ConfigurationError) {
  try require(
    slack, .atLeast(0), "\(path).scalingSlack",
    remedy: "The paper uses 0.05, and 0.1 for latents of principal components.")
}

/// The architecture of a trained propagator.
public enum PropagatorArchitecture: Hashable, Codable, Sendable {
  /// LSTM or GRU.
  case recurrent(RecurrentConfiguration)
  /// A feed-forward network without memory.
  case mlp(MLPConfiguration)
  /// LSTM or GRU that gives a density of the next latents, from which they are drawn: for dynamics
  /// that are random.
  case mixture(MixtureRecurrentConfiguration)

  private enum CodingKeys: CodingKey, CaseIterable { case recurrent, mlp, mixture }

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "propagator") throws(ConfigurationError) {
    switch self {
    case .recurrent(let settings): try settings.validate(at: "\(path).recurrent")
    case .mlp(let settings): try settings.validate(at: "\(path).mlp")
    case .mixture(let settings): try settings.validate(at: "\(path).mixture")
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
    case .mixture: return ChannelScaler(.standard, fitting: frames)
    }
  }
}

extension PropagatorArchitecture {
  /// Throws when an architecture cannot be trained so.
  package func validate(
    _ training: PropagatorTraining, at path: String = "training"
  ) throws(ConfigurationError) {
    guard case .mixture = self else { return }
    try require(
      training.freeRunningSteps == 0 && training.scheduledSampling == .none,
      "\(path).freeRunningSteps", found: training.freeRunningSteps,
      allowed: "0, and no scheduledSampling, for a mixture",
      remedy: "A density is learned from true inputs; a draw is no target for another.")
    try require(
      training.average == .arithmetic, "\(path).average", found: training.average.rawValue,
      allowed: "arithmetic for a mixture", remedy: "Its loss is a logarithm already.")
  }
}
