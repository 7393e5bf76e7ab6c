// One training of an autoencoder, step by step: batches, loss, gradient, optimiser, validation, rounds.
// Everything random is addressed by (seed, epoch or step), so a training that continues from a checkpoint
// repeats the same numbers.
//
// Loss (Vlachas et al. 2022): mean (D(E(s)) − s)² over all entries of scaled fields. For variational
// latents: Σ over entries (D(z) − s)² + β · divergence, both averaged over the batch. With noise on plain
// latents z = E(s) + η σ ε, σ their standard deviation over the batch. The mean over states may be another
// than the arithmetic one; validation is always by that.
public import Foundation
public import KymoData
public import KymoNN
import KymoNumerics
public import KymoTensor

/// The first loss of a reduction's training that is not a finite number: a result with a name.
public struct NonFiniteReductionLoss: Error, Hashable, Sendable, CustomStringConvertible {
  /// The step at which it came up, counted from 1.
  public var step: Int
  /// What to do about it.
  public var remedy: String {
    "Train again with a smaller step size (half is a good try), or set training.gradientClip=1."
  }
  /// One sentence with the remedy.
  public var description: String {
    "The loss at step \(step) is not a finite number. \(remedy)"
  }
}

/// What one step of a reduction's training found.
public struct ReductionStepReport: Codable, Sendable, Hashable {
  /// Number of finished steps.
  public var step: Int
  /// Number of finished epochs.
  public var epoch: Int
  /// The round, counted from 0; 0 in a training of a given number of steps.
  public var round: Int
  /// What was minimised.
  public var loss: Double
  /// Mean squared error of scaled fields over the batch.
  public var reconstruction: Double
  /// Divergence from the prior in nats; 0 without variational latents.
  public var divergence: Double
  /// Step size.
  public var learningRate: Double
  /// Euclidean norm of the gradient before clipping.
  public var gradientNorm: Double
  /// Loss on the validation set, when it was evaluated after this step.
  public var validationLoss: Double?
}

/// Trains an autoencoder on states.
public final class ReductionTrainer {
  /// How it is trained.
  public let training: ReductionTraining
  /// The reduction as it is now; ``finishedReduction()`` gives the result.
  public let reduction: AutoencoderReduction
  /// Number of finished steps.
  public var stepIndex: Int { progress.step }
  /// Number of finished epochs.
  public var epoch: Int { progress.step / stepsPerEpoch }
  /// Steps of an epoch; the states that do not fill a batch wait for another epoch.
  public let stepsPerEpoch: Int
  /// The smallest validation loss so far; nil before the first.
  public var bestLoss: Double? { progress.bestLoss }
  /// Where a training by rounds stands; nil in a training of a given number of steps.
  public var rounds: RoundProgress? { progress.rounds }

  private let seed: UInt64
  private let batchSize: Int
  private let states: FrameSet
  private let validation: FrameSet
  private let parameters: [Tensor]
  private let best: [NamedTensor]
  private var optimizer: any Optimizer
  private var progress: Progress
  private var order: (epoch: Int, places: [Int]) = (-1, [])
  private var network: any LatentNetwork { reduction.network }

  /// What a continuation needs besides tensors.
  private struct Progress: Codable {
    var seed: UInt64
    var step = 0
    var seconds = 0.0
    var bestLoss: Double?
    var rounds: RoundProgress?
  }

  /// Prepares a training; the scaler is fitted to the training states.
  ///
  /// - Parameters:
  ///   - configuration: The architecture.
  ///   - training: How it is trained.
  ///   - states: Training states; batches of them are read when they are needed.
  ///   - validation: States that choose the best weights and end rounds.
  ///   - seed: Seed of weights, batches and noise.
  ///   - device: Where to compute.
  /// - Throws: ``ConfigurationError`` for settings that cannot work or do not fit the states;
  ///   ``ModelDataError`` for states that cannot be used.
  public convenience init(
    _ configuration: AutoencoderConfiguration, training: ReductionTraining,
    states: FrameSet, validation: FrameSet, seed: UInt64, device: Device = .cpu
  ) throws {
    try configuration.validate()
    try states.requireFinite("training states")
    let scaler = ChannelScaler(
      configuration.scaling, fitting: states, slack: configuration.scalingSlack)
    try self.init(
      AutoencoderReduction(
        configuration, stateShape: states.stateShape, scaler: scaler, seed: seed,
        device: device),
      training: training, states: states, validation: validation, seed: seed)
  }

  /// Prepares a training that starts from a reduction and keeps its scaler.
  public init(
    _ reduction: AutoencoderReduction, training: ReductionTraining, states: FrameSet,
    validation: FrameSet, seed: UInt64
  ) throws {
    try training.validate()
    try states.check(for: reduction, "training states")
    try validation.check(for: reduction, "validation states")
    (self.reduction, self.training, self.seed) = (reduction, training, seed)
    let network = reduction.network
    (self.states, self.validation) = (states, validation)
    batchSize = min(training.batchSize, states.count)
    stepsPerEpoch = states.count / batchSize
    parameters = network.parameters
    best = network.state.map { ($0.name, $0.tensor.detached().clone()) }
    optimizer = training.optimizer.optimizer(
      network.namedParameters(), weightDecay: training.weightDecay)
    progress = Progress(seed: seed)
    if case .rounds(let schedule) = training.course { progress.rounds = RoundProgress(schedule) }
  }

  /// Number of steps of the whole training; an upper bound until a training by rounds has ended.
  public var totalSteps: Int {
    switch training.course {
    case .steps(let settings): settings.count
    case .rounds(let schedule): isFinished ? stepIndex : schedule.maxEpochs * stepsPerEpoch
    }
  }

  /// Whether there is nothing left to do.
  public var isFinished: Bool {
    switch training.course {
    case .steps(let settings): stepIndex >= settings.count
    case .rounds: progress.rounds?.ended != nil
    }
  }

  /// Does one step, and the validation that is due after it.
  ///
  /// - Throws: ``NonFiniteReductionLoss`` at the first loss that is not finite, before the weights change.
  public func step() throws -> ReductionStepReport {
    precondition(!isFinished, "ReductionTrainer: the training is over")
    let start = ContinuousClock.now
    if progress.rounds?.isBeforeRound == true { beginRound() }
    let rate = learningRate
    network.isTraining = true
    optimizer.zeroGradients()
    let loss = loss(onBatch: progress.step)
    let value = loss.total.item
    guard value.isFinite else { throw NonFiniteReductionLoss(step: progress.step + 1) }
    loss.total.backward()
    let norm = KymoNN.gradientNorm(of: parameters)
    guard norm.isFinite else { throw NonFiniteReductionLoss(step: progress.step + 1) }
    let limit = training.gradientClip > 0 ? training.gradientClip : .infinity
    optimizer.step(rate: rate, gradientScale: clippingScale(norm: norm, limit: limit))
    let round = progress.rounds?.round ?? 0
    progress.step += 1
    progress.seconds += (ContinuousClock.now - start) / .seconds(1)
    let validationLoss = validateIfDue()
    return ReductionStepReport(
      step: progress.step, epoch: epoch, round: round, loss: value,
      reconstruction: loss.reconstruction?.item ?? value, divergence: loss.divergence?.item ?? 0,
      learningRate: rate, gradientNorm: norm, validationLoss: validationLoss)
  }

  /// The reduction with the best weights found, or the last where the training says so.
  ///
  /// The trainer must not be used afterwards.
  public func finishedReduction() -> AutoencoderReduction {
    var takesBest = progress.bestLoss != nil
    if case .steps(let settings) = training.course, settings.selection == .last {
      takesBest = false
    }
    if takesBest { restoreBest() }
    network.isTraining = false
    return reduction
  }

  // MARK: - Pieces of a step

  private var learningRate: Double {
    switch training.course {
    case .steps(let settings):
      settings.learningRate.rate(step: progress.step, of: settings.count)
    case .rounds: progress.rounds?.rate ?? 0
    }
  }

  private struct Loss {
    var total: Tensor
    /// Nil where it is the total.
    var reconstruction: Tensor?
    var divergence: Tensor?
  }

  private func loss(onBatch step: Int) -> Loss {
    let target = batch(step)
    var input = target
    if training.inputNoise > 0 {
      var random = RandomStream(seed: seed, purpose: .noise, index: UInt64(step))
      input = input + normal(target.shape, using: &random) * training.inputNoise
    }
    guard let variational = network as? VariationalNetwork else {
      let latents = disturbed(network.encode(input), step)
      let errors = (network.decode(latents) - target).square()
      guard training.average != .arithmetic else { return Loss(total: errors.mean()) }
      return Loss(total: training.average(errors.reshaped([errors.size(0), -1]).mean(axes: [1])))
    }
    let (mean, logVariance) = variational.distribution(input)
    var random = RandomStream(seed: seed, purpose: .sampling, index: UInt64(step))
    let sample = mean + (logVariance * 0.5).exp() * normal(mean.shape, using: &random)
    let error = (network.decode(sample) - target).square().mean()
    let divergence = VariationalNetwork.divergence(mean: mean, logVariance: logVariance)
    let beta = training.beta * divergenceWeight(epoch: Double(epoch), of: Double(mostEpochs))
    return Loss(
      total: error * Double(reduction.stateShape.reduce(1, *)) + divergence * beta,
      reconstruction: error, divergence: divergence)
  }

  /// Latents with the noise of a step, which falls to none by the end of the training.
  private func disturbed(_ latents: Tensor, _ step: Int) -> Tensor {
    let left = max(0, 1 - Double(step) / Double(mostEpochs * stepsPerEpoch))
    let level = training.latentNoise * left * left
    guard level > 0, batchSize > 1 else { return latents }
    let spread = latents.detached().variance(axes: [0], keepDims: true).sqrt()
    var random = RandomStream(seed: seed, purpose: .sampling, index: UInt64(step))
    return latents + spread * normal(latents.shape, using: &random) * level
  }

  private var mostEpochs: Int {
    switch training.course {
    case .rounds(let schedule): schedule.maxEpochs
    case .steps(let settings): (settings.count + stepsPerEpoch - 1) / stepsPerEpoch
    }
  }

  private func normal(_ shape: [Int], using random: inout RandomStream) -> Tensor {
    Tensor.normal(shape, using: &random).cast(to: network.dtype).to(network.device)
  }

  /// The states of a step: epochs are permutations of all states.
  private func batch(_ step: Int) -> Tensor {
    let (epoch, place) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
    if order.epoch != epoch {
      var random = RandomStream(seed: seed, purpose: .batches, index: UInt64(epoch))
      order = (epoch, Array(0..<states.count).shuffled(using: &random))
    }
    return states.tensor(order.places[place * batchSize..<(place + 1) * batchSize], for: reduction)
  }

  // MARK: - Validation and rounds

  /// Loss on the validation set: the mean squared error of scaled fields, or what a variational training
  /// minimises in the end, with latents at their means.
  private func validationLoss() -> Double {
    network.isTraining = false
    let count = validation.count
    let block = max(1, min(1024, 262_144 / validation.stateSize))
    return withoutGradients {
      var sum = 0.0
      for first in stride(from: 0, to: count, by: block) {
        let part = validation.tensor(first..<min(first + block, count), for: reduction)
        if let variational = network as? VariationalNetwork {
          let (mean, logVariance) = variational.distribution(part)
          let divergence = VariationalNetwork.divergence(mean: mean, logVariance: logVariance)
          sum += (network.decode(mean) - part).square().sum().item
          sum += training.beta * divergence.item * Double(part.size(0))
        } else {
          let entries = Double(reduction.stateShape.reduce(1, *))
          sum += (network.decode(network.encode(part)) - part).square().sum().item / entries
        }
      }
      return sum / Double(count)
    }
  }

  private func validateIfDue() -> Double? {
    let isEpochEnd = progress.step % stepsPerEpoch == 0
    if case .steps(let settings) = training.course {
      let interval = settings.validationInterval
      let isDue = interval > 0 ? progress.step % interval == 0 : isEpochEnd
      guard isDue || progress.step == settings.count else { return nil }
      let loss = validationLoss()
      if loss.isFinite, loss < progress.bestLoss ?? .infinity { keepBest(loss) }
      return loss
    }
    guard isEpochEnd else { return nil }
    let loss = validationLoss()
    let seconds = progress.seconds
    let verdict = progress.rounds?.finishEpoch(validationLoss: loss, seconds: seconds)
    if verdict?.isBest == true { keepBest(loss) }
    return loss
  }

  /// Goes back to the best weights, with a new optimiser.
  private func beginRound() {
    if progress.bestLoss != nil { restoreBest() }
    optimizer = training.optimizer.optimizer(
      network.namedParameters(), weightDecay: training.weightDecay)
    let loss = validationLoss()
    if progress.rounds?.beginRound(validationLoss: loss) == true { keepBest(loss) }
  }

  private func keepBest(_ loss: Double) {
    progress.bestLoss = loss
    withoutGradients {
      for (kept, present) in zip(best, network.state) {
        kept.tensor.copyInPlace(from: present.tensor)
      }
    }
  }

  private func restoreBest() {
    withoutGradients {
      for (kept, present) in zip(best, network.state) {
        present.tensor.copyInPlace(from: kept.tensor)
      }
    }
  }

  // MARK: - Checkpoints

  /// Writes what a continuation needs into an existing folder.
  public func saveCheckpoint(to folder: URL) throws {
    let tensors =
      network.state.prefixed("model") + best.prefixed("best")
      + optimizer.state.prefixed("optimizer")
    try SafeTensors.write(tensors, to: folder.appending(path: "state.safetensors"))
    try JSONEncoder().encode(progress).write(to: folder.appending(path: "state.json"))
  }

  /// Continues from a checkpoint of the same configuration, seed and states, with the same numbers.
  ///
  /// - Throws: ``ModelDataError`` for a checkpoint of another seed or course; `TensorError` for one of
  ///   another architecture.
  public func restore(from folder: URL) throws {
    let stored = try JSONDecoder().decode(
      Progress.self, from: Data(contentsOf: folder.appending(path: "state.json")))
    guard stored.seed == seed, stored.rounds?.schedule == progress.rounds?.schedule else {
      throw ModelDataError(
        "continuing from \(folder.path)", found: "of seed \(stored.seed) and another course",
        allowed: "a checkpoint of seed \(seed) and the same course",
        remedy: "Continue with the recipe that the run was started with.")
    }
    let place = folder.appending(path: "state.safetensors")
    let tensors = try SafeTensors.read(place).tensors
    func part(_ prefix: String) -> [NamedTensor] {
      tensors.filter { $0.name.hasPrefix(prefix + ".") }
        .map { (String($0.name.dropFirst(prefix.count + 1)), $0.tensor) }
    }
    try network.state.load(part("model"), from: place.path)
    try best.load(part("best"), from: place.path)
    try optimizer.load(state: part("optimizer"), from: place.path)
    progress = stored
  }
}
