// Observables as a function of the latents: a small dense network beside the decoder, trained with the
// autoencoder on what was observed in every frame, such as the force on a body. A decoded field may be
// accurate everywhere but where the observable comes from.
//
// Letters: B states, L latents, K observables.
public import KymoData
import KymoNN
public import KymoNumerics
import KymoTensor

/// Says observables of latents.
public protocol Observing {
  /// What is observed, K names; empty for nothing.
  var observableNames: [String] { get }
  /// Number of latents, L.
  var latentCount: Int { get }
  /// The observables of latents, `[B, L]` to `[B, K]`.
  func observe(_ latents: HostArray<Double>) throws -> HostArray<Double>
}

/// How observables are learned beside the fields.
public struct ObservableTraining: Settings {
  /// Units of each of the two hidden layers.
  public var hiddenWidth = 32
  /// Weight of the mean squared error of observables, each with variance 1, beside that of fields.
  public var weight = 0.1

  /// Creates the default settings.
  public init() {}

  /// Throws the first setting that cannot work.
  public func validate(at path: String = "observables") throws(ConfigurationError) {
    try require(hiddenWidth, .atLeast(1), "\(path).hiddenWidth", remedy: "32 is the default.")
    try require(weight, .above(0), "\(path).weight", remedy: "0.1 is the default.")
  }
}

/// What was observed in the frames of a training.
public struct ObservedFrames: Sendable {
  /// What is observed.
  public var names: [String]
  /// In every frame, `[frames, K]`.
  public var values: HostArray<Double>
  /// How it is learned.
  public var training: ObservableTraining

  /// Takes what was observed in frames.
  ///
  /// - Throws: ``ModelDataError`` where nothing was observed, or something that is not finite.
  public init(_ frames: FrameSet, training: ObservableTraining) throws(ModelDataError) {
    guard let values = frames.observables, values.elements.allSatisfy(\.isFinite) else {
      throw ModelDataError(
        "observables",
        found: frames.observables == nil ? "absent" : "with numbers that are not finite",
        allowed: "a finite number in every frame",
        remedy: "Give the array observables of shape (recordings, frames, k), or leave observables "
          + "out of the recipe.")
    }
    (names, self.values) = (frames.recordings.metadata.observableNames, values)
    self.training = training
  }
}

/// The network from latents to observables.
final class ObservableHead: Module {
  /// What of it is no tensor.
  struct Description: Codable {
    var names: [String]
    var scaler: ChannelScaler
    var hiddenWidth: Int
  }

  let description: Description
  private let stack: DenseStack

  /// Creates a network with random weights.
  init(
    _ description: Description, latentCount: Int, using random: inout RandomStream,
    dtype: ScalarType, device: Device
  ) {
    self.description = description
    let hidden = [description.hiddenWidth, description.hiddenWidth]
    stack = DenseStack(
      widths: [latentCount] + hidden + [description.names.count], activation: .celu,
      lastActivation: .identity, skips: false, using: &random, dtype: dtype, device: device)
  }

  /// Scaled observables of latents, `[B, L]` to `[B, K]`, as part of the graph.
  func callAsFunction(_ latents: Tensor) -> Tensor { stack(latents) }

  /// Observables of latents, outside the graph.
  func values(of latents: HostArray<Double>) -> HostArray<Double> {
    let rows = stack.apply(latents.elements.map { Float($0) }, count: latents.shape[0])
    return description.scaler.unscale(
      HostArray(rows.map { Double($0) }, shape: [latents.shape[0], description.names.count]))
  }

  func namedParameters() -> [NamedTensor] { stack.namedParameters().prefixed("observables") }
}
