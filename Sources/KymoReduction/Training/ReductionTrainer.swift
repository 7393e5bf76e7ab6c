// The objective of an autoencoder on states, and its training.
// Everything random is addressed by (seed, epoch or step).
//
// Loss (Vlachas et al. 2022): mean (D(E(s)) − s)² over all entries of scaled fields, with a weight for
// every point of space where the training has an emphasis. For
// variational latents: Σ over entries (D(z) − s)² + β · KL divergence, both averaged over the
// batch. With noise on plain latents z = E(s) + η σ ε, σ their standard deviation over the batch.
// The mean over states may be another than the arithmetic one; validation is always by that.
// Observables add weight · mean (h(z) − o)², o scaled to variance 1, with the same z.
public import KymoData
public import KymoNN
import KymoNumerics
public import KymoTensor

/// Trains an autoencoder on states.
public final class ReductionTrainer: ModelTrainer {
  /// How it is trained.
  public let training: ReductionTraining
  /// The reduction as it is now; ``finishedReduction()`` gives the result.
  public let reduction: AutoencoderReduction
  /// Runs the training.
  public let trainer: Trainer

  /// Prepares a training; the scaler is fitted to the training states.
  ///
  /// - Parameters:
  ///   - configuration: The architecture.
  ///   - training: How it is trained.
  ///   - states: Training states; batches of them are read when they are needed.
  ///   - validation: States that choose the best weights and end rounds.
  ///   - observed: What was observed in the training states; nil for nothing.
  ///   - seed: Seed of weights, batches and noise.
  ///   - device: Where to compute.
  /// - Throws: ``ConfigurationError`` for settings that cannot work or do not fit the states;
  ///   ``ModelDataError`` for states that cannot be used.
  public convenience init(
    _ configuration: AutoencoderConfiguration, training: ReductionTraining,
    states: FrameSet, validation: FrameSet, observed: ObservedFrames? = nil, seed: UInt64,
    device: Device = .cpu
  ) throws {
    try configuration.validate()
    try states.requireFinite("training states")
    let scaler = ChannelScaler(
      configuration.scaling, fitting: states, slack: configuration.scalingSlack)
    try self.init(
      AutoencoderReduction(
        configuration, stateShape: states.stateShape, scaler: scaler, seed: seed,
        device: device),
      training: training, states: states, validation: validation, observed: observed, seed: seed)
  }

  /// Prepares a training that starts from a reduction and keeps its scaler.
  public init(
    _ reduction: AutoencoderReduction, training: ReductionTraining, states: FrameSet,
    validation: FrameSet, observed: ObservedFrames? = nil, seed: UInt64
  ) throws {
    try training.validate()
    if let observed {
      precondition(observed.values.shape[0] == states.count, "observed: \(observed.values.shape)")
      try observed.training.validate()
      reduction.addHead(
        ObservableHead.Description(
          names: observed.names, scaler: ChannelScaler(.standard, fitting: observed.values),
          hiddenWidth: observed.training.hiddenWidth), seed: seed)
    }
    try states.check(for: reduction, "training states")
    try validation.check(for: reduction, "validation states")
    (self.reduction, self.training) = (reduction, training)
    let weights = try training.emphasis.map {
      try $0.weights(on: states.recordings.grid, at: "training.emphasis")
    }
    let objective = ReductionObjective(
      reduction, training: training, weights: weights, states: states, validation: validation,
      observed: observed,
      seed: seed)
    let work = Phase.Work.descent(
      objective, training.phase, stepsPerEpoch: objective.stepsPerEpoch)
    trainer = Trainer([Phase("reduction", work)], seed: seed)
  }

  /// The reduction with the best weights found, or the last where the training says so.
  ///
  /// The trainer must not be used afterwards.
  public func finishedReduction() -> AutoencoderReduction {
    trainer.takeResult()
    reduction.network.isTraining = false
    return reduction
  }
}

/// The error of reconstructed states.
private final class ReductionObjective: Objective {
  /// Steps of an epoch; the states that do not fill a batch wait for another epoch.
  let stepsPerEpoch: Int

  private let training: ReductionTraining
  private let reduction: AutoencoderReduction
  private var network: any LatentNetwork { reduction.network }
  private let seed: UInt64
  private let batchSize: Int
  private let states: FrameSet
  private let validation: FrameSet
  private let observed: ObservedFrames?
  /// A number for every point of space; nil where all are 1.
  private let weights: Tensor?
  private var order: (epoch: Int, places: [Int]) = (-1, [])

  init(
    _ reduction: AutoencoderReduction, training: ReductionTraining, weights: [Double]?,
    states: FrameSet, validation: FrameSet, observed: ObservedFrames?, seed: UInt64
  ) {
    self.weights = weights.map {
      Tensor(doubles: $0, shape: Array(reduction.stateShape.dropFirst()))
        .cast(to: reduction.network.dtype).to(reduction.network.device)
    }
    self.observed = observed
    (self.reduction, self.training, self.seed) = (reduction, training, seed)
    (self.states, self.validation) = (states, validation)
    batchSize = min(training.batchSize, states.count)
    stepsPerEpoch = states.count / batchSize
  }

  var trained: [NamedTensor] {
    network.namedParameters() + (reduction.head?.namedParameters() ?? [])
  }
  var buffers: [NamedTensor] { network.namedBuffers }

  func loss(at place: StepPlace) -> StepLoss {
    network.isTraining = true
    let target = batch(place.step)
    var input = target
    if training.inputNoise > 0 {
      var random = RandomStream(seed: seed, purpose: .noise, index: UInt64(place.step))
      input = input + normal(target.shape, using: &random) * training.inputNoise
    }
    guard let variational = network as? VariationalNetwork else {
      let latents = disturbed(network.encode(input), place)
      let errors = weighted((network.decode(latents) - target).square())
      return observing(
        latents, place.step,
        training.average == .arithmetic
          ? errors.mean()
          : training.average(errors.reshaped([errors.size(0), -1]).mean(axes: [1])))
    }
    let (mean, logVariance) = variational.distribution(input)
    var random = RandomStream(seed: seed, purpose: .sampling, index: UInt64(place.step))
    let sample = mean + (logVariance * 0.5).exp() * normal(mean.shape, using: &random)
    let error = weighted((network.decode(sample) - target).square()).mean()
    let divergence = VariationalNetwork.klDivergence(mean: mean, logVariance: logVariance)
    let epochs = (place.phaseSteps + stepsPerEpoch - 1) / stepsPerEpoch
    let beta =
      training.beta
      * divergenceWeight(epoch: Double(place.step / stepsPerEpoch), of: Double(epochs))
    var loss = StepLoss(
      error * Double(network.stateShape.reduce(1, *)) + divergence * beta)
    loss.tensors = [("reconstruction", error), ("divergence", divergence)]
    return loss
  }

  private func weighted(_ errors: Tensor) -> Tensor { weights.map { errors * $0 } ?? errors }

  /// The loss with that of observables.
  private func observing(_ latents: Tensor, _ step: Int, _ error: Tensor) -> StepLoss {
    guard let head = reduction.head, let observed else { return StepLoss(error) }
    let width = observed.names.count
    let values = places(step).flatMap {
      observed.values.elements[$0 * width..<($0 + 1) * width]
    }
    let known = head.description.scaler.scale(HostArray(values, shape: [batchSize, width]))
    let target = Tensor(doubles: known.elements, shape: known.shape)
      .cast(to: network.dtype).to(network.device)
    let miss = (head(latents) - target).square().mean()
    var loss = StepLoss(error + miss * observed.training.weight)
    loss.tensors = [("reconstruction", error), ("observables", miss)]
    return loss
  }

  /// Latents with the noise of a step, which falls to none by the end of the training.
  private func disturbed(_ latents: Tensor, _ place: StepPlace) -> Tensor {
    let epochs = (place.phaseSteps + stepsPerEpoch - 1) / stepsPerEpoch
    let left = max(0, 1 - Double(place.step) / Double(epochs * stepsPerEpoch))
    let level = training.latentNoise * left * left
    guard level > 0, batchSize > 1 else { return latents }
    let spread = latents.detached().variance(axes: [0], keepDims: true).sqrt()
    var random = RandomStream(seed: seed, purpose: .sampling, index: UInt64(place.step))
    return latents + spread * normal(latents.shape, using: &random) * level
  }

  private func normal(_ shape: [Int], using random: inout RandomStream) -> Tensor {
    Tensor.normal(shape, using: &random).cast(to: network.dtype).to(network.device)
  }

  /// The states of a step.
  private func batch(_ step: Int) -> Tensor { states.tensor(places(step), for: reduction) }

  /// Places of the states of a step: epochs are permutations of all states.
  private func places(_ step: Int) -> ArraySlice<Int> {
    let (epoch, place) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
    if order.epoch != epoch {
      var random = RandomStream(seed: seed, purpose: .batches, index: UInt64(epoch))
      order = (epoch, Array(0..<states.count).shuffled(using: &random))
    }
    return order.places[place * batchSize..<(place + 1) * batchSize]
  }

  /// Loss on the validation set: the mean squared error of scaled fields, or what a variational
  /// training minimises in the end, with latents at their means.
  func validationLoss() -> Double? {
    network.isTraining = false
    let count = validation.count
    let block = max(1, min(1024, 262_144 / validation.stateSize))
    return withoutGradients {
      var sum = 0.0
      for first in stride(from: 0, to: count, by: block) {
        let part = validation.tensor(first..<min(first + block, count), for: reduction)
        if let variational = network as? VariationalNetwork {
          let (mean, logVariance) = variational.distribution(part)
          let divergence = VariationalNetwork.klDivergence(mean: mean, logVariance: logVariance)
          sum += (network.decode(mean) - part).square().sum().item
          sum += training.beta * divergence.item * Double(part.size(0))
        } else {
          let entries = Double(network.stateShape.reduce(1, *))
          sum += (network.decode(network.encode(part)) - part).square().sum().item / entries
        }
      }
      return sum / Double(count)
    }
  }
}
