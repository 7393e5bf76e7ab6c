// The course of a training on windows of series: sequences, steps, validation, rounds, checkpoints. What a
// window's loss is, an objective says: that of a propagator alone, or of a reduction and a propagator
// together. Everything random is addressed by (seed, step), so a training that continues from a checkpoint
// repeats the same numbers.
//
// Letters: B sequences, K inputs of a window.
package import Foundation
package import KymoNN
package import KymoNumerics
package import KymoTensor

/// What enters a window's loss besides its frames.
package struct WindowOptions {
  /// Which inputs are the network's own predictions; nil for none.
  package var own: OwnInputs?
  /// Noise for the inputs, of their shape; nil for none.
  package var noise: ((_ shape: [Int]) -> Tensor)?
  /// Whether weights are being trained; otherwise they are judged.
  package var isTraining: Bool
  /// Where masks of units are drawn from.
  package var dropout: RandomStream
  /// First step that counts in the loss.
  package var firstCounted: Int
}

/// What is trained on windows.
package protocol WindowObjective: AnyObject {
  /// What is trained.
  var trained: [NamedTensor] { get }
  /// What is kept with the weights but not trained.
  var buffers: [NamedTensor] { get }
  /// Where it is computed.
  var device: Device { get }
  /// The state before anything was seen.
  func initialState(batchCount: Int) -> Tensor
  /// The loss of a window of K + 1 frames, `[B, K + 1, width]`, as part of the graph.
  func loss(_ frames: Tensor, state: inout Tensor, options: WindowOptions) -> Tensor
}

/// Trains an objective on windows of series.
package final class WindowTrainer {
  private let objective: any WindowObjective
  private let training: PropagatorTraining
  private let seed: UInt64
  private let named: [NamedTensor]
  private let best: [NamedTensor]
  private let series: SeriesWindows
  private let validation: SeriesWindows
  private var optimizer: any Optimizer
  private var average: WeightAverage?
  private var state: Tensor
  private var sequence: (index: Int, frames: Tensor)?
  private var progress: Progress

  /// Number of finished steps.
  package var stepIndex: Int { progress.step }
  /// Inputs of a window, one of which is a step.
  package var windowLength: Int { training.windowLength }
  /// Steps of an epoch.
  package let stepsPerEpoch: Int
  /// The smallest validation loss so far; nil before the first.
  package var bestLoss: Double? { progress.bestLoss }

  /// What a continuation needs besides tensors.
  private struct Progress: Codable {
    var seed: UInt64
    var step = 0
    var seconds = 0.0
    var bestLoss: Double?
    var rounds: RoundProgress?
  }

  /// Prepares a training; settings and series are checked by the caller.
  package init(
    _ objective: any WindowObjective, training: PropagatorTraining, series: SeriesWindows,
    validation: SeriesWindows, seed: UInt64
  ) {
    (self.objective, self.training, self.seed) = (objective, training, seed)
    (self.series, self.validation) = (series, validation)
    named = objective.trained
    best = (named + objective.buffers).map { ($0.name, $0.tensor.detached().clone()) }
    optimizer = training.optimizer.optimizer(named, weightDecay: training.weightDecay)
    if training.weightAverage > 0 {
      average = WeightAverage(named, decay: training.weightAverage)
    }
    state = objective.initialState(batchCount: training.batchSize)
    stepsPerEpoch = max(1, series.inputCount / (training.batchSize * training.windowLength))
    progress = Progress(seed: seed)
    progress.rounds = training.rounds.map { RoundProgress($0) }
  }

  /// Number of steps of the whole training; an upper bound until a training by rounds has ended.
  package var totalSteps: Int {
    guard let rounds = training.rounds else { return training.steps }
    return isFinished ? stepIndex : rounds.maxEpochs * stepsPerEpoch
  }

  /// Whether there is nothing left to do.
  package var isFinished: Bool {
    training.rounds == nil ? stepIndex >= training.steps : progress.rounds?.ended != nil
  }

  /// Does one step, and the validation that is due after it.
  package func step() throws -> PropagatorStepReport {
    precondition(!isFinished, "WindowTrainer: the training is over")
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

  /// Goes to the best weights found.
  package func takeBest() {
    if progress.bestLoss != nil { (named + objective.buffers).copy(from: best) }
  }

  /// The loss on the validation series: with true inputs, or with free runs through each window where the
  /// training feeds predictions back.
  package func validationLoss() -> Double {
    let presentWeights = average.map { _ in named.map { ($0.name, $0.tensor.detached().clone()) } }
    if let average { named.copy(from: average.averages) }
    defer { if let presentWeights { named.copy(from: presentWeights) } }
    let isFree = training.scheduledSampling != .none || training.freeRunningSteps > 0
    return withoutGradients {
      let frames = validation.all(device: objective.device)
      let batch = frames.shape[0]
      var state = objective.initialState(batchCount: batch)
      var sum = 0.0
      for window in 0..<training.sequenceWindows {
        if !training.isStateful { state = objective.initialState(batchCount: batch) }
        let first = firstFree
        let own =
          isFree
          ? OwnInputs(
            (0..<batch).flatMap { _ in (0..<training.windowLength).map { $0 >= first } }) : nil
        sum +=
          objective.loss(
            self.window(window, of: frames), state: &state,
            options: WindowOptions(
              own: own, noise: nil, isTraining: false,
              dropout: RandomStream(seed: seed, purpose: .dropout),
              firstCounted: training.firstCounted)
          ).item
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
        index,
        series.draw(
          training.batchSize, beginnings: training.beginnings, within: training.windowLength,
          using: &random
        ).to(objective.device)
      )
    }
    guard let frames = sequence?.frames else { preconditionFailure("a sequence was just drawn") }
    if window == 0 { state = objective.initialState(batchCount: training.batchSize) }
    let (step, level) = (UInt64(progress.step), training.inputNoise)
    let noise = { [seed, device = objective.device] (shape: [Int]) -> Tensor in
      var random = RandomStream(seed: seed, purpose: .noise, index: step)
      return Tensor.normal(shape, using: &random, device: device) * level
    }
    return objective.loss(
      self.window(window, of: frames), state: &state,
      options: WindowOptions(
        own: ownInputs(), noise: level > 0 ? noise : nil, isTraining: true,
        dropout: RandomStream(seed: seed, purpose: .dropout, index: step),
        firstCounted: training.firstCounted))
  }

  /// The frames of a window, `[B, K + 1, width]`.
  private func window(_ index: Int, of frames: Tensor) -> Tensor {
    let first = index * training.windowLength
    return frames.sliced(axis: 1, from: first, to: first + training.windowLength + 1)
  }

  /// Which inputs of this step are predictions; nil when none can be.
  private func ownInputs() -> OwnInputs? {
    let epochs = Double(training.rounds?.maxEpochs ?? 0)
    let steps = Double(training.steps) / Double(stepsPerEpoch)
    let probability = training.scheduledSampling.probability(
      epoch: Double(progress.step) / Double(stepsPerEpoch), of: epochs > 0 ? epochs : steps)
    guard probability > 0 || training.freeRunningSteps > 0 else { return nil }
    var random = RandomStream(seed: seed, purpose: .sampling, index: UInt64(progress.step))
    let free = training.freeRunningSteps(atStep: progress.step)
    return OwnInputs(
      (0..<training.batchSize).flatMap { _ in
        let own = training.ownInputs(last: free, using: &random)
        return own.map { random.uniform() < probability || $0 }
      }, passesGradient: training.passesGradient)
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
    takeBest()
    optimizer = training.optimizer.optimizer(named, weightDecay: training.weightDecay)
    average = average.map { WeightAverage(named, decay: $0.decay) }
    let loss = validationLoss()
    if progress.rounds?.beginRound(validationLoss: loss) == true { keepBest(loss) }
  }

  private func keepBest(_ loss: Double) {
    progress.bestLoss = loss
    best.copy(from: (average?.averages ?? named) + objective.buffers)
  }

  // MARK: - Checkpoints

  /// Writes what a continuation needs into an existing folder.
  package func saveCheckpoint(to folder: URL) throws {
    let tensors =
      (named + objective.buffers).prefixed("model") + best.prefixed("best")
      + optimizer.state.prefixed("optimizer")
      + (average?.state.prefixed("average") ?? []) + [(name: "carried", tensor: state)]
    try SafeTensors.write(tensors, to: folder.appending(path: "state.safetensors"))
    try JSONEncoder().encode(progress).write(to: folder.appending(path: "state.json"))
  }

  /// Continues from a checkpoint of the same configuration, seed and series, with the same numbers.
  ///
  /// - Throws: `ModelDataError` for a checkpoint of another seed or course; `TensorError` for one of
  ///   another architecture.
  package func restore(from folder: URL) throws {
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
    let carried = objective.initialState(batchCount: training.batchSize)
    try [(name: "carried", tensor: carried)].load(tensors, from: place.path)
    try (named + objective.buffers).load(part("model"), from: place.path)
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
