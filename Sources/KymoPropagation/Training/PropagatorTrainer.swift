// One training of a propagator on latent series, window by window.
//
// Loss (Vlachas et al. 2022): mean (ẑ_{t+1} − z_{t+1})² of scaled latents over the counted steps of
// a window, which is cut from the one before it but for the carried state. The mean over steps and
// sequences may be another than the arithmetic one.
//
// Letters: B sequences, L latents, K inputs of a window.
public import KymoData
public import KymoNN
public import KymoNumerics
public import KymoTensor

/// Trains a propagator on latent series.
public final class PropagatorTrainer: ModelTrainer {
  /// What is trained.
  public let architecture: PropagatorArchitecture
  /// How it is trained.
  public let training: PropagatorTraining
  /// From latents to the network's numbers; fitted to the training series.
  public let scaler: ChannelScaler
  /// Runs the training.
  public let trainer: Trainer
  private let network: any PropagatingNetwork

  /// Prepares a training.
  ///
  /// - Parameters:
  ///   - architecture: What is trained.
  ///   - training: How it is trained.
  ///   - series: Training series of latents, each `[T, L]`, T at least one frame more than a
  ///     sequence.
  ///   - validation: Series that choose the best weights and end rounds, each `[T, L]`.
  ///   - scaler: From latents to the network's numbers; fitted to the training series when nil.
  ///   - seed: Seed of weights, sequences and noise.
  ///   - device: Where to compute.
  ///   - path: How to compute; what the device allows when not given.
  /// - Throws: ``ConfigurationError`` for settings that cannot work; `ModelDataError` for series
  ///   that cannot be used.
  public init(
    _ architecture: PropagatorArchitecture, training: PropagatorTraining,
    series: [HostArray<Double>], validation: [HostArray<Double>], scaler: ChannelScaler? = nil,
    seed: UInt64, device: Device = .cpu, path: ComputePath? = nil
  ) throws {
    try architecture.validate()
    try training.validate()
    try architecture.validate(training)
    try device.checkAvailable()
    let latents = try SeriesWindows.check(series, training, "training series")
    if let finishing = training.finishing {
      _ = try SeriesWindows.check(series, finishing, "training series")
      _ = try SeriesWindows.check(validation, finishing, "validation series")
    }
    guard try SeriesWindows.check(validation, training, "validation series") == latents else {
      throw ModelDataError(
        "validation series", found: "of another number of latents",
        allowed: "of \(latents) latents",
        remedy: "Encode all series with one reduction.")
    }
    (self.architecture, self.training) = (architecture, training)
    let scaler = scaler ?? architecture.scaler(fitting: series)
    self.scaler = scaler
    network = architecture.network(
      latentCount: latents, seed: seed, device: device, path: path)
    let loss = LatentLoss(architecture, network, average: training.average, device: device)
    func scaled(_ series: [HostArray<Double>]) -> [(values: [Float], frames: Int)] {
      series.map { (scaler.scaled($0.elements), $0.shape[0]) }
    }
    let (trained, judged) = (scaled(series), scaled(validation))
    func phase(_ name: String, _ training: PropagatorTraining) -> Phase {
      func windows(_ series: [(values: [Float], frames: Int)]) -> SeriesWindows {
        SeriesWindows(series, width: latents, frameCount: training.sequenceLength + 1)
      }
      return WindowObjective(
        loss, training: training, series: windows(trained), validation: windows(judged),
        seed: seed
      ).phase(name)
    }
    // The last part starts from the best weights.
    trainer = Trainer(
      [phase("propagator", training)] + (training.finishing.map { [phase("finish", $0)] } ?? []),
      seed: seed)
  }

  /// The propagator with the best weights found: ``RecurrentPropagator``, ``MLPPropagator`` or
  /// ``MixtureRecurrentPropagator``.
  ///
  /// The trainer must not be used afterwards.
  public func finishedPropagator() -> any Propagator {
    trainer.takeResult()
    return architecture.propagator(network, scaler: scaler)
  }
}

/// The error of predicted latents: squared, or what else the network says.
private final class LatentLoss: WindowLoss {
  let network: any PropagatingNetwork
  let device: Device
  private let zoneoutKept: Double
  private let average: ErrorAverage

  init(
    _ architecture: PropagatorArchitecture, _ network: any PropagatingNetwork,
    average: ErrorAverage, device: Device
  ) {
    (self.network, self.average, self.device) = (network, average, device)
    zoneoutKept =
      if case .recurrent(let settings) = architecture { settings.zoneoutKept } else { 1 }
  }

  var trained: [NamedTensor] { network.namedParameters() }
  var buffers: [NamedTensor] { [] }
  func initialState(batchCount: Int) -> Tensor { network.initialState(batchCount: batchCount) }

  func callAsFunction(_ frames: Tensor, state: inout Tensor, options: WindowOptions) -> Tensor {
    let length = frames.shape[1] - 1
    var inputs = frames.sliced(axis: 1, from: 0, to: length)
    if let noise = options.noise { inputs = inputs + noise(inputs.shape) }
    let errors = network.errors(
      inputs, targets: frames.sliced(axis: 1, from: 1), state: &state, own: options.own,
      zoneout: options.zoneout(kept: zoneoutKept))
    return average(errors.sliced(axis: 1, from: options.firstCounted))
  }
}

extension WindowOptions {
  /// Zoneout of this step; nil when it is off or weights are evaluated.
  package func zoneout(kept: Double) -> Zoneout? {
    kept < 1 && isTraining ? Zoneout(kept: kept, using: dropout) : nil
  }
}
