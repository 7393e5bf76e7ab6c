// One training of an autoencoder and a recurrent propagator as one network, window by window.
//
// Loss of a window of frames s_0 … s_K (Vlachas et al. 2022), with z = E(s) and ẑ_{t+1} the
// prediction after z_t: the sum of the active ones, divided by their number,
//   mean (D(z_t) − s_t)²,  mean (D(ẑ_{t+1}) − s_{t+1})²,  mean (ẑ_{t+1} − z_{t+1})² for t + 1 < K.
//
// There is no scaler of latents: the propagator's last function, 0.5 + 0.5 tanh, keeps them in (0,
// 1).
//
// Letters: B sequences, T frames, K inputs of a window, C channels, X space, L latents.
public import KymoData
public import KymoNN
import KymoNumerics
public import KymoPropagation
public import KymoReduction
import KymoTensor

/// Trains an autoencoder and a recurrent propagator together.
public final class JointTrainer: ModelTrainer {
  /// How they are trained.
  public let training: JointTraining
  /// The reduction as it is now; whoever holds it sees its weights change.
  public let reduction: AutoencoderReduction
  /// The propagator's architecture.
  public let propagator: RecurrentConfiguration
  /// Runs the training.
  public let trainer: Trainer
  private let recurrent: RecurrentNetwork

  /// Prepares a training.
  ///
  /// - Parameters:
  ///   - reduction: The autoencoder with its scaler, trained or not; its weights are changed in
  ///     place.
  ///   - propagator: The recurrent network's architecture; its scaling says its last function only.
  ///   - training: How both are trained.
  ///   - series: Training series in physical units, read when they are needed.
  ///   - validation: Series that choose the best weights and end rounds.
  ///   - seed: Seed of the propagator's weights, of sequences and noise.
  /// - Throws: ``ConfigurationError`` for settings that cannot work; `ModelDataError` for series
  ///   that cannot be used.
  public init(
    _ reduction: AutoencoderReduction, propagator: RecurrentConfiguration,
    training: JointTraining, series: FrameSet, validation: FrameSet,
    seed: UInt64
  ) throws {
    try propagator.validate(at: "propagator.recurrent")
    try training.validate()
    (self.reduction, self.propagator, self.training) = (reduction, propagator, training)
    let frames = training.windows.sequenceLength + 1
    func windows(_ series: FrameSet, _ name: String) throws -> SeriesWindows {
      try series.check(for: reduction, name)
      for (index, one) in series.series.enumerated() where one.frames.count < frames {
        throw ModelDataError(
          "\(name), series \(index)", found: "\(one.frames.count) frames long",
          allowed: "at least \(frames) frames long", remedy: "Use fewer windows per sequence.")
      }
      let scaler = reduction.scaler
      return SeriesWindows(
        frames: series.series.map(\.frames.count), width: series.stateSize, frameCount: frames
      ) { series.scaled(ofSeries: $0, $1, by: scaler) }
    }
    recurrent = RecurrentNetwork(
      propagator, latentCount: reduction.latentCount, seed: seed, device: reduction.network.device)
    let objective = WindowObjective(
      JointLoss(reduction.network, recurrent, propagator: propagator, training: training),
      training: training.windows, series: try windows(series, "training series"),
      validation: try windows(validation, "validation series"), seed: seed)
    trainer = Trainer([objective.phase("joint")], seed: seed)
  }

  /// The reduction and the propagator with the best weights found.
  ///
  /// The trainer must not be used afterwards.
  public func finished() -> (reduction: AutoencoderReduction, propagator: RecurrentPropagator) {
    trainer.takeResult()
    reduction.network.isTraining = false
    let latents = reduction.latentCount
    let scaler = ChannelScaler(
      kind: .none, offset: [Double](repeating: 0, count: latents),
      scale: [Double](repeating: 1, count: latents))
    return (
      reduction,
      RecurrentPropagator(configuration: propagator, scaler: scaler, network: recurrent)
    )
  }
}

/// The losses of both networks together.
private final class JointLoss: WindowLoss {
  private let recurrent: RecurrentNetwork
  private let network: any LatentNetwork
  private let training: JointTraining
  private let zoneoutKept: Double

  init(
    _ network: any LatentNetwork, _ recurrent: RecurrentNetwork,
    propagator: RecurrentConfiguration, training: JointTraining
  ) {
    (self.network, self.recurrent, self.training) = (network, recurrent, training)
    zoneoutKept = propagator.zoneoutKept
  }

  var trained: [NamedTensor] {
    network.namedParameters().prefixed("reduction")
      + recurrent.namedParameters().prefixed("propagator")
  }
  var buffers: [NamedTensor] { network.namedBuffers.prefixed("reduction") }
  var device: Device { network.device }
  func initialState(batchCount: Int) -> Tensor { recurrent.initialState(batchCount: batchCount) }

  func callAsFunction(_ frames: Tensor, state: inout Tensor, options: WindowOptions) -> Tensor {
    network.isTraining = options.isTraining
    let fields = frames.cast(to: network.dtype)
    let (batch, length) = (frames.shape[0], frames.shape[1] - 1)
    let onlyLatents = !training.hasReconstructionLoss && !training.hasOutputLoss
    var inputs = fields.sliced(axis: 1, from: 0, to: length)
    if let noise = options.noise { inputs = inputs + noise(inputs.shape).cast(to: network.dtype) }
    var latents = encode(inputs)
    // Without a loss on fields, the encoder could give all states the same latents.
    if onlyLatents { latents = latents.detached() }
    let predictions = recurrent.predictions(
      latents, state: &state, own: options.own, zoneout: options.zoneout(kept: zoneoutKept))
    let first = options.firstCounted
    var losses: [Tensor] = []
    if training.hasReconstructionLoss {
      let counted = latents.sliced(axis: 1, from: first)
      losses.append(error(counted, fields.sliced(axis: 1, from: first, to: length)))
    }
    if training.hasOutputLoss {
      let counted = predictions.sliced(axis: 1, from: first)
      losses.append(error(counted, fields.sliced(axis: 1, from: first + 1)))
    }
    if training.hasLatentLoss {
      var targets = latents
      if training.latentLossUsesLastFrame {
        let last = encode(fields.sliced(axis: 1, from: length))
        targets = Tensor.concatenated([latents, onlyLatents ? last.detached() : last], axis: 1)
      }
      if training.detachesLatentTargets { targets = targets.detached() }
      let difference =
        predictions.sliced(axis: 1, from: first, to: targets.shape[1] - 1)
        - targets.sliced(axis: 1, from: first + 1)
      losses.append(difference.square().mean())
    }
    precondition(batch > 0, "JointLoss: a window of no sequences")
    return losses.dropFirst().reduce(losses[0]) { $0 + $1.cast(to: losses[0].dtype) }
      / Double(losses.count)
  }

  /// Latents of fields, `[B, K, width]` to `[B, K, L]`, as the propagator's numbers.
  private func encode(_ fields: Tensor) -> Tensor {
    let (batch, length) = (fields.shape[0], fields.shape[1])
    return network.encode(fields.reshaped([batch * length] + network.stateShape))
      .reshaped([batch, length, network.latentCount]).cast(to: .float32)
  }

  /// The mean squared error of decoded latents, `[B, K, L]`, against fields `[B, K, width]`.
  private func error(_ latents: Tensor, _ fields: Tensor) -> Tensor {
    let (batch, length) = (latents.shape[0], latents.shape[1])
    let decoded = network.decode(
      latents.reshaped([batch * length, network.latentCount]).cast(to: network.dtype))
    return (decoded.reshaped(fields.shape) - fields).square().mean()
  }
}
