// One training of a propagator on latent series, window by window. Everything random is addressed by
// (seed, step), so a training that continues from a checkpoint repeats the same numbers.
//
// Loss (Vlachas et al. 2022): mean (ẑ_{t+1} − z_{t+1})² of scaled latents over the counted steps of a
// window, which is cut from the one before it but for the carried state.
//
// Letters: B sequences, L latents, K inputs of a window.
public import Foundation
public import KymoData
import KymoNN
public import KymoNumerics
public import KymoTensor

/// The first loss of a propagator's training that is not a finite number: a result with a name.
public struct NonFinitePropagatorLoss: Error, Hashable, Sendable, CustomStringConvertible {
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

/// What one step of a propagator's training found.
public struct PropagatorStepReport: Codable, Sendable, Hashable {
  /// Number of finished steps.
  public var step: Int
  /// Number of finished epochs; in one, about as many inputs are seen as the series have.
  public var epoch: Int
  /// The round, counted from 0; 0 in a training of a given number of steps.
  public var round: Int
  /// Mean squared error of scaled latents over the window.
  public var loss: Double
  /// Step size.
  public var learningRate: Double
  /// Euclidean norm of the gradient before clipping.
  public var gradientNorm: Double
  /// Mean squared error on the validation series, when it was evaluated after this step.
  public var validationLoss: Double?
}

/// Trains a propagator on latent series.
public final class PropagatorTrainer {
  /// What is trained.
  public let architecture: PropagatorArchitecture
  /// How it is trained.
  public let training: PropagatorTraining
  /// From latents to the network's numbers; fitted to the training series.
  public let scaler: ChannelScaler
  /// Number of finished steps.
  public var stepIndex: Int { progress.step }
  /// Steps of an epoch.
  public let stepsPerEpoch: Int
  /// The smallest validation loss so far; nil before the first.
  public var bestLoss: Double? { progress.bestLoss }

  private let seed: UInt64
  private let device: Device
  private let network: any PropagatingNetwork
  private let named: [NamedTensor]
  private let best: [NamedTensor]
  private let series: SeriesWindows
  private let validation: SeriesWindows
  private var optimizer: AdaptiveOptimizer
  private var average: WeightAverage?
  private var state: Tensor
  private var sequence: (index: Int, frames: Tensor)?
  private var progress: Progress

  /// What a continuation needs besides tensors.
  private struct Progress: Codable {
    var seed: UInt64
    var step = 0
    var seconds = 0.0
    var bestLoss: Double?
    var rounds: RoundProgress?
  }

  /// Prepares a training.
  ///
  /// - Parameters:
  ///   - architecture: What is trained.
  ///   - training: How it is trained.
  ///   - series: Training series of latents, each `[T, L]`, T at least one frame more than a sequence.
  ///   - validation: Series that choose the best weights and end rounds, each `[T, L]`.
  ///   - scaler: From latents to the network's numbers; fitted to the training series when nil.
  ///   - seed: Seed of weights, sequences and noise.
  ///   - device: Where to compute.
  /// - Throws: ``ConfigurationError`` for settings that cannot work; `ModelDataError` for series that
  ///   cannot be used.
  public init(
    _ architecture: PropagatorArchitecture, training: PropagatorTraining,
    series: [HostArray<Double>], validation: [HostArray<Double>], scaler: ChannelScaler? = nil,
    seed: UInt64, device: Device = .cpu
  ) throws {
    try architecture.validate()
    try training.validate()
    try device.checkAvailable()
    let latents = try SeriesWindows.check(series, training, "training series")
    guard try SeriesWindows.check(validation, training, "validation series") == latents else {
      throw ModelDataError(
        "validation series", found: "of another number of latents",
        allowed: "of \(latents) latents",
        remedy: "Encode all series with one reduction.")
    }
    (self.architecture, self.training) = (architecture, training)
    (self.seed, self.device) = (seed, device)
    self.scaler = scaler ?? architecture.scaler(fitting: series)
    self.series = SeriesWindows(
      series, scaler: self.scaler, frameCount: training.sequenceLength + 1)
    self.validation = SeriesWindows(
      validation, scaler: self.scaler, frameCount: training.sequenceLength + 1)
    network = architecture.network(latentCount: latents, seed: seed, device: device)
    named = network.namedParameters()
    best = named.map { ($0.name, $0.tensor.detached().clone()) }
    optimizer = AdaptiveOptimizer(named, training.optimizerSettings)
    if training.weightAverage > 0 {
      average = WeightAverage(named, decay: training.weightAverage)
    }
    state = network.initialState(batchCount: training.batchSize)
    let inputs = series.reduce(0) { $0 + $1.shape[0] - 1 }
    stepsPerEpoch = max(1, inputs / (training.batchSize * training.windowLength))
    progress = Progress(seed: seed)
    progress.rounds = training.rounds.map { RoundProgress($0) }
  }

  /// Number of steps of the whole training; an upper bound until a training by rounds has ended.
  public var totalSteps: Int {
    guard let rounds = training.rounds else { return training.steps }
    return isFinished ? stepIndex : rounds.maxEpochs * stepsPerEpoch
  }

  /// Whether there is nothing left to do.
  public var isFinished: Bool {
    training.rounds == nil ? stepIndex >= training.steps : progress.rounds?.ended != nil
  }

  /// Does one step, and the validation that is due after it.
  ///
  /// - Throws: ``NonFinitePropagatorLoss`` at the first loss that is not finite, before the weights change.
  public func step() throws -> PropagatorStepReport {
    precondition(!isFinished, "PropagatorTrainer: the training is over")
    let start = ContinuousClock.now
    if progress.rounds?.isBeforeRound == true { beginRound() }
    let rate =
      progress.rounds?.rate
      ?? training.learningRate.rate(step: progress.step, of: training.steps)
    optimizer.zeroGradients()
    let loss = lossOfWindow()
    let value = loss.item
    guard value.isFinite else { throw NonFinitePropagatorLoss(step: progress.step + 1) }
    loss.backward()
    let norm = KymoNN.gradientNorm(of: named.map(\.tensor))
    guard norm.isFinite else { throw NonFinitePropagatorLoss(step: progress.step + 1) }
    let limit = training.gradientClip > 0 ? training.gradientClip : .infinity
    optimizer.step(rate: rate, gradientScale: clippingScale(norm: norm, limit: limit))
    average?.update()
    let round = progress.rounds?.round ?? 0
    progress.step += 1
    progress.seconds += (ContinuousClock.now - start) / .seconds(1)
    let validationLoss = validateIfDue()
    return PropagatorStepReport(
      step: progress.step, epoch: progress.step / stepsPerEpoch, round: round, loss: value,
      learningRate: rate, gradientNorm: norm, validationLoss: validationLoss)
  }

  /// The propagator with the best weights found: ``RecurrentPropagator`` or ``MLPPropagator``.
  ///
  /// The trainer must not be used afterwards.
  public func finishedPropagator() -> any Propagator {
    if progress.bestLoss != nil { named.copy(from: best) }
    return architecture.propagator(network, scaler: scaler)
  }

  /// The mean squared error of scaled latents on the validation series: of one-step predictions on true
  /// inputs, or of free runs through each window where the training feeds predictions back.
  public func validationLoss() -> Double {
    let presentWeights = average.map { _ in named.map { ($0.name, $0.tensor.detached().clone()) } }
    if let average { named.copy(from: average.averages) }
    defer { if let presentWeights { named.copy(from: presentWeights) } }
    let isFree = training.scheduledSampling != .none || training.freeRunningSteps > 0
    return withoutGradients {
      let frames = validation.all(device: device)
      let batch = frames.shape[0]
      var state = network.initialState(batchCount: batch)
      var sum = 0.0
      for window in 0..<training.sequenceWindows {
        if !training.isStateful { state = network.initialState(batchCount: batch) }
        let (inputs, targets) = self.window(window, of: frames)
        let first = firstFree
        let own =
          isFree
          ? OwnInputs(
            (0..<batch).flatMap { _ in (0..<training.windowLength).map { $0 >= first } }) : nil
        let predictions = network.predictions(inputs, state: &state, own: own, zoneout: nil)
        sum += counted(predictions, targets).item
      }
      return sum / Double(training.sequenceWindows)
    }
  }

  // MARK: - Pieces of a step

  /// The first own input of a validation window.
  private var firstFree: Int {
    training.scheduledSampling != .none
      ? max(1, training.warmUpSteps) : training.windowLength - training.freeRunningSteps
  }

  private func lossOfWindow() -> Tensor {
    let (index, window) = progress.step.quotientAndRemainder(
      dividingBy: training.sequenceWindows)
    if sequence?.index != index {
      var random = RandomStream(seed: seed, purpose: .crops, index: UInt64(index))
      sequence = (
        index, series.draw(training.batchSize, using: &random).to(device)
      )
    }
    guard let frames = sequence?.frames else { preconditionFailure("a sequence was just drawn") }
    if window == 0 { state = network.initialState(batchCount: training.batchSize) }
    var (inputs, targets) = self.window(window, of: frames)
    if training.inputNoise > 0 {
      var random = RandomStream(seed: seed, purpose: .noise, index: UInt64(progress.step))
      inputs =
        inputs + Tensor.normal(inputs.shape, using: &random, device: device) * training.inputNoise
    }
    let predictions = network.predictions(
      inputs, state: &state, own: ownInputs(), zoneout: zoneout)
    return counted(predictions, targets)
  }

  /// Inputs and targets of a window, each `[B, K, L]`.
  private func window(_ index: Int, of frames: Tensor) -> (Tensor, Tensor) {
    let (first, length) = (index * training.windowLength, training.windowLength)
    return (
      frames.sliced(axis: 1, from: first, to: first + length),
      frames.sliced(axis: 1, from: first + 1, to: first + length + 1)
    )
  }

  private func counted(_ predictions: Tensor, _ targets: Tensor) -> Tensor {
    let first = training.firstCounted
    guard first > 0 else { return (predictions - targets).square().mean() }
    return (predictions.sliced(axis: 1, from: first) - targets.sliced(axis: 1, from: first))
      .square().mean()
  }

  /// Which inputs of this step are predictions; nil when none can be.
  private func ownInputs() -> OwnInputs? {
    let epochs = Double(training.rounds?.maxEpochs ?? 0)
    let steps = Double(training.steps) / Double(stepsPerEpoch)
    let probability = training.scheduledSampling.probability(
      epoch: Double(progress.step) / Double(stepsPerEpoch), of: epochs > 0 ? epochs : steps)
    guard probability > 0 || training.freeRunningSteps > 0 else { return nil }
    var random = RandomStream(seed: seed, purpose: .sampling, index: UInt64(progress.step))
    let free = training.windowLength - training.freeRunningSteps
    return OwnInputs(
      (0..<training.batchSize).flatMap { _ in
        (0..<training.windowLength).map { step in
          random.uniform() < probability || step >= free
        }
      }, passesGradient: training.passesGradient)
  }

  private var zoneout: Zoneout? {
    guard case .recurrent(let settings) = architecture, settings.zoneoutKept < 1 else { return nil }
    return Zoneout(
      kept: settings.zoneoutKept,
      using: RandomStream(seed: seed, purpose: .dropout, index: UInt64(progress.step)))
  }

  // MARK: - Validation and rounds

  private func validateIfDue() -> Double? {
    guard training.rounds == nil else {
      guard progress.step % stepsPerEpoch == 0 else { return nil }
      let (loss, seconds) = (validationLoss(), progress.seconds)
      let verdict = progress.rounds?.finishEpoch(validationLoss: loss, seconds: seconds)
      if verdict?.isBest == true { keepBest(loss) }
      return loss
    }
    let interval = training.validationInterval
    guard progress.step == training.steps || interval > 0 && progress.step % interval == 0 else {
      return nil
    }
    let loss = validationLoss()
    if loss.isFinite, loss < progress.bestLoss ?? .infinity { keepBest(loss) }
    return loss
  }

  /// Goes back to the best weights, with a new optimiser and a new average.
  private func beginRound() {
    if progress.bestLoss != nil { named.copy(from: best) }
    optimizer = AdaptiveOptimizer(named, training.optimizerSettings)
    average = average.map { WeightAverage(named, decay: $0.decay) }
    let loss = validationLoss()
    if progress.rounds?.beginRound(validationLoss: loss) == true { keepBest(loss) }
  }

  private func keepBest(_ loss: Double) {
    progress.bestLoss = loss
    best.copy(from: average?.averages ?? named)
  }

  // MARK: - Checkpoints

  /// Writes what a continuation needs into an existing folder.
  public func saveCheckpoint(to folder: URL) throws {
    let tensors =
      named.prefixed("model") + best.prefixed("best") + optimizer.state.prefixed("optimizer")
      + (average?.state.prefixed("average") ?? []) + [(name: "carried", tensor: state)]
    try SafeTensors.write(tensors, to: folder.appending(path: "state.safetensors"))
    try JSONEncoder().encode(progress).write(to: folder.appending(path: "state.json"))
  }

  /// Continues from a checkpoint of the same configuration, seed and series, with the same numbers.
  ///
  /// - Throws: `ModelDataError` for a checkpoint of another seed or course; `TensorError` for one of
  ///   another architecture.
  public func restore(from folder: URL) throws {
    let stored = try JSONDecoder().decode(
      Progress.self, from: Data(contentsOf: folder.appending(path: "state.json")))
    guard stored.seed == seed, stored.rounds?.schedule == progress.rounds?.schedule else {
      throw ModelDataError(
        "continuing from \(folder.path)", found: "of seed \(stored.seed), or of another course",
        allowed: "a checkpoint of seed \(seed) and the same course",
        remedy: "Continue with the recipe that the run was started with.")
    }
    let place = folder.appending(path: "state.safetensors")
    let tensors = try SafeTensors.read(place).tensors
    func part(_ prefix: String) -> [NamedTensor] {
      tensors.filter { $0.name.hasPrefix(prefix + ".") }
        .map { (String($0.name.dropFirst(prefix.count + 1)), $0.tensor) }
    }
    let carried = network.initialState(batchCount: training.batchSize)
    try [(name: "carried", tensor: carried)].load(tensors, from: place.path)
    try named.load(part("model"), from: place.path)
    try best.load(part("best"), from: place.path)
    try optimizer.load(state: part("optimizer"), from: place.path)
    try average?.load(state: part("average"), from: place.path)
    (state, progress, sequence) = (carried, stored, nil)
  }
}

extension [NamedTensor] {
  /// Overwrites these tensors with others of the same order and shapes.
  func copy(from others: [NamedTensor]) {
    withoutGradients {
      for (own, other) in zip(self, others) { own.tensor.copyInPlace(from: other.tensor) }
    }
  }
}
